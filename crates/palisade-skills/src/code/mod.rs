//! Code, read by real parsers and followed as data flow; nothing is run.
//!
//! Each file and snippet becomes a small intermediate form (`ir`), which is evaluated as far as it
//! can be without input (`eval`): constants are folded, encodings peeled, and every value carries
//! where it comes from. What libraries and programs do stands in `models` and `commands`; what is
//! reported, in `sinks` and `persist`.
//!
//! A single call is a capability. A finding of severity high needs a flow or a pairing: what is
//! fetched and run, what is decoded and run, a secret that leaves, a connection joined to a shell.
//!
//! Work is bounded by counted steps in proportion to the size of the package. What is too large,
//! too deep or too much becomes a finding of `not-vetted-code`.

mod act;
mod analysis;
mod assign;
mod attribute;
mod call;
mod commands;
mod embedded;
mod eval;
mod excerpt;
mod fold;
mod follow;
pub(crate) mod hosts;
mod ir;
mod language;
mod lower;
mod models;
mod names;
mod operate;
mod origin;
mod persist;
mod places;
mod reach;
pub(crate) mod rules;
mod sinks;
#[cfg(test)]
mod tests;
mod transform;
mod value;

use std::{collections::HashSet, sync::Arc};

use analysis::{Analysis, State};
pub use language::Language;
pub use rules::RULES;

pub(crate) use embedded::{forbidden, shows, teaches};
pub(crate) use excerpt::safe;
pub(crate) use fold::rot13;
pub(crate) use lower::unescape;

use crate::{Confidence, File, Package, Place, Seen, Severity};

/// The stack of an analysis: nesting is bounded, and this is more than the bound needs.
const STACK: usize = 64 << 20;

/// Commands that run by themselves and are searched for the names of scripts.
const MOST_MARKED: usize = 256;
/// Files among which names are searched for.
const MOST_NAMED: usize = 500;

/// Analyses all code files of a package, together.
pub fn look(package: &Package) -> Seen {
    on_large_stack(|| {
        let mut analysis = Analysis::new();
        for file in &package.files {
            analysis.data.insert(file.path.clone(), Arc::clone(&file.bytes));
            if is_manifest(file) {
                analysis.learn(&String::from_utf8_lossy(&file.bytes));
            }
        }
        let unnamed = if analysis.teaching { unnamed(package) } else { HashSet::new() };
        for file in &package.files {
            if let Some(language) = Language::of_file(file.kind, &file.path) {
                let text = text(file, &mut analysis);
                let origin = Place { file: file.path.clone(), line: 1, column: 1 };
                let auto_run = embedded::runs_by_itself(&file.path);
                if let Some(unit) =
                    text.and_then(|t| analysis.add(language, &t, origin, auto_run, false))
                {
                    analysis.paths.insert(file.path.clone(), unit);
                    let quoted = unnamed.contains(file.path.as_str()) && is_sampled(&file.path);
                    if let Some(unit) = analysis.units.get_mut(unit) {
                        unit.quoted = quoted;
                    }
                }
            }
        }
        for file in &package.files {
            if Language::of_file(file.kind, &file.path).is_none() {
                analysis.add_pieces(file);
            }
        }
        analysis.rounds();
        analysis.finish()
    })
}

/// Analyses a piece of code that stands in another file, by itself.
///
/// `origin` is the place of its first character; `auto_run` says that it runs without the model or
/// the user choosing it.
pub fn snippet(language: Language, text: &str, origin: Place, auto_run: bool) -> Seen {
    on_large_stack(|| {
        let mut analysis = Analysis::new();
        analysis.add(language, text, origin, auto_run, true);
        analysis.rounds();
        analysis.finish()
    })
}

impl Analysis {
    /// Runs all units, and once more if files or arguments carried something to a unit that ran
    /// before.
    fn rounds(&mut self) {
        for round in 0..2 {
            let first = self.units.len();
            for unit in 0..first {
                self.run(unit);
            }
            if !std::mem::take(&mut self.changed) || round > 0 {
                break;
            }
            for unit in self.units.iter_mut().filter(|unit| unit.anchor.is_none()) {
                unit.state = State::New;
                unit.followed.clear();
            }
        }
        if self.steps_left == 0
            && let Some(origin) = self.units.first().map(|unit| unit.origin.clone())
        {
            self.not_vetted(&origin, "the package's code takes more steps than are followed");
        }
    }

    /// Adds the code that stands in a file of another kind.
    fn add_pieces(&mut self, file: &File) {
        let teaching = self.teaching;
        for piece in embedded::pieces(file) {
            let origin = Place { file: file.path.clone(), line: piece.line, column: piece.column };
            let unit = self.add(piece.language, &piece.text, origin, piece.auto_run, piece.prose);
            if let Some(unit) = unit.and_then(|unit| self.units.get_mut(unit)) {
                unit.quoted = (piece.quoted || teaching && piece.prose) && !piece.auto_run;
            }
            if piece.auto_run && piece.text.len() < 16 << 10 && self.marked < MOST_MARKED {
                self.marked += 1;
                self.mark_auto_run(&piece.text);
            }
        }
        self.pair(file);
    }

