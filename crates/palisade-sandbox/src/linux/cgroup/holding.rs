//! What holds each limit, in words: for the journal, `doctor` and `policy explain`.

use std::fmt;

use super::{
    controller::Controller,
    group::{Group, Grouped},
    own::Listing,
    seat::{Seat, Versions, find},
};
use crate::plan::Limits;

/// Who made a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    One,
    Two,
    Scope,
}

/// The limits that a group holds. Every other is held without it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeldByGroup {
    pub(crate) memory: bool,
    pub(crate) processes: bool,
    pub(crate) processors: bool,
}

/// Why a scope can be without a controller.
const NOT_DELEGATED: &str = "the system's systemd does not hand this controller to the user's \
                             (`Delegate=cpu memory pids` in `systemctl edit user@.service`)";

impl HeldByGroup {
    fn with(controllers: &[Controller]) -> Self {
        let has = |one| controllers.contains(&one);
        Self {
            memory: has(Controller::Memory),
            processes: has(Controller::Pids),
            processors: has(Controller::Cpu),
        }
    }

    /// For a message to init.
    pub(crate) fn bits(self) -> i32 {
        i32::from(self.memory) | i32::from(self.processes) << 1 | i32::from(self.processors) << 2
    }

    pub(crate) fn from_bits(bits: i32) -> Self {
        let has = |bit: i32| bits & bit != 0;
        Self { memory: has(1), processes: has(2), processors: has(4) }
    }
}

/// How a limit is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// By what, in a few words.
    pub by: String,
    /// What is less than the policy says, if anything.
    pub weaker: Option<String>,
}

/// A limit of a policy, by its name there, and how it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Such as `memory`, for `process.limits.memory`.
    pub limit: &'static str,
    /// How.
    pub held: Held,
}

/// How each limit of a policy would be held on this machine, for this user.
pub fn holdings(versions: Versions) -> Vec<Holding> {
    let limits = Limits {
        memory: Some(1 << 30),
        processes: Some(1000),
        cpu_thousandths: Some(1000),
        ..Limits::default()
    };
    let listing = Listing::read();
    let all = HeldByGroup { memory: true, processes: true, processors: true };
    match find(&limits, versions, &listing) {
        Ok(Seat::One { .. }) => every(Some(Holder::One), all, ""),
        Ok(Seat::Two(_)) => every(Some(Holder::Two), all, ""),
        Ok(Seat::Scope(manager)) => {
            let mount = listing.v2().map(|own| own.mount).unwrap_or_default();
            every(Some(Holder::Scope), HeldByGroup::with(&manager.controllers(&mount)), "")
        }
        Err(why) => every(None, HeldByGroup::default(), &why),
    }
}

impl Grouped {
    /// How each limit is held in this sandbox.
    pub fn holdings(&self) -> Vec<Holding> {
        let why = match self {
            Grouped::Impossible(why) => why.as_str(),
            Grouped::Unneeded | Grouped::Made(_) => "",
        };
        every(self.group().map(|group| Group::holder(group)), self.held(), why)
    }
}

fn every(holder: Option<Holder>, held: HeldByGroup, why: &str) -> Vec<Holding> {
    let group = |is_held: bool| holder.filter(|_| is_held);
    let why = if holder == Some(Holder::Scope) { NOT_DELEGATED } else { why };
    let because = |weaker: &str| {
        if why.is_empty() { weaker.to_owned() } else { format!("{weaker}: {why}") }
    };
    let one =
        |limit, by: String, weaker: Option<String>| Holding { limit, held: Held { by, weaker } };
    let memory = match group(held.memory) {
        Some(holder) => one("memory", format!("{holder}, swap included"), None),
        None => one(
            "memory",
            "rlimits of each process, and a look at their sum every second".to_owned(),
            Some(because("a burst can go beyond it, and so can what is in no process")),
        ),
    };
    let processes = match group(held.processes) {
        Some(holder) => one("processes", holder.to_string(), None),
        None => one("processes", "the kernel's count by user namespace".to_owned(), None),
    };
    let cpus = match group(held.processors) {
        Some(holder) => one("cpus", holder.to_string(), None),
        None => one(
            "cpus",
            "so many processors and no others".to_owned(),
            Some(because("a fraction counts as a whole one")),
        ),
    };
    let kernel = |limit, by: &str| one(limit, by.to_owned(), None);
    vec![
        memory,
        processes,
        cpus,
        kernel("open_files", "an rlimit of each process"),
        one(
            "disk",
            "an rlimit for one file; a look at the writable folders every few seconds".to_owned(),
            Some("a burst can go beyond it until the next look".to_owned()),
        ),
        kernel("scratch", "the size and the count of files of a tmpfs"),
        kernel("wall_time", "the supervisor's clock"),
    ]
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Holder::One => "cgroup v1",
            Holder::Two => "cgroup v2",
            Holder::Scope => "cgroup v2, a scope of systemd's",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_weaker_says_why() {
        let grouped = Grouped::Impossible("there is no systemd".to_owned());
        let all = grouped.holdings();
        let memory = all.iter().find(|one| one.limit == "memory").unwrap();
        assert!(memory.held.weaker.as_ref().unwrap().ends_with(": there is no systemd"));
        let processes = all.iter().find(|one| one.limit == "processes").unwrap();
        assert_eq!(processes.held.weaker, None);
    }

    #[test]
    fn what_is_held_crosses_to_init_unchanged() {
        for bits in 0..8 {
            assert_eq!(HeldByGroup::from_bits(bits).bits(), bits);
        }
    }

    #[test]
    fn a_group_holds_all_that_it_has() {
        let held = HeldByGroup { memory: true, processes: true, processors: false };
        let all = every(Some(Holder::Two), held, "");
        let by = |limit| all.iter().find(|one| one.limit == limit).unwrap().held.clone();
        assert_eq!(by("memory"), Held { by: "cgroup v2, swap included".into(), weaker: None });
        assert!(by("cpus").weaker.is_some());
    }

    #[test]
    fn what_a_scope_lacks_names_the_delegation() {
        let held = HeldByGroup::with(&[Controller::Memory, Controller::Pids]);
        let all = every(Some(Holder::Scope), held, "");
        let weaker = |limit| all.iter().find(|one| one.limit == limit).unwrap().held.weaker.clone();
        assert_eq!(weaker("memory"), None);
        assert!(weaker("cpus").unwrap().contains("Delegate=cpu"));
    }
}
