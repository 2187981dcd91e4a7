//! Rules for tool calls: lists add up, and no document widens what a managed one says.

use std::collections::BTreeSet;

use palisade_permissions::Mode;

use crate::{
    at::At,
    draft::{Draft, DraftPermissions},
    policy::{PermissionRule, Permissions},
};

/// How much a mode permits, the least first.
pub(crate) fn rank(mode: Mode) -> u8 {
    match mode {
        Mode::Plan => 0,
        Mode::DontAsk => 1,
        Mode::Default => 2,
        Mode::AcceptEdits => 3,
        Mode::BypassPermissions => 4,
    }
}

pub(super) fn merged(drafts: &[&Draft]) -> Option<Permissions> {
    let sections = || drafts.iter().filter(|draft| draft.permissions.is_some());
    let home = sections().next()?.origin.home.clone();
    let all = |list: fn(&DraftPermissions) -> &Vec<At<PermissionRule>>| all(drafts, list);
    Some(Permissions {
        mode: mode(drafts),
        allow: all(|permissions| &permissions.allow),
        ask: all(|permissions| &permissions.ask),
        deny: all(|permissions| &permissions.deny),
        home,
    })
}

/// A list of all documents, with each rule that means the same once.
fn all(
    drafts: &[&Draft],
    list: fn(&DraftPermissions) -> &Vec<At<PermissionRule>>,
) -> Vec<PermissionRule> {
    let mut seen = BTreeSet::new();
    let rules = drafts.iter().filter_map(|draft| draft.permissions.as_ref()).flat_map(list);
    rules
        .map(|rule| &rule.value)
        .filter(|rule| seen.insert((&rule.text, &rule.base, &rule.when)))
        .cloned()
        .collect()
}

/// The nearest document says so. A managed one, and one that may only narrow, say what is the most.
fn mode(drafts: &[&Draft]) -> Mode {
    let of = |draft: &&&Draft| draft.permissions.as_ref()?.mode.as_ref().map(|mode| mode.value);
    let caps = drafts.iter().filter(|draft| draft.is_managed() || draft.narrowed);
    let free = || drafts.iter().filter(|draft| !draft.is_managed() && !draft.narrowed);
    let most = caps.filter_map(|draft| of(&draft)).min_by_key(|mode| rank(*mode));
    let nearest = free().find_map(|draft| of(&draft));
    // Who only narrows has no say about what it does not name.
    let silent = !free().any(|draft| draft.permissions.is_some())
        && drafts.iter().all(|draft| draft.permissions.is_none() || draft.narrowed);
    let otherwise = if silent { Mode::BypassPermissions } else { Mode::Default };
    let wanted = nearest.or(most).unwrap_or(otherwise);
    most.map_or(wanted, |most| if rank(most) < rank(wanted) { most } else { wanted })
}
