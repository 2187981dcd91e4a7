//! The supervisor's own confinement.
//!
//! After a launch a supervisor reads for hours what a hostile agent sends. What it needed to build the sandbox
//! it does not need for that, and gives up: as root all capabilities but a few, and as any user the system
//! calls that nothing of it makes again (`seccomp/supervisor.rs` has each with its reason).
//!
//! Both are a thread's, and pass to the threads that it starts. A thread that has to start programs for the
//! operator, whose rights they run with, is started between [`narrow`] and [`confine`].
//!
//! No Landlock: a process in a domain may not trace, read or signal one that is not in it, as the sandbox is not,
//! and which files a session goes on to need depends on its policy and on the next one.

use rustix::io::Errno;

use super::{
    privileges,
    seccomp::Filter,
    sys::{clone::clone3_of_nothing, probe::unshare},
};
use crate::step::{Step, StepError};

/// What a supervisor goes on to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goes {
    /// It traces what is executed inside.
    pub tracing: bool,
    /// It has no system call filter: the operator lets the sandbox be without one.
    pub unfiltered: bool,
}

/// Give up what is the kernel's and the machine's own, of the calling thread and all that it starts, programs too. To be
/// called while there is no other thread.
///
/// # Errors
/// The step that failed.
pub fn narrow() -> Result<(), StepError> {
    privileges::give_up_machine()
}

/// Give up all that a supervisor does not need, of the calling thread and those that it starts, for good. They
/// start no program and no process any more.
///
/// # Errors
/// The step that failed, also where the kernel says yes and does nothing.
pub fn confine(goes: Goes) -> Result<(), StepError> {
    privileges::give_up_for_supervisor()?;
    if goes.unfiltered {
        return Ok(());
    }
    let filter = Filter::for_supervisor(goes.tracing).map_err(|_| Errno::TOOBIG);
    let installed = filter.step("make the supervisor's system call filter")?.install();
    installed.map_err(|error| StepError {
        step: format!("{} (the supervisor's)", error.step).into(),
        ..error
    })?;
    // Nothing is unshared by this, and without the filter it succeeds.
    let held = (clone3_of_nothing(), unshare(0));
    if held == (Errno::NOSYS, Err(Errno::PERM)) {
        Ok(())
    } else {
        Err(Errno::PERM).step("find the supervisor's system call filter in force")
    }
}
