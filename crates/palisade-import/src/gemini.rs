//! Gemini CLI: `settings.json` of the machine, the user and the project.

use std::path::{Path, PathBuf};

use palisade_permissions::List;

use crate::{
    claude_code::refuse_server,
    codex::refuse_tool,
    error::ImportError,
    note::Place,
    parts::{Entry, Parts, Section},
    paths,
    read::{Format, Owner},
    rules,
    tree::{Document, Node},
};

const UNTRUSTED: &str =
    "the folder is not trusted in Gemini CLI, so its settings do not count there either";
/// Its tools, with what rules call them and the class names that older settings have.
const TOOLS: [(&str, &str, &str); 12] = [
    ("run_shell_command", "Bash", "ShellTool"),
    ("read_file", "Read", "ReadFileTool"),
    ("read_many_files", "Read", "ReadManyFilesTool"),
    ("list_directory", "Read", "LSTool"),
    ("glob", "Read", "GlobTool"),
    ("search_file_content", "Read", "GrepTool"),
    ("grep_search", "Read", "RipGrepTool"),
    ("write_file", "Edit", "WriteFileTool"),
    ("replace", "Edit", "EditTool"),
    ("web_fetch", "WebFetch", "WebFetchTool"),
    ("google_web_search", "WebSearch", "WebSearchTool"),
    ("save_memory", "save_memory", "MemoryTool"),
];
/// The keys before settings had sections.
const OLD: [(&str, &str); 3] = [
    ("tools.core", "coreTools"),
    ("tools.exclude", "excludeTools"),
    ("tools.allowed", "allowedTools"),
];

struct Layer {
    doc: Document,
    trusted: bool,
    folder: PathBuf,
}

pub(crate) fn read(parts: &mut Parts<'_>) -> Result<(), ImportError> {
    let layers = layers(parts)?;
    let first = Place {
        file: layers.first().map(|it| it.doc.path.display().to_string()).unwrap_or_default(),
        line: 0,
    };
    parts.extends = Some("shell");
    parts.lost(
        &first,
        "the model",
        "name a provider with `api: gemini` in inference, and its key in credentials",
    );
    mode(parts, &layers, &first)?;
    if parts.request.paths.is_empty() {
        engine(parts);
    }
    for layer in layers.iter().filter(|layer| layer.trusted) {
        for (text, node) in named(&layer.doc, "tools.allowed")? {
            allow(parts, text, &layer.doc.place(node));
        }
        for key in ["context.includeDirectories", "includeDirectories"] {
            for (text, node) in layer.doc.texts(&layer.doc.root, key)? {
                let place = layer.doc.place(node);
                let what = format!("{key}: {text}");
                match paths::resolve(text, &layer.folder, &parts.request.home) {
                    Ok(path) => parts.grant(true, &path, &place, &what),
                    Err(why) => parts.lost(&place, what, why),
                }
            }
        }
    }
    for layer in &layers {
        if !layer.trusted {
            let place = Place { file: layer.doc.path.display().to_string(), line: 0 };
            parts.lost(&place, "what it permits", UNTRUSTED);
        }
        for (text, node) in named(&layer.doc, "tools.exclude")? {
            refuse(parts, text, &layer.doc.place(node));
        }
        core(parts, &layer.doc)?;
        servers(parts, layer)?;
        checks(parts, layer)?;
        others(parts, layer);
    }
    Ok(())
}

/// Policies of its own engine are a language of their own: what they may refuse is asked.
fn engine(parts: &mut Parts<'_>) {
    let request = parts.request;
    let user = request.settings.clone().unwrap_or_else(|| request.home.join(".gemini"));
    for folder in [
        user.join("policies"),
        request.machine.join("gemini-cli/policies"),
        request.project.join(".gemini/policies"),
    ] {
        if folder.is_dir() {
            let place = Place { file: folder.display().to_string(), line: 0 };
            parts.stricter(&place, "policies of Gemini CLI", "they are not read, so each call is asked; write permissions.allow, ask and deny for them");
            parts.add(Section::Ask, Entry::new("*", &place, "policies of Gemini CLI"));
        }
    }
}

