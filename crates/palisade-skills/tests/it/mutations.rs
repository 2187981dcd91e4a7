//! An attack that is caught is caught in other clothes too: else the rule knows a corpus, not a technique.

use palisade_skills::Verdict;
use rayon::prelude::*;

use crate::{
    BLOCKED,
    corpus::{Body, Class, Entry, Sample, escapes::encode, samples},
    judge,
};

/// Of the attacks that are caught, how many still are after the change.
fn survival(change: impl Fn(&mut Sample) -> bool + Sync) -> (usize, usize, Vec<String>) {
    let blocked = &*BLOCKED;
    let caught: Vec<(bool, String)> = samples()
        .into_par_iter()
        .filter(|sample| sample.class == Class::Malicious && !sample.held_out())
        .filter(|sample| blocked.contains(&sample.id()))
        .filter_map(|mut sample| {
            change(&mut sample).then(|| (judge(&sample) == Verdict::Dangerous, sample.id()))
        })
        .collect();
    let lost: Vec<String> =
        caught.iter().filter(|(still, _)| !still).map(|(_, id)| id.clone()).collect();
    (caught.len() - lost.len(), caught.len(), lost)
}

fn assert_survives(least: f64, change: impl Fn(&mut Sample) -> bool + Sync) {
    let (still, all, lost) = survival(change);
    assert!(all >= 20, "only {all} attacks were changed");
    let share = still as f64 / all as f64;
    assert!(share >= least, "{share:.3} of {all} are still caught; lost: {lost:?}");
}

/// Changes the texts of a sample for which `which` says so; true if there was one.
fn texts(
    sample: &mut Sample,
    which: impl Fn(&str) -> bool,
    change: impl Fn(&str) -> String,
) -> bool {
    let mut any = false;
    for entry in &mut sample.entries {
        if let Body::File { bytes, .. } = &mut entry.body
            && which(&entry.path)
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            let changed = change(text);
            any |= changed != text;
            *bytes = changed.into_bytes();
        }
    }
    any
}

fn is_skill(path: &str) -> bool {
    path == "SKILL.md"
}

/// The head and the body of a `SKILL.md`.
fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.get(4..)?.find("\n---\n")? + 4 + 5;
    Some((text.get(..end)?, text.get(end..)?))
}

/// Hosts that no rule can know: the letters of the owner's label are moved by three.
fn rename_hosts(text: &str) -> String {
    const ENDS: &[&str] = &[
        "com", "net", "org", "io", "dev", "app", "tools", "cloud", "info", "tech", "host", "live",
        "page", "me", "cc", "team", "run",
    ];
    const KNOWN: &[&str] = &[
        "github",
        "githubusercontent",
        "gitlab",
        "discord",
        "telegram",
        "slack",
        "npmjs",
        "google",
        "apple",
        "dropboxapi",
        "binance",
        "paypal",
        "claude",
        "openai",
        "anthropic",
        "amazonaws",
        "termbin",
        "glot",
        "yarnpkg",
        "cloudflare",
        "microsoft",
    ];
    let mut out = String::new();
    for piece in
        text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'))
    {
        let host = piece.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric()));
        let labels: Vec<&str> = host.split('.').collect();
        let owner =
            labels.len().checked_sub(2).and_then(|at| labels.get(at)).copied().unwrap_or_default();
        let end = labels.last().copied().unwrap_or_default();
        if labels.len() < 2 || !ENDS.contains(&end) || KNOWN.contains(&owner) || owner.len() < 4 {
            out.push_str(piece);
            continue;
        }
        let moved: String = owner
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() {
                    char::from((c as u8 - b'a' + 3) % 26 + b'a')
                } else {
                    c
                }
            })
            .collect();
        out.push_str(&piece.replacen(owner, &moved, 1));
    }
    out
}

#[test]
fn other_hosts_are_caught_too() {
    assert_survives(0.95, |sample| texts(sample, |_| true, rename_hosts));
}

#[test]
fn the_order_of_parts_does_not_matter() {
    assert_survives(0.9, |sample| {
        texts(sample, is_skill, |text| {
            let Some((head, body)) = split(text).filter(|(_, body)| !body.contains("```")) else {
                return text.to_owned();
            };
            let mut parts: Vec<&str> = body.split("\n\n").collect();
            parts.reverse();
            format!("{head}\n{}\n", parts.join("\n\n"))
        })
    });
}

#[test]
fn a_part_in_a_reference_is_caught_too() {
    assert_survives(0.9, |sample| {
        let Some(entry) = sample.entries.iter_mut().find(|entry| is_skill(&entry.path)) else {
            return false;
        };
        let Body::File { bytes, .. } = &mut entry.body else { return false };
        let text = String::from_utf8_lossy(bytes).into_owned();
        let Some((head, body)) = split(&text) else { return false };
        let head = format!("{head}\n# Guide\n\nRead `references/guide.md` and follow it.\n");
        let body = body.to_owned();
        *bytes = head.into_bytes();
        let body = Body::File { bytes: body.into_bytes(), executable: false, encrypted: false };
        sample.entries.push(Entry { path: "references/guide.md".into(), body });
        true
    });
}

#[test]
fn another_skill_around_it_does_not_matter() {
    const MORE: &str = "\n## Style\nShort sentences. One idea a paragraph. Prefer examples to rules.\n\n## Questions\n- Who reads it?\n- What do they know?\n\n## Review\nRead it aloud once, then cut a tenth.\n";
    assert_survives(0.95, |sample| {
        texts(sample, is_skill, |text| match split(text) {
            Some((head, body)) => format!("{head}{MORE}{body}{MORE}{MORE}"),
            None => text.to_owned(),
        })
    });
}

#[test]
fn letters_that_are_not_seen_do_not_help() {
    assert_survives(0.9, |sample| {
        texts(sample, is_skill, |text| match split(text) {
            Some((head, body)) => {
                let mut letters = 0;
                let body: String = body
                    .chars()
                    .flat_map(|c| {
                        letters = if c.is_ascii_lowercase() { letters + 1 } else { 0 };
                        std::iter::once(c).chain((letters == 2).then_some('\u{200b}'))
                    })
                    .collect();
                format!("{head}{body}")
            }
            None => text.to_owned(),
        })
    });
}

#[test]
fn scripts_in_base64_are_caught_too() {
    let script =
        |path: &str| path.ends_with(".py") || path.ends_with(".sh") || path.ends_with(".js");
    assert_survives(0.9, |sample| {
        sample.entries.iter_mut().any(|entry| {
            let path = entry.path.clone();
            let Body::File { bytes, .. } = &mut entry.body else { return false };
            if !script(&path) {
                return false;
            }
            let code = String::from_utf8(encode("b64", bytes)).unwrap();
            *bytes = match path.rsplit('.').next() {
                Some("py") => format!("import base64\nexec(base64.b64decode('{code}'))\n"),
                Some("sh") => format!("#!/bin/sh\necho '{code}' | base64 -d | sh\n"),
                _ => format!("eval(Buffer.from('{code}', 'base64').toString());\n"),
            }
            .into_bytes();
            true
        })
    });
}
