//! What the tools of different agents mean.

use std::{collections::HashMap, sync::LazyLock};

use palisade_core::{ToolCall, ToolInput};
use serde_json::{Map, Value};

use crate::{decide::folded, patch};

/// What a tool call does, whatever the agent calls its tool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// Run a text by a shell.
    Command(String),
    /// Run a program with these arguments, without a shell.
    Program(Vec<String>),
    /// Read these files.
    Read(Vec<String>),
    /// Look through these folders.
    Search(Vec<String>),
    /// Change, make or remove these files.
    Edit(Vec<String>),
    /// Fetch from these URLs.
    Fetch(Vec<String>),
    /// Search the web.
    WebSearch,
    /// Start another agent, of this kind.
    Agent(Option<String>),
    /// Load a skill of this name.
    Skill(Option<String>),
    /// Something that stays within the agent, such as a list of its tasks.
    Inner,
    /// Run a program of the agent's own language, or several other tools at once: what that does is not read.
    Code,
    /// A tool whose input does not say what it is to do.
    Unclear(&'static str),
    /// Any other tool.
    Other,
}

/// A tool call, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Understood {
    /// What rules call the tool, and then what its agent does.
    pub(crate) names: Vec<String>,
    /// What a client calls a server's tool whose name has characters in it that models do not take. A rule that refuses
    /// may name it so; one that permits may mean another tool.
    pub(crate) spelled: Option<String>,
    pub(crate) meaning: Meaning,
    /// The folder that it begins in, if the call says so.
    pub(crate) directory: Option<String>,
    /// Names of the files that a search is about, with `*` and `?`.
    pub(crate) patterns: Vec<String>,
}

/// Tools of agents, by what they do: the name that rules use, and the agents' own names. Sources: Claude Code's,
/// Codex's, Gemini CLI's, OpenClaw's, opencode's and Cursor's lists of tools.
const TOOLS: &[(&str, Kind, &[&str])] = &[
    (
        "Bash",
        Kind::Command,
        &[
            "Bash",
            "bash",
            "shell",
            "shell_command",
            "exec_command",
            "exec",
            "run_shell_command",
            "run_terminal_cmd",
            "run_terminal_command",
            "execute_command",
            "run_command",
            "terminal",
            "local_shell",
            "container.exec",
            "unified_exec",
            "write_stdin",
            "Shell",
            "Terminal",
            "process",
        ],
    ),
    // Commands on other machines.
    ("Bash", Kind::Foreign, &["nodes"]),
    (
        "",
        Kind::Code,
        &[
            "js_repl",
            "code_execution",
            "code_interpreter",
            "execute_code",
            "run_code",
            "python",
            "ipython",
            "tool_search_code",
            "tool_call",
            "batch",
            "multi_tool_use.parallel",
        ],
    ),
    ("PowerShell", Kind::Foreign, &["PowerShell", "powershell", "pwsh", "cmd"]),
    (
        "Read",
        Kind::Read,
        &[
            "Read",
            "read",
            "read_file",
            "read_many_files",
            "view",
            "view_image",
            "open_file",
            "NotebookRead",
            "cat_file",
        ],
    ),
    (
        "Grep",
        Kind::Search,
        &[
            "Grep",
            "grep",
            "grep_files",
            "grep_search",
            "search_file_content",
            "ripgrep",
            "codebase_search",
        ],
    ),
    ("Glob", Kind::Search, &["Glob", "glob", "file_search", "find_files", "glob_file_search"]),
    ("LS", Kind::Search, &["LS", "ls", "list", "list_directory", "list_dir"]),
    (
        "Edit",
        Kind::Edit,
        &[
            "Edit",
            "edit",
            "replace",
            "edit_file",
            "str_replace",
            "search_replace",
            "str_replace_editor",
            "str_replace_based_edit_tool",
            "insert",
            "delete_file",
            "Delete",
            "update_file",
        ],
    ),
    ("MultiEdit", Kind::Edit, &["MultiEdit", "multiedit", "multi_edit"]),
    ("NotebookEdit", Kind::Edit, &["NotebookEdit", "edit_notebook"]),
    ("Write", Kind::Edit, &["Write", "write", "write_file", "create_file", "create"]),
    ("Edit", Kind::Patch, &["apply_patch", "patch", "ApplyPatch"]),
    (
        "WebFetch",
        Kind::Fetch,
        &[
            "WebFetch",
            "webfetch",
            "web_fetch",
            "fetch",
            "fetch_url",
            "browser_navigate",
            "browser",
            "open_url",
        ],
    ),
    ("WebSearch", Kind::WebSearch, &["WebSearch", "websearch", "web_search", "google_web_search"]),
    (
        "Agent",
        Kind::Agent,
        &[
            "Agent",
            "Task",
            "task",
            "spawn_agent",
            "sessions_spawn",
            "delegate_to_agent",
            "invoke_agent",
        ],
    ),
    ("Skill", Kind::Skill, &["Skill", "skill", "activate_skill"]),
    (
        "",
        Kind::Inner,
        &[
            "TodoWrite",
            "TodoRead",
            "todowrite",
            "todoread",
            "update_plan",
            "write_todos",
            "ExitPlanMode",
            "EnterPlanMode",
            "exit_plan_mode",
            "enter_plan_mode",
            "AskUserQuestion",
            "ask_user",
            "request_user_input",
            "BashOutput",
            "KillShell",
            "KillBash",
            "TaskOutput",
            "TaskStop",
            "TaskCreate",
            "TaskUpdate",
            "TaskList",
            "TaskGet",
            "ToolSearch",
            "complete_task",
            "StructuredOutput",
            "wait_agent",
            "get_goal",
            "update_goal",
            "update_topic",
            "list_background_processes",
            "read_background_output",
        ],
    ),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Command,
    /// A shell whose language is not read here.
    Foreign,
    Code,
    Read,
    Search,
    Edit,
    Patch,
    Fetch,
    WebSearch,
    Agent,
    Skill,
    Inner,
}

