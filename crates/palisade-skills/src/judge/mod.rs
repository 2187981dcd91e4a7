//! The verdict: findings and capabilities to one of three answers, with reasons that add up.

mod amount;
mod baseline;
mod combine;
mod suppress;

pub(crate) use combine::is_shown;

use std::collections::BTreeMap;

pub use baseline::{Baseline, BaselineError};
use serde::Serialize;
pub use suppress::{SuppressError, Suppressions};

use crate::{
    Capability, Confidence, Finding, Package, Seen, Severity, Technique, formats::Profile,
    model_review::Reviewed, read::Read, scan::Options,
};

/// What becomes of a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All of it was read, and nothing stands against it.
    Safe,
    /// A person should look at the evidence.
    Caution,
    /// It is not to be loaded.
    Dangerous,
}

/// One sentence of why a verdict is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The family of attack, or what is said of the package as a whole.
    pub technique: Technique,
    /// The worst of its findings.
    pub severity: Severity,
    /// The sentence.
    pub text: String,
}

/// What is known of one package.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Where it lies.
    pub path: String,
    /// What it calls itself.
    pub name: String,
    /// The answer.
    pub verdict: Verdict,
    /// The worst finding that counts; none if there are none.
    pub severity: Option<Severity>,
    /// Was every byte read and understood as what it is?
    pub vetted: bool,
    /// Why the answer is what it is.
    pub reasons: Vec<Reason>,
    /// All findings, the worst first.
    pub findings: Vec<Finding>,
    /// What the operator's baseline and suppressions took away.
    pub accepted: usize,
    /// What the package can do.
    pub capabilities: Vec<Capability>,
    /// How many files it has.
    pub files: usize,
    /// How many bytes.
    pub bytes: u64,
    /// How far a model reviewed it, if one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_review: Option<Reviewed>,
}

/// Judges what all analysers saw.
pub(crate) fn judge(read: &Read, profile: &Profile, mut seen: Seen, options: &Options) -> Report {
    combine::combine(profile, &read.package, &mut seen);
    let all = seen.findings.len();
    seen.findings.retain(|finding| {
        !options.baseline.holds(&profile.name, finding)
            && !options.suppressions.holds(&profile.name, finding)
    });
    let accepted = all - seen.findings.len();
    once(&mut seen.findings);
    let blocked = blocks(&seen.findings, &read.package);
    if !blocked {
        // What does not stop a skill is not called so: severity and verdict say the same.
        for finding in &mut seen.findings {
            finding.severity = finding.severity.min(Severity::Medium);
        }
    }
    seen.findings.sort_by(|a, b| {
        (b.severity, b.confidence)
            .cmp(&(a.severity, a.confidence))
            .then_with(|| a.place.cmp(&b.place))
            .then_with(|| a.rule.id.cmp(b.rule.id))
    });
    let vetted = !seen.findings.iter().any(|finding| {
        finding.rule.technique == Technique::NotVetted && finding.severity > Severity::Note
    });
    let severity = seen.findings.iter().map(|finding| finding.severity).max();
    let verdict = if blocked {
        Verdict::Dangerous
    } else if !vetted || severity >= Some(Severity::Medium) {
        Verdict::Caution
    } else {
        Verdict::Safe
    };
    seen.capabilities.sort();
    seen.capabilities.dedup();
    Report {
        path: read.path.clone(),
        name: profile.name.clone(),
        verdict,
        severity,
        vetted,
        reasons: reasons(&seen.findings, blocked, vetted),
        findings: seen.findings,
        accepted,
        capabilities: seen.capabilities,
        files: read.package.files.len(),
        bytes: read.package.files.iter().map(|file| file.bytes.len() as u64).sum(),
        model_review: None,
    }
}

impl Report {
    /// Takes away of what another judge found what the operator accepts, and counts it.
    pub(crate) fn keep_unaccepted(&mut self, findings: &mut Vec<Finding>, options: &Options) {
        let all = findings.len();
        findings.retain(|finding| {
            !options.baseline.holds(&self.name, finding)
                && !options.suppressions.holds(&self.name, finding)
        });
        self.accepted = self.accepted.saturating_add(all - findings.len());
    }
}

/// Do the findings stop the skill? Each rule of high severity rests on more than one sign; one
/// that is not sure needs another of another family beside it, and in a large package one that is nearly sure does too.
fn blocks(findings: &[Finding], package: &Package) -> bool {
    let to_read = amount::to_read(package);
    let findings: Vec<&Finding> =
        findings.iter().filter(|finding| amount::counts(finding, to_read)).collect();
    if amount::are_enough(&findings, to_read) {
        return true;
    }
    // A small package is one thing. In a large one some weak signs always come together: there they
    // add up within a file.
    if package.files.len() <= SMALL && !amount::is_large(to_read) {
        return add_up(&findings);
    }
    let mut by_file: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.into_iter().filter(|finding| amount::adds_up(finding, to_read)) {
        by_file.entry(&finding.place.file).or_default().push(finding);
    }
    by_file.values().any(|findings| add_up(findings))
}

