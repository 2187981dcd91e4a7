//! What a list of changes means, for a person.

use std::fmt::Write as _;

use palisade_workspace::{Change, Left, What, quoted};

use super::bytes;

/// Names that are printed one by one under each heading. The rest is counted.
const SHOWN: usize = 50;

/// All of it: the sensitive ones first, then what cannot be taken, then the numbers.
pub(super) fn of<'a>(changes: impl Iterator<Item = &'a Change> + Clone) -> String {
    let mut text = String::new();
    sensitive(&mut text, changes.clone());
    let unfit: Vec<String> =
        changes.clone().filter_map(|change| Some(reason(change, change.unfit.as_ref()?))).collect();
    list(&mut text, "can never be applied", &unfit);
    let conflicts: Vec<String> = changes
        .clone()
        .filter(|change| change.unfit.is_none())
        .filter_map(|change| Some(reason(change, change.conflict.as_ref()?)))
        .collect();
    list(&mut text, "changed underneath", &conflicts);
    text.push_str(&numbers(changes));
    text
}

/// What is wanted: the sensitive ones, and the numbers.
pub(super) fn of_wanted<'a>(changes: impl Iterator<Item = &'a Change> + Clone) -> String {
    let mut text = String::new();
    sensitive(&mut text, changes.clone());
    text.push_str(&numbers(changes));
    text
}

fn sensitive<'a>(text: &mut String, changes: impl Iterator<Item = &'a Change>) {
    let lines: Vec<String> = changes
        .filter(|change| change.sensitive)
        .map(|change| format!("{:<9} {}", change.what().as_str(), quoted(&change.path)))
        .collect();
    list(text, "sensitive: the host runs them, or believes what they say, by itself", &lines);
}

/// What is left, and why.
pub(super) fn of_left(left: &[(&Change, Left)]) -> String {
    let mut text = String::new();
    let lines: Vec<String> = left.iter().map(|(change, why)| reason(change, why)).collect();
    list(&mut text, "left out", &lines);
    text
}

fn reason(change: &Change, why: &impl std::fmt::Display) -> String {
    format!("{}: {why}", quoted(&change.path))
}

fn list(text: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    // Writing to a string cannot fail.
    writeln!(text, "{} {heading}", lines.len()).unwrap_or_default();
    for line in lines.iter().take(SHOWN) {
        writeln!(text, "  {line}").unwrap_or_default();
    }
    if lines.len() > SHOWN {
        writeln!(text, "  and {} more", lines.len() - SHOWN).unwrap_or_default();
    }
}

/// A number of changes, in words that agree with it.
pub(super) fn count_of(changes: usize) -> String {
    if changes == 1 { "1 change".to_owned() } else { format!("{changes} changes") }
}

fn numbers<'a>(changes: impl Iterator<Item = &'a Change> + Clone) -> String {
    let all = changes.clone().count();
    let size = changes.clone().fold(0_u64, |sum, change| sum.saturating_add(change.size()));
    let kinds = [What::Added, What::Changed, What::Mode, What::Replaced, What::Deleted];
    let mut parts: Vec<String> = kinds
        .iter()
        .map(|what| {
            (changes.clone().filter(|change| change.what() == *what).count(), what.as_str())
        })
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let folders = changes.filter(|change| change.is_folder()).count();
    if folders > 0 {
        parts.push(format!("{folders} of them folders"));
    }
    parts.push(bytes(size));
    format!("{}: {}\n", count_of(all), parts.join(", "))
}
