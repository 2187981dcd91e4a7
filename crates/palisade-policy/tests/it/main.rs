//! The policy document, from bytes to what is enforced.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod alarms;
mod audit;
mod docs;
mod limits;
mod malformed;
mod managed;
mod model_limits;
mod permissions;
mod profiles;
mod project;
mod properties;
mod taint;
mod world;
