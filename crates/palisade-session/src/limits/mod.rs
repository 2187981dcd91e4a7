//! The policy's `process.limits` while the command runs: what the kernel does not hold by itself
//! is watched here, and at the end it is told which limit was reached.

mod account;
mod disk;
mod memory;

use std::sync::Arc;

use palisade_core::{Event, Layer};
use palisade_policy::ProcessLimits;
use palisade_sandbox::{
    Standing,
    linux::cgroup::{Counts, Group, Grouped, Holding, Processes},
};

pub(crate) use self::{account::Account, disk::Writable};
use self::{disk::Disk, memory::Memory};
use crate::refusal::{Refusal, Refuse};

/// A limit that was broken, so that the sandbox has to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    /// The rule, such as `process.limits.memory`.
    pub(crate) rule: &'static str,
    /// What happened, for the operator.
    pub(crate) what: String,
}

/// Bytes as the policy would have them.
fn size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = |(shift, _): &&(u32, &str)| bytes > 0 && bytes.trailing_zeros() >= *shift;
    match UNITS.iter().find(whole) {
        Some((shift, unit)) => format!("{} {unit}", bytes >> shift),
        None => format!("{bytes} bytes"),
    }
}

pub(crate) const MEMORY: &str = "process.limits.memory";
pub(crate) const PROCESSES: &str = "process.limits.processes";
pub(crate) const DISK: &str = "process.limits.disk";

/// What is watched of one sandbox.
#[derive(Debug)]
pub(crate) struct Watch {
    limits: ProcessLimits,
    group: Option<Arc<Group>>,
    holdings: Vec<Holding>,
    memory: Option<Memory>,
    disk: Option<Disk>,
}

impl Watch {
    /// Begin, while the agent has not started.
    ///
    /// # Errors
    /// If something that the policy limits cannot be watched.
    pub(crate) async fn begin(
        standing: &Standing,
        limits: ProcessLimits,
        writable: Writable,
    ) -> Result<Self, Refusal> {
        let grouped = standing.grouped();
        let memory = match limits.memory {
            None => None,
            Some(limit) => watch_memory(standing, limit, grouped)?,
        };
        let disk = match limits.disk {
            None => None,
            Some(limit) => Some(
                Disk::measure(limit, writable, Some(look_at(standing)?))
                    .await
                    .refuse(DISK, "see that the writable folders of the policy can be read")?,
            ),
        };
        let group = grouped.group().cloned();
        Ok(Self { limits, group, holdings: grouped.holdings(), memory, disk })
    }

    /// What is held more weakly here than the policy says, for the journal. `None` if nothing is.
    pub(crate) fn weaker(&self) -> Option<Event> {
        let named: Vec<&Holding> = self.holdings.iter().filter(|one| self.names(one)).collect();
        let weaker: Vec<String> = named
            .iter()
            .filter_map(|one| Some(format!("{}: {}", one.limit, one.held.weaker.as_ref()?)))
            .collect();
        if weaker.is_empty() {
            return None;
        }
        let mut event = Event::observed("limits", Layer::Process, "some limits are weaker here");
        event.reason = weaker.join("; ");
        Some(named.iter().fold(event, |event, one| event.with(one.limit, one.held.by.as_str())))
    }

    fn names(&self, holding: &Holding) -> bool {
        match holding.limit {
            "memory" => self.limits.memory.is_some(),
            "processes" => self.limits.processes.is_some(),
            "cpus" => self.limits.cpu_thousandths.is_some(),
            "disk" => self.limits.disk.is_some(),
            _ => false,
        }
    }

    /// Resolves when a limit is broken that ends the sandbox.
    pub(crate) async fn broken(&mut self) -> Breach {
        let memory = async {
            match &mut self.memory {
                Some(memory) => memory.broken().await,
                None => std::future::pending().await,
            }
        };
        let disk = async {
            match &self.disk {
                Some(disk) => disk.broken().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            breach = memory => breach,
            breach = disk => breach,
        }
    }

    /// What it came to, once everything inside has ended. The group is gone then.
    pub(crate) fn account(self) -> Account {
        let Some(group) = &self.group else { return Account::of(&self.limits, &Counts::default()) };
        let account = Account::of(&self.limits, &group.counts());
        // Not left to its drop: others have it too, and this process may end before they drop it.
        group.remove();
        account
    }
}

fn watch_memory(
    standing: &Standing,
    limit: u64,
    grouped: &Grouped,
) -> Result<Option<Memory>, Refusal> {
    if let Some(group) = grouped.group() {
        let watched = Memory::by_group(limit, Arc::clone(group))
            .refuse(MEMORY, "run `palisade doctor` to see what this system can do")?;
        if watched.is_some() {
            return Ok(watched);
        }
    }
    Ok(Some(Memory::by_looking(limit, look_at(standing)?)))
}

fn look_at(standing: &Standing) -> Result<Processes, Refusal> {
    standing.processes().refuse("look at the processes of the sandbox", "report this")
}
