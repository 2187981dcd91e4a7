//! The supervisor's own memory, before there is a secret in it.

use rustix::{
    mm::{MlockAllFlags, mlockall},
    process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit},
};

use crate::refusal::{Refusal, Refuse};

const REPORT: &str = "report this, with the version of your kernel";

/// No core dump has it, no other process of the same user may read or trace it, and none of it is written
/// to swap where the system lets us lock it (root, or no limit of locked memory).
///
/// Where there is a limit it is not locked: with a few megabytes allowed, the first larger
/// allocation would fail.
pub(crate) fn memory() -> Result<(), Refusal> {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, nothing).refuse("forbid core dumps", REPORT)?;
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
