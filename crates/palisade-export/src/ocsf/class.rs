//! Which class an event is of, and what that class has of its own.

use palisade_journal::Record;
use serde_json::{Map, Value, json};

use super::objects::{self, name_of};
use crate::facts;

const FILE: u16 = 1001;
const KERNEL: u16 = 1003;
const PROCESS: u16 = 1007;
const EVENT_LOG: u16 = 1008;
const DETECTION: u16 = 2004;
const ENTITY: u16 = 3004;
const NETWORK: u16 = 4001;
const HTTP: u16 = 4002;
const DNS: u16 = 4003;
const LIFECYCLE: u16 = 6002;
const API: u16 = 6003;
const BASE: u16 = 0;

/// An event's class.
pub(super) struct Class {
    pub(super) uid: u16,
    pub(super) activity: u16,
    /// The activity in words, where the class has no number for it.
    pub(super) name: Option<String>,
    pub(super) own: Map<String, Value>,
    pub(super) profiles: Vec<&'static str>,
}

/// Methods of HTTP by their number.
const METHODS: [(&str, u16); 9] = [
    ("CONNECT", 1),
    ("DELETE", 2),
    ("GET", 3),
    ("HEAD", 4),
    ("OPTIONS", 5),
    ("POST", 6),
    ("PUT", 7),
    ("TRACE", 8),
    ("PATCH", 9),
];

pub(super) fn has_device(uid: u16) -> bool {
    matches!(uid, FILE | KERNEL | PROCESS | EVENT_LOG)
}

pub(super) fn has_actor(uid: u16) -> bool {
    has_device(uid) || matches!(uid, ENTITY | API)
}

/// Whether something that was only seen went wrong.
pub(super) fn failed(record: &Record) -> bool {
    let kind = facts::kind(record);
    matches!(
        kind,
        "model_failure"
            | "unrecorded"
            | "refusal"
            | "export_lag"
            | "export_dropped"
            | "ship_lag"
            | "ship_refused"
    ) || matches!(kind, "connect" | "request" | "resolve") && !record.reason.is_empty()
}

pub(super) fn of(record: &Record) -> Class {
    let kind = facts::kind(record);
    match kind {
        "launch" | "exec" => {
            class(PROCESS, 1, json!({ "process": process(record), "launch_type_id": 3 }))
        }
        "end" | "exec_end" => {
            let mut own = json!({ "process": process(record) });
            if let (Some(code), Some(own)) = (facts::number(record, "status"), own.as_object_mut())
            {
                own.insert("exit_code".to_owned(), code.into());
            }
            class(PROCESS, 2, own)
        }
        "syscall" => class(KERNEL, 4, json!({ "kernel": { "name": first(record), "type_id": 2 } })),
        "access" => class(FILE, access(record), json!({ "file": file(&record.subject) })),
        "sweep" => class(FILE, 5, json!({ "file": file(&record.subject) })),
        "cover" => class(FILE, 12, json!({ "file": file(&record.subject) })),
        "connect" => {
            let activity = match (record.decision, failed(record)) {
                (palisade_core::Verdict::Deny, _) => 5,
                (_, true) => 4,
                (_, false) => 1,
            };
            class(
                NETWORK,
                activity,
                ends(record, json!({ "connection_info": { "direction_id": 2 } })),
            )
        }
        "expose" => {
            class(NETWORK, 7, ends(record, json!({ "connection_info": { "direction_id": 1 } })))
        }
        "resolve" => {
            let name = record.subject.rsplit(' ').next().unwrap_or_default();
            let name = if name.is_empty() { "-" } else { name };
            let own =
                json!({ "query": { "hostname": name }, "src_endpoint": objects::sandbox(record) });
            class(DNS, 1, own)
        }
        "request" => http(record),
        "model_call" | "model_answer" | "model_failure" => model(record),
        "tool_call" | "tool_result" | "server_tool" | "answer" | "credential" | "ssh_sign"
        | "hook" | "skill" | "websocket" => {
            let (id, name) = if kind == "credential" { (2, None) } else { (99, Some(words(kind))) };
            let operation = match kind {
                "tool_call" => facts::text(record, "tool").unwrap_or(kind),
                _ => kind,
            };
            let own = json!({ "api": { "operation": operation }, "src_endpoint": objects::sandbox(record) });
            Class { name, ..class(API, id, own) }
        }
        "placeholder"
        | "secret_in_answer"
        | "key_in_answer"
        | "injection_suspected"
        | "taint"
        | "privacy"
        | "redaction"
        | "alarm"
        | "canary" => {
            let finding = json!({
                "uid": format!("{}:{}", record.session, record.seq),
                "title": words(kind),
                "desc": crate::syslog::message(record),
            });
            class(DETECTION, 1, json!({ "finding_info": finding }))
        }
        "policy" => {
            let policy = json!({ "uid": record.policy.as_str(), "name": crate::syslog::escaped_whole(&record.subject) });
            let entity = json!({ "name": "policy", "type_id": 5, "policy": policy });
            class(ENTITY, 3, json!({ "entity": entity }))
        }
        "approval" => {
            let name = crate::syslog::escaped_whole(&record.subject);
            let entity = json!({ "name": name, "type_id": 99, "type": "Act" });
            Class {
                name: Some("Approval".to_owned()),
                ..class(ENTITY, 99, json!({ "entity": entity }))
            }
        }
        "journal_open" => class(EVENT_LOG, 6, log()),
        "journal_reopen" => class(EVENT_LOG, 8, log()),
        "export_lag" | "export_dropped" | "export_resumed" | "ship_lag" | "ship_refused"
        | "ship_resumed" => class(EVENT_LOG, 3, log()),
        "keeping" | "recording" | "recorded" | "content" => {
            Class { name: Some(words(kind)), ..class(EVENT_LOG, 99, log()) }
        }
        "refusal" => class(LIFECYCLE, 3, app()),
        "degraded" | "ungranted" | "limits" | "learn" | "unrecorded" | "recovered" => {
            Class { name: Some(words(kind)), ..class(LIFECYCLE, 99, app()) }
        }
        _ => Class { name: Some(words(kind)), ..class(BASE, 99, json!({})) },
    }
}

