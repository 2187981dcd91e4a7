//! What a journal promises, tried from outside.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod damage;
mod edits;
mod fixture;
mod flood;
mod full;
mod keep;
mod places;
mod proof;
mod python;
mod questions;
mod tear;
mod write;
