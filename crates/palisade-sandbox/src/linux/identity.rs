//! User and group maps, and taking on the ids they give. See `user_namespaces(7)`.

use std::fs;

use rustix::{
    fs::{Gid, Uid},
    io::Errno,
    process::Pid,
};

use crate::{
    plan::Identity,
    step::{Step, StepError},
};

/// Map exactly one user and one group of the namespace of `pid`: `inside` to `outside`.
pub(crate) fn write_maps(
    pid: Pid,
    inside: (u32, u32),
    outside: (u32, u32),
    privileged: bool,
) -> Result<(), StepError> {
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/{}/{file}", pid.as_raw_nonzero()), text)
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
            .step_with(|| format!("write {file} of the new user namespace"))
    };
    if !privileged {
        write("setgroups", "deny".into())?;
    }
    write("uid_map", format!("{} {} 1\n", inside.0, outside.0))?;
    write("gid_map", format!("{} {} 1\n", inside.1, outside.1))
}

/// In the child: become the mapped user. Capabilities in the new namespace stay.
pub(crate) fn take_on(identity: &Identity, privileged: bool) -> Result<(), StepError> {
    if privileged {
        rustix::thread::set_thread_groups(&[]).step("drop supplementary groups")?;
    }
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    rustix::thread::set_thread_res_gid(gid, gid, gid).step("take on the group id")?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).step("take on the user id")
}
