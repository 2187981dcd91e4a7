//! Codex: `config.toml`, `hooks.json`, rules for commands, and what the machine requires.

mod requirements;

use std::path::{Path, PathBuf};

use crate::{
    claude_code::refuse_server,
    domains,
    error::ImportError,
    hooks::{self, Run},
    note::Place,
    parts::{Entry, Parts, Section},
    paths,
    read::{Format, Owner},
    rules,
    sandbox::{self, Given},
    tree::{Document, Node, Value},
};

const UNTRUSTED: &str = "the folder is not trusted in Codex, so it does not count there either";
/// What no policy is about.
const NO_CONCERN: [&str; 22] = [
    "model",
    "model_provider",
    "model_providers",
    "model_reasoning_effort",
    "model_reasoning_summary",
    "model_verbosity",
    "personality",
    "tui",
    "notify",
    "history",
    "file_opener",
    "hide_agent_reasoning",
    "show_raw_agent_reasoning",
    "model_context_window",
    "review_model",
    "service_tier",
    "notice",
    "features",
    "disable_response_storage",
    "otel",
    "analytics",
    "check_for_update_on_startup",
];

struct Layer {
    doc: Document,
    /// Whether it counts that it permits something.
    trusted: bool,
    /// The folder that the file is about: the project's, or the user's.
    folder: PathBuf,
    /// The profile that is in force, whichever file has chosen it: any file may say something of it.
    profile: Option<String>,
}

impl Layer {
    fn of(doc: Document, trusted: bool, folder: PathBuf) -> Self {
        Self { doc, trusted, folder, profile: None }
    }

    /// A setting, as the profile that is in force has it.
    fn of_profile(&self, name: &str) -> Option<&Node> {
        self.doc.root.get("profiles")?.get(self.profile.as_deref()?)?.get(name)
    }

    fn of_root(&self, name: &str) -> Option<&Node> {
        self.doc.root.get(name)
    }
}

pub(crate) fn read(parts: &mut Parts<'_>) -> Result<(), ImportError> {
    let request = parts.request;
    let user = request.settings.clone().unwrap_or_else(|| request.home.join(".codex"));
    let layers = layers(parts, &user)?;
    parts.extends = Some("codex");
    let first = Place {
        file: layers.first().map(|it| it.doc.path.display().to_string()).unwrap_or_default(),
        line: 0,
    };
    let asks = approvals(parts, &layers, &first)?;
    let sandboxes = layers
        .iter()
        .any(|layer| layer.of_profile("sandbox_mode").or(layer.of_root("sandbox_mode")).is_some());
    let profile = layers
        .iter()
        .find_map(|layer| layer.doc.root.get("default_permissions").map(|node| (layer, node)));
    let mode = match profile {
        Some((layer, node)) if !sandboxes => {
            profiles(parts, &layers, layer, node)?;
            "workspace-write"
        }
        _ => sandbox_mode(parts, &layers, &first)?,
    };
    if request.paths.is_empty() {
        requirements::hold(parts, mode, asks)?;
    }
    for layer in &layers {
        servers(parts, layer)?;
        let run = if layer.trusted { Run::Yes } else { Run::Untrusted };
        hooks::take(parts, &layer.doc, "Codex", run)?;
        others(parts, layer);
    }
    for (folder, trusted, owner) in [
        (user.clone(), true, Owner::User),
        (request.project.join(".codex"), trusts(&layers, &request.project), Owner::Repository),
    ] {
        if !request.paths.is_empty() {
            break;
        }
        let run = if trusted { Run::Yes } else { Run::Untrusted };
        if let Some(doc) = parts.file(&folder.join("hooks.json"), Format::Json, owner)? {
            hooks::take(parts, &doc, "Codex", run)?;
        }
        command_rules(parts, &folder)?;
    }
    Ok(())
}

