use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::at::{At, Given};

/// Detection rules that look at each event, and decoys.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alarms {
    /// Files of rules, and `builtin` for those that come with Palisade. Default: `builtin`.
    #[serde(default)]
    #[schemars(extend("examples" = [["builtin", "./alarms.yaml"]]))]
    pub(crate) rules: Given<Vec<At<String>>>,
    /// Rules of these that are not wanted, by their ids.
    #[serde(default)]
    #[schemars(extend("examples" = [["late-new-host"]]))]
    pub(crate) except: Vec<At<String>>,
    /// What rules do besides what they say themselves, by their ids.
    #[serde(default)]
    #[schemars(extend("examples" = [{"canary-touched": ["freeze"]}]))]
    pub(crate) actions: BTreeMap<String, At<Vec<ActionWord>>>,
    pub(crate) canaries: Option<At<Canaries>>,
}

/// Decoys inside, made anew for each sandbox. Who touches one raises the alarm `canary-touched`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Canaries {
    /// Files that look as if they held secrets. Nothing else may be there. What they hold follows from their
    /// names. Default, where nothing is named: some in the home.
    #[serde(default)]
    #[schemars(extend("examples" = [["~/.aws/credentials", "~/production.env"]]))]
    pub(crate) files: Given<Vec<At<String>>>,
    /// Variables that look as if they held secrets.
    #[serde(default)]
    #[schemars(extend("examples" = [["PROD_API_TOKEN"]]))]
    pub(crate) variables: Given<Vec<At<String>>>,
    /// Names of hosts that nobody has a reason to look for. One is made up besides, and stands in the files.
    #[serde(default)]
    #[schemars(extend("examples" = [["vault.prod.internal"]]))]
    pub(crate) hosts: Given<Vec<At<String>>>,
    /// What touching one does, besides being recorded and told. Default: nothing else.
    #[serde(default)]
    #[schemars(extend("examples" = [["freeze"]]))]
    pub(crate) actions: Vec<ActionWord>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActionWord {
    /// The operator is told.
    Notify,
    /// All processes stop where they are.
    Freeze,
    /// The sandbox ends.
    End,
}
