//! Recordings as they are on the disk.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod seal;
