//! What a hostile agent tries, against the binary that ships.
//!
//! Each test is named for the attempt. It shows first that the attempt works unconfined, as far as
//! that is possible for the present user, then that it fails inside, by its effect and errno; where
//! an enforcement point of ours saw it, that the journal has the event. Twins show that what is
//! permitted works, and `programs` is about nothing else.
//!
//! The attackers are `sh`, `python3` and the C programs in `c/`, which gcc builds once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod alarms;
mod answers;
mod attempts;
mod audit_records;
mod binaries;
mod causes;
mod clients;
mod conditions;
mod credentials;
mod denied;
mod descriptors;
mod dns;
mod endings;
mod entered;
mod execs;
mod exports;
mod exposed;
mod files;
mod hooks;
mod imported;
mod inspection;
mod ipc;
mod keeping;
mod later;
mod learning;
mod live_policy;
mod model_limits;
mod models;
mod network;
mod permissions;
mod processes;
mod programs;
mod protected;
mod proxies;
mod redaction;
mod refusals;
mod repositories;
mod requests;
mod resources;
mod servers;
mod skill_policies;
mod skills;
mod ssh_keys;
mod steering;
mod supervised;
mod system_calls;
mod taint;
mod tools;
mod unix_sockets;
mod vetting;
mod world;
