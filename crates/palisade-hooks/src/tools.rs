//! One name for each tool, Claude Code's, whatever an agent calls it: hooks that were written for the one work
//! for the others.

use serde_json::{Map, Value};

use crate::words::{quoted, words};

/// A tool of an agent that does what one of Claude Code's does.
#[derive(Debug)]
struct Twin {
    name: &'static str,
    of_claude: &'static str,
    /// Fields that have another name, each with Claude Code's.
    fields: &'static [(&'static str, &'static str)],
}

const fn twin(
    name: &'static str,
    of_claude: &'static str,
    fields: &'static [(&'static str, &'static str)],
) -> Twin {
    Twin { name, of_claude, fields }
}

const TWINS: &[Twin] = &[
    // Codex.
    twin("exec_command", "Bash", &[("cmd", "command")]),
    twin("shell_command", "Bash", &[]),
    twin("local_shell", "Bash", &[]),
    twin("container.exec", "Bash", &[]),
    twin("shell", "Bash", &[]),
    twin("unified_exec", "Bash", &[("cmd", "command")]),
    twin("write_stdin", "Bash", &[("chars", "command")]),
    twin("view_image", "Read", &[("path", "file_path")]),
    // Which files it changes is in its text.
    twin("apply_patch", "Edit", &[]),
    // gemini-cli.
    twin("run_shell_command", "Bash", &[]),
    twin("read_file", "Read", &[("absolute_path", "file_path")]),
    twin("write_file", "Write", &[]),
    twin("replace", "Edit", &[]),
    twin("google_web_search", "WebSearch", &[]),
    twin("search_file_content", "Grep", &[]),
    twin("grep_search", "Grep", &[]),
    twin("list_directory", "LS", &[("dir_path", "path")]),
    // Cursor.
    twin("Shell", "Bash", &[]),
    twin("Terminal", "Bash", &[]),
    twin("run_terminal_cmd", "Bash", &[]),
    // OpenClaw and others.
    twin("exec", "Bash", &[("code", "command")]),
    twin("process", "Bash", &[("data", "command")]),
    twin("run_command", "Bash", &[]),
    twin("execute_command", "Bash", &[]),
    twin("bash", "Bash", &[]),
    twin("read", "Read", &[("path", "file_path"), ("filePath", "file_path")]),
    twin("write", "Write", &[("path", "file_path"), ("filePath", "file_path")]),
    twin(
        "edit",
        "Edit",
        &[
            ("path", "file_path"),
            ("filePath", "file_path"),
            ("oldText", "old_string"),
            ("newText", "new_string"),
            ("oldString", "old_string"),
            ("newString", "new_string"),
        ],
    ),
    twin("web_fetch", "WebFetch", &[]),
    twin("webfetch", "WebFetch", &[]),
    twin("web_search", "WebSearch", &[]),
    twin("websearch", "WebSearch", &[]),
    twin("grep", "Grep", &[]),
    twin("glob", "Glob", &[]),
    // Those that permission rules know besides.
    twin("terminal", "Bash", &[]),
    twin("run_terminal_command", "Bash", &[]),
    twin("powershell", "PowerShell", &[]),
    twin("pwsh", "PowerShell", &[]),
    twin("cmd", "PowerShell", &[]),
    twin("read_many_files", "Read", &[]),
    twin("view", "Read", PATH),
    twin("open_file", "Read", PATH),
    twin("cat_file", "Read", PATH),
    twin("edit_file", "Edit", &[("path", "file_path"), ("target_file", "file_path")]),
    twin("str_replace", "Edit", PATH),
    twin("search_replace", "Edit", PATH),
    twin("str_replace_editor", "Edit", PATH),
    twin("str_replace_based_edit_tool", "Edit", PATH),
    twin("insert", "Edit", PATH),
    twin("delete_file", "Edit", &[("path", "file_path"), ("target_file", "file_path")]),
    twin("update_file", "Edit", PATH),
    twin("patch", "Edit", &[]),
    twin("ApplyPatch", "Edit", &[]),
    twin("multiedit", "MultiEdit", PATH),
    twin("multi_edit", "MultiEdit", PATH),
    twin("edit_notebook", "NotebookEdit", &[("target_notebook", "notebook_path")]),
    twin("create_file", "Write", PATH),
    twin("create", "Write", PATH),
    twin("fetch", "WebFetch", &[]),
    twin("fetch_url", "WebFetch", &[]),
    twin("browser_navigate", "WebFetch", &[]),
    twin("browser", "WebFetch", &[("targetUrl", "url")]),
    twin("open_url", "WebFetch", &[]),
    twin("grep_files", "Grep", &[]),
    twin("ripgrep", "Grep", &[]),
    twin("codebase_search", "Grep", &[]),
    twin("file_search", "Glob", &[]),
    twin("find_files", "Glob", &[]),
    twin("glob_file_search", "Glob", &[]),
    twin("ls", "LS", &[]),
    twin("list", "LS", &[]),
    twin("list_dir", "LS", &[("dir_path", "path")]),
    twin("task", "Task", &[]),
    twin("spawn_agent", "Task", &[]),
    twin("sessions_spawn", "Task", &[]),
    twin("delegate_to_agent", "Task", &[]),
    twin("invoke_agent", "Task", &[]),
    twin("skill", "Skill", &[]),
    twin("activate_skill", "Skill", &[]),
];

const PATH: &[(&str, &str)] = &[("path", "file_path"), ("filePath", "file_path")];

/// A tool's name without that of the group which some models write before it.
fn bare(name: &str) -> &str {
    let bare = name.strip_prefix("functions.").or_else(|| name.strip_prefix("default_api."));
    bare.unwrap_or(name)
}

