//! Settings of sandbox-runtime, which are Claude Code's `sandbox` as well.

use std::path::PathBuf;

use serde_json::json;

use crate::{
    domains,
    error::ImportError,
    parts::{Entry, Hidden, Parts, Section},
    paths,
    tree::{Document, Node},
};

/// How a file's settings count.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// The folder that relative paths begin at.
    pub(crate) base: PathBuf,
    /// Why it may not permit anything, if it may not.
    pub(crate) untrusted: Option<&'static str>,
    /// Why its domains are not permitted, if a managed file has the only word on them.
    pub(crate) no_domains: Option<&'static str>,
    /// Likewise for paths that are shown after all.
    pub(crate) no_reads: Option<&'static str>,
    /// How the keys are called in messages: `sandbox.` or nothing.
    pub(crate) prefix: &'static str,
}

/// Paths that are shown in spite of a refusal, from all files: they are needed before any folder is hidden.
pub(crate) fn shown_after_all(
    parts: &Parts<'_>,
    doc: &Document,
    of: &Node,
    given: &Given,
) -> Result<Vec<PathBuf>, ImportError> {
    if given.untrusted.or(given.no_reads).is_some() {
        return Ok(Vec::new());
    }
    let texts = doc.texts(of, "filesystem.allowRead")?;
    let path = |(text, _): (&str, _)| paths::resolve(text, &given.base, &parts.request.home).ok();
    Ok(texts.into_iter().filter_map(path).collect())
}

/// Takes over what a file permits. All files' permissions come before any refusal.
pub(crate) fn permits(
    parts: &mut Parts<'_>,
    doc: &Document,
    of: &Node,
    given: &Given,
) -> Result<(), ImportError> {
    let home = parts.request.home.clone();
    for (key, writable) in [("allowWrite", true), ("allowRead", false)] {
        for (text, node) in doc.texts(of, &format!("filesystem.{key}"))? {
            let place = doc.place(node);
            let what = format!("{}filesystem.{key}: {text}", given.prefix);
            let no = given.untrusted.or(if writable { None } else { given.no_reads });
            if let Some(why) = no {
                parts.lost(&place, what, why);
                continue;
            }
            let text = text.strip_suffix("/**").unwrap_or(text);
            if paths::is_glob(text) {
                parts.lost(
                    &place,
                    what,
                    "only paths can be granted, not patterns: name the folder",
                );
                continue;
            }
            match paths::resolve(text, &given.base, &home) {
                Ok(path) => parts.grant(writable, &path, &place, &what),
                Err(why) => parts.lost(&place, what, why),
            }
        }
    }
    for (text, node) in doc.texts(of, "network.allowedDomains")? {
        let place = doc.place(node);
        let what = format!("{}network.allowedDomains: {text}", given.prefix);
        match given.untrusted.or(given.no_domains) {
            Some(why) => parts.lost(&place, what, why),
            None => domains::allow(parts, text, domains::Use::Any, &place, &what),
        }
    }
    Ok(())
}

/// Takes over what a file refuses, and the rest of it. `but` is what is shown in spite of a refusal.
pub(crate) fn refuses(
    parts: &mut Parts<'_>,
    doc: &Document,
    of: &Node,
    given: &Given,
    but: &[PathBuf],
) -> Result<(), ImportError> {
    for (text, node) in doc.texts(of, "filesystem.denyRead")? {
        hide(parts, doc, node, text, given, "filesystem.denyRead", but)?;
    }
    for (text, node) in doc.texts(of, "filesystem.denyWrite")? {
        let place = doc.place(node);
        let what = format!("{}filesystem.denyWrite: {text}", given.prefix);
        keep(parts, text, &place, &what, given)?;
    }
    if let Some((true, node)) = doc.flag(of, "filesystem.disabled")? {
        parts.stricter(
            &doc.place(node),
            format!("{}filesystem.disabled", given.prefix),
            "files are held all the same",
        );
    }
    network(parts, doc, of, given)?;
    secrets(parts, doc, of, given)?;
    others(parts, doc, of, given);
    Ok(())
}

