//! Reports and bundles over journals that a supervisor could have written.

mod bundle;
mod fixture;
mod oscal;
mod report;
