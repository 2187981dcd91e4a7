//! Rules for tool calls.

use std::path::PathBuf;

use palisade_permissions::{List, Mode, Rule};
use serde::Serialize;

/// The `permissions` section: which tool calls an agent may make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// What becomes of a call that no rule names.
    #[serde(serialize_with = "mode_word")]
    pub mode: Mode,
    /// Calls that are permitted.
    pub allow: Vec<PermissionRule>,
    /// Calls that are asked.
    pub ask: Vec<PermissionRule>,
    /// Calls that are refused.
    pub deny: Vec<PermissionRule>,
    /// What `~` is in these rules.
    #[serde(serialize_with = "crate::digest::exact")]
    pub home: PathBuf,
}

impl Permissions {
    /// The rules that refuse or ask for commands, which are held where programs are executed.
    pub fn of_commands(&self) -> impl Iterator<Item = &PermissionRule> {
        let deny = self.deny.iter().filter(|rule| rule.is_for_commands(List::Deny));
        deny.chain(self.ask.iter().filter(|rule| rule.is_for_commands(List::Ask)))
    }
}

impl PermissionRule {
    fn is_for_commands(&self, list: List) -> bool {
        Rule::parse(&self.text, list).is_ok_and(|rule| rule.is_for_commands())
    }
}

/// A rule for tool calls, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRule {
    /// Its text, such as `Bash(npm run *)`.
    pub text: String,
    /// Where it stands, such as `palisade.yaml:12`.
    #[serde(skip)]
    pub at: String,
    /// The folder that a path with one leading `/` begins at.
    #[serde(serialize_with = "crate::digest::exact")]
    pub base: PathBuf,
    /// Whether the files that it refuses are hidden as well, whatever an agent runs.
    pub hidden: bool,
    /// Where it does not hold, the rule does not count. It has been read once, and is a condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

fn mode_word<S: serde::Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.as_str())
}
