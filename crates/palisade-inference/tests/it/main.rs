//! The gateway over real sockets: what passes, and what is tried and does not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by a panic"
)]

mod agents;
mod attacks;
mod battery;
mod bench;
mod bodies;
mod errors;
mod hosted;
mod passing;
mod quotas;
mod restore;
mod streaming;
mod tls;
mod tool_calls;
mod websocket;