const PATHS: [&str; 22] = [
    "file_path",
    "filePath",
    "path",
    "absolute_path",
    "notebook_path",
    "target_file",
    "target_notebook",
    "dir_path",
    "file",
    "filename",
    "directory",
    "relative_workspace_path",
    "new_path",
    "newPath",
    "old_path",
    "destination",
    "dest",
    "target",
    "source",
    "move_path",
    "uri",
    "absolutePath",
];
/// What has several files in it, each with what is done to it.
const NESTED: [&str; 5] = ["edits", "files", "changes", "operations", "file_edits"];

pub(crate) fn understand(call: &ToolCall) -> Understood {
    let found = TOOLS.iter().find(|(_, _, names)| names.contains(&call.name.as_str()));
    let Some((name, kind, _)) = found else {
        // Some models write the name of the group before it.
        let bare =
            call.name.strip_prefix("functions.").or_else(|| call.name.strip_prefix("default_api."));
        if let Some(bare) = bare {
            let mut out = understand(&ToolCall { name: bare.to_owned(), ..call.clone() });
            out.names.push(call.name.clone());
            return out;
        }
        return Understood {
            names: vec![call.name.clone()],
            spelled: as_clients_spell(&call.name),
            meaning: Meaning::Other,
            directory: None,
            patterns: Vec::new(),
        };
    };
    if *kind == Kind::Code || is_code(call) {
        let names = vec![call.name.clone()];
        let (meaning, directory, patterns) = (Meaning::Code, None, Vec::new());
        return Understood { names, spelled: None, meaning, directory, patterns };
    }
    let mut names = Vec::new();
    for name in [*name, call.name.as_str()] {
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    if *name == "Agent" && !names.iter().any(|known| known == "Task") {
        names.push("Task".into());
    }
    let mut meaning = meaning(*kind, call);
    let mut directory = None;
    if *kind == Kind::Command {
        match begins_in(&call.input) {
            Some(found) => directory = found,
            None => meaning = Meaning::Unclear("the folder that it begins in cannot be told"),
        }
    }
    let patterns = match kind {
        Kind::Search | Kind::Read => {
            let mut patterns = looked_for(&call.input);
            if *name == "Glob" {
                let both = ["pattern", "query"].map(|key| call.input.text(key));
                patterns.extend(both.into_iter().flatten().map(str::to_owned));
            }
            patterns
        }
        _ => Vec::new(),
    };
    Understood { names, spelled: None, meaning, directory, patterns }
}

/// What rules call the tool that a name is like to a reader who does not look closely: `" EXEC"` is `Bash`.
pub(crate) fn known_like(name: &str) -> Option<&'static str> {
    static LIKE: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
        let named = TOOLS.iter().filter(|(name, _, _)| !name.is_empty());
        named.flat_map(|(name, _, own)| own.iter().map(|own| (folded(own), *name))).collect()
    });
    LIKE.get(&folded(name)).copied()
}

