use std::fs;

use palisade_audit::reach::{self, Kind};
use palisade_core::{Event, Layer, PolicyDigest, Verdict};
use serde_json::json;

use crate::fixture::{State, allowed, event};

/// Keep a policy as a session does, and return the event that names it.
fn keep(state: &State) -> (std::path::PathBuf, Event) {
    let policy = PolicyDigest::of(b"a policy");
    let rule = |name: &str, says: &str| json!({"rule": name, "says": says, "layers": ["egress"]});
    let document = json!({
        "v": 1, "digest": policy.as_str(), "version": "0", "sources": [], "meaning": "a policy",
        "rules": [
            rule("network.rules[a]", "connect to a.example on port 443, for requests as below"),
            rule("network.rules[a].http[0]", "allow GET /"),
            rule("network.rules[a].http[1]", "deny POST /"),
            rule("network.rules[b]", "connect to b.example on port 443"),
            rule("permissions.allow[Bash(ls)]", "permit the tool calls `Bash(ls)`"),
            rule("credentials[key]", "the key in KEY"),
            rule("filesystem.read[0]", "read /usr"),
        ],
    });
    let text = document.to_string();
    let name = PolicyDigest::of(text.as_bytes());
    let path = state.path().join("policies");
    fs::create_dir_all(&path).unwrap();
    let path = path.join(format!("{}.json", name.as_str().strip_prefix("sha256:").unwrap()));
    fs::write(&path, text).unwrap();
    let launch = allowed("launch", Layer::Process, "agent").with("policy_document", name.as_str());
    (path, launch)
}

fn by(mut event: Event, rule: &str) -> Event {
    event.rule = Some(rule.to_owned());
    event
}

fn acts() -> Vec<Event> {
    vec![
        by(allowed("request", Layer::Egress, "GET https://a.example/"), "network.rules[a].http[0]"),
        by(allowed("request", Layer::Egress, "GET https://a.example/"), "network.rules[a].http[0]"),
        by(
            event("request", Layer::Egress, Verdict::Deny, "POST https://a.example/"),
            "network.rules[a].http[1]",
        ),
        Event::observed("credential", Layer::Egress, "GET https://a.example/")
            .with("credential", "key"),
        by(allowed("connect", Layer::Egress, "c.example:443"), "approval"),
        event("resolve", Layer::Network, Verdict::Deny, "d.example"),
    ]
}

#[test]
fn unused_grants_are_told_from_used_ones_and_from_those_that_leave_no_event() {
    let state = State::new();
    let (_, launch) = keep(&state);
    let events = std::iter::once(launch).chain(acts()).collect();
    let id = state.session(1, None, events);
    let reach = reach::of(state.path(), &id).unwrap();
    let policy = &reach.policies[0];
    assert_eq!(policy.unknown, None);
    let rule = |name: &str| policy.rules.iter().find(|rule| rule.rule == name).unwrap();
    let counts = |name: &str| (rule(name).kind, rule(name).permitted, rule(name).refused);
    assert_eq!(counts("network.rules[a]"), (Kind::Grant, 2, 1));
    assert_eq!(counts("network.rules[a].http[0]"), (Kind::Grant, 2, 0));
    assert_eq!(counts("network.rules[a].http[1]"), (Kind::Restriction, 0, 1));
    assert_eq!(counts("credentials[key]"), (Kind::Grant, 1, 0));
    assert_eq!(counts("filesystem.read[0]"), (Kind::SilentGrant, 0, 0));
    let unused: Vec<&str> = reach.unused().map(|rule| rule.rule.as_str()).collect();
    assert_eq!(unused, ["network.rules[b]", "permissions.allow[Bash(ls)]"]);
    assert_eq!(reach.beside[0].subject, "c.example:443");
    assert!(reach.refused.iter().any(|act| act.subject == "d.example"));
}

#[test]
fn rules_that_were_changed_since_are_not_told() {
    let state = State::new();
    let (path, launch) = keep(&state);
    let id = state.session(1, None, std::iter::once(launch).chain(acts()).collect());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("b.example", "e.example")).unwrap();
    let reach = reach::of(state.path(), &id).unwrap();
    assert!(reach.policies[0].unknown.as_ref().unwrap().contains("changed"));
    assert!(reach.policies[0].rules.is_empty());
    fs::remove_file(&path).unwrap();
    assert!(reach::of(state.path(), &id).unwrap().policies[0].unknown.is_some());
    // A session that names none.
    let other = state.session(2, None, acts());
    assert!(reach::of(state.path(), &other).unwrap().policies[0].unknown.is_some());
}
