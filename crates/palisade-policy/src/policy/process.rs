//! Limits, system calls and the environment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;

/// The `process` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Resource limits.
    pub limits: ProcessLimits,
    /// System calls by name, added to and taken from the built-in list.
    pub syscalls: Syscalls,
    /// Variables of the host that are passed through when they are set.
    pub pass: BTreeSet<String>,
    /// Variables with a value of their own. These win over passed ones.
    pub set: BTreeMap<String, String>,
}

/// Resource limits; `None` is no limit of Palisade's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ProcessLimits {
    /// Bytes of memory of all processes together, swap included.
    pub memory: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Processor time, in thousandths of one processor.
    pub cpu_thousandths: Option<u64>,
    /// Open descriptors of one process.
    pub open_files: Option<u64>,
    /// Bytes by which the writable folders of the host may grow together; also of one file.
    pub disk: Option<u64>,
    /// Bytes that the scratch folders hold together.
    pub scratch: Option<u64>,
    /// How long the session may last.
    pub wall_time: Option<Duration>,
}

/// Changes to the built-in system call list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Syscalls {
    /// Permitted besides.
    pub allow: BTreeSet<String>,
    /// Not permitted although the list has it.
    pub deny: BTreeSet<String>,
}

/// Calls by which one program becomes another from within.
pub(crate) const TRACING: [&str; 3] = ["ptrace", "process_vm_readv", "process_vm_writev"];

impl Syscalls {
    /// The first call that it permits by which one program can do things in the name of another (`ptrace(2)`): nothing that
    /// is for certain programs is held beside it.
    pub fn tracing(&self) -> Option<&'static str> {
        let permitted = |call: &&str| self.allow.contains(*call) && !self.deny.contains(*call);
        TRACING.into_iter().find(permitted)
    }
}
