//! Rules over events that layers leave.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod builtin;
mod files;
mod rules;