fn layers(parts: &mut Parts<'_>) -> Result<Vec<Layer>, ImportError> {
    let request = parts.request;
    let user = request.settings.clone().unwrap_or_else(|| request.home.join(".gemini"));
    let machine = request.machine.join("gemini-cli");
    let mut layers = Vec::new();
    let trusted = trusts(parts, &user)?;
    let usual = [
        (machine.join("settings.json"), Owner::User, true, request.project.clone()),
        (
            request.project.join(".gemini/settings.json"),
            Owner::Repository,
            trusted,
            request.project.clone(),
        ),
        (user.join("settings.json"), Owner::User, true, request.project.clone()),
        (machine.join("system-defaults.json"), Owner::User, true, request.project.clone()),
    ];
    if request.paths.is_empty() {
        for (path, owner, trusted, folder) in &usual {
            let found = parts.file(path, Format::Json, *owner)?;
            layers.extend(found.map(|doc| Layer {
                doc,
                trusted: *trusted,
                folder: folder.clone(),
            }));
        }
    }
    for path in request.paths.clone() {
        let doc = parts.named(&path, Format::Json)?;
        layers.push(Layer { doc, trusted: true, folder: request.project.clone() });
    }
    if layers.is_empty() {
        let looked = usual
            .iter()
            .map(|(path, ..)| path.display().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(ImportError::Nothing { looked });
    }
    Ok(layers)
}

/// Whether the user has said that the project's folder is trusted.
fn trusts(parts: &mut Parts<'_>, user: &Path) -> Result<bool, ImportError> {
    let Some(doc) = parts.file(&user.join("trustedFolders.json"), Format::Json, Owner::State)?
    else {
        return Ok(false);
    };
    let project = parts.request.project.to_str().and_then(|project| doc.root.get(project));
    Ok(project.and_then(Node::text) == Some("TRUST_FOLDER"))
}

/// The texts at a key of today, or of before.
fn named<'a>(doc: &'a Document, key: &str) -> Result<Vec<(&'a str, &'a Node)>, ImportError> {
    let mut all = doc.texts(&doc.root, key)?;
    for (_, old) in OLD.iter().filter(|(new, _)| *new == key) {
        all.extend(doc.texts(&doc.root, old)?);
    }
    Ok(all)
}

fn mode(parts: &mut Parts<'_>, layers: &[Layer], first: &Place) -> Result<(), ImportError> {
    parts.mode = Some(("default", first.clone()));
    for layer in layers {
        let Some((text, node)) =
            layer.doc.one_text(&layer.doc.root, "general.defaultApprovalMode")?
        else {
            continue;
        };
        let place = layer.doc.place(node);
        let what = format!("general.defaultApprovalMode: {text}");
        let word = match text {
            "plan" => "plan",
            "default" => "default",
            "auto_edit" if layer.trusted => "acceptEdits",
            "auto_edit" => {
                parts.lost(&place, what, UNTRUSTED);
                continue;
            }
            _ => return Err(layer.doc.wrong(node, "there is no such mode")),
        };
        parts.carried(&place, what, format!("permissions.mode: {word}"));
        parts.mode = Some((word, place));
        break;
    }
    Ok(())
}

/// A tool and what stands in its parentheses.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.trim().split_once('(') {
        Some((name, rest)) => {
            (name.trim(), Some(rest.trim_end().strip_suffix(')').unwrap_or(rest).trim()))
        }
        None => (text.trim(), None),
    }
}

/// What a tool is called in the settings, whichever of its names stands there.
fn tool(name: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    TOOLS.iter().find(|(own, _, class)| *own == name || *class == name)
}

