use serde::{Deserialize, Serialize};

use crate::{Confidence, Finding, Place, Severity};

/// The family of attack that a rule belongs to: the rows of the taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Technique {
    /// Bytes are fetched and executed.
    DownloadAndRun,
    /// A made-up prerequisite that the user or the agent is told to install.
    FakePrerequisite,
    /// Code that runs by itself: hooks, inline commands, install scripts, server definitions.
    AutoRun,
    /// A dependency that is remote, unpinned or named like another.
    Dependency,
    /// Instructions that are fetched later.
    RemoteInclude,
    /// A payload that is encoded, split or computed.
    Obfuscation,
    /// Native code, bytecode, archives, files that are not what their name says.
    OpaqueFile,
    /// A shell or a control channel for somebody outside.
    RemoteControl,
    /// Words that put other orders in place of the user's or the system's.
    InstructionOverride,
    /// Words that keep the user from knowing.
    Concealment,
    /// A task that has nothing to do with the skill's purpose.
    SideTask,
    /// Prompts, sandboxes or permissions that are turned off.
    ApprovalBypass,
    /// A description that takes tasks from other skills.
    TriggerHijack,
    /// A sink behind a condition of time, host, count or word.
    Condition,
    /// Orders in the metadata of a tool.
    ToolPoisoning,
    /// Text that a person does not see.
    HiddenText,
    /// Words for the scanner or the reviewer.
    ScannerEvasion,
    /// Keys, tokens, cookies and wallets that are read.
    CredentialAccess,
    /// Data that leaves.
    Exfiltration,
    /// Files that outlive the session and act in the next.
    Persistence,
    /// A model's, a registry's or a proxy's address that is changed.
    ConfigRedirect,
    /// A path out of the package or the sandbox.
    Escape,
    /// Data destroyed, defences stopped, resources taken.
    Destruction,
    /// It could not be read.
    NotVetted,
    /// The format's own rules are broken.
    Format,
    /// Another judge says so: a scanner, rules of the operator's own, a model.
    Imported,
}

/// What a rule is, whatever it finds.
#[derive(Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Rule {
    /// Stable name, kebab case, the technique first: `exfiltration-environment`.
    #[serde(rename = "rule")]
    pub id: &'static str,
    /// The family.
    pub technique: Technique,
    /// The usual severity.
    #[serde(skip)]
    pub severity: Severity,
    /// Why it matters, in one or two sentences.
    pub why: &'static str,
    /// What would clear it.
    pub clear: &'static str,
    /// Ids of other catalogues: MITRE ATLAS (`AML.T0051`), OWASP LLM (`LLM01`), OWASP ASI (`ASI01`).
    pub references: &'static [&'static str],
}

/// The most characters of an excerpt.
const EXCERPT: usize = 200;

impl Rule {
    /// A finding of this rule, with its usual severity and medium confidence.
    pub fn at(
        &'static self,
        file: &str,
        line: u32,
        column: u32,
        excerpt: &str,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            rule: self,
            severity: self.severity,
            confidence: Confidence::Medium,
            place: Place { file: file.to_owned(), line, column },
            excerpt: palisade_core::shown(excerpt.trim(), EXCERPT),
            message: message.into(),
            related: Vec::new(),
        }
    }
}
