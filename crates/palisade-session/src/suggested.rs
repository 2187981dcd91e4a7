//! The permission rule that says for good what an operator permits once.

use palisade_core::{Action, ToolCall};
use palisade_permissions::{Meaning, Mode, Permissions, Place, Settings, Written};

/// A rule for `permissions.allow` that permits this very act and as little else as can be said; none where no rule
/// does. It is tried before it is shown.
pub(crate) fn rule_for(action: &Action) -> Option<String> {
    let Action::ToolCall(call) = action else { return None };
    let rule = match Permissions::meaning(call) {
        // With `*` or a line end it would be another rule.
        Meaning::Command(text) if !text.contains(['*', '\n', '\r']) => format!("Bash({text})"),
        Meaning::Read(files) => format!("Read(/{})", only(&files)?),
        Meaning::Edit(files) => format!("Edit(/{})", only(&files)?),
        Meaning::Fetch(urls) => {
            let url: http::Uri = only(&urls)?.parse().ok()?;
            format!("WebFetch(domain:{})", url.host()?)
        }
        // A server names its tools itself: with `*` it would be all of them.
        Meaning::Other if call.name.starts_with("mcp__") && !call.name.contains('*') => {
            call.name.clone()
        }
        _ => return None,
    };
    permits(&rule, call).then_some(rule)
}

/// The only one, if it is an absolute path or a URL without signs that a rule reads.
fn only(all: &[String]) -> Option<&String> {
    let [one] = all else { return None };
    let plain = !one.contains(['*', '?', '[', ']', '!', '\\', '{', '}', ' ', '\n', '\r']);
    let whole = one.starts_with('/') || one.contains("://");
    // A folder is all that is below it.
    (plain && whole && !one.contains("..") && !one.ends_with('/')).then_some(one)
}

/// Whether it permits the call, where nothing else does.
fn permits(rule: &str, call: &ToolCall) -> bool {
    let written = Written { text: rule.to_owned(), at: None, base: "/".into() };
    let place = Place { workspace: "/nowhere".into(), ..Place::default() };
    let settings =
        Settings { mode: Mode::DontAsk, allow: vec![written], place, ..Settings::default() };
    Permissions::new(settings).is_ok_and(|permissions| permissions.decide(call).is_allowed())
}

#[cfg(test)]
mod tests {
    use palisade_core::{ToolInput, ToolSeen};
    use serde_json::{Value, json};

    use super::*;

    fn rule(name: &str, input: Value) -> Option<String> {
        let Value::Object(input) = input else { panic!("{input}") };
        let input = ToolInput::Object(input);
        let call = ToolCall { name: name.into(), input, id: None, seen: ToolSeen::Answer };
        rule_for(&Action::ToolCall(Box::new(call)))
    }

    #[test]
    fn says_what_was_asked_and_no_more() {
        for (name, input, expected) in [
            ("Bash", json!({"command": "npm test"}), Some("Bash(npm test)")),
            (
                "Bash",
                json!({"command": "npm test && npm run x"}),
                Some("Bash(npm test && npm run x)"),
            ),
            ("Bash", json!({"command": "rm *"}), None),
            ("Bash", json!({"command": "a\nb"}), None),
            (
                "Edit",
                json!({"file_path": "/w/a.rs", "old_string": "", "new_string": ""}),
                Some("Edit(//w/a.rs)"),
            ),
            ("Write", json!({"file_path": "/w/**", "content": ""}), None),
            ("Write", json!({"file_path": "a.rs", "content": ""}), None),
            ("Write", json!({"file_path": "/", "content": ""}), None),
            ("Write", json!({"file_path": "/w/", "content": ""}), None),
            ("Bash", json!({"command": ""}), None),
            ("mcp__files__*", json!({"path": "x"}), None),
            ("mcp__files", json!({"path": "x"}), None),
            (
                "WebFetch",
                json!({"url": "https://docs.rs/x", "prompt": ""}),
                Some("WebFetch(domain:docs.rs)"),
            ),
            ("mcp__files__read", json!({"path": "x"}), Some("mcp__files__read")),
            ("exec", json!({"code": "1"}), None),
        ] {
            assert_eq!(rule(name, input.clone()).as_deref(), expected, "{name} {input}");
        }
    }
}
