//! A request and its body against the rules of a policy: what a plain reader finds forbidden in it is not permitted.

use std::{path::Path, sync::OnceLock};

use palisade_core::{Action, Body, Caller, Inspection, Request, Verdict};
use palisade_engine::Engine;

use crate::input::{number, text, two};

const POLICY: &str = r#"
palisade: 1
network:
  rules:
    - hosts: [api.example.com]
      http:
        - {deny: {paths: ["/admin/**"]}}
        - {deny: {json_rpc: {methods: [tools/call], tools: [drop]}}}
        - {deny: {graphql: {operations: [mutation]}}}
        - {allow: {methods: [GET, POST]}}
"#;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let folder = Path::new("/nowhere");
        match palisade_policy::check_text("policy", POLICY, folder, folder, folder) {
            Ok(policy) => Engine::new(&policy),
            Err(wrong) => panic!("{wrong}"),
        }
    })
}

const KINDS: [&str; 5] = [
    "application/json",
    "application/graphql",
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/json; charset=utf-16",
];

pub(crate) fn target(data: &[u8]) {
    let (kind, rest) = number(data, KINDS.len() + 1);
    let (line, body) = two(rest);
    let line = text(line);
    let (path, query) = match line.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (line.as_str(), None),
    };
    let Ok(host) = "api.example.com".parse() else { return };
    let mut request = Request {
        host,
        port: 443,
        tls: true,
        address: None,
        method: "POST".into(),
        path: path.as_bytes().to_vec(),
        query: query.map(|query| query.as_bytes().to_vec()),
        headers: Vec::new(),
        body: Body::Unread,
        caller: Caller::Unasked,
    };
    if let Some(kind) = KINDS.get(kind) {
        request.headers.push(("content-type".into(), kind.as_bytes().to_vec()));
    }
    let engine = engine();
    let most = engine.body_bound(&request);
    request.body = match most {
        Some(most) if body.len() <= most => engine.read_body(&request, body),
        Some(_) => Body::Refused("too long".into()),
        None => Body::Unread,
    };
    let decision = engine.decide(&Action::Request(Box::new(request)));
    if decision.verdict != Verdict::Allow {
        return;
    }
    assert!(!is_in_admin(path), "{path:?} is permitted");
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) {
        let messages = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        for message in messages {
            let drops = message["method"] == "tools/call" && message["params"]["name"] == "drop";
            assert!(!drops, "a call that is refused is permitted");
            let query = message["query"].as_str().unwrap_or_default();
            let changes = message["method"].is_null() && query.trim_start().starts_with("mutation");
            assert!(!changes, "{query:?} is permitted");
        }
    }
}

/// As a server reads it that decodes once and takes segments as they are.
fn is_in_admin(path: &str) -> bool {
    let mut decoded = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                bytes = ahead;
            }
            _ => decoded.push(byte),
        }
    }
    let decoded = String::from_utf8_lossy(&decoded).into_owned();
    let mut segments = decoded.split('/').filter(|segment| !segment.is_empty());
    segments.next() == Some("admin") && segments.next().is_some()
}
