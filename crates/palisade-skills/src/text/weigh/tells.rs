//! What only an order against the user needs said, whatever is done.
//!
//! Work has no use for an answer that is laid ready for whoever notices, for a sheet that shows something else than what
//! was used, for a guard that is overruled when it objects, for a change that is cut so that nobody looks. Each of these
//! is told by its grammar, in a dozen languages, and says little alone: two of different kinds under one heading, or one
//! beside a deed that serves somebody else, are what blocks.

use std::sync::LazyLock;

mod deeds;
mod kinds;
mod words;

pub(super) use words::{COVERS, HIDES, LIMITS, UNASKED};

use kinds::Kinds;

use super::{
    super::{
        blocks::{Spot, Unit},
        facts::{Concealed, Facts, Where},
        rules,
    },
    Backing,
    classes::asks,
};
use crate::{
    Confidence::{Low, Medium},
    File, Rule, Seen,
    Severity::High,
    formats::Profile,
    pattern::Regex,
};

/// How many sentences or cells before and behind are held together.
const REACH: usize = 16;
/// The most findings in one file.
const MOST: usize = 3;

/// Is this said to somebody, rather than shown or run?
fn is_said(unit: &Unit) -> bool {
    matches!(unit.spot, Spot::Prose | Spot::Item | Spot::Cell | Spot::Hidden | Spot::Comment)
}

/// Which of these signs stand in a sentence.
fn signs(unit: &Unit, table: &[&Regex]) -> u32 {
    table
        .iter()
        .enumerate()
        .filter(|(_, sign)| sign.is_match(&unit.clean))
        .fold(0, |all, (at, _)| all | 1 << at)
}

/// Signs of keeping, by their places in [`tells`].
const HIDDEN: u32 = 1;
const COVERED: u32 = 1 << 1;
const OVERRULES: u32 = 1 << 2;
const TWO_FACED: u32 = 1 << 3;
const FREELY: u32 = 1 << 5;
/// The package comes back when it is taken away.
const RESISTS: u32 = 1 << 6;
/// Somebody's words stand above those of whoever asks.
const ABOVE: u32 = 1 << 7;
/// It is kept, or answered, by the words of other lists.
const WEAKLY: u32 = 1 << 9;
/// Nobody is asked, by the words of other lists.
const UNWAITED: u32 = 1 << 10;
/// It reaches beyond what the user came for. Work may do so: it counts beside what it gathers alone.
const BEYOND: u32 = 1 << 8;

fn tells(unit: &Unit, facts: &Facts, kinds: Kinds) -> u32 {
    if !is_said(unit) {
        return 0;
    }
    let table: [&Regex; 6] =
        [&HIDES, &COVERS, &words::OVERRULES, &words::TWO_FACED, &words::EVADES, &UNASKED];
    let mut told = signs(unit, &table);
    let backing = Backing::in_sentence(unit, facts);
    if LIMITS.is_match(&unit.clean) {
        told &= !(HIDDEN | FREELY);
    }
    // What other lists know counts beside a deed that work seldom has.
    if backing.kept && told & HIDDEN == 0 {
        told |= if super::sense::KEPT.is_match(&unit.clean) { HIDDEN } else { WEAKLY };
    }
    if backing.covered && told & COVERED == 0 {
        told |= WEAKLY;
    }
    if backing.unasked && told & FREELY == 0 {
        told |= UNWAITED;
    }
    for (is, sign) in [
        (kinds.resists, RESISTS),
        (kinds.stays, COVERED),
        (kinds.above, ABOVE),
        (kinds.beyond, BEYOND),
        (kinds.still, TWO_FACED),
    ] {
        if is {
            told |= sign;
        }
    }
    // A scripted answer is one sign, not two.
    if facts.cover {
        told |= COVERED;
    } else if facts.concealed == Concealed::Strong {
        told |= HIDDEN;
    }
    told
}

/// What stands under one heading.
#[derive(Debug, Default, Clone, Copy)]
struct Together {
    tells: u32,
    deeds: u32,
    asked: bool,
}