impl Understood {
    /// All names by which a rule may refuse it.
    pub(crate) fn all_names(&self) -> Vec<String> {
        self.names.iter().chain(&self.spelled).cloned().collect()
    }
}

/// A server's tool as clients name it to a model, where that is not its own name: with `_` for all that is no letter,
/// digit, `_` or `-`. Source: names of tools in Anthropic's and OpenAI's APIs, `^[a-zA-Z0-9_-]+$`.
pub(crate) fn as_clients_spell(name: &str) -> Option<String> {
    spelled(name, |_| false)
}

/// The same of the name in a rule, in which `*` stands for any characters.
pub(crate) fn rule_as_clients_spell(name: &str) -> Option<String> {
    spelled(name, |c| c == '*')
}

fn spelled(name: &str, kept: impl Fn(char) -> bool) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || kept(c);
    let odd = name.starts_with("mcp__") && !name.chars().all(plain);
    odd.then(|| name.chars().map(|c| if plain(c) { c } else { '_' }).collect())
}

/// The folder that a command begins in, if the call names one; `None` if it names several, or something else.
fn begins_in(input: &ToolInput) -> Option<Option<String>> {
    const FOLDERS: [&str; 8] = [
        "workdir",
        "cwd",
        "working_directory",
        "workingDirectory",
        "working_dir",
        "dir_path",
        "directory",
        "dir",
    ];
    let ToolInput::Object(fields) = input else { return Some(None) };
    let mut found: Option<&str> = None;
    for value in FOLDERS.iter().filter_map(|key| fields.get(*key)).filter(|v| !v.is_null()) {
        let folder = value.as_str()?;
        if found.is_some_and(|other| other != folder) {
            return None;
        }
        found = Some(folder);
    }
    Some(found.map(str::to_owned))
}

