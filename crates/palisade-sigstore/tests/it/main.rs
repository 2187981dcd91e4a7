//! Bundles of an instance of Sigstore that is made here.

mod good;
mod hostile;
mod python;
mod stage;
