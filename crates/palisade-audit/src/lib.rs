//! Questions to the journal, and reports that an auditor takes.
//!
//! - [`query`]: the events that a filter takes, with the help of an index where that is quicker.
//! - [`cause`]: what led to an event, from the model's call down to it, and how each link is known.
//! - [`timeline`]: a session in the order of time, for a terminal and as a page.
//! - [`reach`]: what a session's policy permitted, against what was used of it.
//! - [`difference`]: how two sessions differ.
//!
//! Trusted: the journal, as far as `palisade audit verify` proves it. [`index`] is not: it says where to
//! look, and every event that is shown comes from the journal's own line, with its hash checked.

#![forbid(unsafe_code)]

pub mod cause;
pub mod difference;
mod error;
pub mod index;
pub mod query;
pub mod reach;
pub mod session;
pub mod timeline;

pub use error::AuditError;
pub mod bundle;
pub mod report;
