use std::time::{Duration, SystemTime};

use palisade_core::{
    Body, Caller, Exec, HostName, Request, ToolCall, ToolInput, ToolSeen, Untrusted,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn request() -> Action {
    Action::Request(Box::new(Request {
        host: "api.example".parse::<HostName>().unwrap(),
        port: 443,
        tls: true,
        address: None,
        method: "POST".into(),
        path: b"/v1/items".to_vec(),
        query: Some(b"a=1".to_vec()),
        headers: vec![
            ("x-team".into(), b"red".to_vec()),
            ("accept".into(), b"a".to_vec()),
            ("accept".into(), b"b".to_vec()),
        ],
        body: Body::Unread,
        caller: Caller::Unasked,
    }))
}

fn call() -> Action {
    let input = json!({"command": "git push", "n": 3, "deep": {"list": ["a", "b"]}});
    let serde_json::Value::Object(input) = input else { unreachable!() };
    Action::ToolCall(Box::new(ToolCall {
        name: "Bash".into(),
        input: ToolInput::Object(input),
        id: None,
        seen: ToolSeen::Answer,
    }))
}

fn answer(text: &str, stage: Stage, action: &Action) -> Answer {
    let history = Arc::new(History::default());
    for _ in 0..3 {
        history.add("request");
    }
    // A Thursday, 26 November 2026, 15:30 UTC.
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_707_000);
    Condition::new(text, stage).unwrap_or_else(|error| panic!("{text}: {error}")).holds(
        action,
        &Moment { now, mode: "default", history: &history, taint: &[Untrusted::Web] },
    )
}

