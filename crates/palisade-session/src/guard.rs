//! The supervisor's own memory and rights, before there is a secret in it and before it hears an agent.

use palisade_hooks::starter;
use palisade_sandbox::{
    StepError,
    linux::{
        abilities::Kind,
        supervisor::{self, Goes},
        sys::signal,
    },
};
use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit},
};

use crate::refusal::{self, Refusal, Refuse};

const REPORT: &str = "report this, with the version of your kernel";

/// No core dump has it, no other process of the same user may read or trace it, and none of it is written
/// to swap where the system lets us lock it (root, or no limit of locked memory).
///
/// Where there is a limit it is not locked: with a few megabytes allowed, the first larger
/// allocation would fail.
pub(crate) fn memory() -> Result<(), Refusal> {
    // No file has one byte of it. Where dumps go to a program (a pipe in `kernel.core_pattern`) this is
    // the one limit that counts, and with `fs.suid_dumpable` at 2, as systemd has it, that program is
    // given what is not dumpable as well.
    let limit =
        |most| setrlimit(Resource::Core, Rlimit { current: Some(most), maximum: Some(most) });
    // Where it is zero already it cannot be raised.
    limit(1).or_else(|_| limit(0)).refuse("forbid core dumps", REPORT)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .refuse("keep other processes out of the supervisor's memory", REPORT)?;
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    if unlimited || rustix::process::geteuid().is_root() {
        // What is there already is program text and has no secret; only what is touched is locked. A
        // container may have taken the privilege from root.
        mlockall(MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT).unwrap_or_default();
    }
    Ok(())
}

/// Give up every right that it does not need once the sandbox is forked. The operator's programs are started by a
/// thread that keeps them.
pub(crate) fn rights(goes: Goes, allowed: &[Kind]) -> Result<(), Refusal> {
    // What is lacking here the sandbox lacks as well.
    let lacks = |error: StepError| refusal::of_launch(&error.into(), allowed);
    supervisor::narrow().map_err(lacks)?;
    // It takes no signal from the threads that wait for them; programs start with none blocked.
    let first = || signal::block_all().unwrap_or_default();
    starter::begin(first, signal::start_with_none_blocked).refuse(
        "start the thread that starts programs",
        "see the limits of this user (ulimit -u)",
    )?;
    supervisor::confine(goes).map_err(lacks)
}
