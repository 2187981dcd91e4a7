use std::{
    collections::HashMap,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    lineage::{MOST, Origin},
    processes,
};
use crate::linux::sys::pid_namespace;

/// Processes that are known. Each is held by a descriptor, and who supervises may have a thousand in all.
const MOST_KNOWN: usize = 64;
/// Processes above one that are looked up.
const DEEPEST: usize = 32;

/// Processes that others come from, as they were when first seen. What was told of one is true as long as it and all
/// above it live: its number is its own, and its parent can only be another one if its parent ends. Whether they live is told
/// by their descriptors, with one call for all, where `/proc` has to be read for each.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<u32, Arc<Process>>);

#[derive(Debug)]
struct Process {
    /// By its number inside.
    number: u32,
    started: u64,
    handle: OwnedFd,
    /// `None`: init, or more than are looked up.
    parent: Option<Arc<Process>>,
    /// Whether all that are told of above it are known.
    whole: bool,
}

/// Where processes are looked up.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) proc: &'a OwnedFd,
    pub(super) namespace: BorrowedFd<'a>,
}

impl Known {
    /// This process and those above it, told from the one that is its parent now.
    pub(super) fn above(
        &mut self,
        place: Place<'_>,
        number: u32,
        above: &mut Vec<Origin>,
    ) -> Result<(), Errno> {
        if number <= 1 {
            return Ok(());
        }
        let mut process = self.process(place, number, 0)?;
        if !process.all_live() {
            // One has ended since: all of it anew.
            self.0.retain(|_, known| known.all_live());
            process = self.process(place, number, 0)?;
            if !process.all_live() {
                return Err(Errno::SRCH);
            }
        }
        let room = (MOST + 1).saturating_sub(above.len());
        above.extend(process.chain().take(room).map(|one| (one.number, one.started)));
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    fn process(
        &mut self,
        place: Place<'_>,
        number: u32,
        depth: usize,
    ) -> Result<Arc<Process>, Errno> {
        if let Some(known) = self.0.get(&number) {
            return Ok(Arc::clone(known));
        }
        let outside = pid_namespace::number_from(place.namespace, number)?;
        let pid = i32::try_from(outside).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        // What the descriptor is of has this number, if it lives when all has been read.
        if pid_namespace::number_in(place.namespace, outside)? != number {
            return Err(Errno::SRCH);
        }
        let origin = || processes::origin(place.proc, number).ok_or(Errno::SRCH);
        let (started, above) = origin()?;
        let parent = match above {
            0 | 1 => None,
            _ if depth >= DEEPEST => None,
            _ => Some(self.process(place, above, depth + 1)?),
        };
        // The parent's number is not another's meanwhile.
        if origin()? != (started, above) {
            return Err(Errno::SRCH);
        }
        let mut process = Process { number, started, handle, parent, whole: above <= 1 };
        process.whole |= process.chain().nth(MOST).is_some()
            || process.parent.as_ref().is_some_and(|parent| parent.whole);
        let process = Arc::new(process);
        if process.whole {
            if self.0.len() >= MOST_KNOWN {
                self.0.retain(|_, known| known.all_live());
            }
            if self.0.len() >= MOST_KNOWN {
                self.0.clear();
            }
            self.0.insert(number, Arc::clone(&process));
        }
        Ok(process)
    }
}

impl Process {
    /// It and those above it.
    fn chain(&self) -> impl Iterator<Item = &Process> {
        std::iter::successors(Some(self), |one| one.parent.as_deref())
    }

    /// Whether it and those that are told of above it live.
    fn all_live(&self) -> bool {
        let handles = self.chain().take(MOST + 1);
        let mut polled: Vec<PollFd<'_>> = handles
            .map(|one| PollFd::from_borrowed_fd(one.handle.as_fd(), PollFlags::IN))
            .collect();
        matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
    }
}
