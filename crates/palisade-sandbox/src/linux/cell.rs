//! A cell: a process that has given up everything before it looks at a byte that is not ours.
//!
//! It is a fork, so that it has what its parent had in memory and costs no launch. It keeps one open
//! folder or file, if it is to read one, and two pipes. It can open nothing but what lies beneath that
//! folder, for reading; it can start no program, make no socket, write no file and have no more memory
//! and time than its [`CellLimits`]. What it answers is hostile: whoever takes it over says what he likes.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, Mode, OFlags, fstat, open},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
    process::{
        DumpableBehavior, Pid, Resource, Rlimit, Signal, WaitOptions, getpid, getppid,
        set_dumpable_behavior, set_parent_process_death_signal, setrlimit, waitpid,
    },
    thread::{
        CapabilitySet, capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
        set_thread_res_uid,
    },
};

use super::{
    landlock::{Access, Rules},
    privileges,
    seccomp::Filter,
    sys::{
        clone::{Forked, close_all_but, end_child, exit_now, fork_to_work},
        memory::forget_environment,
    },
};
use crate::step::{Step, StepError};

/// How much a cell may use.
#[derive(Debug, Clone, Copy)]
pub struct CellLimits {
    /// Bytes of address space.
    pub memory: u64,
    /// Seconds of processor time, all threads together.
    pub processor: u64,
    /// Bytes of one answer.
    pub answer: usize,
    /// Whether it may go on where the kernel has no Landlock: then, if it holds a folder, any file that its
    /// user may read is within its reach. Nothing leaves it all the same.
    pub without_landlock: bool,
}

/// What the one inside has.
#[derive(Debug)]
pub struct Inside {
    orders: File,
    answers: File,
}

/// A cell, from outside. Dropping it ends it.
#[derive(Debug)]
pub struct Cell {
    pid: Pid,
    pidfd: OwnedFd,
    orders: Option<File>,
    answers: File,
    heard: Vec<u8>,
    most: usize,
    waited: bool,
}

/// How a cell ended that was to go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellEnd {
    /// It did what only an intruder does.
    #[error("the reader made a system call that reading does not need, and was ended")]
    Intruder,
    /// It used all the time that it may use.
    #[error("the reader used up its processor time")]
    Processor,
    /// A signal ended it; also what follows from too little memory.
    #[error("the reader was ended by signal {0}")]
    Signal(i32),
    /// It ended by itself.
    #[error("the reader ended without an answer ({0})")]
    Early(i32),
    /// It said more than it may.
    #[error("the reader's answer is too large")]
    TooLarge,
    /// It said nothing for too long.
    #[error("the reader did not answer in time")]
    Silent,
    /// The pipe or the process cannot be used.
    #[error("the reader cannot be heard: {0}")]
    Lost(Errno),
}

