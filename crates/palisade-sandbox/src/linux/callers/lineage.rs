use std::os::fd::OwnedFd;

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    process::Pid,
};

use super::{open_proc, processes};
use crate::step::StepError;

/// Processes above one that are told of.
const MOST: usize = 8;

/// A process by its number inside, and when it was started, in ticks since the machine was.
pub type Origin = (u32, u64);

/// Tells which processes a process comes from, by what the kernel has of them now. A parent that has ended has
/// left its children to init, and is not among them.
#[derive(Debug)]
pub struct Lineages {
    /// The `/proc` of the sandbox.
    proc: OwnedFd,
}

impl Lineages {
    /// In the sandbox of this init, before its agent runs.
    pub(crate) fn of(init: Pid) -> Result<Self, StepError> {
        open_proc(init).map(|proc| Self { proc })
    }

    /// The process of a thread, by its number outside, and those that it comes from, the nearest first. Empty, if
    /// it is gone.
    pub fn of_thread(&self, thread: u32) -> Vec<Origin> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, format!("/proc/{thread}"), flags, Mode::empty());
        let number = folder.ok().and_then(processes::number_inside);
        number.map(|number| lineage(&self.proc, number)).unwrap_or_default()
    }
}

/// Of a process, by its number inside.
pub(super) fn lineage(proc: &OwnedFd, number: u32) -> Vec<Origin> {
    let mut found = Vec::new();
    let mut next = number;
    while next > 1 && found.len() <= MOST {
        let Some((started, parent)) = processes::origin(proc, next) else { break };
        found.push((next, started));
        next = parent;
    }
    found
}
