//! The rules of deeds.

use crate::{
    Rule,
    Severity::{Critical, High, Medium},
    Technique::{CredentialAccess, Destruction, Exfiltration, SideTask},
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

pub(crate) static RULES: &[&Rule] =
    &[&SECRET_AND_STRANGER, &SECRETS_GATHERED, &MESSAGES_SENT, &SPREADS, &RUINS, &RECOVERY];
