//! `network_policies.*`: programs, and where they may go.

use std::net::IpAddr;

use palisade_core::{HostPattern, ProgramPattern};
use serde_json::{Map, Value as Json, json};

use super::{
    Around,
    addresses::{self, Range},
    globs::{self, For},
    keys, overlap, requests,
    selector::Selector,
};
use crate::{
    error::ImportError,
    parts::{Entry, Parts, Section},
    paths,
    tree::{Document, Node, Value},
};

const ENDPOINT: [&str; 24] = [
    "host",
    "port",
    "ports",
    "path",
    "protocol",
    "tls",
    "enforcement",
    "access",
    "rules",
    "deny_rules",
    "allowed_ips",
    "allow_encoded_slash",
    "websocket_credential_rewrite",
    "request_body_credential_rewrite",
    "allow_uninspected_credentials",
    "credential_signing",
    "signing_service",
    "signing_region",
    "credential_binding",
    "persisted_queries",
    "graphql_persisted_queries",
    "graphql_max_body_bytes",
    "json_rpc",
    "mcp",
];
/// Keys that are about requests.
const OF_REQUESTS: [&str; 15] = [
    "path",
    "access",
    "rules",
    "deny_rules",
    "allow_encoded_slash",
    "websocket_credential_rewrite",
    "request_body_credential_rewrite",
    "credential_signing",
    "signing_service",
    "signing_region",
    "persisted_queries",
    "graphql_persisted_queries",
    "graphql_max_body_bytes",
    "json_rpc",
    "mcp",
];

pub(super) fn policy(
    parts: &mut Parts<'_>,
    doc: &Document,
    name: &str,
    node: &Node,
    around: &Around,
) -> Result<(), ImportError> {
    keys(doc, node, &["name", "endpoints", "binaries"], "a network policy")?;
    let place = doc.place(node);
    let what = format!("network_policies.{name}");
    let mut binaries = Vec::new();
    let listed = doc.list(node, "binaries")?;
    for binary in listed {
        keys(doc, binary, &["path", "harness"], "a binary")?;
        let Some((path, at)) = doc.one_text(binary, "path")? else {
            return Err(doc.wrong(binary, "a binary has a `path`"));
        };
        let odd =
            path.contains(['?', '[', ']', '{', '}', '\\']) || path.chars().any(char::is_control);
        if odd || !path.starts_with('/') || path.parse::<ProgramPattern>().is_err() {
            parts.lost(
                &doc.place(at),
                format!("{what}.binaries: {path}"),
                "no program of a policy has such a path",
            );
            continue;
        }
        // There a link is followed where the sandbox runs.
        let real = std::path::Path::new(path).canonicalize().ok();
        let real = real.as_deref().and_then(std::path::Path::to_str).filter(|real| {
            *real != path && !paths::is_glob(real) && !real.contains(['\\']) && !path.contains('*')
        });
        if let Some(real) = real {
            parts.carried(
                &doc.place(at),
                format!("{what}.binaries: {path}"),
                format!("it is a link to {real}, which is named too"),
            );
        }
        for path in [Some(path), real].into_iter().flatten().map(globs::program) {
            if !binaries.contains(&path) {
                binaries.push(path);
            }
        }
    }
    let why = match (listed.is_empty(), binaries.is_empty()) {
        (true, _) => {
            "no program may use it there, whatever the documentation says, and so it permits nothing: name its binaries, and import anew"
        }
        (false, true) => "none of its programs can be said, and so it permits nothing",
        (false, false) => {
            "there what a named program starts may use it too; here only the program itself"
        }
    };
    parts.stricter(&place, what.clone(), why);
    for endpoint in doc.list(node, "endpoints")? {
        one(parts, doc, &what, endpoint, &binaries, around)?;
    }
    Ok(())
}

