//! The document as it is written: one type a section. Meaning is checked elsewhere.
//!
//! The comments on what is read from a document are the descriptions of its JSON Schema.

mod alarms;
mod audit;
mod taint;

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use palisade_hooks::Event;
use schemars::{JsonSchema, Schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

pub(crate) use self::alarms::{ActionWord, Alarms, Canaries};
pub(crate) use self::audit::{
    Audit, LockMode, Otlp, OtlpProtocol, Retain, Ship, Signal, Switch, Syslog, UrlOr, Webhook,
};
pub(crate) use self::taint::{Taint, UntrustedWord};
use crate::{
    amount::{Size, Span},
    at::{At, Given},
};

/// What one kind of sandbox may do. Everything not named is denied.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Palisade policy")]
pub(crate) struct Document {
    /// The schema's version: 1.
    #[schemars(required, with = "u64", extend("const" = 1))]
    pub(crate) palisade: Option<At<u64>>,
    /// Built-in profiles by name, or files by path (with a `/` or a `.` in it), that this policy
    /// builds on. Lists add up; of other values the nearest wins; a deny always wins.
    #[serde(default)]
    #[schemars(extend("examples" = [["claude-code"]]))]
    pub(crate) extends: Vec<At<String>>,
    pub(crate) filesystem: Option<Filesystem>,
    pub(crate) network: Option<Network>,
    /// Secrets by name. They stay outside; inside there is a placeholder.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<String, At<Credential>>,
    pub(crate) process: Option<Process>,
    pub(crate) inference: Option<Inference>,
    pub(crate) permissions: Option<At<Permissions>>,
    /// What one program alone gets besides, by the program's name. Its children do not inherit it.
    pub(crate) commands: Option<At<BTreeMap<String, At<CommandGrant>>>>,
    pub(crate) hooks: Option<At<Hooks>>,
    pub(crate) skills: Option<At<Skills>>,
    pub(crate) approvals: Option<At<Approvals>>,
    pub(crate) audit: Option<At<Audit>>,
    pub(crate) alarms: Option<At<Alarms>>,
    pub(crate) taint: Option<At<Taint>>,
}

/// What the agent sees of the host's files. Nothing else exists inside.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filesystem {
    #[schemars(extend("examples" = [{"path": ".", "access": "rw"}]))]
    pub(crate) workspace: Option<At<Workspace>>,
    /// Files and folders to read and execute. `~` is the home; a relative path starts at the
    /// policy's folder. No wildcards.
    #[serde(default)]
    #[schemars(extend("examples" = [["/usr", "~/.gitconfig"]]))]
    pub(crate) read: Given<Vec<At<String>>>,
    /// Files and folders to read, execute and change.
    #[serde(default)]
    #[schemars(extend("examples" = [["~/.claude"]]))]
    pub(crate) write: Given<Vec<At<String>>>,
    /// Files, folders or globs that are not shown, whatever grants them: `*` stands for any
    /// characters of one name, `**` for any depth.
    #[serde(default)]
    #[schemars(extend("examples" = [["~/.ssh", "**/.env"]]))]
    pub(crate) deny: Vec<At<String>>,
}

/// The folder to work on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workspace {
    /// Its path. Default: the folder that palisade is started in.
    #[schemars(extend("examples" = ["."]))]
    pub(crate) path: Option<At<String>>,
    /// What the agent may do there. Default: `rw`.
    pub(crate) access: Option<At<AccessWord>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccessWord {
    /// Read and change, but not what the host runs or believes later (`.git/hooks` and its like).
    Rw,
    /// Read only.
    Ro,
    /// Changes are kept apart until the operator takes them.
    Overlay,
}

