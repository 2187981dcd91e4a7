//! Which skills are in the sandbox.

use std::collections::BTreeMap;

use palisade_core::SkillPolicy;
use serde::Serialize;

/// The `skills` section: which skills are in the sandbox. The strictest of all documents counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Skills {
    /// What must have happened to a skill.
    pub require: SkillRequire,
    /// Findings of this severity and up keep a skill out.
    pub block: Option<SkillSeverity>,
    /// What the programs of a skill may do at most, by its name: what all of these permit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub policies: BTreeMap<String, Vec<SkillPolicy>>,
}

impl Skills {
    /// Whether only skills of the lock are in the sandbox.
    pub fn holds(&self) -> bool {
        self.require != SkillRequire::Any
    }
}

/// What must have happened to a skill, the least first. Each has what those before it ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SkillRequire {
    /// Nothing: whatever is in the folders of an agent is there.
    #[default]
    Any,
    /// It is in the lock, and was scanned.
    Scanned,
    /// A person, or a publisher who is trusted, has approved exactly this.
    Reviewed,
    /// A publisher who is trusted has signed exactly this.
    Signed,
}

impl SkillRequire {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            SkillRequire::Any => "any",
            SkillRequire::Scanned => "scanned",
            SkillRequire::Reviewed => "reviewed",
            SkillRequire::Signed => "signed",
        }
    }
}

/// How bad a finding is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SkillSeverity {
    /// Weak alone.
    Low,
    /// A person should look.
    Medium,
    /// Stops a skill by default.
    High,
    /// An attack, as far as can be seen.
    Critical,
}

impl SkillSeverity {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            SkillSeverity::Low => "low",
            SkillSeverity::Medium => "medium",
            SkillSeverity::High => "high",
            SkillSeverity::Critical => "critical",
        }
    }
}
