//! What is sent, by whatever way it goes.

mod http;
mod injection;
mod ocsf;
mod schema;
mod streams;
mod world;
