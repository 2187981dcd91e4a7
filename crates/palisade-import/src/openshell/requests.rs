//! `access`, `rules` and `deny_rules`: what may be asked for.

use serde_json::{Map, Value as Json, json};

use super::{
    globs::{self, For},
    keys,
};
use crate::{
    error::ImportError,
    parts::{Entry, Parts},
    tree::{Document, Node, Value},
};

const RULE: [&str; 9] = [
    "method",
    "path",
    "command",
    "query",
    "operation_type",
    "operation_name",
    "fields",
    "tool",
    "params",
];
/// Methods of HTTP that GraphQL comes by, and JSON-RPC.
const GRAPHQL: [&str; 2] = ["GET", "POST"];
const JSON_RPC: [&str; 1] = ["POST"];
/// Methods of MCP that `allow_all_known_mcp_methods` is about.
const MCP: [&str; 17] = [
    "initialize",
    "notifications/*",
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "roots/list",
    "sampling/createMessage",
    "elicitation/create",
];

/// The requests of an endpoint that are permitted, or those that are refused.
pub(super) fn of(
    parts: &mut Parts<'_>,
    doc: &Document,
    node: &Node,
    kind: &str,
    used: For,
    what: &str,
) -> Result<Vec<Entry>, ImportError> {
    let selector =
        doc.one_text(node, "path")?.map(|(text, _)| text).filter(|path| !path.is_empty());
    let mut out = Vec::new();
    let access = doc.one_text(node, "access")?.filter(|_| used == For::Allow);
    if let Some((access, at)) = access {
        let what = format!("{what}: access: {access}");
        match allowed(kind, access, selector) {
            Ok(made) => {
                parts.carried(&doc.place(at), what.clone(), "");
                out.extend(made.into_iter().map(|value| {
                    Entry::new(json!({"allow": value}), &doc.place(at), what.clone())
                }));
            }
            Err(why) => parts.lost(&doc.place(at), what, why),
        }
    }
    let key = if used == For::Allow { "rules" } else { "deny_rules" };
    for rule in doc.list(node, key)? {
        let place = doc.place(rule);
        let of = if used == For::Allow {
            keys(doc, rule, &["allow"], "a rule")?;
            rule.get("allow").ok_or_else(|| doc.wrong(rule, "the rule has no `allow`"))?
        } else {
            rule
        };
        keys(doc, of, &RULE, "a rule")?;
        let told = format!("{what}: {key}: {}", shown(of));
        let other = of.keys().iter().find(|key| !read(kind).contains(&key.name.as_str()));
        let made = match kind {
            // It would narrow what is permitted. What is refused is more without it.
            _ if other.is_some() && used == For::Allow => {
                let name = other.map(|key| key.name.as_str()).unwrap_or_default();
                Err(format!("`{name}` means nothing beside `protocol: {kind}`"))
            }
            "rest" => rest(doc, of, selector, used)?,
            "websocket" => websocket(doc, node, of, selector, used)?,
            "graphql" => graphql(doc, of, selector, used)?,
            "mcp" => mcp(doc, node, of, selector, used)?,
            _ => json_rpc(doc, of, selector, used)?,
        };
        let word = if used == For::Allow { "allow" } else { "deny" };
        match made {
            Ok(value) => {
                parts.carried(&place, told.clone(), "");
                out.push(Entry::new(json!({word: value}), &place, told));
            }
            Err(why) if used == For::Allow => parts.lost(&place, told, why),
            Err(why) => {
                return Err(ImportError::Unsayable { place: place.to_string(), what: told, why });
            }
        }
    }
    // There a stream of answers needs no rule.
    if used == For::Allow && kind == "mcp" && !out.is_empty() {
        let place = doc.place(node);
        match selector.map(|path| globs::paths(path, For::Allow)) {
            Some(Ok(paths)) => {
                out.push(Entry::new(
                    json!({"allow": {"methods": ["GET"], "paths": paths}}),
                    &place,
                    format!("{what}: the stream of answers"),
                ));
            }
            _ => parts.lost(
                &place,
                format!("{what}: the stream of answers"),
                "the endpoint has no `path`",
            ),
        }
    }
    out.dedup_by(|one, other| one.value == other.value);
    Ok(out)
}

/// The keys of a rule that a protocol has.
fn read(kind: &str) -> &'static [&'static str] {
    match kind {
        "rest" => &["method", "path", "query"],
        "websocket" => &["method", "path", "query", "operation_type", "operation_name", "fields"],
        "graphql" => &["operation_type", "operation_name", "fields"],
        "mcp" => &["method", "tool", "params"],
        _ => &["method"],
    }
}

