use palisade_core::Verdict;
use proptest::prelude::*;

use super::*;

fn rule(id: &str, hosts: &[&str], ports: &[u16], addresses: &[&str]) -> Rule {
    Rule {
        id: format!("network.rules[{id}]"),
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        ports: ports.to_vec(),
        addresses: addresses
            .iter()
            .map(|a| a.parse().or_else(|_| a.parse::<IpAddr>().map(IpNet::from)).unwrap())
            .collect(),
        ..Rule::default()
    }
}

fn reach(rules: &[Rule]) -> Reach {
    Reach::new(rules.to_vec(), false, Own::from_iter(["8.8.4.4".parse().unwrap()]))
}

fn name(text: &str) -> HostName {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn github() -> Vec<Rule> {
    vec![
        rule("github", &["api.github.com", "*.githubusercontent.com"], &[443], &[]),
        rule("ssh", &["**.github.com", "github.com"], &[22, 443], &["10.0.0.0/8"]),
    ]
}

#[test]
fn names_that_some_rule_has_are_answered() {
    let reach = reach(&github());
    for (host, by) in [
        ("api.github.com", Some("network.rules[github]")),
        ("raw.githubusercontent.com", Some("network.rules[github]")),
        ("a.b.github.com", Some("network.rules[ssh]")),
        ("github.com", Some("network.rules[ssh]")),
        ("githubusercontent.com", None),
        ("a.b.githubusercontent.com", None),
        ("evilgithub.com", None),
        ("github.com.evil.example", None),
        ("com", None),
    ] {
        let decision = reach.resolve(&name(host));
        assert_eq!(decision.rule.as_deref(), by, "{host}");
        assert_eq!(decision.is_allowed(), by.is_some(), "{host}");
    }
}

#[test]
fn names_below_a_wildcard_are_told_from_those_that_a_rule_names() {
    let mut rules = github();
    rules.push(rule("top", &["**.dev"], &[443], &[]));
    rules.push(rule("wide", &["*.deep.example", "**.example.net"], &[443], &[]));
    rules.push(rule("wider", &["**.deep.example"], &[443], &[]));
    rules.push(Rule { only_denies: true, ..rule("no", &["x.deep.example"], &[443], &[]) });
    let reach = reach(&rules);
    for (host, zone) in [
        ("api.github.com", None),
        ("github.com", None),
        ("raw.githubusercontent.com", Some(("github", "githubusercontent.com"))),
        ("a.b.github.com", Some(("ssh", "github.com"))),
        ("a.deep.example", Some(("wide", "deep.example"))),
        ("x.deep.example", Some(("wide", "deep.example"))),
        ("a.b.deep.example", Some(("wider", "deep.example"))),
        ("a.example.net", Some(("wide", "example.net"))),
        ("anything.dev", None),
        ("evil.test", None),
    ] {
        let found = reach.wildcard_of(&name(host));
        let found = found.map(|(rule, zone)| (rule.id.clone(), zone.to_string()));
        let expected = zone.map(|(rule, zone)| (format!("network.rules[{rule}]"), zone.to_owned()));
        assert_eq!(found, expected, "{host}");
    }
}

#[test]
fn ports_are_those_of_a_rule_that_has_the_name() {
    let reach = reach(&github());
    let unseen = TlsName::Unseen;
    assert!(
        reach.to_name(&name("api.github.com"), 443, None, (&unseen, &Caller::Unasked)).is_allowed()
    );
    let ssh = reach.to_name(&name("api.github.com"), 22, None, (&unseen, &Caller::Unasked));
    assert_eq!(ssh.rule.as_deref(), Some("network.rules[ssh]"));
    let raw =
        reach.to_name(&name("raw.githubusercontent.com"), 22, None, (&unseen, &Caller::Unasked));
    assert!(!raw.is_allowed());
    assert!(raw.reason.contains("not on port 22"), "{}", raw.reason);
    let other = reach.to_name(&name("evil.example"), 443, None, (&unseen, &Caller::Unasked));
    assert!(other.reason.contains("`hosts: [evil.example]`"), "{}", other.reason);
}

#[test]
fn special_addresses_need_a_rule_for_this_name_and_port_that_names_them() {
    let reach = reach(&github());
    let unseen = TlsName::Unseen;
    let to = |port, address| {
        reach.to_name(&name("api.github.com"), port, Some(ip(address)), (&unseen, &Caller::Unasked))
    };
    assert_eq!(to(443, "140.82.112.5").rule.as_deref(), Some("network.rules[github]"));
    assert_eq!(to(443, "10.1.2.3").rule.as_deref(), Some("network.rules[ssh]"));
    for (port, address) in [
        (443, "192.168.0.1"),
        (443, "127.0.0.1"),
        (443, "169.254.169.254"),
        (22, "fd00:ec2::254"),
        (443, "8.8.4.4"),
        (443, "::ffff:8.8.4.4"),
        (443, "::ffff:127.0.0.1"),
        (443, "0.0.0.0"),
        (443, "64:ff9b::192.168.0.1"),
        (443, "2002:c0a8:1::"),
        (443, "fe80::1"),
    ] {
        let decision = to(port, address);
        assert!(!decision.is_allowed(), "{address}");
        assert!(decision.reason.contains("to allow it"), "{}", decision.reason);
    }
    let raw = name("raw.githubusercontent.com");
    assert!(
        !reach.to_name(&raw, 443, Some(ip("10.1.2.3")), (&unseen, &Caller::Unasked)).is_allowed()
    );
}

#[test]
fn the_operator_is_asked_for_what_no_rule_names_and_for_nothing_else() {
    let mut rules = github();
    rules.push(Rule { only_denies: true, ..rule("refuses", &["refused.example"], &[443], &[]) });
    let reach = Reach::new(rules, true, Own::from_iter(["8.8.4.4".parse().unwrap()]));
    let unseen = TlsName::Unseen;
    let to = |host: &str, port, address: Option<&str>| {
        reach.to_name(&name(host), port, address.map(ip), (&unseen, &Caller::Unasked)).verdict
    };
    assert_eq!(reach.resolve(&name("a.example")).verdict, Verdict::Ask);
    assert_eq!(reach.resolve(&name("api.github.com")).verdict, Verdict::Allow);
    assert_eq!(to("a.example", 443, None), Verdict::Ask);
    assert_eq!(to("a.example", 443, Some("8.8.8.8")), Verdict::Ask);
    assert_eq!(to("api.github.com", 80, None), Verdict::Ask);
    assert_eq!(to("api.github.com", 443, None), Verdict::Allow);
    assert_eq!(reach.to_address(ip("8.8.8.8"), 80, &Caller::Unasked).verdict, Verdict::Ask);
    // What a rule would deny no answer permits.
    for address in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "8.8.4.4", "::ffff:10.0.0.1"] {
        assert_eq!(to("a.example", 443, Some(address)), Verdict::Deny, "{address}");
        assert_eq!(
            reach.to_address(ip(address), 443, &Caller::Unasked).verdict,
            Verdict::Deny,
            "{address}"
        );
    }
    assert_eq!(to("api.github.com", 443, Some("127.0.0.1")), Verdict::Deny);
    // Its requests would pass unseen.
    assert_eq!(to("refused.example", 443, None), Verdict::Deny);
    for tls in [TlsName::Named(name("b.example")), TlsName::NotTls, TlsName::Hidden("ECH".into())] {
        let decision = reach.to_name(&name("a.example"), 443, None, (&tls, &Caller::Unasked));
        assert_eq!(decision.verdict, Verdict::Deny, "{tls:?}");
    }
}