/// Where connections may go. Nowhere, unless a rule says so.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// What happens to a connection that no rule names. Default: `deny`.
    pub(crate) unknown: Option<At<Unknown>>,
    /// Fixed addresses of names, before the host's own resolver.
    #[serde(default)]
    #[schemars(extend("examples" = [{"db.internal": ["10.1.2.3"]}]))]
    pub(crate) hosts: Given<BTreeMap<String, At<Vec<At<String>>>>>,
    /// Ports of the sandbox to publish on the host's loopback, for you alone. Default: none.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)), extend("examples" = [[3000]]))]
    pub(crate) expose: Given<Vec<At<u64>>>,
    /// The proxy that connections leave by, where this network has one. Default: none.
    #[schemars(extend("examples" = [{"proxy": "http://proxy.corp:3128"}]))]
    pub(crate) upstream: Option<At<Upstream>>,
    /// What may be connected to. Any one rule suffices.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"hosts": ["api.github.com"]}]]))]
    pub(crate) rules: Given<Vec<At<NetworkRule>>>,
}

/// A proxy of the operator's, and what is dialled without it. Nothing in a sandbox changes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// The proxy: `http://host:port`, or `http://user@host:port` where it asks who it is.
    #[schemars(extend("examples" = ["http://proxy.corp:3128"]))]
    pub(crate) proxy: At<String>,
    /// The credential that opens it (basic): its secret is the password, or `user:password` where `proxy` names
    /// no user.
    #[schemars(extend("examples" = ["proxy"]))]
    pub(crate) credential: Option<At<String>>,
    /// Names, addresses and networks that are dialled without it. This machine and link-local addresses always
    /// are.
    #[serde(default)]
    #[schemars(extend("examples" = [["**.corp", "10.0.0.0/8"]]))]
    pub(crate) except: Given<Vec<At<String>>>,
    /// Who finds the addresses of names. Default: `here`, and each address is judged.
    pub(crate) resolve: Option<At<ResolveWord>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ResolveWord {
    /// Palisade does, and asks the proxy for an address that may be connected to.
    Here,
    /// The proxy does. Which addresses it connects to is its own business: none is judged.
    Proxy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unknown {
    /// It is denied.
    Deny,
    /// It is asked; no answer in time denies it.
    Ask,
}

/// Hosts and ports, and what may be done there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkRule {
    /// A name for the journal and for `commands`. Default: the rule's number.
    #[schemars(extend("examples" = ["github"]))]
    pub(crate) name: Option<At<String>>,
    /// Names: `*.` stands for one label, `**.` for any depth. Without hosts it is a rule for bare
    /// addresses.
    #[serde(default)]
    #[schemars(extend("examples" = [["api.github.com", "*.githubusercontent.com"]]))]
    pub(crate) hosts: Vec<At<String>>,
    /// TCP ports. Default: 443.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)), extend("examples" = [[443]]))]
    pub(crate) ports: Given<Vec<At<u64>>>,
    /// Kinds of DNS records of its hosts that are asked for outside, besides addresses. Only for whole names.
    /// Default: none.
    #[serde(default)]
    #[schemars(extend("examples" = [["SRV", "TXT"]]))]
    pub(crate) records: Given<Vec<At<Record>>>,
    /// Programs that may use it: paths or globs of the real executable inside, which lies where the agent cannot
    /// write, or `sha256:` and a digest. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["/usr/bin/git", "**/bin/node"]]))]
    pub(crate) binaries: Given<Vec<At<String>>>,
    /// Addresses and networks that are not public and may be reached all the same. Link-local and
    /// cloud metadata addresses count only as a whole single address.
    #[serde(default)]
    #[schemars(extend("examples" = [["10.1.2.0/24"]]))]
    pub(crate) addresses: Vec<At<String>>,
    /// Whether TLS is looked into. Default: `inspect` where `http`, `credential` or `client_certificate`
    /// is set.
    pub(crate) tls: Option<At<Tls>>,
    /// HTTP requests. The first that matches wins; none matches: denied. Default: any request.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"allow": {"methods": ["GET"], "paths": ["/repos/**"]}}]]))]
    pub(crate) http: Given<Vec<At<HttpRule>>>,
    /// A credential that is put into its requests outside.
    #[schemars(extend("examples" = ["github"]))]
    pub(crate) credential: Option<At<String>>,
    /// A credential with a certificate, which servers of its requests are shown outside.
    #[schemars(extend("examples" = ["mutual-tls"]))]
    pub(crate) client_certificate: Option<At<String>>,
    /// How much may go to its hosts and ports, by whichever rule.
    pub(crate) limits: Option<At<RuleLimits>>,
    /// A condition in CEL: where it does not hold, the rule permits and refuses nothing.
    #[schemars(extend("examples" = ["now.hour >= 8 && now.hour < 18"]))]
    pub(crate) when: Option<At<String>>,
}

