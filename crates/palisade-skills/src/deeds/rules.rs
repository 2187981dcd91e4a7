//! The rules of deeds.

use crate::{
    Rule,
    Severity::{Critical, High, Medium},
    Technique::{
        ApprovalBypass, CredentialAccess, Destruction, DownloadAndRun, Exfiltration, Obfuscation, Persistence,
        SideTask,
    },
};

pub(super) static SECRET_AND_STRANGER: Rule = Rule {
    id: "exfiltration-secret-and-stranger",
    technique: Exfiltration,
    severity: High,
    why: "A program that opens a store of secrets and talks to a host of nobody's knowing sends the one to the other.",
    clear: "Leave the store alone, or talk to the service that issued the secret, only.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};
pub(super) static SECRETS_GATHERED: Rule = Rule {
    id: "credential-stores-gathered",
    technique: CredentialAccess,
    severity: Medium,
    why: "Stores of secrets of several programs are opened by one: nothing but a thief needs all of them.",
    clear: "Read the one key that the skill declares.",
    references: &["AML.T0055", "LLM02", "ASI03"],
};
pub(super) static MESSAGES_SENT: Rule = Rule {
    id: "exfiltration-account-of-author",
    technique: Exfiltration,
    severity: High,
    why: "Data goes to an account, form, table or bucket which the code names and the user does not own.",
    clear: "Let the user name the account.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};
pub(super) static SPREADS: Rule = Rule {
    id: "side-task-program-spreads",
    technique: SideTask,
    severity: High,
    why: "The program puts itself, or what it brings, into projects, packages or machines that it searches for.",
    clear: "Change only what the user has named.",
    references: &["AML.T0061", "LLM06", "ASI07"],
};
pub(super) static RUINS: Rule = Rule {
    id: "destruction-of-user-files",
    technique: Destruction,
    severity: High,
    why: "Files found by a search through the user's folders are overwritten, encrypted or deleted.",
    clear: "Touch only files that the skill has made or the user has named.",
    references: &["AML.T0029", "LLM06", "ASI02"],
};
pub(super) static RECOVERY: Rule = Rule {
    id: "destruction-recovery-off",
    technique: Destruction,
    severity: Critical,
    why: "Copies from which a system is recovered are deleted: only who destroys has a use for that.",
    clear: "Leave it out.",
    references: &["AML.T0029", "LLM06", "ASI02"],
};

pub(super) static FETCHED_RUNS: Rule = Rule {
    id: "download-and-run-by-any-means",
    technique: DownloadAndRun,
    severity: High,
    why: "What a host of nobody's knowing serves is run as code, now and at each later run.",
    clear: "Ship the code in the package, or pin the download to a digest that is checked before it runs.",
    references: &["AML.T0011", "LLM03", "ASI04"],
};
pub(super) static DECODED_RUNS: Rule = Rule {
    id: "obfuscation-decoded-text-runs",
    technique: Obfuscation,
    severity: High,
    why: "A program that evaluates text and takes it from an encoding hides what it does.",
    clear: "Ship the code as plain text.",
    references: &["AML.T0011", "LLM03", "ASI05"],
};
pub(super) static STAYS_AND_CALLS: Rule = Rule {
    id: "persistence-that-calls-out",
    technique: Persistence,
    severity: High,
    why: "What starts by itself from now on talks to a host of nobody's knowing: it can be told what to do later.",
    clear: "Let what stays do its work without the network, or name the host in the description.",
    references: &["AML.T0011", "LLM06", "ASI05"],
};
pub(super) static LOGIN_KEY: Rule = Rule {
    id: "persistence-login-key",
    technique: Persistence,
    severity: Critical,
    why: "Whoever holds the other half of the key can log in from now on.",
    clear: "Let the user add keys.",
    references: &["AML.T0011", "LLM06", "ASI03"],
};
pub(super) static PASSWORD_ASKED: Rule = Rule {
    id: "credential-password-trap",
    technique: CredentialAccess,
    severity: High,
    why: "The program asks for the password of the machine in the place of the program that may ask for it.",
    clear: "Leave the question to sudo or the system.",
    references: &["AML.T0052", "LLM02", "ASI09"],
};
pub(super) static GUARDS_OFF: Rule = Rule {
    id: "approval-settings-written",
    technique: ApprovalBypass,
    severity: High,
    why: "Settings that make an agent or an editor ask before it acts are switched off.",
    clear: "Leave the user's permissions to the user.",
    references: &["AML.T0053", "LLM06", "ASI02"],
};

pub(crate) static RULES: &[&Rule] =
    &[&FETCHED_RUNS, &DECODED_RUNS, &STAYS_AND_CALLS, &LOGIN_KEY, &PASSWORD_ASKED, &GUARDS_OFF, &SECRET_AND_STRANGER, &SECRETS_GATHERED, &MESSAGES_SENT, &SPREADS, &RUINS, &RECOVERY];
