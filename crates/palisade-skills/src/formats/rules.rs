//! The rules of formats and declarations.

use crate::{
    Rule,
    Severity::{self, Critical, High, Low, Medium, Note},
    Technique::{self, ApprovalBypass, AutoRun, ConfigRedirect, Dependency, Exfiltration, Format},
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

pub(super) static BREACH: Rule = rule(
    "format-specification",
    Format,
    Note,
    "The skill breaks a rule of the Agent Skills specification. That is common, and agents differ in what they do then.",
    "Follow the specification.",
    &["LLM03"],
);
pub(super) static AMBIGUOUS: Rule = rule(
    "format-ambiguous",
    Format,
    Low,
    "Duplicate keys, anchors and merges are read differently by different parsers: what was vetted may not be what is loaded.",
    "Write each key once, and plain values.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static UNREAD: Rule = rule(
    "not-vetted-definition",
    Technique::NotVetted,
    Medium,
    "An agent that reads all of a definition runs what stands behind the part that was vetted.",
    "Make it shorter, and do not nest its values so deep.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static ELSEWHERE: Rule = rule(
    "not-vetted-elsewhere",
    Technique::NotVetted,
    Low,
    "What is loaded from outside of the package was not read, and can be another thing the next time.",
    "Put it into the package, or leave it to the user to name it.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static WILDCARD: Rule = rule(
    "approval-wildcard-tools",
    ApprovalBypass,
    Medium,
    "Tools that are allowed beforehand are never asked about: a wildcard switches asking off.",
    "Name the tools and commands that the skill needs.",
    &["AML.T0053", "LLM06", "ASI02"],
);
pub(super) static UNNEEDED: Rule = rule(
    "approval-unneeded-tool",
    ApprovalBypass,
    Low,
    "A permission that nothing in the skill needs is there for something that is not shown.",
    "Leave it out.",
    &["LLM06", "ASI02"],
);
pub(super) static COMMAND: Rule = rule(
    "autorun-command",
    AutoRun,
    Medium,
    "The command runs without the model or the user choosing it.",
    "Let the agent run it when it is needed, or show the user what it does.",
    &["AML.T0011", "LLM03", "ASI04", "ASI05"],
);
pub(super) static COMMAND_NETWORK: Rule = rule(
    "autorun-command-sends",
    AutoRun,
    High,
    "A command that runs by itself talks to the network: what it is given (prompts, tool calls, files) can leave without anybody asking for it.",
    "Leave the network out of hooks and inline commands.",
    &["AML.T0024", "LLM02", "ASI04", "ASI05"],
);
pub(super) static COMMAND_FETCHES: Rule = rule(
    "autorun-command-fetches-code",
    AutoRun,
    Critical,
    "Code is fetched and executed by a command that runs by itself.",
    "Ship the code with the package.",
    &["AML.T0011", "LLM03", "ASI04", "ASI05"],
);
pub(super) static COMMAND_SHELL: Rule = rule(
    "autorun-command-shell",
    Technique::RemoteControl,
    Critical,
    "A command that runs by itself gives somebody outside a shell.",
    "Leave it out.",
    &["AML.T0011", "LLM03", "ASI04", "ASI05"],
);
pub(super) static INSTALL_FETCH: Rule = rule(
    "autorun-install-fetches-program",
    AutoRun,
    High,
    "The program that is installed comes without protection, or from a place that anybody can fill.",
    "Install from a registry or over https from the program's own site.",
    &["AML.T0010", "AML.T0011", "LLM03", "ASI04"],
);
pub(super) static SCRIPT_DISARMS: Rule = rule(
    "script-disarms-system",
    Technique::Destruction,
    High,
    "A protection of the system is switched off.",
    "Work with the protection, or let the user switch it off.",
    &["AML.T0053", "LLM06", "ASI02"],
);
pub(super) static SCRIPT_FETCHES: Rule = rule(
    "script-fetches-and-runs",
    Technique::DownloadAndRun,
    High,
    "Fetched bytes are executed: whoever holds the address decides what runs.",
    "Ship the code with the package, or check its digest.",
    &["AML.T0011", "LLM03", "ASI04", "ASI05"],
);
pub(super) static SCRIPT_LEAKS: Rule = rule(
    "script-secrets-and-network",
    Exfiltration,
    High,
    "A script in a language that is not parsed reads secrets and sends something.",
    "Leave secrets alone, or ask the user for the one that is needed.",
    &["AML.T0024", "LLM02", "ASI03", "ASI05"],
);
pub(super) static SCRIPT_SHELL: Rule = rule(
    "script-remote-shell",
    Technique::RemoteControl,
    High,
    "A connection outwards is joined to a shell.",
    "Leave it out.",
    &["AML.T0072", "LLM03", "ASI05"],
);
pub(super) static SCRIPT_WATCHES: Rule = rule(
    "script-watches-user",
    Exfiltration,
    High,
    "Keys, screen, clipboard or microphone are recorded and something is sent.",
    "Record only what the user starts, and keep it on the machine.",
    &["AML.T0024", "LLM02", "ASI03"],
);
pub(super) static SCRIPT_HIDES: Rule = rule(
    "script-decodes-and-runs",
    Technique::Obfuscation,
    High,
    "A script decodes what it runs or sends.",
    "Write the code plainly.",
    &["AML.T0011", "LLM03", "ASI05"],
);
pub(super) static COMMAND_SECRET: Rule = rule(
    "autorun-command-reads-secrets",
    AutoRun,
    High,
    "A command that runs by itself reads secrets, so that they stand in what the model sees or what is sent.",
    "Leave secrets alone.",
    &["AML.T0055", "LLM02", "ASI03", "ASI05"],
);
pub(super) static COMMAND_HIDDEN: Rule = rule(
    "autorun-command-obfuscated",
    AutoRun,
    High,
    "A command that runs by itself hides what it does.",
    "Write the command plainly.",
    &["AML.T0011", "LLM03", "ASI05"],
);
pub(super) static AUTO_ALLOW: Rule = rule(
    "approval-hook-allows",
    ApprovalBypass,
    High,
    "A hook that answers `allow` takes the question from the user.",
    "Let the hook deny or ask; the user allows.",
    &["AML.T0053", "LLM06", "ASI02"],
);
pub(super) static SETTINGS: Rule = rule(
    "approval-settings",
    ApprovalBypass,
    High,
    "The package brings settings that switch prompts, sandbox or permissions off.",
    "Leave the user's permissions to the user.",
    &["AML.T0053", "LLM06", "ASI02"],
);
pub(super) static REDIRECT: Rule = rule(
    "redirect-model-address",
    ConfigRedirect,
    High,
    "Whoever holds the model's address reads every prompt and writes every answer.",
    "Leave the model's address to the user's own settings.",
    &["AML.T0024", "LLM02", "ASI04"],
);
pub(super) static SERVER: Rule = rule(
    "autorun-server",
    AutoRun,
    Low,
    "A tool server is a program or a host that the agent trusts with calls and believes.",
    "Pin the package's version, and name only servers that the skill needs.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static SERVER_PLAIN: Rule = rule(
    "autorun-server-unprotected",
    AutoRun,
    Medium,
    "A remote tool server over plain HTTP or at a bare address can be anyone.",
    "Use https and a name.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static SERVER_UNPINNED: Rule = rule(
    "dependency-server-unpinned",
    Dependency,
    Low,
    "The newest version is run at each start, whatever it is then.",
    "Pin the version.",
    &["AML.T0010", "LLM03", "ASI04"],
);
pub(super) static SERVER_SECRET: Rule = rule(
    "exfiltration-server-given-secrets",
    Exfiltration,
    High,
    "A tool server is given secrets that have nothing to do with it.",
    "Give each server its own key only.",
    &["AML.T0024", "LLM02", "ASI03", "ASI04"],
);

pub(crate) static RULES: &[&Rule] = &[
    &BREACH,
    &AMBIGUOUS,
    &UNREAD,
    &ELSEWHERE,
    &WILDCARD,
    &UNNEEDED,
    &COMMAND,
    &COMMAND_NETWORK,
    &COMMAND_FETCHES,
    &COMMAND_SHELL,
    &INSTALL_FETCH,
    &SCRIPT_DISARMS,
    &SCRIPT_FETCHES,
    &SCRIPT_LEAKS,
    &SCRIPT_SHELL,
    &SCRIPT_WATCHES,
    &SCRIPT_HIDES,
    &COMMAND_SECRET,
    &COMMAND_HIDDEN,
    &AUTO_ALLOW,
    &SETTINGS,
    &REDIRECT,
    &SERVER,
    &SERVER_PLAIN,
    &SERVER_UNPINNED,
    &SERVER_SECRET,
];
