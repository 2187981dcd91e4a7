//! Claude Code: `settings.json` in all its layers.

use std::path::{Path, PathBuf};

use palisade_core::Exec;
use palisade_permissions::List;
use serde_json::json;

use crate::{
    error::ImportError,
    hooks::{self, Run},
    note::Place,
    parts::{Entry, Parts, Section},
    paths,
    read::{Format, Owner},
    rules,
    sandbox::{self, Given},
    tree::{Document, Node},
};

/// Whose settings a file has, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Managed,
    /// Named on the command line, as with `--settings`.
    Named,
    Local,
    Project,
    User,
}

struct Layer {
    kind: Kind,
    doc: Document,
    /// What a path with one leading `/` in a rule begins at.
    folder: PathBuf,
    /// Whether it counts that it permits something.
    trusted: bool,
}

const UNTRUSTED: &str =
    "the folder is not trusted in Claude Code, so it does not count there either";
const MANAGED_ONLY: &str = "managed settings alone permit";

/// Settings that no policy is about.
const NO_CONCERN: [&str; 36] = [
    "$schema",
    "alwaysThinkingEnabled",
    "attribution",
    "autoMemoryEnabled",
    "autoUpdatesChannel",
    "availableModels",
    "awsAuthRefresh",
    "cleanupPeriodDays",
    "companyAnnouncements",
    "defaultShell",
    "editorMode",
    "effortLevel",
    "enabledPlugins",
    "extraKnownMarketplaces",
    "fastMode",
    "feedbackSurveyRate",
    "fileSuggestion",
    "forceLoginMethod",
    "forceLoginOrgUUID",
    "gcpAuthRefresh",
    "includeCoAuthoredBy",
    "includeGitInstructions",
    "language",
    "model",
    "modelOverrides",
    "outputStyle",
    "plansDirectory",
    "prefersReducedMotion",
    "respectGitignore",
    "showTurnDuration",
    "spinnerTipsEnabled",
    "spinnerVerbs",
    "statusLine",
    "teammateMode",
    "theme",
    "worktree",
];

pub(crate) fn read(parts: &mut Parts<'_>) -> Result<(), ImportError> {
    let layers = layers(parts)?;
    parts.extends = Some("claude-code");
    let managed = |way: &str| {
        let on = |layer: &&Layer| layer.kind == Kind::Managed && flag(layer, way) == Some(true);
        layers.iter().find(on).is_some()
    };
    let rules_locked = managed("allowManagedPermissionRulesOnly");
    let hooks_locked = managed("allowManagedHooksOnly");
    let domains_locked = managed("sandbox.network.allowManagedDomainsOnly");
    let reads_locked = managed("sandbox.filesystem.allowManagedReadPathsOnly");
    mode(parts, &layers)?;
    let given = |layer: &Layer| Given {
        base: match layer.kind {
            Kind::User => layer.doc.folder().to_owned(),
            _ => parts.request.project.clone(),
        },
        untrusted: (!layer.trusted).then_some(UNTRUSTED),
        no_domains: (domains_locked && layer.kind != Kind::Managed).then_some(MANAGED_ONLY),
        no_reads: (reads_locked && layer.kind != Kind::Managed).then_some(MANAGED_ONLY),
        prefix: "sandbox.",
    };
    let givens: Vec<Given> = layers.iter().map(given).collect();
    let mut but = Vec::new();
    // What permits comes before what refuses, of all layers.
    for (layer, given) in layers.iter().zip(&givens) {
        permits(parts, layer, rules_locked, given.no_domains)?;
        if let Some(of) = layer.doc.table(&layer.doc.root, "sandbox")? {
            but.extend(sandbox::shown_after_all(parts, &layer.doc, of, given)?);
            sandbox::permits(parts, &layer.doc, of, given)?;
        }
    }
    sandboxed(parts, &layers)?;
    for (layer, given) in layers.iter().zip(&givens) {
        refuses(parts, layer, given)?;
        if let Some(of) = layer.doc.table(&layer.doc.root, "sandbox")? {
            sandbox::refuses(parts, &layer.doc, of, given, &but)?;
        }
        servers(parts, layer)?;
        others(parts, layer);
    }
    let managed_off = managed("disableAllHooks");
    // A repository that nobody trusts does not switch off the user's checks.
    let mut has_say = layers.iter().filter(|layer| layer.trusted);
    let off = has_say.find_map(|layer| flag(layer, "disableAllHooks")) == Some(true);
    for layer in &layers {
        let run = match layer.kind {
            _ if managed_off => Run::Off("disableAllHooks is set by managed settings"),
            Kind::Managed => Run::Yes,
            _ if hooks_locked => Run::Off("managed settings alone have hooks"),
            _ if off => Run::Off("disableAllHooks is set"),
            _ if layer.trusted => Run::Yes,
            _ => Run::Untrusted,
        };
        hooks::take(parts, &layer.doc, "Claude Code", run)?;
    }
    Ok(())
}

