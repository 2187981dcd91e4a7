//! Secrets, and where they are put; nothing of them is inside.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use palisade_core::HostName;
use serde::Serialize;

/// Keys of the operator's ssh agent, and where they may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SshKeys {
    /// Fingerprints: `SHA256:` and 43 characters.
    pub keys: BTreeSet<String>,
    /// The hosts.
    pub hosts: BTreeSet<HostName>,
}

/// A secret that requests carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credential {
    /// Its name in the policy.
    pub name: String,
    /// Where the secret is.
    pub from: SecretSource,
    /// Where in a request it is; `None` where a provider's API says so, and for what no request carries.
    pub place: Option<Place>,
    /// The certificate, of which the secret is the key.
    #[serde(serialize_with = "crate::digest::exact_or_none")]
    pub certificate: Option<PathBuf>,
    /// The variable that holds the placeholder inside.
    pub expose: Option<String>,
    /// How often it is read anew.
    pub refresh: Option<Duration>,
}

/// Where in a request a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Place {
    /// In a header: a template `name: value` with `{secret}` once. `base64(…)` in the value is encoded.
    Header(String),
    /// In a field of the query: a template `name=value` with `{secret}` once.
    Query(String),
    /// Nowhere: it signs, for a key of AWS.
    Aws(AwsKey),
}

/// A key of AWS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum AwsKey {
    /// That of this access key: the secret is its secret key.
    Named(String),
    /// All of it is in the secret, as a `credential_process` prints it, with a session token.
    Printed,
}

/// A secret by its source, and the header that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderCredential {
    /// Its name in the policy.
    pub name: String,
    /// Where the secret is.
    pub from: SecretSource,
    /// A header template with `{secret}` once.
    pub header: String,
    /// The variable that holds the placeholder inside.
    pub expose: Option<String>,
    /// The key of AWS of which the secret signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsKey>,
    /// How often it is read anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Duration>,
}

/// Where a secret is, read by the supervisor when the sandbox starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum SecretSource {
    /// A variable of the operator's environment.
    Env(String),
    /// A file, whole, without the line end at its end.
    File(#[serde(serialize_with = "crate::digest::exact")] PathBuf),
    /// A command's standard output, without the line end at its end. A program with its arguments; no shell.
    Command(Vec<String>),
    /// The entry of the desktop's key store with these attributes.
    Keyring(BTreeMap<String, String>),
    /// A field in the key-value store of a server that speaks Vault's HTTP.
    Vault(Vault),
    /// Access tokens of a server that speaks OAuth 2.
    OAuth2(OAuth2),
}

/// How access tokens are had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OAuth2 {
    /// Where: `https`, or `http` at a loopback address.
    pub token_url: String,
    /// The client's name there.
    pub client_id: String,
    /// The client's secret: a variable or a file.
    pub client_secret: Option<Box<SecretSource>>,
    /// The refresh token, likewise. Without one the client's own credentials are used.
    pub refresh_token: Option<Box<SecretSource>>,
    /// What the tokens are to be good for.
    pub scope: Option<String>,
}

/// A field of a secret in a server's key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vault {
    /// The server's URL: `https`, or `http` at a loopback address; without a path.
    pub url: String,
    /// Where the store is mounted, without slashes at its ends.
    pub mount: String,
    /// The path in it, without slashes at its ends.
    pub path: String,
    /// The field.
    pub field: String,
    /// 1 or 2.
    pub version: u8,
    /// The namespace, if any.
    pub namespace: Option<String>,
    /// What opens the server: a variable or a file.
    pub token: Box<SecretSource>,
}

impl SecretSource {
    /// The variables of the operator's environment that it reads.
    pub fn variables(&self) -> Vec<&str> {
        match self {
            SecretSource::Env(variable) => vec![variable],
            SecretSource::Vault(vault) => vault.token.variables(),
            SecretSource::OAuth2(oauth2) => {
                let kept = oauth2.client_secret.iter().chain(&oauth2.refresh_token);
                kept.flat_map(|from| from.variables()).collect()
            }
            SecretSource::File(_) | SecretSource::Command(_) | SecretSource::Keyring(_) => vec![],
        }
    }
}
