//! The operator's running sandboxes: who there is, and a way to speak to each.
//!
//! ```text
//! $STATE/running/SESSION.json    who it is; locked by its supervisor for as long as that lives
//! $STATE/running/SESSION.sock    where its supervisor takes orders
//! ```
//!
//! An entry is true while its lock is held (`flock(2)`): the kernel lets go of it however the
//! supervisor ends, and no other process has it. What a dead supervisor left behind is removed
//! by the next command that looks.
//!
//! # Trust
//! The folder is its owner's alone (0700) and never in a sandbox. Both ends of a socket see to it
//! that the other is of the same user (`SO_PEERCRED`), and what comes in is bounded. Of an order
//! only the supervisor makes an effect; the one that starts a command asks init, which confines
//! it like the agent ([`palisade_sandbox::Guest`]).

mod client;
mod desk;
mod entry;
mod registry;
mod socket;
mod wire;

pub use crate::approvals::{Pending, Scope};
pub use client::{Asked, answer, apply, call, edit, end, exec, freeze, pending};
pub use entry::Entry;
pub use registry::{Registry, find};

pub(crate) use desk::Desk;
