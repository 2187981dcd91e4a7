use palisade_core::{Body, Exec, Lineage, OfSkills, Program, Request, TlsName, Verdict};

use super::*;
use crate::{Engine, Rule, Scope};

fn program(skills: &[&str]) -> Program {
    Program {
        path: "/usr/bin/python3".to_owned(),
        digest: None,
        changeable: false,
        script: None,
        ancestors: Vec::new(),
        lineage: Lineage::default(),
        skills: skills.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn by(skills: &[&str]) -> Caller {
    Caller::Known([program(skills)].into())
}

fn connect(host: &str, caller: Caller) -> Action {
    let (host, port, tls) = (Some(host.parse().unwrap()), 443, TlsName::Unseen);
    Action::Connect { host, port, address: None, tls, caller }
}

fn engine() -> Engine {
    let rule = |host: &str| Rule {
        id: format!("network.rules[{host}]"),
        hosts: vec![host.parse().unwrap()],
        ports: vec![443],
        ..Rule::default()
    };
    let rules = ["a.example", "b.example", "c.example"].map(rule).into();
    let policy = |json: &str| vec![serde_json::from_str(json).unwrap()];
    let all = [
        ("one", policy(r#"{"network": [{"hosts": ["a.example", "b.example", "d.example"]}]}"#)),
        (
            "two",
            policy(
                r#"{"network": [{"hosts": ["b.example"]}], "models": true, "credentials": ["key"],
                    "programs": ["/usr/bin/git"]}"#,
            ),
        ),
    ];
    let all = all.into_iter().map(|(name, policies)| (name.to_owned(), policies)).collect();
    Engine::new(Scope { rules, ..Scope::default() }).with_skills(all)
}

#[test]
fn a_skill_gets_what_the_session_and_its_own_policy_permit() {
    let engine = engine();
    for (skills, host, allowed) in [
        (&[][..], "a.example", true),
        (&[], "c.example", true),
        (&["one"], "a.example", true),
        (&["one"], "b.example", true),
        (&["one"], "c.example", false),
        // Its own policy is no permission.
        (&["one"], "d.example", false),
        (&["two"], "a.example", false),
        (&["one", "two"], "b.example", true),
        (&["one", "two"], "a.example", false),
        (&["two", "one"], "a.example", false),
        (&["gone"], "a.example", false),
    ] {
        let decision = engine.decide(&connect(host, by(skills)));
        assert_eq!(decision.is_allowed(), allowed, "{skills:?} {host}: {}", decision.reason);
    }
    let denied = engine.decide(&connect("c.example", by(&["one"])));
    assert_eq!(denied.rule.as_deref(), Some("skills.policies[one]"));
    assert!(denied.reason.contains("c.example:443"), "{}", denied.reason);
}

#[test]
fn who_cannot_be_told_may_be_any_skill() {
    let engine = engine();
    for caller in [Caller::Unasked, Caller::Unknown("gone".into())] {
        assert!(engine.decide(&connect("b.example", caller.clone())).is_allowed());
        for host in ["a.example", "c.example"] {
            let decision = engine.decide(&connect(host, caller.clone()));
            assert_eq!(decision.verdict, Verdict::Deny, "{host}");
        }
    }
    // One of several programs that have the connection is enough.
    let both = Caller::Known([program(&[]), program(&["one"])].into());
    assert!(!engine.decide(&connect("c.example", both)).is_allowed());
    // Who connects has always to be looked at.
    assert_ne!(engine.look_at_most(), Look::None);
}

#[test]
fn models_and_credentials_are_for_who_names_them() {
    let engine = engine();
    let gateway: HostName = "inference.local".parse().unwrap();
    assert!(engine.serving(&gateway, &by(&[])).is_none());
    assert!(engine.serving(&gateway, &by(&["two"])).is_none());
    assert!(engine.serving(&gateway, &by(&["one"])).is_some());
    assert!(engine.serving(&gateway, &by(&["two", "one"])).is_some());
    assert!(engine.serving(&gateway, &Caller::Unasked).is_some());
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert!(engine.using("key", Some(&names(&[]))).is_none());
    assert!(engine.using("key", Some(&names(&["two"]))).is_none());
    assert!(engine.using("other", Some(&names(&["two"]))).is_some());
    assert!(engine.using("key", Some(&names(&["two", "one"]))).is_some());
    assert!(engine.using("key", None).is_some());
}

#[test]
fn a_request_that_would_carry_a_credential_is_for_who_names_it() {
    let rule = Rule {
        id: "network.rules[b]".to_owned(),
        hosts: vec!["b.example".parse().unwrap()],
        ports: vec![443],
        inspect: true,
        carries: vec!["key".to_owned()],
        ..Rule::default()
    };
    let reach = |credentials: &str| {
        let text =
            format!(r#"{{"network": [{{"hosts": ["b.example"]}}], "credentials": {credentials}}}"#);
        vec![serde_json::from_str(&text).unwrap()]
    };
    let all = [("with", reach(r#"["key"]"#)), ("without", reach("[]"))];
    let all = all.into_iter().map(|(name, policies)| (name.to_owned(), policies)).collect();
    let engine = Engine::new(Scope { rules: vec![rule], ..Scope::default() }).with_skills(all);
    let request = |skills: &[&str]| {
        let request = Request {
            host: "b.example".parse().unwrap(),
            port: 443,
            tls: true,
            address: None,
            method: "GET".into(),
            path: "/".into(),
            query: None,
            headers: Vec::new(),
            body: Body::Unread,
            caller: by(skills),
        };
        engine.decide(&Action::Request(Box::new(request)))
    };
    assert!(request(&[]).is_allowed() && request(&["with"]).is_allowed());
    for skills in [&["without"][..], &["with", "without"]] {
        let denied = request(skills);
        assert_eq!(denied.rule.as_deref(), Some("skills.policies[without]"));
        assert!(denied.reason.contains("the credential key"), "{}", denied.reason);
    }
}

#[test]
fn a_skill_starts_its_own_files_and_what_is_named() {
    let engine = engine();
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let decide = |path: Option<&str>, skills: &[&str], own: &[&str]| {
        let program = path.map(|path| Program { path: path.to_owned(), ..program(&[]) });
        let of = OfSkills { skills: names(skills), program, own: names(own), more: Vec::new() };
        engine.decide(&Action::Exec(Box::new(Exec { of, ..Exec::default() }))).is_allowed()
    };
    let exec = |path: Option<&str>, skills: &[&str]| decide(path, skills, &[]);
    assert!(exec(Some("/usr/bin/curl"), &["one"]) && exec(Some("/usr/bin/git"), &["two"]));
    assert!(exec(None, &["two"]) && exec(Some("/usr/bin/curl"), &[]));
    assert!(
        !exec(Some("/usr/bin/curl"), &["two"]) && !exec(Some("/usr/bin/curl"), &["one", "two"])
    );
    // What one skill has brought is not for another, and what both have is for both.
    let brought = "/skills/two/tool";
    assert!(decide(Some(brought), &["one", "two"], &["two"]));
    assert!(!decide(Some(brought), &["one", "two"], &["one"]));
    assert!(decide(Some(brought), &["one", "two"], &["one", "two"]));
}