    /// Reports what is read off the text of languages without a parser.
    fn pair(&mut self, file: &File) {
        use embedded::other::Pairing;
        if file.bytes.len() > language::LARGEST {
            return;
        }
        let text = String::from_utf8_lossy(&file.bytes);
        for (pairing, line) in embedded::other::pairings(&file.path, &text) {
            let (rule, severity, message) = match pairing {
                Pairing::ReverseShell => (
                    &rules::REVERSE_SHELL,
                    Severity::Critical,
                    "A socket and a shell stand together, and one gets the other's descriptors.",
                ),
                Pairing::Evaluates => (
                    &rules::DECODE_RUN,
                    Severity::High,
                    "What is decoded, or what a request brings, is evaluated.",
                ),
                Pairing::Environment => (
                    &rules::ENVIRONMENT_SENT,
                    Severity::High,
                    "The whole environment is read in a program that sends something.",
                ),
            };
            let place = Place { file: file.path.clone(), line, column: 0 };
            let excerpt = text.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default();
            self.report_at(
                rule,
                severity,
                Confidence::Medium,
                place,
                safe(excerpt),
                message.to_owned(),
            );
        }
    }

    /// The scripts of the package that a command names run as it does.
    fn mark_auto_run(&mut self, command: &str) {
        let named: Vec<usize> = self
            .paths
            .iter()
            .filter(|(path, _)| {
                let name = path.rsplit('/').next().unwrap_or_default();
                name.len() > 3 && command.contains(name)
            })
            .map(|(_, unit)| *unit)
            .collect();
        for unit in named {
            if let Some(unit) = self.units.get_mut(unit) {
                unit.auto_run = true;
            }
        }
    }

    /// Learns the words of a manifest that say what the package is about.
    fn learn(&mut self, text: &str) {
        let head: String = text.lines().take(30).collect::<Vec<_>>().join("\n").to_lowercase();
        self.teaching |= [
            "pentest",
            "attack",
            "malicious",
            "malware",
            "detection rule",
            "semgrep",
            "macros",
            "yara",
            "penetration test",
            "red team",
            "ctf",
            "offensive security",
            "exploit",
            "malware analysis",
            "forensic",
            "security audit",
            "vulnerability",
            "threat",
            "security review",
            "bug bounty",
            "adversar",
            "security research",
        ]
        .iter()
        .any(|word| head.contains(word));
        for line in text.lines().take(60) {
            let lower = line.trim().trim_start_matches(['"', '-']).to_lowercase();
            let telling = ["name", "homepage", "repository", "author", "url", "publisher"]
                .iter()
                .any(|key| lower.starts_with(key));
            if !telling {
                continue;
            }
            let value = lower.split_once(':').map_or("", |(_, value)| value);
            let squashed: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
            if lower.starts_with("name") && (3..40).contains(&squashed.len()) {
                self.words.insert(squashed);
            }
            for word in value.split(|c: char| !c.is_alphanumeric()) {
                let common = matches!(
                    word,
                    "https"
                        | "http"
                        | "www"
                        | "com"
                        | "github"
                        | "skill"
                        | "skills"
                        | "tool"
                        | "tools"
                        | "helper"
                        | "code"
                        | "agent"
                        | "openclaw"
                        | "claude"
                        | "data"
                        | "file"
                        | "files"
                        | "git"
                        | "the"
                        | "for"
                        | "and"
                        | "install"
                        | "setup"
                        | "update"
                        | "cloud"
                        | "online"
                        | "docs"
                        | "test"
                        | "security"
                        | "backup"
                        | "sync"
                        | "api"
                );
                if word.chars().count() >= 3 && !common && self.words.len() < 64 {
                    self.words.insert(word.to_owned());
                }
            }
        }
    }
}

/// Does it lie in a folder of samples that rules are tried on?
fn is_sampled(path: &str) -> bool {
    path.split('/').rev().skip(1).any(|part| {
        matches!(
            part,
            "rules"
                | "tests"
                | "test"
                | "fixtures"
                | "samples"
                | "testdata"
                | "corpus"
                | "vulnerable"
        )
    })
}

/// The files whose names no other file holds: found in one pass over the package.
fn unnamed(package: &Package) -> HashSet<&str> {
    let mut files = HashSet::new();
    let name = |file: &'_ File| file.path.rsplit('/').next().unwrap_or_default().to_owned();
    let sampled: Vec<&File> = package
        .files
        .iter()
        .filter(|file| is_sampled(&file.path) && name(file).len() > 3)
        .collect();
    if package.files.len() > MOST_NAMED {
        return files;
    }
    let Ok(names) = aho_corasick::AhoCorasick::new(sampled.iter().map(|file| name(file))) else {
        return files;
    };
    files.extend(sampled.iter().map(|file| file.path.as_str()));
    for other in package.files.iter().filter(|other| other.bytes.len() < 1 << 20) {
        for found in names.find_overlapping_iter(other.bytes.as_ref()) {
            if let Some(file) = sampled.get(found.pattern().as_usize())
                && file.path != other.path
            {
                files.remove(file.path.as_str());
            }
        }
    }
    files
}

fn is_manifest(file: &File) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    matches!(name, "SKILL.md" | "plugin.json" | "package.json" | "openclaw.plugin.json")
}

fn text(file: &File, analysis: &mut Analysis) -> Option<String> {
    let place = Place { file: file.path.clone(), line: 0, column: 0 };
    if file.bytes.len() > language::LARGEST {
        analysis.not_vetted(&place, "the file is larger than what is parsed");
        return None;
    }
    // Bytes that are no UTF-8 are replaced: they can only stand in texts and comments.
    Some(String::from_utf8_lossy(&file.bytes).into_owned())
}

/// Parsers' trees are walked by recursion, to a bounded depth; callers' stacks may be small.
fn on_large_stack(work: impl FnOnce() -> Seen + Send) -> Seen {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(seen)) => seen,
            _ => failed(),
        }
    })
}

/// The analysis itself failed: that is never "clean".
fn failed() -> Seen {
    let mut analysis = Analysis::new();
    analysis.not_vetted(
        &Place { file: String::new(), line: 0, column: 0 },
        "the analysis of the code failed",
    );
    analysis.finish()
}
