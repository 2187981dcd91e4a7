//! The frontmatter of a Markdown file, and the rules of the Agent Skills specification for it.

use super::{Document, Profile, base, document, rules};
use crate::{File, Seen};

/// Frontmatter, and where the text below it begins.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) document: Document,
    /// The offset of the body.
    pub(crate) body: usize,
}

/// The frontmatter of a file, if it has one.
pub(crate) fn front(file: &File) -> Option<Front> {
    let text = std::str::from_utf8(&file.bytes).ok()?;
    let (yaml, body) = split(text)?;
    let document = document::yaml(yaml, 2);
    Some(Front { document, body })
}

/// The YAML between two lines of dashes at the top, and the offset behind them.
pub(crate) fn split(text: &str) -> Option<(&str, usize)> {
    let first = text.find('\n')?;
    if text.get(..first)?.trim_end() != "---" {
        return None;
    }
    let mut at = first + 1;
    for line in text.get(at..)?.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((text.get(first + 1..at)?, at + line.len()));
        }
        at += line.len();
    }
    None
}

pub(super) fn look(file: &File, front: &Front, profile: &Profile, seen: &mut Seen) {
    let document = &front.document;
    for (line, message) in &document.breaches {
        seen.findings.push(rules::AMBIGUOUS.at(&file.path, *line, 0, "", message.clone()));
    }
    if !base(&file.path).eq_ignore_ascii_case("SKILL.md") {
        return;
    }
    let mut say = |message: String| {
        seen.findings.push(rules::BREACH.at(&file.path, 1, 0, "", message));
    };
    match document.text("name") {
        None => say("the frontmatter has no `name`".to_owned()),
        Some(name) => {
            let plain =
                name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            if !plain
                || name.is_empty()
                || name.len() > 64
                || name.starts_with('-')
                || name.ends_with('-')
                || name.contains("--")
            {
                say("`name` is not 1 to 64 lowercase letters, digits and single hyphens".to_owned());
            }
            let folder = file.path.rsplit('/').nth(1).unwrap_or(&profile.folder);
            if name != folder && !folder.is_empty() && !file.path.contains('!') {
                say(format!(
                    "`name` is not the name of the folder, {}",
                    palisade_core::shown(folder, 60)
                ));
            }
        }
    }
    match document.text("description") {
        None => say("the frontmatter has no `description`".to_owned()),
        Some(text) if text.chars().count() > 1024 => {
            say("`description` has more than 1024 characters".to_owned());
        }
        Some(_) => {}
    }
    for key in ["allowed-tools", "allowed_tools", "tools"] {
        for leaf in document.below(key) {
            tools(file, leaf, profile, seen);
        }
    }
}

/// Permissions asked for against those needed.
fn tools(file: &File, leaf: &super::Leaf, profile: &Profile, seen: &mut Seen) {
    for tool in split_tools(&leaf.text) {
        let wildcard =
            matches!(tool.as_str(), "*" | "all" | "Bash(*)" | "Bash(*:*)" | "Bash(**)" | "mcp__*");
        if wildcard {
            let message =
                format!("it asks for {tool}, everything at once, without asking the user");
            seen.findings.push(rules::WILDCARD.at(&file.path, leaf.line, 0, &leaf.text, message));
        } else if tool == "Bash" && !profile.runs {
            let message = "it asks to run any command, and shows none that it would run".to_owned();
            seen.findings.push(rules::UNNEEDED.at(&file.path, leaf.line, 0, &leaf.text, message));
        }
    }
}

/// `Bash(git add:*), Read Write` as its parts.
fn split_tools(text: &str) -> Vec<String> {
    let (mut tools, mut tool, mut depth) = (Vec::new(), String::new(), 0_usize);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' | ' ' | '\n' if depth == 0 => {
                if !tool.is_empty() {
                    tools.push(std::mem::take(&mut tool));
                }
                continue;
            }
            _ => {}
        }
        tool.push(c);
    }
    if !tool.is_empty() {
        tools.push(tool);
    }
    tools
}
