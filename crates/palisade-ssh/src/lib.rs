//! An ssh agent for a sandbox: it has no key, asks the operator's own agent to sign, and does so only
//! with the keys and only for the hosts that the policy names.
//!
//! Where a signature will be used is known from OpenSSH's `session-bind@openssh.com`
//! (`PROTOCOL.agent` of OpenSSH, section 1): before it asks for a signature, `ssh` shows the agent the
//! server's host key and that key's own signature over the session. What is signed then names
//! the same session. So a signature is of use in that one session with that one server, and which
//! servers a name stands for the operator's `known_hosts` says.
//!
//! # Trust
//! What connects to the [`Agent`] is hostile. The operator's agent and `known_hosts` are trusted.

#![forbid(unsafe_code)]

mod agent;
mod binding;
mod fingerprint;
#[doc(hidden)]
pub mod fuzz;
mod known_hosts;
mod operator;
mod signed;
mod wire;

pub use agent::{Agent, Grant, SkillsOf};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use known_hosts::{HostKeys, KnownHosts};
