//! The rules of text.

use crate::{
    Rule,
    Severity::{self, High, Medium},
    Technique::{
        self, ApprovalBypass, Concealment, Condition, ConfigRedirect, CredentialAccess,
        Destruction, Exfiltration, FakePrerequisite, InstructionOverride, Persistence,
        RemoteInclude, ScannerEvasion, SideTask, TriggerHijack,
    },
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

const LEAK: &[&str] = &["AML.T0057", "AML.T0024", "LLM02", "ASI01"];
const INJECT: &[&str] = &["AML.T0051", "LLM01", "ASI01"];

pub(super) static SEND_SECRETS: Rule = rule(
    "exfiltration-order-secrets",
    Exfiltration,
    High,
    "The text tells the agent to send secrets away.",
    "Let the skill use only its own declared key, with its own service.",
    LEAK,
);
pub(super) static SEND_CONVERSATION: Rule = rule(
    "exfiltration-order-conversation",
    Exfiltration,
    High,
    "The text tells the agent to send what the user and it said to somebody else.",
    "Leave the conversation where it is, or let the user start the sending.",
    LEAK,
);
pub(super) static SEND_FILES: Rule = rule(
    "exfiltration-order-files",
    Exfiltration,
    High,
    "The text tells the agent to send the user's files or data to a place that the skill's purpose does not name.",
    "Name the service in the description, and send on the user's request only.",
    LEAK,
);
pub(super) static SEND_DNS: Rule = rule(
    "exfiltration-order-dns",
    Exfiltration,
    High,
    "Data in the name of a host leaves by the resolver, past proxies and firewalls.",
    "Leave data out of host names.",
    &["AML.T0024", "LLM02", "ASI01"],
);
pub(super) static SEND_URL: Rule = rule(
    "exfiltration-order-url",
    Exfiltration,
    High,
    "A link or picture whose address holds data sends it when it is shown or fetched.",
    "Leave the conversation's data out of addresses.",
    &["AML.T0057", "AML.T0077", "LLM02", "ASI01"],
);
pub(super) static READ_SECRETS: Rule = rule(
    "credential-order",
    CredentialAccess,
    Medium,
    "The text tells the agent to read secrets that are not the skill's.",
    "Ask the user for the one key that is needed.",
    &["AML.T0055", "LLM02", "ASI03"],
);
pub(super) static PHISH: Rule = rule(
    "credential-asked-of-user",
    CredentialAccess,
    Medium,
    "The agent is made to ask the user for a secret that no skill should hold.",
    "Let the user enter it where it belongs.",
    &["AML.T0052", "LLM02", "ASI09"],
);
pub(super) static CONCEAL: Rule = rule(
    "concealment-order",
    Concealment,
    Medium,
    "The agent is told to keep something from its user.",
    "Let the user see everything that is done.",
    &["AML.T0051", "LLM01", "ASI09"],
);
pub(super) static CONCEAL_ACT: Rule = rule(
    "concealment-of-act",
    Concealment,
    High,
    "The agent is told to do something and to keep it from its user. Honest skills have no use for that.",
    "Let the user see everything that is done.",
    &["AML.T0051", "LLM01", "ASI09"],
);
pub(super) static OVERRIDE: Rule = rule(
    "override-instructions",
    InstructionOverride,
    High,
    "The text puts its own orders in place of the user's or the system's.",
    "Say what the skill does; leave other instructions alone.",
    INJECT,
);
pub(super) static FAKE_ROLE: Rule = rule(
    "override-forged-frame",
    InstructionOverride,
    High,
    "The text pretends to be a system message, a tool result or the user, so that it is obeyed more.",
    "Leave out tags and phrases that the agent's own frame uses.",
    INJECT,
);
pub(super) static APPROVAL: Rule = rule(
    "approval-order",
    ApprovalBypass,
    Medium,
    "The agent is told to act without asking.",
    "Let the agent ask before it acts.",
    &["AML.T0053", "LLM06", "ASI02"],
);
pub(super) static FALSE_CONSENT: Rule = rule(
    "approval-false-consent",
    ApprovalBypass,
    High,
    "The text claims that the user has agreed. Only the user can say so.",
    "Leave the claim out.",
    &["AML.T0053", "LLM06", "ASI09"],
);
pub(super) static INCLUDE: Rule = rule(
    "include-remote-orders",
    RemoteInclude,
    Medium,
    "Orders are fetched when the skill runs: what they are then, nobody has vetted.",
    "Ship the instructions with the skill.",
    &["AML.T0051.001", "LLM01", "LLM03", "ASI04"],
);
pub(super) static INCLUDE_BLIND: Rule = rule(
    "include-remote-orders-blindly",
    RemoteInclude,
    High,
    "The agent is told to obey whatever a place outside says, over and over or above its own rules.",
    "Ship the instructions with the skill.",
    &["AML.T0051.001", "LLM01", "LLM03", "ASI04"],
);
pub(super) static REMEMBER: Rule = rule(
    "persistence-memory-order",
    Persistence,
    Medium,
    "The text is written to a file that later sessions obey.",
    "Show the user the text and let the user add it.",
    &["AML.T0080", "LLM04", "ASI06"],
);
pub(super) static REMEMBER_HOSTILE: Rule = rule(
    "persistence-memory-poison",
    Persistence,
    High,
    "Orders are planted where later sessions obey them, without the user's knowledge or against the user.",
    "Leave memory and settings to the user.",
    &["AML.T0080", "LLM04", "ASI06"],
);
pub(super) static STARTUP: Rule = rule(
    "persistence-startup-order",
    Persistence,
    Medium,
    "Something is put where it starts by itself.",
    "Show the user the entry and let the user add it.",
    &["AML.T0011", "LLM06", "ASI05"],
);
pub(super) static HIJACK: Rule = rule(
    "hijack-breadth",
    TriggerHijack,
    Medium,
    "The description claims tasks that are not the skill's, so that it is loaded always.",
    "Say for what the skill is meant.",
    &["AML.T0051", "LLM01", "ASI01"],
);
pub(super) static HIJACK_OTHERS: Rule = rule(
    "hijack-priority",
    TriggerHijack,
    High,
    "The text puts the skill before the user's wishes or other tools.",
    "Leave the choice to the user and the agent.",
    &["AML.T0051", "LLM01", "ASI01", "ASI02"],
);
pub(super) static DESTROY: Rule = rule(
    "destruction-order",
    Destruction,
    High,
    "The text tells the agent to destroy data of the user's.",
    "Delete only what the skill itself has made, and ask before.",
    &["AML.T0029", "LLM06", "ASI02"],
);
pub(super) static DEFENCE: Rule = rule(
    "destruction-defence-off",
    Destruction,
    Medium,
    "The text tells the agent to switch a protection off.",
    "Work with the protection, or let the user switch it off.",
    &["AML.T0053", "LLM06", "ASI02"],
);
pub(super) static MINE: Rule = rule(
    "destruction-mining",
    Destruction,
    High,
    "The machine is made to earn coins for somebody else.",
    "Leave it out.",
    &["AML.T0034", "LLM10", "ASI02"],
);
pub(super) static PAY: Rule = rule(
    "side-task-payment",
    SideTask,
    High,
    "Money goes to an address that the text names, not the user.",
    "Let the user name the recipient of each payment.",
    &["AML.T0048", "LLM06", "ASI02"],
);
pub(super) static PROMOTE: Rule = rule(
    "side-task-promotion",
    SideTask,
    Medium,
    "The agent's advice is bent to somebody's profit.",
    "Let the agent advise freely, or say openly that it is advertising.",
    &["AML.T0048", "LLM09", "ASI09"],
);
pub(super) static SABOTAGE: Rule = rule(
    "side-task-sabotage",
    SideTask,
    High,
    "The agent is told to weaken what it writes for the user.",
    "Leave it out.",
    &["AML.T0051", "LLM05", "ASI01"],
);
pub(super) static SPREAD: Rule = rule(
    "side-task-propagation",
    SideTask,
    High,
    "The text copies itself to other places that agents read.",
    "Leave other files and projects alone.",
    &["AML.T0061", "LLM01", "ASI07"],
);
pub(super) static GRANT: Rule = rule(
    "side-task-access",
    SideTask,
    High,
    "Somebody whom the text names is given access or copies.",
    "Let the user name who gets access.",
    &["AML.T0051", "LLM06", "ASI03"],
);
pub(super) static INSTALL: Rule = rule(
    "side-task-install",
    SideTask,
    Medium,
    "Something is installed every time, or unseen, which the purpose does not name.",
    "Name it among the requirements.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static STANDING: Rule = rule(
    "side-task-standing",
    SideTask,
    Medium,
    "Besides the task, always something is to be done which reaches outside.",
    "Leave it out, or say it in the description.",
    &["AML.T0051", "LLM01", "ASI01"],
);
pub(super) static PREREQUISITE: Rule = rule(
    "prerequisite-unrelated-download",
    FakePrerequisite,
    Medium,
    "A program from an unrelated place is made a condition.",
    "Name packages of a registry, with their versions.",
    &["AML.T0010", "AML.T0011", "LLM03", "ASI04"],
);
pub(super) static PREREQUISITE_TRAP: Rule = rule(
    "prerequisite-trap",
    FakePrerequisite,
    High,
    "The user or the agent is led to run an unknown program, in a form that keeps scanners out.",
    "Name packages of a registry, with their versions.",
    &["AML.T0010", "AML.T0011", "LLM03", "ASI04"],
);
pub(super) static SCANNER: Rule = rule(
    "evasion-words-for-scanner",
    ScannerEvasion,
    Medium,
    "The text speaks to whoever vets it. Honest skills have nothing to tell a scanner.",
    "Leave it out.",
    &["AML.T0015", "LLM01", "ASI01"],
);
pub(super) static HIDDEN_ORDER: Rule = rule(
    "hidden-order",
    Technique::HiddenText,
    High,
    "Orders stand where the model reads and a person does not.",
    "Write orders in the open.",
    &["AML.T0051", "AML.T0068", "LLM01", "ASI01"],
);
pub(super) static HIDDEN_NOTE: Rule = rule(
    "hidden-note-to-agent",
    Technique::HiddenText,
    Medium,
    "A text that rendering drops speaks to the agent.",
    "Write it in the open.",
    &["AML.T0051", "AML.T0068", "LLM01", "ASI01"],
);
pub(super) static GATE: Rule = rule(
    "condition-order",
    Condition,
    Medium,
    "Something happens only at a time, on a machine or after a word, so that a trial shows nothing.",
    "Do the same everywhere.",
    &["AML.T0051", "LLM01", "ASI01"],
);
pub(super) static REDIRECT: Rule = rule(
    "redirect-order",
    ConfigRedirect,
    High,
    "The agent is told to send its model calls, packages or traffic through a host that the text names.",
    "Leave such addresses to the user.",
    &["AML.T0024", "LLM02", "LLM03", "ASI04"],
);
pub(super) static TOOL_POISON: Rule = rule(
    "tool-poisoning",
    Technique::ToolPoisoning,
    High,
    "The description of a tool gives orders which have nothing to do with using it.",
    "Say what the tool does.",
    &["AML.T0051", "LLM01", "ASI02", "ASI04"],
);

pub(crate) static RULES: &[&Rule] = &[
    &SEND_SECRETS,
    &SEND_CONVERSATION,
    &SEND_FILES,
    &SEND_DNS,
    &SEND_URL,
    &READ_SECRETS,
    &PHISH,
    &CONCEAL,
    &CONCEAL_ACT,
    &OVERRIDE,
    &FAKE_ROLE,
    &APPROVAL,
    &FALSE_CONSENT,
    &INCLUDE,
    &INCLUDE_BLIND,
    &REMEMBER,
    &REMEMBER_HOSTILE,
    &STARTUP,
    &HIJACK,
    &HIJACK_OTHERS,
    &DESTROY,
    &DEFENCE,
    &MINE,
    &PAY,
    &PROMOTE,
    &SABOTAGE,
    &SPREAD,
    &GRANT,
    &INSTALL,
    &STANDING,
    &PREREQUISITE,
    &PREREQUISITE_TRAP,
    &SCANNER,
    &HIDDEN_ORDER,
    &HIDDEN_NOTE,
    &GATE,
    &REDIRECT,
    &TOOL_POISON,
];

/// Is it a rule of what sentences mean?
pub(crate) fn is_reading(rule: &Rule) -> bool {
    RULES.iter().any(|known| known.id == rule.id)
}
