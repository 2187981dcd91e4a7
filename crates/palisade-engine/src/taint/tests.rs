use std::collections::BTreeSet;

use palisade_core::{Caller, ToolInput};
use palisade_permissions::Place;

use super::*;
use crate::{Engine, Rule, Scope, TaintScope, When};

fn scope(acts: &[TaintedAct]) -> Scope {
    let rule = |name: &str, inspect: bool, carries: bool| Rule {
        id: format!("network.rules[{name}]"),
        hosts: vec![format!("{name}.example").parse().unwrap()],
        ports: vec![443, 22],
        inspect,
        carries: carries.then(|| "key".to_owned()).into_iter().collect(),
        ..Rule::default()
    };
    let taint = Taint {
        by: BTreeSet::from(Untrusted::ALL),
        hosts: vec!["odd.example".parse().unwrap()],
        acts: acts.iter().copied().collect(),
        rules: vec![palisade_policy::TaintRule {
            text: "mcp__slack__post".into(),
            base: "/".into(),
        }],
        home: "/home/me".into(),
    };
    let signs = vec!["signs.example".parse().unwrap()];
    Scope {
        rules: vec![
            rule("seen", true, false),
            rule("carries", true, true),
            rule("dark", false, false),
            rule("signs", false, false),
            rule("odd", true, false),
        ],
        taint: Some(TaintScope { taint, place: Place::default(), signs }),
        ..Scope::default()
    }
}

fn call(name: &str, input: serde_json::Value) -> Action {
    Action::ToolCall(Box::new(ToolCall {
        name: name.into(),
        input: ToolInput::Object(input.as_object().cloned().unwrap_or_default()),
        id: None,
        seen: ToolSeen::Answer,
    }))
}

fn bash(command: &str) -> Action {
    call("Bash", serde_json::json!({"command": command}))
}

fn exec(argv: &[&str]) -> Action {
    Action::Exec(Box::new(palisade_core::Exec {
        program: "/usr/bin/git".into(),
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        whole: true,
        ..palisade_core::Exec::default()
    }))
}

fn request(host: &str, method: &str, target: &str) -> Action {
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    Action::Request(Box::new(Request {
        host: format!("{host}.example").parse().unwrap(),
        port: 443,
        tls: true,
        address: None,
        method: method.into(),
        path: path.into(),
        query: query.map(Into::into),
        headers: Vec::new(),
        body: Body::Unread,
        caller: Caller::Unasked,
    }))
}

fn websocket(host: &str) -> Action {
    let Action::Request(mut request) = request(host, "GET", "/") else { unreachable!() };
    request.headers.push(("upgrade".into(), b"websocket".to_vec()));
    Action::Request(request)
}

fn connect(host: &str, port: u16) -> Action {
    Action::Connect {
        host: Some(format!("{host}.example").parse().unwrap()),
        port,
        address: Some("1.1.1.1:443".parse().unwrap()),
        tls: palisade_core::TlsName::Unseen,
        caller: Caller::Unasked,
    }
}

/// Acts that a word asks for, and acts beside them that it does not.
fn acts() -> Vec<(TaintedAct, Action, bool)> {
    use TaintedAct::{Publish, Push, Secrets, Send};
    vec![
        (Push, bash("git push"), true),
        (Push, bash("cd x && git push origin main"), true),
        (Push, exec(&["git", "push"]), true),
        (Push, exec(&["git", "-C", "y", "--no-pager", "push", "origin"]), true),
        (Push, exec(&["git", "-c", "alias.p=push", "p"]), true),
        (Push, exec(&["git", "-calias.p=push", "p"]), true),
        (Push, exec(&["git", "--shallow-file", "f", "push"]), true),
        (Push, exec(&["git", "-c", "include.path=f", "p"]), true),
        (Push, exec(&["git", "-c", "includeIf.gitdir:/.path=f", "p"]), true),
        (Push, exec(&["git", "-C", "push", "status"]), false),
        (Push, exec(&["git", "--version"]), false),
        (Push, bash("sh -c 'git push --force'"), true),
        (Push, bash("git log --oneline"), false),
        (Push, request("seen", "POST", "/o/r.git/git-receive-pack"), true),
        (Push, request("seen", "POST", "/o/r.git/git%2dreceive-pack"), true),
        (Push, request("seen", "GET", "/o/r.git/info/refs?service=git-receive-pack"), true),
        (Push, request("seen", "GET", "/o/r.git/info/refs?service=git-upload-pack"), false),
        (Push, request("seen", "POST", "/o/r.git/git-upload-pack"), false),
        (Push, connect("dark", 22), true),
        (Push, connect("dark", 443), false),
        (Publish, bash("npm publish --access public"), true),
        (Publish, bash("npm install"), false),
        (Send, request("seen", "POST", "/"), true),
        (Send, request("seen", "GET", "/"), false),
        (Send, request("seen", "GET", "/?_method=delete"), true),
        (Send, websocket("seen"), true),
        (Push, websocket("seen"), false),
        (Send, connect("dark", 443), true),
        (Send, connect("seen", 443), false),
        (Secrets, request("carries", "GET", "/"), true),
        (Secrets, request("seen", "GET", "/"), false),
        (Secrets, connect("signs", 22), true),
        (Secrets, connect("dark", 22), false),
    ]
}