/// A kind of DNS record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Record {
    /// Where a service is.
    Srv,
    /// Where mail goes.
    Mx,
    /// Text.
    Txt,
}

/// The most that may go to a rule's hosts and ports. What is left out has no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleLimits {
    /// HTTP requests in any minute.
    #[schemars(range(min = 1, max = 100_000), extend("examples" = [60]))]
    pub(crate) requests_per_minute: Option<At<u64>>,
    /// Bytes that are sent in a session, on all connections together.
    pub(crate) sent: Option<At<Size>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    /// Decrypt, and look at each request.
    Inspect,
    /// Check the name only.
    Passthrough,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HttpRule {
    /// Permit such requests.
    Allow(HttpMatch),
    /// Refuse such requests, whatever other rules permit.
    Deny(HttpMatch),
}

/// Which requests. What is left out stands for any; all that is written must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpMatch {
    /// Servers among those of the rule. Default: all of them.
    #[serde(default)]
    #[schemars(extend("examples" = [["api.github.com"]]))]
    pub(crate) hosts: Given<Vec<At<String>>>,
    /// Methods in capitals, or `*`.
    #[serde(default)]
    #[schemars(extend("examples" = [["GET", "HEAD"]]))]
    pub(crate) methods: Given<Vec<At<String>>>,
    /// Path globs from the root: `*` stands for any characters of one name, `**` for any number of
    /// names. Written decoded; a slash that is no separator is `%2f`.
    #[serde(default)]
    #[schemars(extend("examples" = [["/repos/**"]]))]
    pub(crate) paths: Given<Vec<At<String>>>,
    /// Query parameters that must be there, each with its values; `*` stands for any characters.
    #[serde(default)]
    #[schemars(extend("examples" = [{"state": ["open", "closed"]}]))]
    pub(crate) query: Given<BTreeMap<String, At<Vec<At<String>>>>>,
    /// Header fields that must be there, each with its values; `*` stands for any characters.
    #[serde(default)]
    #[schemars(extend("examples" = [{"accept": ["application/json*"]}]))]
    pub(crate) headers: Given<BTreeMap<String, At<Vec<At<String>>>>>,
    /// Messages of JSON-RPC, and tools of MCP, in the body.
    pub(crate) json_rpc: Option<At<JsonRpc>>,
    /// Operations of GraphQL, in the body or in the query.
    pub(crate) graphql: Option<At<Graphql>>,
}

/// Which messages of JSON-RPC. Of a batch, each is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonRpc {
    /// Methods; `*` stands for any characters. Default: any, or `tools/call` alone where there are `tools`.
    #[serde(default)]
    #[schemars(extend("examples" = [["initialize", "notifications/*", "tools/list"]]))]
    pub(crate) methods: Given<Vec<At<String>>>,
    /// The tools of MCP's `tools/call`; `*` stands for any characters. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["read_*", "search"]]))]
    pub(crate) tools: Given<Vec<At<String>>>,
}

/// Which operations of GraphQL. Of a document with several, each is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Graphql {
    /// What they do. Default: anything.
    #[serde(default)]
    #[schemars(extend("examples" = [["query"]]))]
    pub(crate) operations: Given<Vec<At<GraphqlWord>>>,
    /// Names of operations; `*` stands for any characters. The client is free to call an operation
    /// anything.
    #[serde(default)]
    #[schemars(extend("examples" = [["Get*"]]))]
    pub(crate) names: Given<Vec<At<String>>>,
    /// Fields of the root; `*` stands for any characters.
    #[serde(default)]
    #[schemars(extend("examples" = [["viewer", "repository"]]))]
    pub(crate) fields: Given<Vec<At<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GraphqlWord {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Reads on and on.
    Subscription,
}

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

/// Limits, system calls and the environment of the agent and of all that it starts.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Process {
    pub(crate) limits: Option<Limits>,
    pub(crate) syscalls: Option<Syscalls>,
    pub(crate) environment: Option<Environment>,
}

