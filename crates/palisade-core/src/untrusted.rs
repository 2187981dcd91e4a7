use serde::Serialize;

/// How content came into a session that nobody answers for: what it says may be meant to steer an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Untrusted {
    /// A result of a tool looked as if it instructed the model.
    Injection,
    /// A page was fetched or the web was searched, by a tool call or at the provider.
    Web,
    /// A host was connected to that no rule names.
    UnknownHosts,
    /// A tool of an MCP server was called.
    Mcp,
    /// A host that the policy names as untrusted was connected to.
    Hosts,
}

impl Untrusted {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Injection, Self::Web, Self::UnknownHosts, Self::Mcp, Self::Hosts];

    /// The word in policies and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Injection => "injection",
            Self::Web => "web",
            Self::UnknownHosts => "unknown_hosts",
            Self::Mcp => "mcp",
            Self::Hosts => "hosts",
        }
    }
}
