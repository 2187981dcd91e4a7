//! An address that says where something stands, and to which nothing goes.

use std::sync::LazyLock;

use super::super::{
    blocks::Unit,
    facts::Facts,
    tags::Concept::{Conversation, Files, HistoryFile, Personal, Secret, SecretStrong, Send},
};
use super::signs;
use crate::pattern::{Regex, pattern};

/// A sentence that names its source.
static SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W{0,6}(?:sources?|references?|see(?: also)?|docs|documentation|further reading|read more|credits?|origin|quellen?|siehe(?: auch)?|источник\w*|см\.|fuentes?|véase|fonti?|fonte|voir(?: aussi)?|bron|źródł\w+|kaynak|出典|参考|参照|来源|출처|참고|المصدر)\W{0,4}[::]",
    )
});

/// What was taken from a place, or stands at one.
static TAKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:distilled|derived|adapted|taken|rendered|documented|described|listed|discussed|cited|quoted|summari[sz]ed|based|compiled)\b[^.;:]{0,12}\b(?:from|at|in|on|by)\b[^;]{0,100}(?:https?://|\b[\w-]+\.[a-z]{2,6}\b)",
    )
});

/// Are the addresses of a sentence where something stands, and does nothing go there?
///
/// In a row of links each is a matter of its own: what goes somewhere, and what it is, would have to stand beside the address.
pub(super) fn is_cited(unit: &Unit, facts: &Facts) -> bool {
    !facts.mail && (is_source(unit, facts) || is_row(unit, facts))
}

/// Is nothing sent on the way to the first address, and nothing given back to it?
fn is_source(unit: &Unit, facts: &Facts) -> bool {
    const BACK: &[&str] =
        &[" there", " to it", " to this", " to that", " it goes", " here", "to the above"];
    let text = unit.text.as_str();
    let Some(first) = text.find("://").or_else(|| TAKEN.find(text).map(|found| found.end())) else {
        return false;
    };
    let (before, after) =
        (text.get(..first).unwrap_or_default(), text.get(first..).unwrap_or_default());
    if facts.orders(&[Send])
        || facts.tags.iter().any(|tag| tag.concept == Send && tag.end <= first)
        || signs::GOES.is_match(before)
        || BACK.iter().any(|back| after.contains(back))
    {
        return false;
    }
    SOURCE.is_match(text) || TAKEN.is_match(text)
}

/// Is it a row of at least three links, none of which stands in one part with what is sent?
fn is_row(unit: &Unit, facts: &Facts) -> bool {
    const DATA: &[super::super::tags::Concept] =
        &[Files, Personal, Conversation, HistoryFile, Secret, SecretStrong];
    let text = unit.text.as_str();
    let Some(sign) = [" · ", " | ", " • "].into_iter().find(|sign| text.matches(sign).count() >= 2)
    else {
        return false;
    };
    let mut at = 0;
    text.split(sign).all(|part| {
        let (from, to) = (at, at + part.len());
        at = to + sign.len();
        let within = |concepts: &[super::super::tags::Concept]| {
            facts
                .tags
                .iter()
                .any(|tag| tag.start >= from && tag.end <= to && concepts.contains(&tag.concept))
        };
        !part.contains("://") || !within(&[Send]) && !within(DATA) && !signs::GOES.is_match(part)
    })
}

/// What is named by `whatever`, and does something itself: `whatever they held is dropped`. Nothing holds regardless there.
static FREE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bwhatever (?:it|they|he|she|you|we|this|that) \w+ (?:is|are|was|were|gets|goes|has|stays)\b",
    )
});

/// Is `whatever` only the name of things, in a sentence that says it once?
pub(super) fn is_free(text: &str) -> bool {
    FREE.is_match(text)
        && text.to_lowercase().matches("whatever").count() == 1
        && !["regardless", "no matter", "even if", "always", "in any case"]
            .iter()
            .any(|other| text.contains(other))
}