/// The most that may be used. What is left out has no limit of Palisade's.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Memory of all processes together, swap and what lies in scratch folders included.
    pub(crate) memory: Option<At<Size>>,
    /// Processes and threads together.
    #[schemars(extend("examples" = [512]))]
    pub(crate) processes: Option<At<u64>>,
    /// Processor time, as a number of processors; parts of one count.
    #[schemars(extend("examples" = [2, 0.5]))]
    pub(crate) cpus: Option<At<f64>>,
    /// Open files of one process.
    #[schemars(extend("examples" = [4096]))]
    pub(crate) open_files: Option<At<u64>>,
    /// How much the writable folders of the host may grow together; also the size of one file.
    pub(crate) disk: Option<At<Size>>,
    /// What the private folders in memory (`/tmp`, the home) hold together.
    pub(crate) scratch: Option<At<Size>>,
    /// How long the session may last.
    pub(crate) wall_time: Option<At<Span>>,
}

/// Changes to the list of system calls.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Syscalls {
    /// The list that is changed. Default: `agent`.
    pub(crate) profile: Option<At<SyscallProfile>>,
    /// Calls to allow besides, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [["ptrace"]]))]
    pub(crate) allow: Given<Vec<At<String>>>,
    /// Calls to refuse, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [["inotify_init1"]]))]
    pub(crate) deny: Vec<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SyscallProfile {
    /// The built-in list for agents and what they run.
    Agent,
}

/// The environment inside. Nothing else of the host's is there.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// Variables of the host to pass; a `*` at the end takes all that begin so.
    #[serde(default)]
    #[schemars(extend("examples" = [["TERM", "LC_*"]]))]
    pub(crate) pass: Given<Vec<At<String>>>,
    /// Variables to set. They win over passed ones.
    #[serde(default)]
    #[schemars(extend("examples" = [{"CI": "1"}]))]
    pub(crate) set: BTreeMap<String, At<String>>,
}

/// Models, and who answers for them. Inside they are at `http://inference.local`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inference {
    /// Who answers, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{"local": {"api": "openai", "url": "http://127.0.0.1:8000/v1"}}]))]
    pub(crate) providers: Given<BTreeMap<String, At<Provider>>>,
    /// Which models go where. The first that matches wins; none matches: denied.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"model": "claude-*", "to": "anthropic"}]]))]
    pub(crate) routes: Given<Vec<At<Route>>>,
    pub(crate) limits: Option<At<InferenceLimits>>,
    /// The tools that may run at a provider. None is allowed that is not named here.
    #[serde(default)]
    #[schemars(extend("examples" = [["web_search"]]))]
    pub(crate) server_tools: Given<Vec<At<ServerToolWord>>>,
    /// What becomes of a request with the result of a tool call that was not let go in this session.
    pub(crate) tool_results: Option<At<ResultsWord>>,
    /// What is taken out of what goes to a model.
    #[serde(default)]
    #[schemars(extend("examples" = [["secrets"]]))]
    pub(crate) redact: Vec<Redact>,
    /// Whether marks of `redact` are turned back in answers, where the agent had sent the secret itself. Default: no.
    pub(crate) restore: Option<At<bool>>,
    /// What becomes of results of tools that look as if somebody spoke to the model through them.
    pub(crate) guard: Option<At<GuardWord>>,
    /// What marks a prompt as one that only local providers may have: it goes to one of these, or nowhere.
    #[schemars(extend("examples" = [{"find": ["secrets"], "texts": ["Project Falcon"]}]))]
    pub(crate) local_only: Option<At<LocalOnly>>,
}

/// What only local providers may have.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalOnly {
    /// What is found by its form.
    #[serde(default)]
    #[schemars(extend("examples" = [["secrets", "cards"]]))]
    pub(crate) find: Vec<At<SensitiveWord>>,
    /// Words, whatever the case of ASCII letters.
    #[serde(default)]
    #[schemars(extend("examples" = [["Project Falcon"]]))]
    pub(crate) texts: Vec<At<String>>,
    /// Regular expressions, without backreferences.
    #[serde(default)]
    #[schemars(extend("examples" = [["\\bPF-[0-9]{6}\\b"]]))]
    pub(crate) patterns: Vec<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SensitiveWord {
    /// What `redact: [secrets]` looks for.
    Secrets,
    /// Numbers of payment cards.
    Cards,
}

