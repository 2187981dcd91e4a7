use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use palisade_core::{Action, Caller, Decision, Event, Layer, TlsName, Verdict};
use palisade_export::{Host, ocsf};
use palisade_journal::Record;
use serde_json::Value;

use crate::{
    schema::Schema,
    world::{World, denied},
};

/// Every kind of event that Palisade records, with the facts that it has.
fn every_kind() -> Vec<Event> {
    let observed = |kind: &str, layer, subject: &str| Event::observed(kind, layer, subject);
    let mut all = vec![
        Event::decided(
            &Action::Launch {
                command: vec!["sh".into(), "-c".into()],
                workspace: Some("/w".into()),
            },
            &Decision::allow("policy", "the operator starts it"),
        ),
        Event::decided(
            &Action::Connect {
                host: Some("api.example".parse().unwrap()),
                port: 443,
                address: Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 443)),
                tls: TlsName::Unseen,
                caller: Caller::Unasked,
            },
            &Decision::allow("network.rules[api]", "it permits it"),
        ),
        denied("connect", Layer::Egress, "port 22").with("port", 22),
        observed("connect", Layer::Egress, "api.example:443").with("port", 443),
        denied("resolve", Layer::Network, "TXT evil.example"),
        denied("request", Layer::Egress, "GET https://api.example/x?…")
            .with("host", "api.example")
            .with("port", 443)
            .with("method", "GET")
            .with("address", "[2001:db8::1]:443")
            .with("binary", "/usr/bin/curl")
            .with("binary_digest", format!("sha256:{}", "0".repeat(64))),
        denied("request", Layer::Egress, "BREW coffee://x").with("status", 502),
        Event::decided(
            &Action::ModelCall { endpoint: "anthropic/messages".into(), model: "claude".into() },
            &Decision::allow("inference.routes[0]", "it permits it"),
        ),
        observed("model_answer", Layer::Inference, "anthropic/messages claude")
            .with("provider", "anthropic")
            .with("status", 200)
            .with("model", "claude-opus")
            .with("latency_ms", 1200)
            .with("input_tokens", 10)
            .with("output_tokens", 20),
        observed("model_failure", Layer::Inference, "openai/responses gpt")
            .with("provider", "openai")
            .with("why", "answered 500"),
        denied("tool_call", Layer::Inference, "Bash rm -rf /")
            .with("tool", "Bash")
            .with("call", "c1"),
        denied("syscall", Layer::Process, "ptrace(PTRACE_ATTACH)")
            .with("errno", "EPERM")
            .with("process", "12@3456"),
        denied("tool_call", Layer::Tool, "Read x")
            .with("binary", "/usr/bin/node")
            .with("process", "7@1")
            .with("binary_digest", format!("sha256:{}", "0".repeat(64))),
        denied("access", Layer::Files, "/etc/shadow").with("rights", vec!["fs.read_file"]),
        denied("access", Layer::Files, "/").with("rights", vec!["fs.make_dir"]),
        observed("sweep", Layer::Files, "/w/.git/hooks/pre-commit"),
        denied("cover", Layer::Files, "/w/app/.env"),
        observed("expose", Layer::Network, "port 3000"),
        observed("exec_end", Layer::Process, "ls"),
        denied("exec", Layer::Process, "/usr/bin/curl x").with("program", "/usr/bin/curl"),
        observed("end", Layer::Process, "exit 3").with("status", 3),
    ];
    for kind in [
        "refusal",
        "policy",
        "approval",
        "credential",
        "placeholder",
        "secret_in_answer",
        "key_in_answer",
        "ssh_sign",
        "hook",
        "server_tool",
        "tool_result",
        "answer",
        "redaction",
        "injection_suspected",
        "degraded",
        "ungranted",
        "limits",
        "learn",
        "unrecorded",
        "recovered",
        "export_lag",
        "export_dropped",
        "export_resumed",
        "alarm",
        "canary",
        "journal_reopen",
        "keeping",
        "recording",
        "recorded",
        "ship_lag",
        "ship_refused",
        "ship_resumed",
        "content",
        "skill",
        "websocket",
        "taint",
        "privacy",
        "something_new",
        "folded",
    ] {
        for decision in [Verdict::Allow, Verdict::Deny, Verdict::Ask, Verdict::Observe] {
            let mut event = denied(kind, Layer::Supervisor, "what it is about");
            event.decision = decision;
            all.push(event);
        }
    }
    all.push(
        denied("folded", Layer::Egress, "evil.example:443")
            .with("kind", "connect")
            .with("count", 17)
            .with("first", "2026-08-01T12:00:00.000000Z")
            .with("last", "2026-08-01T12:00:09.000000Z"),
    );
    // Nothing that an agent names may break the form either.
    for kind in
        ["connect", "request", "resolve", "access", "syscall", "exec", "tool_call", "model_call"]
    {
        all.push(Event::observed(kind, Layer::Egress, ""));
        all.push(Event::observed(kind, Layer::Egress, " "));
        all.push(denied(kind, Layer::Egress, "\n\"}]\u{202e}/ /").with("port", 99_999_999));
    }
    all
}

fn recorded() -> Vec<Record> {
    let world = World::new();
    every_kind().into_iter().for_each(|event| world.record(event));
    world.end();
    world.records()
}

