//! Bundles of an instance of Sigstore that is made here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod good;
mod hostile;
mod python;
mod stage;