/// The names of files that a search is restricted to.
fn looked_for(input: &ToolInput) -> Vec<String> {
    let ToolInput::Object(fields) = input else { return Vec::new() };
    let mut out = Vec::new();
    for key in ["glob", "include", "include_pattern", "file_pattern", "includes"] {
        match fields.get(key) {
            Some(Value::String(text)) => out.push(text.clone()),
            Some(Value::Array(all)) => {
                out.extend(all.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            _ => {}
        }
    }
    out
}

/// What a tool that is not known may do by what its input names: run a command, or open a file.
pub(crate) fn may_mean(call: &ToolCall) -> Vec<Meaning> {
    let mut out = Vec::new();
    // Tools of servers are named by rules of their own.
    if call.name.starts_with("mcp__") {
        return out;
    }
    let meant = command(call);
    if matches!(meant, Meaning::Command(_) | Meaning::Program(_))
        && !matches!(call.input, ToolInput::Text(_))
    {
        out.push(meant);
    }
    let urls = ["url", "uri", "targetUrl"].iter().filter_map(|key| call.input.text(key));
    let urls: Vec<String> =
        urls.filter(|url| crate::hosts::host_of(url).is_some()).map(str::to_owned).collect();
    if !urls.is_empty() {
        out.push(Meaning::Fetch(urls));
    }
    match paths(&call.input) {
        Some(paths) if !paths.is_empty() => out.push(Meaning::Edit(paths)),
        _ => {}
    }
    out
}

/// Whether it is the `exec` that runs JavaScript, as Codex and OpenClaw have it besides the one that runs a command.
/// Some of that language is read as a harmless command by a shell, where a comment of the one is a quote of the other.
fn is_code(call: &ToolCall) -> bool {
    if call.name != "exec" {
        return false;
    }
    let ToolInput::Object(fields) = &call.input else { return true };
    let comment = |text: &str| {
        text.contains("/*")
            || text.lines().any(|line| line.trim_start().starts_with("//") || line.contains(" //"))
    };
    fields.contains_key("code") || call.input.text("command").is_some_and(comment)
}

fn meaning(kind: Kind, call: &ToolCall) -> Meaning {
    if kind != Kind::Inner && has_twins(&call.input) {
        return Meaning::Unclear("two of its keys differ in small and capital letters alone");
    }
    match kind {
        Kind::Code => Meaning::Code,
        // What is typed into a command that runs already; the rest of what this tool does looks on.
        Kind::Command if call.name == "process" => {
            match only(&call.input, &["data", "text", "literal", "keys", "hex"]) {
                Ok(Some(text)) => Meaning::Command(text.to_owned()),
                Ok(None)
                    if matches!(
                        call.input.text("action"),
                        Some("list" | "poll" | "log" | "kill" | "clear" | "remove")
                    ) =>
                {
                    Meaning::Inner
                }
                _ => Meaning::Unclear("what is typed into a command cannot be told"),
            }
        }
        Kind::Command => command(call),
        Kind::Foreign => Meaning::Unclear("the language of this shell is not read"),
        Kind::Read => match paths(&call.input) {
            Some(paths) if !paths.is_empty() => Meaning::Read(paths),
            _ => Meaning::Unclear("the call names no file that can be told"),
        },
        Kind::Search => match paths(&call.input) {
            Some(mut paths) => {
                // What it looks for may itself lead elsewhere.
                if matches!(
                    call.name.as_str(),
                    "Glob" | "glob" | "file_search" | "find_files" | "glob_file_search"
                ) {
                    let patterns = ["pattern", "query"].map(|key| call.input.text(key));
                    paths.extend(patterns.into_iter().flatten().filter_map(fixed_start));
                }
                if paths.is_empty() {
                    paths.push(".".into());
                }
                Meaning::Search(paths)
            }
            None => Meaning::Unclear("the call names no folder that can be told"),
        },
        Kind::Edit => match paths(&call.input) {
            Some(paths) if !paths.is_empty() => Meaning::Edit(paths),
            _ => Meaning::Unclear("the call names no file that can be told"),
        },
        Kind::Patch => {
            let text = match &call.input {
                ToolInput::Text(text) => Some(text.as_str()),
                input => only(input, &["input", "patch", "patchText", "text"]).unwrap_or_default(),
            };
            match text.and_then(patch::files) {
                Some(files) => Meaning::Edit(files),
                None => Meaning::Unclear("the patch does not say which files it changes"),
            }
        }
        Kind::Fetch => {
            let mut urls: Vec<String> = ["url", "targetUrl"]
                .iter()
                .filter_map(|key| call.input.text(key))
                .map(str::to_owned)
                .collect();
            // Gemini CLI's fetches what its prompt names; to others that is a question about the page.
            if (urls.is_empty() || call.name == "web_fetch")
                && let Some(prompt) = call.input.text("prompt")
            {
                urls.extend(
                    prompt
                        .split(|c: char| {
                            c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')')
                        })
                        .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
                        .map(str::to_owned),
                );
            }
            if urls.is_empty() {
                Meaning::Unclear("the call names no URL that can be told")
            } else {
                Meaning::Fetch(urls)
            }
        }
        Kind::WebSearch => Meaning::WebSearch,
        Kind::Agent => {
            let keys = ["subagent_type", "agent_type", "agent_name", "agent", "agentId"];
            match only(&call.input, &keys) {
                Ok(kind) => Meaning::Agent(kind.map(str::to_owned)),
                Err(()) => Meaning::Unclear("which agent it starts cannot be told"),
            }
        }
        Kind::Skill => match only(&call.input, &["skill", "name", "command"]) {
            Ok(name) => Meaning::Skill(name.map(str::to_owned)),
            Err(()) => Meaning::Unclear("which skill it loads cannot be told"),
        },
        Kind::Inner => Meaning::Inner,
    }
}

/// Whether two keys are one to an agent that does not tell capital letters from small ones, as readers of JSON in Go do.
fn has_twins(input: &ToolInput) -> bool {
    let ToolInput::Object(fields) = input else { return false };
    let mut keys: Vec<String> = fields.keys().map(|key| key.to_ascii_lowercase()).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

/// Whether a command is to run otherwise than the shell does that is read here: in another one, or with variables by
/// which it does something else.
fn is_led_elsewhere(fields: &Map<String, Value>) -> bool {
    const SHELLS: [&str; 5] = ["bash", "sh", "dash", "zsh", "ksh"];
    const FOLDERS: [&str; 6] =
        ["", "/bin/", "/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/", "/sbin/"];
    let other_shell = |value: &Value| match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(path) => {
            let known = |name: &&str| {
                path.strip_suffix(*name).is_some_and(|folder| FOLDERS.contains(&folder))
            };
            !SHELLS.iter().any(known)
        }
        _ => true,
    };
    let leads = |value: &Value| match value {
        Value::Null => false,
        Value::Object(set) => {
            set.iter().any(|(name, to)| !to.is_string() || palisade_shell::changes_meaning(name))
        }
        _ => true,
    };
    ["shell", "shell_path"].iter().filter_map(|key| fields.get(*key)).any(other_shell)
        || ["env", "environment"].iter().filter_map(|key| fields.get(*key)).any(leads)
}

/// What stands under one of these keys, each of which counts for some agent.
///
/// # Errors
/// Several say different things, or one says what is no text: which one counts is the agent's affair.
fn only<'a>(input: &'a ToolInput, keys: &[&str]) -> Result<Option<&'a str>, ()> {
    let ToolInput::Object(fields) = input else { return Ok(None) };
    let mut found = None;
    for value in keys.iter().filter_map(|key| fields.get(*key)).filter(|it| !it.is_null()) {
        let text = value.as_str().ok_or(())?;
        if found.is_some_and(|other| other != text) {
            return Err(());
        }
        found = Some(text);
    }
    Ok(found)
}

