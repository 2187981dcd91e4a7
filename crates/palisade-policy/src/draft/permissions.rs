//! `permissions`: rules of Claude Code's grammar.

use super::{Check, shown};
use crate::{
    at::At,
    document::{Document, Mode},
};

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    let Some(permissions) = &document.permissions else { return };
    let section = &permissions.value;
    for rule in section.allow.iter().chain(&section.ask).chain(&section.deny) {
        grammar(check, rule);
    }
    for (list, weaker) in [("allow", &section.allow), ("ask", &section.ask)] {
        for rule in weaker {
            if section.deny.iter().any(|deny| deny.value == rule.value) {
                check.wrong(
                    rule.place,
                    format!(
                        "`{}` is in `{list}` and in `deny`: a deny always wins, so this never counts",
                        shown(&rule.value)
                    ),
                    "remove one of the two",
                );
            }
        }
    }
    let opens = section.mode.as_ref().is_some_and(|mode| match mode.value {
        Mode::AcceptEdits | Mode::BypassPermissions => true,
        Mode::Default | Mode::Plan | Mode::DontAsk => false,
    });
    if opens || !section.allow.is_empty() {
        check.not_built_and_widens("permissions", permissions.place, permissions);
    } else {
        check.not_built("permissions", permissions.place, permissions);
    }
}

/// `Tool` or `Tool(what)`.
fn grammar(check: &mut Check<'_>, rule: &At<String>) {
    let text = rule.value.as_str();
    let (tool, what) = match text.split_once('(') {
        Some((tool, rest)) => (tool, rest.strip_suffix(')')),
        None => (text, Some("-")),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*' | '.');
    if tool.is_empty() || !tool.chars().all(plain) || what.is_none_or(str::is_empty) {
        check.wrong(
            rule.place,
            format!("`{}` is no permission rule", shown(text)),
            "write `Tool`, or `Tool(what)` such as `Bash(npm run *)`",
        );
    }
}
