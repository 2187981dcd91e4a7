//! Connections that are looked into, between real clients and real TLS servers.

mod failures;
mod requests;
mod smuggling;
mod stage;
mod streams;
