//! System calls that no safe library offers. The only module of the workspace with `unsafe`.

#![expect(unsafe_code, reason = "raw system calls")]

pub mod attempt;
pub mod clone;
pub mod exec;
pub mod landlock;
pub mod memory;
pub mod mount;
pub mod notify;
pub mod peer;
pub mod pid_namespace;
pub mod probe;
pub mod remote;
pub mod seccomp;
pub mod signal;
pub mod trace;
pub mod turns;