/// The protocol as it is taken here: `rest` where there are rules without one.
pub(super) fn kind(doc: &Document, node: &Node) -> Result<String, ImportError> {
    let kind = doc
        .one_text(node, "protocol")?
        .map(|(text, _)| text.to_ascii_lowercase())
        .unwrap_or_default();
    let known = ["", "tcp", "rest", "websocket", "graphql", "mcp", "json-rpc", "sql"];
    if !known.contains(&kind.as_str()) {
        return Err(doc.wrong(node, format!("`{kind}` is no protocol")));
    }
    let rules = ["rules", "access", "deny_rules"].iter().any(|key| node.get(key).is_some());
    Ok(if kind.is_empty() && rules { "rest".to_owned() } else { kind })
}

/// Whether requests are looked into.
pub(super) fn looks(kind: &str) -> bool {
    !matches!(kind, "" | "tcp" | "sql")
}

/// What is refused there as well.
fn refused(
    doc: &Document,
    node: &Node,
    kind: &str,
    host: &str,
    allowed: &[(&str, &Node)],
) -> Result<(), ImportError> {
    let rules = !doc.list(node, "rules")?.is_empty();
    if rules && doc.one_text(node, "access")?.is_some_and(|(text, _)| !text.is_empty()) {
        return Err(doc.wrong(node, "`access` and `rules` are both there: leave one of them out"));
    }
    if kind == "tcp" {
        let named = host.is_empty() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if named {
            return Err(doc.wrong(node, "`protocol: tcp` is for a host by its name"));
        }
        if let Some(key) = OF_REQUESTS.iter().find(|key| node.get(key).is_some()) {
            let why = format!("`{key}` has no place beside `protocol: tcp`: leave one of them out");
            return Err(doc.wrong(node, why));
        }
    }
    if kind == "sql" {
        let enforced =
            doc.one_text(node, "enforcement")?.is_some_and(|(text, _)| text == "enforce");
        if enforced || !doc.list(node, "deny_rules")?.is_empty() {
            return Err(
                doc.wrong(node, "commands of SQL are not looked into, so none can be refused")
            );
        }
    }
    for (text, at) in allowed {
        match Range::parse(text) {
            None => return Err(doc.wrong(at, format!("`{text}` is not an address or network"))),
            Some(range) if range.is_refused() => {
                let why = format!(
                    "`{text}` has loopback, link-local or unspecified addresses, which are refused there: name networks without them"
                );
                return Err(doc.wrong(at, why));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Why OpenShell's proxy would connect to nothing there, whatever the policy says.
fn unreachable(
    target: &Target,
    host: &str,
    ports: &[u64],
    allowed: &[(&str, &Node)],
) -> Option<&'static str> {
    match target {
        Target::Address(address) => {
            let own = Range::of(*address);
            if own.is_refused() {
                return Some(
                    "loopback, link-local and unspecified addresses are never connected to there",
                );
            }
            let within = |(text, _): &(&str, &Node)| {
                Range::parse(text).is_some_and(|range| range.holds(own))
            };
            if !allowed.is_empty() && !allowed.iter().any(within) {
                return Some("the address is none of its `allowed_ips`");
            }
        }
        Target::Host(HostPattern::OneLabel(base) | HostPattern::AnyDepth(base))
            if !base.as_str().contains('.') =>
        {
            return Some("a wildcard for all of a top-level domain is refused there");
        }
        Target::Host(_) if !host.is_ascii() => {
            return Some(
                "there names are compared as they are written, and in a request this one begins with `xn--`: write it so",
            );
        }
        Target::Host(_) if host.ends_with('.') => {
            return Some(
                "there names are compared as they are written, and requests have no dot at the end: leave it out",
            );
        }
        Target::Host(_) | Target::Addresses => {}
    }
    // At names, and public addresses of them, these are refused too.
    ports
        .iter()
        .all(|port| addresses::CLUSTER.contains(port))
        .then_some("ports of a cluster's own servers are refused there")
}

/// Where an endpoint is.
enum Target {
    Host(HostPattern),
    Address(IpAddr),
    /// Any host, at certain addresses.
    Addresses,
}

fn one(
    parts: &mut Parts<'_>,
    doc: &Document,
    policy: &str,
    node: &Node,
    binaries: &[String],
    around: &Around,
) -> Result<(), ImportError> {
    keys(doc, node, &ENDPOINT, "an endpoint")?;
    let place = doc.place(node);
    let host = doc.one_text(node, "host")?.map(|(text, _)| text).unwrap_or_default();
    let what = format!("{policy}: {}", if host.is_empty() { "any host" } else { host });
    let mut ports = ports(doc, node)?;
    let allowed = doc.texts(node, "allowed_ips")?;
    let kind = kind(doc, node)?;
    let kind = kind.as_str();
    refused(doc, node, kind, host, &allowed)?;
    let denies = !doc.list(node, "deny_rules")?.is_empty();
    let target = if host.is_empty() {
        Target::Addresses
    } else if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Target::Address(address)
    } else {
        match host.parse::<HostPattern>() {
            Ok(pattern) => Target::Host(pattern),
            Err(_) => {
                if denies {
                    return Err(unsayable(
                        doc,
                        node,
                        &what,
                        "it refuses requests to hosts that have no name in a policy",
                    ));
                }
                parts.lost(
                    &place,
                    what,
                    "a policy has wildcards only for whole labels at the start of a name",
                );
                return Ok(());
            }
        }
    };
    let unsaid = node.get("protocol").and_then(Node::text).unwrap_or_default().is_empty();
    if unsaid && kind == "rest" {
        parts.stricter(
            &place,
            what.clone(),
            "there rules without a `protocol` have no effect; here they are taken for `rest`",
        );
    }
    let looks = looks(kind);
    if looks && denies {
        let Target::Host(pattern) = &target else {
            return Err(unsayable(
                doc,
                node,
                &what,
                "it refuses requests at addresses, and a policy does so at names",
            ));
        };
        let denied = match requests::of(parts, doc, node, kind, For::Deny, &what) {
            // Where nothing else is permitted, nothing is to be refused.
            Err(ImportError::Unsayable { why, .. })
                if binaries.is_empty() && !around.is_elsewhere(&Selector::of(doc, node)?) =>
            {
                parts.lost(&place, what, why);
                return Ok(());
            }
            denied => denied?,
        };
        if !denied.is_empty() {
            // Whoever asks, whatever it permits: there the ancestors of a program count as well.
            let refusal = json!({"hosts": [pattern.to_string()], "ports": ports});
            parts.network(refusal, denied, &place, &what);
        }
    }
    if binaries.is_empty() {
        return Ok(());
    }
    said(parts, doc, node, &what, looks)?;
    if let Some(why) = unreachable(&target, host, &ports, &allowed) {
        parts.lost(&place, what, why);
        return Ok(());
    }
    let own = Selector::of(doc, node)?;
    if let Some(why) = around.selectors.iter().find_map(|other| other.against(&own)) {
        parts.lost(&place, what, why);
        return Ok(());
    }
    for port in ports.extract_if(.., |port| addresses::CLUSTER.contains(port)) {
        let why = "ports of a cluster's own servers are refused there";
        parts.stricter(&place, format!("{what}: port {port}"), why);
    }
    let Some(rule) = base(parts, doc, node, &what, &target, &ports, &allowed)? else {
        return Ok(());
    };
    if let Target::Host(pattern) = &target
        && around.filtered.iter().any(|filter| overlap(filter, pattern))
    {
        parts.lost(
            &place,
            what,
            "a filter of network_middlewares is for this host, and there is none here",
        );
        return Ok(());
    }
    let mut rule = rule;
    rule.insert("binaries".into(), json!(binaries));
    if !looks {
        if kind == "sql" {
            parts.carried(
                &place,
                what.clone(),
                "rules for SQL are only logged there; the connection is permitted",
            );
        }
        parts.carried(&place, what.clone(), "network.rules: connections");
        parts.network(Json::Object(rule), Vec::new(), &place, &what);
        return Ok(());
    }
    let Target::Host(_) = &target else {
        parts.lost(&place, what, "requests are compared at names, and this is an address");
        return Ok(());
    };
    let mut permitted = requests::of(parts, doc, node, kind, For::Allow, &what)?;
    permitted.retain(|entry| {
        let paths = entry.value.get("allow").and_then(|allow| allow.get("paths"));
        let paths = paths.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let paths: Vec<String> =
            paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect();
        let other = around.selectors.iter().any(|other| other.takes(&own, &paths));
        if other {
            let why = "an endpoint with a narrower `path` decides some of these requests there, and only them: name the paths apart from it";
            parts.lost(&entry.place, entry.what.clone(), why);
        }
        !other
    });
    if permitted.is_empty() {
        parts.lost(&place, what, "nothing that it permits can be said, so nothing is permitted");
        return Ok(());
    }
    parts.network(Json::Object(rule), permitted, &place, &what);
    Ok(())
}

fn unsayable(doc: &Document, node: &Node, what: &str, why: &str) -> ImportError {
    ImportError::Unsayable {
        place: doc.place(node).to_string(),
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

pub(super) fn ports(doc: &Document, node: &Node) -> Result<Vec<u64>, ImportError> {
    let number = |node: &Node| match node.value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is 1 to 65535"
        )]
        Value::Number(port) if (1.0..=65535.0).contains(&port) && port.fract() == 0.0 => {
            Ok(port as u64)
        }
        _ => Err(doc.wrong(node, "ports are numbers from 1 to 65535")),
    };
    let many = doc.list(node, "ports")?;
    match (node.get("port"), many.is_empty()) {
        (Some(_), false) => Err(doc.wrong(node, "`port` and `ports` are both there")),
        (Some(one), true) => Ok(vec![number(one)?]),
        (None, false) => {
            let mut all = many.iter().map(number).collect::<Result<Vec<_>, _>>()?;
            all.sort_unstable();
            all.dedup();
            Ok(all)
        }
        (None, true) => Err(doc.wrong(node, "the endpoint has no port")),
    }
}

/// What is said of how an endpoint is held.
fn said(
    parts: &mut Parts<'_>,
    doc: &Document,
    node: &Node,
    what: &str,
    looks: bool,
) -> Result<(), ImportError> {
    if looks {
        match doc.one_text(node, "enforcement")? {
            Some(("enforce", _)) => {}
            found => {
                let place = found.map_or_else(|| doc.place(node), |(_, node)| doc.place(node));
                parts.stricter(
                    &place,
                    format!("{what}: enforcement"),
                    "there its rules only log; here they are held",
                );
            }
        }
    }
    if let Some((tls, at)) = doc.one_text(node, "tls")? {
        match (tls, looks) {
            ("skip", true) => parts.stricter(
                &doc.place(at),
                format!("{what}: tls: skip"),
                "its rules need a look into TLS, and get one",
            ),
            ("skip", false) => {}
            (_, true) => parts.carried(&doc.place(at), format!("{what}: tls: {tls}"), "inspected"),
            (_, false) => parts.carried(
                &doc.place(at),
                format!("{what}: tls: {tls}"),
                "passed through; the name is checked",
            ),
        }
    }
    for key in [
        "websocket_credential_rewrite",
        "request_body_credential_rewrite",
        "allow_uninspected_credentials",
        "credential_signing",
        "credential_binding",
    ] {
        if let Some(at) = node.get(key) {
            parts.lost(
                &doc.place(at),
                format!("{what}: {key}"),
                "name the secret in `credentials`, and in the rule's `credential`",
            );
        }
    }
    for key in ["graphql_max_body_bytes", "json_rpc.max_body_bytes", "mcp.max_body_bytes"] {
        if let Some(at) = node.at(key) {
            let why = "bodies that are compared are read up to 1 MiB here";
            parts.lost(&doc.place(at), format!("{what}: {key}"), why);
        }
    }
    if let Some(table) = doc.table(node, "json_rpc")? {
        keys(doc, table, &["max_body_bytes"], "`json_rpc`")?;
    }
    if let Some(table) = doc.table(node, "mcp")? {
        let known = ["max_body_bytes", "strict_tool_names", "allow_all_known_mcp_methods"];
        keys(doc, table, &known, "`mcp`")?;
    }
    if let Some(at) = node.get("allow_encoded_slash") {
        let why = "a path is permitted if it is in each way that it may be read";
        parts.stricter(&doc.place(at), format!("{what}: allow_encoded_slash"), why);
    }
    for key in ["persisted_queries", "graphql_persisted_queries"] {
        if let Some(at) = node.get(key) {
            parts.stricter(&doc.place(at), format!("{what}: {key}"), "such requests are refused");
        }
    }
    Ok(())
}

/// The rule without its programs and requests.
fn base(
    parts: &mut Parts<'_>,
    doc: &Document,
    node: &Node,
    what: &str,
    target: &Target,
    ports: &[u64],
    addresses: &[(&str, &Node)],
) -> Result<Option<Map<String, Json>>, ImportError> {
    let place = doc.place(node);
    let mut rule = Map::new();
    let texts: Vec<&str> = addresses.iter().map(|(text, _)| *text).collect();
    let plain: Option<Vec<IpAddr>> = texts
        .iter()
        .map(|text| {
            text.split_once('/').map_or(*text, |(address, bits)| {
                if matches!((bits, address.contains(':')), ("32", false) | ("128", true)) {
                    address
                } else {
                    ""
                }
            })
        })
        .map(|text| text.parse().ok())
        .collect();
    match target {
        Target::Host(HostPattern::Exact(name)) if !texts.is_empty() => {
            let Some(single) = plain else {
                parts.lost(&place, what, "there the name has only addresses of these networks; here a rule with `addresses` permits public ones besides: add it if that is meant");
                return Ok(None);
            };
            let fixed =
                json!({name.as_str(): single.iter().map(ToString::to_string).collect::<Vec<_>>()});
            let other =
                |entry: &Entry| entry.value.get(name.as_str()).is_some() && entry.value != fixed;
            if parts.of(&Section::Fixed).iter().any(other) {
                parts.lost(&place, what, "the name has other addresses already");
                return Ok(None);
            }
            parts.carried(&place, what, "network.hosts fixes its addresses");
            parts.add(Section::Fixed, Entry::new(fixed, &place, what));
            rule.insert("hosts".into(), json!([name.as_str()]));
            rule.insert(
                "addresses".into(),
                json!(single.iter().map(ToString::to_string).collect::<Vec<_>>()),
            );
        }
        Target::Host(_) if !texts.is_empty() => {
            parts.lost(
                &place,
                what,
                "a wildcard with addresses of its own cannot be said: name the hosts",
            );
            return Ok(None);
        }
        Target::Host(pattern) => {
            rule.insert("hosts".into(), json!([pattern.to_string()]));
        }
        Target::Address(address) => {
            parts.carried(&place, what, "a rule for the bare address");
            rule.insert("addresses".into(), json!([address.to_string()]));
        }
        Target::Addresses if texts.is_empty() => {
            parts.lost(&place, what, "it names neither a host nor an address");
            return Ok(None);
        }
        Target::Addresses => {
            parts.stricter(
                &place,
                what,
                "there any name at these addresses; here the bare addresses",
            );
            rule.insert("addresses".into(), json!(texts));
        }
    }
    rule.insert("ports".into(), json!(ports));
    Ok(Some(rule))
}
