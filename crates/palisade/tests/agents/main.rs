//! Real agents, out of the box: `palisade run -- AGENT`, its own profile, a model on loopback that says
//! what a script tells it. `tests/agents/install.sh` installs the agents.
//!
//! That what is forbidden here works without Palisade is shown by `palisade-inference`'s
//! `agents.rs`, which gives the same scripts to the same agents unconfined.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod by_name;
mod claude;
mod codex;
mod differential;
mod gemini;
mod integrate;
mod interactive;
mod openclaw;
mod ran;
mod sdk;
mod stage;
mod work;
