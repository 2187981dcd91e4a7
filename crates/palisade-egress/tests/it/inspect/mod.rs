//! Connections that are looked into, between real clients and real TLS servers.

mod failures;
mod floods;
mod messages;
mod requests;
mod smuggling;
pub(crate) mod stage;
mod streams;
