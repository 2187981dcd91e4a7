//! Using up what the machine has, with every limit and without: each bomb is bounded, goes off
//! outside, and is stopped inside; the supervisor lives on, the journal verifies and names the limit.
//!
//! What holds a limit differs between machines and users, so the tests ask `doctor` first. Where
//! a control group can be made they also run without one, as a machine that has none would.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod disk;
mod flood;
mod holding;
mod leftovers;
mod memory;
mod priority;
mod processes;
mod processors;
mod scratch;
#[allow(dead_code, reason = "shared with the attack tests")]
#[path = "../attacks/tools.rs"]
mod tools;
#[allow(dead_code, reason = "shared with the attack tests")]
#[path = "../attacks/world.rs"]
mod world;
