//! Commands in definitions: hooks, tool servers, manifests.

use serde_json::Value;

use super::build::quote;
use super::{Language, Piece, whole};

/// The commands of a JSON definition.
pub(super) fn json(text: &str, name: &str, path: &str) -> Vec<Piece> {
    // The parser refuses what is nested deeper than 128 levels.
    let parsed: Result<Value, _> = serde_json::from_str(text.trim_start_matches('\u{feff}'));
    let value = match parsed {
        Ok(value) => value,
        Err(_) => match serde_json::from_str(&without_comments(text)) {
            Ok(value) => value,
            Err(_) => return Vec::new(),
        },
    };
    let mut found = Vec::new();
    let mut search = Search { text, found: &mut found };
    if name == "package.json" {
        scripts(&value, &mut search);
    }
    let all = name == "hooks.json"
        || name.contains("mcp")
        || name == ".lsp.json"
        || name == "monitors.json"
        || path.contains("/hooks/");
    walk(&value, all, &mut search);
    found
}

struct Search<'a> {
    text: &'a str,
    found: &'a mut Vec<Piece>,
}

impl Search<'_> {
    fn add(&mut self, language: Language, command: &str, anchor: &str, auto_run: bool) {
        let quoted = serde_json::to_string(anchor).unwrap_or_default();
        let at = self.text.find(&quoted).or_else(|| self.text.find(anchor)).unwrap_or(0);
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let mut piece = whole(language, command, auto_run);
        piece.line = u32::try_from(line).unwrap_or(u32::MAX);
        self.found.push(piece);
    }
}

/// Scripts of a package; those that a package manager runs by itself are auto-run.
fn scripts(value: &Value, search: &mut Search<'_>) {
    let Some(scripts) = value.get("scripts").and_then(Value::as_object) else { return };
    for (name, command) in scripts {
        let Some(command) = command.as_str() else { continue };
        let lifecycle = matches!(
            name.as_str(),
            "preinstall"
                | "install"
                | "postinstall"
                | "prepare"
                | "preprepare"
                | "postprepare"
                | "prepublish"
                | "preuninstall"
                | "postuninstall"
                | "dependencies"
        );
        search.add(Language::Shell, command, command, lifecycle);
    }
}

/// Finds `command` with `args`, wherever it stands; below hooks and servers it runs by itself.
fn walk(root: &Value, all: bool, search: &mut Search<'_>) {
    let mut pending = vec![(root, all)];
    let mut steps = 0;
    while let Some((value, auto_run)) = pending.pop() {
        steps += 1;
        if steps > 100_000 {
            return;
        }
        match value {
            Value::Array(list) => pending.extend(list.iter().rev().map(|inner| (inner, auto_run))),
            Value::Object(object) => {
                let args: Vec<&str> = object
                    .get("args")
                    .or_else(|| object.get("arguments"))
                    .and_then(Value::as_array)
                    .map(|list| list.iter().filter_map(Value::as_str).collect())
                    .unwrap_or_default();
                for key in ["command", "bash", "run", "script", "shell", "powershell", "statusLine"]
                {
                    let Some(command) = object.get(key) else { continue };
                    let line = match command {
                        Value::String(command) => {
                            let mut line = command.clone();
                            for arg in &args {
                                line.push(' ');
                                line.push_str(&quote(arg));
                            }
                            line
                        }
                        Value::Array(words) => words
                            .iter()
                            .filter_map(Value::as_str)
                            .map(quote)
                            .collect::<Vec<_>>()
                            .join(" "),
                        _ => continue,
                    };
                    let anchor = match command {
                        Value::String(command) => command.clone(),
                        _ => line.clone(),
                    };
                    let language = match key {
                        "powershell" => Language::PowerShell,
                        _ => Language::Shell,
                    };
                    if line.contains([' ', '/', '|']) || auto_run {
                        search.add(language, &line, &anchor, auto_run);
                    }
                }
                if let Some(variables) = object.get("env").and_then(Value::as_object) {
                    for (name, value) in variables {
                        let (Some(value), true) = (
                            value.as_str(),
                            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
                        ) else {
                            continue;
                        };
                        if value.contains("://") {
                            search.add(
                                Language::Shell,
                                &format!("export {name}={}", quote(value)),
                                value,
                                auto_run,
                            );
                        }
                    }
                }
                for (key, inner) in object.iter().rev() {
                    let starts = matches!(
                        key.as_str(),
                        "hooks"
                            | "mcpServers"
                            | "mcp_servers"
                            | "servers"
                            | "lspServers"
                            | "monitors"
                            | "context_servers"
                            | "statusLine"
                            | "apiKeyHelper"
                    );
                    if let (Value::String(command), "apiKeyHelper") = (inner, key.as_str()) {
                        search.add(Language::Shell, command, command, true);
                    }
                    pending.push((inner, auto_run || starts));
                }
            }
            _ => {}
        }
    }
}

/// Drops lines that are comments, and commas before a closing bracket.
fn without_comments(text: &str) -> String {
    let mut out: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect();
    for close in ['}', ']'] {
        let mut clean = String::with_capacity(out.len());
        let mut rest = out.as_str();
        while let Some(at) = rest.find(',') {
            let (before, after) = rest.split_at(at);
            clean.push_str(before);
            let after = after.get(1..).unwrap_or_default();
            if !after.trim_start().starts_with(close) {
                clean.push(',');
            }
            rest = after;
        }
        clean.push_str(rest);
        out = clean;
    }
    out
}

/// The program of a launch agent.
pub(super) fn plist(text: &str) -> Vec<Piece> {
    let Some((_, rest)) = text.split_once("ProgramArguments") else { return Vec::new() };
    let list = rest.split("</array>").next().unwrap_or_default();
    let words: Vec<String> = list
        .split("<string>")
        .skip(1)
        .filter_map(|part| part.split("</string>").next())
        .map(|word| {
            word.replace("&amp;", "&")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
        })
        .collect();
    if words.is_empty() {
        return Vec::new();
    }
    let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    vec![whole(Language::Shell, &line, true)]
}