#[test]
fn what_is_decided_of_an_execution_depends_on_what_came_in() {
    assert_eq!(Engine::new(scope(&[])).steady_execs(), None);
}

#[test]
fn what_is_named_is_asked_once_something_came_in_and_not_before() {
    for (act, action, asked) in acts() {
        let engine = Engine::new(scope(&[act]));
        assert!(engine.decide(&action).is_allowed(), "{action:?}");
        assert!(engine.tainted(Untrusted::Web) && !engine.tainted(Untrusted::Web));
        let decision = engine.decide(&action);
        assert_eq!(decision.verdict == Verdict::Ask, asked, "{act:?} {action:?}: {decision:?}");
        if asked {
            assert_eq!(decision.rule, Some(format!("taint.ask[{}]", act.as_str())));
            assert!(decision.reason.contains("(web)"), "{}", decision.reason);
            assert!(engine.decide_untainted(&action).is_allowed());
        }
        // Without the word nothing is asked.
        let other = Engine::new(scope(&[]));
        other.tainted(Untrusted::Web);
        assert!(other.decide(&action).is_allowed(), "{action:?}");
    }
}

#[test]
fn a_rule_is_asked_by_its_text() {
    let engine = Engine::new(scope(&[]));
    engine.tainted(Untrusted::Injection);
    let decision = engine.decide(&call("mcp__slack__post", serde_json::json!({})));
    assert_eq!(decision.rule.as_deref(), Some("taint.ask[mcp__slack__post]"));
    assert!(engine.decide(&call("mcp__slack__read", serde_json::json!({}))).is_allowed());
    assert!(engine.programs().is_empty());
    assert!(Engine::new(scope(&[TaintedAct::Push])).programs().contains(&"git".to_owned()));
}

#[test]
fn what_brings_content_in() {
    let engine = Engine::new(scope(&[]));
    let brings = |action: &Action| engine.brings(action, &engine.decide(action));
    for (action, how) in [
        (call("WebFetch", serde_json::json!({"url": "https://x.example/"})), Some(Untrusted::Web)),
        (call("WebSearch", serde_json::json!({"query": "x"})), Some(Untrusted::Web)),
        (call("mcp__a__b", serde_json::json!({})), Some(Untrusted::Mcp)),
        (bash("ls"), None),
        (connect("odd", 443), Some(Untrusted::Hosts)),
        (request("odd", "GET", "/"), Some(Untrusted::Hosts)),
        (connect("seen", 443), None),
    ] {
        assert_eq!(brings(&action), how, "{action:?}");
    }
    let approved = Decision::allow(APPROVED, "uid 7 permits it");
    assert_eq!(engine.brings(&connect("dark", 443), &approved), Some(Untrusted::UnknownHosts));
}

#[test]
fn a_policy_that_does_not_count_it_asks_nothing() {
    let mut narrow = scope(&[TaintedAct::Send]);
    if let Some(it) = &mut narrow.taint {
        it.taint.by = [Untrusted::Mcp].into();
    }
    let engine = Engine::new(narrow);
    assert!(!engine.tainted(Untrusted::Web) && !engine.is_tainted());
    assert!(engine.decide(&request("seen", "POST", "/")).is_allowed());
    // It is remembered for a policy that does.
    engine.replace(scope(&[TaintedAct::Send]));
    assert!(engine.is_tainted());
    assert_eq!(engine.decide(&request("seen", "POST", "/")).verdict, Verdict::Ask);
}

#[test]
fn conditions_may_name_it() {
    let mut scope = scope(&[]);
    for (rule, when) in scope.rules.iter_mut().zip(["size(taint) == 0", "!('web' in taint)"]) {
        rule.when = When::of(Some(when), palisade_condition::Stage::Connections);
    }
    let engine = Engine::new(scope);
    for host in ["seen", "carries"] {
        assert!(engine.decide(&connect(host, 443)).is_allowed(), "{host}");
    }
    engine.tainted(Untrusted::Mcp);
    assert!(!engine.decide(&connect("seen", 443)).is_allowed());
    assert!(engine.decide(&connect("carries", 443)).is_allowed());
    engine.tainted(Untrusted::Web);
    let denied = engine.decide(&connect("carries", 443));
    assert!(!denied.is_allowed() && denied.reason.contains("`when` does not hold"));
}

#[test]
fn names_of_files_count_from_where_the_agent_is() {
    let mut scope = scope(&[]);
    if let Some(of) = &mut scope.taint {
        let text = "Edit(config/prod/**)".into();
        of.taint.rules.push(palisade_policy::TaintRule { text, base: "/".into() });
        of.place = Place { workspace: "/no-such-work".into(), ..Place::default() };
    }
    let engine = Engine::new(scope);
    let write = call("Write", serde_json::json!({"file_path": "key", "content": "x"}));
    let decided = |folder: &str| engine.decide_in(&write, Some(Path::new(folder))).strictest();
    assert!(decided("/no-such-work/config/prod").is_allowed());
    engine.tainted(Untrusted::Web);
    let asked = decided("/no-such-work/config/prod");
    assert_eq!(asked.rule.as_deref(), Some("taint.ask[Edit(config/prod/**)]"), "{asked:?}");
    assert!(decided("/no-such-work").is_allowed() && decided("/no-such-work/src").is_allowed());
    assert!(engine.decide(&write).is_allowed());
}
