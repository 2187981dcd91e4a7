//! Permission rules of Claude Code's grammar and meaning, for the tool calls of every agent.
//!
//! [`Permissions`] are made of rule texts such as `Bash(npm run *)` and answer [`Permissions::decide`]: deny rules
//! first, then ask rules, then the mode, then allow rules. Two matchers look at each call. An allow needs every part of it known and
//! permitted; a deny needs one part that may be what it names, however it is written, wrapped or computed. What
//! cannot be told is asked.
//!
//! The names of tools are those of Claude Code; what other agents call theirs is mapped to them ([`Meaning`]), so that
//! one rule covers all agents.
//!
//! # What this holds
//! An agent announces its tool calls, and a model's answers pass the gateway; a program that is running needs no tool call
//! for what it does. A rule here says what an agent may ask for. What its programs can then do, the layers of files, network and
//! process say.
//!
//! # Trust
//! Calls are hostile. Rules are the operator's. Links in paths are followed with the rights of this process, which
//! looks at names only.

#![forbid(unsafe_code)]

mod bash;
mod below;
mod command_pattern;
mod decide;
mod doubts;
mod exec;
mod files;
mod hosts;
mod partial_path;
mod patch;
mod path_rule;
mod rule;
mod safe_commands;
mod tools;
mod ways;

use std::path::PathBuf;

pub use decide::Permissions;
pub use rule::{List, Rule, RuleError};
pub use tools::Meaning;

/// What happens to a call that no rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// It is asked, unless it only reads what is in the workspace.
    #[default]
    Default,
    /// Edits in the workspace are permitted besides.
    AcceptEdits,
    /// Only what reads is permitted.
    Plan,
    /// What would be asked is refused.
    DontAsk,
    /// It is permitted.
    BypassPermissions,
}

impl Mode {
    /// Its word in a policy, as Claude Code has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Default => "default",
            Mode::AcceptEdits => "acceptEdits",
            Mode::Plan => "plan",
            Mode::DontAsk => "dontAsk",
            Mode::BypassPermissions => "bypassPermissions",
        }
    }
}

/// A rule as the operator wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its text, such as `Bash(curl *)`.
    pub text: String,
    /// Where it stands, such as `palisade.yaml:12`.
    pub at: Option<String>,
    /// The folder that a path with one leading `/` begins at: an absolute path.
    pub base: PathBuf,
}

/// All rules, and what they are for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// What happens to what no rule names.
    pub mode: Mode,
    /// Calls that are permitted.
    pub allow: Vec<Written>,
    /// Calls that are asked.
    pub ask: Vec<Written>,
    /// Calls that are refused.
    pub deny: Vec<Written>,
    /// Where an agent is.
    pub place: Place,
}

/// Where an agent is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The folder it works in; relative paths and rules begin here.
    pub workspace: PathBuf,
    /// Further folders that count like the workspace.
    pub additional: Vec<PathBuf>,
    /// What `~` is.
    pub home: Option<PathBuf>,
}