fn layers(parts: &mut Parts<'_>) -> Result<Vec<Layer>, ImportError> {
    let request = parts.request;
    let user = request.settings.clone().unwrap_or_else(|| request.home.join(".claude"));
    let mut layers = Vec::new();
    let mut looked = Vec::new();
    if request.paths.is_empty() {
        let folder = request.machine.join("claude-code");
        let mut managed = vec![folder.join("managed-settings.json")];
        managed.extend(parts_of(&folder.join("managed-settings.d"))?);
        // Of single values the last file's counts.
        managed.reverse();
        for path in managed {
            looked.push(path.display().to_string());
            let found = parts.file(&path, Format::Json, Owner::User)?;
            layers
                .extend(found.map(|doc| layer(Kind::Managed, doc, request.project.clone(), true)));
        }
        let trusted = trusts(parts, &request.project)?;
        let project = request.project.clone();
        of_project(parts, &project, trusted, &mut layers, &mut looked)?;
        let path = user.join("settings.json");
        looked.push(path.display().to_string());
        let found = parts.file(&path, Format::Json, Owner::User)?;
        layers.extend(found.map(|doc| layer(Kind::User, doc, user.clone(), true)));
    }
    for path in request.paths.clone() {
        if path.is_dir() {
            let trusted = trusts(parts, &path)?;
            of_project(parts, &path, trusted, &mut layers, &mut looked)?;
            continue;
        }
        let doc = parts.named(&path, Format::Json)?;
        let folder = doc.folder().to_owned();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let project = folder.file_name().is_some_and(|name| name == ".claude") && folder != user;
        let root = folder.parent().unwrap_or(Path::new("/")).to_owned();
        let made = match name {
            "managed-settings.json" => layer(Kind::Managed, doc, request.project.clone(), true),
            _ if folder == user => layer(Kind::User, doc, user.clone(), true),
            _ if project => {
                let kind = if name == "settings.local.json" { Kind::Local } else { Kind::Project };
                let trusted = trusts(parts, &root)?;
                layer(kind, doc, root, trusted)
            }
            _ => layer(Kind::Named, doc, folder, true),
        };
        layers.push(made);
    }
    if layers.is_empty() {
        return Err(ImportError::Nothing { looked: looked.join(", ") });
    }
    layers.sort_by_key(|layer| layer.kind);
    Ok(layers)
}

fn layer(kind: Kind, doc: Document, folder: PathBuf, trusted: bool) -> Layer {
    Layer { kind, doc, folder, trusted }
}

fn of_project(
    parts: &mut Parts<'_>,
    root: &Path,
    trusted: bool,
    layers: &mut Vec<Layer>,
    looked: &mut Vec<String>,
) -> Result<(), ImportError> {
    for (name, kind) in [("settings.local.json", Kind::Local), ("settings.json", Kind::Project)] {
        let path = root.join(".claude").join(name);
        looked.push(path.display().to_string());
        let found = parts.file(&path, Format::Json, Owner::Repository)?;
        layers.extend(found.map(|doc| layer(kind, doc, root.to_owned(), trusted)));
    }
    Ok(())
}