fn layers(parts: &mut Parts<'_>, user: &Path) -> Result<Vec<Layer>, ImportError> {
    let request = parts.request;
    let mut layers = Vec::new();
    let machine = request.machine.join("codex");
    let usual = [
        machine.join("managed_config.toml"),
        request.project.join(".codex/config.toml"),
        user.join("config.toml"),
        machine.join("config.toml"),
    ];
    if request.paths.is_empty() {
        let [managed, projects, users, machines] = &usual;
        for path in [managed, users, machines] {
            let found = parts.file(path, Format::Toml, Owner::User)?;
            layers.extend(found.map(|doc| Layer::of(doc, true, user.to_owned())));
        }
        let found = match projects == users {
            true => None,
            false => parts.file(projects, Format::Toml, Owner::Repository)?,
        };
        if let Some(doc) = found {
            let trusted = trusts(&layers, &request.project);
            let above = layers.iter().take_while(|layer| layer.doc.path == *managed).count();
            layers.insert(above, Layer::of(doc, trusted, request.project.clone()));
        }
    }
    for path in request.paths.clone() {
        let doc = parts.named(&path, Format::Toml)?;
        let folder = doc.folder().to_owned();
        layers.push(Layer::of(doc, true, folder));
    }
    if layers.is_empty() {
        let looked =
            usual.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(ImportError::Nothing { looked });
    }
    choose_profile(&mut layers)?;
    Ok(layers)
}

/// The profile that the nearest file chooses. What it says counts before what any file says outside of it.
fn choose_profile(layers: &mut [Layer]) -> Result<(), ImportError> {
    let own = || layers.iter().filter(|layer| layer.trusted);
    let chosen = own().find_map(|layer| Some((layer, layer.doc.root.get("profile")?)));
    let Some((layer, node)) = chosen else { return Ok(()) };
    let Some(name) = node.text().map(str::to_owned) else {
        return Err(layer.doc.wrong(node, "`profile` is the name of a profile"));
    };
    if !own()
        .any(|layer| layer.doc.root.get("profiles").is_some_and(|all| all.get(&name).is_some()))
    {
        return Err(layer.doc.wrong(node, format!("there is no profile `{name}`")));
    }
    for layer in layers {
        layer.profile = Some(name.clone());
    }
    Ok(())
}

/// Whether the user's own file calls a folder trusted.
fn trusts(layers: &[Layer], folder: &Path) -> bool {
    let own = layers.iter().filter(|layer| layer.trusted);
    let level = |layer: &Layer| {
        let projects = layer.doc.root.get("projects")?;
        projects.get(folder.to_str()?)?.get("trust_level")?.text().map(str::to_owned)
    };
    own.filter_map(level).any(|level| level == "trusted")
}

/// The value of a setting that counts, of a file that may permit: of the profile, then of the nearest.
fn nearest<'a>(
    parts: &mut Parts<'_>,
    layers: &'a [Layer],
    name: &str,
) -> Option<(&'a Layer, &'a Node)> {
    let ways: [for<'l> fn(&'l Layer, &str) -> Option<&'l Node>; 2] =
        [Layer::of_profile, Layer::of_root];
    for way in ways {
        for layer in layers {
            let Some(node) = way(layer, name) else { continue };
            if layer.trusted {
                return Some((layer, node));
            }
            parts.lost(&layer.doc.place(node), name, UNTRUSTED);
        }
    }
    None
}

/// Returns the word of Codex's that counts.
fn approvals<'a>(
    parts: &mut Parts<'_>,
    layers: &'a [Layer],
    first: &Place,
) -> Result<Option<&'a str>, ImportError> {
    let Some((layer, node)) = nearest(parts, layers, "approval_policy") else {
        parts.stricter(
            first,
            "approval_policy",
            "it is not there: permissions.mode: default, which asks about what changes something",
        );
        parts.mode = Some(("default", first.clone()));
        return Ok(None);
    };
    let place = layer.doc.place(node);
    let what = format!("approval_policy: {}", node.text().unwrap_or("a table"));
    match node.text() {
        Some("untrusted" | "unless-trusted") => {
            parts.carried(&place, what, "permissions.mode: default");
            parts.mode = Some(("default", place));
        }
        Some("never" | "on-request" | "on-failure") => {
            parts.stricter(&place, what, "permissions.mode: bypassPermissions: what the sandbox permits runs without a question, and nothing leaves the sandbox");
            parts.mode = Some(("bypassPermissions", place));
        }
        Some(_) => return Err(layer.doc.wrong(node, "there is no such `approval_policy`")),
        None => {
            parts.stricter(&place, what, "permissions.mode: default");
            parts.mode = Some(("default", place));
        }
    }
    Ok(node.text())
}

