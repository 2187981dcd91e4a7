//! The sections `permissions` and `commands`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::at::{At, Given};

/// Permission rules, of Claude Code's grammar and meaning: deny, then ask, then allow, then mode.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Permissions {
    /// What happens to a tool call that no rule names. Default: `default`.
    pub(crate) mode: Option<At<Mode>>,
    /// Tool calls that are permitted.
    #[serde(default)]
    #[schemars(extend("examples" = [["Bash(npm run *)", "Read"]]))]
    pub(crate) allow: Given<Vec<At<Permission>>>,
    /// Tool calls that are asked.
    #[serde(default)]
    #[schemars(extend("examples" = [["Bash(git push *)"]]))]
    pub(crate) ask: Vec<At<Permission>>,
    /// Tool calls that are refused.
    #[serde(default)]
    #[schemars(extend("examples" = [["Read(./.env)"]]))]
    pub(crate) deny: Vec<At<Permission>>,
}

/// A permission rule, alone or with a condition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "a rule such as `Bash(npm run *)`, or `{rule: …, when: …}`")]
pub(crate) enum Permission {
    /// The rule.
    Always(String),
    /// The rule, and when it counts.
    When(PermissionWhen),
}

/// A permission rule with a condition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermissionWhen {
    /// The rule, such as `Bash(git push *)`.
    pub(crate) rule: String,
    /// A condition in CEL: where it does not hold, the rule does not count.
    #[schemars(extend("examples" = ["now.hour >= 8 && now.hour < 18"]))]
    pub(crate) when: String,
}

impl Permission {
    /// The rule's text.
    pub(crate) fn rule(&self) -> &str {
        match self {
            Permission::Always(rule) => rule,
            Permission::When(conditional) => &conditional.rule,
        }
    }

    /// The condition's text.
    pub(crate) fn when(&self) -> Option<&str> {
        match self {
            Permission::Always(_) => None,
            Permission::When(conditional) => Some(&conditional.when),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    /// Ask.
    Default,
    /// Permit edits in the workspace, ask for the rest.
    AcceptEdits,
    /// Permit only what reads.
    Plan,
    /// Deny.
    DontAsk,
    /// Permit.
    BypassPermissions,
}

/// What one program gets besides.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandGrant {
    /// Network rules by name, for this program alone.
    #[serde(default)]
    #[schemars(extend("examples" = [["github"]]))]
    pub(crate) network: Vec<At<String>>,
    /// Credentials by name, for this program alone.
    #[serde(default)]
    #[schemars(extend("examples" = [["github"]]))]
    pub(crate) credentials: Vec<At<String>>,
}
