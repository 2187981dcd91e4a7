//! The document as it is written: one type a section. Meaning is checked elsewhere.
//!
//! The comments on what is read from a document are the descriptions of its JSON Schema.

mod alarms;
mod approvals;
mod audit;
mod credentials;
mod filesystem;
mod hooks;
mod http;
mod inference;
mod network;
mod permissions;
mod process;
mod skills;
mod taint;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::alarms::{ActionWord, Alarms, Canaries};
pub(crate) use self::approvals::Approvals;
pub(crate) use self::audit::{
    Audit, LockMode, Otlp, OtlpProtocol, Retain, Ship, Signal, Switch, Syslog, UrlOr, Webhook,
};
pub(crate) use self::credentials::{Credential, From, Kept, OAuth2, Ssh, Vault, Words};
pub(crate) use self::filesystem::{AccessWord, Filesystem};
pub(crate) use self::hooks::{Hook, HookKind, Hooks, OnError};
pub(crate) use self::http::{Graphql, GraphqlWord, HttpMatch, HttpRule, JsonRpc};
pub(crate) use self::inference::{
    ApiWord, GuardWord, Inference, InferenceLimits, LocalOnly, PriceEntry, Provider, Redact,
    ResultsWord, Route, SensitiveWord, ServerToolWord,
};
pub(crate) use self::network::{Network, NetworkRule, Record, ResolveWord, Tls, Unknown, Upstream};
pub(crate) use self::permissions::{CommandGrant, Mode, Permission, Permissions};
pub(crate) use self::process::{Limits, Process, SyscallProfile, Syscalls};
pub(crate) use self::skills::{Severity, SkillPolicy, SkillState, Skills};
pub(crate) use self::taint::{Taint, UntrustedWord};
use crate::at::At;

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
