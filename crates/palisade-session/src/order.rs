use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use palisade_policy::{Policy, Sources};
use palisade_recording::PublicKey;
use palisade_sandbox::linux::abilities::Kind;

/// What to run, under what.
#[derive(Debug)]
pub struct Order {
    /// The compiled policy.
    pub policy: Policy,
    /// What it was made from, to make it anew while the sandbox runs.
    pub sources: Sources,
    /// The program and its arguments, as the operator wrote them. Never empty.
    pub command: Vec<OsString>,
    /// A name for the session, for the record.
    pub name: Option<String>,
    /// Abilities of the kernel to take as missing, to see what a system without them says.
    pub missing: Vec<Kind>,
    /// What the sandbox may be without if this system lacks it; only such as may be missing.
    pub allow_degraded: Vec<Kind>,
    /// Whether what no rule names is permitted unasked, and only recorded.
    pub permissive: bool,
    /// Whether it is watched and recorded which files are wanted that the policy does not show.
    pub learns_files: bool,
    /// For whom the terminal is recorded, if it is.
    pub record: Option<PublicKey>,
    /// Who gives the order.
    pub operator: Operator,
}

/// The operator's side: all that a session takes from the environment of the process that starts it,
/// read once, before any file of a project is.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The home folder.
    pub home: PathBuf,
    /// Where the command was given.
    pub directory: PathBuf,
    /// Where journals and trust are kept.
    pub state_dir: PathBuf,
    /// Where the operator's policy is.
    pub config_dir: PathBuf,
    /// The environment. Nothing of it reaches the sandbox unless the policy names it.
    pub environment: BTreeMap<OsString, OsString>,
}

impl Operator {
    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }
}