fn shown(rule: &Node) -> String {
    let word = |key: &str| rule.get(key).and_then(Node::text).unwrap_or_default();
    let words = ["method", "path", "operation_type", "operation_name", "tool"].map(word);
    words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

type Made = Result<Map<String, Json>, String>;

fn allowed(
    kind: &str,
    access: &str,
    selector: Option<&str>,
) -> Result<Vec<Map<String, Json>>, String> {
    let mut out = Map::new();
    if let Some(path) = selector {
        out.insert("paths".into(), json!(globs::paths(path, For::Allow)?));
    }
    let methods: &[&str] = match (kind, access) {
        ("rest", "read-only") => &["GET", "HEAD", "OPTIONS"],
        ("rest", "read-write") => &["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH"],
        ("rest", "full") => &["*"],
        ("websocket", "read-write" | "full") => &["GET"],
        ("websocket", "read-only") => {
            return Err(
                "messages of an open WebSocket are not looked into, so it cannot be read only"
                    .into(),
            );
        }
        ("graphql", "read-only" | "read-write" | "full") => {
            // With `full` too: what is no GraphQL is refused there.
            let operations: &[&str] = match access {
                "read-only" => &["query"],
                "read-write" => &["query", "mutation"],
                _ => &["query", "mutation", "subscription"],
            };
            out.insert("graphql".into(), json!({"operations": operations}));
            out.insert("methods".into(), json!(GRAPHQL));
            return Ok(vec![out]);
        }
        _ => return Err("nothing is permitted by it there either".into()),
    };
    if methods != ["*"] || out.is_empty() {
        out.insert("methods".into(), json!(methods));
    }
    Ok(vec![out])
}

/// The paths of a rule within those of its endpoint.
fn paths(
    own: Option<&str>,
    selector: Option<&str>,
    used: For,
) -> Result<Option<Vec<String>>, String> {
    let all = |path: &str| matches!(path, "**" | "/**");
    match (own, selector.filter(|path| !all(path))) {
        (None, None) => Ok(None),
        // What is refused elsewhere besides is no loss.
        (Some(own), None) => globs::paths(own, used).map(Some),
        (Some(own), Some(_)) if used == For::Deny => globs::paths(own, used).map(Some),
        (None, Some(_)) if used == For::Deny => Ok(None),
        (None, Some(selector)) => globs::paths(selector, used).map(Some),
        (Some(own), Some(selector)) if all(own) || own == selector => {
            globs::paths(selector, used).map(Some)
        }
        (Some(own), Some(selector)) => {
            let folder =
                selector.strip_suffix("**").filter(|folder| !folder.contains(['*', '?', '[', '{']));
            if folder.is_some_and(|folder| own.starts_with(folder)) {
                return globs::paths(own, used).map(Some);
            }
            Err(format!("what both `{own}` and the endpoint's `{selector}` mean cannot be said"))
        }
    }
}

fn rest(doc: &Document, of: &Node, selector: Option<&str>, used: For) -> Result<Made, ImportError> {
    let method = doc.one_text(of, "method")?.map(|(text, _)| text);
    let path = doc.one_text(of, "path")?.map(|(text, _)| text);
    if used == For::Allow && (method.is_none() || path.is_none()) {
        return Ok(Err("without a method and a path it matches nothing there".into()));
    }
    let mut out = Map::new();
    match paths(path, selector, used) {
        Ok(Some(paths)) => {
            out.insert("paths".into(), json!(paths));
        }
        Ok(None) => {}
        // More is refused then.
        Err(_) if used == For::Deny => {}
        Err(why) => return Ok(Err(why)),
    }
    let method = method.unwrap_or("*").to_ascii_uppercase();
    if !method.chars().all(|c| c.is_ascii_uppercase() || "-*".contains(c))
        || (method.contains('*') && method != "*")
    {
        return Ok(Err(format!("`{method}` is no method")));
    }
    let methods = if method == "GET" { vec!["GET", "HEAD"] } else { vec![method.as_str()] };
    out.insert("methods".into(), json!(methods));
    match query(doc, of, used)? {
        Ok(query) if query.is_empty() => {}
        Ok(query) => {
            out.insert("query".into(), Json::Object(query));
        }
        Err(why) => return Ok(Err(why)),
    }
    Ok(Ok(out))
}

fn query(doc: &Document, of: &Node, used: For) -> Result<Made, ImportError> {
    let mut out = Map::new();
    let Some(table) = doc.table(of, "query")? else { return Ok(Ok(out)) };
    for key in table.keys() {
        match all(matcher(doc, table, &key.name)?, used, true) {
            Ok(values) => out.insert(key.name.clone(), json!(values)),
            Err(why) => return Ok(Err(why)),
        };
    }
    Ok(Ok(out))
}

/// What globs stand for, all of them.
fn all(globs: Vec<String>, used: For, dots: bool) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for glob in globs {
        out.extend(globs::text(&glob, used, dots)?);
    }
    Ok(out)
}

