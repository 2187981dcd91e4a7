//! The section `process`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    amount::{Size, Span},
    at::{At, Given},
};

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