fn class(uid: u16, activity: u16, own: Value) -> Class {
    let own = match own {
        Value::Object(own) => own,
        _ => Map::new(),
    };
    Class { uid, activity, name: None, own, profiles: Vec::new() }
}

/// `key_in_answer` as `Key in answer`.
fn words(kind: &str) -> String {
    let spaced = kind.replace('_', " ");
    let mut characters = spaced.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "Event".to_owned(),
    }
}

fn first(record: &Record) -> &str {
    let name = record.subject.split([' ', '(']).next().unwrap_or_default();
    if name.is_empty() { "-" } else { name }
}

fn log() -> Value {
    json!({ "log_name": "palisade journal" })
}

fn app() -> Value {
    json!({ "app": objects::product() })
}

fn process(record: &Record) -> Value {
    // The command that the session is for begins and ends as one.
    if facts::kind(record) == "end" {
        return json!({ "uid": record.session.as_str() });
    }
    let uid = match facts::kind(record) {
        "launch" => record.session.to_string(),
        _ => format!("{}:{}", record.session, record.seq),
    };
    let mut process = json!({ "uid": uid, "cmd_line": record.subject });
    if let (Some(program), Some(process)) =
        (facts::text(record, "program"), process.as_object_mut())
    {
        process.insert("name".to_owned(), name_of(program).into());
        process.insert("path".to_owned(), program.into());
    }
    process
}

fn file(path: &str) -> Value {
    let name = name_of(path);
    json!({ "name": if name.is_empty() { "-" } else { name }, "path": path, "type_id": 0 })
}

/// By the rights of Landlock that were missing.
fn access(record: &Record) -> u16 {
    let rights = record.detail.get("rights").and_then(Value::as_array);
    let has = |part: &str| {
        let mut all = rights.into_iter().flatten().filter_map(Value::as_str);
        all.any(|right| right.contains(part))
    };
    match () {
        () if has("remove") => 4,
        () if has("make") => 1,
        () if has("write") || has("truncate") => 3,
        () if has("read") => 2,
        () => 14,
    }
}

fn ends(record: &Record, own: Value) -> Value {
    let mut own = own;
    if let Some(members) = own.as_object_mut() {
        members.insert("src_endpoint".to_owned(), objects::sandbox(record));
        if let Some(destination) = objects::destination(record) {
            members.insert("dst_endpoint".to_owned(), destination);
        }
    }
    own
}

fn http(record: &Record) -> Class {
    let (method, url) = record.subject.split_once(' ').unwrap_or(("", &record.subject));
    let known = METHODS.iter().find(|(name, _)| *name == method);
    let mut request = json!({ "url": { "url_string": url } });
    if let (Some((name, _)), Some(request)) = (known, request.as_object_mut()) {
        request.insert("http_method".to_owned(), (*name).into());
    }
    let mut own = json!({ "http_request": request });
    if let (Some(code), Some(own)) = (facts::number(record, "status"), own.as_object_mut()) {
        own.insert("http_response".to_owned(), json!({ "code": code }));
    }
    let own = ends(record, own);
    match known {
        Some((_, activity)) => class(HTTP, *activity, own),
        None => Class { name: Some("Other method".to_owned()), ..class(HTTP, 99, own) },
    }
}

fn model(record: &Record) -> Class {
    let (endpoint, model) = facts::model(record);
    let provider = facts::text(record, "provider");
    let operation = if endpoint.is_empty() { "model" } else { endpoint };
    let mut api = json!({ "operation": operation });
    if let (Some(provider), Some(api)) = (provider, api.as_object_mut()) {
        api.insert("service".to_owned(), json!({ "name": provider }));
    }
    let mut own = json!({ "api": api, "src_endpoint": objects::sandbox(record) });
    let mut profiles = Vec::new();
    if let (Some(model), Some(own)) = (model, own.as_object_mut()) {
        profiles.push("ai_operation");
        let by = provider.unwrap_or("unknown");
        own.insert("ai_model".to_owned(), json!({ "name": model, "ai_provider": by }));
        let input = facts::number(record, "input_tokens");
        if let (Some(input), Some(output)) = (input, facts::number(record, "output_tokens")) {
            let context = json!({
                "service": { "name": by },
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input.saturating_add(output),
            });
            own.insert("message_context".to_owned(), context);
        }
    }
    let name = words(facts::kind(record));
    Class { name: Some(name), profiles, ..class(API, 99, own) }
}