fn allow(parts: &mut Parts<'_>, text: &str, place: &Place) {
    let what = format!("tools.allowed: {text}");
    let (name, argument) = split(text);
    let rule = match (tool(name), argument) {
        // A prefix there is any that begins so; here it ends with a word.
        (Some((_, "Bash", _)), Some(command)) if !command.is_empty() && !command.contains('*') => {
            format!("Bash({command}:*)")
        }
        (Some((_, "Bash", _)), Some(_)) => {
            return parts.lost(place, what, "it is no plain start of a command");
        }
        // Only this one, and not all that rules call so.
        (Some((own, ..)), None) => (*own).to_owned(),
        (None, None) => name.to_owned(),
        (_, Some(_)) => {
            return parts.lost(place, what, "nothing is known of what stands in the parentheses");
        }
    };
    if !rules::is_valid(&rule, List::Allow, parts.request) {
        return parts.lost(place, what, format!("`{rule}` is no rule"));
    }
    parts.carried(place, what.clone(), format!("permissions.allow: {rule}"));
    parts.add(Section::Allow, Entry::new(rule, place, what));
}

fn refuse(parts: &mut Parts<'_>, text: &str, place: &Place) {
    let what = format!("tools.exclude: {text}");
    let (name, argument) = split(text);
    let rule = match (tool(name), argument) {
        (Some((_, "Bash", _)), Some(command)) if !command.is_empty() => format!("Bash({command}*)"),
        (Some((own, ..)), _) => (*own).to_owned(),
        (None, _) => name.to_owned(),
    };
    if rules::is_valid(&rule, List::Deny, parts.request) {
        parts.carried(place, what.clone(), format!("permissions.deny: {rule}"));
        parts.add(Section::Deny, Entry::new(rule, place, what));
    } else {
        parts.stricter(place, what.clone(), "no rule has such a name: each call is asked");
        parts.add(Section::Ask, Entry::new("*", place, what));
    }
}

/// A list of all tools that there are: the others are refused, as far as they are known.
fn core(parts: &mut Parts<'_>, doc: &Document) -> Result<(), ImportError> {
    for key in ["tools.core", "coreTools"] {
        let Some(node) = doc.root.at(key) else { continue };
        let place = doc.place(node);
        let listed = doc.texts(&doc.root, key)?;
        let named: Vec<(&str, Option<&str>)> = listed.iter().map(|(text, _)| split(text)).collect();
        parts.stricter(&place, key, "its tools that are not listed are refused, and tools of servers, which it takes away too, are refused as well");
        for (own, _, class) in TOOLS {
            let mut of_it =
                named.iter().filter(|(name, _)| *name == own || *name == class).peekable();
            let whole = of_it.any(|(_, argument)| argument.is_none());
            if !whole {
                // Some commands and no others: a deny of the others has no words.
                parts.add(Section::Deny, Entry::new(own, &place, key));
            }
        }
        parts.add(Section::Deny, Entry::new("mcp__*", &place, key));
        for (text, node) in &listed {
            if split(text).1.is_some() {
                parts.stricter(
                    &doc.place(node),
                    format!("{key}: {text}"),
                    "these commands alone cannot be said: the tool is refused",
                );
            }
        }
        parts.add(Section::Ask, Entry::new("*", &place, key));
    }
    Ok(())
}

