//! Between a client of the Model Context Protocol and a server: each message is read, decided, and passed on
//! byte for byte, answered in place of the other side, or dropped.
//!
//! - [`Between`] decides message by message. It does no I/O.
//! - [`Pins`] are the tool definitions that a person has seen. A tool that is not pinned, or whose definition
//!   has changed by a letter, is not shown to the client and cannot be called: a definition is text that a
//!   model obeys.
//! - [`Remote`] is a server over HTTP as one over standard input and output.
//! - [`Lines`] are the messages of a stream (one JSON object a line), each within a bound.
//!
//! # Trust
//! Client and server are both hostile. JSON that two parsers could read in two ways is refused, and so is
//! every method that is not known here.
//!
//! Source: Model Context Protocol, revision 2025-06-18, <https://modelcontextprotocol.io/specification>.
#![forbid(unsafe_code)]

mod between;
mod lines;
mod message;
mod methods;
mod pins;
mod remote;

pub use between::{Between, Decide, Said, Step};
pub use lines::{LineError, Lines, MOST_BYTES};
pub use pins::{Pins, PinsError, digest};
pub use remote::{Remote, RemoteError};