/// Does not show a path.
pub(crate) fn hide(
    parts: &mut Parts<'_>,
    doc: &Document,
    node: &Node,
    text: &str,
    given: &Given,
    key: &str,
    but: &[PathBuf],
) -> Result<(), ImportError> {
    let place = doc.place(node);
    let what = format!("{}{key}: {text}", given.prefix);
    let request = parts.request;
    let unsayable = |why: &str| ImportError::Unsayable {
        place: place.to_string(),
        what: what.clone(),
        why: why.to_owned(),
    };
    let plain = text.strip_suffix("/**").unwrap_or(text);
    if paths::is_glob(plain) {
        let pattern = if plain.starts_with(['/', '~']) || plain.starts_with("**/") {
            plain.to_owned()
        } else {
            let base = paths::shown(&given.base, request).filter(|base| !paths::is_glob(base));
            let base = base.ok_or_else(|| unsayable("its folder has a name like a pattern"))?;
            format!("{base}/{}", plain.trim_start_matches("./"))
        };
        parts.carried(&place, what.clone(), format!("filesystem.deny: {pattern}"));
        parts.hide(&pattern, &place, &what);
        return Ok(());
    }
    let path = paths::resolve(plain, &given.base, &request.home).map_err(unsayable)?;
    let mut shown: Vec<PathBuf> = but.to_vec();
    shown.push(request.project.clone());
    if shown.iter().any(|but| but.starts_with(&path)) {
        let why = "nothing of it is shown but the workspace and what allowRead names";
        parts.carried(&place, what, why);
        parts.hidden.push(Hidden { folder: path, place, but: shown });
        return Ok(());
    }
    let Some(text) = paths::shown(&path, request) else {
        return Err(unsayable("the path is not UTF-8"));
    };
    parts.carried(&place, what.clone(), format!("filesystem.deny: {text}"));
    parts.hide(&text, &place, &what);
    Ok(())
}

/// Makes a path read-only where what is round it is writable.
pub(crate) fn keep(
    parts: &mut Parts<'_>,
    text: &str,
    place: &crate::note::Place,
    what: &str,
    given: &Given,
) -> Result<(), ImportError> {
    let request = parts.request;
    let plain = text.strip_suffix("/**").unwrap_or(text);
    if paths::is_glob(plain) {
        // Not known to the sandbox on Linux either.
        let why =
            "a pattern cannot be made read-only: tool calls alone are held to it; name folders";
        parts.lost(place, what, why);
        return tool_calls(parts, plain, place, what, given);
    }
    let path = paths::resolve(plain, &given.base, &request.home).map_err(|why| {
        ImportError::Unsayable { place: place.to_string(), what: what.to_owned(), why: why.into() }
    })?;
    if paths::is_in(&request.project, &path) {
        parts.access = Some(("ro", place.clone()));
        parts.carried(place, what, "the workspace is read-only");
        return Ok(());
    }
    let Some(text) = paths::shown(&path, request) else {
        return Err(ImportError::Unsayable {
            place: place.to_string(),
            what: what.to_owned(),
            why: "the path is not UTF-8".into(),
        });
    };
    // What is named below it is not written either, there.
    if let Some(list) = parts.lists.get_mut(&Section::Write) {
        let below = |entry: &Entry| {
            let at = entry.value.as_str().unwrap_or_default();
            paths::resolve(at, &request.base, &request.home)
                .is_ok_and(|at| paths::is_in(&at, &path))
        };
        list.retain(|entry| !below(entry));
    }
    let writable = parts.of(&Section::Write).iter().any(|entry| {
        let folder = entry.value.as_str().unwrap_or_default();
        paths::resolve(folder, &request.base, &request.home)
            .is_ok_and(|folder| paths::is_in(&path, &folder))
    });
    let workspace = parts.access.as_ref().is_none_or(|(access, _)| *access == "rw");
    if !(writable || workspace && paths::is_in(&path, &request.project)) {
        parts.carried(place, what, "it is not writable");
        return Ok(());
    }
    if path.exists() {
        // By its real path: where a link leads to it, what is writable holds it by that.
        let real = path.canonicalize().ok();
        let text = real.and_then(|real| paths::shown(&real, request)).unwrap_or(text);
        parts.carried(place, what, format!("filesystem.read: {text}, within what is writable"));
        parts.add(Section::Read, Entry::new(json!(text), place, what));
        return Ok(());
    }
    Err(ImportError::Unsayable {
        place: place.to_string(),
        what: what.to_owned(),
        why:
            "it does not exist, and only what does can be made read-only: make it, and import anew"
                .into(),
    })
}

