//! The limit of memory: waiting for the kernel's word, or looking where it has none to say.

use std::{io, os::fd::OwnedFd, sync::Arc, thread, time::Duration};

use palisade_sandbox::linux::cgroup::{Group, Notice, Processes};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pipe::{PipeFlags, pipe_with},
};
use tokio::sync::oneshot;

use super::{Breach, MEMORY, size};

/// Between two looks at the processes; less often while they have less than half of the limit.
const SOON: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_secs(1);
/// How often, after a notice, it is looked whether something was killed. The notice comes first.
const LOOKS: u32 = 50;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What tells when there is too much.
#[derive(Debug)]
pub(super) struct Memory {
    limit: u64,
    by: By,
}

#[derive(Debug)]
enum By {
    /// A thread waits for the kernel's notice, for as long as `_stop` is open.
    Group {
        killed: oneshot::Receiver<()>,
        _stop: OwnedFd,
    },
    Looking(Arc<Processes>),
}

impl Memory {
    /// A group holds it; the kernel tells. `None` if it does not limit memory.
    pub(super) fn by_group(limit: u64, group: Arc<Group>) -> io::Result<Option<Self>> {
        let Some(notice) = group.notice().map_err(io::Error::other)? else { return Ok(None) };
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let (tell, killed) = oneshot::channel();
        thread::Builder::new().name("memory".into()).spawn(move || {
            if wait_for_kill(&group, &notice, &stopped) {
                // Nobody hears it if everything has ended.
                tell.send(()).unwrap_or_default();
            }
        })?;
        Ok(Some(Self { limit, by: By::Group { killed, _stop: stop } }))
    }

    /// Nothing holds it for the whole sandbox: the supervisor looks.
    pub(super) fn by_looking(limit: u64, processes: Processes) -> Self {
        Self { limit, by: By::Looking(Arc::new(processes)) }
    }

    pub(super) async fn broken(&mut self) -> Breach {
        let limit = self.limit;
        match &mut self.by {
            By::Group { killed, .. } => match killed.await {
                Ok(()) => breach(limit),
                Err(_) => std::future::pending().await,
            },
            By::Looking(processes) => {
                let found = look(processes, limit).await;
                let breach = breach(limit);
                Breach { what: format!("{}; they had {found} bytes", breach.what), ..breach }
            }
        }
    }
}

/// Whether the kernel killed something in the group for want of memory, before the end.
fn wait_for_kill(group: &Group, notice: &Notice, stopped: &OwnedFd) -> bool {
    let killed = || group.counts().killed_for_memory > 0;
    loop {
        // What is known already must not wake us again.
        let notice = match notice {
            Notice::Event(event) => {
                rustix::io::read(event, &mut [0_u8; 8]).map(drop).unwrap_or_default();
                PollFd::new(event, PollFlags::IN)
            }
            Notice::Changes(file) => {
                rustix::io::pread(file, &mut [0_u8; 512], 0).map(drop).unwrap_or_default();
                PollFd::new(file, PollFlags::PRI)
            }
        };
        if killed() {
            return true;
        }
        if is_stopped(&mut [PollFd::new(stopped, PollFlags::IN), notice], None) {
            return false;
        }
        for _ in 0..LOOKS {
            if killed() {
                return true;
            }
            if is_stopped(&mut [PollFd::new(stopped, PollFlags::IN)], Some(BETWEEN_LOOKS)) {
                return false;
            }
        }
    }
}

/// Wait until one of these is ready, and whether it is the first.
fn is_stopped(entries: &mut [PollFd<'_>], most: Option<Duration>) -> bool {
    let most = most.and_then(|time| Timespec::try_from(time).ok());
    match rustix::io::retry_on_intr(|| poll(entries, most.as_ref())) {
        Ok(_) => entries.first().is_some_and(|entry| !entry.revents().is_empty()),
        Err(_) => true,
    }
}

async fn look(processes: &Arc<Processes>, limit: u64) -> u64 {
    loop {
        let processes = Arc::clone(processes);
        let look = tokio::task::spawn_blocking(move || processes.memory(limit));
        let found = look.await.unwrap_or(0);
        if found > limit {
            return found;
        }
        tokio::time::sleep(if found > limit / 2 { SOON } else { LATER }).await;
    }
}

/// What is told of a sandbox that had too much.
pub(super) fn breach(limit: u64) -> Breach {
    Breach {
        rule: MEMORY,
        what: format!("out of memory: its processes may have {} together ({MEMORY})", size(limit)),
    }
}
