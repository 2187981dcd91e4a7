//! What the operator has seen and accepts. It comes from the operator's side only: nothing in a
//! package can take a finding away.

use std::collections::HashSet;

use serde::Deserialize;
use thiserror::Error;

use crate::Finding;

/// Accepted findings.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    accepted: HashSet<(String, String, String, String)>,
}

/// Why a baseline cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// A line is no report of `palisade skill scan --format json`.
    #[error("line {line}: {error}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

#[derive(Deserialize)]
struct Line {
    name: String,
    findings: Vec<Accepted>,
}

#[derive(Deserialize)]
struct Accepted {
    rule: String,
    file: String,
    excerpt: String,
}

impl Baseline {
    /// Reads what `palisade skill scan --format json` printed. A finding is told by skill, rule, file
    /// and excerpt, so that it counts again when what stands there changes.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let mut accepted = HashSet::new();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| BaselineError::Line { line: at + 1, error })?;
            for finding in line.findings {
                accepted.insert((line.name.clone(), finding.rule, finding.file, finding.excerpt));
            }
        }
        Ok(Self { accepted })
    }

    /// Is this finding accepted?
    pub(super) fn holds(&self, name: &str, finding: &Finding) -> bool {
        !self.accepted.is_empty()
            && self.accepted.contains(&(
                name.to_owned(),
                finding.rule.id.to_owned(),
                finding.place.file.clone(),
                finding.excerpt.clone(),
            ))
    }
}