/// Returns the word of Codex's that counts.
fn sandbox_mode<'a>(
    parts: &mut Parts<'_>,
    layers: &'a [Layer],
    first: &Place,
) -> Result<&'a str, ImportError> {
    let reading =
        "there everything can be read; here what the profile `codex` and this policy name";
    parts.stricter(first, "reading", reading);
    let found = nearest(parts, layers, "sandbox_mode");
    let (mode, place) = match found {
        None => ("read-only", first.clone()),
        Some((layer, node)) => match node.text() {
            Some(mode @ ("read-only" | "workspace-write" | "danger-full-access")) => {
                (mode, layer.doc.place(node))
            }
            _ => return Err(layer.doc.wrong(node, "there is no such `sandbox_mode`")),
        },
    };
    match mode {
        "workspace-write" => {
            parts.access = Some(("rw", place.clone()));
            parts.carried(&place, "sandbox_mode: workspace-write", "filesystem.workspace: rw");
        }
        "danger-full-access" => {
            parts.access = Some(("rw", place.clone()));
            parts.stricter(
                &place,
                "sandbox_mode: danger-full-access",
                "the workspace is writable, and no host is reached: name folders and hosts",
            );
        }
        _ => {
            parts.access = Some(("ro", place.clone()));
            let why = "filesystem.workspace: ro";
            if found.is_some() {
                parts.carried(&place, "sandbox_mode: read-only", why);
            } else {
                parts.stricter(&place, "sandbox_mode", format!("it is not there: {why}"));
            }
        }
    }
    let mut nearer = false;
    for layer in layers {
        let Some(table) = layer.of_root("sandbox_workspace_write") else { continue };
        let doc = &layer.doc;
        for (text, node) in doc.texts(table, "writable_roots")? {
            let place = doc.place(node);
            let what = format!("sandbox_workspace_write.writable_roots: {text}");
            match (layer.trusted, mode) {
                (false, _) => parts.lost(&place, what, UNTRUSTED),
                _ if nearer => {
                    parts.carried(&place, what, "a nearer file has another list in its place");
                }
                (true, "read-only") => {
                    parts.carried(&place, what, "it does not count under read-only")
                }
                _ => match paths::resolve(text, &parts.request.project, &parts.request.home) {
                    Ok(path) => parts.grant(true, &path, &place, &what),
                    Err(why) => parts.lost(&place, what, why),
                },
            }
        }
        nearer |= layer.trusted && table.get("writable_roots").is_some();
        for key in table.keys() {
            let place = doc.place(&key.node);
            let what = format!("sandbox_workspace_write.{}", key.name);
            match key.name.as_str() {
                "writable_roots" => {}
                "network_access" if key.node.bool() == Some(true) => {
                    parts.lost(&place, what, "all hosts cannot be permitted: name them in network.rules, or let `palisade learn` find them");
                }
                "network_access" => parts.carried(&place, what, "no host is reached"),
                "exclude_tmpdir_env_var" | "exclude_slash_tmp" => {
                    parts.carried(&place, what, "the sandbox has a private /tmp")
                }
                _ => parts.lost(&place, what, "this is not known here"),
            }
        }
    }
    Ok(mode)
}