impl Cell {
    /// Start one. `work` runs in it; the cell ends when it returns. Of all descriptors it has only `held`, a
    /// folder or a file.
    ///
    /// The caller's other threads do not exist there: `work` must need none, nor a lock that one may hold.
    ///
    /// # Errors
    /// It cannot be made, or could not give up everything; then nothing was read.
    pub fn start(
        held: Option<BorrowedFd<'_>>,
        limits: &CellLimits,
        work: impl FnOnce(Inside),
    ) -> Result<Self, StepError> {
        let folder = held.map(is_folder).transpose()?.unwrap_or(false);
        let filter =
            Filter::of_reader(folder).map_err(|_| Errno::INVAL).step("assemble the filter")?;
        let pipe = || pipe_with(PipeFlags::CLOEXEC).step("make a pipe for a reader");
        let ((orders_out, orders_in), (answers_out, answers_in)) = (pipe()?, pipe()?);
        let parent = getpid();
        match fork_to_work().step("fork a reader")? {
            Forked::Child => {
                drop((orders_in, answers_out));
                let mut answers = File::from(answers_in);
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let kept = [Some(orders_out.as_fd()), Some(answers.as_fd()), held];
                    let kept: Vec<_> = kept.into_iter().flatten().collect();
                    let given = give_up(parent, held, &kept, limits, &filter);
                    let failed = given.is_err();
                    tell(&mut answers, &given);
                    if !failed {
                        work(Inside { orders: File::from(orders_out), answers });
                    }
                }));
                exit_now(i32::from(outcome.is_err()))
            }
            Forked::Parent { pid, pidfd } => {
                drop((orders_out, answers_in));
                let (orders, answers) = (Some(File::from(orders_in)), File::from(answers_out));
                let most = limits.answer;
                let mut cell =
                    Self { pid, pidfd, orders, answers, heard: Vec::new(), most, waited: false };
                cell.hear_begin()?;
                Ok(cell)
            }
        }
    }

    /// Its process, as the caller's pid namespace counts.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Say something to it.
    ///
    /// # Errors
    /// It is gone.
    pub fn order(&mut self, bytes: &[u8]) -> Result<(), CellEnd> {
        let sent = match &mut self.orders {
            Some(orders) => send(orders, bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        sent.map_err(|_| self.ended())
    }

    /// Say that there is no more to say.
    pub fn no_more(&mut self) {
        self.orders = None;
    }

    /// Its next answer, if it comes before `until`.
    ///
    /// # Errors
    /// There is none, and why.
    pub fn answer(&mut self, until: Instant) -> Result<Vec<u8>, CellEnd> {
        loop {
            if let Some(answer) = self.heard()? {
                return Ok(answer);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !wait(&[self], left)? {
                return Err(self.kill(CellEnd::Silent));
            }
            self.receive()?;
        }
    }

    /// An answer that is here already.
    ///
    /// # Errors
    /// It is larger than any may be. The cell is ended.
    pub fn heard(&mut self) -> Result<Option<Vec<u8>>, CellEnd> {
        let Some((length, rest)) = self.heard.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > self.most {
            return Err(self.kill(CellEnd::TooLarge));
        }
        let Some(answer) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.heard.drain(..length.saturating_add(4));
        Ok(Some(answer))
    }

    /// Take what is in the pipe; waits if there is nothing.
    ///
    /// # Errors
    /// The cell has ended.
    pub fn receive(&mut self) -> Result<(), CellEnd> {
        let mut chunk = vec![0; 64 * 1024];
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.answers, &mut chunk)) {
            Ok(0) => Err(self.ended()),
            Ok(read) => {
                self.heard.extend_from_slice(chunk.get(..read).unwrap_or_default());
                Ok(())
            }
            Err(errno) => Err(self.kill(CellEnd::Lost(errno))),
        }
    }

    /// Whether it began. Until then it does only what stands here.
    fn hear_begin(&mut self) -> Result<(), StepError> {
        let mut code = [0; 4];
        self.answers
            .read_exact(&mut code)
            .map_err(|_| Errno::CHILD)
            .step("a reader ended before it began")?;
        match i32::from_le_bytes(code) {
            0 => Ok(()),
            code => {
                let mut step = String::new();
                (&mut self.answers).take(1024).read_to_string(&mut step).unwrap_or_default();
                Err(StepError { step: step.into(), errno: Errno::from_raw_os_error(code) })
            }
        }
    }

    /// End it, and say why.
    pub fn kill(&mut self, why: CellEnd) -> CellEnd {
        if !self.waited {
            end_child(&self.pidfd, self.pid);
        }
        self.ended();
        why
    }

    /// How it ended; it has closed its pipe, or was killed.
    fn ended(&mut self) -> CellEnd {
        if self.waited {
            return CellEnd::Lost(Errno::CHILD);
        }
        self.orders = None;
        // One that closed its pipe and stays is none of those that end by themselves.
        if !matches!(wait_for(self.pidfd.as_fd(), Duration::from_secs(5)), Ok(true)) {
            end_child(&self.pidfd, self.pid);
        }
        self.waited = true;
        match rustix::io::retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty())) {
            Ok(Some((_, status))) => match (status.terminating_signal(), status.exit_status()) {
                (Some(libc::SIGSYS), _) => CellEnd::Intruder,
                (Some(libc::SIGXCPU), _) => CellEnd::Processor,
                (Some(signal), _) => CellEnd::Signal(signal),
                (None, code) => CellEnd::Early(code.unwrap_or_default()),
            },
            Ok(None) => CellEnd::Lost(Errno::CHILD),
            Err(errno) => CellEnd::Lost(errno),
        }
    }
}

impl AsFd for Cell {
    /// Where its answers come from, to wait for them.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.answers.as_fd()
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        if !self.waited {
            self.kill(CellEnd::Silent);
        }
    }
}

impl Inside {
    /// The next order; `None` if there are no more.
    pub fn order(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.orders.read_exact(&mut length).ok()?;
        let mut order = vec![0; usize::try_from(u32::from_le_bytes(length)).ok()?];
        self.orders.read_exact(&mut order).ok()?;
        Some(order)
    }

    /// Answer. If nobody hears it any more, there is nobody left to tell.
    pub fn answer(&mut self, bytes: &[u8]) {
        send(&mut self.answers, bytes).unwrap_or_default();
    }
}

/// Wait until one of these has something to say or is gone; false if none is after this time.
///
/// # Errors
/// What `poll(2)` says.
pub fn wait(cells: &[&Cell], time: Duration) -> Result<bool, CellEnd> {
    let mut list: Vec<_> = cells.iter().map(|cell| PollFd::new(*cell, PollFlags::IN)).collect();
    poll_for(&mut list, time).map_err(CellEnd::Lost)
}

/// Which of these have something to say or are gone, after at most this time.
///
/// # Errors
/// What `poll(2)` says.
pub fn ready(cells: &[&Cell], time: Duration) -> Result<Vec<bool>, CellEnd> {
    let mut list: Vec<_> = cells.iter().map(|cell| PollFd::new(*cell, PollFlags::IN)).collect();
    poll_for(&mut list, time).map_err(CellEnd::Lost)?;
    Ok(list.iter().map(|one| !one.revents().is_empty()).collect())
}