fn of(name: &str) -> Option<&'static Twin> {
    TWINS.iter().find(|twin| twin.name == bare(name))
}

/// The name that Claude Code has for this tool.
pub(crate) fn name_of_claude(name: &str) -> &str {
    of(name).map_or(bare(name), |twin| twin.of_claude)
}

/// The input as Claude Code's tool has it.
pub(crate) fn input_of_claude(name: &str, input: &Map<String, Value>) -> Map<String, Value> {
    let Some(twin) = of(name) else { return input.clone() };
    let mut claude = Map::new();
    for (key, value) in input {
        let named = twin.fields.iter().find(|(field, _)| field == key);
        let key =
            named.filter(|(_, new)| !input.contains_key(*new)).map_or(key.as_str(), |it| it.1);
        let value = match value {
            Value::Array(words) if twin.of_claude == "Bash" && key == "command" => {
                line(words).map_or_else(|| value.clone(), Value::from)
            }
            other => other.clone(),
        };
        claude.insert(key.to_owned(), value);
    }
    claude
}

/// An input of Claude Code's tool as the agent's own has it, in place of `before`.
pub(crate) fn input_of_agent(
    name: &str,
    before: &Map<String, Value>,
    claude: Map<String, Value>,
) -> Map<String, Value> {
    let Some(twin) = of(name) else { return claude };
    let mut input = Map::new();
    for (key, value) in claude {
        let named =
            twin.fields.iter().find(|(field, new)| *new == key && before.contains_key(*field));
        let named = named.filter(|(_, new)| !before.contains_key(*new));
        let key = named.map_or(key, |(field, _)| (*field).to_owned());
        let value = match (before.get(&key), value) {
            (Some(Value::Array(words)), Value::String(new)) if key == "command" => {
                if line(words).as_ref() == Some(&new) {
                    Value::Array(words.clone())
                } else {
                    Value::from(vec!["bash".to_owned(), "-lc".to_owned(), new])
                }
            }
            (_, value) => value,
        };
        input.insert(key, value);
    }
    input
}

/// An argument vector as one line for the shell; the line of `bash -lc LINE` itself.
fn line(vector: &[Value]) -> Option<String> {
    let vector: Option<Vec<&str>> = vector.iter().map(Value::as_str).collect();
    let vector = vector?;
    if let [shell, "-c" | "-lc", script] = vector.as_slice()
        && ["bash", "sh", "zsh", "/bin/bash", "/bin/sh"].contains(shell)
    {
        return Some((*script).to_owned());
    }
    let word = |text: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
        if !text.is_empty() && text.chars().all(plain) { (*text).to_owned() } else { quoted(text) }
    };
    let line = vector.iter().map(word).collect::<Vec<_>>().join(" ");
    // It means the same words.
    (words(&line, |_| None).len() == vector.len()).then_some(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tools_of_all_agents_have_the_name_that_hooks_are_written_for() {
        for (name, claude) in [
            ("functions.Bash", "Bash"),
            ("functions.exec_command", "Bash"),
            ("default_api.run_shell_command", "Bash"),
            ("functions.mcp__x__y", "mcp__x__y"),
            ("terminal", "Bash"),
            ("str_replace_based_edit_tool", "Edit"),
            ("create_file", "Write"),
            ("edit_file", "Edit"),
            ("delete_file", "Edit"),
            ("view", "Read"),
            ("fetch", "WebFetch"),
            ("ripgrep", "Grep"),
            ("list_dir", "LS"),
            ("spawn_agent", "Task"),
            ("activate_skill", "Skill"),
            ("Bash", "Bash"),
            ("mcp__functions.x__y", "mcp__functions.x__y"),
        ] {
            assert_eq!(name_of_claude(name), claude, "{name}");
        }
        let input = json!({"command": "create", "path": "/x", "file_text": "y"});
        let input = input.as_object().unwrap();
        let shown = input_of_claude("str_replace_based_edit_tool", input);
        assert_eq!(shown.get("file_path"), Some(&json!("/x")));
        assert_eq!(input_of_agent("str_replace_based_edit_tool", input, shown), *input);
    }

    #[test]
    fn there_and_back() {
        for (name, input, claude) in [
            (
                "exec_command",
                json!({"cmd": "ls", "workdir": "/"}),
                json!({"command": "ls", "workdir": "/"}),
            ),
            (
                "shell",
                json!({"command": ["bash", "-lc", "ls | wc"]}),
                json!({"command": "ls | wc"}),
            ),
            (
                "shell",
                json!({"command": ["git", "commit", "-m", "a b"]}),
                json!({"command": "git commit -m 'a b'"}),
            ),
            ("read", json!({"path": "/x"}), json!({"file_path": "/x"})),
            (
                "edit",
                json!({"file_path": "/x", "path": "y"}),
                json!({"file_path": "/x", "path": "y"}),
            ),
            ("run_shell_command", json!({"command": "ls"}), json!({"command": "ls"})),
            ("mcp__x__y", json!({"cmd": 1}), json!({"cmd": 1})),
        ] {
            let input = input.as_object().unwrap();
            let shown = input_of_claude(name, input);
            assert_eq!(Value::from(shown.clone()), claude, "{name}");
            assert_eq!(input_of_agent(name, input, shown), *input, "{name}");
        }
        let before = json!({"command": ["ls", "-l"]});
        let changed = json!({"command": "ls -la"}).as_object().unwrap().clone();
        let back = input_of_agent("shell", before.as_object().unwrap(), changed);
        assert_eq!(Value::from(back), json!({"command": ["bash", "-lc", "ls -la"]}));
    }
}
