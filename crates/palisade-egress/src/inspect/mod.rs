//! Looking into TLS and HTTP, where a rule asks for it.
//!
//! A client's TLS ends here, with a certificate that the sandbox's own authority made for the one
//! name that was dialled ([`SandboxCa`]); the server's begins here, and is verified against the
//! operator's roots.

mod ca;
mod chunked;
mod gate;
mod head;

pub use ca::{CaError, SandboxCa};
