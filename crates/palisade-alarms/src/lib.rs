//! Detection rules over the event stream, and decoys.
//!
//! A [`Rule`] says which events it is about, by their fields, and when they are worth an alarm: each
//! time, from a number in a window on, in an order, for a value that was not seen before, or for many different
//! values. A [`Watch`] looks at one session's events as they are recorded and gives [`Alarm`]s. What an
//! alarm does (notify, freeze the sandbox, end it) is for who runs the session.
//!
//! [`Decoys`] are files, variables and host names that look as if they led to secrets, made for one sandbox alone;
//! whoever touches one is found out.
//!
//! What an agent does is hostile input here. Memory is bounded by the rules alone, each event costs at most one
//! look a rule, patterns are searched for in linear time, and a rule that has fired is quiet for a while.

#![forbid(unsafe_code)]

mod builtin;
mod condition;
mod decoy;
mod document;
mod error;
mod seen;
mod span;
mod state;
mod watch;

pub use builtin::builtin;
pub use decoy::{Decoys, Wanted};
pub use document::{
    Action, Distinct, FirstSeen, Matches, Rule, Sequence, Severity, Threshold, parse,
};
pub use error::AlarmError;
pub use seen::Seen;
pub use span::Span;
pub use watch::{Alarm, Watch};

/// The most rules that one session has.
pub const MOST_RULES: usize = 500;
