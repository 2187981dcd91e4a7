//! Vetting: what a skill, a plugin or an MCP definition holds, read without running any of it.
//!
//! A [`Package`] is what was read; analysers look at its files and return what they [`Seen`];
//! a verdict is made from that, with reasons. Every byte of a package comes from outside and is
//! hostile: nothing is executed, no link is followed, and what cannot be read is never safe.
#![forbid(unsafe_code)]

#[cfg(test)]
mod alarms;
#[cfg(test)]
mod by_class;
mod capability;
mod confusable;
mod deeds;
mod finding;
mod formats;
mod hidden;
pub mod import;
mod judge;
#[cfg(test)]
mod leaf;
pub mod model_review;
pub mod output;
mod package;
mod pattern;
pub mod read;
mod rule;
mod rules;
mod scan;
#[cfg(test)]
mod tests;
mod text;
pub mod trial;
mod wire;
pub mod yara;

pub mod binary;
pub mod code;
pub mod install;

pub use capability::{Capability, Secret, Source, Use};
pub use finding::{Confidence, Finding, Place, Seen, Severity};
pub use judge::{Baseline, BaselineError, Reason, Report, SuppressError, Suppressions, Verdict};
pub use package::{File, FileKind, Package};
pub use rule::{Rule, Technique};
pub use rules::rules;
pub use scan::{Options, scan};
pub use wire::WireError;
