//! Giving up every privilege, in two steps: init rules out for all its children that any comes back, then it
//! and the agent each give up what they have. See `capabilities(7)`.

use rustix::{
    io::Errno,
    thread::{
        CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities,
        capability_is_in_bounding_set, clear_ambient_capability_set, no_new_privs,
        set_capabilities, set_capabilities_secure_bits, set_no_new_privs,
    },
};

use crate::step::{Step, StepError};

/// What no part of a session needs, nor any program that an operator has it start: the kernel's and the
/// machine's own.
const MACHINE: CapabilitySet = CapabilitySet::SYS_MODULE
    .union(CapabilitySet::SYS_RAWIO)
    .union(CapabilitySet::SYS_BOOT)
    .union(CapabilitySet::SYS_TIME)
    .union(CapabilitySet::SYS_PACCT)
    .union(CapabilitySet::SYS_TTY_CONFIG)
    .union(CapabilitySet::MAC_OVERRIDE)
    .union(CapabilitySet::MAC_ADMIN)
    .union(CapabilitySet::SYSLOG)
    .union(CapabilitySet::WAKE_ALARM)
    .union(CapabilitySet::BLOCK_SUSPEND)
    .union(CapabilitySet::IPC_OWNER)
    .union(CapabilitySet::LEASE)
    .union(CapabilitySet::AUDIT_CONTROL)
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::BPF)
    .union(CapabilitySet::CHECKPOINT_RESTORE);

/// All that a supervisor goes on with. Over its sandbox it has every one besides, as its user namespace's
/// owner (`user_namespaces(7)`).
const SUPERVISOR: CapabilitySet = CapabilitySet::CHOWN // files that are moved aside or kept
    .union(CapabilitySet::DAC_OVERRIDE) // the same; the operator's files
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL) // programs of the operator that became another user
    .union(CapabilitySet::IPC_LOCK) // its memory stays out of swap
    .union(CapabilitySet::SYS_RESOURCE); // the journal goes on where only root has room

/// Give up what is the machine's, of the calling thread and all it starts. Of an ordinary user, who has none,
/// this takes nothing.
pub(crate) fn give_up_machine() -> Result<(), StepError> {
    keep(CapabilitySet::all().difference(MACHINE), MACHINE, Inherited::Kept)
}

/// The same for all but what a supervisor needs, after [`give_up_machine`]. Programs that the calling thread starts would
/// have none.
pub(crate) fn give_up_for_supervisor() -> Result<(), StepError> {
    clear_ambient_capability_set().step("clear the supervisor's ambient set")?;
    keep(SUPERVISOR, CapabilitySet::all().difference(SUPERVISOR | MACHINE), Inherited::Dropped)
}

/// What programs have of it that are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inherited {
    Kept,
    Dropped,
}

/// Drop all but the kept from every set, and from the bounding set those that are left there. Who may not change that
/// (`CAP_SETPCAP`) keeps it: it gives nothing to who has no privileges and starts no program.
fn keep(kept: CapabilitySet, left: CapabilitySet, inherited: Inherited) -> Result<(), StepError> {
    const LOOK: &str = "look at the capabilities";
    let held = capabilities(None).step(LOOK)?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        for bit in 0..64_u32 {
            let one = CapabilitySet::from_bits_retain(1_u64 << bit);
            if !left.contains(one) {
                continue;
            }
            match rustix::thread::remove_capability_from_bounding_set(one) {
                // The first number the kernel does not know.
                Err(Errno::INVAL) => break,
                other => other.step("drop from the supervisor's bounding set")?,
            }
        }
    }
    let wanted = CapabilitySets {
        effective: held.effective & kept,
        permitted: held.permitted & kept,
        inheritable: match inherited {
            Inherited::Kept => held.inheritable & kept,
            Inherited::Dropped => CapabilitySet::empty(),
        },
    };
    if wanted == held {
        return Ok(());
    }
    set_capabilities(None, wanted).step("drop capabilities of the supervisor")?;
    let found = capabilities(None).step(LOOK)?;
    if found == wanted {
        Ok(())
    } else {
        Err(Errno::PERM).step("find capabilities of the supervisor given up")
    }
}

/// See to it that no program gives any privilege: drop the bounding and ambient sets, forbid that a
/// set-id program or user id 0 gives any back, and set `no_new_privs`. What the caller has in its
/// other sets it still has, and every child with it, until [`give_up`].
pub(crate) fn rule_out() -> Result<(), StepError> {
    set_no_new_privs(true).step("set no_new_privs")?;
    for bit in 0..64_u32 {
        let capability = CapabilitySet::from_bits_retain(1_u64 << bit);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // The first number the kernel does not know.
            Err(Errno::INVAL) => break,
            other => other.step("drop the bounding set")?,
        }
    }
    set_capabilities_secure_bits(
        CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_SETUID_FIXUP
            | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
            | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
    )
    .step("lock the secure bits")?;
    clear_ambient_capability_set().step("clear the ambient set")
}

/// Drop the effective, permitted and inheritable sets, and see that nothing is left. Needs
/// [`rule_out`] before. Allocates nothing unless it fails.
pub(crate) fn give_up() -> Result<(), StepError> {
    give_up_held()?;
    require_none()
}

/// The same where [`rule_out`] may not be done: an ordinary user cannot drop the bounding set, out of which
/// `no_new_privs` lets no program take anything.
pub(crate) fn give_up_held() -> Result<(), StepError> {
    set_capabilities(
        None,
        CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        },
    )
    .step("drop all capabilities")?;
    if holds_none()? { Ok(()) } else { Err(Errno::PERM).step("find every privilege given up") }
}

/// The same as [`give_up`], but for what mounting takes, which can be put in force by [`mounting`]. Needs
/// [`rule_out`] before, so that no program that is started has it either.
pub(crate) fn give_up_but_mounting() -> Result<(), StepError> {
    put_in_force(CapabilitySet::empty())
}

/// Do this with the one capability that [`give_up_but_mounting`] has left.
pub(crate) fn mounting<T>(act: impl FnOnce() -> T) -> Result<T, StepError> {
    put_in_force(CapabilitySet::SYS_ADMIN)?;
    let done = act();
    put_in_force(CapabilitySet::empty())?;
    Ok(done)
}

fn put_in_force(effective: CapabilitySet) -> Result<(), StepError> {
    let wanted = CapabilitySets {
        effective,
        permitted: CapabilitySet::SYS_ADMIN,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, wanted).step("keep what mounting takes")?;
    let sets = capabilities(None).step("look at the capabilities")?;
    if sets == wanted { Ok(()) } else { Err(Errno::PERM).step("keep what mounting takes") }
}

/// Whether the three sets are empty, and stay so.
fn holds_none() -> Result<bool, StepError> {
    let sets = capabilities(None).step("look at the capabilities")?;
    Ok(no_new_privs().step("look at no_new_privs")?
        && sets.effective.is_empty()
        && sets.permitted.is_empty()
        && sets.inheritable.is_empty())
}

/// See that there is nothing to give up any more: the caller has done so, or is a child of a process that
/// has. Allocates nothing unless it fails.
pub(crate) fn require_none() -> Result<(), StepError> {
    let mut none = holds_none()?;
    for bit in 0..64_u32 {
        match capability_is_in_bounding_set(CapabilitySet::from_bits_retain(1_u64 << bit)) {
            Err(Errno::INVAL) => break,
            answer => none &= !answer.step("look at the bounding set")?,
        }
    }
    if none { Ok(()) } else { Err(Errno::PERM).step("find every privilege given up") }
}