/// The files of a folder of managed settings, in their order.
fn parts_of(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    /// More are not what a person wrote.
    const MOST: usize = 256;
    let unreadable = |error: std::io::Error| ImportError::Unreadable {
        file: folder.to_owned(),
        why: error.to_string(),
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_none_or(|name| name.starts_with('.'));
        if !hidden && path.extension().is_some_and(|end| end == "json") {
            found.push(path);
        }
        if found.len() > MOST {
            let why = format!("it has more than {MOST} files");
            return Err(ImportError::Unreadable { file: folder.to_owned(), why });
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the user has said in Claude Code that a folder is trusted.
fn trusts(parts: &mut Parts<'_>, root: &Path) -> Result<bool, ImportError> {
    let request = parts.request;
    let path = match &request.settings {
        Some(folder) => folder.join(".claude.json"),
        None => request.home.join(".claude.json"),
    };
    let Some(doc) = parts.file(&path, Format::Json, Owner::State)? else { return Ok(false) };
    let Some(projects) = doc.root.get("projects") else { return Ok(false) };
    let project = root.to_str().and_then(|root| projects.get(root));
    Ok(project.and_then(|project| project.get("hasTrustDialogAccepted")).and_then(Node::bool)
        == Some(true))
}

fn flag(layer: &Layer, way: &str) -> Option<bool> {
    layer.doc.root.at(way).and_then(Node::bool)
}

/// The value of the strongest layer that has one.
fn nearest<'a>(layers: &'a [Layer], way: &str) -> Option<(&'a Layer, &'a Node)> {
    layers.iter().find_map(|layer| layer.doc.root.at(way).map(|node| (layer, node)))
}

fn mode(parts: &mut Parts<'_>, layers: &[Layer]) -> Result<(), ImportError> {
    let locked = layers.iter().any(|layer| {
        layer.doc.root.at("permissions.disableBypassPermissionsMode").and_then(Node::text)
            == Some("disable")
    });
    let first =
        layers.first().map(|layer| layer.doc.path.display().to_string()).unwrap_or_default();
    let mut mode = ("default", Place { file: first, line: 0 });
    for layer in layers {
        let found = layer.doc.one_text(&layer.doc.root, "permissions.defaultMode")?;
        let Some((text, node)) = found else { continue };
        let place = layer.doc.place(node);
        let what = format!("permissions.defaultMode: {text}");
        let of_repository = matches!(layer.kind, Kind::Local | Kind::Project);
        let word = match text {
            "default" | "manual" => "default",
            "plan" => "plan",
            "dontAsk" => "dontAsk",
            "acceptEdits" | "bypassPermissions" | "auto" if of_repository => {
                parts.lost(
                    &place,
                    what,
                    "a repository's file does not permit more by itself, there neither",
                );
                continue;
            }
            "acceptEdits" => "acceptEdits",
            "bypassPermissions" if locked => {
                parts.carried(&place, what, "disableBypassPermissionsMode takes it back: default");
                "default"
            }
            "bypassPermissions" => "bypassPermissions",
            "auto" => {
                parts.stricter(&place, what, "nothing decides by itself here: default");
                "default"
            }
            _ => return Err(layer.doc.wrong(node, "there is no such mode")),
        };
        parts.carried(
            &place,
            format!("permissions.defaultMode: {text}"),
            format!("permissions.mode: {word}"),
        );
        mode = (word, place);
        break;
    }
    parts.mode = Some(mode);
    Ok(())
}

fn permits(
    parts: &mut Parts<'_>,
    layer: &Layer,
    rules_locked: bool,
    no_domains: Option<&'static str>,
) -> Result<(), ImportError> {
    let doc = &layer.doc;
    let locked = rules_locked && layer.kind != Kind::Managed;
    let no = if locked { Some(MANAGED_ONLY) } else { (!layer.trusted).then_some(UNTRUSTED) };
    for (text, node) in doc.texts(&doc.root, "permissions.allow")? {
        let place = doc.place(node);
        if let Some(why) = no {
            parts.lost(&place, format!("permissions.allow: {text}"), why);
        } else {
            rules::take_allow(parts, text, &layer.folder, &place, no_domains);
        }
    }
    for (text, node) in doc.texts(&doc.root, "permissions.additionalDirectories")? {
        let place = doc.place(node);
        let what = format!("permissions.additionalDirectories: {text}");
        match (no, paths::resolve(text, &layer.folder, &parts.request.home)) {
            (Some(why), _) => parts.lost(&place, what, why),
            (None, Ok(path)) => {
                parts.grant(true, &path, &place, &what);
                if path.exists() && paths::own(&path, &parts.request.home).is_none() {
                    rules::take_reads(parts, &path, &place);
                }
            }
            (None, Err(why)) => parts.lost(&place, what, why),
        }
    }
    Ok(())
}

fn refuses(parts: &mut Parts<'_>, layer: &Layer, given: &Given) -> Result<(), ImportError> {
    let doc = &layer.doc;
    for (list, key) in [(List::Ask, "permissions.ask"), (List::Deny, "permissions.deny")] {
        for (text, node) in doc.texts(&doc.root, key)? {
            let place = doc.place(node);
            rules::take(parts, list, text, &layer.folder, &place);
            // There the sandbox holds the files of such a rule for programs too.
            let path = text.trim().strip_prefix("Edit(").and_then(|rest| rest.strip_suffix(')'));
            if let (List::Deny, Some(path)) = (list, path) {
                edits(parts, path, layer, &place, given)?;
            }
        }
    }
    Ok(())
}

/// Makes what an `Edit` rule refuses read-only, where it is one path that exists.
fn edits(
    parts: &mut Parts<'_>,
    path: &str,
    layer: &Layer,
    place: &Place,
    given: &Given,
) -> Result<(), ImportError> {
    let plain = path.strip_suffix("/**").unwrap_or(path);
    if paths::is_glob(plain) {
        return Ok(());
    }
    let home = &parts.request.home;
    let whole = if let Some(rest) = plain.strip_prefix("//") {
        Ok(Path::new("/").join(rest))
    } else if let Some(rest) = plain.strip_prefix('/') {
        Ok(layer.folder.join(rest))
    } else {
        paths::resolve(plain, &parts.request.project, home)
    };
    let Ok(whole) = whole else { return Ok(()) };
    let within = whole != parts.request.project && !parts.request.project.starts_with(&whole);
    if let (true, true, Some(text)) = (within, whole.exists(), whole.to_str()) {
        sandbox::keep(
            parts,
            text,
            place,
            &format!("permissions.deny: Edit({path}), for programs"),
            given,
        )?;
    }
    Ok(())
}

/// What a sandbox there means for questions about commands.
fn sandboxed(parts: &mut Parts<'_>, layers: &[Layer]) -> Result<(), ImportError> {
    for layer in layers {
        for (text, node) in layer.doc.texts(&layer.doc.root, "sandbox.excludedCommands")? {
            let place = layer.doc.place(node);
            let what = format!("sandbox.excludedCommands: {text}");
            parts.stricter(
                &place,
                what.clone(),
                "nothing runs outside of the sandbox; the command is asked",
            );
            let rule = format!("Bash({})", text.trim());
            let rule = if rules::is_valid(&rule, List::Ask, parts.request) {
                rule
            } else {
                "Bash".to_owned()
            };
            parts.add(Section::Ask, Entry::new(rule, &place, what));
        }
    }
    if let Some((layer, node)) = nearest(layers, "sandbox.allowUnsandboxedCommands") {
        let what = "sandbox.allowUnsandboxedCommands";
        let place = layer.doc.place(node);
        match node.bool() {
            Some(false) => parts.carried(&place, what, "nothing runs outside of the sandbox"),
            _ => parts.stricter(&place, what, "nothing runs outside of the sandbox"),
        }
    }
    let Some((layer, node)) = nearest(layers, "sandbox.enabled") else { return Ok(()) };
    let place = layer.doc.place(node);
    match node.bool() {
        Some(true) => parts.carried(
            &place,
            "sandbox.enabled",
            "each command is in the sandbox, and so is the agent",
        ),
        Some(false) => {
            parts.stricter(&place, "sandbox.enabled", "the agent is in the sandbox all the same")
        }
        None => return Err(layer.doc.wrong(node, "`sandbox.enabled` is `true` or `false`")),
    }
    if node.bool() != Some(true) {
        return Ok(());
    }
    let what = "sandbox.autoAllowBashIfSandboxed";
    let auto = nearest(layers, what);
    let (from, at) =
        auto.map_or((layer, place.clone()), |(layer, node)| (layer, layer.doc.place(node)));
    match auto.map(|(_, node)| node.bool()) {
        Some(Some(false)) => {
            parts.carried(&at, what, "commands are asked unless a rule permits them")
        }
        _ if layer.trusted && from.trusted => {
            parts.carried(
                &at,
                what,
                "permissions.allow: Bash, since each command is in the sandbox",
            );
            parts.add(Section::Allow, Entry::new("Bash", &at, what));
            if nearest(layers, "sandbox.allowUnsandboxedCommands").and_then(|(_, node)| node.bool())
                != Some(false)
            {
                let rule = "Bash(dangerouslyDisableSandbox:true)";
                parts.add(Section::Ask, Entry::new(rule, &at, "sandbox.allowUnsandboxedCommands"));
            }
        }
        _ => parts.lost(&at, what, UNTRUSTED),
    }
    Ok(())
}

/// MCP servers: rules for their tools are all that a policy has.
fn servers(parts: &mut Parts<'_>, layer: &Layer) -> Result<(), ImportError> {
    let doc = &layer.doc;
    for (text, node) in doc.texts(&doc.root, "disabledMcpjsonServers")? {
        let place = doc.place(node);
        refuse_server(parts, text, &place, &format!("disabledMcpjsonServers: {text}"));
    }
    for node in doc.list(&doc.root, "deniedMcpServers")? {
        let place = doc.place(node);
        match doc.one_text(node, "serverName")? {
            Some((name, _)) => {
                refuse_server(parts, name, &place, &format!("deniedMcpServers: {name}"))
            }
            None => {
                parts.stricter(
                    &place,
                    "deniedMcpServers",
                    "a server is known by its name only: each call of a server is asked",
                );
                parts.add(Section::Ask, Entry::new("mcp__*", &place, "deniedMcpServers"));
            }
        }
    }
    if let Some(node) = doc.root.get("allowedMcpServers") {
        let place = doc.place(node);
        if doc.list(&doc.root, "allowedMcpServers")?.is_empty() {
            parts.carried(&place, "allowedMcpServers", "none: permissions.deny: mcp__*");
            parts.add(Section::Deny, Entry::new("mcp__*", &place, "allowedMcpServers"));
        } else {
            parts.stricter(
                &place,
                "allowedMcpServers",
                "all but some cannot be refused: each call of a server is asked",
            );
            parts.add(Section::Ask, Entry::new("mcp__*", &place, "allowedMcpServers"));
        }
    }
    for key in ["enabledMcpjsonServers", "enableAllProjectMcpServers"] {
        if let Some(node) = doc.root.get(key) {
            parts.lost(
                &doc.place(node),
                key,
                "a policy starts no servers; a call of one is asked unless a rule permits it",
            );
        }
    }
    Ok(())
}

/// Refuses all tools of a server.
pub(crate) fn refuse_server(parts: &mut Parts<'_>, name: &str, place: &Place, what: &str) {
    let rule = format!("mcp__{name}__*");
    if rules::is_valid(&rule, List::Deny, parts.request) && !name.contains('*') {
        parts.carried(place, what, format!("permissions.deny: {rule}"));
        parts.add(Section::Deny, Entry::new(rule, place, what));
    } else {
        parts.stricter(place, what, "no rule has such a name: each call of a server is asked");
        parts.add(Section::Ask, Entry::new("mcp__*", place, what));
    }
}

/// Whether a variable's value is a switch or a short number, and so no secret.
fn is_flag(value: &str) -> bool {
    matches!(value, "true" | "false")
        || ((1..=6).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit()))
}

fn others(parts: &mut Parts<'_>, layer: &Layer) {
    const SECTIONS: [&str; 13] = [
        "permissions",
        "hooks",
        "sandbox",
        "disableAllHooks",
        "allowManagedHooksOnly",
        "allowManagedPermissionRulesOnly",
        "disabledMcpjsonServers",
        "deniedMcpServers",
        "allowedMcpServers",
        "enabledMcpjsonServers",
        "enableAllProjectMcpServers",
        "allowManagedMcpServersOnly",
        "skipDangerousModePermissionPrompt",
    ];
    let doc = &layer.doc;
    let known = [
        "allow",
        "ask",
        "deny",
        "defaultMode",
        "additionalDirectories",
        "disableBypassPermissionsMode",
        "disableAutoMode",
    ];
    for key in doc.root.get("permissions").map(Node::keys).unwrap_or_default() {
        if !known.contains(&key.name.as_str()) {
            parts.lost(
                &doc.place(&key.node),
                format!("permissions.{}", key.name),
                "this is not known here",
            );
        }
    }
    for key in doc.root.keys() {
        let place = doc.place(&key.node);
        let name = key.name.as_str();
        match name {
            _ if SECTIONS.contains(&name) => {}
            _ if NO_CONCERN.contains(&name) => parts.lost(&place, name, "no policy is about it"),
            "env" => {
                for variable in key.node.keys() {
                    let (place, name) = (doc.place(&variable.node), variable.name.as_str());
                    let what = format!("env.{name}");
                    let value = variable.node.text().filter(|value| is_flag(value));
                    match value {
                        Some(_) if !layer.trusted => parts.lost(&place, what, UNTRUSTED),
                        Some(value) if !Exec::is_told_by(name) => {
                            // The strongest layer comes first.
                            let set = parts.of(&Section::Variable).iter();
                            if set.filter_map(|entry| entry.value.get(name)).next().is_some() {
                                continue;
                            }
                            parts.carried(&place, what.clone(), "process.environment.set");
                            let entry = Entry::new(json!({name: value}), &place, what);
                            parts.add(Section::Variable, entry);
                        }
                        _ => {
                            let why = "name it in process.environment.set, or, if it is a secret, in credentials";
                            parts.lost(&place, what, why);
                        }
                    }
                }
            }
            "apiKeyHelper" | "awsCredentialExport" | "otelHeadersHelper" => {
                parts.lost(
                    &place,
                    name,
                    "a secret stays outside: name the command in credentials.anthropic.from",
                );
            }
            "allowedHttpHookUrls" | "httpHookAllowedEnvVars" => {
                parts.lost(&place, name, "it limits where hooks send to: compare the `http` hooks of this policy with it");
            }
            _ => parts.lost(&place, name, "this is not known here"),
        }
    }
}