/// A place that answers model calls.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    /// What it speaks.
    pub(crate) api: At<ApiWord>,
    /// Its base URL, without a key, a query or a fragment.
    #[schemars(extend("examples" = ["https://api.anthropic.com"]))]
    pub(crate) url: At<String>,
    /// The credential that opens it.
    #[schemars(extend("examples" = ["anthropic"]))]
    pub(crate) credential: Option<At<String>>,
    /// Whether what goes there stays with you, for `local_only`. Default: so it is at loopback and private
    /// addresses.
    pub(crate) local: Option<bool>,
    /// The region of `bedrock`. Default: the one that its URL names.
    #[schemars(extend("examples" = ["us-east-1"]))]
    pub(crate) region: Option<At<String>>,
    /// The project of `vertex`.
    #[schemars(extend("examples" = ["my-project"]))]
    pub(crate) project: Option<At<String>>,
    /// The location of `vertex`.
    #[schemars(extend("examples" = ["us-east5"]))]
    pub(crate) location: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ApiWord {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions and Responses.
    Openai,
    /// Gemini `generateContent`.
    Gemini,
    /// Claude on Amazon Bedrock. Clients speak Anthropic Messages.
    Bedrock,
    /// Claude on Google Vertex AI. Clients speak Anthropic Messages.
    Vertex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServerToolWord {
    /// Searching the web.
    WebSearch,
    /// Fetching pages.
    WebFetch,
    /// Running code in a container of the provider's.
    CodeExecution,
    /// Searching files that were given to the provider.
    FileSearch,
    /// Making images.
    ImageGeneration,
    /// Calling MCP servers from there.
    Mcp,
    /// Searching the tools that a request offers.
    ToolSearch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ResultsWord {
    /// It is recorded.
    Observe,
    /// It is refused.
    Block,
}

/// Which models go to which provider.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// A model's name; `*` stands for any characters.
    #[schemars(extend("examples" = ["claude-*"]))]
    pub(crate) model: At<String>,
    /// A provider's name.
    #[schemars(extend("examples" = ["anthropic"]))]
    pub(crate) to: At<String>,
    /// The name that the provider gets instead.
    #[serde(rename = "as")]
    #[schemars(extend("examples" = ["nemotron-3-super"]))]
    pub(crate) rename: Option<At<String>>,
    /// Its share of the calls, against those of `fallback`. Default: 1.
    #[schemars(extend("examples" = [3]))]
    pub(crate) weight: Option<At<u64>>,
    /// Who is asked next, in this order, when one is not reached, has no room (429), fails (5xx) or does
    /// not begin in time.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"to": "local", "as": "qwen3"}]]))]
    pub(crate) fallback: Vec<At<Fallback>>,
}

/// Another provider for the models of a route.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fallback {
    /// A provider's name.
    #[schemars(extend("examples" = ["local"]))]
    pub(crate) to: At<String>,
    /// The name of the model that the provider gets instead.
    #[serde(rename = "as")]
    #[schemars(extend("examples" = ["qwen3"]))]
    pub(crate) rename: Option<At<String>>,
    /// Its share of the calls that it gets first. Default: 0, none.
    #[schemars(extend("examples" = [1]))]
    pub(crate) weight: Option<At<u64>>,
}