/// A glob, or `any` of some.
fn matcher(doc: &Document, of: &Node, key: &str) -> Result<Vec<String>, ImportError> {
    let Some(node) = of.get(key) else { return Ok(Vec::new()) };
    if let Value::Table(_) = node.value {
        keys(doc, node, &["any", "glob"], "a matcher")?;
        let mut all: Vec<String> =
            doc.texts(node, "any")?.iter().map(|(text, _)| (*text).to_owned()).collect();
        all.extend(doc.one_text(node, "glob")?.map(|(text, _)| text.to_owned()));
        if all.is_empty() {
            return Err(doc.wrong(node, "the matcher has no value"));
        }
        return Ok(all);
    }
    match node.text() {
        Some(text) => Ok(vec![text.to_owned()]),
        None => Err(doc.wrong(node, format!("`{key}` is a text, or `any` of some"))),
    }
}

fn websocket(
    doc: &Document,
    endpoint: &Node,
    of: &Node,
    selector: Option<&str>,
    used: For,
) -> Result<Made, ImportError> {
    if of.get("operation_type").is_some()
        || of.get("fields").is_some()
        || of.get("operation_name").is_some()
    {
        return Ok(Err("messages of an open WebSocket are not looked into".into()));
    }
    let method =
        doc.one_text(of, "method")?.map_or(String::new(), |(text, _)| text.to_ascii_uppercase());
    let path = doc.one_text(of, "path")?.map(|(text, _)| text);
    if used == For::Deny && method == "WEBSOCKET_TEXT" {
        return Ok(Err("messages of an open WebSocket are not looked into".into()));
    }
    if used == For::Allow && method == "WEBSOCKET_TEXT" {
        return Ok(Err("it is part of what the upgrade permits".into()));
    }
    if used == For::Allow && !matches!(method.as_str(), "GET" | "*") {
        return Ok(Err("only a GET opens a WebSocket".into()));
    }
    // Once open, anything is sent: the upgrade is permitted where messages are.
    let sends =
        doc.list(endpoint, "rules")?.iter().filter_map(|rule| rule.get("allow")).any(|rule| {
            let word =
                rule.get("method").and_then(Node::text).unwrap_or_default().to_ascii_uppercase();
            let there = rule.get("path").and_then(Node::text);
            let narrow = ["query", "operation_type", "operation_name", "fields"];
            matches!(word.as_str(), "WEBSOCKET_TEXT" | "*")
                && !narrow.iter().any(|key| rule.get(key).is_some())
                && (there == path || matches!(there, Some("**" | "/**")))
        });
    let refused = doc
        .list(endpoint, "deny_rules")?
        .iter()
        .any(|rule| rule.get("method").and_then(Node::text) != Some("GET"));
    if used == For::Allow && (!sends || refused) {
        return Ok(Err(
            "it permits the upgrade and not all messages, and those are not looked into here"
                .into(),
        ));
    }
    let mut out = Map::new();
    match paths(path, selector, used) {
        Ok(Some(paths)) => {
            out.insert("paths".into(), json!(paths));
        }
        Ok(None) if used == For::Allow => {
            return Ok(Err("without a path it matches nothing there".into()));
        }
        Ok(None) => {}
        Err(_) if used == For::Deny => {}
        Err(why) => return Ok(Err(why)),
    }
    out.insert("methods".into(), json!(["GET"]));
    // Without it more is refused.
    if used == For::Allow {
        match query(doc, of, used)? {
            Ok(query) if query.is_empty() => {}
            Ok(query) => drop(out.insert("query".into(), Json::Object(query))),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(out))
}

fn graphql(
    doc: &Document,
    of: &Node,
    selector: Option<&str>,
    used: For,
) -> Result<Made, ImportError> {
    if used == For::Deny && ["method", "path", "query"].iter().any(|key| of.get(key).is_some()) {
        return Ok(Err("at GraphQL operations are refused, and not methods and paths".into()));
    }
    let mut inner = Map::new();
    match doc.one_text(of, "operation_type")?.map(|(text, _)| text) {
        Some("*") => {}
        Some(word @ ("query" | "mutation" | "subscription")) => {
            inner.insert("operations".into(), json!([word]));
        }
        None if used == For::Deny => {}
        None => return Ok(Err("without an operation_type it matches nothing there".into())),
        Some(word) => return Ok(Err(format!("`{word}` is no operation"))),
    }
    let names: Vec<String> =
        doc.one_text(of, "operation_name")?.map(|(text, _)| text.to_owned()).into_iter().collect();
    let fields: Vec<String> =
        doc.texts(of, "fields")?.iter().map(|(text, _)| (*text).to_owned()).collect();
    for (key, values) in [("names", names), ("fields", fields)] {
        // Names in GraphQL have no dots.
        match all(values, used, false) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => drop(inner.insert(key.into(), json!(found))),
            Err(why) => return Ok(Err(why)),
        }
    }
    let mut out = Map::new();
    out.insert("graphql".into(), Json::Object(inner));
    Ok(with_path(out, &GRAPHQL, selector, used))
}

