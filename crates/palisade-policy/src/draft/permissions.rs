//! `permissions`: rules of Claude Code's grammar.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use palisade_condition::Stage;
use palisade_permissions::{List, Mode, Permissions, Place, RuleError, Settings, Written};

use super::{Check, network::condition, shown};
use crate::{
    at::At,
    document::{self, Document, Permission},
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
    // With a condition it may never count: then the other does.
    let denied = section.deny.iter().map(|deny| &deny.value);
    let denied: BTreeSet<&str> =
        denied.filter(|deny| deny.when().is_none()).map(Permission::rule).collect();
    for (list, weaker) in [("allow", &*section.allow), ("ask", &section.ask)] {
        for rule in weaker {
            if denied.contains(rule.value.rule()) {
                check.wrong(
                    rule.place,
                    format!(
                        "`{}` is in `{list}` and in `deny`: a deny always wins, so this never counts",
                        shown(rule.value.rule())
                    ),
                    "remove one of the two",
                );
            }
        }
    }
    let workspace = workspace.unwrap_or_else(|| check.origin.workspace_dir.clone());
    let wrong = wrong(check, section, &workspace);
    let mut hidden = Vec::new();
    let mut read = |list: List, rules: &[At<Permission>]| -> Vec<At<PermissionRule>> {
        let mut out = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            match wrong.get(&key(list, index)) {
                Some(why) => check.wrong(
                    rule.place,
                    format!(
                        "`{}` is no permission rule: {}",
                        shown(rule.value.rule().trim()),
                        why.what
                    ),
                    why.remedy.clone(),
                ),
                None => out.push(one(check, list, rule, &workspace, &mut hidden)),
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

/// How a rule is found again that was handed on.
fn key(list: List, index: usize) -> String {
    format!("{}[{index}]", list.as_str())
}

/// What is wrong with rules, by their [`key`].
fn wrong(
    check: &Check<'_>,
    section: &document::Permissions,
    workspace: &Path,
) -> BTreeMap<String, RuleError> {
    let written = |list: List, rules: &[At<Permission>]| {
        let each = rules.iter().enumerate().map(|(index, rule)| Written {
            text: rule.value.rule().trim().to_owned(),
            at: Some(key(list, index)),
            base: check.origin.base.clone(),
        });
        each.collect()
    };
    let settings = Settings {
        mode: Mode::Default,
        allow: written(List::Allow, &section.allow),
        ask: written(List::Ask, &section.ask),
        deny: written(List::Deny, &section.deny),
        place: Place {
            workspace: workspace.to_owned(),
            additional: Vec::new(),
            home: Some(check.origin.home.clone()),
        },
    };
    let found = Permissions::new(settings).err().unwrap_or_default();
    found.into_iter().filter_map(|(rule, why)| Some((rule.at?, why))).collect()
}

fn one(
    check: &mut Check<'_>,
    list: List,
    rule: &At<Permission>,
    workspace: &Path,
    hidden: &mut Vec<At<Deny>>,
) -> At<PermissionRule> {
    let text = rule.value.rule().trim();
    let conditional = rule.value.when();
    let when = conditional.and_then(|when| condition(check, rule.place, when, Stage::Calls));
    let (base, home) = (check.origin.base.clone(), check.origin.home.clone());
    // What is mounted stays as it is, whatever holds later.
    let pattern = (list == List::Deny && conditional.is_none())
        .then(|| hides(text, &base, &home, workspace))
        .flatten();
    let at = format!("{}:{}", check.origin.file, rule.place.line);
    let value = PermissionRule { text: text.to_owned(), at, base, hidden: pattern.is_some(), when };
    if let Some(pattern) = pattern {
        let glob = pattern.contains('*');
        let deny = Deny { pattern, glob, rule: format!("permissions.deny[{text}]") };
        hidden.push(At { value: deny, place: rule.place });
    }
    At { value, place: rule.place }
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
        let from = path.trim_start_matches("./");
        let rest = from.trim_start_matches("**/");
        let name = rest.trim_end_matches('/');
        let name = name.strip_suffix("/**").unwrap_or(name);
        let anywhere = rest != from || !name.contains('/');
        if anywhere { format!("/**/{name}") } else { below(workspace, rest)? }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_read_refuses_has_a_form_that_hides_it() {
        let (base, home, work) = (Path::new("/conf"), Path::new("/home/me"), Path::new("/work"));
        for (rule, expected) in [
            ("Read(.env)", Some("/**/.env")),
            ("Read(./.env)", Some("/**/.env")),
            ("Read(**/.env)", Some("/**/.env")),
            ("Read(src/**)", Some("/**/src")),
            ("Read(**/vault/key)", Some("/**/vault/key")),
            ("Read(**/vault/**)", Some("/**/vault")),
            ("Read(app/vault/key)", Some("/work/app/vault/key")),
            ("Read(app/vault/**)", Some("/work/app/vault")),
            ("Read(/x/*)", Some("/conf/x/*")),
            ("Read(~/x)", Some("/home/me/x")),
            ("Read(//etc/x)", Some("/etc/x")),
            ("Read(a?)", None),
            ("Read(**)", None),
            ("Read(//)", None),
            ("Read(//**)", None),
            ("Read(../x)", None),
            ("Edit(x)", None),
            ("Read", None),
        ] {
            assert_eq!(hides(rule, base, home, work).as_deref(), expected, "{rule}");
        }
    }
}
