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
