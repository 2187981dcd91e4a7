//! One package through all analysers to a verdict.

use crate::{Report, Seen, code, formats, hidden, judge, read::Read, text};

/// What the operator says about scanning.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Findings that the operator has seen and accepts.
    pub baseline: crate::Baseline,
}

/// Judges a package that was read.
pub fn scan(read: &Read, options: &Options) -> Report {
    let profile = formats::profile(&read.package, &read.name);
    let mut seen = Seen { findings: read.seen.findings.clone(), capabilities: Vec::new() };
    // Analysers of code, one line each.
    seen.extend(code::look(&read.package));
    seen.extend(formats::look(&read.package, &profile));
    seen.extend(hidden::look(&read.package, &profile));
    seen.extend(text::look(&read.package, &profile));
    judge::judge(read, &profile, seen, options)
}
