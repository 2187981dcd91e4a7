//! One package through all analysers to a verdict.

use crate::{Report, Seen, binary, code, deeds, formats, hidden, install, judge, read::Read, text};

/// What the operator says about scanning.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Findings that the operator has seen and accepts.
    pub baseline: crate::Baseline,
    /// What the operator says does not count.
    pub suppressions: crate::Suppressions,
}

/// Judges a package that was read.
pub fn scan(read: &Read, options: &Options) -> Report {
    let profile = formats::profile(&read.package, &read.name);
    let mut seen = Seen { findings: read.seen.findings.clone(), capabilities: Vec::new() };
    // Neither half needs what the other sees, and a single skill is waited for.
    let (code, text) = rayon::join(
        || {
            let mut seen = code::look(&read.package);
            seen.extend(install::look(&read.package));
            seen.extend(binary::look(&read.package));
            seen
        },
        || {
            let mut seen = formats::look(&read.package, &profile);
            seen.extend(deeds::look(&read.package, &profile));
            seen.extend(hidden::look(&read.package, &profile));
            seen.extend(text::look(&read.package, &profile));
            seen
        },
    );
    seen.extend(code);
    seen.extend(text);
    judge::judge(read, &profile, seen, options)
}
