//! Where events go: who may say so, and what is no place for them.

use std::{path::PathBuf, time::Duration};

use palisade_policy::{Audit, Export, explain};

use crate::world::World;

const USER: &str = "credentials:
  otel: {from: {env: K}, header: \"x-key: {secret}\"}
  siem: {from: {env: S}}
audit:
  ocsf: /var/log/palisade.jsonl
  otlp: {url: \"https://otel.example:4318/\", credential: otel, signals: [logs, traces]}
  syslog: {url: \"tls://siem.example\", facility: 16}
  journald: true
  webhook: {url: \"https://siem.example/in\", secret: siem}
  flush: 9s";

#[test]
fn all_of_it_is_taken_and_explained() {
    let world = World::new();
    let policy = world.user(USER).policy();
    assert!(policy.not_built.is_empty());
    assert_eq!(policy.audit.flush, Duration::from_secs(9));
    let keys: Vec<_> = policy.audit.exports.iter().map(Export::key).collect();
    assert_eq!(keys, ["ocsf", "otlp", "syslog", "journald", "webhook"]);
    let places: Vec<_> = policy.audit.exports.iter().map(Export::place).collect();
    assert_eq!(
        places,
        [
            "/var/log/palisade.jsonl",
            "https://otel.example:4318",
            "tls://siem.example:6514",
            "/run/systemd/journal/socket",
            "https://siem.example/in"
        ]
    );
    let Export::Otlp(otlp) = &policy.audit.exports[1] else { panic!() };
    assert_eq!((otlp.logs, otlp.traces, otlp.metrics, otlp.grpc), (true, true, false, false));
    assert_eq!(otlp.credential.as_ref().unwrap().header, "x-key: {secret}");
    let explained = explain(&policy);
    let row = explained.iter().find(|row| row.rule == "audit.syslog").unwrap();
    assert_eq!(
        (row.built, row.advisory, row.layers.as_slice()),
        (true, false, &["supervisor"][..])
    );
}

#[test]
fn off_is_nothing_at_all() {
    let world = World::new();
    let without = world.user("").policy();
    let off = world.user("audit: {ocsf: false, journald: false}").policy();
    assert_eq!(off.audit, Audit::default());
    assert_eq!(off.digest, without.digest);
    assert_ne!(world.user("audit: {ocsf: true}").policy().digest, without.digest);
}

#[test]
fn destinations_add_up_each_once() {
    let world = World::new();
    world.user("audit: {ocsf: true, otlp: \"http://127.0.0.1:4318\", flush: 1s}");
    world.managed("audit: {ocsf: true, otlp: \"http://127.0.0.1:4318\", flush: 2s}");
    let policy = world.policy();
    assert_eq!(policy.audit.exports.len(), 2);
    assert_eq!(policy.audit.flush, Duration::from_secs(2));
    // Nobody takes the managed ones away.
    let policy = world.user("audit: {ocsf: false}").policy();
    assert_eq!(policy.audit.exports.len(), 2);
}

#[test]
fn nobody_sends_events_elsewhere_than_the_managed_policy_does() {
    let world = World::new();
    world.managed("audit: {ocsf: true}").user("audit: {otlp: \"https://evil.example\"}");
    let wrong = world.wrong();
    assert!(
        wrong.contains("events to https://evil.example goes beyond the managed policy"),
        "{wrong}"
    );
    world.managed("network: {rules: []}").policy();
}

#[test]
fn a_project_that_is_not_trusted_sends_nothing() {
    for audit in [
        "{otlp: \"https://evil.example\"}",
        "{syslog: tls://evil.example}",
        "{ocsf: /tmp/x.jsonl}",
        "{journald: /tmp/socket}",
    ] {
        let world = World::new();
        world.user("").project(&format!("audit: {audit}"));
        let wrong = world.wrong();
        assert!(wrong.contains("it adds a place that events are sent to"), "{wrong}");
        // It is no widening where the user says the same.
        assert_eq!(world.user(&format!("audit: {audit}")).policy().audit.exports.len(), 1);
    }
}

#[test]
fn what_is_no_place_for_events() {
    for (text, says) in [
        ("audit: {otlp: \"http://otel.example:4318\"}", "over plain HTTP"),
        ("audit: {otlp: \"https://u:p@otel.example\"}", "a key does not belong in it"),
        ("audit: {otlp: {url: \"https://a.example/x\", protocol: grpc}}", "paths of its own"),
        ("audit: {otlp: {url: \"https://a.example\", signals: []}}", "nothing is sent"),
        ("audit: {otlp: {url: \"https://a.example\", protocl: grpc}}", "did you mean `protocol`"),
        ("audit: {otlp: {protocol: grpc}}", "lacks `url`"),
        ("audit: {otlp: [1]}", "a URL, or a table with one"),
        ("audit: {otlp: {url: \"https://a.example\", credential: none}}", "no credential `none`"),
        ("audit: {syslog: udp://siem.example}", "without TLS everybody on the way reads it"),
        ("audit: {syslog: {url: tls://siem.example, facility: 24}}", "from 0 to 23"),
        ("audit: {ocsf: yes}", "neither `true`, `false` nor a path"),
        ("audit: {webhook: {url: \"https://a.example\"}}", "lacks `secret`"),
        (
            "audit: {ocsf: ./x.jsonl}\nfilesystem: {workspace: {path: .}}",
            "which the agent may write",
        ),
        ("audit: {journald: /srv/a/s}\nfilesystem: {write: [/srv]}", "which the agent may write"),
        ("audit: {otlp: \"http://[::1]:80\"}\nnetwork: {expose: [80]}", "port 80 of the sandbox"),
        ("audit: {syslog: tcp://localhost}\nnetwork: {expose: [601]}", "port 601 of the sandbox"),
    ] {
        let world = World::new();
        // A relative path of the user's document starts at its folder.
        let text = text.replace("./x", &format!("{}/x", world.at("work").display()));
        let text = text.replace("path: .}", &format!("path: {}}}", world.at("work").display()));
        let wrong = world.user(&text).wrong();
        assert!(wrong.contains(says), "{text}: {wrong}");
    }
    let credential = "credentials: {c: {from: {env: K}, query: \"k={secret}\"}}\n";
    for audit in [
        "audit: {otlp: {url: \"https://a.example\", credential: c}}",
        "audit: {webhook: {url: \"https://a.example\", secret: c}}",
    ] {
        let world = World::new();
        let wrong = world.user(&format!("{credential}{audit}")).wrong();
        assert!(wrong.contains("events cannot be sent with `c`"), "{wrong}");
    }
}

#[test]
fn a_relative_file_starts_at_its_policy() {
    let world = World::new();
    let policy = world.user("audit: {ocsf: ./log/x.jsonl}").policy();
    let expected: PathBuf = world.at("config/log/x.jsonl");
    assert_eq!(policy.audit.exports, [Export::Ocsf(Some(expected))]);
}
