//! Confinement: what the kernel holds while an agent runs.
//!
//! A [`Plan`] says what one sandbox contains, in plain paths and numbers. [`begin`] forks its init, which
//! builds what is the same in every sandbox while the plan is made; [`Begun::build`] goes on by the plan:
//! new namespaces, a mount tree that holds only what the plan names, Landlock over the same
//! plan, a seccomp allow list, no capabilities. This crate knows no policy and no journal. It
//! trusts the kernel, the plan and its own process; everything that runs after `exec` is hostile.
//!
//! All system calls that no safe library offers are in `linux/sys`, the only place with `unsafe`.

#[cfg(not(target_os = "linux"))]
compile_error!("palisade-sandbox is built for Linux; other systems have no confinement yet");

pub mod linux;
mod plan;
mod step;

pub use linux::{
    guest::{Guest, GuestReport},
    launch::{Begun, Building, LaunchError, Report, Running, Standing, begin},
    net::NetSockets,
    sys::memory::release_text,
};
pub use plan::{
    Command, Content, Degraded, Generated, GeneratedFolder, GeneratedKind, Ground, HostObject,
    Identity, Limits, Mount, Overlay, Plan, Stdio, There,
};
pub use step::StepError;
