//! The rules of what is handed to strangers by settings, tokens and templates.

use crate::{
    Rule,
    Severity::{High, Medium},
    Technique::{
        ConfigRedirect, CredentialAccess, Exfiltration, Persistence, RemoteInclude, SideTask,
    },
};

pub(super) static SOURCE: Rule = Rule {
    id: "config-source-of-stranger",
    technique: ConfigRedirect,
    severity: High,
    why: "Whoever serves packages and updates decides what runs on the user's machine.",
    clear: "Leave registries, mirrors and update servers to the user, and their checks on.",
    references: &["AML.T0010", "LLM03", "ASI04"],
};
pub(super) static SCRIPT: Rule = Rule {
    id: "config-script-of-stranger",
    technique: ConfigRedirect,
    severity: High,
    why: "A script in a page reads all that visitors type and see there.",
    clear: "Ship the script with the product.",
    references: &["AML.T0010", "LLM03", "ASI04"],
};
pub(super) static SIGN_IN: Rule = Rule {
    id: "config-sign-in-to-stranger",
    technique: ConfigRedirect,
    severity: High,
    why: "Whoever receives the answer of a sign-in can use it.",
    clear: "Send sign-ins back to the user's own host.",
    references: &["AML.T0055", "LLM02", "ASI03"],
};
pub(super) static EVENTS: Rule = Rule {
    id: "config-events-to-stranger",
    technique: ConfigRedirect,
    severity: Medium,
    why: "Messages and files of a workspace reach whoever is told of its events.",
    clear: "Send events to the user's own host, and ask for the rights that the task needs.",
    references: &["AML.T0024", "LLM02", "ASI03"],
};
pub(super) static TRAFFIC: Rule = Rule {
    id: "config-traffic-through-stranger",
    technique: ConfigRedirect,
    severity: High,
    why: "Whoever stands between sees and changes what the user sends and gets.",
    clear: "Leave proxies, name servers and extensions to the user.",
    references: &["AML.T0081", "LLM03", "ASI04"],
};
pub(super) static COPY: Rule = Rule {
    id: "exfiltration-standing-copy",
    technique: Exfiltration,
    severity: High,
    why: "A setting that copies data elsewhere goes on doing so, with nobody looking.",
    clear: "Let the user name where copies go.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};
pub(super) static TOKEN: Rule = Rule {
    id: "exfiltration-token-of-another",
    technique: Exfiltration,
    severity: High,
    why: "A token opens its issuer's doors to whoever has it, and this host did not issue it.",
    clear: "Send each token to the service that it belongs to, only.",
    references: &["AML.T0024", "LLM02", "ASI03"],
};
pub(super) static PAYEE: Rule = Rule {
    id: "side-task-other-payee",
    technique: SideTask,
    severity: High,
    why: "Money of the user's, or of the user's customers, goes to somebody else.",
    clear: "Leave out accounts that are not the user's.",
    references: &["AML.T0048", "LLM06", "ASI01"],
};
pub(super) static ALTERED: Rule = Rule {
    id: "side-task-records-altered",
    technique: SideTask,
    severity: High,
    why: "Every so often a record is changed without a reason in it: what is built on the records is wrong.",
    clear: "Leave records as they are, or say which are changed and why.",
    references: &["AML.T0020", "LLM04", "ASI06"],
};
pub(super) static SECOND_WAY: Rule = Rule {
    id: "persistence-second-way-in",
    technique: Persistence,
    severity: High,
    why: "The code goes into the user's product and lets in whoever knows how it was made.",
    clear: "Leave it out; take random numbers and digests that are made for secrets.",
    references: &["AML.T0018", "LLM05", "ASI05"],
};
pub(super) static TYPED: Rule = Rule {
    id: "exfiltration-of-what-is-typed",
    technique: Exfiltration,
    severity: High,
    why: "Passwords and cards that visitors type leave for somebody else.",
    clear: "Send forms to the user's own host.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};
pub(super) static CLOAKED: Rule = Rule {
    id: "side-task-unseen-content",
    technique: SideTask,
    severity: High,
    why: "Content that only search engines or some visitors see uses the user's site for somebody else.",
    clear: "Leave it out.",
    references: &["AML.T0048", "LLM09", "ASI01"],
};
pub(super) static RIGHTS: Rule = Rule {
    id: "persistence-rights-for-anybody",
    technique: Persistence,
    severity: High,
    why: "A rule that trusts everybody, or an account that the user did not name, stays open.",
    clear: "Name the one account and the few rights that the task needs.",
    references: &["AML.T0053", "LLM06", "ASI03"],
};

pub(super) static PRELOADED: Rule = Rule {
    id: "persistence-loaded-into-programs",
    technique: Persistence,
    severity: High,
    why: "What each program loads first sees and changes all that the program does.",
    clear: "Leave such variables and files to the user.",
    references: &["AML.T0011", "LLM06", "ASI05"],
};
pub(super) static BULK: Rule = Rule {
    id: "exfiltration-of-what-people-have",
    technique: Exfiltration,
    severity: High,
    why: "What people write, say, see and keep leaves for somebody whom the purpose does not name.",
    clear: "Read only what the user has chosen, and say in the description where it goes.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};
pub(super) static ACCOUNT: Rule = Rule {
    id: "exfiltration-account-named",
    technique: Exfiltration,
    severity: High,
    why: "The account at a well-known service is the author's: what is put there is the author's too.",
    clear: "Let the user name the repository, bucket or channel.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};

pub(super) static CARRIED: Rule = Rule {
    id: "exfiltration-carried-to-untold",
    technique: Exfiltration,
    severity: High,
    why: "A command takes a file, or what a program says, to a host which the description does not name.",
    clear: "Say in the description with whom the skill talks, and what it sends.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};
pub(super) static MAILBOX: Rule = Rule {
    id: "side-task-mailbox-named",
    technique: SideTask,
    severity: High,
    why: "Somebody whose address the text brings along gets to read what is the user's.",
    clear: "Let the user name who gets mail, invitations and copies.",
    references: &["AML.T0051", "LLM06", "ASI01"],
};
pub(super) static PAGE: Rule = Rule {
    id: "include-page-of-stranger",
    technique: RemoteInclude,
    severity: High,
    why: "Whoever holds the page tells the agent what to do, today this and tomorrow that.",
    clear: "Ship the rules with the skill; read pages for facts only.",
    references: &["AML.T0051.001", "LLM01", "ASI04"],
};
pub(super) static WORD: Rule = Rule {
    id: "side-task-word-that-opens",
    technique: SideTask,
    severity: High,
    why: "Whoever knows the word gets what others do not, and nobody looks at it.",
    clear: "Treat all alike; let a person decide on exceptions.",
    references: &["AML.T0051", "LLM06", "ASI01"],
};
pub(super) static WEAKENED: Rule = Rule {
    id: "side-task-weak-protection-taught",
    technique: SideTask,
    severity: High,
    why: "Several protections known to be broken, recommended together and without a warning, leave the product open.",
    clear: "Recommend what is held to be safe today, and say of what is not that it is not.",
    references: &["AML.T0051", "LLM05", "ASI01"],
};

pub(super) static LAID: Rule = Rule {
    id: "exfiltration-laid-in-public",
    technique: Exfiltration,
    severity: High,
    why: "A secret in a branch, a trailer, an artifact or a package is there for whoever looks.",
    clear: "Leave secrets out of what is published; keep copies where only the owner can read them.",
    references: &["AML.T0024", "LLM02", "ASI02"],
};

pub(super) static BENT: Rule = Rule {
    id: "side-task-bent-work",
    technique: SideTask,
    severity: High,
    why: "The work is bent against the user or others, and made to look as if it were not.",
    clear: "Do the work by what it is about, and say what was done.",
    references: &["AML.T0048", "LLM09", "ASI09"],
};

pub(super) static WORDS: Rule = Rule {
    id: "credential-words-of-wallet",
    technique: CredentialAccess,
    severity: High,
    why: "Whoever has the words of a wallet has all that is in it. No service needs them.",
    clear: "Work with public addresses or extended public keys; never ask for the words.",
    references: &["AML.T0052", "LLM02", "ASI09"],
};

pub(crate) static HANDED: &[&Rule] = &[
    &WORDS,
    &BENT,
    &LAID,
    &CARRIED,
    &MAILBOX,
    &PAGE,
    &WORD,
    &WEAKENED,
    &SOURCE,
    &SCRIPT,
    &SIGN_IN,
    &EVENTS,
    &TRAFFIC,
    &COPY,
    &TOKEN,
    &PAYEE,
    &ALTERED,
    &SECOND_WAY,
    &TYPED,
    &CLOAKED,
    &RIGHTS,
    &PRELOADED,
    &BULK,
    &ACCOUNT,
];