fn command(call: &ToolCall) -> Meaning {
    let fields = match &call.input {
        ToolInput::Text(text) => return Meaning::Command(text.clone()),
        ToolInput::Object(fields) => fields,
    };
    let action = fields.get("action").and_then(Value::as_object);
    if is_led_elsewhere(fields) || action.is_some_and(is_led_elsewhere) {
        return Meaning::Unclear("it says in which shell, or with which variables, it is to run");
    }
    let nested = action.and_then(|action| action.get("command"));
    // With more than one of these, which one counts is the agent's affair.
    let given: Vec<&Value> = ["command", "cmd", "script", "chars"]
        .iter()
        .filter_map(|key| fields.get(*key))
        .chain(nested)
        .filter(|value| !value.is_null())
        .collect();
    // Several, one after the other.
    let lists = [Some(fields), action].into_iter().flatten();
    let lists: Vec<&Value> =
        lists.filter_map(|it| it.get("commands")).filter(|it| !it.is_null()).collect();
    if let ([], [Value::Array(all)]) = (given.as_slice(), lists.as_slice()) {
        let all: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
        return match all {
            Some(all) if !all.is_empty() => Meaning::Command(all.join("\n")),
            _ => Meaning::Unclear("the call has no command that can be told"),
        };
    }
    if !lists.is_empty() {
        return Meaning::Unclear("the call has no command that can be told");
    }
    match given.as_slice() {
        [Value::String(text)] => Meaning::Command(text.clone()),
        [Value::Array(words)] => {
            let words: Option<Vec<String>> =
                words.iter().map(|word| word.as_str().map(str::to_owned)).collect();
            match words {
                Some(words) => match words.as_slice() {
                    [] => Meaning::Unclear("the call has no command that can be told"),
                    // How some agents run a text.
                    [shell, flags, text]
                        if ["bash", "sh", "zsh", "/bin/bash", "/bin/sh", "/bin/zsh"]
                            .contains(&shell.as_str())
                            && matches!(flags.as_str(), "-c" | "-lc") =>
                    {
                        Meaning::Command(text.clone())
                    }
                    _ => Meaning::Program(words),
                },
                None => Meaning::Unclear("the call has no command that can be told"),
            }
        }
        _ => Meaning::Unclear("the call has no command that can be told"),
    }
}

