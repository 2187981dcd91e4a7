//! The journal's events in the forms that security teams run.
#![forbid(unsafe_code)]
