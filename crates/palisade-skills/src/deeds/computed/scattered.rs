//! Letters that stand in the package as they are, but not where they belong: picked out of a longer text by their
//! places, put among others, exchanged with each other, or cut into pieces of an encoding.

use super::{
    literals::Literal,
    numbers::Run,
    solve::{Spelled, decoded, told},
    words::is_command,
};

/// The most literals and runs that are held against each other, and the longest literal in characters.
const LITERALS: usize = 48;
const RUNS: usize = 16;
const LONGEST: usize = 1024;

/// Numbers that are places in a literal, or the places to which its letters go.
pub(super) fn picked(runs: &[Run], literals: &[Literal<'_>]) -> Option<Spelled> {
    const SHORTEST: usize = 12;
    let fit =
        |literal: &&Literal<'_>| literal.text.len() >= SHORTEST && literal.text.len() <= LONGEST;
    for literal in literals.iter().filter(fit).take(LITERALS) {
        let letters: Vec<char> = literal.text.chars().collect();
        for run in runs.iter().take(RUNS) {
            let text = placed(run, &letters).or_else(|| returned(run, &letters));
            if let Some(text) = text.filter(|text| !literal.text.contains(text.as_str())) {
                return Some(Spelled { at: run.at, how: "a row of places in a text", text });
            }
        }
    }
    None
}

fn placed(run: &Run, letters: &[char]) -> Option<String> {
    [1, 2].into_iter().find_map(|step| {
        [0, 1].into_iter().find_map(|first| {
            let text: Option<String> = run
                .numbers
                .iter()
                .step_by(step)
                .map(|n| letters.get(usize::try_from(n - first).ok()?).copied())
                .collect();
            text.and_then(told)
        })
    })
}

/// The letter of each place goes to the place that the number names.
fn returned(run: &Run, letters: &[char]) -> Option<String> {
    if run.numbers.len() != letters.len() {
        return None;
    }
    let first = *run.numbers.iter().min()?;
    let mut text = vec![None; letters.len()];
    for (n, letter) in run.numbers.iter().zip(letters) {
        *text.get_mut(usize::try_from(n - first).ok()?)? = Some(*letter);
    }
    told(text.into_iter().collect::<Option<String>>()?)
}

/// Every second, third … letter of a literal, or all but one that stands between the others.
pub(super) fn thinned(literal: &Literal<'_>) -> Option<String> {
    const SHORTEST: usize = 20;
    let letters: Vec<char> = literal.text.chars().collect();
    if letters.len() < SHORTEST || letters.len() > LONGEST || is_command(literal.text, false) {
        return None;
    }
    for step in 2..=5 {
        for from in 0..step {
            let text: String = letters.iter().skip(from).step_by(step).collect();
            if let Some(text) = told(text) {
                return Some(text);
            }
        }
    }
    let mut different = letters.clone();
    different.sort_unstable();
    different.dedup();
    different.into_iter().filter(|c| !matches!(c, '\\' | '?' | ' ' | '/')).find_map(|junk| {
        let kept: String = letters.iter().filter(|c| **c != junk).collect();
        let taken = letters.len() - kept.chars().count();
        (taken >= 5 && taken * 6 >= letters.len()).then_some(kept).and_then(told)
    })
}

/// Literals one behind the other that are one encoding when they are put together, in either order.
pub(super) fn joined(text: &str, literals: &[Literal<'_>]) -> Option<Spelled> {
    const BETWEEN: usize = 16;
    let mut group: Vec<&Literal<'_>> = Vec::new();
    let mut end = 0;
    for literal in literals.iter().filter(|literal| literal.text.is_ascii()) {
        let between = text.get(end..literal.at).unwrap_or("\n\n\n");
        let follows = literal.at >= end
            && between.len() <= BETWEEN
            && !between.chars().any(|c| c.is_alphanumeric());
        if !follows {
            if let Some(found) = together(&group) {
                return Some(found);
            }
            group.clear();
        }
        if literal.at >= end {
            group.push(literal);
            end = literal.at + literal.text.len();
        }
    }
    together(&group)
}

fn together(group: &[&Literal<'_>]) -> Option<Spelled> {
    let first = group.first()?;
    if group.len() < 2 || group.iter().any(|literal| is_command(literal.text, false)) {
        return None;
    }
    let forward: String = group.iter().map(|literal| literal.text).collect();
    let back: String = group.iter().rev().map(|literal| literal.text).collect();
    if forward.len() > LONGEST * 4 {
        return None;
    }
    let found = [forward, back].into_iter().find_map(|text| {
        decoded(&text).into_iter().find_map(|bytes| told(String::from_utf8(bytes).ok()?))
    })?;
    Some(Spelled { at: first.at, how: "an encoding in pieces", text: found })
}

/// An encoding that is turned round, or that holds another one.
pub(super) fn nested(literal: &Literal<'_>) -> Option<String> {
    const DEEPEST: usize = 4;
    if literal.text.len() > LONGEST * 4 {
        return None;
    }
    let turned: String = literal.text.chars().rev().collect();
    let mut open: Vec<(String, usize)> = vec![(turned, 1), (literal.text.to_owned(), 0)];
    let mut looked = 0;
    while let Some((text, depth)) = open.pop() {
        looked += 1;
        if looked > 16 {
            return None;
        }
        for bytes in decoded(&text) {
            let Ok(inner) = String::from_utf8(bytes) else { continue };
            // What is encoded once and stands forward is read by those who decode.
            if depth > 0
                && let Some(text) = told(inner.clone())
            {
                return Some(text);
            }
            if depth < DEEPEST {
                open.push((inner.trim().chars().rev().collect(), depth + 1));
                open.push((inner.trim().to_owned(), depth + 1));
            }
        }
    }
    None
}
