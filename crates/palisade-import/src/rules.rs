//! Permission rules of Claude Code's grammar.

use std::path::Path;

use palisade_permissions::{List, Permissions, Place as Where, Rule, Settings, Written};

use crate::{
    Request, domains,
    note::Place,
    parts::{Entry, Parts, Section},
    paths,
};

fn section(list: List) -> Section {
    match list {
        List::Allow => Section::Allow,
        List::Ask => Section::Ask,
        List::Deny => Section::Deny,
    }
}

/// Whether the policy takes it.
pub(crate) fn is_valid(text: &str, list: List, request: &Request) -> bool {
    why_not(text, list, request).is_none()
}

fn why_not(text: &str, list: List, request: &Request) -> Option<String> {
    if let Err(wrong) = Rule::parse(text, list) {
        return Some(wrong.what);
    }
    let written = Written { text: text.to_owned(), at: None, base: request.base.clone() };
    let place = Where {
        workspace: request.project.clone(),
        additional: Vec::new(),
        home: Some(request.home.clone()),
    };
    let mut settings = Settings { place, ..Settings::default() };
    match list {
        List::Allow => settings.allow.push(written),
        List::Ask => settings.ask.push(written),
        List::Deny => settings.deny.push(written),
    }
    let wrong = Permissions::new(settings).err()?;
    Some(wrong.into_iter().next().map(|(_, wrong)| wrong.what).unwrap_or_default())
}

/// Takes a rule that permits. `no_domains` is why what it fetches from is not reached by programs, if it is not.
pub(crate) fn take_allow(
    parts: &mut Parts<'_>,
    text: &str,
    folder: &Path,
    place: &Place,
    no_domains: Option<&'static str>,
) {
    let Some(rule) = entered(parts, List::Allow, text, folder, place) else { return };
    if let Some(domain) = fetched(&rule) {
        let what = format!("permissions.allow: {rule}, for programs");
        match no_domains {
            Some(why) => parts.lost(place, what, why),
            None => domains::allow(parts, domain, domains::Use::Fetch, place, &what),
        }
    }
}

/// Has nobody asked for what is read below a further folder, as there.
pub(crate) fn take_reads(parts: &mut Parts<'_>, folder: &Path, place: &Place) {
    let Some(path) = paths::escaped(folder) else { return };
    let rule = format!("Read(/{})", path.trim_end_matches('/'));
    entered(parts, List::Allow, &rule, folder, place);
}

/// Takes a rule that asks or refuses. A path with one leading `/` begins at `folder`.
pub(crate) fn take(parts: &mut Parts<'_>, list: List, text: &str, folder: &Path, place: &Place) {
    let Some(rule) = entered(parts, list, text, folder, place) else { return };
    if let (List::Deny, Some(domain)) = (list, fetched(&rule)) {
        domains::deny(parts, domain, place, &format!("permissions.deny: {rule}, for programs"));
    }
}

fn fetched(rule: &str) -> Option<&str> {
    rule.strip_prefix("WebFetch(domain:")?.strip_suffix(')').map(str::trim)
}

/// Adds a rule to its list, and gives it as it stands there.
fn entered(
    parts: &mut Parts<'_>,
    list: List,
    text: &str,
    folder: &Path,
    place: &Place,
) -> Option<String> {
    let text = text.trim();
    let what = format!("permissions.{}: {text}", list.as_str());
    if text.chars().any(|c| c.is_control()) && list == List::Allow {
        parts.lost(place, what, "it has a control character");
        return None;
    }
    let Some((text, moved)) = anchored(text, folder, parts.request) else {
        parts.lost(place, what, "the folder that it begins at is not UTF-8");
        return None;
    };
    let mut rule = text;
    if let Some(wrong) = why_not(&rule, list, parts.request) {
        let other = if list == List::Allow { None } else { instead(&rule, list, parts.request) };
        let Some(other) = other else {
            parts.lost(place, what, wrong);
            return None;
        };
        parts.stricter(place, what.clone(), format!("{wrong}; written as {other}"));
        rule = other;
    } else if let Some(why) = moved {
        parts.carried(place, what.clone(), why);
    } else {
        parts.carried(place, what.clone(), "");
    }
    parts.add(section(list), Entry::new(rule.clone(), place, what));
    Some(rule)
}

/// The same rule where it would begin at another folder than the policy's, and what was done.
fn anchored(text: &str, folder: &Path, request: &Request) -> Option<(String, Option<String>)> {
    for tool in ["Read", "Edit", "Write", "MultiEdit", "NotebookEdit", "Glob", "Grep", "LS"] {
        let Some(path) = text.strip_prefix(tool).and_then(|rest| rest.strip_prefix("(/")) else {
            continue;
        };
        if path.starts_with('/') || folder == request.base {
            break;
        }
        let start = paths::escaped(folder)?;
        let rule = format!("{tool}(/{}/{path}", start.trim_end_matches('/'));
        let why = format!("written from the root, as {rule}");
        return Some((rule, Some(why)));
    }
    Some((text.to_owned(), None))
}

/// What refuses or asks at least as much as a rule that the policy does not take.
fn instead(text: &str, list: List, request: &Request) -> Option<String> {
    let (tool, rest) = text.split_once('(')?;
    let of_path = match tool {
        "Write" | "MultiEdit" | "NotebookEdit" => Some("Edit"),
        "Glob" | "Grep" | "LS" => Some("Read"),
        _ => None,
    };
    if let Some(other) = of_path.map(|tool| format!("{tool}({rest}"))
        && is_valid(&other, list, request)
    {
        return Some(other);
    }
    // `!` takes something back, and without it more is refused. With nothing in its parentheses a rule is for all of the
    // tool there.
    let closed = rest.ends_with(')');
    let back = rest.starts_with('!') || !closed && rest.trim().is_empty();
    (!back && is_valid(tool, list, request)).then(|| tool.to_owned())
}
