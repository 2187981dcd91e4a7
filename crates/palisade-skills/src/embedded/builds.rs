//! Commands of definitions and recipes, and texts in languages that are not parsed.

use super::Snippet;
use crate::{
    File, Place,
    code::Language,
    formats::{Document, Leaf, base},
};

pub(super) fn snippets(file: &File, text: &str, document: Option<&Document>, snippets: &mut Vec<Snippet>) {
    let name = base(&file.path);
    if let Some(document) = document {
        for leaf in &document.leaves {
            if let Some((text, auto_run)) = command(name, document, leaf) {
                let origin = Place { file: file.path.clone(), line: leaf.line, column: 1 };
                snippets.push(Snippet { language: Language::Shell, text, origin, auto_run, shown: false });
            }
        }
        return;
    }
    let mut push = |text: &str, line: u32, auto_run: bool| {
        let origin = Place { file: file.path.clone(), line, column: 1 };
        snippets.push(Snippet { language: Language::Shell, text: text.to_owned(), origin, auto_run, shown: false });
    };
    let lower = name.to_ascii_lowercase();
    if matches!(lower.as_str(), "makefile" | "gnumakefile" | "justfile") || lower.ends_with(".mk") {
        for (line, number) in text.lines().zip(1..) {
            if let Some(recipe) = line.strip_prefix('\t') {
                push(&recipe.trim_start_matches(['@', '-', '+']).replace("$$", "$"), number, true);
            }
        }
    } else if lower.starts_with("dockerfile") || lower.ends_with(".dockerfile") || lower == "containerfile" {
        let mut number = 1;
        for (start, line) in joined(text) {
            number += start;
            if let Some(command) = line.trim_start().strip_prefix("RUN ") {
                push(command, number, false);
            }
        }
    } else if SOURCES.iter().any(|suffix| lower.ends_with(suffix)) {
        for (line, number) in text.lines().zip(1..) {
            for literal in literals(line) {
                if is_command(literal) {
                    push(&literal.replace("\\\"", "\"").replace("\"\"", "\"").replace("&gt;", ">").replace("&quot;", "\""), number, false);
                }
            }
        }
    }
}

/// What a value of a definition runs, and whether it does so by itself.
fn command(name: &str, document: &Document, leaf: &Leaf) -> Option<(String, bool)> {
    let parts: Vec<&str> = leaf.path.split('.').collect();
    let last = *parts.last()?;
    let inside = |keys: &[&str]| parts.iter().any(|part| keys.contains(part));
    if name == "package.json" && parts.first() == Some(&"scripts") && parts.len() == 2 {
        let auto_run = matches!(last, "preinstall" | "install" | "postinstall" | "prepare" | "prepublish" | "preprepare" | "postprepare");
        return Some((leaf.text.clone(), auto_run));
    }
    if last == "run" && inside(&["steps", "jobs"]) {
        return Some((leaf.text.clone(), false));
    }
    let scripts = |key: &str| key.parse::<u32>().is_err() && matches!(key, "script" | "before_script" | "after_script");
    if parts.iter().rev().take(2).any(|key| scripts(key)) && name.starts_with(".gitlab") {
        return Some((leaf.text.clone(), false));
    }
    if last != "command" || !(inside(&["hooks", "mcpServers", "servers", "mcp_servers", "lspServers", "monitors", "statusLine", "tasks", "install"]) || matches!(name, "hooks.json" | ".lsp.json" | "monitors.json" | ".mcp.json" | "mcp.json" | "tasks.json")) {
        return None;
    }
    let before = leaf.path.trim_end_matches("command").trim_end_matches('.');
    let key = format!("{before}.args");
    let arguments: Vec<&str> = document.below(&key).map(|leaf| leaf.text.as_str()).collect();
    if let [option, script, ..] = arguments.as_slice()
        && option.starts_with('-')
        && option.ends_with('c')
        && matches!(base(&leaf.text), "sh" | "bash" | "zsh" | "dash")
    {
        return Some(((*script).to_owned(), true));
    }
    let mut line = leaf.text.clone();
    for argument in arguments {
        line.push_str(" '");
        line.push_str(&argument.replace('\'', "'\\''"));
        line.push('\'');
    }
    Some((line, true))
}

/// Languages that are not parsed: only their texts are looked at.
const SOURCES: &[&str] = &[
    ".rs", ".lua", ".pl", ".pm", ".php", ".kt", ".kts", ".gradle", ".java", ".cs", ".csproj", ".targets", ".props",
    ".vbs", ".bas", ".swift", ".applescript", ".scpt", ".c", ".cc", ".cpp", ".scala", ".groovy", ".r", ".jl", ".ex",
    ".exs", ".clj", ".sql", ".nix", ".vim", ".el", ".bat", ".cmd", ".svg", ".html", ".plist",
];

/// Does a text read like a command that fetches, sends or starts something?
fn is_command(text: &str) -> bool {
    text.len() > 10
        && text.contains(' ')
        && ["curl ", "wget ", "powershell", "bash ", "sh -c", "/bin/sh", "mshta", "nc ", "iwr ", "base64"].iter().any(|word| text.contains(word))
}

/// What stands between quotation marks in a line, the longest quotes first.
fn literals(line: &str) -> Vec<&str> {
    let mut found = vec![];
    for quote in ['"', '\''] {
        let (first, last) = (line.find(quote), line.rfind(quote));
        if let (Some(first), Some(last)) = (first, last)
            && first < last
        {
            found.extend(line.get(first + 1..last).into_iter().filter(|inner| !inner.contains(quote)));
            found.extend(line.split(quote).skip(1).step_by(2));
        }
    }
    found
}

/// Lines, those joined that end in a backslash, each with how many lines come before it since the last.
fn joined(text: &str) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = vec![];
    let mut open = false;
    let mut below = 0;
    for line in text.lines() {
        let body = line.trim_end().strip_suffix('\\');
        match lines.last_mut() {
            Some((_, last)) if open => {
                last.push_str(body.unwrap_or(line));
                below += 1;
            }
            _ => {
                let first = lines.is_empty();
                lines.push((if first { 0 } else { below + 1 }, body.unwrap_or(line).to_owned()));
                below = 0;
            }
        }
        open = body.is_some();
    }
    lines
}
