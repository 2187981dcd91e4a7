//! The rules of deeds.

use crate::{
    Rule,
    Severity::{Critical, High, Medium},
    Technique::{
        ApprovalBypass, ConfigRedirect, CredentialAccess, Destruction, DownloadAndRun, Escape,
        Exfiltration, FakePrerequisite, InstructionOverride, Obfuscation, Persistence,
        RemoteControl, SideTask,
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

pub(super) static FORGED_OUTPUT: Rule = Rule {
    id: "override-by-output",
    technique: InstructionOverride,
    severity: High,
    why: "What a program prints reaches the model: marks of the agent's own frame in it make orders look like the system's.",
    clear: "Print results only.",
    references: &["AML.T0051.001", "LLM01", "ASI01"],
};
pub(super) static GIT_TRAP: Rule = Rule {
    id: "persistence-git-command",
    technique: Persistence,
    severity: High,
    why: "Git runs the command by itself at each fetch, checkout or login, and it talks to the network.",
    clear: "Leave helpers, filters and monitors of git to the user.",
    references: &["AML.T0011", "LLM06", "ASI05"],
};
pub(super) static SHELL_FOR_STRANGER: Rule = Rule {
    id: "remote-shell-for-stranger",
    technique: RemoteControl,
    severity: Critical,
    why: "Whoever holds the other end of the connection types into a shell of the user's.",
    clear: "Leave it out.",
    references: &["AML.T0072", "LLM06", "ASI05"],
};
pub(super) static MASS_DESTRUCTION: Rule = Rule {
    id: "destruction-of-all-that-is-listed",
    technique: Destruction,
    severity: High,
    why: "A listing joined to a deletion leaves nothing: no name that a person has looked at stands between.",
    clear: "Delete what the user has named, one by one, after showing it.",
    references: &["AML.T0029", "LLM06", "ASI02"],
};
pub(super) static AUDIT_OFF: Rule = Rule {
    id: "destruction-of-records",
    technique: Destruction,
    severity: High,
    why: "Records of what was done exist for whoever looks later; to switch them off or thin them out helps nobody else.",
    clear: "Leave records alone; shorten how long they are kept instead.",
    references: &["AML.T0015", "LLM06", "ASI09"],
};
pub(super) static HOST_GIVEN: Rule = Rule {
    id: "escape-host-given-to-container",
    technique: Escape,
    severity: High,
    why: "A container with the machine's root to write to is the machine.",
    clear: "Mount the folder that is needed, read-only where that suffices.",
    references: &["AML.T0053", "LLM06", "ASI05"],
};
pub(super) static WORKFLOW_SECRETS: Rule = Rule {
    id: "exfiltration-workflow-secrets",
    technique: Exfiltration,
    severity: High,
    why: "A workflow that hands all secrets to a step, or runs a stranger's change with them, gives them away.",
    clear: "Name the one secret that a step needs; run strangers' changes without rights.",
    references: &["AML.T0024", "LLM02", "LLM03", "ASI03"],
};
pub(super) static ACCESS_GIVEN: Rule = Rule {
    id: "side-task-access-given",
    technique: SideTask,
    severity: High,
    why: "Somebody whom the user did not name can change or read what is the user's.",
    clear: "Let the user name who gets access.",
    references: &["AML.T0051", "LLM06", "ASI03"],
};
pub(super) static PASTE_TRAP: Rule = Rule {
    id: "prerequisite-paste-trap",
    technique: FakePrerequisite,
    severity: High,
    why: "A command is put where the user pastes it without having read it.",
    clear: "Show the command, and say what it does.",
    references: &["AML.T0011", "LLM03", "ASI09"],
};
pub(super) static BACKDOOR: Rule = Rule {
    id: "side-task-backdoor-in-template",
    technique: SideTask,
    severity: High,
    why: "Code that goes into the user's product lets somebody in, or makes what protects it weak.",
    clear: "Leave it out.",
    references: &["AML.T0051", "LLM05", "ASI01"],
};

pub(super) static UNTOLD: Rule = Rule {
    id: "exfiltration-host-untold",
    technique: Exfiltration,
    severity: High,
    why: "The program sends something to a host which nothing that the user reads mentions.",
    clear: "Say in the text with whom the program talks, and what it sends.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};

pub(super) static POLICY: Rule = Rule {
    id: "redirect-to-stranger",
    technique: ConfigRedirect,
    severity: High,
    why: "Packages, pages or names are made to come from a place which somebody else holds.",
    clear: "Leave registries, policies and names to the user.",
    references: &["AML.T0024", "LLM03", "ASI04"],
};

pub(super) static SECRETS_ENCODED: Rule = Rule {
    id: "exfiltration-secret-disguised",
    technique: Exfiltration,
    severity: High,
    why: "A secret that is encoded before it is written anywhere is meant to be overlooked there.",
    clear: "Leave the secret where it is.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};

pub(super) static NAMES_CARRY: Rule = Rule {
    id: "exfiltration-labels-looked-up",
    technique: Exfiltration,
    severity: High,
    why: "Data in the labels of a name reaches whoever runs the domain, past proxies and firewalls.",
    clear: "Leave data out of names that are looked up.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};
pub(super) static PAYEE: Rule = Rule {
    id: "side-task-payee-in-program",
    technique: SideTask,
    severity: High,
    why: "Money goes to an address which the program names, beside or in the place of the one that the user gave.",
    clear: "Let the user name the recipient of each payment.",
    references: &["AML.T0048", "LLM06", "ASI02"],
};

pub(super) static CONCEALED: Rule = Rule {
    id: "obfuscation-address-concealed",
    technique: Obfuscation,
    severity: High,
    why: "A program that spells the address that it talks to in numbers or pieces keeps it from whoever reads it.",
    clear: "Write the address out, and name it in the description.",
    references: &["AML.T0015", "LLM03", "ASI05"],
};

pub(super) static SPELLED: Rule = Rule {
    id: "obfuscation-command-computed",
    technique: Obfuscation,
    severity: High,
    why: "A command that is shipped as numbers or as other letters, and turned into text by a calculation, is kept from whoever reads the package.",
    clear: "Write the command out.",
    references: &["AML.T0011", "LLM03", "ASI05"],
};

pub(crate) static RULES: &[&Rule] = &[
    &SPELLED,
    &CONCEALED,
    &NAMES_CARRY,
    &PAYEE,
    &SECRETS_ENCODED,
    &POLICY,
    &UNTOLD,
    &FORGED_OUTPUT,
    &GIT_TRAP,
    &SHELL_FOR_STRANGER,
    &MASS_DESTRUCTION,
    &AUDIT_OFF,
    &HOST_GIVEN,
    &WORKFLOW_SECRETS,
    &ACCESS_GIVEN,
    &PASTE_TRAP,
    &BACKDOOR,
    &FETCHED_RUNS,
    &DECODED_RUNS,
    &STAYS_AND_CALLS,
    &LOGIN_KEY,
    &PASSWORD_ASKED,
    &GUARDS_OFF,
    &SECRET_AND_STRANGER,
    &SECRETS_GATHERED,
    &MESSAGES_SENT,
    &SPREADS,
    &RUINS,
    &RECOVERY,
];