/// Profiles of permissions, which are in force where there is no `sandbox_mode`.
fn profiles(
    parts: &mut Parts<'_>,
    layers: &[Layer],
    chosen_in: &Layer,
    chosen: &Node,
) -> Result<(), ImportError> {
    let place = chosen_in.doc.place(chosen);
    let name = chosen.text().unwrap_or_default();
    let what = format!("default_permissions: {name}");
    parts.access = Some(("ro", place.clone()));
    parts.stricter(&place, "reading", "here what the profile `codex` and this policy name");
    if !chosen_in.trusted {
        parts.lost(&place, what, UNTRUSTED);
        return Ok(());
    }
    let mut chain = Vec::new();
    let mut next = name.to_owned();
    // More are no person's profiles, or lead in a circle.
    for _ in 0..16 {
        match next.as_str() {
            ":read-only" => break,
            ":workspace" | ":danger-full-access" => {
                parts.access = Some(("rw", place.clone()));
                break;
            }
            _ => {}
        }
        let own = layers.iter().filter(|layer| layer.trusted);
        let found = own
            .filter_map(|layer| Some((layer, layer.doc.root.get("permissions")?.get(&next)?)))
            .next();
        let Some((layer, profile)) = found else {
            return Err(chosen_in
                .doc
                .wrong(chosen, format!("there is no profile of permissions `{next}`")));
        };
        chain.push((layer, profile));
        match layer.doc.one_text(profile, "extends")? {
            Some((base, _)) => next = base.to_owned(),
            None => break,
        }
    }
    if name == ":danger-full-access" {
        parts.stricter(&place, what, "the workspace is writable, and no host is reached");
    } else {
        parts.carried(&place, what, "");
    }
    for (layer, profile) in &chain {
        let doc = &layer.doc;
        if let Some(table) = doc.table(profile, "filesystem")? {
            files(parts, doc, table, &parts.request.project.clone(), "", Pass::Permits)?;
        }
        hosts(parts, doc, profile, Pass::Permits)?;
    }
    for (layer, profile) in &chain {
        let doc = &layer.doc;
        if let Some(table) = doc.table(profile, "filesystem")? {
            files(parts, doc, table, &parts.request.project.clone(), "", Pass::Refuses)?;
        }
        hosts(parts, doc, profile, Pass::Refuses)?;
        for key in profile.keys() {
            if !["filesystem", "network", "extends", "description"].contains(&key.name.as_str()) {
                parts.lost(
                    &doc.place(&key.node),
                    format!("permissions.{name}.{}", key.name),
                    "this is not known here",
                );
            }
        }
    }
    Ok(())
}

/// What permits comes first, so that nothing that refuses is overlooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Permits,
    Refuses,
}

fn files(
    parts: &mut Parts<'_>,
    doc: &Document,
    table: &Node,
    base: &Path,
    under: &str,
    pass: Pass,
) -> Result<(), ImportError> {
    for key in table.keys() {
        let place = doc.place(&key.node);
        let what = format!("filesystem.{under}{}", key.name);
        if matches!(key.node.value, Value::Table(_)) && under.is_empty() {
            let root = key.name.as_str();
            match root {
                ":workspace_roots" | ":project_roots" | ":cwd" => {
                    files(parts, doc, &key.node, base, &format!("{root}/"), pass)?;
                }
                _ if root.starts_with(':') => unknown(parts, &key.node, &place, &what, pass)?,
                _ => match paths::resolve(root, base, &parts.request.home) {
                    Ok(folder) => files(parts, doc, &key.node, &folder, &format!("{root}/"), pass)?,
                    Err(_) => unknown(parts, &key.node, &place, &what, pass)?,
                },
            }
            continue;
        }
        let word = match key.node.text() {
            Some(word @ ("read" | "write" | "deny" | "none")) => word,
            Some(_) | None => {
                if key.name != "glob_scan_max_depth" {
                    unknown(parts, &key.node, &place, &what, pass)?;
                }
                continue;
            }
        };
        let name = match key.name.as_str() {
            ":workspace_roots" | ":project_roots" | ":cwd" => ".",
            special if special.starts_with(':') => {
                if word == "deny" || word == "none" {
                    unknown(parts, &key.node, &place, &what, pass)?;
                } else if pass == Pass::Permits {
                    parts.stricter(&place, what, "the sandbox has its own");
                }
                continue;
            }
            name => name,
        };
        one_file(parts, doc, key_of(name, word, &key.node), base, &what, pass)?;
    }
    Ok(())
}

