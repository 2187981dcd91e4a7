//! Requests: which entry of a rule's `http` list one fits, in each way that a server may read it.
//!
//! A permission needs every part known and fitting in all readings; a denial needs one reading in
//! which all parts may fit. What is not known therefore permits nothing and escapes nothing.

mod body;
mod facts;
mod fit;
mod graphql;
mod json;
mod query;

pub(crate) use body::read;
pub(crate) use facts::Facts;
pub(crate) use fit::Fit;

use palisade_policy::{Effect, HttpRule};

/// Bytes of a body that are read to decide.
pub(crate) const BODY_BOUND: usize = 1024 * 1024;

/// What one rule's list says to a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The entry with this number permits it.
    Allow(usize),
    /// The entry with this number refuses it, and why if it only may fit.
    Deny(usize, Option<String>),
    /// No entry fits. With what was not known, if an entry might.
    Nothing(Option<String>),
}

/// The first entry that fits wins. A body that was to be compared and cannot be relied on is refused.
pub(crate) fn decide(entries: &[HttpRule], facts: &Facts<'_>) -> Said {
    let mut unknown = None;
    for (index, entry) in entries.iter().enumerate() {
        if let Some(why) = facts.refused_body()
            && entry.requests.needs_body()
            && facts.fit_head(&entry.requests, entry.effect) != Fit::No
        {
            return Said::Deny(index, Some(why.to_owned()));
        }
        match (entry.effect, facts.fit(&entry.requests, entry.effect)) {
            (_, Fit::No) => {}
            (Effect::Allow, Fit::Yes) => return Said::Allow(index),
            (Effect::Allow, Fit::Unknown(why)) => unknown = unknown.or(Some(why)),
            (Effect::Deny, Fit::Yes) => return Said::Deny(index, None),
            (Effect::Deny, Fit::Unknown(why)) => return Said::Deny(index, Some(why)),
        }
    }
    Said::Nothing(unknown)
}

/// Whether the body decides.
pub(crate) fn needs_body(entries: &[HttpRule], facts: &Facts<'_>) -> bool {
    for entry in entries {
        match facts.fit_head(&entry.requests, entry.effect) {
            Fit::No => {}
            Fit::Yes | Fit::Unknown(_) if entry.requests.needs_body() => return true,
            Fit::Yes => return false,
            Fit::Unknown(_) if entry.effect == Effect::Deny => return false,
            Fit::Unknown(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