fn servers(parts: &mut Parts<'_>, layer: &Layer) -> Result<(), ImportError> {
    let doc = &layer.doc;
    for key in ["mcp.excluded", "excludeMCPServers"] {
        for (name, node) in doc.texts(&doc.root, key)? {
            refuse_server(parts, name, &doc.place(node), &format!("{key}: {name}"));
        }
    }
    for key in ["mcp.allowed", "allowMCPServers"] {
        let Some(node) = doc.root.at(key) else { continue };
        doc.texts(&doc.root, key)?;
        let place = doc.place(node);
        parts.stricter(
            &place,
            key,
            "all but some cannot be refused: each call of a server is asked",
        );
        parts.add(Section::Ask, Entry::new("mcp__*", &place, key));
    }
    let Some(servers) = doc.table(&doc.root, "mcpServers")? else { return Ok(()) };
    for server in servers.keys() {
        let name = server.name.as_str();
        let of_all = format!("mcp__{name}__*");
        for (tool, node) in doc.texts(&server.node, "excludeTools")? {
            refuse_tool(
                parts,
                name,
                tool,
                &doc.place(node),
                &format!("mcpServers.{name}.excludeTools: {tool}"),
            );
        }
        if let Some(node) = server.node.get("includeTools") {
            let place = doc.place(node);
            let what = format!("mcpServers.{name}.includeTools");
            parts.stricter(
                &place,
                what.clone(),
                "all but some cannot be refused: each call of the server is asked",
            );
            let rule = if rules::is_valid(&of_all, List::Ask, parts.request) {
                of_all.clone()
            } else {
                "mcp__*".into()
            };
            parts.add(Section::Ask, Entry::new(rule, &place, what));
        }
        if let Some((true, node)) = doc.flag(&server.node, "trust")? {
            let place = doc.place(node);
            let what = format!("mcpServers.{name}.trust");
            if !layer.trusted {
                parts.lost(&place, what, UNTRUSTED);
            } else if !name.contains('*') && rules::is_valid(&of_all, List::Allow, parts.request) {
                parts.carried(&place, what.clone(), format!("permissions.allow: {of_all}"));
                parts.add(Section::Allow, Entry::new(of_all, &place, what));
            } else {
                parts.lost(&place, what, "no rule has such a name");
            }
        }
        parts.lost(
            &doc.place(&server.node),
            format!("mcpServers.{name}"),
            "a policy starts no servers; the agent does, inside, where network.rules let it",
        );
    }
    Ok(())
}

/// Its hooks are asked in other words than hooks here: none is taken over, and what a gate was asked about is asked.
fn checks(parts: &mut Parts<'_>, layer: &Layer) -> Result<(), ImportError> {
    let doc = &layer.doc;
    let Some(hooks) = doc.table(&doc.root, "hooks")? else { return Ok(()) };
    for key in hooks.keys() {
        if matches!(key.name.as_str(), "enabled" | "disabled" | "notifications") {
            continue;
        }
        for group in doc.list(hooks, &key.name)? {
            let place = doc.place(group);
            let matcher = doc.one_text(group, "matcher")?.map(|(text, _)| text);
            let why = "hooks of Gemini CLI are written for its own names of events and tools: adapt the script to docs/hooks.md";
            if key.name == "BeforeTool" {
                // An expression over its own names: what it means in others cannot be told.
                let all = matcher.filter(|text| tool(text).is_some());
                parts.without_hook("PreToolUse", all, &place, why);
            } else {
                parts.lost(&place, format!("hooks.{}", key.name), why);
            }
        }
    }
    Ok(())
}

fn others(parts: &mut Parts<'_>, layer: &Layer) {
    let doc = &layer.doc;
    let known = [
        "tools",
        "coreTools",
        "excludeTools",
        "allowedTools",
        "mcp",
        "mcpServers",
        "excludeMCPServers",
        "allowMCPServers",
        "hooks",
        "includeDirectories",
    ];
    for key in doc.root.keys() {
        let place = doc.place(&key.node);
        let name = key.name.as_str();
        match name {
            _ if known.contains(&name) => {}
            "security" | "advanced" | "admin" | "policyPaths" => {
                parts.lost(&place, name, "compare it with this policy: it is not read");
            }
            "sandbox" => {
                parts.stricter(&place, name, "the agent is in Palisade's sandbox in any case")
            }
            _ => parts.lost(&place, name, "no policy is about it"),
        }
    }
    for key in doc.root.get("tools").map(Node::keys).unwrap_or_default() {
        let place = doc.place(&key.node);
        let what = format!("tools.{}", key.name);
        match key.name.as_str() {
            "core" | "exclude" | "allowed" => {}
            "sandbox" => {
                parts.stricter(&place, what, "the agent is in Palisade's sandbox in any case")
            }
            "discoveryCommand" | "callCommand" => {
                parts.lost(&place, what, "the agent runs it inside, and its tools are asked");
            }
            _ => parts.lost(&place, what, "no policy is about it"),
        }
    }
}
