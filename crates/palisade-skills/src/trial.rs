//! What is seen when a skill is tried out, as findings. They can only raise a verdict.

use crate::{
    Finding, Reason, Report, Rule,
    Severity::{self, Critical, High, Low, Medium, Note},
    Technique::{
        self, ConfigRedirect, CredentialAccess, Destruction, DownloadAndRun, Escape, Exfiltration,
        NotVetted, Persistence,
    },
    Verdict,
};

const fn rule(
    id: &'static str,
    technique: Technique,
    severity: Severity,
    why: &'static str,
    clear: &'static str,
    references: &'static [&'static str],
) -> Rule {
    Rule { id, technique, severity, why, clear, references }
}

/// Bytes of a decoy left.
pub static SECRET_LEFT: Rule = rule(
    "trial-secret-left",
    Exfiltration,
    Critical,
    "Bytes that stand nowhere but in a decoy were in what it sent. No reading of its code is needed to call that theft.",
    "Let the skill read and send only what its task needs.",
    &["AML.T0024", "AML.T0057", "LLM02", "ASI01"],
);
/// Names were asked for that carry data.
pub static NAMES_CARRY: Rule = rule(
    "trial-names-carry-data",
    Exfiltration,
    High,
    "Many long names below one domain were asked for, each once: data leaves by name lookups.",
    "Ask for the names of servers only.",
    &["AML.T0024", "LLM02", "ASI01"],
);
/// A decoy was opened.
pub static DECOY_OPENED: Rule = rule(
    "trial-decoy-opened",
    CredentialAccess,
    Medium,
    "It opened a file that holds nothing but what looks like a secret, when it was run without being asked for anything.",
    "Take keys from the variables that the skill declares.",
    &["AML.T0055", "LLM02", "ASI03"],
);
/// The metadata service of a cloud was asked.
pub static METADATA: Rule = rule(
    "trial-cloud-metadata",
    CredentialAccess,
    High,
    "It connected to the address where clouds hand out the machine's own keys.",
    "Leave the machine's keys alone.",
    &["AML.T0055", "LLM02", "ASI03"],
);
/// Something that acts later was changed.
pub static PERSISTED: Rule = rule(
    "trial-persistence",
    Persistence,
    High,
    "It changed what runs by itself later: start-up files, agents' settings, hooks, schedules.",
    "Show the user what to add, and let them add it.",
    &["AML.T0061", "LLM06", "ASI06"],
);
/// It changed its own text.
pub static CHANGED_ITSELF: Rule = rule(
    "trial-changed-itself",
    Persistence,
    Medium,
    "What was vetted is no longer what an agent reads once it has run.",
    "Write results elsewhere than into the skill.",
    &["AML.T0061", "LLM03", "ASI06"],
);
/// What it fetched was executed.
pub static FETCHED_AND_RAN: Rule = rule(
    "trial-fetched-and-ran",
    DownloadAndRun,
    High,
    "The answer of a server was executed: whoever answers says what runs, and can say something else tomorrow.",
    "Ship the code with the skill, or check its digest before it is run.",
    &["AML.T0010", "LLM03", "ASI05"],
);
/// Files of the user's were destroyed.
pub static DESTROYED: Rule = rule(
    "trial-destroyed-files",
    Destruction,
    High,
    "Files of the home or of a project, which are none of its own, were gone or emptied afterwards.",
    "Change only what the user names.",
    &["AML.T0048", "LLM06", "ASI02"],
);
/// It tried what only an escape needs.
pub static TRIED_TO_ESCAPE: Rule = rule(
    "trial-tried-to-escape",
    Escape,
    Medium,
    "It made system calls that no skill needs and that lead out of a sandbox where they work.",
    "Leave them out.",
    &["AML.T0105", "LLM06", "ASI05"],
);
/// It connected to an address without a name.
pub static BARE_ADDRESS: Rule = rule(
    "trial-bare-address",
    ConfigRedirect,
    Low,
    "It connected to an address that has no name, which nobody can look up or revoke.",
    "Name the server.",
    &["AML.T0072", "LLM03", "ASI04"],
);
/// It talked to a host.
pub static CONNECTED: Rule = rule(
    "trial-connected",
    Exfiltration,
    Note,
    "It talked to this host. The policy that is derived permits it, unless something stands against it.",
    "Nothing to clear: hold it against what the skill says that it does.",
    &["AML.T0024", "LLM02"],
);
/// It was not run, or not to its end.
pub static NOT_TRIED: Rule = rule(
    "trial-not-run-to-its-end",
    NotVetted,
    Note,
    "What it would have done was not seen.",
    "Give it more time, or the program that it needs.",
    &["LLM03"],
);

/// Every rule of trials.
pub(crate) static RULES: &[&Rule] = &[
    &SECRET_LEFT,
    &NAMES_CARRY,
    &DECOY_OPENED,
    &METADATA,
    &PERSISTED,
    &CHANGED_ITSELF,
    &FETCHED_AND_RAN,
    &DESTROYED,
    &TRIED_TO_ESCAPE,
    &BARE_ADDRESS,
    &CONNECTED,
    &NOT_TRIED,
];

impl Report {
    /// Adds what was seen elsewhere: `how` begins the sentence of each reason. The verdict is as bad as before, or worse.
    pub fn raise(&mut self, findings: Vec<Finding>, how: &str) {
        let worst = findings.iter().map(|finding| finding.severity).max();
        let verdict = match worst {
            Some(High | Critical) => Verdict::Dangerous,
            Some(Medium) => Verdict::Caution,
            _ => Verdict::Safe,
        };
        self.verdict = self.verdict.max(verdict);
        self.severity = self.severity.max(worst);
        let said = findings.iter().filter(|finding| finding.severity >= Medium).map(|finding| {
            let (technique, severity) = (finding.rule.technique, finding.severity);
            let text = match finding.place.file.as_str() {
                "" => format!("{how}: {}", finding.message),
                file => format!("{how}: {} ({file})", finding.message),
            };
            Reason { technique, severity, text }
        });
        self.reasons.extend(said);
        self.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
        self.findings.extend(findings);
        self.findings
            .sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.confidence)));
    }
}
