//! Action in, decision out: what the policy says to one thing that an agent tries.
//!
//! The [`Engine`] holds a compiled policy and answers [`Engine::decide`] from memory alone: no
//! I/O, no clock, no state. ([`Engine::count`], [`Engine::may_send`] and [`Engine::may_look_up`] have both, for the limits of rules and of
//! wildcards, and so have rules with a condition ([`When`]).) Whoever enforces records the decision and acts on it. Nothing
//! is permitted that no rule permits; rules only ever add to each other.
//!
//! # Network
//! - A name may be resolved if a rule has it, on whatever port.
//! - A connection to a name needs a rule with this name and port, a TLS server name that agrees,
//!   and an address that is public or that such a rule names ([`AddressClass`]).
//! - A request over a connection that is looked into needs a rule with its host and port that has no
//!   HTTP entries, or of which it fits an `allow` first. Where it fits a `deny` of some rule first, it is
//!   refused, whatever other rules permit: no rule that is added takes away what another refuses.
//! - A connection to a bare address needs a rule without `hosts` that names the address.
//!
//! # Taint
//! That content came in which nobody answers for is remembered until the session ends ([`Engine::tainted`]): conditions may
//! name it, and what `taint.ask` names is asked for from then on, whatever permits it.
//!
//! # Skills
//! Processes that come from a skill with a policy of its own ([`Engine::with_skills`]) get what the policy and that one permit.
//!
//! # Trust
//! Actions are made of hostile data. The policy is the operator's.

#![forbid(unsafe_code)]

mod address;
mod context;
mod engine;
mod http;
mod meter;
mod models;
mod names;
mod own;
mod reach;
mod requests;
mod ruling;
mod scope;
mod skills;
mod taint;
mod when;

pub use address::AddressClass;
pub use engine::Engine;
pub use ruling::Ruling;
pub use scope::{Rule, Scope, TaintScope};
pub use when::When;
