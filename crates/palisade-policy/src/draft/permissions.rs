//! `permissions`: rules of Claude Code's grammar.

use std::path::{Path, PathBuf};

use palisade_permissions::{List, Mode, Permissions, Place, Rule, Settings, Written};

use super::{Check, shown};
use crate::{
    at::At,
    document::{self, Document},
    policy::{Deny, PermissionRule},
};

/// The rules of one document.
#[derive(Debug, Clone)]
pub(crate) struct DraftPermissions {
    pub(crate) mode: Option<At<Mode>>,
    pub(crate) allow: Vec<At<PermissionRule>>,
    pub(crate) ask: Vec<At<PermissionRule>>,
    pub(crate) deny: Vec<At<PermissionRule>>,
    /// What of it hides files, as absolute patterns.
    hidden: Vec<At<Deny>>,
}

impl DraftPermissions {
    /// What may be left of it in a document that only narrows.
    pub(crate) fn narrowed(self) -> Self {
        Self { allow: Vec::new(), ..self }
    }
}

pub(super) fn check(
    check: &mut Check<'_>,
    document: &Document,
    workspace: Option<PathBuf>,
) -> Option<DraftPermissions> {
    let section = &document.permissions.as_ref()?.value;
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
    let workspace = workspace.unwrap_or_else(|| check.origin.workspace_dir.clone());
    let mut hidden = Vec::new();
    let mut read = |list: List, rules: &[At<String>]| -> Vec<At<PermissionRule>> {
        let mut out = Vec::new();
        for rule in rules {
            if let Some(read) = one(check, list, rule, &workspace, &mut hidden) {
                out.push(read);
            }
        }
        out
    };
    let allow = read(List::Allow, &section.allow);
    let ask = read(List::Ask, &section.ask);
    let deny = read(List::Deny, &section.deny);
    let mode = section.mode.as_ref().map(|mode| At {
        place: mode.place,
        value: match mode.value {
            document::Mode::Default => Mode::Default,
            document::Mode::AcceptEdits => Mode::AcceptEdits,
            document::Mode::Plan => Mode::Plan,
            document::Mode::DontAsk => Mode::DontAsk,
            document::Mode::BypassPermissions => Mode::BypassPermissions,
        },
    });
    Some(DraftPermissions { mode, allow, ask, deny, hidden })
}

fn one(
    check: &mut Check<'_>,
    list: List,
    rule: &At<String>,
    workspace: &Path,
    hidden: &mut Vec<At<Deny>>,
) -> Option<At<PermissionRule>> {
    let text = rule.value.trim();
    let (base, home) = (check.origin.base.clone(), check.origin.home.clone());
    let written = Written { text: text.to_owned(), at: None, base: base.clone() };
    let place =
        Place { workspace: workspace.to_owned(), additional: Vec::new(), home: Some(home.clone()) };
    let mut settings = Settings { place, ..Settings::default() };
    match list {
        List::Deny => settings.deny.push(written),
        List::Ask => settings.ask.push(written),
        List::Allow => settings.allow.push(written),
    }
    let wrong = Rule::parse(text, list).err().or_else(|| {
        Permissions::new(settings).err().and_then(|wrong| Some(wrong.into_iter().next()?.1))
    });
    if let Some(why) = wrong {
        check.wrong(
            rule.place,
            format!("`{}` is no permission rule: {}", shown(text), why.what),
            why.remedy,
        );
        return None;
    }
    let pattern = (list == List::Deny).then(|| hides(text, &base, &home, workspace)).flatten();
    let at = format!("{}:{}", check.origin.file, rule.place.line);
    let value = PermissionRule { text: text.to_owned(), at, base, hidden: pattern.is_some() };
    if let Some(pattern) = pattern {
        let glob = pattern.contains('*');
        let deny = Deny { pattern, glob, rule: format!("permissions.deny[{text}]") };
        hidden.push(At { value: deny, place: rule.place });
    }
    Some(At { value, place: rule.place })
}

/// The files that `Read(…)` refuses, in the form of `filesystem.deny`, where they have one.
fn hides(text: &str, base: &Path, home: &Path, workspace: &Path) -> Option<String> {
    let path = text.strip_prefix("Read(")?.strip_suffix(')')?.trim();
    // What a mount cannot say, tool calls alone are held to.
    if path.contains(['?', '[', ']', '{', '}', '\\', '!']) {
        return None;
    }
    let below = |folder: &Path, rest: &str| {
        let folder = folder.to_str()?;
        let plain = !folder.contains(['*', '?', '[', ']', '{', '}', '\\', '!']);
        plain.then(|| format!("{}/{rest}", folder.trim_end_matches('/')))
    };
    let pattern = if let Some(rest) = path.strip_prefix("//") {
        format!("/{rest}")
    } else if let Some(rest) = path.strip_prefix("~/") {
        below(home, rest)?
    } else if let Some(rest) = path.strip_prefix('/') {
        below(base, rest)?
    } else {
        let rest = path.trim_start_matches("./").trim_start_matches("**/");
        let name = rest.trim_end_matches('/');
        let name = name.strip_suffix("/**").unwrap_or(name);
        if name.contains('/') { below(workspace, rest)? } else { format!("/**/{name}") }
    };
    let pattern = pattern.trim_end_matches('/');
    let pattern = pattern.strip_suffix("/**").unwrap_or(pattern).to_owned();
    let everything =
        pattern.split('/').all(|name| name.is_empty() || name.chars().all(|c| c == '*'));
    let odd = pattern
        .split('/')
        .any(|name| matches!(name, "." | "..") || (name.contains("**") && name != "**"));
    (!everything && !odd && !pattern.contains("//")).then_some(pattern)
}

/// Adds what rules hide to what `filesystem.deny` does.
pub(super) fn hide(permissions: Option<&DraftPermissions>, deny: &mut Vec<At<Deny>>) {
    for entry in permissions.iter().flat_map(|permissions| &permissions.hidden) {
        if !deny.iter().any(|known| known.value.pattern == entry.value.pattern) {
            deny.push(entry.clone());
        }
    }
}
