//! `requirements.toml` of the machine: what no setting of Codex may go beyond.

use crate::{
    error::ImportError,
    hooks::{self, Run},
    parts::{Entry, Parts, Section},
    read::{Format, Owner},
    sandbox::{self, Given},
    tree::{Document, Node},
};

/// Requirements that no policy is about.
const NO_CONCERN: [&str; 8] = [
    "allowed_web_search_modes",
    "allowed_approvals_reviewers",
    "guardian_policy_config",
    "enforce_residency",
    "features",
    "apps",
    "plugins",
    "marketplaces",
];

/// Takes back what is not allowed there. `mode` and `asks` are the words of `sandbox_mode` and `approval_policy` that count.
///
/// # Errors
/// There is a requirement that is not known: it may refuse anything.
pub(super) fn hold(
    parts: &mut Parts<'_>,
    mode: &str,
    asks: Option<&str>,
) -> Result<(), ImportError> {
    let path = parts.request.machine.join("codex/requirements.toml");
    let Some(doc) = parts.file(&path, Format::Toml, Owner::User)? else { return Ok(()) };
    for key in doc.root.keys() {
        let place = doc.place(&key.node);
        match key.name.as_str() {
            "allowed_sandbox_modes" => sandbox_modes(parts, &doc, &key.node, mode)?,
            "allowed_approval_policies" => {
                let allowed = doc.texts(&doc.root, "allowed_approval_policies")?;
                let within = asks.is_none_or(|asks| allowed.iter().any(|(one, _)| *one == asks));
                if within {
                    parts.carried(&place, "allowed_approval_policies", "it is one of these");
                } else {
                    let why = "it is none of these: permissions.mode: default";
                    parts.stricter(&place, "allowed_approval_policies", why);
                    parts.mode = Some(("default", place));
                }
            }
            "mcp_servers" => {
                let why = "all but some cannot be refused: each call of a server is asked";
                parts.stricter(&place, "mcp_servers", why);
                parts.add(Section::Ask, Entry::new("mcp__*", &place, "mcp_servers"));
            }
            "rules" => {
                let why = "rules for commands are not read: each command is asked";
                parts.stricter(&place, "rules", why);
                parts.add(Section::Ask, Entry::new("Bash", &place, "rules"));
            }
            "hooks" => hooks::take(parts, &doc, "Codex", Run::Yes)?,
            "network" | "experimental_network" => {
                let why = "what it takes away cannot be said, so no host is permitted";
                parts.stricter(&place, key.name.clone(), why);
                parts.lists.entry(Section::Network).or_default().retain(Entry::refuses);
            }
            "permissions" => files(parts, &doc, &key.node)?,
            name if NO_CONCERN.contains(&name) => {
                parts.lost(&place, name, "no policy is about it");
            }
            name => return Err(unknown(&doc, &key.node, name)),
        }
    }
    Ok(())
}

fn sandbox_modes(
    parts: &mut Parts<'_>,
    doc: &Document,
    node: &Node,
    mode: &str,
) -> Result<(), ImportError> {
    let (place, what) = (doc.place(node), "allowed_sandbox_modes");
    let allowed = doc.texts(&doc.root, what)?;
    let has = |mode: &str| allowed.iter().any(|(one, _)| *one == mode);
    // What is left of full access here is what a writable workspace has.
    if has(mode) || mode == "danger-full-access" && has("workspace-write") {
        parts.carried(&place, what, "it is one of these");
        return Ok(());
    }
    parts.stricter(&place, what, "it is none of these: nothing is writable");
    parts.access = Some(("ro", place));
    parts.lists.remove(&Section::Write);
    Ok(())
}

/// `permissions.filesystem.deny_read`.
fn files(parts: &mut Parts<'_>, doc: &Document, node: &Node) -> Result<(), ImportError> {
    let given = Given {
        base: parts.request.project.clone(),
        untrusted: None,
        no_domains: None,
        no_reads: None,
        prefix: "permissions.",
    };
    for (text, at) in doc.texts(node, "filesystem.deny_read")? {
        sandbox::hide(parts, doc, at, text, &given, "filesystem.deny_read", &[])?;
    }
    let known = |name: &str| name == "filesystem";
    let inner = node.get("filesystem").map(Node::keys).unwrap_or_default();
    let other = node
        .keys()
        .iter()
        .find(|key| !known(&key.name))
        .or_else(|| inner.iter().find(|key| key.name != "deny_read"));
    match other {
        Some(key) => Err(unknown(doc, &key.node, &format!("permissions: {}", key.name))),
        None => Ok(()),
    }
}

fn unknown(doc: &Document, node: &Node, what: &str) -> ImportError {
    ImportError::Unsayable {
        place: doc.place(node).to_string(),
        what: what.to_owned(),
        why: "a requirement that is not known here may refuse anything".into(),
    }
}