#[test]
fn reaches_metadata_by_a_wide_range() {
    let wide = reach(&[rule("wide", &["a.example"], &[80], &["0.0.0.0/0", "::/0"])]);
    let whole = reach(&[rule("whole", &["a.example"], &[80], &["169.254.169.254"])]);
    let to = |reach: &Reach, address| {
        reach
            .to_name(
                &name("a.example"),
                80,
                Some(ip(address)),
                (&TlsName::Unseen, &Caller::Unasked),
            )
            .is_allowed()
    };
    assert!(to(&wide, "192.168.0.1") && to(&wide, "127.0.0.1"));
    assert!(!to(&wide, "169.254.169.254") && !to(&wide, "fe80::1") && !to(&wide, "fd00:ec2::254"));
    assert!(!to(&wide, "100.100.100.200") && !to(&wide, "::ffff:169.254.169.254"));
    assert!(to(&whole, "169.254.169.254"));
    assert!(!to(&whole, "169.254.169.253") && !to(&whole, "64:ff9b::169.254.169.254"));
}

#[test]
fn fronts_with_another_sni_or_none() {
    let reach = reach(&github());
    let to = |tls| {
        reach.to_name(&name("api.github.com"), 443, Some(ip("1.1.1.1")), (&tls, &Caller::Unasked))
    };
    assert!(to(TlsName::Named(name("api.github.com"))).is_allowed());
    for tls in [
        TlsName::Named(name("github.com")),
        TlsName::Hidden("it may be encrypted (ECH)".into()),
        TlsName::NotTls,
    ] {
        let decision = to(tls);
        assert!(!decision.is_allowed());
        assert_eq!(decision.rule.as_deref(), Some("network.rules[github]"));
    }
    let ssh = reach.to_name(&name("github.com"), 22, None, (&TlsName::NotTls, &Caller::Unasked));
    assert!(ssh.is_allowed());
}

