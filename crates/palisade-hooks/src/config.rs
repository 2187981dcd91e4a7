//! Which hooks there are, as a policy has them: parsed, each path absolute.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::Serialize;

use crate::{event::Event, matcher::Matcher};

/// Hooks by event, in the order in which they are named in records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Config {
    /// The hooks.
    pub events: BTreeMap<Event, Vec<Hook>>,
}

/// A hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// How it is printed, such as `hooks.PreToolUse[0]`.
    pub rule: String,
    /// What it is for.
    pub matcher: Matcher,
    /// A permission rule that narrows that further. Where nobody can say whether it matches, the hook runs.
    #[serde(rename = "if")]
    pub only_if: Option<String>,
    /// What it is.
    pub handler: Handler,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether it runs once in a session.
    pub once: bool,
    /// Whether nobody waits for it. It then decides nothing.
    pub detached: bool,
    /// What it means that it fails.
    pub on_error: OnError,
}

/// What a hook is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Handler {
    /// A program for each event.
    Command(Program),
    /// One program for all events: a line in, a line out.
    Worker(Program),
    /// A server.
    Http(Http),
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Program {
    /// A line for `sh -c`; with `arguments` the program's name or path.
    pub command: String,
    /// Arguments, where no shell is to be between.
    pub arguments: Option<Vec<String>>,
    /// What relative paths start at: the folder of the policy.
    pub base: PathBuf,
}

/// A server that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Http {
    /// `https`, or `http` at a loopback address.
    pub url: String,
    /// Header fields; `$NAME` and `${NAME}` in a value stand for variables of the operator.
    pub headers: BTreeMap<String, String>,
    /// The variables that may stand there.
    pub variables: Vec<String>,
}

/// What it means that a hook fails, hangs or answers nonsense.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The act goes on, as with Claude Code.
    Allow,
    /// It is asked for.
    Ask,
    /// It is denied.
    #[default]
    Deny,
}

impl OnError {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            OnError::Allow => "allow",
            OnError::Ask => "ask",
            OnError::Deny => "deny",
        }
    }
}

impl Config {
    /// The hooks of an event.
    pub fn of(&self, event: Event) -> &[Hook] {
        self.events.get(&event).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events.values().all(Vec::is_empty)
    }

    /// Every hook with its event.
    pub fn iter(&self) -> impl Iterator<Item = (Event, &Hook)> {
        self.events.iter().flat_map(|(event, hooks)| hooks.iter().map(|hook| (*event, hook)))
    }
}

impl Hook {
    /// Whether it does the same as another one, whatever it is called.
    pub fn does_the_same(&self, other: &Hook) -> bool {
        let mut same = other.clone();
        same.rule.clone_from(&self.rule);
        *self == same
    }
}

/// As it is shown, in one line.
impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Handler::Command(program) => write!(f, "{program}"),
            Handler::Worker(program) => write!(f, "the worker {program}"),
            Handler::Http(http) => write!(f, "{}", http.url),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.command.clone();
        for argument in self.arguments.iter().flatten() {
            shown.push(' ');
            shown.push_str(argument);
        }
        let cut: String = shown.chars().take(120).flat_map(char::escape_debug).collect();
        let more = if shown.chars().nth(120).is_some() { "…" } else { "" };
        write!(f, "`{cut}`{more}")
    }
}