struct FileKey<'a> {
    name: &'a str,
    word: &'a str,
    node: &'a Node,
}

fn key_of<'a>(name: &'a str, word: &'a str, node: &'a Node) -> FileKey<'a> {
    FileKey { name, word, node }
}

fn one_file(
    parts: &mut Parts<'_>,
    doc: &Document,
    key: FileKey<'_>,
    base: &Path,
    what: &str,
    pass: Pass,
) -> Result<(), ImportError> {
    let place = doc.place(key.node);
    let plain = key.name.strip_suffix("/**").unwrap_or(key.name);
    let what = format!("{what}: {}", key.word);
    let given = Given {
        base: base.to_owned(),
        untrusted: None,
        no_domains: None,
        no_reads: None,
        prefix: "",
    };
    match (key.word, pass) {
        ("read" | "write", Pass::Permits) if paths::is_glob(plain) => {
            parts.lost(&place, what, "only paths can be granted, not patterns");
        }
        ("read" | "write", Pass::Permits) => match paths::resolve(plain, base, &parts.request.home)
        {
            Ok(path) => parts.grant(key.word == "write", &path, &place, &what),
            Err(why) => parts.lost(&place, what, why),
        },
        // What is only read may lie in something that is written.
        ("read", Pass::Refuses) if !paths::is_glob(plain) => {
            let path = paths::resolve(plain, base, &parts.request.home);
            let within = path.is_ok_and(|path| {
                path.starts_with(&parts.request.project) && path != parts.request.project
            });
            if within {
                sandbox::keep(parts, plain, &place, &what, &given)?;
            }
        }
        ("deny" | "none", Pass::Refuses) => {
            sandbox::hide(parts, doc, key.node, key.name, &given, "filesystem", &[])?;
        }
        _ => {}
    }
    Ok(())
}

/// A part of a profile that is not known: it may refuse something.
fn unknown(
    parts: &mut Parts<'_>,
    node: &Node,
    place: &Place,
    what: &str,
    pass: Pass,
) -> Result<(), ImportError> {
    let refuses = |node: &Node| matches!(node.text(), Some("deny" | "none"));
    if refuses(node) || node.keys().iter().any(|key| refuses(&key.node)) {
        let why = "it is not known here".to_owned();
        return Err(ImportError::Unsayable {
            place: place.to_string(),
            what: what.to_owned(),
            why,
        });
    }
    if pass == Pass::Permits {
        parts.lost(place, what, "this is not known here");
    }
    Ok(())
}

fn hosts(
    parts: &mut Parts<'_>,
    doc: &Document,
    profile: &Node,
    pass: Pass,
) -> Result<(), ImportError> {
    let Some(network) = doc.table(profile, "network")? else { return Ok(()) };
    let on = doc.flag(network, "enabled")?.is_some_and(|(on, _)| on);
    if let Some(domains) = doc.table(network, "domains")? {
        for key in domains.keys() {
            let place = doc.place(&key.node);
            let what = format!("network.domains: {}", key.name);
            match (key.node.text(), pass) {
                (Some("allow"), Pass::Permits) if on => {
                    domains::allow(parts, &key.name, domains::Use::Any, &place, &what);
                }
                (Some("allow"), Pass::Permits) => {
                    parts.carried(&place, what, "the network is not enabled")
                }
                (Some("deny"), Pass::Refuses) => domains::deny(parts, &key.name, &place, &what),
                (Some("allow" | "deny"), _) => {}
                _ => return Err(doc.wrong(&key.node, "a domain is `allow` or `deny`")),
            }
        }
    } else if on && pass == Pass::Permits {
        parts.lost(
            &doc.place(network),
            "network.enabled",
            "all hosts cannot be permitted: name them in network.rules",
        );
    }
    if pass == Pass::Permits {
        for key in network.keys() {
            if !["enabled", "domains", "description"].contains(&key.name.as_str()) {
                parts.lost(
                    &doc.place(&key.node),
                    format!("network.{}", key.name),
                    "it is about Codex's own proxy",
                );
            }
        }
    }
    Ok(())
}

