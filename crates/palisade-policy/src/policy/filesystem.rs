//! What the agent sees of the host's files.

use std::path::PathBuf;

use serde::Serialize;

/// The `filesystem` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filesystem {
    /// The workspace; `None` is a policy without one: the agent then works in a private `/sandbox`.
    pub workspace: Option<Workspace>,
    /// What else the agent sees, by path, each once.
    pub grants: Vec<Grant>,
    /// What it does not see although a grant above it would show it.
    pub deny: Vec<Deny>,
}

/// The folder that the agent works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workspace {
    /// Its absolute path.
    #[serde(serialize_with = "crate::digest::exact")]
    pub path: PathBuf,
    /// What the agent may do there.
    pub access: Access,
}

/// What may be done with the workspace, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Access {
    /// Read only.
    ReadOnly,
    /// Changes are kept apart until the operator takes them.
    Overlay,
    /// Read and change.
    ReadWrite,
}

/// A path that the agent sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The absolute path on the host, and the same inside.
    #[serde(serialize_with = "crate::digest::exact")]
    pub path: PathBuf,
    /// Whether the agent may change it.
    pub writable: bool,
    /// Whether a launch without it is an error. What a profile names is optional.
    pub required: bool,
    /// How it is printed, such as `filesystem.read[2]`.
    pub rule: String,
}

/// A path, or many, that the agent does not see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deny {
    /// An absolute path, or an absolute glob (`*` within a component, `**` any depth).
    pub pattern: String,
    /// Whether `pattern` has wildcards.
    pub glob: bool,
    /// How it is printed, such as `filesystem.deny[0]`.
    pub rule: String,
}
