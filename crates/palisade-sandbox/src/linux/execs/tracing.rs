use std::{cell::RefCell, collections::HashMap, fs, marker::PhantomData};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};

use super::seat::Seat;
use crate::linux::sys::trace;
pub use crate::linux::sys::trace::Change;

/// The threads that one thread of the supervisor traces, each for as long as it takes to become another program.
///
/// One of a process at a time: a program is only started when all other threads of its process are gone, and one that is
/// traced is only gone when its tracer says so, who could wait meanwhile to trace a third one (`ptrace(2)`, under "execve").
#[derive(Debug)]
pub struct Tracing {
    /// By thread: the process that it is of.
    held: RefCell<HashMap<i32, Option<i32>>>,
    seat: Seat,
    /// The kernel knows tracers by thread.
    _of_this_thread: PhantomData<*const ()>,
}

impl Tracing {
    /// Of the calling thread.
    pub fn of_this_thread() -> Self {
        Self {
            held: RefCell::default(),
            seat: Seat::of_this_thread(),
            _of_this_thread: PhantomData,
        }
    }

    /// Trace a thread that waits at its listener, so that it stops whether it becomes another program or not. False: another
    /// of its process is traced. Ask again after a change.
    ///
    /// # Errors
    /// ESRCH: it is gone. EPERM: it may not be traced.
    pub fn hold(&self, thread: Pid) -> Result<bool, Errno> {
        let number = thread.as_raw_nonzero().get();
        let mut held = self.held.borrow_mut();
        if held.contains_key(&number) {
            return Ok(true);
        }
        let mut process = None;
        if !held.is_empty() {
            process = Some(process_of(number)?);
            for (other, known) in held.iter_mut() {
                if known.is_none() {
                    // One that is gone is in no process's way for long.
                    *known = Some(process_of(*other).unwrap_or(*other));
                }
                if *known == process {
                    return Ok(false);
                }
            }
        }
        trace::seize(thread)?;
        // Several come from several processors.
        if held.is_empty() {
            self.seat.stay();
        } else {
            self.seat.leave();
        }
        held.insert(number, process);
        // Should this fail it was killed, and its end is told.
        trace::interrupt(thread).unwrap_or_default();
        Ok(true)
    }

    /// The next that was held and has changed, with the number that it had when it was. It is not held any more, but waits.
    pub fn changed(&self) -> Option<(i32, Pid, Change)> {
        loop {
            let (pid, change) = trace::next_change().ok().flatten()?;
            let mut number = pid.as_raw_nonzero().get();
            let mut held = self.held.borrow_mut();
            // One of a process is held at a time: where that is the one whose number the process has, it has become this.
            if change == Change::Exec && !held.contains_key(&number) {
                // Killed meanwhile: its end is told next.
                number = trace::former(pid).unwrap_or(number);
            }
            if held.remove(&number).is_some() {
                if held.is_empty() {
                    self.seat.leave();
                }
                return Some((number, pid, change));
            }
            match change {
                // It was killed here, or its number was told before.
                Change::Ended => {}
                Change::Exec => Self::end(pid),
                Change::Stopped(signal) => Self::release(pid, signal),
            }
        }
    }

    /// Let one go on that waits, with this signal (or 0).
    pub fn release(pid: Pid, signal: i32) {
        // One that was killed meanwhile is told of next.
        trace::detach(pid, signal).unwrap_or_default();
    }

    /// End one that waits: all of its process. Its number is not another's yet, for its end was not told.
    pub fn end(pid: Pid) {
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }
}

/// The process that a thread is of.
fn process_of(thread: i32) -> Result<i32, Errno> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).map_err(|_| Errno::SRCH)?;
    let number = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    number.and_then(|number| number.trim().parse().ok()).ok_or(Errno::SRCH)
}
