//! What a hostile program tries inside a sandbox, and whether it was stopped.
//!
//! [`run`] is the hostile program: it makes every attempt for which the [`Targets`] name something
//! to aim at and returns a [`Report`] each. It runs inside, as any agent would, started by a
//! `palisade` outside that knows what is true there, and that judges: a [`Judge`] knows the policy
//! and what the journal has. What the policy permits is no hole, and a denial that is to be in the
//! journal is believed only if it is.
//!
//! An attempt knows which layer has to stop it, and recognises that layer by its answer: a file that does
//! not exist, an errno of the system call filter, a process id that means nothing. Any other answer
//! is [`Outcome::Unclear`] and counts as a hole. All attempts stand in tables (`attempts/`), and
//! each is harmless where nothing stops it; the tests make them all outside, where they work.
//!
//! # Trust
//! None is given: a hostile agent could forge such reports. They are of use only when this very
//! binary made them.

#![forbid(unsafe_code)]

mod attempt;
mod attempts;
mod judge;
mod permitted;
mod targets;

use attempt::{Act, Place};
pub use attempt::{Aim, Outcome, Report};
pub use judge::{Judge, Standing};
pub use targets::Targets;

/// Do what the policy permits: a sandbox in which nothing works stops everything.
pub fn run_permitted(targets: &Targets) -> impl Iterator<Item = Report> {
    permitted::ACTS
        .iter()
        .map(|act| act.make(targets))
        .filter(|report| report.outcome != Outcome::NotTried)
}

/// Make the attempts that [`Targets::only`] names, in that order, or else all.
pub fn run(targets: &Targets) -> impl Iterator<Item = Report> {
    let named = targets.only.iter().filter_map(|name| attempts::all().find(|a| a.name == name));
    let all = targets.only.is_empty().then(attempts::all).into_iter().flatten();
    named.chain(all).map(|attempt| attempt.make(targets))
}

/// Names in a home that attempts aim at, if they are there.
pub fn names_in_home() -> impl Iterator<Item = &'static str> {
    attempts::all().filter_map(|attempt| match attempt.act {
        Act::Read(Place::Home(name), _)
        | Act::Write(Place::Home(name), _)
        | Act::Find(Place::Home(name)) => Some(name),
        _ => None,
    })
}
