//! Where events go: who may say so, and what is no place for them.

use std::{path::PathBuf, time::Duration};

use palisade_policy::{Audit, Export, Ship, explain};

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

const EVIDENCE: &str = "credentials:
  evidence: {from: {env: S3_SECRET}, aws: {access_key: AKIAIOSFODNN7EXAMPLE}}
  both: {from: {env: S3_SECRET}, aws: {access_key: AKIAIOSFODNN7EXAMPLE}, expose: KEY}
  other: {from: {env: K}, header: \"x-key: {secret}\"}\n";

#[test]
fn places_for_sessions_are_taken_and_explained() {
    let world = World::new();
    let audit = "audit: {ship: {to: \"s3://evidence/host-1/\", region: eu-central-1, credential: evidence, lock: {mode: compliance, for: 365d}}}";
    let policy = world.user(&format!("{EVIDENCE}{audit}")).policy();
    let [Ship::S3(s3)] = policy.audit.ship.as_slice() else { panic!("{:?}", policy.audit) };
    assert_eq!((s3.bucket.as_str(), s3.prefix.as_str()), ("evidence", "host-1"));
    assert_eq!(s3.endpoint, "https://s3.eu-central-1.amazonaws.com");
    let key = palisade_policy::AwsKey::Named("AKIAIOSFODNN7EXAMPLE".into());
    assert_eq!(s3.credential.as_ref().unwrap().aws, Some(key));
    assert!(s3.lock.is_some_and(|lock| lock.compliance && lock.seconds == 365 * 86_400));
    let explained = explain(&policy);
    let row = explained.iter().find(|row| row.rule == "audit.ship").unwrap();
    assert!(row.says.contains("s3://evidence/host-1 at https://s3.eu-central-1"), "{}", row.says);
    assert!(row.says.contains("for 365 d (compliance)"), "{}", row.says);
    // Where a policy ships nothing its digest is what it was.
    let without = world.user("audit: {ocsf: true}").policy().digest;
    let with = world.user("audit: {ocsf: true, ship: /mnt/evidence}").policy();
    assert_eq!(with.audit.ship, [Ship::Folder("/mnt/evidence".into())]);
    assert_ne!(with.digest, without);
}

#[test]
fn what_is_no_place_for_sessions() {
    for (ship, says) in [
        ("evidence", "neither `true`, `false` nor a path"),
        ("ftp://evidence", "neither a folder nor s3://"),
        ("{to: /mnt/x, region: eu-central-1}", "a folder has no such thing"),
        ("\"s3://evidence\"", "it is not said where the bucket is"),
        ("{to: \"s3://evidence\", region: eu-central-1}", "everybody may write to"),
        ("{to: \"s3://E\", region: eu-central-1, credential: evidence}", "no place in S3"),
        ("{to: \"s3://evidence/../x\", region: a, credential: evidence}", "no place in S3"),
        ("{to: \"s3://evidence\", region: \"a b\", credential: evidence}", "is no region"),
        ("{to: \"s3://evidence\", region: a, credential: none}", "no credential `none`"),
        ("{to: \"s3://evidence\", region: a, credential: other}", "signs no requests to S3"),
        ("{to: \"s3://evidence\", region: a, credential: both}", "signs no requests to S3"),
        (
            "{to: \"s3://evidence\", endpoint: \"http://a.example\", credential: evidence}",
            "over plain HTTP",
        ),
        (
            "{to: \"s3://evidence\", endpoint: \"https://a.example/x\", credential: evidence}",
            "has a path",
        ),
        (
            "{to: \"s3://evidence\", region: a, credential: evidence, lock: {mode: none, for: 1d}}",
            "none",
        ),
        (
            "{to: \"s3://evidence\", region: a, credential: evidence, lock: {mode: compliance, for: 40000d}}",
            "keeps anything",
        ),
        (
            "{to: \"s3://evidence\", endpoint: \"http://127.0.0.1:80\", credential: evidence}\nnetwork: {expose: [80]}",
            "port 80 of the sandbox",
        ),
        ("/srv/a\nfilesystem: {write: [/srv]}", "which the agent may write"),
        ("/srv/a\nfilesystem: {write: [/srv/a/b]}", "which the agent may write, is in /srv/a"),
    ] {
        let world = World::new();
        let (ship, rest) = ship.split_once('\n').unwrap_or((ship, ""));
        let wrong = world.user(&format!("{EVIDENCE}audit: {{ship: {ship}}}\n{rest}")).wrong();
        assert!(wrong.contains(says), "{ship}: {wrong}");
    }
}

#[test]
fn nobody_ships_sessions_elsewhere_unasked() {
    let world = World::new();
    world.managed("audit: {ship: /mnt/evidence}").user("audit: {ship: /mnt/mine}");
    let wrong = world.wrong();
    assert!(wrong.contains("sessions to /mnt/mine goes beyond the managed policy"), "{wrong}");
    let world = World::new();
    world.user("").project("audit: {ship: /tmp/x}");
    let wrong = world.wrong();
    assert!(wrong.contains("it adds a place that sessions are shipped to"), "{wrong}");
    assert_eq!(world.user("audit: {ship: /tmp/x}").policy().audit.ship.len(), 1);
}
