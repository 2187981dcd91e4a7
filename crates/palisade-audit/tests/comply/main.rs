//! Reports and bundles over journals that a supervisor could have written.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod bundle;
mod fixture;
mod oscal;
mod report;
