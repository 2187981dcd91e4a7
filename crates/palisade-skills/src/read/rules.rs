//! The rules of reading.

use crate::{
    Rule,
    Severity::{self, High, Low, Medium, Note},
    Technique::{self, Escape, Format, NotVetted, OpaqueFile},
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

const SUPPLY: &[&str] = &["AML.T0010", "LLM03", "ASI04"];

pub(super) static TOO_LARGE: Rule = rule(
    "not-vetted-too-large",
    NotVetted,
    Medium,
    "What is not read can hold anything; making a file too large for a scanner is an old way past it.",
    "Make it smaller, or fetch it from elsewhere when it is needed and check its digest.",
    SUPPLY,
);
pub(super) static UNREADABLE: Rule = rule(
    "not-vetted-unreadable",
    NotVetted,
    Medium,
    "What cannot be read can hold anything.",
    "Give read rights to the file, or leave it out.",
    SUPPLY,
);
pub(crate) static READER: Rule = rule(
    "not-vetted-reader-ended",
    NotVetted,
    High,
    "The process that read it was ended, by its limits or because it did what reading does not need: what makes a reader end can be meant to.",
    "Find the file that does it, and leave it out.",
    SUPPLY,
);
pub(super) static SPECIAL: Rule = rule(
    "not-vetted-special-file",
    NotVetted,
    Medium,
    "A device, pipe or socket has no content that could be vetted, and no use in a skill.",
    "Leave it out.",
    SUPPLY,
);
pub(super) static CHANGED: Rule = rule(
    "not-vetted-changed-while-read",
    NotVetted,
    Medium,
    "What was read may not be what an agent will load.",
    "Scan a copy that nobody writes to.",
    SUPPLY,
);
pub(super) static UNKNOWN: Rule = rule(
    "not-vetted-unknown-form",
    NotVetted,
    Medium,
    "Bytes of no known form cannot be judged.",
    "Leave the file out, or use a common format.",
    SUPPLY,
);
pub(super) static DOCUMENT: Rule = rule(
    "not-vetted-document",
    NotVetted,
    Low,
    "The text of this document is packed and was not read; an agent that opens it does read it.",
    "Ship the text as Markdown.",
    SUPPLY,
);
pub(super) static LINK_OUT: Rule = rule(
    "escape-link",
    Escape,
    High,
    "A link that leads out of the package makes an agent read or write files that are not the skill's.",
    "Replace the link with the file.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static LINK: Rule = rule(
    "not-vetted-link",
    NotVetted,
    Low,
    "Links are not followed; where they lead may change after vetting.",
    "Replace the link with the file.",
    SUPPLY,
);
pub(super) static TRAVERSAL: Rule = rule(
    "escape-archive-member",
    Escape,
    High,
    "A member that names a path outside overwrites files where the archive is unpacked.",
    "Pack the archive anew with plain relative paths.",
    SUPPLY,
);
pub(super) static BOMB: Rule = rule(
    "opaque-archive-bomb",
    OpaqueFile,
    High,
    "An archive that grows beyond measure stops scanners and fills disks.",
    "Ship the files unpacked.",
    &["AML.T0029", "LLM10", "ASI04"],
);
pub(super) static ENCRYPTED: Rule = rule(
    "opaque-archive-password",
    OpaqueFile,
    Medium,
    "A password keeps scanners out and not the agent, which is told it.",
    "Ship the files without a password.",
    SUPPLY,
);
pub(super) static NESTED: Rule = rule(
    "not-vetted-nested-archive",
    NotVetted,
    Medium,
    "Archives within archives within archives were not opened.",
    "Ship the files unpacked.",
    SUPPLY,
);
pub(super) static BROKEN: Rule = rule(
    "not-vetted-broken-archive",
    NotVetted,
    Medium,
    "An archive that this scanner cannot read may open elsewhere.",
    "Pack it anew with a common tool.",
    SUPPLY,
);
pub(super) static DUPLICATE: Rule = rule(
    "opaque-duplicate-name",
    OpaqueFile,
    Medium,
    "Two members of one name: which one is used depends on the tool that unpacks.",
    "Pack the archive anew.",
    SUPPLY,
);
pub(super) static CASE: Rule = rule(
    "format-names-alike",
    Format,
    Low,
    "Two names that differ in case, in how a letter is written or in what some systems leave out are one file there.",
    "Rename one of them.",
    SUPPLY,
);
pub(super) static ENCODING: Rule = rule(
    "format-encoding",
    Format,
    Low,
    "Text that is not UTF-8 is read differently by different tools.",
    "Save the file as UTF-8.",
    SUPPLY,
);
pub(super) static INVALID: Rule = rule(
    "format-invalid-utf8",
    Format,
    Low,
    "Bytes that are no text stand within text: tools disagree on what is there.",
    "Save the file as UTF-8.",
    SUPPLY,
);
pub(super) static NAME: Rule = rule(
    "format-odd-name",
    Format,
    Medium,
    "A name with control, hidden or invalid characters is shown as another one.",
    "Rename the file.",
    SUPPLY,
);
pub(super) static DISGUISED: Rule = rule(
    "opaque-disguised-file",
    OpaqueFile,
    Medium,
    "The bytes are of another kind than the name says.",
    "Name the file for what it is.",
    SUPPLY,
);
pub(super) static TRAILING: Rule = rule(
    "opaque-appended-data",
    OpaqueFile,
    Medium,
    "Data behind the end of a picture, or of no member of an archive, is unseen by whoever opens it.",
    "Save the picture or pack the archive anew.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static GIT: Rule = rule(
    "not-vetted-git-objects",
    NotVetted,
    Note,
    "The history of a repository was not read; agents do not load it.",
    "Scan an export without `.git`.",
    SUPPLY,
);

pub(crate) static RULES: &[&Rule] = &[
    &TOO_LARGE,
    &UNREADABLE,
    &READER,
    &SPECIAL,
    &CHANGED,
    &UNKNOWN,
    &DOCUMENT,
    &LINK_OUT,
    &LINK,
    &TRAVERSAL,
    &BOMB,
    &ENCRYPTED,
    &NESTED,
    &BROKEN,
    &DUPLICATE,
    &CASE,
    &ENCODING,
    &INVALID,
    &NAME,
    &DISGUISED,
    &TRAILING,
    &GIT,
];
