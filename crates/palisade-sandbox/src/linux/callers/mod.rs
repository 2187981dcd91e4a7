//! Who connects: from a connection to the programs behind it, seen from outside.
//!
//! A connection that is accepted has a socket inside at its other end. `Diagnosis` finds that socket's inode
//! by the addresses, in the sandbox's own network namespace; [`Callers`] finds the processes that have the
//! inode open, and [`Executable`] what they run, as the kernel has it and not as they say.
//!
//! A process can connect, and become another program by exec with the connection in hand, before anybody
//! looks. So each `connect(2)` waits until it is noted what makes it ([`Callers::connecting`]), and that program is
//! one of the connection's from then on. So is each that calls it for the same socket.
//!
//! # What it does not see
//! - What a program does that it was made to do: by its arguments, its settings, a library that is loaded into it.
//! - To whom a program hands a connection later, once it was looked at.
//! - Who has a connection as a message under way in a Unix socket, or in a thread with descriptors of its own: it
//!   can use it then only later. What began the connection is known all the same.

mod begun;
mod diagnosis;
mod executable;
mod known;
mod lineage;
mod processes;

pub(crate) use diagnosis::Diagnosis;
pub use executable::{Executable, Identity};
pub use lineage::{Lineages, Origin};

use std::{
    net::SocketAddr,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    fs::{CWD, Mode, OFlags, PROC_SUPER_MAGIC, fstatfs, openat, readlinkat},
    io::Errno,
    process::Pid,
};

use self::{
    begun::Begun,
    processes::{Holder, holders},
};
use crate::{
    linux::marks::Marks,
    step::{Step, StepError},
};

/// How long after a change of a file another one is seen for sure: a tick of the slowest clock.
pub const TICK: Duration = Duration::from_millis(12);

/// How often, and after how long, it is looked again where a process could not be looked at.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(4);

/// Finds who connects in one sandbox.
#[derive(Debug)]
pub struct Callers {
    diagnosis: Diagnosis,
    /// The `/proc` of the sandbox, which has all its processes and no others.
    proc: OwnedFd,
    begun: Mutex<Begun>,
    /// Whether processes have marks.
    marked: bool,
}

/// Why it cannot be told who connects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallerError {
    /// Nobody inside has such a socket.
    #[error("its socket inside is gone")]
    NoSocket,
    /// The kernel does not tell of sockets.
    #[error("the kernel does not tell of its socket: {0}")]
    Diagnosis(Errno),
    /// It did not come by a `connect` that was seen.
    #[error("it was not seen what began it")]
    Unseen,
    /// No process has it open.
    #[error("no process inside has it any more")]
    NoHolder,
    /// More programs have it than are looked at.
    #[error("too many programs have it")]
    Crowd,
    /// The processes or what they run were others from one look to the next.
    #[error("who has it changed while it was looked at")]
    Changed,
    /// A process could not be looked at.
    #[error("process {0} inside cannot be looked at: {1}")]
    Process(u32, Errno),
}

/// A connection's programs, at a first look.
#[derive(Debug)]
pub struct Sight {
    ends: (SocketAddr, SocketAddr),
    inode: u64,
    begun: Vec<Arc<Executable>>,
    marks: Marks,
    holders: Vec<Holder>,
}

impl Callers {
    /// For the sandbox of this init, before its agent runs.
    pub(crate) fn of(init: Pid, diagnosis: Diagnosis) -> Result<Self, StepError> {
        Ok(Self { diagnosis, proc: open_proc(init)?, begun: Mutex::default(), marked: false })
    }

    /// Look at the marks of processes as well.
    #[must_use]
    pub fn with_marks(self) -> Self {
        Self { marked: true, ..self }
    }

    /// Note that a thread, by its number outside, is about to connect this descriptor of its. To be called
    /// while the call waits, and before it goes on; `still` says whether it waits yet, so that what was
    /// seen is of the thread that calls. What is no socket or cannot be seen is not noted, and then
    /// a connection of it is nobody's.
    ///
    /// Returns whether the call may go on at once. If not, the program's file was changed so lately that what
    /// is written over it when it has ended would not be told from it: the call is to wait for [`TICK`].
    pub fn connecting(&self, thread: u32, descriptor: i32, still: impl FnOnce() -> bool) -> bool {
        let Some((inode, by, marks)) = begins(thread, descriptor, self.marked) else { return true };
        if !still() {
            return true;
        }
        let settled = by.is_settled();
        self.begun().note(inode, (by, marks), Instant::now());
        settled
    }

