//! The attempts, one file a layer.

mod files;
mod inference;
mod network;
mod process;

use crate::attempt::Attempt;

/// All of them, in the order of the layers.
pub(crate) fn all() -> impl Iterator<Item = &'static Attempt> {
    [files::ATTEMPTS, process::ATTEMPTS, network::ATTEMPTS, inference::ATTEMPTS]
        .into_iter()
        .flatten()
}
