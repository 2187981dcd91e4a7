use std::{fmt, str::FromStr};

/// A tool that a model has at its provider: what it does there no rule sees. Allowed only where the
/// policy names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ServerTool {
    /// Searching the web.
    WebSearch,
    /// Fetching pages.
    WebFetch,
    /// Running code in a container of the provider's.
    CodeExecution,
    /// Searching files that were given to the provider.
    FileSearch,
    /// Making images.
    ImageGeneration,
    /// Calling MCP servers from there.
    Mcp,
    /// Searching the tools that a request offers.
    ToolSearch,
}

const ALL: [(ServerTool, &str); 7] = [
    (ServerTool::WebSearch, "web_search"),
    (ServerTool::WebFetch, "web_fetch"),
    (ServerTool::CodeExecution, "code_execution"),
    (ServerTool::FileSearch, "file_search"),
    (ServerTool::ImageGeneration, "image_generation"),
    (ServerTool::Mcp, "mcp"),
    (ServerTool::ToolSearch, "tool_search"),
];

/// What providers call them, without a date at the end.
const NAMES: &[(&str, ServerTool)] = &[
    ("web_search", ServerTool::WebSearch),
    ("web_search_preview", ServerTool::WebSearch),
    ("google_search", ServerTool::WebSearch),
    ("google_search_retrieval", ServerTool::WebSearch),
    ("google_maps", ServerTool::WebSearch),
    ("enterprise_web_search", ServerTool::WebSearch),
    ("web_fetch", ServerTool::WebFetch),
    ("url_context", ServerTool::WebFetch),
    ("code_execution", ServerTool::CodeExecution),
    ("bash_code_execution", ServerTool::CodeExecution),
    ("text_editor_code_execution", ServerTool::CodeExecution),
    ("code_interpreter", ServerTool::CodeExecution),
    ("container_upload", ServerTool::CodeExecution),
    ("executable_code", ServerTool::CodeExecution),
    ("file_search", ServerTool::FileSearch),
    ("image_generation", ServerTool::ImageGeneration),
    ("mcp", ServerTool::Mcp),
    ("mcp_toolset", ServerTool::Mcp),
    ("mcp_tool_use", ServerTool::Mcp),
    ("mcp_tool", ServerTool::Mcp),
    ("mcp_list_tools", ServerTool::Mcp),
    ("mcp_approval_request", ServerTool::Mcp),
    ("tool_search", ServerTool::ToolSearch),
    ("tool_search_tool_regex", ServerTool::ToolSearch),
    ("tool_search_tool_bm25", ServerTool::ToolSearch),
];

/// Tools that a request offers by a type of their own and that the agent runs itself. Their calls are
/// decided like any other.
const OF_THE_AGENT: &[&str] = &[
    "custom",
    "function",
    "bash",
    "text_editor",
    "computer",
    "computer_use",
    "computer_use_preview",
    "memory",
    "local_shell",
    "apply_patch",
];

impl ServerTool {
    /// The word that the policy uses.
    pub fn as_str(self) -> &'static str {
        ALL.iter().find(|(tool, _)| *tool == self).map_or("", |(_, word)| word)
    }

    /// The tool that a block or an item of an answer belongs to: `web_search_tool_result`,
    /// `code_interpreter_call`.
    pub(crate) fn of_part(kind: &str) -> Option<Self> {
        let ends = ["_tool_result", "_call", "_result"];
        let name = ends.iter().find_map(|end| kind.strip_suffix(end)).unwrap_or(kind);
        Self::named(name)
    }

    /// By the name that it has at a provider.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, tool)| *tool)
    }

    /// By the type that a tool has in a request. `Ok` is one that the agent runs; the inner `None` is one
    /// that is not known.
    pub(crate) fn offered(kind: &str) -> Result<(), Option<Self>> {
        let name = undated(kind);
        if OF_THE_AGENT.contains(&name) { Ok(()) } else { Err(Self::named(name)) }
    }
}

/// `bash_20250124` is `bash`, `web_search_preview_2025_03_11` is `web_search_preview`.
fn undated(kind: &str) -> &str {
    let name = kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    if name.len() == kind.len() { kind } else { name }
}

impl FromStr for ServerTool {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        ALL.iter().find(|(_, known)| *known == word).map(|(tool, _)| *tool).ok_or(())
    }
}

impl fmt::Display for ServerTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_providers_are_known() {
        assert_eq!(ServerTool::of_part("web_search_tool_result"), Some(ServerTool::WebSearch));
        assert_eq!(ServerTool::of_part("mcp_tool_result"), Some(ServerTool::Mcp));
        assert_eq!(ServerTool::of_part("mcp_call"), Some(ServerTool::Mcp));
        assert_eq!(ServerTool::of_part("code_interpreter_call"), Some(ServerTool::CodeExecution));
        assert_eq!(
            ServerTool::of_part("bash_code_execution_tool_result"),
            Some(ServerTool::CodeExecution)
        );
        assert_eq!(ServerTool::of_part("new_thing"), None);
        assert_eq!(ServerTool::offered("bash_20250124"), Ok(()));
        assert_eq!(ServerTool::offered("function"), Ok(()));
        assert_eq!(ServerTool::offered("web_search_20250305"), Err(Some(ServerTool::WebSearch)));
        assert_eq!(
            ServerTool::offered("web_search_preview_2025_03_11"),
            Err(Some(ServerTool::WebSearch))
        );
        assert_eq!(ServerTool::offered("shell"), Err(None));
        for (tool, word) in ALL {
            assert_eq!((word.parse(), tool.as_str()), (Ok(tool), word));
        }
    }
}