/// The most that models may be used. Those of each document hold, side by side.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InferenceLimits {
    /// Calls in any minute.
    #[schemars(extend("examples" = [60]))]
    pub(crate) requests_per_minute: Option<At<u64>>,
    /// Tokens in any minute, both ways.
    #[schemars(extend("examples" = [400_000]))]
    pub(crate) tokens_per_minute: Option<At<u64>>,
    /// Tokens in a day of UTC, both ways.
    #[schemars(extend("examples" = [5_000_000]))]
    pub(crate) tokens_per_day: Option<At<u64>>,
    /// Tokens in one session, both ways.
    #[schemars(extend("examples" = [1_000_000]))]
    pub(crate) tokens_per_session: Option<At<u64>>,
    /// US dollars in a day of UTC, by `prices`.
    #[schemars(extend("examples" = [20]))]
    pub(crate) usd_per_day: Option<At<f64>>,
    /// US dollars in one session, by `prices`.
    #[schemars(extend("examples" = [5]))]
    pub(crate) usd_per_session: Option<At<f64>>,
    /// Calls of one sandbox at one time.
    #[schemars(extend("examples" = [8]))]
    pub(crate) concurrent: Option<At<u64>>,
    /// Tokens that one answer may have. A call that asks for more gets this.
    #[schemars(extend("examples" = [32_000]))]
    pub(crate) max_tokens: Option<At<u64>>,
    /// Names of tools that a call may offer to a model; `*` stands for any characters. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["Bash", "Read", "mcp__docs__*"]]))]
    pub(crate) tools: Given<Vec<At<String>>>,
    /// Names of betas (`anthropic-beta`, `openai-beta`) that a call may switch on; `*` stands for any
    /// characters. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["interleaved-thinking-*"]]))]
    pub(crate) betas: Given<Vec<At<String>>>,
    /// What models cost, before the built-in prices. The first that fits decides.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"model": "my-model-*", "input": 3, "output": 15}]]))]
    pub(crate) prices: Vec<At<PriceEntry>>,
}

/// What tokens of some models cost, in US dollars for a million.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceEntry {
    /// A model's name, as the provider gets it; `*` stands for any characters.
    #[schemars(extend("examples" = ["my-model-*"]))]
    pub(crate) model: At<String>,
    /// Of a prompt.
    #[schemars(extend("examples" = [3]))]
    pub(crate) input: At<f64>,
    /// Of an answer.
    #[schemars(extend("examples" = [15]))]
    pub(crate) output: At<f64>,
    /// Of a prompt found in the provider's cache. Default: what a prompt costs.
    #[schemars(extend("examples" = [0.3]))]
    pub(crate) cache_read: Option<At<f64>>,
    /// Of a prompt put into it. Default: what a prompt costs.
    #[schemars(extend("examples" = [3.75]))]
    pub(crate) cache_write: Option<At<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GuardWord {
    /// It is recorded.
    Observe,
    /// The model is told besides, before the text.
    Annotate,
    /// The model gets a note in place of the text.
    Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Redact {
    /// The policy's own credentials, what denied files hold, and keys of known forms.
    Secrets,
}

/// Permission rules, of Claude Code's grammar and meaning: deny, then ask, then allow, then mode.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Permissions {
    /// What happens to a tool call that no rule names. Default: `default`.
    pub(crate) mode: Option<At<Mode>>,
    /// Tool calls that are permitted.
    #[serde(default)]
    #[schemars(extend("examples" = [["Bash(npm run *)", "Read"]]))]
    pub(crate) allow: Given<Vec<At<Permission>>>,
    /// Tool calls that are asked.
    #[serde(default)]
    #[schemars(extend("examples" = [["Bash(git push *)"]]))]
    pub(crate) ask: Vec<At<Permission>>,
    /// Tool calls that are refused.
    #[serde(default)]
    #[schemars(extend("examples" = [["Read(./.env)"]]))]
    pub(crate) deny: Vec<At<Permission>>,
}

/// A permission rule, alone or with a condition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "a rule such as `Bash(npm run *)`, or `{rule: …, when: …}`")]
pub(crate) enum Permission {
    /// The rule.
    Always(String),
    /// The rule, and when it counts.
    When(PermissionWhen),
}

/// A permission rule with a condition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermissionWhen {
    /// The rule, such as `Bash(git push *)`.
    pub(crate) rule: String,
    /// A condition in CEL: where it does not hold, the rule does not count.
    #[schemars(extend("examples" = ["now.hour >= 8 && now.hour < 18"]))]
    pub(crate) when: String,
}

impl Permission {
    /// The rule's text.
    pub(crate) fn rule(&self) -> &str {
        match self {
            Permission::Always(rule) => rule,
            Permission::When(conditional) => &conditional.rule,
        }
    }

