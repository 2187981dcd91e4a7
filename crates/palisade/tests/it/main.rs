//! The commands as a script sees them: exit code, standard output, standard error.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod approvals;
mod audit;
mod completions;
mod crashes;
mod degraded;
mod demo;
mod doctor;
mod export;
mod faults;
mod hook;
mod import;
mod integrate;
mod mcp;
mod policy;
mod proof;
mod ran;
mod ready_hooks;
mod report;
mod run;
mod running;
mod selftest;
mod ship;
mod skill;
mod skill_model;
mod skill_yara;
mod surroundings;
mod terminal;
mod usage;
mod workspace;