/// What no mount can say, rules for tool calls do.
fn tool_calls(
    parts: &mut Parts<'_>,
    text: &str,
    place: &crate::note::Place,
    what: &str,
    given: &Given,
) -> Result<(), ImportError> {
    let rule = if text.starts_with('/') {
        format!("Edit(//{})", text.trim_start_matches('/'))
    } else if text.starts_with("~/") || text.starts_with("**/") {
        format!("Edit({text})")
    } else {
        let base = paths::escaped(&given.base).unwrap_or_default();
        format!("Edit(/{}/{})", base.trim_end_matches('/'), text.trim_start_matches("./"))
    };
    if !crate::rules::is_valid(&rule, palisade_permissions::List::Deny, parts.request) {
        return Err(ImportError::Unsayable {
            place: place.to_string(),
            what: what.to_owned(),
            why: format!("`{rule}` is no rule"),
        });
    }
    parts.add(Section::Deny, Entry::new(rule, place, what));
    if parts.mode.is_none() {
        // A section of rules asks about what they do not name, and nothing was asked there.
        parts.mode = Some(("bypassPermissions", place.clone()));
    }
    Ok(())
}

fn network(
    parts: &mut Parts<'_>,
    doc: &Document,
    of: &Node,
    given: &Given,
) -> Result<(), ImportError> {
    for (text, node) in doc.texts(of, "network.deniedDomains")? {
        let what = format!("{}network.deniedDomains: {text}", given.prefix);
        domains::deny(parts, text, &doc.place(node), &what);
    }
    let Some(table) = doc.table(of, "network")? else { return Ok(()) };
    for key in table.keys() {
        let place = doc.place(&key.node);
        let what = format!("{}network.{}", given.prefix, key.name);
        let (name, on) = (key.name.as_str(), key.node.bool() != Some(false));
        match name {
            "allowedDomains" | "deniedDomains" => {}
            "allowUnixSockets" | "allowAllUnixSockets" | "allowMachLookup" if on => {
                parts.lost(&place, what, "no socket of the host is reached from inside");
            }
            "allowLocalBinding" => parts.carried(
                &place,
                what,
                "the sandbox has a loopback of its own, where programs listen freely",
            ),
            "strictAllowlist" => parts.carried(&place, what, "what no rule names is denied"),
            "allowManagedDomainsOnly" => {}
            "httpProxyPort" | "socksProxyPort" | "mitmProxy" | "tlsTerminate" => {
                parts.lost(&place, what, "connections go through Palisade's own proxy");
            }
            _ if on => parts.lost(&place, what, "this is not known here"),
            _ => {}
        }
    }
    Ok(())
}

fn secrets(
    parts: &mut Parts<'_>,
    doc: &Document,
    of: &Node,
    given: &Given,
) -> Result<(), ImportError> {
    let Some(table) = doc.table(of, "credentials")? else { return Ok(()) };
    for node in doc.list(table, "files")? {
        let text = match node.text() {
            Some(text) => Some(text),
            None => doc.one_text(node, "path")?.map(|(text, _)| text),
        };
        let Some(text) = text else {
            return Err(doc.wrong(node, "`credentials.files` names paths"));
        };
        hide(parts, doc, node, text, given, "credentials.files", &[])?;
    }
    for key in table.keys() {
        let place = doc.place(&key.node);
        let what = format!("{}credentials.{}", given.prefix, key.name);
        match key.name.as_str() {
            "files" => {}
            "envVars" => parts.carried(&place, what, "no variable of yours is inside unless process.environment.pass names it"),
            "allowPlaintextInject" => parts.stricter(&place, what, "secrets go out by rules with a `credential` only"),
            _ => parts.lost(&place, what, "name the secret in `credentials`, and the hosts that get it in a rule with `credential`"),
        }
    }
    Ok(())
}

fn others(parts: &mut Parts<'_>, doc: &Document, of: &Node, given: &Given) {
    for key in of.keys() {
        let place = doc.place(&key.node);
        let what = format!("{}{}", given.prefix, key.name);
        let on = key.node.bool() != Some(false);
        match key.name.as_str() {
            "filesystem"
            | "network"
            | "credentials"
            | "enabled"
            | "autoAllowBashIfSandboxed"
            | "allowUnsandboxedCommands"
            | "excludedCommands" => {}
            "failIfUnavailable" if on => {
                parts.carried(&place, what, "a sandbox that cannot be made is a refusal")
            }
            "failIfUnavailable" => {
                parts.stricter(&place, what, "a sandbox that cannot be made is a refusal")
            }
            "ignoreViolations"
            | "enableWeakerNestedSandbox"
            | "enableWeakerNetworkIsolation"
            | "allowAppleEvents" => {
                if on {
                    parts.stricter(&place, what, "nothing is made weaker by it here");
                }
            }
            "bwrapPath"
            | "socatPath"
            | "ripgrep"
            | "mandatoryDenySearchDepth"
            | "seccomp"
            | "allowPty" => {
                parts.lost(&place, what, "it is about the other sandbox itself");
            }
            _ => parts.lost(&place, what, "this is not known here"),
        }
    }
}
