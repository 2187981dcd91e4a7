//! The attempts: tables, one a subject.

mod calls;
mod devices;
mod dns;
mod inference;
mod kernel_files;
pub(crate) mod network;
mod process;
mod reading;
mod resources;
mod sockets;
mod workspace;
mod writing;

use crate::attempt::Attempt;

/// All of them. Those that count processes come before those that make many.
pub(crate) fn all() -> impl Iterator<Item = &'static Attempt> {
    [
        reading::ATTEMPTS,
        writing::ATTEMPTS,
        workspace::ATTEMPTS,
        devices::ATTEMPTS,
        kernel_files::ATTEMPTS,
        process::ATTEMPTS,
        resources::ATTEMPTS,
        calls::ATTEMPTS,
        sockets::ATTEMPTS,
        network::ATTEMPTS,
        dns::ATTEMPTS,
        inference::ATTEMPTS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests;
