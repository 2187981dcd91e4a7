//! From what was gathered to a policy that is valid.
//!
//! The policy's own check says what cannot stand. What only permits is then left out and told; what refuses is not
//! left out: a hook becomes a question, and anything else is an error.

use std::collections::BTreeSet;

use palisade_policy::{Diagnostic, Policy, check_text};
use serde_json::json;

use crate::{
    Imported,
    error::ImportError,
    note::Outcome,
    parts::{Entry, Parts, Section},
    paths,
    writer::{Span, write},
};

/// What it is called in messages of the check.
const NAME: &str = "the policy";
/// Each round leaves something out, and most of them all that is to be left out.
const ROUNDS: usize = 64;

pub(crate) fn settle(mut parts: Parts<'_>) -> Result<Imported, ImportError> {
    for _ in 0..ROUNDS {
        parts.tidy();
        let (text, spans) = write(&parts);
        let request = parts.request;
        match check_text(NAME, &text, &request.base, &request.project, &request.home) {
            Ok(policy) => {
                if !hide_beneath(&mut parts, &policy) {
                    return Ok(finished(parts, text));
                }
            }
            Err(found) => {
                let found: Vec<&Diagnostic> = found.iter().collect();
                leave_out(&mut parts, &spans, &found)?;
            }
        }
    }
    Err(unsayable(NAME, "what was read", "it contradicts itself in too many ways"))
}

fn finished(mut parts: Parts<'_>, text: String) -> Imported {
    let order = |file: &str| parts.files.iter().position(|path| path.display().to_string() == file);
    parts.notes.sort_by_cached_key(|note| {
        (order(&note.file).unwrap_or(usize::MAX), note.file.clone(), note.line)
    });
    Imported { text, notes: parts.notes, files: parts.files }
}

fn unsayable(place: &str, what: &str, why: &str) -> ImportError {
    ImportError::Unsayable { place: place.to_owned(), what: what.to_owned(), why: why.to_owned() }
}

/// Takes out the entries that the check complains about.
fn leave_out(
    parts: &mut Parts<'_>,
    spans: &[Span],
    found: &[&Diagnostic],
) -> Result<(), ImportError> {
    let mut gone: BTreeSet<(Section, usize, Option<usize>)> = BTreeSet::new();
    for wrong in found {
        let at = |span: &&Span| wrong.file == NAME && span.lines.contains(&wrong.line);
        // Entries of `http` stand before their rule.
        let Some(span) = spans.iter().find(at) else {
            return Err(unsayable(NAME, "what was read", &wrong.message));
        };
        if !gone.insert((span.section.clone(), span.index, span.http)) {
            continue;
        }
        let rule = parts.of(&span.section).get(span.index);
        let entry = match (rule, span.http) {
            (Some(rule), Some(number)) => rule.http.get(number),
            (rule, _) => rule,
        };
        let Some(entry) = entry.cloned() else { continue };
        told(parts, &span.section, &entry, &wrong.message)?;
    }
    let rule_gone = |section: &Section, index| gone.contains(&(section.clone(), index, None));
    for (section, list) in &mut parts.lists {
        let entries = std::mem::take(list).into_iter().enumerate();
        for (index, mut entry) in entries.filter(|(index, _)| !rule_gone(section, *index)) {
            let had = entry.http.len();
            let requests = std::mem::take(&mut entry.http).into_iter().enumerate();
            let kept = |number| !gone.contains(&(section.clone(), index, Some(number)));
            entry.http =
                requests.filter(|(number, _)| kept(*number)).map(|(_, http)| http).collect();
            // Without its last request a rule would permit any.
            if had == 0 || !entry.http.is_empty() {
                list.push(entry);
            }
        }
    }
    Ok(())
}

fn told(
    parts: &mut Parts<'_>,
    section: &Section,
    entry: &Entry,
    why: &str,
) -> Result<(), ImportError> {
    // Another entry says it already. The whole sentence counts: what was read may have its words.
    let behind = [
        "permits all of this, so this one never counts",
        "takes these requests, so this never matches",
    ];
    let same = why.starts_with("the rule in line ") && behind.iter().any(|end| why.ends_with(end))
        || why.starts_with("this is denied in line ") && why.ends_with(" already")
        || matches!(section, Section::Read | Section::Write)
            && why.contains(" is named twice in `");
    let outcome = match same {
        true => Outcome::Carried,
        false => Outcome::Lost,
    };
    let why = if outcome == Outcome::Carried { "another entry says it already" } else { why };
    match section {
        Section::Hook(event) => {
            let matcher = entry.value.get("matcher").and_then(|matcher| matcher.as_str());
            parts.without_hook(event, matcher.map(str::to_owned).as_deref(), &entry.place, why);
        }
        Section::Read | Section::Write | Section::Allow | Section::Variable => {
            parts.note(outcome, &entry.place, entry.what.clone(), why);
        }
        Section::Network if !entry.refuses() => {
            parts.note(outcome, &entry.place, entry.what.clone(), why);
        }
        Section::Fixed | Section::Hide | Section::Ask | Section::Deny | Section::Network => {
            if outcome != Outcome::Carried {
                return Err(unsayable(&entry.place.to_string(), &entry.what, why));
            }
        }
    }
    Ok(())
}

/// Hides what the profile would show of folders that the tool hides. Whether there was any.
fn hide_beneath(parts: &mut Parts<'_>, policy: &Policy) -> bool {
    let mut more = Vec::new();
    for hidden in &parts.hidden {
        let shown = policy.filesystem.grants.iter().map(|grant| &grant.path);
        for path in shown.filter(|path| path.starts_with(&hidden.folder)) {
            let meant = hidden.but.iter().any(|but| path.starts_with(but) || but.starts_with(path));
            let denied =
                |deny: &palisade_policy::Deny| !deny.glob && path.starts_with(&deny.pattern);
            if !meant && !policy.filesystem.deny.iter().any(denied) {
                more.push((path.clone(), hidden.place.clone()));
            }
        }
    }
    let mut any = false;
    for (path, place) in more {
        let Some(text) = paths::shown(&path, parts.request) else { continue };
        let entry = Entry::new(json!(text), &place, "a folder that is hidden there");
        if !parts.of(&Section::Hide).iter().any(|known| known.value == entry.value) {
            parts.add(Section::Hide, entry);
            any = true;
        }
    }
    any
}
