use palisade_core::Body;
use palisade_policy::{Effect, HttpMatch, HttpRule};
use proptest::prelude::*;

use palisade_core::Caller;

use super::*;
use crate::own::Own;

fn http(entries: &[(Effect, &[&str], &[&str])]) -> Option<Vec<HttpRule>> {
    let entry = |(effect, methods, paths): &(Effect, &[&str], &[&str])| HttpRule {
        effect: *effect,
        requests: HttpMatch {
            methods: methods.iter().map(|method| (*method).to_owned()).collect(),
            paths: paths.iter().map(|path| path.parse().unwrap()).collect(),
            ..HttpMatch::default()
        },
    };
    Some(entries.iter().map(entry).collect())
}

fn rule(id: &str, host: &str, http: Option<Vec<HttpRule>>) -> Rule {
    Rule {
        id: format!("network.rules[{id}]"),
        hosts: vec![host.parse().unwrap()],
        ports: vec![443],
        inspect: http.is_some(),
        http,
        ..Rule::default()
    }
}

fn request(method: &str, host: &str, path: &str) -> Request {
    Request {
        host: host.parse().unwrap(),
        port: 443,
        tls: true,
        address: None,
        method: method.into(),
        path: path.into(),
        query: None,
        headers: Vec::new(),
        body: Body::Unread,
        caller: Caller::Unasked,
    }
}

fn reach(rules: &[Rule]) -> Reach {
    Reach::new(rules.to_vec(), false, Own::default())
}

const READS: &[(Effect, &[&str], &[&str])] = &[
    (Effect::Deny, &[], &["/repos/*/*/actions/**"]),
    (Effect::Allow, &["GET", "HEAD"], &["/repos/**"]),
];

#[test]
fn the_entry_that_decides_is_named() {
    let reach = reach(&[rule("github", "api.github.com", http(READS))]);
    let decide = |method, path| reach.request(&request(method, "api.github.com", path));
    let read = decide("GET", "/repos/o/r");
    assert_eq!(read.rule.as_deref(), Some("network.rules[github].http[1]"));
    assert!(read.is_allowed());
    let action = decide("GET", "/repos/o/r/actions/runs");
    assert_eq!(action.rule.as_deref(), Some("network.rules[github].http[0]"));
    assert!(!action.is_allowed());
    let delete = decide("DELETE", "/repos/o/r");
    assert!(!delete.is_allowed() && delete.rule.as_deref() == Some("network.rules[github]"));
    assert!(
        delete.reason.contains("`- allow: {methods: [DELETE], paths: [\"/repos/o/r\"]}`"),
        "{}",
        delete.reason
    );
    let strange = decide("GET", "/repos/../x\u{1b}[2J");
    assert!(!strange.is_allowed() && !strange.reason.contains('\u{1b}'), "{}", strange.reason);
    let elsewhere = reach.request(&request("GET", "github.com", "/repos/o/r"));
    assert!(!elsewhere.is_allowed() && elsewhere.rule.is_none());
}

#[test]
fn any_rule_permits_and_what_one_refuses_is_refused() {
    let broad = rule("broad", "**.github.com", None);
    let narrow = rule("narrow", "api.github.com", http(READS));
    for rules in [[broad.clone(), narrow.clone()], [narrow, broad]] {
        let reach = reach(&rules);
        let decide = |method, path| reach.request(&request(method, "api.github.com", path));
        assert!(decide("GET", "/repos/o/r").is_allowed());
        // No entry fits, so the other rule's word counts.
        let delete = decide("DELETE", "/repos/o/r");
        assert_eq!(delete.rule.as_deref(), Some("network.rules[broad]"));
        assert!(delete.is_allowed());
        assert!(!decide("DELETE", "/repos/o/r/actions/1").is_allowed());
        assert!(!decide("GET", "/a/../b").is_allowed());
        assert_eq!(reach.handling(&"api.github.com".parse().unwrap(), 443), Handling::Inspect);
        assert_eq!(reach.handling(&"api.github.com".parse().unwrap(), 22), Handling::Passthrough);
        assert_eq!(reach.handling(&"x.github.com".parse().unwrap(), 443), Handling::Passthrough);
    }
}

#[test]
fn a_rule_that_only_denies_opens_nothing() {
    let entries = http(&[(Effect::Deny, &["DELETE"], &[]), (Effect::Allow, &[], &[])]);
    let only = Rule { only_denies: true, ..rule("project", "api.github.com", entries) };
    let alone = reach(std::slice::from_ref(&only));
    let host = "api.github.com".parse().unwrap();
    assert!(!alone.resolve(&host).is_allowed());
    assert!(
        !alone
            .to_name(&host, 443, None, (&palisade_core::TlsName::Unseen, &Caller::Unasked))
            .is_allowed()
    );
    let get = request("GET", "api.github.com", "/");
    assert!(!alone.request(&get).is_allowed());
    let with_another = reach(&[rule("user", "*.github.com", None), only]);
    assert!(with_another.request(&get).is_allowed());
    let delete = with_another.request(&request("DELETE", "api.github.com", "/"));
    assert_eq!(delete.rule.as_deref(), Some("network.rules[project].http[0]"));
    assert!(!delete.is_allowed());
}

#[test]
fn requests_go_where_connections_go() {
    let private = Rule {
        addresses: vec!["10.0.0.0/8".parse().unwrap()],
        ..rule("private", "a.example", http(&[(Effect::Allow, &["GET"], &[])]))
    };
    let public = rule("public", "a.example", None);
    let reach = reach(&[public, private]);
    let at = |method, address: &str| {
        let address = Some(address.parse().unwrap());
        reach.request(&Request { address, ..request(method, "a.example", "/") })
    };
    assert!(at("DELETE", "1.1.1.1:443").is_allowed());
    assert_eq!(at("GET", "10.1.1.1:443").rule.as_deref(), Some("network.rules[private].http[0]"));
    assert!(!at("DELETE", "10.1.1.1:443").is_allowed());
    assert!(!at("GET", "127.0.0.1:443").is_allowed());
    let plain = Request { tls: false, ..request("GET", "a.example", "/") };
    assert!(!reach.request(&plain).is_allowed());
}

proptest! {
    #[test]
    fn a_rule_that_is_added_takes_no_deny_away(
        denied in prop::sample::select(vec!["/a", "/a/**", "/*", "/**/b"]),
        more in prop::collection::vec(
            prop::option::of(prop::sample::select(vec!["/a", "/**/b", "/*"])), 0..3),
        path in "/[ab/.;]{0,6}",
    ) {
        let strict = rule("strict", "a.example", http(&[(Effect::Deny, &[], &[denied])]));
        let get = request("GET", "a.example", &path);
        let before = reach(std::slice::from_ref(&strict)).request(&get);
        let mut rules = vec![strict];
        rules.extend(more.iter().map(|path| match path {
            None => rule("more", "a.example", None),
            Some(path) => rule("more", "*.example", http(&[(Effect::Allow, &[], &[path])])),
        }));
        rules.reverse();
        if before.rule.as_deref() == Some("network.rules[strict].http[0]") {
            prop_assert!(!reach(&rules).request(&get).is_allowed());
        }
    }
}
