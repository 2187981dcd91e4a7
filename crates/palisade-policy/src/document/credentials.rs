//! The section `credentials`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{amount::Span, at::At};

/// A secret: where it comes from, and how it is used.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// Where it comes from. It is read when the sandbox starts, outside.
    #[schemars(extend("examples" = [{"env": "GITHUB_TOKEN"}]))]
    pub(crate) from: Option<At<From>>,
    /// The header that carries it: `name: value`, with `{secret}` once in the value. Default for a
    /// provider: the header of its API.
    #[schemars(extend("examples" = ["authorization: Bearer {secret}"]))]
    pub(crate) header: Option<At<String>>,
    /// The field of a URL's query that carries it, in place of a header: `name=value`, with
    /// `{secret}` once in the value.
    #[schemars(extend("examples" = ["key={secret}"]))]
    pub(crate) query: Option<At<String>>,
    /// The access key that signs requests to AWS, in place of a header: `from` is its secret key. `aws: {}`: `from`
    /// is what a `credential_process` of AWS prints, with access key, secret key and session token.
    #[schemars(extend("examples" = [{"access_key": "AKIAIOSFODNN7EXAMPLE"}]))]
    pub(crate) aws: Option<At<Aws>>,
    /// The certificate to show to servers, a file with its chain (PEM): `from` is its key.
    #[schemars(extend("examples" = ["~/.config/client.pem"]))]
    pub(crate) certificate: Option<At<String>>,
    /// The variable that holds a placeholder inside.
    #[schemars(extend("examples" = ["GITHUB_TOKEN"]))]
    pub(crate) expose: Option<At<String>>,
    /// How often it is read anew. It is besides when a server does not take it (401).
    pub(crate) refresh: Option<At<Span>>,
    pub(crate) ssh: Option<At<Ssh>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum From {
    /// A variable of the operator's environment.
    Env(String),
    /// A file, whole, without the line end at its end.
    File(String),
    /// What a command prints: a program and its arguments as a list, or a line for `sh -c`.
    Command(Words),
    /// An entry of the desktop's key store, by its attributes.
    Keyring(BTreeMap<String, String>),
    /// A secret server that speaks Vault's HTTP.
    Vault(Vault),
    /// Access tokens of a server that speaks OAuth 2.
    Oauth2(OAuth2),
}

/// How access tokens are had (RFC 6749): with a refresh token, if there is one, else by the client's own
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OAuth2 {
    /// Where tokens are given out, `https`, or `http` at a loopback address.
    #[schemars(extend("examples" = ["https://auth.example.com/oauth/token"]))]
    pub(crate) token_url: String,
    /// The client's name at that server.
    #[schemars(extend("examples" = ["my-client"]))]
    pub(crate) client_id: String,
    /// The client's secret, if it has one.
    pub(crate) client_secret: Option<Kept>,
    /// The refresh token.
    pub(crate) refresh_token: Option<Kept>,
    /// What the tokens are to be good for, with blanks between.
    #[schemars(extend("examples" = ["read write"]))]
    pub(crate) scope: Option<String>,
}

/// A key that signs requests (Signature Version 4).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aws {
    /// The access key's id, which is no secret.
    #[schemars(extend("examples" = ["AKIAIOSFODNN7EXAMPLE"]))]
    pub(crate) access_key: Option<String>,
}

/// A field of a secret in a server's key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vault {
    /// The server, `https`, or `http` at a loopback address.
    #[schemars(extend("examples" = ["https://vault.internal:8200"]))]
    pub(crate) url: String,
    /// The path of the secret in its store.
    #[schemars(extend("examples" = ["ci/github"]))]
    pub(crate) path: String,
    /// The field of the secret. Default: `value`.
    #[schemars(extend("examples" = ["token"]))]
    pub(crate) field: Option<String>,
    /// Where the store is mounted. Default: `secret`.
    #[schemars(extend("examples" = ["secret"]))]
    pub(crate) mount: Option<String>,
    /// The version of the key-value store, 1 or 2. Default: 2.
    #[schemars(range(min = 1, max = 2), extend("examples" = [2]))]
    pub(crate) version: Option<u64>,
    /// The namespace, where the server has any.
    #[schemars(extend("examples" = ["team"]))]
    pub(crate) namespace: Option<String>,
    /// What opens the server.
    pub(crate) token: Kept,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kept {
    /// A variable of the operator's environment.
    Env(String),
    /// A file.
    File(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Words {
    Line(String),
    List(Vec<String>),
}

/// SSH keys that sign outside, through an agent's socket.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ssh {
    /// Fingerprints of keys that the operator's own agent has, as `ssh-add -l` prints them.
    #[schemars(extend("examples" = [["SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDPSwBwYTiI9Cme0pc"]]))]
    pub(crate) keys: Vec<At<String>>,
    /// Where they may be used: whole names, known by the operator's `known_hosts`.
    #[schemars(extend("examples" = [["github.com"]]))]
    pub(crate) hosts: Vec<At<String>>,
}
