//! Hooks as they are run: a corpus of scripts as people have them, and programs that misbehave.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod attacks;
mod corpus;
mod kinds;
mod stage;
