//! Questions to journals that the journal's own writer has written.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod causes;
mod differences;
mod fixture;
mod injection;
mod questions;
mod reached;