#[test]
fn bare_addresses_need_a_rule_without_hosts() {
    let reach = reach(&[
        rule("named", &["a.example"], &[80], &["10.0.0.0/8", "1.1.1.1"]),
        rule("bare", &[], &[53, 80], &["10.1.0.0/16", "9.9.9.9"]),
    ]);
    assert!(reach.to_address(ip("10.1.2.3"), 80, &Caller::Unasked).is_allowed());
    assert!(reach.to_address(ip("9.9.9.9"), 53, &Caller::Unasked).is_allowed());
    for (address, port) in
        [("10.2.0.1", 80), ("10.1.2.3", 81), ("1.1.1.1", 80), ("9.9.9.8", 53), ("169.254.1.1", 80)]
    {
        let decision = reach.to_address(ip(address), port, &Caller::Unasked);
        assert!(!decision.is_allowed(), "{address}");
        assert!(decision.reason.contains("without `hosts`"), "{}", decision.reason);
    }
    assert!(!reach.resolve(&name("b.example")).is_allowed());
}

fn caller(paths: &[&str]) -> Caller {
    let program = |path: &&str| Program {
        path: (*path).to_owned(),
        digest: None,
        changeable: path.starts_with("/work/"),
        script: None,
        ancestors: Vec::new(),
        lineage: palisade_core::Lineage::default(),
        skills: Vec::new(),
    };
    Caller::Known(paths.iter().map(program).collect())
}

fn only(binaries: &[&str], rule: Rule) -> Rule {
    Rule { binaries: binaries.iter().map(|text| text.parse().unwrap()).collect(), ..rule }
}

