//! Makefiles, container files, workflows, path files of Python.

use super::{Language, Piece, whole};

/// The recipes of a Makefile, each line where it stands.
pub(super) fn makefile(text: &str) -> Vec<Piece> {
    let mut out = String::new();
    for line in text.lines() {
        let recipe = line.strip_prefix('\t').or_else(|| line.strip_prefix("    "));
        match recipe {
            Some(recipe) => out.push_str(&shell_of(recipe.trim_start_matches(['@', '-', '+']))),
            None => {
                // `NAME = value` and `NAME := $(shell …)`.
                if let Some((name, value)) = line.split_once('=') {
                    let name = name.trim_end_matches([':', '?', '+', ' ']).trim();
                    let plain = !name.is_empty()
                        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                    if plain {
                        let value = shell_of(value.trim());
                        match value.starts_with("$(")
                            || !value.contains([' ', '"', '\'', ';', '|', '&', '('])
                        {
                            true => out.push_str(&format!("{name}={value}")),
                            false => out.push_str(&format!("{name}='{}'", value.replace('\'', ""))),
                        }
                    }
                }
            }
        }
        out.push('\n');
    }
    vec![whole(Language::Shell, &out, false)]
}

/// Variables and functions of make, as the shell writes them.
fn shell_of(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let after = after.get(1..).unwrap_or_default();
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix("(shell ") {
            out.push_str("$(");
            rest = after;
        } else if let Some((name, after)) =
            after.strip_prefix(['(', '{']).and_then(|a| a.split_once([')', '}']))
        {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match plain && !name.is_empty() {
                true => out.push_str(&format!("${{{name}}}")),
                false => out.push_str("${make}"),
            }
            rest = after;
        } else {
            out.push_str("${make}");
            rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

/// What a container file runs.
pub(super) fn dockerfile(text: &str) -> Vec<Piece> {
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        let upper = line.trim_start().to_ascii_uppercase();
        let starts = ["RUN ", "CMD ", "ENTRYPOINT "].iter().any(|word| upper.starts_with(word));
        if starts {
            let rest = line.trim_start().split_once(' ').map_or("", |(_, rest)| rest);
            // The form of a list: `["sh", "-c", "…"]`.
            let list: Option<Vec<String>> = serde_json::from_str(rest.trim()).ok();
            match list {
                Some(words) => out
                    .push_str(&words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")),
                None => {
                    let rest = match rest.starts_with("--") {
                        true => rest.split_once(' ').map_or("", |(_, rest)| rest),
                        false => rest,
                    };
                    out.push_str(rest);
                }
            }
            inside = line.trim_end().ends_with('\\');
        } else if inside {
            out.push_str(line);
            inside = line.trim_end().ends_with('\\') || line.trim_start().starts_with('#');
        } else if let Some(rest) = upper.strip_prefix("ENV ").map(|rest| rest.len()) {
            let rest = line.trim_start().get(line.trim_start().len() - rest..).unwrap_or_default();
            match rest.contains('=') {
                true => out.push_str(&format!("export {rest}")),
                false => {
                    if let Some((name, value)) = rest.split_once(' ') {
                        out.push_str(&format!("export {name}={}", quote(value)));
                    }
                }
            }
        } else if upper.starts_with("ADD HTTP") {
            let mut words = line.split_whitespace().skip(1);
            if let (Some(from), Some(to)) = (words.next(), words.next()) {
                out.push_str(&format!("curl -o {} {}", quote(to), quote(from)));
            }
        }
        out.push('\n');
    }
    vec![whole(Language::Shell, &out, false)]
}

/// A word of the shell that means just this text.
pub(super) fn quote(word: &str) -> String {
    let plain = !word.is_empty()
        && word.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || matches!(c, '_' | '-' | '.' | '/' | ':' | '=' | '@' | '~' | '+' | ',')
        });
    match plain {
        true => word.to_owned(),
        // Variables that the definition leaves to its reader stay variables.
        false if word.contains("${") && !word.contains(['"', '`', '\\', '(']) => {
            format!("\"{word}\"")
        }
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The `run:` and `command:` values of a YAML text.
///
/// Read by lines: a workflow that a strict parser refuses is still run by a lenient one.
pub(super) fn yaml(text: &str, auto_run: bool) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut lines = text.lines().zip(1u32..).peekable();
    while let Some((line, number)) = lines.next() {
        let trimmed = line.trim_start().trim_start_matches("- ").trim_start();
        let key = [
            "run:",
            "command:",
            "script:",
            "bash:",
            "shell:",
            "entrypoint:",
            "before_script:",
            "after_script:",
            "cmd:",
        ]
        .iter()
        .find(|key| trimmed.starts_with(**key));
        let Some(key) = key else { continue };
        let value = trimmed.get(key.len()..).unwrap_or_default().trim();
        let indent = line.len() - line.trim_start().len();
        if value.is_empty() || value.starts_with(['|', '>']) {
            let folded = value.starts_with('>');
            let mut block = String::new();
            let first = lines.peek().map_or(number, |(_, number)| *number);
            while let Some((next, _)) = lines.peek() {
                let deeper = next.len() - next.trim_start().len() > indent;
                if !next.trim().is_empty() && !deeper {
                    break;
                }
                let next = next.trim_start();
                let next = match value.is_empty() {
                    true => unquote(next.trim_start_matches("- ")),
                    false => next.to_owned(),
                };
                block.push_str(&next);
                block.push(if folded { ' ' } else { '\n' });
                lines.next();
            }
            push(&mut found, block, first, auto_run);
        } else if !value.starts_with('[') || value.len() < 3 {
            push(&mut found, unquote(value), number, auto_run);
        } else if let Ok(words) = serde_json::from_str::<Vec<String>>(value) {
            let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
            push(&mut found, line, number, auto_run);
        }
    }
    found
}

fn push(found: &mut Vec<Piece>, text: String, line: u32, auto_run: bool) {
    if text.trim().is_empty() {
        return;
    }
    let mut piece = whole(Language::Shell, &text, auto_run);
    piece.line = line;
    found.push(piece);
}

fn unquote(text: &str) -> String {
    let text = text.trim();
    for mark in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(mark).and_then(|t| t.strip_suffix(mark)) {
            return match mark {
                '"' => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
                _ => inner.replace("''", "'"),
            };
        }
    }
    text.to_owned()
}

/// Lines of a path file that start with `import` are run when Python starts.
pub(super) fn path_file(text: &str) -> Vec<Piece> {
    let mut out = String::new();
    for line in text.lines() {
        if line.starts_with("import ") || line.starts_with("import\t") {
            out.push_str(line);
        }
        out.push('\n');
    }
    match out.trim().is_empty() {
        true => Vec::new(),
        false => vec![whole(Language::Python, &out, true)],
    }
}
