use std::ffi::OsString;

use palisade_sandbox::Identity;
use rustix::{
    process::{getgid, getuid},
    rand::{GetRandomFlags, getrandom},
};

use crate::{
    order::Operator,
    refusal::{Refusal, Refuse},
};

/// The agent's ids inside, when the operator is root.
const AGENT: u32 = 1000;
/// Host ids that no user database gives out: above those of systemd's containers, below 2^31.
const FIRST: u32 = 0x6000_0000;
const COUNT: u32 = 0x1fff_0000;

/// Who the agent is.
#[derive(Debug)]
pub(crate) struct Who {
    pub(crate) identity: Identity,
    /// The user's name inside.
    pub(crate) name: String,
    /// Whether each sandbox has a host user of its own, and so owners have to be mapped.
    pub(crate) maps_owners: bool,
}

impl Who {
    /// The caller; for root a user of the sandbox's own, so that two agents are two users and neither
    /// is root.
    pub(crate) fn find(operator: &Operator) -> Result<Self, Refusal> {
        let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
        if uid == 0 {
            let host = FIRST + random()? % COUNT;
            return Ok(Self {
                identity: Identity { uid: AGENT, gid: AGENT, host_uid: host, host_gid: host },
                name: "agent".to_owned(),
                maps_owners: true,
            });
        }
        if gid == 0 {
            return Err(Refusal::new(
                "your group is root's (0), and an agent must not have it",
                "start palisade with an ordinary primary group",
            ));
        }
        let name = operator.variable("USER").map(OsString::from).unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = name.into_string().ok().filter(|name| {
            (1..=32).contains(&name.len()) && name.chars().all(plain) && name != "root"
        });
        Ok(Self {
            identity: Identity { uid, gid, host_uid: uid, host_gid: gid },
            name: name.unwrap_or_else(|| "agent".to_owned()),
            maps_owners: false,
        })
    }
}

fn random() -> Result<u32, Refusal> {
    let mut bytes = [0_u8; 4];
    getrandom(&mut bytes, GetRandomFlags::empty())
        .refuse("random numbers from the kernel", "report this")?;
    Ok(u32::from_le_bytes(bytes))
}