fn judged(together: Together) -> Option<(&'static Rule, &'static str)> {
    let mut told = together.tells;
    if together.deeds & deeds::HOARDS == 0 {
        told &= !BEYOND;
    }
    if together.deeds & deeds::GRAVE == 0 && told & (RESISTS | ABOVE) == 0 {
        told &= !(WEAKLY | UNWAITED);
    }
    let strong = (told & !(FREELY | UNWAITED)).count_ones();
    let all = told.count_ones();
    if together.asked {
        return None;
    }
    if strong >= 2 || all >= 2 && together.deeds != 0 {
        return Some((
            &rules::CONCEAL_ACT,
            "what is done is laid out so that people neither see it nor learn of it when they ask",
        ));
    }
    if strong >= 1 && together.deeds != 0 {
        return Some((
            &rules::SABOTAGE,
            "something is done for somebody else, or against a guard, and people are not to see it",
        ));
    }
    None
}

/// Sentences and lines of a text in which what stands far apart still belongs together.
const SHORT: usize = 100;

/// Looks for what stands together under each heading of one file.
pub(super) fn look(file: &File, units: &[Unit], all: &[Facts], profile: &Profile, seen: &mut Seen) {
    let kinds: Vec<Kinds> = units
        .iter()
        .map(|unit| if is_said(unit) { Kinds::of(unit) } else { Kinds::default() })
        .collect();
    let own: Vec<u32> = units
        .iter()
        .zip(all)
        .zip(&kinds)
        .map(
            |((unit, facts), kinds)| {
                if facts.taught || unit.teaching { 0 } else { tells(unit, facts, *kinds) }
            },
        )
        .collect();
    // What is kept may be said under another heading than what is done, but in a long text something always sounds so.
    let elsewhere = match units.len() {
        0..=SHORT => {
            own.iter().fold(0, |all, told| all | told) & !(FREELY | BEYOND | WEAKLY | UNWAITED)
        }
        _ => 0,
    };
    // What is done matters where something tells.
    let done = LazyLock::new(|| -> Vec<u32> {
        units
            .iter()
            .zip(all)
            .zip(&kinds)
            .map(|((unit, facts), kinds)| deeds::of(unit, facts, *kinds))
            .collect()
    });
    let done_at = |at: usize| done.get(at).copied().unwrap_or_default();
    let mut found = 0_usize;
    let mut last = None;
    for (at, ((unit, facts), told)) in units.iter().zip(all).zip(&own).enumerate() {
        if facts.taught || found >= MOST {
            continue;
        }
        if let Some((rule, message)) = deeds::alone(unit, facts, units, all, at) {
            let shown = profile.security;
            found += 1;
            seen.findings.push(
                rule.at(&file.path, unit.line, unit.column, &unit.raw, message)
                    .of(High)
                    .sure(if shown { Low } else { Medium }),
            );
            continue;
        }
        let plain = elsewhere != 0 && deeds::counted(done_at(at)) & deeds::PLAIN != 0;
        if *told & !(FREELY | UNWAITED) == 0 && !plain || last == Some(unit.section) {
            continue;
        }
        let mut together = Together::default();
        for other in at.saturating_sub(REACH)..(at + REACH + 1).min(units.len()) {
            let (Some(near), Some(says), Some(told)) =
                (units.get(other), all.get(other), own.get(other))
            else {
                continue;
            };
            if near.section != unit.section || says.taught || near.spot == Spot::Heading {
                continue;
            }
            together.tells |= told;
            together.deeds |= done_at(other);
            together.asked |= other.abs_diff(at) <= 2 && asks(&near.text);
        }
        together.deeds = deeds::counted(together.deeds);
        if together.deeds & deeds::PLAIN != 0 {
            together.tells |= elsewhere;
        }
        // In a package about attacks they are shown, but nobody shows that a guard is overruled.
        let strong = together.tells & !(FREELY | UNWAITED);
        if profile.security && strong.count_ones() < 3 && strong & OVERRULES == 0 {
            continue;
        }
        if let Some((rule, message)) = judged(together) {
            last = Some(unit.section);
            found += 1;
            seen.findings.push(
                rule.at(&file.path, unit.line, unit.column, &unit.raw, message)
                    .of(High)
                    .sure(Medium),
            );
        }
    }
}

/// Does a sentence name a stranger's place?
fn is_abroad(facts: &Facts) -> bool {
    facts.to >= Where::Foreign && (facts.url || facts.mail)
}
