use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
    process::Pid,
};

use super::{open_proc, processes};
use crate::{linux::sys::pid_namespace, step::StepError};

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
    /// Its pid namespace, where that could be opened: the quicker way to a number inside.
    namespace: Option<OwnedFd>,
}

impl Lineages {
    /// In the sandbox of this init, before its agent runs.
    pub(crate) fn of(init: Pid) -> Result<Self, StepError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let namespace = format!("/proc/{}/ns/pid", init.as_raw_nonzero());
        let namespace = openat(CWD, namespace, flags, Mode::empty()).ok();
        open_proc(init).map(|proc| Self { proc, namespace })
    }

    /// The process of a thread, by its number outside, and those that it comes from, the nearest first. Empty, if
    /// it is gone.
    pub fn of_thread(&self, thread: u32) -> Vec<Origin> {
        let told = self.namespace.as_ref().map(|it| pid_namespace::number_in(it.as_fd(), thread));
        let number = match told {
            Some(Ok(number)) => Some(number),
            Some(Err(Errno::SRCH)) => None,
            // A kernel that does not tell.
            _ => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let folder = openat(CWD, format!("/proc/{thread}"), flags, Mode::empty());
                folder.ok().and_then(processes::number_inside)
            }
        };
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
