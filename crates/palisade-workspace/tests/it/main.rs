//! Overlays made by hand: whatever an agent could have put in its layer, and a host that moves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod broken_off;
mod conflicts;
mod hostile;
mod keeping;
mod store;
mod taking;
mod world;
