//! Markdown, for comments on changes.

use std::fmt::Write as _;

use crate::{Report, Severity};

/// Reports as Markdown.
pub fn markdown(reports: &[Report]) -> String {
    let mut out =
        String::from("# Skills scanned\n\n| skill | verdict | findings |\n|---|---|---|\n");
    for report in reports {
        let count =
            report.findings.iter().filter(|finding| finding.severity >= Severity::Medium).count();
        writeln!(out, "| {} | {:?} | {count} |", plain(&report.path), report.verdict)
            .unwrap_or_default();
    }
    for report in reports.iter().filter(|report| !report.reasons.is_empty()) {
        writeln!(out, "\n## {}: {:?}\n", plain(&report.path), report.verdict).unwrap_or_default();
        for reason in &report.reasons {
            writeln!(out, "- {}", plain(&reason.text)).unwrap_or_default();
        }
        out.push_str("\n| severity | rule | place | what |\n|---|---|---|---|\n");
        for finding in report.findings.iter().filter(|finding| finding.severity >= Severity::Medium)
        {
            let place = format!("{}:{}", finding.place.file, finding.place.line);
            writeln!(
                out,
                "| {:?} | {} | {} | {}: {} |",
                finding.severity,
                finding.rule.id,
                plain(&place),
                plain(&finding.message),
                plain(&finding.excerpt)
            )
            .unwrap_or_default();
        }
    }
    out
}

/// Text that Markdown shows as it is.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in palisade_core::shown(text, 300).chars() {
        if "\\`*_{}[]<>()#|!~&".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
