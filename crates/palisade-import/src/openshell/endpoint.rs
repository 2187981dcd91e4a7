//! `network_policies.*`: programs, and where they may go.

use std::net::IpAddr;

use palisade_core::{HostPattern, ProgramPattern};
use serde_json::{Map, Value as Json, json};

use super::{Around, globs::For, keys, overlap, requests};
use crate::{
    error::ImportError,
    parts::{Entry, Parts, Section},
    paths,
    tree::{Document, Node, Value},
};

const ENDPOINT: [&str; 25] = [
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
    "name",
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
    for binary in doc.list(node, "binaries")? {
        keys(doc, binary, &["path", "harness"], "a binary")?;
        let Some((path, at)) = doc.one_text(binary, "path")? else { continue };
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
        for path in [Some(path), real].into_iter().flatten() {
            if !binaries.iter().any(|known| known == path) {
                binaries.push(path.to_owned());
            }
        }
    }
    if binaries.is_empty() {
        let why = "no program may use it there, whatever the documentation says, and so it is left out: name its binaries, and import anew";
        parts.stricter(&place, what, why);
        return Ok(());
    }
    parts.stricter(
        &place,
        what.clone(),
        "there what a named program starts may use it too; here only the program itself",
    );
    for endpoint in doc.list(node, "endpoints")? {
        one(parts, doc, &what, endpoint, &binaries, around)?;
    }
    Ok(())
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
    let ports = ports(doc, node)?;
    let addresses = doc.texts(node, "allowed_ips")?;
    let target = if host.is_empty() {
        Target::Addresses
    } else if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Target::Address(address)
    } else {
        match host.parse::<HostPattern>() {
            Ok(pattern) => Target::Host(pattern),
            Err(_) => {
                if node.get("deny_rules").is_some() {
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
    let protocol = doc
        .one_text(node, "protocol")?
        .map(|(text, _)| text.to_ascii_lowercase())
        .unwrap_or_default();
    let mut kind = protocol.as_str();
    if !["", "tcp", "rest", "websocket", "graphql", "mcp", "json-rpc", "sql"].contains(&kind) {
        return Err(doc.wrong(node, format!("`{kind}` is no protocol")));
    }
    if kind.is_empty()
        && (node.get("rules").is_some()
            || node.get("access").is_some()
            || node.get("deny_rules").is_some())
    {
        parts.stricter(
            &place,
            what.clone(),
            "there rules without a `protocol` have no effect; here they are taken for `rest`",
        );
        kind = "rest";
    }
    let looks = !matches!(kind, "" | "tcp" | "sql");
    said(parts, doc, node, &what, looks)?;
    let Some(rule) = base(parts, doc, node, &what, &target, &ports, &addresses)? else {
        if node.get("deny_rules").is_some() && !matches!(target, Target::Host(_)) {
            return Err(unsayable(
                doc,
                node,
                &what,
                "it refuses requests at addresses, and a policy does so at names",
            ));
        }
        return Ok(());
    };
    if let Target::Host(pattern) = &target
        && looks
    {
        let denied = requests::of(parts, doc, node, kind, For::Deny, &what)?;
        if !denied.is_empty() {
            // Whoever asks: there the ancestors of a program count as well.
            let refusal = json!({"hosts": [pattern.to_string()], "ports": ports});
            parts.network(refusal, denied, &place, &what);
        }
    }
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
    let Target::Host(pattern) = &target else {
        parts.lost(&place, what, "requests are compared at names, and this is an address");
        return Ok(());
    };
    let mut allowed = requests::of(parts, doc, node, kind, For::Allow, &what)?;
    let selector =
        doc.one_text(node, "path")?.map(|(text, _)| text).filter(|path| !path.is_empty());
    allowed.retain(|entry| {
        let paths = entry.value.get("allow").and_then(|allow| allow.get("paths"));
        let paths = paths.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let paths: Vec<String> = paths.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect();
        let other = around.selectors.iter().any(|other| other.takes(pattern, &ports, selector, &paths));
        if other {
            let why = "an endpoint with a narrower `path` decides some of these requests there, and only them: name the paths apart from it";
            parts.lost(&entry.place, entry.what.clone(), why);
        }
        !other
    });
    if allowed.is_empty() {
        parts.lost(&place, what, "nothing that it permits can be said, so nothing is permitted");
        return Ok(());
    }
    parts.network(Json::Object(rule), allowed, &place, &what);
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
    for key in ["allow_encoded_slash", "persisted_queries", "graphql_persisted_queries"] {
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
