/// The folders that agents read their settings, skills and plugins from, in a home and in a project. Whoever protects
/// what an agent would obey looks here: a name that is missing in one place is a hole there.
pub const AGENT_FOLDERS: [&str; 7] =
    [".agents", ".claude", ".codex", ".cursor", ".gemini", ".openclaw", ".opencode"];
