//! Idmapped mounts: what root's workspace owner owns, the agent owns inside; on disk nothing changes.
//!
//! See `mount_setattr(2)`, `MOUNT_ATTR_IDMAP`.

use std::{fs::File, os::fd::OwnedFd};

use rustix::process::{Signal, WaitOptions, pidfd_send_signal, waitpid};

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
    made: Vec<((u32, u32), OwnedFd)>,
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
                let namespace = mapping_namespace(owner, self.identity)?;
                self.made.push((owner, namespace));
                self.made.len() - 1
            }
        };
        Ok(self.made.get(index).map(|(_, namespace)| namespace))
    }
}

/// A user namespace in which the ids of `owner` are the host ids of the agent. It needs a
/// process to be born; that one sleeps until the descriptor is open and is ended then.
fn mapping_namespace(owner: (u32, u32), identity: &Identity) -> Result<OwnedFd, StepError> {
    let parent = rustix::process::getpid();
    let forked =
        fork_into(libc::CLONE_NEWUSER as u64).step("make a user namespace for idmapped mounts")?;
    let (pid, pidfd) = match forked {
        Forked::Parent { pid, pidfd } => (pid, pidfd),
        Forked::Child => {
            // Ended by its parent; should that die first, by the signal it asks for here. It may
            // be dead by now.
            let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
            while rustix::process::getppid() == Some(parent) {
                let nap = rustix::time::Timespec { tv_sec: 10, tv_nsec: 0 };
                let _ = rustix::thread::nanosleep(&nap);
            }
            exit_now(0)
        }
    };
    let opened =
        write_maps(pid, owner, (identity.host_uid, identity.host_gid), true).and_then(|()| {
            File::open(format!("/proc/{}/ns/user", pid.as_raw_nonzero()))
                .map_err(|error| {
                    rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO)
                })
                .step("open the user namespace for idmapped mounts")
        });
    let _ = pidfd_send_signal(&pidfd, Signal::KILL);
    let _ = waitpid(Some(pid), WaitOptions::empty());
    opened.map(OwnedFd::from)
}
