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
        caller: Caller::Unasked,
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
fn an_address_that_turns_out_to_be_the_machines_own_is_like_loopback_from_then_on() {
    let engine = Engine::new(scope());
    let there = connect(Some("a.example"), Some("1.1.1.1"));
    assert!(engine.decide(&there).is_allowed());
    for _ in 0..2 {
        assert!(engine.found_own("::ffff:1.1.1.1".parse().unwrap()));
    }
    assert!(!engine.found_own("127.0.0.1".parse().unwrap()));
    let known = Engine::with_own_addresses(scope(), ["1.0.0.1".parse().unwrap()]);
    assert!(!known.found_own("1.0.0.1".parse().unwrap()));
    let decision = engine.decide(&there);
    assert!(!decision.is_allowed() && decision.reason.contains("an address of this machine"));
    engine.replace(scope());
    assert!(!engine.decide(&there).is_allowed());
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

mod conditions {
    use palisade_condition::Stage;
    use palisade_core::{ToolCall, ToolInput, ToolSeen};
    use palisade_permissions::{List, Mode, Place, Settings, Written};

    use super::*;
    use crate::{Rule, When};

    fn when(text: &str, stage: Stage) -> When {
        When::of(Some(text), stage)
    }

    fn rule(text: &str) -> Rule {
        Rule {
            id: "network.rules[it]".into(),
            hosts: vec!["api.example".parse().unwrap()],
            ports: vec![443],
            when: when(text, Stage::Connections),
            ..Rule::default()
        }
    }

    fn connect(address: Option<&str>) -> Action {
        Action::Connect {
            host: Some("api.example".parse().unwrap()),
            port: 443,
            address: address.map(|address| address.parse().unwrap()),
            tls: TlsName::Unseen,
            caller: Caller::Unasked,
        }
    }

    fn engine(rules: Vec<Rule>) -> Engine {
        Engine::new(Scope { rules, ..Scope::default() })
    }

    #[test]
    fn a_rule_counts_where_its_condition_holds() {
        let far = connect(Some("93.184.216.34:443"));
        for (text, expected) in [
            ("true", Verdict::Allow),
            ("false", Verdict::Deny),
            ("now.year > 2020", Verdict::Allow),
            ("now.year < 2020", Verdict::Deny),
            ("address == '93.184.216.34'", Verdict::Allow),
            ("address == '1.1.1.1'", Verdict::Deny),
            ("port / (port - port) == 1", Verdict::Deny),
            // Nobody looked who connects.
            ("programs.all(program, program == '/usr/bin/git')", Verdict::Deny),
        ] {
            let decision = engine(vec![rule(text)]).decide(&far);
            assert_eq!(decision.verdict, expected, "{text}: {}", decision.reason);
            if expected == Verdict::Deny {
                assert!(decision.reason.contains("`when` does not hold"), "{}", decision.reason);
            }
        }
        // A name is answered as long as it is not known to where.
        let early = engine(vec![rule("address == '1.1.1.1'")]);
        let name = "api.example".parse().unwrap();
        assert!(early.decide(&Action::Resolve { name }).is_allowed());
        assert!(early.decide(&connect(None)).is_allowed());
    }

    #[test]
    fn another_rule_permits_what_one_with_a_condition_does_not() {
        let free = Rule { id: "network.rules[free]".into(), when: When::Always, ..rule("true") };
        let decision =
            engine(vec![rule("false"), free]).decide(&connect(Some("93.184.216.34:443")));
        assert_eq!(decision.rule.as_deref(), Some("network.rules[free]"));
    }

    #[test]
    fn counts_what_was_permitted() {
        let engine = engine(vec![rule("count('connect', 10) < 2")]);
        let far = connect(Some("93.184.216.34:443"));
        for _ in 0..2 {
            assert!(engine.decide(&far).is_allowed());
            engine.happened("connect");
        }
        assert!(!engine.decide(&far).is_allowed());
    }

    /// All are decided before one of them counts.
    #[test]
    fn what_is_decided_at_once_has_no_more_room() {
        let engine = engine(vec![rule("count('connect', 10) < 2")]);
        let far = connect(Some("93.184.216.34:443"));
        let decided: Vec<bool> = (0..5).map(|_| engine.decide(&far).is_allowed()).collect();
        assert_eq!(decided, [true; 5]);
        let denied: Vec<bool> = (0..5).map(|_| engine.happens(&far).is_some()).collect();
        assert_eq!(denied, [false, false, true, true, true]);
    }

    fn bash(command: &str) -> Action {
        let input = serde_json::json!({ "command": command });
        let serde_json::Value::Object(input) = input else { unreachable!() };
        let name = "Bash".into();
        let seen = ToolSeen::Answer;
        Action::ToolCall(Box::new(ToolCall {
            name,
            input: ToolInput::Object(input),
            id: None,
            seen,
        }))
    }

    fn with(list: List, text: &str, condition: &str) -> Engine {
        let written = Written { text: text.into(), at: None, base: "/".into() };
        let mut settings = Settings {
            mode: Mode::DontAsk,
            allow: Vec::new(),
            ask: Vec::new(),
            deny: Vec::new(),
            place: Place { workspace: "/work".into(), additional: Vec::new(), home: None },
        };
        if list == List::Deny {
            settings.allow.push(Written { text: "Bash(git *)".into(), ..written.clone() });
            settings.deny.push(written);
        } else {
            settings.allow.push(written);
        }
        let conditions = vec![(list, 0, when(condition, Stage::Calls))];
        Engine::new(Scope { permissions: Some(settings), conditions, ..Scope::default() })
    }

    #[test]
    fn what_is_decided_of_an_execution_stays_so_where_nothing_but_the_policy_decides() {
        let engine = Engine::new(scope());
        let first = engine.steady_execs();
        assert!(first.is_some());
        assert_eq!(engine.steady_execs(), first);
        engine.replace(scope());
        assert!(engine.steady_execs().is_some_and(|next| Some(next) != first));
        assert_eq!(with(List::Deny, "Bash(git *)", "mode == 'default'").steady_execs(), None);
    }

    #[test]
    fn a_permission_counts_where_its_condition_holds_and_a_refusal_also_where_nobody_knows() {
        for (list, condition, allowed) in [
            (List::Allow, "mode == 'dontAsk'", true),
            (List::Allow, "mode == 'default'", false),
            (List::Allow, "input.command.endsWith('main')", true),
            (List::Allow, "input.nothing == 1", false),
            (List::Allow, "'x' in argv", false),
            (List::Deny, "input.command.endsWith('main')", false),
            (List::Deny, "input.command.endsWith('other')", true),
            (List::Deny, "input.nothing == 1", false),
            (List::Deny, "'x' in argv", false),
        ] {
            let engine = with(list, "Bash(git push *)", condition);
            let decision = engine.decide(&bash("git push origin main"));
            assert_eq!(decision.is_allowed(), allowed, "{list:?} {condition}: {}", decision.reason);
        }
    }
}