    /// The condition's text.
    pub(crate) fn when(&self) -> Option<&str> {
        match self {
            Permission::Always(_) => None,
            Permission::When(conditional) => Some(&conditional.when),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    /// Ask.
    Default,
    /// Permit edits in the workspace, ask for the rest.
    AcceptEdits,
    /// Permit only what reads.
    Plan,
    /// Deny.
    DontAsk,
    /// Permit.
    BypassPermissions,
}

/// What one program gets besides.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandGrant {
    /// Network rules by name, for this program alone.
    #[serde(default)]
    #[schemars(extend("examples" = [["github"]]))]
    pub(crate) network: Vec<At<String>>,
    /// Credentials by name, for this program alone.
    #[serde(default)]
    #[schemars(extend("examples" = [["github"]]))]
    pub(crate) credentials: Vec<At<String>>,
}

/// Programs and servers that decide, by event, of Claude Code's events and protocol. They run outside, as the
/// operator.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[schemars(transform = only_known_events)]
pub(crate) struct Hooks {
    /// What a hook that fails, hangs or answers nonsense means. Default: `deny`.
    pub(crate) on_error: Option<At<OnError>>,
    #[schemars(flatten)]
    #[serde(flatten)]
    pub(crate) events: BTreeMap<String, At<Vec<At<HookMatcher>>>>,
}

/// The events that a hook can be for: Claude Code's, and Palisade's own.
static EVENTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut events: Vec<&str> = Event::all().map(Event::name).collect();
    events.sort_unstable();
    events
});

/// A schema for any key becomes one for each event.
fn only_known_events(schema: &mut Schema) {
    let Some(matchers) = schema.remove("additionalProperties") else { return };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(EVENTS.iter().map(|event| ((*event).to_owned(), matchers.clone())));
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
}

impl<'de> Deserialize<'de> for Hooks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Of;

        impl<'de> Visitor<'de> for Of {
            type Value = Hooks;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("events with their hooks")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Hooks, A::Error> {
                let mut hooks = Hooks::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "on_error" {
                        hooks.on_error = map.next_value()?;
                    } else if EVENTS.contains(&key.as_str()) {
                        hooks.events.insert(key, map.next_value()?);
                    } else {
                        return Err(serde::de::Error::unknown_field(&key, &EVENTS));
                    }
                }
                Ok(hooks)
            }
        }

        deserializer.deserialize_map(Of)
    }
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnError {
    /// Deny.
    Deny,
    /// Ask.
    Ask,
    /// Go on as if there were no such hook.
    Allow,
}

/// Hooks for some tools, or for some of whatever the event is about.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HookMatcher {
    /// Which tools, hosts or models: an exact name, several with `|` between, or a regular expression. Default:
    /// all.
    #[schemars(extend("examples" = ["Bash"]))]
    pub(crate) matcher: Option<At<String>>,
    /// What to run.
    #[schemars(extend("examples" = [[{"type": "command", "command": "./hooks/check.sh"}]]))]
    pub(crate) hooks: Vec<At<Hook>>,
}

/// A program or a server that decides.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    /// What kind of hook it is.
    #[serde(rename = "type")]
    pub(crate) kind: HookKind,
    /// A line for `sh -c`, or with `args` the program. A relative path starts at the policy's folder.
    #[schemars(extend("examples" = ["./hooks/check.sh"]))]
    pub(crate) command: Option<At<String>>,
    /// Arguments for the program. No shell is between then.
    #[schemars(extend("examples" = [["--strict"]]))]
    pub(crate) args: Option<Vec<At<String>>>,
    /// The server's URL: `https`, or `http` at a loopback address.
    #[schemars(extend("examples" = ["https://hooks.example.com/pre-tool-use"]))]
    pub(crate) url: Option<At<String>>,
    /// Header fields for the server; `$NAME` stands for a variable of the operator that is allowed.
    #[serde(default)]
    #[schemars(extend("examples" = [{"authorization": "Bearer $HOOK_TOKEN"}]))]
    pub(crate) headers: BTreeMap<String, At<String>>,
    /// Variables of the operator that may stand in `headers`.
    #[serde(default, rename = "allowedEnvVars")]
    #[schemars(extend("examples" = [["HOOK_TOKEN"]]))]
    pub(crate) variables: Vec<At<String>>,
    /// A permission rule that narrows the matcher further.
    #[serde(rename = "if")]
    #[schemars(extend("examples" = ["Bash(git *)"]))]
    pub(crate) only_if: Option<At<String>>,
    /// Seconds that it may take. Default: 600; 30 where it holds up a connection, a request or a prompt.
    #[schemars(range(min = 1, max = 3600), extend("examples" = [10]))]
    pub(crate) timeout: Option<At<u64>>,
    /// Whether it runs once in a session.
    pub(crate) once: Option<bool>,
    /// Whether nobody waits for it. It then decides nothing.
    #[serde(rename = "async")]
    pub(crate) detached: Option<At<bool>>,
    /// What an agent shows meanwhile. Not used here.
    #[serde(rename = "statusMessage")]
    pub(crate) status_message: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HookKind {
    /// A program for each event.
    Command,
    /// A server, by HTTP.
    Http,
    /// One program for all events: a line of JSON in, a line of JSON out.
    Worker,
}