/// Every path that the input has; `None` if one of them is no text.
fn paths(input: &ToolInput) -> Option<Vec<String>> {
    let ToolInput::Object(fields) = input else { return None };
    paths_in(fields, 0)
}

fn paths_in(fields: &Map<String, Value>, depth: usize) -> Option<Vec<String>> {
    const DEEPEST: usize = 4;
    let mut out = Vec::new();
    for value in NESTED.iter().filter_map(|key| fields.get(*key)) {
        let inner = match value {
            Value::Array(all) => all.iter().filter_map(Value::as_object).collect(),
            Value::Object(one) => vec![one],
            _ => Vec::new(),
        };
        for one in inner {
            if depth >= DEEPEST {
                return None;
            }
            out.extend(paths_in(one, depth + 1)?);
        }
    }
    for key in PATHS {
        match fields.get(key) {
            None | Some(Value::Null) => {}
            // No file has such a name: whoever opens it opens another one.
            Some(Value::String(path)) if path.contains('\0') => return None,
            Some(Value::String(path)) => out.push(path.clone()),
            Some(_) => return None,
        }
    }
    for key in ["paths", "include", "files"] {
        match fields.get(key) {
            Some(Value::Array(all)) => {
                for path in all.iter().filter(|path| !path.is_object()) {
                    out.extend(fixed_start(path.as_str()?));
                }
            }
            Some(Value::String(path)) if key != "include" => out.push(path.clone()),
            _ => {}
        }
    }
    Some(out)
}

/// The folder that a pattern begins in, or the path if it is none. Nothing for one that begins with a pattern.
fn fixed_start(pattern: &str) -> Option<String> {
    let end = pattern.find(['*', '?', '[', '{']);
    let fixed = match end {
        None => pattern,
        Some(end) => {
            let start = pattern.get(..end)?;
            start
                .rsplit_once('/')
                .map(|(folder, _)| if folder.is_empty() { "/" } else { folder })?
        }
    };
    // What follows the pattern may lead up again.
    if pattern.contains("..") { Some("/".into()) } else { Some(fixed.to_owned()) }
}

#[cfg(test)]
mod tests {
    use palisade_core::ToolSeen;
    use serde_json::json;

    use super::*;

    fn of(name: &str, input: Value) -> Meaning {
        let input = match input {
            Value::Object(fields) => ToolInput::Object(fields),
            other => ToolInput::Text(other.as_str().unwrap_or_default().to_owned()),
        };
        understand(&ToolCall { name: name.into(), input, id: None, seen: ToolSeen::Answer }).meaning
    }

