//! The section `skills`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::at::{At, Given};

/// Which skills are in the sandbox. The strictest of all documents counts.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skills {
    /// What must have happened to a skill. More than `any`: the folders of agents hold skills of the lock
    /// alone, and nothing can be put there.
    pub(crate) require: Option<SkillState>,
    /// Findings of this severity and up keep a skill of the lock out.
    pub(crate) block: Option<Severity>,
    /// What the programs of a skill of the lock may do at most, by its name. It permits nothing by itself: they get what the
    /// rest of the policy permits as well. Of several, in other documents or in the lock, all count. Default: what the policy
    /// permits.
    #[serde(default)]
    pub(crate) policies: BTreeMap<String, At<SkillPolicy>>,
}

/// What the programs of a skill may do at most: those that it runs, and whatever comes of them.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkillPolicy {
    /// Where they may connect to. Default: nowhere.
    #[serde(default)]
    pub(crate) network: Vec<At<SkillReach>>,
    /// The credentials that they may use. Default: none.
    #[serde(default)]
    #[schemars(extend("examples" = [["github"]]))]
    pub(crate) credentials: Vec<At<String>>,
    /// The programs that they may start besides the skill's own files: paths or globs of the real executable inside, which lies
    /// where the agent cannot write, or `sha256:` and a digest. Default: any.
    #[schemars(extend("examples" = [["/usr/bin/git", "/usr/bin/python3*"]]))]
    pub(crate) programs: Option<Vec<At<String>>>,
    /// Whether they may call models. Default: no.
    #[serde(default)]
    pub(crate) models: bool,
}

/// Hosts and ports of a skill.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkillReach {
    /// Names: `*.` stands for one label, `**.` for any depth.
    #[schemars(extend("examples" = [["api.github.com"]]))]
    pub(crate) hosts: Vec<At<String>>,
    /// TCP ports. Default: 443.
    #[serde(default)]
    #[schemars(inner(range(min = 1, max = 65535)), extend("examples" = [[443]]))]
    pub(crate) ports: Given<Vec<At<u64>>>,
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
