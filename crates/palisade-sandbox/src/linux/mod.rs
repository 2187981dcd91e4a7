//! The Linux rooms, one kernel idea each.

pub mod abilities;
pub mod audit;
pub mod callers;
pub mod cell;
pub mod cgroup;
pub mod execs;
pub mod guest;
pub mod landlock;
pub mod launch;
pub mod marks;
pub mod net;
pub mod seccomp;
pub mod supervisor;
pub mod sys;

mod agent;
#[cfg(test)]
mod alone;
mod control;
mod frozen;
mod handover;
mod identity;
mod idmap;
mod init;
mod landlock_plan;
mod mounts;
mod privileges;
mod variables;
