//! The section `skills`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which skills are in the sandbox. The strictest of all documents counts.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skills {
    /// What must have happened to a skill. More than `any`: the folders of agents hold skills of the lock
    /// alone, and nothing can be put there.
    pub(crate) require: Option<SkillState>,
    /// Findings of this severity and up keep a skill of the lock out.
    pub(crate) block: Option<Severity>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SkillState {
    /// Nothing.
    Any,
    /// It is in the lock, and was scanned.
    Scanned,
    /// A person has approved exactly this, or it is signed.
    Reviewed,
    /// It is signed by somebody trusted.
    Signed,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Low,
    Medium,
    High,
    Critical,
}
