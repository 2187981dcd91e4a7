//! OpenShell's policies and NemoClaw's presets, as their programs really read them.
//!
//! Where their documentation and their behaviour differ, the stricter of the two is taken.

mod addresses;
mod endpoint;
mod globs;
mod requests;
mod selector;

use std::{collections::BTreeSet, path::Path};

use palisade_core::HostPattern;
use serde_json::json;

use crate::{
    error::ImportError,
    note::Place,
    parts::{Entry, Parts, Section},
    paths,
    read::Format,
    tree::{Document, Node, Value},
};

const TOP: [&str; 7] = [
    "version",
    "filesystem_policy",
    "landlock",
    "process",
    "network_policies",
    "network_middlewares",
    "preset",
];

pub(crate) fn read(parts: &mut Parts<'_>) -> Result<(), ImportError> {
    let mut docs = Vec::new();
    let usual = parts.request.machine.join("openshell/policy.yaml");
    if parts.request.paths.is_empty() {
        docs.extend(parts.file(&usual, Format::Yaml, crate::read::Owner::User)?);
    }
    for path in parts.request.paths.clone() {
        docs.push(parts.named(&path, Format::Yaml)?);
    }
    if docs.is_empty() {
        return Err(ImportError::Nothing { looked: usual.display().to_string() });
    }
    for doc in &docs {
        keys(doc, &doc.root, &TOP, "the policy")?;
        if let Some(version) =
            doc.root.get("version").filter(|node| node.value != Value::Number(1.0))
        {
            return Err(doc.wrong(version, "only version 1 is known"));
        }
        placeholders(doc, &doc.root)?;
    }
    files(parts, &docs)?;
    let around = Around { filtered: filters(parts, &docs)?, selectors: selector::all(&docs)? };
    for (index, doc) in docs.iter().enumerate() {
        let Some(policies) = doc.table(&doc.root, "network_policies")? else { continue };
        for policy in policies.keys() {
            let later = docs.iter().skip(index.saturating_add(1));
            let replaced = |doc: &Document| {
                doc.root.at("network_policies").and_then(|all| all.get(&policy.name)).is_some()
            };
            if later.clone().any(replaced) {
                let what = format!("network_policies.{}", policy.name);
                parts.carried(
                    &doc.place(&policy.node),
                    what,
                    "a later file has one of this name in its place",
                );
                continue;
            }
            endpoint::policy(parts, doc, &policy.name, &policy.node, &around)?;
        }
    }
    Ok(())
}

/// What else is said of the hosts of an endpoint.
struct Around {
    /// Those with a filter.
    filtered: Vec<HostPattern>,
    /// Those of all endpoints.
    selectors: Vec<selector::Selector>,
}

impl Around {
    /// Whether another endpoint than this one is for some of its hosts and ports.
    fn is_elsewhere(&self, of: &selector::Selector) -> bool {
        self.selectors.iter().filter(|other| other.meets(of)).count() > 1
    }
}

/// A key that is not known may refuse something, and is an error there too.
fn keys(doc: &Document, node: &Node, known: &[&str], of: &str) -> Result<(), ImportError> {
    if !matches!(node.value, Value::Table(_) | Value::Null) {
        return Err(doc.wrong(node, format!("{of} is a table of keys, and this is none")));
    }
    match node.keys().iter().find(|key| !known.contains(&key.name.as_str())) {
        Some(key) => Err(doc.wrong(&key.node, format!("`{}` is not known in {of}", key.name))),
        None => Ok(()),
    }
}