    /// Who has the socket at `client` that is connected to `destination`, as the client dialled it.
    ///
    /// # Errors
    /// Why that cannot be told. Nothing may be permitted by a guess.
    pub fn look(&self, client: SocketAddr, destination: SocketAddr) -> Result<Sight, CallerError> {
        let inode = self.diagnosis.inode(client, destination)?;
        let (begun, marks) = self.begun().take(inode, Instant::now()).ok_or(CallerError::Unseen)?;
        let holders = self.holders(inode)?;
        if holders.is_empty() {
            return Err(CallerError::NoHolder);
        }
        let marks = holders.iter().fold(marks, |all, holder| all.and(holder.marks));
        Ok(Sight { ends: (client, destination), inode, begun, marks, holders })
    }

    /// Look a second time. What was seen holds only if nothing has changed.
    ///
    /// # Errors
    /// What has.
    pub fn confirm(&self, sight: &Sight) -> Result<(), CallerError> {
        let (client, destination) = sight.ends;
        let same = self.diagnosis.inode(client, destination)? == sight.inode
            && self.holders(sight.inode)? == sight.holders;
        if same { Ok(()) } else { Err(CallerError::Changed) }
    }

    /// The executables of the processes that the first holder comes from, the nearest first.
    pub fn ancestors(&self, sight: &Sight) -> Vec<String> {
        let first = sight.holders.first();
        first.map(|holder| processes::ancestors(&self.proc, holder.process)).unwrap_or_default()
    }

    /// The first holder, and the processes that it comes from, the nearest first.
    pub fn lineage(&self, sight: &Sight) -> Vec<Origin> {
        let first = sight.holders.first();
        first.map(|holder| lineage::lineage(&self.proc, holder.process)).unwrap_or_default()
    }

    /// What the first holder says it was started with: its first argument, if that is a file.
    pub fn script(&self, sight: &Sight) -> Option<String> {
        processes::script(&self.proc, sight.holders.first()?.process)
    }

    /// A command that is about to join the sandbox is init's child, which nobody may look at, until its exec. So
    /// it is looked again for a while.
    fn holders(&self, inode: u64) -> Result<Vec<Holder>, CallerError> {
        let mut tries = 1;
        loop {
            match holders(&self.proc, inode, self.marked) {
                Err(CallerError::Process(..)) if tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(BETWEEN_TRIES);
                }
                other => return other,
            }
        }
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sight {
    /// The marks of what began the connection and of what has it now, all together.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// What began the connection and what has it now, each executable once.
    pub fn executables(&self) -> Vec<&Executable> {
        let mut all: Vec<&Executable> = self.begun.iter().map(Arc::as_ref).collect();
        for holder in &self.holders {
            if !all.contains(&&holder.executable) {
                all.push(&holder.executable);
            }
        }
        all
    }
}

/// The `/proc` of the sandbox of this init.
fn open_proc(init: Pid) -> Result<OwnedFd, StepError> {
    let step = "open the sandbox's /proc";
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let path = format!("/proc/{}/root/proc", init.as_raw_nonzero());
    let proc = openat(CWD, path, flags, Mode::empty()).step(step)?;
    match fstatfs(&proc).step(step)?.f_type {
        PROC_SUPER_MAGIC => Ok(proc),
        _ => Err(Errno::NODEV).step(step),
    }
}

/// The inode of a thread's socket, what the thread runs, and its marks.
fn begins(thread: u32, descriptor: i32, marked: bool) -> Option<(u64, Executable, Marks)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let process = openat(CWD, format!("/proc/{thread}"), flags, Mode::empty()).ok()?;
    let link = readlinkat(&process, format!("fd/{descriptor}"), Vec::new()).ok()?;
    let inode = processes::socket_inode(link.to_bytes())?;
    let marks = if marked { Marks::of(&process).ok()? } else { Marks::default() };
    Some((inode, Executable::of(&process).ok()?, marks))
}

#[cfg(test)]
mod tests;
