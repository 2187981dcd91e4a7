use std::time::Duration;

use palisade_alarms::{Action, Alarm, Seen, Watch, parse};
use palisade_core::{Event, Layer, Verdict};

pub(crate) fn event(kind: &str, layer: Layer, decision: Verdict, subject: &str) -> Event {
    Event { decision, ..Event::observed(kind, layer, subject) }
}

pub(crate) fn see(watch: &mut Watch, event: &Event, seconds: u64) -> Vec<Alarm> {
    watch.see(&Seen::of(event, Duration::from_secs(seconds)))
}

fn watch(rule: &str) -> Watch {
    let text = format!("palisade-alarms: 1\nrules:\n  - {{id: one, title: One, {rule}}}\n");
    Watch::new(&parse(text.as_bytes()).unwrap()).unwrap()
}

fn fires(rule: &str, event: &Event) -> bool {
    !see(&mut watch(rule), event, 0).is_empty()
}

#[test]
fn a_match_needs_each_of_its_fields_and_any_of_its_tables() {
    let one = event("connect", Layer::Egress, Verdict::Deny, "evil.example:443")
        .with("port", 443)
        .with("tls", true)
        .with("caller", serde_json::json!({"name": "curl"}))
        .with("ancestors", vec!["/bin/sh", "/usr/bin/node"]);
    for yes in [
        "match: {kind: connect}",
        "match: {kind: [resolve, connect], decision: deny, layer: egress}",
        "match: {subject: '*.example:443'}",
        "match: {subject: {regex: '^evil\\.'}}",
        "match: {detail.port: 443}",
        "match: {detail.port: {over: 442, under: 444}}",
        "match: {detail.tls: true}",
        "match: {detail.caller.name: curl}",
        "match: {detail.ancestors: '*/node'}",
        "match: {detail.ancestors: {regex: '^/bin/'}}",
        "match: {rule: {present: false}}",
        "match: [{kind: resolve}, {kind: connect}]",
        "match: {kind: connect}, unless: {subject: 'good*'}",
    ] {
        assert!(fires(yes, &one), "{yes}");
    }
    for no in [
        "match: {kind: resolve}",
        "match: {kind: connect, decision: allow}",
        "match: {subject: 'example'}",
        "match: {subject: {regex: '^example'}}",
        "match: {detail.port: '443'}",
        "match: {detail.port: {over: 443}}",
        "match: {detail.nothing: {under: 10}}",
        "match: {detail.caller.name.first: c}",
        "match: {detail.port: {regex: '443'}}",
        "match: {rule: 'network*'}",
        "match: {kind: connect}, unless: {subject: 'evil*'}",
    ] {
        assert!(!fires(no, &one), "{no}");
    }
}

#[test]
fn a_rule_that_fired_is_quiet_and_counts_what_it_kept_back() {
    let mut watch = watch("match: {kind: connect}, again: 10s");
    let one = event("connect", Layer::Egress, Verdict::Deny, "a:1");
    assert_eq!(see(&mut watch, &one, 0)[0].suppressed, 0);
    for second in 1..10 {
        assert_eq!(see(&mut watch, &one, second), []);
    }
    assert_eq!(see(&mut watch, &one, 10)[0].suppressed, 9);
}

#[test]
fn what_freezes_or_ends_holds_the_act() {
    for (actions, holds) in
        [("[notify]", false), ("[notify, freeze]", true), ("[freeze]", true), ("[end]", true)]
    {
        let mut watch = watch(&format!("match: {{kind: canary}}, actions: {actions}"));
        let alarms = see(&mut watch, &event("canary", Layer::Files, Verdict::Observe, "x"), 0);
        assert_eq!(alarms[0].holds(), holds, "{actions}");
        assert_eq!(alarms[0].actions.contains(&Action::End), actions.contains("end"));
    }
}

#[test]
fn a_missing_field_counts_for_no_value() {
    let mut watch = watch("match: {kind: connect}, first_seen: {field: detail.host}, again: 1s");
    let bare = event("connect", Layer::Egress, Verdict::Allow, "192.0.2.1:443");
    assert_eq!(see(&mut watch, &bare, 0), []);
    assert_eq!(see(&mut watch, &bare.clone().with("host", "a.example"), 1).len(), 1);
    assert_eq!(see(&mut watch, &bare.clone().with("host", "a.example"), 9), []);
    assert_eq!(see(&mut watch, &bare.with("host", "b.example"), 20).len(), 1);
}
