//! A policy as it is enforced: one type a section.

mod alarms;
mod approvals;
mod credentials;
mod filesystem;
mod inference;
mod network;
mod permissions;
mod process;
mod skills;

use std::{collections::BTreeMap, path::PathBuf};

use palisade_core::PolicyDigest;
use palisade_hooks::Config;

pub use alarms::{Alarms, Canaries};
pub use approvals::{AnswersBy, Approvals};
pub use credentials::{
    AwsKey, Credential, HeaderCredential, OAuth2, Place, SecretSource, SshKeys, Vault,
};
pub use filesystem::{Access, Deny, Filesystem, Grant, Workspace};
pub use inference::{
    Api, Fallback, Guard, Hosting, Inference, LocalOnly, ModelLimits, ModelPrice, Provider, Route,
    ServerTool,
};
pub use network::{Network, NetworkRule, RuleLimits, Upstream, UpstreamHost};
pub use permissions::{PermissionRule, Permissions};
pub(crate) use process::TRACING;
pub use process::{Process, ProcessLimits, Syscalls};
pub use skills::{SkillRequire, SkillSeverity, Skills};

use crate::{audit::Audit, taint::Taint};

/// A policy as it is enforced: every layer merged, every path absolute, every name normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The digest of its canonical form. Two policies that mean the same have the same.
    pub digest: PolicyDigest,
    /// The documents it was made of, the nearest (that wins) first.
    pub sources: Vec<Source>,
    /// The `filesystem` section.
    pub filesystem: Filesystem,
    /// The `network` section.
    pub network: Network,
    /// The `process` section.
    pub process: Process,
    /// The `inference` section, if there is any provider.
    pub inference: Option<Inference>,
    /// The `approvals` section.
    pub approvals: Approvals,
    /// The `hooks` section.
    pub hooks: Config,
    /// The `permissions` section, if a document has one.
    pub permissions: Option<Permissions>,
    /// The `skills` section.
    pub skills: Skills,
    /// The `audit` section.
    pub audit: Audit,
    /// The `alarms` section, if a document has one.
    pub alarms: Option<Alarms>,
    /// The `taint` section, if a document has one, or a condition names it.
    pub taint: Option<Taint>,
    /// What it asks for that this version cannot enforce. A launch refuses when there is any.
    pub not_built: Vec<NotBuilt>,
    /// Where the workspace, and the paths of a project's documents, led through links when they were
    /// checked. A launch refuses one that leads elsewhere by then.
    pub led: BTreeMap<PathBuf, PathBuf>,
}

impl Policy {
    /// What it means, in the canonical form that its digest is of.
    pub fn meaning(&self) -> String {
        crate::digest::meaning(&crate::digest::Meant {
            filesystem: &self.filesystem,
            network: &self.network,
            process: &self.process,
            inference: self.inference.as_ref(),
            approvals: &self.approvals,
            hooks: &self.hooks,
            permissions: self.permissions.as_ref(),
            audit: &self.audit,
            alarms: self.alarms.as_ref(),
            taint: self.taint.as_ref(),
            skills: &self.skills,
            not_built: &self.not_built,
        })
    }

    /// Whether it has rules for commands, or hooks for what is executed, so that this must be watched.
    pub fn holds_execs(&self) -> bool {
        self.permissions.as_ref().is_some_and(|rules| rules.of_commands().next().is_some())
            || self.taint.as_ref().is_some_and(Taint::holds_execs)
            || !self.hooks.of(palisade_hooks::Event::PRE_EXEC).is_empty()
    }
}

/// A document that took part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is: `managed`, `command line`, `project`, `untrusted project` (only what narrows
    /// counts), `user` or `profile`.
    pub layer: &'static str,
    /// Its path, or the built-in profile's name.
    pub name: String,
    /// The digest of its bytes.
    pub digest: PolicyDigest,
}

/// Something the policy asks for that this version cannot enforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBuilt {
    /// Such as `inference.limits`.
    pub what: String,
    /// `file:line:column` of it.
    pub at: String,
    /// What is asked for, in a canonical form.
    pub(crate) value: serde_json::Value,
}
