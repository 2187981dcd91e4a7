//! The document as it is written: one type a section. Meaning is checked elsewhere.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    amount::{Size, Span},
    at::At,
};

/// What one kind of sandbox may do. Everything not named is denied.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Palisade policy")]
pub(crate) struct Document {
    /// The schema's version: 1.
    pub(crate) palisade: Option<At<u64>>,
    /// Built-in profiles or files that this one builds on.
    #[serde(default)]
    pub(crate) extends: Vec<At<String>>,
    pub(crate) filesystem: Option<Filesystem>,
    pub(crate) network: Option<Network>,
    /// Secrets by name. They stay outside.
    #[serde(default)]
    pub(crate) credentials: BTreeMap<String, At<Credential>>,
    pub(crate) process: Option<Process>,
    pub(crate) inference: Option<Inference>,
    pub(crate) permissions: Option<At<Permissions>>,
    /// What one program alone gets besides.
    pub(crate) commands: Option<At<BTreeMap<String, At<CommandGrant>>>>,
    pub(crate) hooks: Option<At<Hooks>>,
    pub(crate) skills: Option<At<Skills>>,
    pub(crate) approvals: Option<At<Approvals>>,
    pub(crate) audit: Option<At<Audit>>,
}

/// What the agent sees of the host's files.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filesystem {
    pub(crate) workspace: Option<At<Workspace>>,
    /// Paths to read and execute.
    #[serde(default)]
    pub(crate) read: Vec<At<String>>,
    /// Paths to change as well.
    #[serde(default)]
    pub(crate) write: Vec<At<String>>,
    /// Paths or globs that are not shown, whatever grants them.
    #[serde(default)]
    pub(crate) deny: Vec<At<String>>,
}

/// The folder to work on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workspace {
    /// Default: the folder that palisade is started in.
    pub(crate) path: Option<At<String>>,
    pub(crate) access: Option<At<AccessWord>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccessWord {
    /// Read and change.
    Rw,
    /// Read only.
    Ro,
    /// Changes are kept apart.
    Overlay,
}

/// Where connections may go.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    pub(crate) unknown: Option<At<Unknown>>,
    /// Fixed addresses of names, before the host's own resolver.
    #[serde(default)]
    pub(crate) hosts: BTreeMap<String, At<Vec<At<String>>>>,
    /// Ports of the sandbox to publish on the host's loopback.
    #[serde(default)]
    pub(crate) expose: Vec<At<u64>>,
    #[serde(default)]
    pub(crate) rules: Vec<At<NetworkRule>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unknown {
    /// What no rule names is denied.
    Deny,
    /// What no rule names is asked.
    Ask,
}

