//! The Linux rooms, one kernel idea each.

pub mod abilities;
pub mod cgroup;
pub mod landlock;
pub mod launch;
pub mod net;
pub mod seccomp;
pub mod sys;

mod agent;
mod control;
mod identity;
mod idmap;
mod init;
mod landlock_plan;
mod mounts;
mod privileges;
