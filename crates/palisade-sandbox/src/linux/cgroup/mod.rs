//! Control groups: what all processes of one sandbox use together. See `cgroups(7)`.
//!
//! A group is made outside before the sandbox's init is forked, and init is in it before
//! anything else is done there: by `CLONE_INTO_CGROUP` in version 2, by its own write to `tasks` in
//! version 1 (both cost microseconds; moving another process waits for the whole machine). Where
//! only systemd may make groups, as for an ordinary user, it is asked for a scope while init
//! builds, and the agent does not start before the scope stands with its limits.
//!
//! A group is removed with its [`Group`]. One that outlived its supervisor has lost the lock on
//! its folder; the next sandbox that is started from the same place removes it.
//!
//! Where no group can be made, [`Grouped::Impossible`] says why, and limits are held one process
//! at a time (`setrlimit(2)`), which is weaker.

mod controller;
mod counts;
mod folder;
mod group;
mod holding;
mod own;
mod scope;
mod seat;
mod usage;

pub use counts::Counts;
pub(crate) use group::{Entry, Wanted, prepare};
pub use group::{Group, Grouped, Notice};
pub(crate) use holding::HeldByGroup;
pub use holding::{Held, Holding, holdings};
pub use seat::Versions;
pub(crate) use seat::trial;
pub use usage::Processes;
