use schemars::JsonSchema;
use serde::Deserialize;

use crate::at::{At, Given};

/// What is asked once content has come in that nobody answers for, until the session ends.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Taint {
    /// What counts as such content. Default: all of it. Lists of all documents add up.
    #[serde(default)]
    #[schemars(extend("examples" = [["injection", "web"]]))]
    pub(crate) by: Given<Vec<At<UntrustedWord>>>,
    /// Hosts whose answers count as such, although rules permit them. `*.` is one label, `**.` any depth.
    #[serde(default)]
    #[schemars(extend("examples" = [["**.example.com"]]))]
    pub(crate) hosts: Given<Vec<At<String>>>,
    /// What is asked then: `push`, `publish`, `send`, `secrets`, or permission rules such as `Bash(scp *)`.
    #[serde(default)]
    #[schemars(extend("examples" = [["push", "publish", "Bash(scp *)"]]))]
    pub(crate) ask: Given<Vec<At<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UntrustedWord {
    /// A result of a tool looks as if it instructed the model.
    Injection,
    /// A page is fetched or the web is searched, by a tool call or at the provider.
    Web,
    /// A host is connected to that no rule names.
    UnknownHosts,
    /// A tool of an MCP server is called.
    Mcp,
    /// A host of `hosts` is connected to.
    Hosts,
}