    #[test]
    fn agents_call_the_same_thing_by_many_names() {
        let ls = Meaning::Command("ls".into());
        assert_eq!(of("Bash", json!({"command": "ls", "description": "x"})), ls);
        assert_eq!(of("exec_command", json!({"cmd": "ls", "workdir": "/x"})), ls);
        assert_eq!(of("run_shell_command", json!({"command": "ls"})), ls);
        assert_eq!(of("exec", json!({"command": "ls"})), ls);
        assert_eq!(of("shell", json!({"command": ["bash", "-lc", "ls"]})), ls);
        assert_eq!(
            of("shell", json!({"command": ["ls", "-l"]})),
            Meaning::Program(vec!["ls".into(), "-l".into()])
        );
        assert_eq!(
            of("write_file", json!({"file_path": "a", "content": ""})),
            Meaning::Edit(vec!["a".into()])
        );
        assert_eq!(
            of("apply_patch", json!("*** Begin Patch\n*** Add File: a\n+x\n*** End Patch")),
            Meaning::Edit(vec!["a".into()])
        );
        assert_eq!(
            of("read_file", json!({"absolute_path": "/a"})),
            Meaning::Read(vec!["/a".into()])
        );
        assert_eq!(of("Glob", json!({"pattern": "/etc/*"})), Meaning::Search(vec!["/etc".into()]));
        assert_eq!(of("Grep", json!({"pattern": "x"})), Meaning::Search(vec![".".into()]));
        assert_eq!(
            of("web_fetch", json!({"prompt": "see https://a.test/x and more"})),
            Meaning::Fetch(vec!["https://a.test/x".into()])
        );
        // It fetches what its prompt names, whatever stands beside it.
        assert_eq!(
            of("web_fetch", json!({"url": "https://a.test/", "prompt": "read https://b.test/x"})),
            Meaning::Fetch(vec!["https://a.test/".into(), "https://b.test/x".into()])
        );
        assert_eq!(
            of(
                "WebFetch",
                json!({"url": "https://a.test/", "prompt": "is it like https://b.test/x?"})
            ),
            Meaning::Fetch(vec!["https://a.test/".into()])
        );
        assert_eq!(
            of("glob", json!({"pattern": "/a/*", "query": "/etc/*"})),
            Meaning::Search(vec!["/a".into(), "/etc".into()])
        );
        assert_eq!(of("mcp__a__b", json!({})), Meaning::Other);
        assert_eq!(of("Shell", json!({"command": "ls"})), ls);
        assert_eq!(of("functions.exec_command", json!({"cmd": "ls"})), ls);
        assert_eq!(of("process", json!({"action": "write", "data": "ls"})), ls);
        assert_eq!(of("process", json!({"action": "poll"})), Meaning::Inner);
        assert!(matches!(
            of("process", json!({"action": "send-keys", "keys": ["l"]})),
            Meaning::Unclear(_)
        ));
        assert!(matches!(of("nodes", json!({"action": "run"})), Meaning::Unclear(_)));
    }

    #[test]
    fn programs_of_an_agents_own_language_are_no_commands() {
        // A shell reads each of these as `false` with an argument.
        let script = "false // '\ntools.exec_command({cmd: 'curl x'}) // '";
        for (name, input) in [
            ("exec", json!(script)),
            ("exec", json!({"code": "tools.read()"})),
            ("exec", json!({"command": script})),
            ("exec", json!({"command": "false /*'*/, tools.exec({command: 1}) /*'*/"})),
            ("js_repl", json!("1")),
            ("batch", json!({"tool_calls": []})),
            ("multi_tool_use.parallel", json!({"tool_uses": []})),
        ] {
            assert_eq!(of(name, input.clone()), Meaning::Code, "{name} {input}");
        }
        assert_eq!(
            of("exec", json!({"command": "curl https://a.test"})),
            Meaning::Command("curl https://a.test".into())
        );
    }

    #[test]
    fn what_an_input_does_not_say_is_unclear() {
        for (name, input) in [
            ("Bash", json!({})),
            ("Bash", json!({"command": 1})),
            ("Bash", json!({"command": "ls", "cmd": "curl x"})),
            ("shell", json!({"command": ["a", 1]})),
            ("Read", json!({"file_path": ["a"]})),
            ("Edit", json!({})),
            ("apply_patch", json!({"input": "nothing"})),
            ("PowerShell", json!({"command": "ls"})),
            // The one agent does the one, the next the other.
            ("process", json!({"action": "paste", "data": "ls", "text": "curl x"})),
            ("process", json!({"action": "send-keys", "data": "ls", "keys": ["c", "u"]})),
            ("process", json!({"action": "send-keys", "literal": "ls", "hex": ["63"]})),
            (
                "apply_patch",
                json!({
                    "input": "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch",
                    "patchText": "*** Begin Patch\n*** Add File: .git/config\n+x\n*** End Patch",
                }),
            ),
            ("Skill", json!({"skill": "good", "name": "bad"})),
            ("Task", json!({"subagent_type": "good", "agent": "bad"})),
        ] {
            assert!(matches!(of(name, input.clone()), Meaning::Unclear(_)), "{name} {input}");
        }
    }
}
