//! Questions to the journal, and reports that an auditor takes.
#![forbid(unsafe_code)]

pub mod bundle;
pub mod report;
