//! What is sent, by whatever way it goes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::cast_possible_truncation, reason = "lengths of small messages")]

mod http;
mod injection;
mod journald;
mod ocsf;
mod parts;
mod schema;
mod ship;
mod ship_named;
mod streams;
mod world;