/// Which skills are in the sandbox. The strictest of all documents counts.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skills {
    /// What must have happened to a skill. More than `any`: the folders of agents hold skills of the lock
    /// alone, and nothing can be put there.
    pub(crate) require: Option<SkillState>,
    /// Findings of this severity and up keep a skill of the lock out.
    pub(crate) block: Option<Severity>,
    /// What the programs of a skill of the lock may do at most, by its name. It permits nothing by itself: they get what the
    /// rest of the policy permits as well. Of several, in other documents or in the lock, all count. Default: what the policy
    /// permits.
    #[serde(default)]
    pub(crate) policies: BTreeMap<String, At<SkillPolicy>>,
}

/// What the programs of a skill may do at most: those that it runs, and whatever comes of them.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkillPolicy {
    /// Where they may connect to. Default: nowhere.
    #[serde(default)]
    pub(crate) network: Vec<At<SkillReach>>,
    /// The credentials that they may use. Default: none.
    #[serde(default)]
    #[schemars(extend("examples" = [["github"]]))]
    pub(crate) credentials: Vec<At<String>>,
    /// The programs that they may start besides the skill's own files: paths or globs of the real executable inside, which lies
    /// where the agent cannot write, or `sha256:` and a digest. Default: any.
    #[schemars(extend("examples" = [["/usr/bin/git", "/usr/bin/python3*"]]))]
    pub(crate) programs: Option<Vec<At<String>>>,
    /// Whether they may call models. Default: no.
    #[serde(default)]
    pub(crate) models: bool,
}

/// Hosts and ports of a skill.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkillReach {
    /// Names: `*.` stands for one label, `**.` for any depth.
    #[schemars(extend("examples" = [["api.github.com"]]))]
    pub(crate) hosts: Vec<At<String>>,
    /// TCP ports. Default: 443.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)), extend("examples" = [[443]]))]
    pub(crate) ports: Given<Vec<At<u64>>>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SkillState {
    /// Nothing.
    Any,
    /// It is in the lock, and was scanned.
    Scanned,
    /// A person has approved exactly this, or it is signed.
    Reviewed,
    /// It is signed by somebody trusted.
    Signed,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

/// Questions to the operator.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approvals {
    /// How long to wait for an answer. None in time: denied.
    pub(crate) timeout: Option<At<Span>>,
    /// Where to tell of a question.
    #[serde(default)]
    #[schemars(extend("examples" = [["desktop"]]))]
    pub(crate) notify: Vec<At<Notify>>,
    /// A server that is told of each question, and may answer it.
    pub(crate) webhook: Option<At<AnswersBy>>,
}

/// A server that is told of questions, and may answer them.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswersBy {
    /// Where each question is posted: `https`, or `http` at a loopback address.
    #[schemars(extend("examples" = ["https://approvals.example.com/palisade"]))]
    pub(crate) url: At<String>,
    /// The Ed25519 public key that signs answers, in base64. Without one it is only told.
    pub(crate) key: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Notify {
    /// The desktop's notifications.
    Desktop,
}
