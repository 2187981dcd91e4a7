//! The section `filesystem`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::at::{At, Given};

/// What the agent sees of the host's files. Nothing else exists inside.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filesystem {
    #[schemars(extend("examples" = [{"path": ".", "access": "rw"}]))]
    pub(crate) workspace: Option<At<Workspace>>,
    /// Files and folders to read and execute. `~` is the home; a relative path starts at the
    /// policy's folder. No wildcards.
    #[serde(default)]
    #[schemars(extend("examples" = [["/usr", "~/.gitconfig"]]))]
    pub(crate) read: Given<Vec<At<String>>>,
    /// Files and folders to read, execute and change.
    #[serde(default)]
    #[schemars(extend("examples" = [["~/.claude"]]))]
    pub(crate) write: Given<Vec<At<String>>>,
    /// Files, folders or globs that are not shown, whatever grants them: `*` stands for any
    /// characters of one name, `**` for any depth.
    #[serde(default)]
    #[schemars(extend("examples" = [["~/.ssh", "**/.env"]]))]
    pub(crate) deny: Vec<At<String>>,
}

/// The folder to work on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workspace {
    /// Its path. Default: the folder that palisade is started in.
    #[schemars(extend("examples" = ["."]))]
    pub(crate) path: Option<At<String>>,
    /// What the agent may do there. Default: `rw`.
    pub(crate) access: Option<At<AccessWord>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccessWord {
    /// Read and change, but not what the host runs or believes later (`.git/hooks` and its like).
    Rw,
    /// Read only.
    Ro,
    /// Changes are kept apart until the operator takes them.
    Overlay,
}
