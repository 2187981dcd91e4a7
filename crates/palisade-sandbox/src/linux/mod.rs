//! The Linux rooms, one kernel idea each.

pub mod abilities;
pub mod landlock;
pub mod net;
pub mod seccomp;
pub mod sys;
