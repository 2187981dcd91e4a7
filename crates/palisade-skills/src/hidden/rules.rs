//! The rules of hidden text.

use crate::{
    Rule,
    Severity::{self, High, Medium},
    Technique::{self, HiddenText, NotVetted, Obfuscation},
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

const HIDE: &[&str] = &["AML.T0051", "AML.T0068", "LLM01", "ASI01"];

pub(super) static TAGS: Rule = rule(
    "hidden-tag-characters",
    HiddenText,
    High,
    "Characters of the tag block have no shape, and models read them as letters.",
    "Remove them.",
    HIDE,
);
pub(super) static INVISIBLE: Rule = rule(
    "hidden-invisible-run",
    HiddenText,
    High,
    "A run of characters without a shape carries bits or text that nobody sees.",
    "Remove them.",
    HIDE,
);
pub(super) static SPLIT: Rule = rule(
    "hidden-split-word",
    HiddenText,
    Medium,
    "Invisible characters within words keep searches and scanners from finding them.",
    "Remove them.",
    HIDE,
);
pub(super) static BIDI: Rule = rule(
    "hidden-direction",
    HiddenText,
    High,
    "Text is shown in another order than it is read.",
    "Remove the direction overrides.",
    HIDE,
);
pub(super) static LOOKALIKE: Rule = rule(
    "hidden-look-alike-letters",
    HiddenText,
    Medium,
    "Letters of another script stand within words and look like Latin ones.",
    "Write the words in one script.",
    HIDE,
);
pub(super) static PRIVATE: Rule = rule(
    "hidden-private-use",
    HiddenText,
    Medium,
    "Characters for private use have no meaning of their own.",
    "Remove them.",
    HIDE,
);
pub(super) static ENCODED: Rule = rule(
    "obfuscation-encoded-text",
    Obfuscation,
    Medium,
    "A text is encoded, so that a reader does not see what a model or a program makes of it.",
    "Write the text plainly.",
    &["AML.T0068", "LLM01", "ASI01"],
);
pub(super) static ENCODED_ORDER: Rule = rule(
    "obfuscation-encoded-order",
    Obfuscation,
    High,
    "An encoded text holds commands or orders.",
    "Write the text plainly.",
    &["AML.T0051", "AML.T0068", "LLM01", "ASI01"],
);
pub(crate) static DECODE_AND_OBEY: Rule = rule(
    "obfuscation-decode-and-obey",
    Obfuscation,
    High,
    "The agent is told to decode something and do what it says.",
    "Write the instructions plainly.",
    &["AML.T0051", "AML.T0068", "LLM01", "ASI01"],
);
pub(super) static UNREAD: Rule = rule(
    "not-vetted-encoded",
    NotVetted,
    Medium,
    "What is encoded beyond any use keeps a scanner from reading all of it.",
    "Write the text plainly.",
    HIDE,
);
pub(super) static PADDING: Rule = rule(
    "hidden-padding",
    HiddenText,
    Medium,
    "Text stands behind so many blank lines or spaces that a reader does not get there.",
    "Remove the padding.",
    HIDE,
);

pub(crate) static RULES: &[&Rule] = &[
    &TAGS,
    &INVISIBLE,
    &SPLIT,
    &BIDI,
    &LOOKALIKE,
    &PRIVATE,
    &ENCODED,
    &UNREAD,
    &ENCODED_ORDER,
    &DECODE_AND_OBEY,
    &PADDING,
];
