//! Code that stands in files of another kind: blocks and commands in prose, commands of
//! definitions, recipes of builds, texts in languages that are not parsed.

mod builds;
mod prose;

use crate::{
    Confidence, File, FileKind, Package, Place, Seen, Severity,
    code::{self, Language},
    formats::{self, Profile},
};

/// A piece of code in another file.
#[derive(Debug, Clone)]
pub(crate) struct Snippet {
    /// What it is written in.
    pub(crate) language: Language,
    /// All of it.
    pub(crate) text: String,
    /// Where its first character stands.
    pub(crate) origin: Place,
    /// Does it run without the model choosing it?
    pub(crate) auto_run: bool,
    /// Is it shown rather than told to be run: a bad example, an attack that a guide explains?
    pub(crate) shown: bool,
}

/// Snippets of one package that are followed.
const MOST: usize = 2000;

/// The code of a package, files and snippets, followed together.
pub(crate) fn look(package: &Package, profile: &Profile) -> Seen {
    let mut snippets = Vec::new();
    for file in &package.files {
        of_file(file, profile, &mut snippets);
        snippets.truncate(MOST);
    }
    let mut seen = code::look(package, &snippets);
    for finding in &mut seen.findings {
        let within = |snippet: &&Snippet| {
            let last = snippet.origin.line + lines(&snippet.text);
            snippet.shown
                && snippet.origin.file == finding.place.file
                && (snippet.origin.line..=last).contains(&finding.place.line)
        };
        if snippets.iter().any(|snippet| within(&snippet)) {
            finding.severity = finding.severity.min(Severity::Medium);
            finding.confidence = Confidence::Low;
        }
    }
    seen
}

fn lines(text: &str) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count()).unwrap_or(u32::MAX)
}

fn of_file(file: &File, profile: &Profile, snippets: &mut Vec<Snippet>) {
    let Ok(text) = std::str::from_utf8(&file.bytes) else { return };
    match file.kind {
        FileKind::Prose => prose::snippets(file, text, profile, snippets),
        FileKind::Definition | FileKind::Data | FileKind::Unknown if text.len() <= 1 << 20 => {
            builds::snippets(file, text, formats::parsed(file).as_ref(), snippets);
        }
        _ => {}
    }
}