#[test]
fn every_event_is_one_of_the_schema() {
    let schema = Schema::read();
    assert_eq!(schema.version(), ocsf::VERSION);
    let host = Host::named("host.example");
    let mut classes = std::collections::BTreeSet::new();
    for record in recorded() {
        for again in [false, true] {
            let event = ocsf::event(&record, &host, again);
            let wrong = schema.check(&event);
            assert!(wrong.is_empty(), "{}: {wrong:#?}\n{event:#}", record.kind);
            classes.insert(event["class_uid"].as_u64().unwrap());
            let labels = &event["metadata"]["labels"];
            assert_eq!(labels.is_array(), again);
            let line = ocsf::line(&event);
            assert!(line.trim_end().bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), event);
        }
    }
    let expected = [0, 1001, 1003, 1007, 1008, 2004, 3004, 4001, 4002, 4003, 6002, 6003];
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), expected);
}

/// Every kind that some crate records is among those that are checked, and has a class of its own.
#[test]
fn every_kind_that_is_recorded_has_a_class() {
    // The supervisor's own acts are of no other class; `folded` is of the class of what it counts.
    let base = ["something_new", "folded"];
    let mut found = std::collections::BTreeSet::new();
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for entry in std::fs::read_dir(crates).unwrap() {
        kinds_in(&entry.unwrap().path().join("src"), &mut found);
    }
    for known in ["connect", "canary", "skill", "keeping", "ship_lag", "recorded"] {
        assert!(found.contains(known), "the search for kinds finds nothing: {found:?}");
    }
    let schema = Schema::read();
    let records = recorded();
    for kind in found {
        let record = records.iter().find(|record| record.kind == kind);
        let record = record.unwrap_or_else(|| panic!("{kind} is not among those checked"));
        let event = ocsf::event(record, &Host::named("h"), false);
        assert_eq!(schema.check(&event), [""; 0], "{kind}");
        assert!(event["class_uid"] != 0 || base.contains(&kind.as_str()), "{kind} has no class");
    }
}

/// The kinds that a folder's sources record: the first word of an event, as it stands there or as a constant's value.
fn kinds_in(folder: &std::path::Path, found: &mut std::collections::BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            kinds_in(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let text = std::fs::read_to_string(&path).unwrap();
            // What a file's own tests make up is nothing that is recorded.
            let text = text.split("#[cfg(test)]").next().unwrap();
            for begins in [
                "Event::observed(",
                "event(",
                "tell(",
                "const KEEPING: &str =",
                "const RECOVERED: &str =",
            ] {
                for rest in text.split(begins).skip(1) {
                    let Some(rest) = rest.trim_start().strip_prefix('"') else { continue };
                    let kind = rest.split('"').next().unwrap();
                    if kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                        found.insert(kind.to_owned());
                    }
                }
            }
        }
    }
}

/// The schema is really asked: each of these is wrong, and found to be.
#[test]
fn what_is_not_of_the_schema_is_found() {
    let schema = Schema::read();
    let records = recorded();
    let connect = records.iter().find(|record| record.kind == "connect").unwrap();
    let good = ocsf::event(connect, &Host::named("h"), false);
    assert_eq!(schema.check(&good), [""; 0]);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut event = good.clone();
        change(&mut event);
        schema.check(&event)
    };
    let without = |key: &'static str| {
        move |event: &mut Value| drop(event.as_object_mut().unwrap().remove(key))
    };
    for key in ["metadata", "severity_id", "time", "type_uid", "activity_id"] {
        assert!(!changed(&without(key)).is_empty(), "{key}");
    }
    assert!(!changed(&|event| event["severity_id"] = 50.into()).is_empty());
    assert!(!changed(&|event| event["time"] = "now".into()).is_empty());
    assert!(!changed(&|event| event["type_uid"] = 1.into()).is_empty());
    assert!(!changed(&|event| event["invented"] = 1.into()).is_empty());
    assert!(!changed(&|event| event["metadata"]["product"] = serde_json::json!({})).is_empty());
    assert!(!changed(&|event| event["metadata"]["profiles"] = serde_json::json!([])).is_empty());
    assert!(!changed(&|event| event["dst_endpoint"]["ip"] = "256.1.1.1".into()).is_empty());
    assert!(!changed(&|event| event["dst_endpoint"]["port"] = 70_000.into()).is_empty());
}

#[test]
fn a_denial_says_what_who_and_why() {
    let records = recorded();
    let request = records.iter().find(|record| record.kind == "request").unwrap();
    let event = ocsf::event(request, &Host::named("h"), false);
    assert_eq!((event["class_uid"].clone(), event["activity_id"].clone()), (4002.into(), 3.into()));
    assert_eq!((event["action_id"].clone(), event["disposition_id"].clone()), (2.into(), 2.into()));
    assert_eq!(event["firewall_rule"]["name"], "network.rules[x]");
    assert_eq!(event["status_detail"], "no rule permits it");
    assert_eq!(event["dst_endpoint"]["hostname"], "api.example");
    assert_eq!(event["dst_endpoint"]["ip"], "2001:db8::1");
    assert_eq!(event["metadata"]["uid"], format!("{}:{}", request.session, request.seq));
    let folded = records.iter().rev().find(|record| record.kind == "folded").unwrap();
    let folded =
        records.iter().find(|record| record.detail.contains_key("count")).unwrap_or(folded);
    let event = ocsf::event(folded, &Host::named("h"), false);
    assert_eq!((event["class_uid"].clone(), event["count"].clone()), (4001.into(), 17.into()));
    let call = records.iter().find(|record| record.kind == "syscall").unwrap();
    let call = ocsf::event(call, &Host::named("h"), false);
    assert_eq!(call["actor"]["process"]["pid"], 12);
    assert_eq!(event["end_time"].as_i64().unwrap() - event["start_time"].as_i64().unwrap(), 9000);
}