/// Files up to which a package is judged as one thing.
pub(crate) const SMALL: usize = 6;

/// Do findings of which none is sure stop the skill together?
fn add_up(findings: &[&Finding]) -> bool {
    let grave = |finding: &&&Finding| finding.severity >= Severity::High;
    // What is kept from the user, beside whatever reaches outside or stays.
    let kept = |finding: &Finding| {
        finding.rule.technique == Technique::Concealment
            && finding.severity >= Severity::Medium
            && finding.confidence >= Confidence::Medium
    };
    let reaches = |finding: &Finding| {
        finding.severity >= Severity::Medium
            && finding.confidence >= Confidence::Medium
            && matches!(
                finding.rule.technique,
                Technique::Exfiltration
                    | Technique::SideTask
                    | Technique::CredentialAccess
                    | Technique::RemoteInclude
                    | Technique::Persistence
                    | Technique::ConfigRedirect
                    | Technique::DownloadAndRun
                    | Technique::Obfuscation
                    | Technique::Destruction
                    | Technique::FakePrerequisite
                    | Technique::TriggerHijack
                    | Technique::InstructionOverride
                    | Technique::Condition
                    | Technique::HiddenText
            )
    };
    // Beside it in the text, a sign that is not sure does too.
    let beside = |kept: &Finding| {
        findings.iter().any(|finding| {
            finding.severity >= Severity::Medium
                && finding.rule.technique != kept.rule.technique
                && !matches!(
                    finding.rule.technique,
                    Technique::NotVetted
                        | Technique::Format
                        | Technique::OpaqueFile
                        | Technique::ApprovalBypass
                )
                && finding.place.file == kept.place.file
                && finding.place.line.abs_diff(kept.place.line) <= 1
        })
    };
    if findings.iter().copied().filter(|finding| kept(finding)).any(beside) {
        return true;
    }
    if findings.iter().copied().any(kept) && findings.iter().copied().any(reaches) {
        return true;
    }
    let mut families: Vec<Technique> =
        findings.iter().filter(grave).map(|finding| finding.rule.technique).collect();
    families.sort_unstable();
    families.dedup();
    // What sets a machine up fetches, installs and stays: that is one thing, however many signs it has.
    let setup = |technique: Technique| match technique {
        Technique::DownloadAndRun
        | Technique::Dependency
        | Technique::AutoRun
        | Technique::FakePrerequisite
        | Technique::OpaqueFile
        | Technique::Persistence
        | Technique::Escape
        | Technique::Destruction => Technique::DownloadAndRun,
        // A tool of the platform's own reads what it stages.
        other => other,
    };
    let mut weighty: Vec<Technique> = findings
        .iter()
        .filter(|finding| {
            finding.severity >= Severity::Medium
                && finding.confidence >= Confidence::Medium
                && finding.rule.technique != Technique::NotVetted
        })
        .map(|finding| setup(finding.rule.technique))
        .collect();
    weighty.sort_unstable();
    weighty.dedup();
    weighty.len() >= 2 || families.len() >= 3
}

/// One finding a rule and line: several analysers may see the same.
fn once(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| {
        (&a.place.file, a.place.line, a.rule.id, b.severity, b.confidence).cmp(&(
            &b.place.file,
            b.place.line,
            b.rule.id,
            a.severity,
            a.confidence,
        ))
    });
    findings.dedup_by(|a, b| {
        a.rule.id == b.rule.id && a.place.file == b.place.file && a.place.line == b.place.line
    });
}

fn reasons(findings: &[Finding], blocked: bool, vetted: bool) -> Vec<Reason> {
    let mut families: BTreeMap<Technique, (Severity, usize, &Finding)> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.severity >= Severity::Medium) {
        families
            .entry(finding.rule.technique)
            .and_modify(|(severity, count, _)| {
                *severity = (*severity).max(finding.severity);
                *count += 1;
            })
            .or_insert((finding.severity, 1, finding));
    }
    let mut reasons: Vec<Reason> = families
        .into_iter()
        .map(|(technique, (severity, count, first))| {
            let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
            let text =
                format!("{} ({}:{}){more}", first.message, first.place.file, first.place.line);
            Reason { technique, severity, text }
        })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    if !vetted {
        let text = "not all of it could be read: not vetted is never safe".to_owned();
        reasons.push(Reason { technique: Technique::NotVetted, severity: Severity::Medium, text });
    }
    if blocked {
        reasons.truncate(12);
    }
    reasons
}