fn servers(parts: &mut Parts<'_>, layer: &Layer) -> Result<(), ImportError> {
    let doc = &layer.doc;
    let Some(servers) = doc.table(&doc.root, "mcp_servers")? else { return Ok(()) };
    for server in servers.keys() {
        let name = server.name.as_str();
        let node = &server.node;
        if let Some((false, off)) = doc.flag(node, "enabled")? {
            refuse_server(parts, name, &doc.place(off), &format!("mcp_servers.{name}.enabled"));
        }
        for (tool, at) in doc.texts(node, "disabled_tools")? {
            refuse_tool(
                parts,
                name,
                tool,
                &doc.place(at),
                &format!("mcp_servers.{name}.disabled_tools: {tool}"),
            );
        }
        if let Some(list) = node.get("enabled_tools") {
            let place = doc.place(list);
            let what = format!("mcp_servers.{name}.enabled_tools");
            parts.stricter(
                &place,
                what.clone(),
                "all but some cannot be refused: each call of the server is asked",
            );
            let rule = format!("mcp__{name}__*");
            let rule = if rules::is_valid(&rule, palisade_permissions::List::Ask, parts.request) {
                rule
            } else {
                "mcp__*".into()
            };
            parts.add(Section::Ask, Entry::new(rule, &place, what));
        }
        parts.lost(
            &doc.place(node),
            format!("mcp_servers.{name}"),
            "a policy starts no servers; the agent does, inside, where network.rules let it",
        );
    }
    Ok(())
}

/// Refuses one tool of a server.
pub(crate) fn refuse_tool(
    parts: &mut Parts<'_>,
    server: &str,
    tool: &str,
    place: &Place,
    what: &str,
) {
    let rule = format!("mcp__{server}__{tool}");
    if rules::is_valid(&rule, palisade_permissions::List::Deny, parts.request) {
        parts.carried(place, what, format!("permissions.deny: {rule}"));
        parts.add(Section::Deny, Entry::new(rule, place, what));
    } else {
        refuse_server(parts, server, place, what);
    }
}

/// Rules for commands are a language of their own: what they refuse is asked.
fn command_rules(parts: &mut Parts<'_>, folder: &Path) -> Result<(), ImportError> {
    let rules = folder.join("rules");
    let entries = match std::fs::read_dir(&rules) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(());
        }
        Err(error) => return Err(ImportError::Unreadable { file: rules, why: error.to_string() }),
    };
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "rules"));
    found.sort();
    for path in found.into_iter().take(64) {
        let place = Place { file: path.display().to_string(), line: 0 };
        parts.stricter(&place, "rules for commands", "they are programs, and not read: each command is asked; write permissions.allow, ask and deny for them");
        parts.add(Section::Ask, Entry::new("Bash", &place, "rules for commands"));
    }
    Ok(())
}

fn others(parts: &mut Parts<'_>, layer: &Layer) {
    let known = [
        "approval_policy",
        "sandbox_mode",
        "sandbox_workspace_write",
        "profile",
        "profiles",
        "projects",
        "permissions",
        "default_permissions",
        "mcp_servers",
        "hooks",
    ];
    let doc = &layer.doc;
    for key in doc.root.keys() {
        let place = doc.place(&key.node);
        let name = key.name.as_str();
        match name {
            _ if known.contains(&name) => {}
            _ if NO_CONCERN.contains(&name) => parts.lost(&place, name, "no policy is about it"),
            "shell_environment_policy" => {
                parts.stricter(
                    &place,
                    name,
                    "of your variables only those in process.environment.pass are inside",
                );
            }
            "web_search" | "tools" => parts.lost(
                &place,
                name,
                "what runs at the provider is named in inference.server_tools",
            ),
            _ => parts.lost(&place, name, "this is not known here"),
        }
    }
    if layer.folder == parts.request.project {
        parts.carried(
            &Place { file: doc.path.display().to_string(), line: 0 },
            "the project's file",
            "what it permits counts where the folder is trusted",
        );
    }
}
