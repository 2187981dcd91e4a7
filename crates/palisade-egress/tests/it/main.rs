//! The resolver and the proxy over real sockets, with an authority of the test's own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may end where it fails"
)]

mod battery;
mod dns;
mod forward;
mod front;
mod inspect;
mod limits;
mod outbound;
mod rebind;
mod relay;
mod world;
