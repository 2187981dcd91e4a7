//! For a terminal.

use std::fmt::Write as _;

use crate::{Report, Severity, Verdict};

/// A report as lines. Whatever came from the package is escaped.
pub fn terminal(report: &Report, all: bool) -> String {
    let mut out = String::new();
    let verdict = match report.verdict {
        Verdict::Safe => "safe",
        Verdict::Caution => "CAUTION",
        Verdict::Dangerous => "DANGEROUS",
    };
    let unvetted = if report.vetted { "" } else { " (not all of it vetted)" };
    let path = palisade_core::shown(&report.path, 300);
    writeln!(out, "{verdict}{unvetted}  {path}").unwrap_or_default();
    if let Some(reviewed) = &report.model_review {
        let dropped = match reviewed.dropped {
            0 => String::new(),
            some => format!(", {some} more dropped: what they quote does not stand where they say"),
        };
        writeln!(
            out,
            "  shown to the model {}: {} bytes, {} of {} pieces answered, {} findings{dropped}",
            palisade_core::shown(&reviewed.model, 80),
            reviewed.bytes,
            reviewed.answered,
            reviewed.pieces,
            reviewed.findings,
        )
        .unwrap_or_default();
    }
    for reason in &report.reasons {
        writeln!(out, "  because {}", palisade_core::shown(&reason.text, 300)).unwrap_or_default();
    }
    for finding in
        report.findings.iter().filter(|finding| all || finding.severity >= Severity::Medium)
    {
        let place = &finding.place;
        writeln!(
            out,
            "  {:?} {}  {}:{}:{}\n      {}\n      > {}\n      why: {}\n      clear it: {}",
            finding.severity,
            finding.rule.id,
            palisade_core::shown(&place.file, 200),
            place.line,
            place.column,
            palisade_core::shown(&finding.message, 300),
            finding.excerpt,
            finding.rule.why,
            finding.rule.clear,
        )
        .unwrap_or_default();
    }
    out
}