fn mcp(
    doc: &Document,
    endpoint: &Node,
    of: &Node,
    selector: Option<&str>,
    used: For,
) -> Result<Made, ImportError> {
    let all_known =
        doc.flag(endpoint, "mcp.allow_all_known_mcp_methods")?.is_some_and(|(on, _)| on);
    let mut tools = matcher(doc, of, "tool")?;
    if let Some(params) = doc.table(of, "params")? {
        keys(doc, params, &["name"], "`params`")?;
        tools.extend(matcher(doc, params, "name")?);
    }
    let method = doc.one_text(of, "method")?.map(|(text, _)| text).filter(|text| !text.is_empty());
    let calls = match method {
        Some(method) => method == "tools/call",
        None => all_known || used == For::Deny,
    };
    if !tools.is_empty() && !calls {
        let why =
            "`tool` is for the method `tools/call`: what it means beside another is not known";
        return Ok(Err(why.into()));
    }
    let mut inner = Map::new();
    match method {
        Some("*") if used == For::Allow && all_known => {
            inner.insert("methods".into(), json!(MCP));
        }
        Some(method)
            if used == For::Allow
                && method.contains(['*', '?', '[', '{'])
                && !method.starts_with("tools/") =>
        {
            return Ok(Err("a method there is a whole name, or a pattern below `tools/`".into()));
        }
        Some(method) => {
            let dots = globs::text(method, used, false);
            match dots {
                Ok(methods) => inner.insert("methods".into(), json!(methods)),
                Err(why) => return Ok(Err(why)),
            };
        }
        None if !tools.is_empty() => {}
        None if used == For::Deny => {}
        None if all_known => {
            inner.insert("methods".into(), json!(MCP));
        }
        None => return Ok(Err("without a method it matches nothing there".into())),
    }
    let names = match all(tools, used, true) {
        Ok(names) => names,
        Err(why) => return Ok(Err(why)),
    };
    if !names.is_empty() {
        inner.insert("methods".into(), json!(["tools/call"]));
        inner.insert("tools".into(), json!(names));
    }
    let mut out = Map::new();
    out.insert("json_rpc".into(), Json::Object(inner));
    Ok(with_path(out, &JSON_RPC, selector, used))
}

fn json_rpc(
    doc: &Document,
    of: &Node,
    selector: Option<&str>,
    used: For,
) -> Result<Made, ImportError> {
    let method = doc.one_text(of, "method")?.map_or("", |(text, _)| text);
    if method.is_empty() && used == For::Allow {
        return Ok(Err("without a method it matches nothing there".into()));
    }
    if method.contains('*') && method != "*" && used == For::Allow {
        return Ok(Err("a method there is a whole name, or `*`".into()));
    }
    let mut out = Map::new();
    let method = if method.is_empty() { "*" } else { method };
    // Older versions took globs here: refused is what either means.
    let methods = match used {
        For::Allow => vec![method.to_owned()],
        For::Deny => match globs::text(method, used, false) {
            Ok(methods) => methods,
            Err(why) => return Ok(Err(why)),
        },
    };
    out.insert("json_rpc".into(), json!({"methods": methods}));
    Ok(with_path(out, &JSON_RPC, selector, used))
}

fn with_path(
    mut out: Map<String, Json>,
    methods: &[&str],
    selector: Option<&str>,
    used: For,
) -> Made {
    // Another method with such a body is another request.
    if used == For::Allow {
        out.insert("methods".into(), json!(methods));
    }
    match paths(None, selector, used) {
        Ok(Some(paths)) => {
            out.insert("paths".into(), json!(paths));
        }
        Ok(None) => {}
        Err(why) => return Err(why),
    }
    Ok(out)
}
