//! Idmapped mounts: what root's workspace owner owns, the agent owns inside; on disk nothing changes.
//!
//! See `mount_setattr(2)`, `MOUNT_ATTR_IDMAP`.

use std::{fs::File, os::fd::OwnedFd};

use rustix::io::Errno;

use crate::{
    linux::{identity::write_maps, sys::clone::Sleeper},
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
    /// The process that it needs to be born. It is ended as soon as the namespace is held, and waited
    /// for when this is dropped, for it needs a while.
    sleeper: Sleeper,
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
        let sleeper = Sleeper::start().step("make a user namespace for idmapped mounts")?;
        write_maps(sleeper.pid(), owner, (identity.host_uid, identity.host_gid), true)?;
        let namespace = File::open(format!("/proc/{}/ns/user", sleeper.pid().as_raw_nonzero()))
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
            .step("open the user namespace for idmapped mounts")?;
        sleeper.end();
        Ok(Self { namespace: namespace.into(), sleeper })
    }
}