#[test]
fn says_yes_and_no() {
    for (text, expected) in [
        ("method == 'POST'", true),
        ("method == \"GET\" || path.startsWith('/v1/')", true),
        ("now.hour >= 9 && now.hour < 17 && !(now.weekday in ['saturday', 'sunday'])", true),
        ("now.hour < 9", false),
        ("now.year == 2026 && now.month == 11 && now.day == 26 && now.minute == 30", true),
        ("host.endsWith('.example') && port == 443", true),
        ("query.contains('a=1') && size(query) == 3", true),
        ("'x-team' in headers && headers['x-team'] == 'red'", true),
        ("headers.accept == 'a, b'", true),
        ("has(headers.missing)", false),
        ("count('request', 10) < 3", false),
        ("count('request', 10) == 3 && count('exec', 1) == 0", true),
        ("mode == 'default' ? port < 1000 : false", true),
        ("kind == 'request'", true),
        ("['a', 'b'].exists(x, x == 'b')", true),
        ("headers.all(name, name.size() > 3)", true),
    ] {
        let expected = if expected { Answer::Yes } else { Answer::No };
        assert_eq!(answer(text, Stage::Requests, &request()), expected, "{text}");
    }
    for (text, expected) in [
        ("tool == 'Bash' && input.command.startsWith('git ')", true),
        ("input.n > 2", true),
        ("'b' in input.deep.list", true),
        ("input.deep.list.exists(x, x == 'c')", false),
        ("has(input.file_path)", false),
        ("input.n == null", false),
    ] {
        let expected = if expected { Answer::Yes } else { Answer::No };
        assert_eq!(answer(text, Stage::Calls, &call()), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_told_is_neither_yes_nor_no() {
    for text in ["headers['missing'] == 'x'", "port / (port - port) == 1"] {
        let said = answer(text, Stage::Requests, &request());
        assert!(matches!(said, Answer::Failed(_)), "{text}: {said:?}");
    }
    for text in
        ["input.missing == 'x'", "input.n == 'abc'.size() && input.n.startsWith('x')", "input"]
    {
        let said = answer(text, Stage::Calls, &call());
        assert!(matches!(said, Answer::Failed(_)), "{text}: {said:?}");
    }
    let cut = Action::Exec(Box::new(Exec { whole: false, ..Exec::default() }));
    assert!(matches!(answer("'x' in argv", Stage::Calls, &cut), Answer::Failed(_)));
}

/// An agent that writes `"true"` for `true` is not told from one that writes nothing a rule names.
#[test]
fn a_value_of_another_kind_is_not_merely_unequal() {
    let of = |value: serde_json::Value| {
        let serde_json::Value::Object(input) = json!({"n": value}) else { unreachable!() };
        Action::ToolCall(Box::new(ToolCall {
            name: "Bash".into(),
            input: ToolInput::Object(input),
            id: None,
            seen: ToolSeen::Answer,
        }))
    };
    let failed = |text: &str, value: serde_json::Value| {
        matches!(answer(text, Stage::Calls, &of(value)), Answer::Failed(_))
    };
    for value in [json!("true"), json!(1), json!([true]), json!(null), json!({"n": true})] {
        assert!(failed("input.n == true", value.clone()), "{value}");
        assert!(failed("!(input.n == true)", value.clone()), "{value}");
        assert!(failed("input.n != true", value.clone()), "{value}");
        assert!(failed("input.n in [true]", value.clone()), "{value}");
        assert!(failed("[1].exists(x, input.n == true)", value.clone()), "{value}");
    }
    assert!(failed("input.n in ['a']", json!(["a"])));
    assert!(failed("'a' in input.n", json!([1])));
    for (text, value, expected) in [
        ("input.n == true", json!(true), Answer::Yes),
        ("input.n == true", json!(false), Answer::No),
        ("input.n != 5", json!(5.0), Answer::No),
        ("input.n in [4, 5]", json!(5), Answer::Yes),
        ("'a' in input.n", json!(["b", "a"]), Answer::Yes),
        ("'a' in input.n", json!({"a": 1}), Answer::Yes),
        ("'a' in input.n", json!([]), Answer::No),
        ("input.n == null", json!("x"), Answer::No),
        ("null != input.n", json!(null), Answer::No),
        ("'m' in input", json!(1), Answer::No),
        ("input.n == ['a']", json!(["b"]), Answer::No),
        // What decides without it decides.
        ("input.n == true || mode == 'default'", json!("true"), Answer::Yes),
        ("input.n == true && mode == 'plan'", json!("true"), Answer::No),
    ] {
        assert_eq!(answer(text, Stage::Calls, &of(value.clone())), expected, "{text} {value}");
    }
}

#[test]
fn what_is_not_known_yet_waits() {
    let resolve = Action::Resolve { name: "api.example".parse::<HostName>().unwrap() };
    assert_eq!(answer("method == 'GET'", Stage::Requests, &resolve), Answer::Later);
    assert_eq!(answer("host == 'api.example'", Stage::Requests, &resolve), Answer::Yes);
    assert_eq!(answer("'x' in argv", Stage::Calls, &call()), Answer::Later);
}

#[test]
fn refuses_when_it_is_read() {
    for (text, why) in [
        ("", "empty"),
        ("method ==", "no CEL"),
        ("method = 'GET'", "no CEL"),
        ("methd == 'GET'", "names `methd`"),
        ("method == 1", "between"),
        ("method", "must be true or false"),
        ("now.hours > 1", "no `hours`"),
        ("port > '1'", "between"),
        ("port in headers", "never in"),
        ("headers > headers", "no order"),
        ("tainted", "names `tainted`"),
        ("input.x", "names `input`"),
        ("count('requests', 1) > 1", "knows the kinds"),
        ("count('request', 0) > 1", "goes back"),
        ("count('request', port) > 1", "takes a kind"),
        ("path.matches('(a+)+$')", "no `matches`"),
        ("path + path == ''", "reckoned"),
        ("[1, 'a'].size() > 1", "a list has"),
        ("headers.all(a, headers.all(b, a == b))", "stands in another"),
        ("port == 1u", "without `u`"),
        ("Foo{a: 1} == Foo{a: 1}", ""),
        ("true\u{202e}", ""),
        ("kind == 'tool'", "no `tool` here"),
        ("'Default' == mode", "no `Default` here, only default"),
        ("mode in ['plan', 'bypass']", "no `bypass` here"),
        ("now.weekday == 'Saturday'", "no `Saturday` here, only monday"),
        ("!(now.weekday in ['saturday', 'sun'])", "no `sun` here"),
        ("'tainted' in taint", "no `tainted` here, only injection"),
        ("true\0", "control"),
    ] {
        let error = Condition::new(text, Stage::Requests).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let connections = Condition::new("method == 'GET'", Stage::Connections);
    assert!(connections.unwrap_err().to_string().contains("names `method`"));
}

#[test]
fn a_text_that_goes_deep_is_refused_and_ends_nothing() {
    for text in [
        format!("{}true{}", "(".repeat(400), ")".repeat(400)),
        format!("{}true", "!".repeat(900)),
        format!("{}1 == 1", "- ".repeat(400)),
        format!("{}[]{} == []", "[".repeat(400), "]".repeat(400)),
        format!("{}true", "true ? true : ".repeat(70)),
        format!("port{} == 1", " + 1".repeat(240)),
        format!("input{} == 1", ".a".repeat(480)),
        "(".repeat(999),
        format!("true{}", " && true".repeat(110)),
        "x".repeat(1001),
    ] {
        // Whether it is too deep or just long: it comes back.
        let _said = Condition::new(&text, Stage::Requests).map(|condition| {
            let history = Arc::new(History::default());
            let moment = Moment { now: SystemTime::now(), mode: "", history: &history, taint: &[] };
            condition.holds(&request(), &moment)
        });
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~]{0,60}") {
        let _said = Condition::new(&text, Stage::Requests);
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(
        prop::sample::select(vec![
            "method", "==", "'GET'", "&&", "||", "!", "(", ")", "port", "<", "1", "[", "]", ",",
            "has", ".", "now", "hour", "in", "headers", "?", ":", "all", "x", "size", "-", "{", "}",
        ]), 0..20)) {
        if let Ok(condition) = Condition::new(&words.join(" "), Stage::Requests) {
            let history = Arc::new(History::default());
            let moment = Moment { now: SystemTime::now(), mode: "", history: &history, taint: &[] };
            let _said = condition.holds(&request(), &moment);
        }
    }
}
