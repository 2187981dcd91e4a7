//! Install steps and dependencies: what runs by itself, where packages come from, and whose names
//! they have.

mod manifests;
pub(crate) mod names;
pub(crate) mod rules;

pub use rules::RULES;

use names::{Alike, Registry};

use crate::code::{hosts, safe};
use crate::{Confidence, File, FileKind, Finding, Package, Place, Rule, Seen, Severity};

/// Looks at the manifests of a package.
pub fn look(package: &Package) -> Seen {
    let mut seen = Seen::default();
    for file in &package.files {
        let before = seen.findings.len();
        manifests::look(package, file, &mut seen);
        several(file, before, &mut seen);
        successors(file, &mut seen);
    }
    seen
}

/// One name that is close to a well-known one is chance; two in one list are not.
fn several(file: &File, before: usize, seen: &mut Seen) {
    let near: Vec<&Finding> = seen
        .findings
        .iter()
        .skip(before)
        .filter(|finding| finding.rule.id == rules::TYPOSQUAT.id)
        .collect();
    if let [first, _, ..] = near.as_slice()
        && near.iter().all(|finding| finding.severity < Severity::High)
    {
        let message = format!("{} names in one list are close to well-known ones.", near.len());
        let (line, excerpt) = (first.place.line, first.excerpt.clone());
        let sure = (Severity::High, Confidence::Medium);
        say(seen, &rules::TYPOSQUAT, sure, (&file.path, line), &excerpt, message);
    }
}

/// A list that exchanges well-known packages for others which only add a word that is to be trusted.
fn successors(file: &File, seen: &mut Seen) {
    const LARGEST: usize = 256 << 10;
    const TRUSTED: &[&str] = &[
        "maintained",
        "lts",
        "secure",
        "fork",
        "official",
        "patched",
        "safe",
        "fixed",
        "updated",
        "stable",
        "revived",
        "modern",
        "hardened",
        "supported",
        "continued",
        "next-lts",
        "secure-fork",
    ];
    if !matches!(file.kind, FileKind::Prose | FileKind::Data) || file.bytes.len() > LARGEST {
        return;
    }
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return };
    let known = |name: &str| Registry::Npm.knows(name) || Registry::PyPi.knows(name);
    let mut found: Vec<(u32, String, String)> = Vec::new();
    for (line, number) in text.lines().zip(1_u32..) {
        if !TRUSTED.iter().any(|word| line.contains(word)) {
            continue;
        }
        let tokens: Vec<&str> = line
            .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '@')))
            .filter(|token| token.len() > 2)
            .take(64)
            .collect();
        for name in &tokens {
            let Some(old) = TRUSTED
                .iter()
                .find_map(|word| name.strip_suffix(word).map(|old| old.trim_end_matches('-')))
            else {
                continue;
            };
            let twice = tokens.iter().any(|token| {
                *token == old
                    || old.strip_suffix('s') == Some(token)
                    || token.len() > 4 && old.starts_with(token)
            });
            if twice
                && name.contains('-')
                && is_named(line, name)
                && !known(name)
                && tokens.iter().any(|token| known(token))
            {
                found.push((number, (*name).to_owned(), line.to_owned()));
            }
        }
    }
    if let [(number, name, line), _, ..] = found.as_slice() {
        let message = format!(
            "`{}` and others take the place of well-known packages and only add a word that is to be trusted.",
            safe(name)
        );
        say(
            seen,
            &rules::TYPOSQUAT,
            (Severity::High, Confidence::Medium),
            (&file.path, *number),
            line,
            message,
        );
    }
}

/// Does a word stand somewhere as the name of something: in quotation marks, in a row, a list or behind a sign? Between plain
/// words, `type-safe applications`, it is a word.
fn is_named(line: &str, name: &str) -> bool {
    let plain = |c: Option<char>| c.is_none_or(|c| c.is_alphabetic() || c == '.');
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + name.len()..).unwrap_or_default();
        let spaced =
            before.ends_with(' ') && (after.starts_with(' ') || after.starts_with(['.', ',']));
        let installs =
            ["install ", "add ", "-i ", "-D ", "require ", "to ", "by ", "with ", "use "]
                .iter()
                .any(|verb| before.ends_with(verb));
        !spaced
            || installs
            || !plain(before.trim_end().chars().next_back())
            || !plain(after.trim_start().chars().next())
    })
}

/// A finding about a name that looks like another.
pub(crate) fn judge_name(
    registry: Registry,
    name: &str,
) -> Option<(&'static Rule, Severity, String)> {
    let shown = safe(name);
    Some(match registry.alike(name)? {
        Alike::Looks(known) => (
            &rules::HOMOGLYPH,
            Severity::High,
            format!("`{shown}` looks like `{known}` and has letters of another script."),
        ),
        Alike::Slip(known) => (
            &rules::TYPOSQUAT,
            Severity::High,
            format!("`{shown}` is one slip away from `{known}`."),
        ),
        Alike::Near(known) => {
            (&rules::TYPOSQUAT, Severity::Low, format!("`{shown}` is close to `{known}`."))
        }
    })
}

/// A finding about the address that a dependency comes from.
fn judge_address(address: &str) -> (Severity, Confidence) {
    use hosts::Standing;
    match hosts::standing_of(address) {
        None | Some(Standing::Loopback | Standing::Private | Standing::Known) => {
            (Severity::Note, Confidence::Medium)
        }
        Some(Standing::Shared) => (Severity::Low, Confidence::Medium),
        Some(Standing::Plain) if address.starts_with("http://") => {
            (Severity::High, Confidence::Medium)
        }
        // The package itself lies there, and no registry has seen it.
        Some(Standing::Plain) if is_archive(address) && !crate::deeds::is_placeholder(address) => {
            (Severity::High, Confidence::Medium)
        }
        Some(Standing::Plain) => (Severity::Medium, Confidence::Medium),
        Some(Standing::Drop | Standing::Address | Standing::Shortener) => {
            (Severity::High, Confidence::High)
        }
    }
}

fn is_archive(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    [".whl", ".tgz", ".tar.gz", ".zip", ".gem", ".crate", ".nupkg"]
        .iter()
        .any(|end| path.ends_with(end))
}

fn say(
    seen: &mut Seen,
    rule: &'static Rule,
    (severity, confidence): (Severity, Confidence),
    (file, line): (&str, u32),
    excerpt: &str,
    message: String,
) {
    seen.findings.push(Finding {
        rule,
        severity,
        confidence,
        place: Place { file: file.to_owned(), line, column: 0 },
        excerpt: safe(excerpt),
        message,
        related: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighty(text: &str) -> usize {
        let bytes: std::sync::Arc<[u8]> = text.as_bytes().into();
        let path = "requirements.txt".to_owned();
        let file = File { path, bytes, kind: FileKind::Definition, executable: false };
        let package = Package { files: vec![file] };
        look(&package).findings.iter().filter(|found| found.severity >= Severity::High).count()
    }

    #[test]
    fn two_near_names_are_no_chance() {
        assert_eq!(weighty("numpys==1.2\npandass==2.0\n"), 1);
        assert_eq!(weighty("numpys==1.2\npandas==2.0\n"), 0);
    }
}
