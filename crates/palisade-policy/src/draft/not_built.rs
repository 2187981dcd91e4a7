//! Whole sections that are understood and checked for their form, and that nothing enforces yet.

use super::{Check, shown};
use crate::{at::At, document::Document};

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    if let Some(inference) = &document.inference {
        if let Some(limits) = &inference.limits {
            check.not_built("inference.limits", limits.place);
        }
        if let Some(redact) = &inference.redact {
            check.not_built("inference.redact", redact.place);
        }
    }
    if let Some(permissions) = &document.permissions {
        let lists = [&permissions.value.allow, &permissions.value.ask, &permissions.value.deny];
        for rule in lists.into_iter().flatten() {
            permission(check, rule);
        }
        check.not_built("permissions", permissions.place);
    }
    if let Some(commands) = &document.commands {
        check.not_built("commands", commands.place);
    }
    if let Some(hooks) = &document.hooks {
        check.not_built("hooks", hooks.place);
    }
    if let Some(skills) = &document.skills {
        check.not_built("skills", skills.place);
    }
    if let Some(approvals) = &document.approvals {
        check.not_built("approvals", approvals.place);
    }
    if let Some(audit) = &document.audit {
        check.not_built("audit", audit.place);
    }
}

/// `Tool` or `Tool(what)`.
fn permission(check: &mut Check<'_>, rule: &At<String>) {
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