fn wait_for(descriptor: BorrowedFd<'_>, time: Duration) -> Result<bool, Errno> {
    poll_for(&mut [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)], time)
}

fn poll_for(list: &mut [PollFd<'_>], time: Duration) -> Result<bool, Errno> {
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(list, Some(&left)) {
            Err(Errno::INTR) => {}
            other => return other.map(|ready| ready > 0),
        }
    }
}

fn send(to: &mut File, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(bytes)
}

/// The errno as four bytes, 0 for none, then the step.
fn tell(to: &mut File, given: &Result<(), StepError>) {
    let mut bytes = Vec::with_capacity(256);
    match given {
        Ok(()) => bytes.extend_from_slice(&0_i32.to_le_bytes()),
        Err(error) => {
            bytes.extend_from_slice(&error.errno.raw_os_error().to_le_bytes());
            bytes.extend_from_slice(error.step.as_bytes());
        }
    }
    to.write_all(&bytes).unwrap_or_default();
}

/// Give up everything but what is held. Until this has returned nothing hostile was looked at.
fn give_up(
    parent: Pid,
    held: Option<BorrowedFd<'_>>,
    kept: &[BorrowedFd<'_>],
    limits: &CellLimits,
    filter: &Filter,
) -> Result<(), StepError> {
    set_parent_process_death_signal(Some(Signal::KILL)).step("ask for the parent's death")?;
    if getppid() != Some(parent) {
        return Err(Errno::SRCH).step("find the parent");
    }
    let nothing = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    let nothing = nothing.step("open /dev/null")?;
    rustix::stdio::dup2_stdin(&nothing).step("close standard input")?;
    rustix::stdio::dup2_stdout(&nothing).step("close standard output")?;
    rustix::stdio::dup2_stderr(&nothing).step("close standard error")?;
    drop(nothing);
    close_all_but(kept).step("close all descriptors")?;
    forget_environment().step("forget the environment")?;
    let rules = landlock(held, limits.without_landlock)?;
    set_limits(limits)?;
    let had = capabilities(None).step("look at the capabilities")?.effective;
    if had.contains(CapabilitySet::SETPCAP) {
        privileges::rule_out()?;
    }
    set_no_new_privs(true).step("set no_new_privs")?;
    if had.contains(CapabilitySet::SETUID | CapabilitySet::SETGID) {
        become_owner(held)?;
    }
    privileges::give_up_held()?;
    // Of the same user there may be others, who could trace it.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("be no target of a tracer")?;
    rules.restrict_self()?;
    filter.install()
}

fn landlock(
    held: Option<BorrowedFd<'_>>,
    optional: bool,
) -> Result<super::landlock::Prepared, StepError> {
    let folder = held.map(is_folder).transpose()?.unwrap_or(false);
    // Without a folder the filter lets nothing be opened.
    let optional = optional || !folder;
    let mut rules = if optional { Rules::as_far_as_it_goes() } else { Rules::new()? };
    if let Some(held) = held.filter(|_| folder) {
        rules.allow(held, true, Access::ReadOnly, Path::new("what is to be read"))?;
    }
    rules.finish()
}

fn is_folder(held: BorrowedFd<'_>) -> Result<bool, StepError> {
    let stat = fstat(held).step("look at what is to be read")?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

fn set_limits(limits: &CellLimits) -> Result<(), StepError> {
    for (resource, most) in [
        (Resource::As, limits.memory),
        (Resource::Cpu, limits.processor),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 64),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ] {
        // A second between the signal that says so and the one that is sure.
        let sure = most.saturating_add(u64::from(resource == Resource::Cpu));
        let limit = Rlimit { current: Some(most), maximum: Some(sure) };
        match setrlimit(resource, limit) {
            // It has less already.
            Err(Errno::PERM) => {}
            other => other.step("set its limits")?,
        }
    }
    Ok(())
}

/// Root becomes whoever owns what is read, and nobody where that is nobody's. Where a namespace has no such
/// user it stays who it is, with no capability.
fn become_owner(held: Option<BorrowedFd<'_>>) -> Result<(), StepError> {
    /// The user that owns nothing, by custom.
    const NOBODY: u32 = 65534;
    let (uid, gid) = match held {
        Some(held) => {
            let stat = fstat(held).step("look at what is to be read")?;
            (stat.st_uid, stat.st_gid)
        }
        None => (NOBODY, NOBODY),
    };
    let may_stay = |result: Result<(), Errno>| match result {
        Err(Errno::INVAL | Errno::PERM) => Ok(()),
        other => other,
    };
    let (user, group) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
    may_stay(set_thread_groups(&[])).step("leave all groups")?;
    may_stay(set_thread_res_gid(group, group, group)).step("become the owner's group")?;
    may_stay(set_thread_res_uid(user, user, user)).step("become the owner")
}