/// Words like `__OWNER__` stand for what somebody has yet to write.
fn placeholders(doc: &Document, node: &Node) -> Result<(), ImportError> {
    match &node.value {
        Value::Text(text) => {
            let mut parts = text.split("__").skip(1);
            let is_name = |part: &str| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
            };
            match parts.find(|part| is_name(part)) {
                Some(name) => Err(doc.wrong(
                    node,
                    format!(
                        "`__{name}__` stands for something: write what is meant, and import anew"
                    ),
                )),
                None => Ok(()),
            }
        }
        Value::List(items) => items.iter().try_for_each(|item| placeholders(doc, item)),
        Value::Table(keys) => keys.iter().try_for_each(|key| placeholders(doc, &key.node)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn files(parts: &mut Parts<'_>, docs: &[Document]) -> Result<(), ImportError> {
    let whole = Place {
        file: docs.first().map(|doc| doc.path.display().to_string()).unwrap_or_default(),
        line: 0,
    };
    let mut named = false;
    let mut reads = BTreeSet::new();
    for doc in docs {
        let texts = doc.texts(&doc.root, "filesystem_policy.read_only")?;
        let path = |(text, _): &(&str, &Node)| {
            paths::resolve(text, Path::new("/"), &parts.request.home).ok()
        };
        reads.extend(texts.iter().filter_map(path));
    }
    for doc in docs {
        if let Some(node) = doc.table(&doc.root, "landlock")? {
            keys(doc, node, &["compatibility"], "`landlock`")?;
            match doc.one_text(node, "compatibility")? {
                None | Some(("" | "best_effort" | "hard_requirement", _)) => {}
                Some((text, at)) => {
                    let why = format!("`{text}` is neither `best_effort` nor `hard_requirement`");
                    return Err(doc.wrong(at, why));
                }
            }
            parts.stricter(
                &doc.place(node),
                "landlock",
                "a layer that is missing stops the launch, unless --allow-degraded names it",
            );
        }
        if let Some(node) = doc.table(&doc.root, "process")? {
            keys(doc, node, &["run_as_user", "run_as_group"], "`process`")?;
            for key in ["run_as_user", "run_as_group"] {
                doc.one_text(node, key)?;
            }
            parts.carried(
                &doc.place(node),
                "process",
                "the agent is an unprivileged user in any case",
            );
        }
        let Some(table) = doc.table(&doc.root, "filesystem_policy")? else { continue };
        keys(doc, table, &["include_workdir", "read_only", "read_write"], "`filesystem_policy`")?;
        named = true;
        if let Some((true, node)) = doc.flag(table, "include_workdir")? {
            let place = doc.place(node);
            parts.carried(&place, "include_workdir", "filesystem.workspace: rw");
            parts.access = Some(("rw", place));
        }
        for (key, writable) in [("read_write", true), ("read_only", false)] {
            for (text, node) in doc.texts(table, key)? {
                let place = doc.place(node);
                let what = format!("{key}: {text}");
                if !text.starts_with('/') || text.split('/').any(|part| part == "..") {
                    return Err(doc.wrong(node, "paths are absolute, and have no `..`"));
                }
                if text.trim() != text {
                    parts.lost(&place, what, "the path begins or ends with a space");
                    continue;
                }
                if paths::is_glob(text) {
                    parts.lost(&place, what, "only paths can be granted, not patterns");
                    continue;
                }
                let path = paths::resolve(text, Path::new("/"), &parts.request.home)
                    .map_err(|why| doc.wrong(node, why))?;
                // What both lists name is only read: the stricter of the two.
                let read_too = writable && reads.contains(&path);
                if !read_too {
                    if path == parts.request.project && parts.access.is_none() {
                        parts.access = Some((if writable { "rw" } else { "ro" }, place.clone()));
                    }
                    parts.grant(writable, &path, &place, &what);
                }
            }
        }
    }
    // What is there in any case.
    for path in ["/usr", "/lib", "/etc", "/var/log", "/app"] {
        let path = Path::new(path);
        if path.exists() && !granted(parts, path) {
            parts.grant(false, path, &whole, "the base that is always there");
        }
    }
    for link in ["/bin", "/sbin", "/lib32", "/lib64"] {
        let path = Path::new(link);
        let leads = path.canonicalize().is_ok_and(|real| real.starts_with("/usr") && real != path);
        if leads && !granted(parts, path) && granted(parts, Path::new("/usr")) {
            parts.add(Section::Read, Entry::new(json!(link), &whole, "a link into /usr"));
        }
    }
    if !named {
        parts.stricter(&whole, "filesystem_policy", "it is not there: only the base is shown");
    }
    Ok(())
}

fn granted(parts: &Parts<'_>, path: &Path) -> bool {
    let has = |section| {
        parts.of(&section).iter().any(|entry| {
            let text = entry.value.as_str().unwrap_or_default();
            paths::resolve(text, &parts.request.base, &parts.request.home)
                .is_ok_and(|at| at == path)
        })
    };
    has(Section::Read) || has(Section::Write)
}

/// Hosts whose requests pass a filter there: without it they are not reached here.
fn filters(parts: &mut Parts<'_>, docs: &[Document]) -> Result<Vec<HostPattern>, ImportError> {
    let mut hosts = Vec::new();
    for doc in docs {
        let Some(table) = doc.table(&doc.root, "network_middlewares")? else { continue };
        for key in table.keys() {
            let place = doc.place(&key.node);
            let known = ["name", "middleware", "order", "config", "on_error", "endpoints"];
            keys(doc, &key.node, &known, "a middleware")?;
            if let Some(endpoints) = doc.table(&key.node, "endpoints")? {
                keys(doc, endpoints, &["include", "exclude"], "`endpoints` of a middleware")?;
            }
            let include = doc.texts(&key.node, "endpoints.include")?;
            if include.is_empty() {
                let why = format!(
                    "network_middlewares.{} has no `endpoints.include`: which hosts it filters is not known",
                    key.name
                );
                return Err(doc.wrong(&key.node, why));
            }
            for (text, node) in include {
                match text.parse::<HostPattern>() {
                    Ok(host) => hosts.push(host),
                    Err(_) => {
                        return Err(ImportError::Unsayable {
                            place: doc.place(node).to_string(),
                            what: format!("network_middlewares.{}", key.name),
                            why: format!("the hosts `{text}` have no name in a policy"),
                        });
                    }
                }
            }
            let why = "what it filters is not filtered here, so its hosts are not permitted: write a PreRequest hook, and their rules by hand";
            parts.stricter(&place, format!("network_middlewares.{}", key.name), why);
        }
    }
    Ok(hosts)
}

/// Whether some host is meant by both.
fn overlap(one: &HostPattern, other: &HostPattern) -> bool {
    let suffix = |pattern: &HostPattern| match pattern {
        HostPattern::Exact(name) => (name.as_str().to_owned(), true),
        HostPattern::OneLabel(name) | HostPattern::AnyDepth(name) => {
            (name.as_str().to_owned(), false)
        }
    };
    let ((one, one_exact), (other, other_exact)) = (suffix(one), suffix(other));
    let below = |long: &str, short: &str| long == short || long.ends_with(&format!(".{short}"));
    match (one_exact, other_exact) {
        (true, true) => one == other,
        (true, false) => below(&one, &other),
        (false, true) => below(&other, &one),
        (false, false) => below(&one, &other) || below(&other, &one),
    }
}
