//! Idmapped mounts: what root's workspace owner owns, the agent owns inside; on disk nothing changes.
//!
//! See `mount_setattr(2)`, `MOUNT_ATTR_IDMAP`.

use std::{fs::File, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, pidfd_send_signal, waitpid},
};

use crate::{
    linux::{
        identity::write_maps,
        sys::clone::{Forked, exit_now, fork_into},
    },
    plan::Identity,
    step::{Step, StepError},
};

/// The user namespaces that map an owner of files to the sandbox's host ids, made as needed.
#[derive(Debug)]
pub(crate) struct OwnerMaps<'plan> {
    identity: &'plan Identity,
    made: Vec<((u32, u32), Mapping)>,
}

/// A user namespace in which the ids of an owner are the host ids of the agent.
#[derive(Debug)]
struct Mapping {
    namespace: OwnedFd,
    sleeper: Sleeper,
}

/// The process that a user namespace needs to be born. It is ended as soon as the namespace is held,
/// and waited for when this is dropped, for it needs a while.
#[derive(Debug)]
pub(crate) struct Sleeper {
    pid: Pid,
    pidfd: OwnedFd,
}

impl<'plan> OwnerMaps<'plan> {
    pub(crate) fn new(identity: &'plan Identity) -> Self {
        Self { identity, made: Vec::new() }
    }

    /// The namespace that maps `owner` to the agent; `None` if they are the same already.
    pub(crate) fn namespace_for(
        &mut self,
        owner: (u32, u32),
    ) -> Result<Option<&OwnedFd>, StepError> {
        if owner == (self.identity.host_uid, self.identity.host_gid) {
            return Ok(None);
        }
        let found = self.made.iter().position(|(known, _)| *known == owner);
        let index = match found {
            Some(index) => index,
            None => {
                self.made.push((owner, Mapping::new(owner, self.identity)?));
                self.made.len() - 1
            }
        };
        Ok(self.made.get(index).map(|(_, mapping)| &mapping.namespace))
    }

    /// All mounts are made. What is left is to wait for these.
    pub(crate) fn into_sleepers(self) -> Vec<Sleeper> {
        self.made.into_iter().map(|(_, mapping)| mapping.sleeper).collect()
    }
}

impl Mapping {
    fn new(owner: (u32, u32), identity: &Identity) -> Result<Self, StepError> {
        let sleeper = Sleeper::start()?;
        write_maps(sleeper.pid, owner, (identity.host_uid, identity.host_gid), true)?;
        let namespace = File::open(format!("/proc/{}/ns/user", sleeper.pid.as_raw_nonzero()))
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
            .step("open the user namespace for idmapped mounts")?;
        sleeper.end();
        Ok(Self { namespace: namespace.into(), sleeper })
    }
}

impl Sleeper {
    fn start() -> Result<Self, StepError> {
        let parent = rustix::process::getpid();
        let forked = fork_into(libc::CLONE_NEWUSER as u64)
            .step("make a user namespace for idmapped mounts")?;
        match forked {
            Forked::Parent { pid, pidfd } => Ok(Self { pid, pidfd }),
            Forked::Child => {
                // Ended by its parent; should that die first, by the signal it asks for here. It
                // may be dead by now.
                let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
                while rustix::process::getppid() == Some(parent) {
                    let nap = rustix::time::Timespec { tv_sec: 10, tv_nsec: 0 };
                    let _ = rustix::thread::nanosleep(&nap);
                }
                exit_now(0)
            }
        }
    }

    fn end(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.end();
        let _ = rustix::io::retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
    }
}
