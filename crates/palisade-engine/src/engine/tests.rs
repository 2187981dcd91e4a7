use palisade_core::TlsName;

use super::*;
use crate::Rule;

fn scope() -> Scope {
    let rule = Rule {
        id: "network.rules[a]".into(),
        hosts: vec!["a.example".parse().unwrap()],
        ports: vec![443],
        addresses: vec![],
        ..Rule::default()
    };
    Scope {
        rules: vec![rule],
        ask: false,
        models: Some(vec!["claude-*".into()]),
        ..Scope::default()
    }
}

fn connect(host: Option<&str>, address: Option<&str>) -> Action {
    Action::Connect {
        host: host.map(|host| host.parse().unwrap()),
        port: 443,
        address: address.map(|address| (address.parse::<IpAddr>().unwrap(), 443).into()),
        tls: TlsName::Unseen,
        caller: palisade_core::Caller::Unasked,
    }
}

fn resolve(name: &str) -> Action {
    Action::Resolve { name: name.parse().unwrap() }
}

fn call(model: &str) -> Action {
    Action::ModelCall { endpoint: "anthropic/messages".into(), model: model.into() }
}

fn request(refused: Option<&str>) -> Action {
    Action::ModelRequest { request: "GET /v1/models".into(), refused: refused.map(Into::into) }
}

#[test]
fn what_a_rule_permits_is_allowed_and_named() {
    let engine = Engine::new(scope());
    for (action, rule) in [
        (resolve("a.example"), "network.rules[a]"),
        (resolve("inference.local"), "inference"),
        (connect(Some("a.example"), None), "network.rules[a]"),
        (connect(Some("a.example"), Some("1.1.1.1")), "network.rules[a]"),
        (call("claude-opus-5"), "inference.routes[0]"),
        (request(None), "inference"),
        (Action::Launch { command: vec![], workspace: None }, "policy"),
    ] {
        let decision = engine.decide(&action);
        assert!(decision.is_allowed(), "{action:?}: {}", decision.reason);
        assert_eq!(decision.rule.as_deref(), Some(rule));
    }
}

#[test]
fn everything_else_is_denied_with_a_reason() {
    let engine = Engine::with_own_addresses(scope(), ["1.0.0.1".parse().unwrap()]);
    let refused = Action::ResolveRefused { asked: "x".into(), why: "a zone transfer".into() };
    for action in [
        resolve("b.example"),
        refused,
        connect(Some("b.example"), None),
        connect(Some("a.example"), Some("127.0.0.1")),
        connect(Some("a.example"), Some("1.0.0.1")),
        connect(None, Some("1.1.1.1")),
        connect(None, None),
        call("gpt-6"),
        request(Some("no such endpoint")),
    ] {
        let decision = engine.decide(&action);
        assert!(!decision.is_allowed(), "{action:?}");
        assert!(!decision.reason.is_empty(), "{action:?}");
    }
}

#[test]
fn an_empty_policy_permits_nothing_and_a_new_one_counts_at_once() {
    let engine = Engine::new(Scope::default());
    let actions =
        [resolve("inference.local"), resolve("a.example"), call("claude-x"), request(None)];
    assert!(actions.iter().all(|action| !engine.decide(action).is_allowed()));
    engine.replace(scope());
    assert!(actions.iter().all(|action| engine.decide(action).is_allowed()));
}
