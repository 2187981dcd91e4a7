//! What a few sentences order in plain words, in whatever tongue: whom to serve, what to remember, what to follow, what
//! the outcome shall be, and in which letters a secret goes out.
//!
//! Each of these needs two things that stand near one another and that no task has together.

mod archive;
mod covert;
mod followed;
mod remembered;
mod rigged;
mod served;
#[cfg(test)]
mod tests;
mod watchword;

use super::super::{
    blocks::{Spot, Unit},
    facts::{Facts, Where, place},
    hosts::hosts,
};
use crate::{
    Confidence::{Low, Medium},
    File, Rule, Seen,
    Severity::High,
    formats::Profile,
};

/// A sentence, and those around it under the same heading.
pub(super) struct Here<'a> {
    pub(super) unit: &'a Unit,
    pub(super) facts: &'a Facts,
    /// As it stands, with capitals.
    pub(super) text: &'a str,
    /// With one before and two behind it.
    pub(super) around: &'a str,
    pub(super) profile: &'a Profile,
}

impl Here<'_> {
    /// Names it a place that has nothing to do with the purpose?
    pub(super) fn is_outside(&self, text: &str) -> bool {
        self.facts.to >= Where::Foreign && (self.facts.url || self.facts.mail)
            || hosts(text).iter().any(|host| {
                place(host, self.profile) >= Where::Foreign
                    && !crate::deeds::is_placeholder(&format!("https://{host}/"))
            })
    }
}

/// What a sentence tells.
pub(super) type Told = (&'static Rule, &'static str);

/// Looks at each sentence of a file.
pub(super) fn look(file: &File, units: &[Unit], all: &[Facts], profile: &Profile, seen: &mut Seen) {
    const MOST: usize = 6;
    let mut told = 0_usize;
    for (at, (unit, facts)) in units.iter().zip(all).enumerate() {
        if facts.taught
            || unit.teaching
            || profile.security
            || matches!(unit.spot, Spot::Code | Spot::Heading)
            || told >= MOST
        {
            continue;
        }
        let mut around = String::new();
        for near in units.get(at.saturating_sub(1)..(at + 3).min(units.len())).unwrap_or_default() {
            if near.section == unit.section && near.spot != Spot::Code {
                around.push_str(&near.clean);
                around.push_str(" \u{2028} ");
            }
        }
        let here = Here { unit, facts, text: &unit.clean, around: &around, profile };
        let found = [
            served::told(&here),
            remembered::told(&here),
            followed::told(&here),
            rigged::told(&here),
            covert::told(&here),
            watchword::told(&here),
            archive::told(&here),
        ];
        for (rule, message) in found.into_iter().flatten() {
            told += 1;
            seen.findings.push(
                rule.at(&file.path, unit.line, unit.column, &unit.raw, message)
                    .of(High)
                    .sure(if unit.inside { Low } else { Medium }),
            );
        }
    }
}
