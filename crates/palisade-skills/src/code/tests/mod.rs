//! Snippets that are attacks in many disguises, and others that only look like them.

mod bounds;
mod go;
mod javascript;
mod package;
mod powershell;
mod python;
mod ruby;
mod shell;

use super::{Language, snippet};
use crate::{Place, Seen, Severity};

fn seen(language: Language, text: &str) -> Seen {
    snippet(language, text, Place { file: "x".to_owned(), line: 1, column: 1 }, false)
}

/// Each must have a finding of this rule that stops it.
fn all_stop(language: Language, cases: &[(&str, &str)]) {
    let mut missed = Vec::new();
    for (rule, text) in cases {
        let seen = seen(language, text);
        let hit = seen
            .findings
            .iter()
            .any(|finding| finding.rule.id == *rule && finding.severity >= Severity::High);
        if !hit {
            let others: Vec<_> =
                seen.findings.iter().map(|f| (f.rule.id, f.severity, f.message.clone())).collect();
            missed.push(format!("{rule}: {text}\n    {others:?}"));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

/// None may have a finding that stops it.
fn none_stops(language: Language, cases: &[&str]) {
    let mut wrong = Vec::new();
    for text in cases {
        for finding in seen(language, text).findings {
            if finding.severity >= Severity::High {
                wrong.push(format!("{}: {}\n    {text}", finding.rule.id, finding.message));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