/// Hosts and ports, and what may be done there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkRule {
    pub(crate) name: Option<At<String>>,
    /// Names; `*.` is one label, `**.` any depth.
    #[serde(default)]
    pub(crate) hosts: Vec<At<String>>,
    /// Default: 443.
    #[serde(default)]
    pub(crate) ports: Vec<At<u64>>,
    /// Programs that may use it. Default: any.
    #[serde(default)]
    pub(crate) binaries: Vec<At<String>>,
    /// Addresses that are not public, as networks.
    #[serde(default)]
    pub(crate) addresses: Vec<At<String>>,
    pub(crate) tls: Option<At<Tls>>,
    /// First match wins; none: deny.
    #[serde(default)]
    pub(crate) http: Vec<At<HttpRule>>,
    pub(crate) credential: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    /// Decrypt and look at requests.
    Inspect,
    /// Check the name only.
    Passthrough,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HttpRule {
    Allow(HttpMatch),
    Deny(HttpMatch),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpMatch {
    #[serde(default)]
    pub(crate) methods: Vec<At<String>>,
    #[serde(default)]
    pub(crate) paths: Vec<At<String>>,
}

/// A secret: where it comes from and how it is used.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    pub(crate) from: Option<At<From>>,
    /// `name: value` with `{secret}` once.
    pub(crate) header: Option<At<String>>,
    /// The variable that holds a placeholder inside.
    pub(crate) expose: Option<At<String>>,
    pub(crate) ssh: Option<At<Ssh>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum From {
    /// A variable of the operator's environment.
    Env(String),
    /// A file.
    File(String),
    /// A command's output: a list of words, or a line for `sh -c`.
    Command(Words),
    /// The desktop's key store.
    Keyring(String),
    /// A secret server.
    Vault(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Words {
    Line(String),
    List(Vec<String>),
}

/// SSH keys that sign outside.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct Ssh {
    pub(crate) keys: Vec<String>,
    pub(crate) hosts: Vec<String>,
}

/// Limits, system calls, environment.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Process {
    pub(crate) limits: Option<Limits>,
    pub(crate) syscalls: Option<Syscalls>,
    pub(crate) environment: Option<Environment>,
}

/// What the sandbox may use. `palisade doctor` says how each is held on a machine.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Memory of all processes together, swap and what lies in scratch folders included.
    pub(crate) memory: Option<At<Size>>,
    /// Processes and threads.
    pub(crate) processes: Option<At<u64>>,
    /// Processor time, as a number of processors: 2, or 0.5.
    pub(crate) cpus: Option<At<f64>>,
    /// Open files of one process.
    pub(crate) open_files: Option<At<u64>>,
    /// How much the writable folders of the host may grow together; also the size of one file.
    pub(crate) disk: Option<At<Size>>,
    /// What the private folders in memory (`/tmp`, the home) hold together.
    pub(crate) scratch: Option<At<Size>>,
    /// How long the session may last.
    pub(crate) wall_time: Option<At<Span>>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Syscalls {
    pub(crate) profile: Option<At<SyscallProfile>>,
    /// Calls to allow besides.
    #[serde(default)]
    pub(crate) allow: Vec<At<String>>,
    /// Calls to refuse.
    #[serde(default)]
    pub(crate) deny: Vec<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SyscallProfile {
    /// The built-in list for agents and what they run.
    Agent,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// Variables of the host to pass; a `*` at the end takes all that begin so.
    #[serde(default)]
    pub(crate) pass: Vec<At<String>>,
    /// Variables to set.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, At<String>>,
}

/// Models, and who answers for them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inference {
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, At<Provider>>,
    /// First match wins.
    #[serde(default)]
    pub(crate) routes: Vec<At<Route>>,
    pub(crate) limits: Option<At<InferenceLimits>>,
    pub(crate) redact: Option<At<Vec<Redact>>>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    pub(crate) api: At<ApiWord>,
    pub(crate) url: At<String>,
    pub(crate) credential: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ApiWord {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions and Responses.
    Openai,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// A model's name, `*` for any characters.
    pub(crate) model: At<String>,
    /// A provider.
    pub(crate) to: At<String>,
    /// The name that the provider gets.
    #[serde(rename = "as")]
    pub(crate) rename: Option<At<String>>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct InferenceLimits {
    pub(crate) requests_per_minute: Option<u64>,
    pub(crate) tokens_per_day: Option<u64>,
    pub(crate) usd_per_day: Option<f64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Redact {
    Secrets,
}

/// Permission rules of Claude Code's grammar.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct Permissions {
    pub(crate) mode: Option<Mode>,
    #[serde(default)]
    pub(crate) allow: Vec<At<String>>,
    #[serde(default)]
    pub(crate) ask: Vec<At<String>>,
    #[serde(default)]
    pub(crate) deny: Vec<At<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    Default,
    AcceptEdits,
    Plan,
    DontAsk,
    BypassPermissions,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandGrant {
    /// Network rules by name.
    #[serde(default)]
    pub(crate) network: Vec<At<String>>,
    /// Credentials by name.
    #[serde(default)]
    pub(crate) credentials: Vec<At<String>>,
}

/// Programs outside that decide.
#[derive(Debug, Clone, Default, JsonSchema)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct Hooks {
    pub(crate) on_error: Option<OnError>,
    #[schemars(flatten)]
    pub(crate) events: BTreeMap<String, Vec<HookMatcher>>,
}

/// The events of Claude Code that a hook can be for.
const EVENTS: [&str; 12] = [
    "Notification",
    "PermissionRequest",
    "PostToolUse",
    "PostToolUseFailure",
    "PreCompact",
    "PreToolUse",
    "SessionEnd",
    "SessionStart",
    "Stop",
    "SubagentStart",
    "SubagentStop",
    "UserPromptSubmit",
];

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
                        hooks.on_error = Some(map.next_value()?);
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

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnError {
    Deny,
    Ask,
    Allow,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct HookMatcher {
    pub(crate) matcher: Option<String>,
    pub(crate) hooks: Vec<Hook>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct Hook {
    #[serde(rename = "type")]
    pub(crate) kind: HookKind,
    pub(crate) command: String,
    /// Seconds.
    pub(crate) timeout: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HookKind {
    Command,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct Skills {
    pub(crate) require: Option<SkillState>,
    pub(crate) block: Option<Severity>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SkillState {
    Any,
    Scanned,
    Reviewed,
    Signed,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct Approvals {
    pub(crate) timeout: Option<Span>,
    #[serde(default)]
    pub(crate) notify: Vec<Notify>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Notify {
    Desktop,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "parsed for its form; enforcement is not built")]
pub(crate) struct Audit {
    pub(crate) ocsf: Option<bool>,
    pub(crate) otlp: Option<String>,
    pub(crate) retain: Option<Span>,
}