#[test]
fn a_rule_for_a_program_is_for_no_other() {
    let reach = reach(&[
        only(&["/**/git"], rule("git", &["a.example"], &[443], &["10.0.0.0/8"])),
        rule("any", &["a.example"], &[443], &[]),
        only(&["/usr/bin/git"], rule("alone", &["b.example"], &[443], &[])),
        only(&["/usr/bin/git"], rule("bare", &[], &[22], &["10.1.1.1"])),
    ]);
    let to = |host: &str, address: &str, caller: &Caller| {
        reach.to_name(&name(host), 443, Some(ip(address)), (&TlsName::Unseen, caller))
    };
    let git = caller(&["/usr/bin/git"]);
    assert_eq!(to("a.example", "1.1.1.1", &git).rule.as_deref(), Some("network.rules[git]"));
    assert!(to("a.example", "10.1.1.1", &git).is_allowed());
    assert!(reach.to_address(ip("10.1.1.1"), 22, &git).is_allowed());
    for other in [
        caller(&["/usr/bin/curl"]),
        caller(&["/work/git"]),
        caller(&["/usr/bin/git", "/usr/bin/curl"]),
        caller(&[]),
        Caller::Unasked,
        Caller::Unknown("it is gone".into()),
    ] {
        let any = to("a.example", "1.1.1.1", &other);
        assert_eq!(any.rule.as_deref(), Some("network.rules[any]"), "{other:?}");
        assert!(!to("a.example", "10.1.1.1", &other).is_allowed(), "{other:?}");
        assert!(!to("b.example", "1.1.1.1", &other).is_allowed(), "{other:?}");
        assert!(!reach.to_address(ip("10.1.1.1"), 22, &other).is_allowed(), "{other:?}");
    }
    // The name itself is answered to all.
    assert!(reach.resolve(&name("b.example")).is_allowed());
    let denied = to("b.example", "1.1.1.1", &caller(&["/usr/bin/curl"]));
    assert_eq!(denied.rule.as_deref(), Some("network.rules[alone]"));
    assert_eq!(
        denied.reason,
        "network.rules[alone] permits b.example:443 to /usr/bin/git, and /usr/bin/curl tried; to allow \
         it, add \"/usr/bin/curl\" to `binaries` of network.rules[alone]"
    );
    let own = to("b.example", "1.1.1.1", &caller(&["/work/usr/bin/git"]));
    assert!(own.reason.contains("add its digest"), "{}", own.reason);
    let unknown = to("b.example", "1.1.1.1", &Caller::Unknown("it is gone".into()));
    assert!(unknown.reason.contains("cannot be told: it is gone"), "{}", unknown.reason);
}

#[test]
fn records_are_opened_by_whole_names() {
    let opened = |hosts: &[&str]| Rule {
        records: [RecordKind::Srv].into(),
        ..rule("r", hosts, &[443], &[])
    };
    let reach = reach(&[
        opened(&["_x._tcp.a.example", "**.b.example"]),
        rule("c", &["c.example"], &[443], &[]),
    ]);
    let records = |host: &str, kind| reach.records(&name(host), kind).is_allowed();
    assert!(records("_x._tcp.a.example", RecordKind::Srv));
    assert!(!records("_x._tcp.a.example", RecordKind::Txt));
    assert!(!records("words.b.example", RecordKind::Srv) && !records("c.example", RecordKind::Srv));
}

#[test]
fn it_is_looked_at_who_connects_only_where_it_decides() {
    let digest = format!("sha256:{}", "00".repeat(32));
    let rules = [
        rule("any", &["a.example"], &[443], &[]),
        only(&["/usr/bin/git"], rule("git", &["*.example"], &[80], &[])),
        only(&[&digest], rule("digest", &["c.example"], &[80], &[])),
        only(&["/usr/bin/git"], rule("bare", &[], &[22], &["10.1.1.1"])),
    ];
    let looks = |reach: &Reach| {
        let to = |host: &str, port| reach.look(Some(&name(host)), ip("198.18.0.1"), port);
        let bare = |address, port| reach.look(None, ip(address), port);
        [
            to("a.example", 443),
            to("a.example", 80),
            to("c.example", 80),
            to("x.test", 80),
            bare("10.1.1.1", 22),
            bare("10.1.1.2", 22),
        ]
    };
    use Look::{Changeable, Digests, Paths};
    let none = Look::None;
    assert_eq!(looks(&reach(&rules)), [none, Paths, Digests, none, Paths, none]);
    // The operator is shown who asks.
    let asks = Reach::new(rules.to_vec(), true, Own::default());
    assert_eq!(looks(&asks), [none, Paths, Digests, Changeable, Paths, Changeable]);
    assert_eq!(looks(&reach(&github())), [none; 6]);
    let most = |rules: &[Rule], ask| Reach::new(rules.to_vec(), ask, Own::default()).look_at_most();
    assert_eq!([most(&rules, false), most(&rules, true)], [Digests; 2]);
    assert_eq!([most(&rules[..2], false), most(&rules[..2], true)], [Paths, Changeable]);
    assert_eq!([most(&rules[..1], false), most(&github(), true)], [none, Changeable]);
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let host = prop::sample::select(vec![
        "a.example",
        "*.example",
        "**.example",
        "b.a.example",
        "*.a.example",
        "other.test",
    ]);
    let net = prop::sample::select(vec![
        "10.0.0.0/8",
        "127.0.0.1",
        "0.0.0.0/0",
        "::/0",
        "169.254.169.254",
        "fe80::/10",
    ]);
    let port = prop::sample::select(vec![22_u16, 80, 443]);
    (
        prop::collection::vec(host, 0..3),
        prop::collection::vec(port, 0..3),
        prop::collection::vec(net, 0..3),
    )
        .prop_map(|(hosts, ports, nets)| rule("r", &hosts, &ports, &nets))
}

