//! What a hostile program tries inside a sandbox, and whether it was stopped.
//!
//! [`run`] is the hostile program: it makes every attempt for which the [`Targets`] name something
//! to aim at and returns a [`Report`] each. It runs inside, as any agent would, started by a
//! `palisade` outside that knows what is true there: a report of success is believed, one of
//! being stopped is checked where it can be ([`Report::told`] says what was seen).
//!
//! An attempt knows which layer has to stop it, and recognises that layer by its answer: a file that does
//! not exist, an errno of the system call filter, a process id that means nothing. Any other answer
//! is [`Outcome::Unclear`] and counts as a hole.
//!
//! # Trust
//! None is given: a hostile agent could forge such reports. They are of use only when this very
//! binary made them.

#![forbid(unsafe_code)]

mod attempt;
mod attempts;
mod permitted;
mod targets;

pub use attempt::{Outcome, Report};
pub use targets::Targets;

/// Do what the policy permits: a sandbox in which nothing works stops everything.
pub fn run_permitted(targets: &Targets) -> impl Iterator<Item = Report> {
    permitted::ACTS.iter().filter_map(|act| act.make(targets))
}

/// Make all attempts, in the order in which they are listed.
pub fn run(targets: &Targets) -> impl Iterator<Item = Report> {
    attempts::all().filter_map(|attempt| attempt.make(targets))
}
