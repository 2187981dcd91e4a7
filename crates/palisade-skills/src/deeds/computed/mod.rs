//! Text that a calculation makes out of what the package ships: numbers, letters of an alphabet of one's own, bytes
//! under a mask.
//!
//! Whoever hides a command has to ship what it is made of, and simple means must turn that into text, in whichever
//! language. So the data is looked at, not the program: every run of numbers and every literal is put through the
//! families of calculations that such programs know ([`solve`]), and what comes out counts if it is made of printable
//! characters only *and* has the words of commands ([`words`]). By chance neither happens: a false alarm needs somebody
//! who ships a command, masked, and means no harm by it. No name, language or key is looked for.
//!
//! What no such calculation opens (tables that are mixed, ciphers of more steps) is told by [`flow`]: letters that are
//! made from shipped data, followed by name to what runs them.

mod evaluated;
mod flow;
mod literals;
pub(super) mod names;
mod numbers;
mod scattered;
mod solve;
#[cfg(test)]
mod tests;
mod words;

use super::rules;
use crate::{Confidence, File, FileKind, Package, Seen, Severity, formats::Profile};

/// The largest file that is looked at. Longer tables are pictures, fonts and models.
const LARGEST: usize = 128 << 10;

/// Looks through all text files of a package.
pub(super) fn look(package: &Package, profile: &Profile, seen: &mut Seen) {
    let texts: Vec<(&File, &str)> = package
        .files
        .iter()
        .filter(|file| {
            file.bytes.len() <= LARGEST
                && (file.kind.is_parsed()
                    || matches!(file.kind, FileKind::Definition | FileKind::Data | FileKind::Prose))
        })
        .filter_map(|file| Some((file, std::str::from_utf8(&file.bytes).ok()?)))
        .collect();
    for (file, text) in &texts {
        // In a text that people read, quotes are apostrophes and ciphers are examples: numbers are looked at.
        let prose = file.kind == FileKind::Prose && !file.path.ends_with(".txt");
        if let Some(found) = solve::solve(text, prose) {
            let message = format!(
                "{} stands here and is text: {}",
                found.how,
                palisade_core::shown(found.text.trim(), 120)
            );
            let (severity, sure) = match profile.security {
                true => (Severity::Medium, Confidence::Low),
                false => (Severity::High, Confidence::Medium),
            };
            let (line, excerpt) = line(text, found.at);
            seen.findings.push(
                rules::SPELLED.at(&file.path, line, 0, excerpt, message).of(severity).sure(sure),
            );
        }
    }
    flow::look(&texts, profile, seen);
    evaluated::look(package, &texts, profile, seen);
}

/// The number of the line of a byte, from 1, and what stands there.
fn line(text: &str, at: usize) -> (u32, &str) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = text.get(..at).unwrap_or_default();
    let number = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    (u32::try_from(number).unwrap_or(u32::MAX), line)
}