fn any_question() -> impl Strategy<Value = (Option<HostName>, u16, Option<IpAddr>, TlsName)> {
    let host = prop::sample::select(vec!["a.example", "b.a.example", "c.b.a.example", "example"]);
    let address = prop::sample::select(vec![
        "10.1.1.1",
        "127.0.0.1",
        "1.1.1.1",
        "169.254.169.254",
        "fe80::1",
        "2606::1",
    ]);
    let tls = prop_oneof![
        Just(TlsName::Unseen),
        Just(TlsName::NotTls),
        Just(TlsName::Named(name("a.example"))),
        Just(TlsName::Hidden("it has none".into())),
    ];
    let port = prop::sample::select(vec![22_u16, 80, 443]);
    (prop::option::of(host.prop_map(name)), port, prop::option::of(address.prop_map(ip)), tls)
}

fn allowed(reach: &Reach, question: &(Option<HostName>, u16, Option<IpAddr>, TlsName)) -> bool {
    let (host, port, address, tls) = question;
    match (host, address) {
        (Some(host), address) => {
            reach.to_name(host, *port, *address, (tls, &Caller::Unasked)).is_allowed()
        }
        (None, Some(address)) => reach.to_address(*address, *port, &Caller::Unasked).is_allowed(),
        (None, None) => false,
    }
}

proptest! {
    #[test]
    fn adding_a_rule_never_denies_more(
        rules in prop::collection::vec(any_rule(), 0..5),
        more in any_rule(),
        at in any::<prop::sample::Index>(),
        question in any_question(),
    ) {
        let before = reach(&rules);
        let mut wider = rules;
        wider.insert(at.index(wider.len() + 1), more);
        let after = reach(&wider);
        prop_assert!(!allowed(&before, &question) || allowed(&after, &question));
        if let Some(host) = &question.0 {
            prop_assert!(!before.resolve(host).is_allowed() || after.resolve(host).is_allowed());
        }
    }

    #[test]
    fn what_may_connect_to_a_name_may_resolve_it(
        rules in prop::collection::vec(any_rule(), 0..5), question in any_question(),
    ) {
        let reach = reach(&rules);
        if let (Some(host), true) = (&question.0, allowed(&reach, &question)) {
            prop_assert!(reach.resolve(host).is_allowed());
        }
    }

    #[test]
    fn the_tables_find_what_the_patterns_match(
        rules in prop::collection::vec(any_rule(), 0..5), question in any_question(),
    ) {
        let reach = reach(&rules);
        let Some(host) = question.0 else { return Ok(()) };
        let by_hand = rules.iter().any(|rule| rule.hosts.iter().any(|p| p.matches(&host)));
        prop_assert_eq!(reach.resolve(&host).is_allowed(), by_hand);
    }
}
