use proptest::prelude::*;

use super::*;
use crate::inspect::testing::{Run, rule, run, stream, values};

fn chunk(delta: Value, finish: Option<&str>) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "model": "m",
           "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

fn part(index: u64, name: Option<&str>, arguments: &str) -> Value {
    match name {
        Some(name) => json!({"tool_calls": [{"index": index, "id": format!("c{index}"),
            "type": "function", "function": {"name": name, "arguments": arguments}}]}),
        None => json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}),
    }
}

fn completion(deltas: Vec<Value>, finish: &str) -> String {
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    events.extend(deltas.into_iter().map(|delta| chunk(delta, None)));
    events.push(chunk(json!({}), Some(finish)));
    events.push(
        json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 8}}}),
    );
    stream(&events, false) + "data: [DONE]\n\n"
}

fn ran(text: &str) -> Run {
    run(Box::new(ChatStream::default()), text.as_bytes(), &[])
}

/// The message as the official clients put it together, which need indexes without gaps.
fn put_together(text: &str) -> (String, Vec<(String, String)>, Option<String>) {
    let (mut content, mut calls, mut finish) =
        (String::new(), Vec::<(String, String)>::new(), None);
    for chunk in values(text) {
        for choice in chunk["choices"].as_array().unwrap() {
            assert!(finish.is_none(), "nothing comes after the end");
            let delta = &choice["delta"];
            content.push_str(delta["content"].as_str().unwrap_or_default());
            for part in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = usize::try_from(part["index"].as_u64().unwrap()).unwrap();
                assert!(index <= calls.len(), "a gap");
                if index == calls.len() {
                    calls.push(Default::default());
                    assert!(part["id"].is_string());
                }
                calls[index].0.push_str(part["function"]["name"].as_str().unwrap_or_default());
                calls[index].1.push_str(part["function"]["arguments"].as_str().unwrap_or_default());
            }
            finish = choice["finish_reason"].as_str().map(str::to_owned);
        }
    }
    (content, calls, finish)
}

#[test]
fn calls_are_whole_at_the_end_of_their_choice() {
    let text = completion(
        vec![
            json!({"content": "hi"}),
            part(0, Some("good"), ""),
            part(1, Some("good"), "{}"),
            part(0, None, "{\"a\":"),
            part(0, None, "\"\\u0062\"}"),
        ],
        "tool_calls",
    );
    let run = ran(&text);
    assert_eq!(run.error, None);
    let calls = put_together(&run.text).1;
    assert_eq!(
        calls,
        [("good", "{\"a\":\"b\"}"), ("good", "{}")].map(|(a, b)| (a.into(), b.into()))
    );
    let [Asked::Call(call), Asked::Call(_)] = run.asked.as_slice() else { panic!() };
    assert_eq!(call.input.text("a"), Some("b"));
    assert_eq!(call.id.as_deref(), Some("c0"));
}

/// As clients do that go by the ids, and add what has none to the call before.
fn by_ids(text: &str) -> Vec<(String, String)> {
    let mut calls = Vec::<(String, String, String)>::new();
    for chunk in values(text) {
        for part in chunk["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let id = part["id"].as_str().unwrap_or_default();
            if calls.is_empty() || (!id.is_empty() && calls.last().unwrap().0 != id) {
                calls.push((id.into(), String::new(), String::new()));
            }
            let last = calls.last_mut().unwrap();
            if let Some(name) = part["function"]["name"].as_str() {
                last.1 = name.into();
            }
            last.2.push_str(part["function"]["arguments"].as_str().unwrap_or_default());
        }
    }
    calls.into_iter().map(|(_, name, input)| (name, input)).collect()
}

#[test]
fn every_client_gets_the_calls_that_were_decided() {
    let of_no_id = |index: u64, name: &str, arguments: &str| json!({"tool_calls": [{"index": index, "function": {"name": name, "arguments": arguments}}]});
    let mut same_id = part(1, Some("good2"), "");
    same_id["tool_calls"][0]["id"] = "c0".into();
    for (parts, expected) in [
        // Between the parts of one call begins another.
        (
            vec![part(0, Some("good"), ""), part(1, Some("good2"), ""), part(0, None, "{\"x\":1}")],
            vec![("good", "{\"x\":1}"), ("good2", "{}")],
        ),
        // Out of order, and with a gap.
        (
            vec![part(3, Some("good"), "{\"x\":1}"), part(0, Some("good2"), "{}")],
            vec![("good", "{\"x\":1}"), ("good2", "{}")],
        ),
        // A second call that clients would take for a part of the first.
        (
            vec![part(0, Some("good"), "{\"x\":1}"), of_no_id(1, "good2", "")],
            vec![("good", "{\"x\":1}")],
        ),
        (vec![part(0, Some("good"), "{\"x\":1}"), same_id], vec![("good", "{\"x\":1}")]),
        // Its id comes late.
        (
            vec![of_no_id(0, "good", ""), part(0, None, "{\"x\""), {
                let mut late = part(0, None, ":1}");
                late["tool_calls"][0]["id"] = "c0".into();
                late
            }],
            vec![("good", "{\"x\":1}")],
        ),
    ] {
        let run = ran(&completion(parts, "tool_calls"));
        assert_eq!(run.error, None);
        let expected: Vec<(String, String)> =
            expected.into_iter().map(|(name, input)| (name.into(), input.into())).collect();
        assert_eq!(put_together(&run.text).1, expected);
        assert_eq!(by_ids(&run.text), expected);
    }
}

/// As the official client for JavaScript does: what has an index of its own is a call of its own, `undefined` too.
fn by_keys(text: &str) -> Vec<(String, String)> {
    let mut calls = Vec::<(String, String, String)>::new();
    for chunk in values(text) {
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            for part in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
                let key = format!("{:?} {:?}", choice["index"].as_f64(), part["index"].as_f64());
                let at = calls.iter().position(|call| call.0 == key).unwrap_or(calls.len());
                if at == calls.len() {
                    calls.push((key, String::new(), String::new()));
                }
                calls[at].1.push_str(part["function"]["name"].as_str().unwrap_or_default());
                calls[at].2.push_str(part["function"]["arguments"].as_str().unwrap_or_default());
            }
        }
    }
    calls.into_iter().map(|(_, name, input)| (name, input)).collect()
}

#[test]
fn a_part_that_some_clients_take_for_another_calls_hides_nothing() {
    // `echo ';x;'` to one, and `echo ;x;` to the other.
    let parts = |index: Option<Value>| {
        let mut all = [
            part(0, Some("good"), "{\"c\":\"echo "),
            part(0, None, "'"),
            part(0, None, ";x;"),
            part(0, None, "'"),
            part(0, None, "\"}"),
        ];
        for at in [1, 3] {
            let fields = all[at]["tool_calls"][0].as_object_mut().unwrap();
            match &index {
                Some(index) => drop(fields.insert("index".into(), index.clone())),
                None => drop(fields.shift_remove("index")),
            }
        }
        all.to_vec()
    };
    let decided = vec![("good".to_owned(), "{\"c\":\"echo ';x;'\"}".to_owned())];
    for index in [None, Some(Value::Null)] {
        let run = ran(&completion(parts(index.clone()), "tool_calls"));
        assert_eq!(run.error, None, "{index:?}");
        assert_eq!(
            (put_together(&run.text).1, by_keys(&run.text)),
            (decided.clone(), decided.clone())
        );
    }
    for index in [json!(1.0), json!("1"), json!(-1), json!("0"), json!([0]), json!(0.0)] {
        let run = ran(&completion(parts(Some(index.clone())), "tool_calls"));
        assert!(run.error.is_some() && by_keys(&run.text).is_empty(), "{index}: {}", run.text);
    }
    // The same of the choices that they are in.
    for index in [None, Some(Value::Null), Some(json!(1.0)), Some(json!("0"))] {
        let mut events = values(&completion(parts(Some(json!(0))), "tool_calls"));
        for at in [2, 4] {
            let choice = events[at]["choices"][0].as_object_mut().unwrap();
            match &index {
                Some(index) => drop(choice.insert("index".into(), index.clone())),
                None => drop(choice.shift_remove("index")),
            }
        }
        let run = ran(&stream(&events, false));
        assert!(run.error.is_some() && by_keys(&run.text).is_empty(), "{index:?}: {}", run.text);
    }
    // Of words that does no harm, and some servers are like that.
    let mut events = values(&completion(
        vec![json!({"content": "hi"}), part(0, Some("good"), "{}")],
        "tool_calls",
    ));
    events[0]["choices"][0].as_object_mut().unwrap().shift_remove("index");
    events[1]["choices"][0].as_object_mut().unwrap().shift_remove("index");
    let run = ran(&stream(&events, false));
    assert_eq!((run.error, by_keys(&run.text).len()), (None, 1));
}

#[test]
fn a_denied_call_leaves_a_text_and_no_gap() {
    let text = completion(
        vec![part(0, Some("bad"), "{}"), part(1, Some("good"), "{\"x\""), part(1, None, ":1}")],
        "tool_calls",
    );
    let run = ran(&text);
    let (content, calls, finish) = put_together(&run.text);
    assert_eq!(content, "no é\"");
    assert_eq!(calls, [("good".to_owned(), "{\"x\":1}".to_owned())]);
    assert_eq!(finish.as_deref(), Some("tool_calls"));

    let run = ran(&completion(vec![part(0, Some("bad"), "{}")], "tool_calls"));
    let (content, calls, finish) = put_together(&run.text);
    assert_eq!((content.as_str(), calls.len(), finish.as_deref()), ("no é\"", 0, Some("stop")));
    assert!(run.text.contains("prompt_tokens") && run.text.ends_with("data: [DONE]\n\n"));

    let old = json!({"function_call": {"name": "bad", "arguments": "{}"}});
    let run = ran(&completion(vec![old], "function_call"));
    assert!(!run.text.contains("function_call"), "{}", run.text);
}

#[test]
fn what_has_two_readings_is_denied() {
    let two_ids =
        json!({"tool_calls": [{"index": 0, "id": "other", "function": {"arguments": ""}}]});
    let object = json!({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "a", "arguments": {}}}]});
    let unknown =
        json!({"tool_calls": [{"index": 0, "id": "x", "type": "new", "new": {"name": "a"}}]});
    for parts in [
        vec![part(0, Some("good"), "{}"), two_ids],
        vec![part(0, Some("go"), "{}"), part(0, Some("od"), "")],
        vec![part(0, Some("good"), "{\"a\":1,\"a\":2}")],
        vec![part(0, Some("good"), "[]")],
        vec![object],
        vec![unknown],
    ] {
        let run = ran(&completion(parts, "tool_calls"));
        assert!(matches!(run.asked[..], [Asked::Unreadable { .. }]), "{run:?}");
        assert_eq!(put_together(&run.text).1, []);
    }
}

#[test]
fn what_breaks_the_rules_is_not_passed_on() {
    let mut late = completion(vec![part(0, Some("good"), "{}")], "tool_calls");
    late = late.replace("data: [DONE]", &format!("data: {}", chunk(part(0, None, "x"), None)));
    let run = ran(&late);
    assert!(run.error.is_some() && run.text.contains("good"), "{run:?}");
    for delta in [json!({"toolCalls": [1]}), json!({"tool_calls": {}}), json!([])] {
        assert!(ran(&completion(vec![delta], "stop")).error.is_some());
    }
    let message = json!({"choices": [{"index": 0, "message": {"tool_calls": []}}]});
    assert!(ran(&stream(&[message], false)).error.is_some());
}

#[test]
fn calls_without_an_end_are_decided_at_the_end_of_the_stream() {
    for end in ["", "data: [DONE]\n\n"] {
        let events = [chunk(part(0, Some("bad"), "{}"), None)];
        let run = ran(&(stream(&events, false) + end));
        assert_eq!(run.asked.len(), 1);
        assert_eq!(put_together(&run.text).0, "no é\"");
        assert!(run.text.ends_with(if end.is_empty() { "\n\n" } else { end }));
    }
}

#[test]
fn a_whole_completion_is_the_same() {
    let call = |name: &str| json!({"id": name, "type": "function", "function": {"name": name, "arguments": "{\"a\":1}"}});
    let body = |calls: Vec<Value>| {
        json!({"choices": [{"index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": "hm", "tool_calls": calls}}]})
    };
    let mixed = body(vec![call("bad"), call("good"), call("change")]);
    let asked = WholeChat.asked(&mixed).unwrap();
    let out = WholeChat.ruled(mixed, &rule(&asked));
    let message = &out["choices"][0]["message"];
    assert_eq!(message["content"], "hm\n\nno é\"");
    assert_eq!(message["tool_calls"][0], call("good"));
    assert_eq!(message["tool_calls"][1]["function"]["arguments"], "{\"to\":\"é\\n\"}");
    assert_eq!(out["choices"][0]["finish_reason"], "tool_calls");
    let denied = body(vec![call("bad")]);
    let asked = WholeChat.asked(&denied).unwrap();
    let out = WholeChat.ruled(denied, &rule(&asked));
    assert!(out["choices"][0]["message"].get("tool_calls").is_none());
    assert_eq!(out["choices"][0]["finish_reason"], "stop");
}

proptest! {
    #[test]
    fn any_split_gives_the_same_and_what_is_given_is_a_completion(
        calls in prop::collection::vec(("(good|bad|change)", "[ -~é]{0,9}"), 0..5),
        order in any::<u64>(),
        cuts in prop::collection::vec(0usize..3000, 0..12),
    ) {
        let mut parts = vec![json!({"content": "text"})];
        let inputs: Vec<String> = calls.iter().map(|(_, t)| json!({"t": t}).to_string()).collect();
        let one_by_one = order % 3 == 0 || calls.len() < 2;
        for (at, (name, _)) in calls.iter().enumerate() {
            parts.push(part(at as u64, Some(name), ""));
            if one_by_one {
                parts.extend(inputs[at].chars().map(|c| part(at as u64, None, &c.to_string())));
            }
        }
        let mut later: Vec<(u64, char)> = inputs.iter().enumerate()
            .flat_map(|(at, input)| input.chars().map(move |c| (at as u64, c))).collect();
        if order % 2 == 0 {
            later.sort_by_key(|(at, _)| (*at).wrapping_mul(order));
        }
        if one_by_one {
            later.clear();
        }
        parts.extend(later.into_iter().map(|(at, c)| part(at, None, &c.to_string())));
        let text = completion(parts, "tool_calls");
        let whole = ran(&text);
        prop_assert_eq!(&run(Box::new(ChatStream::default()), text.as_bytes(), &cuts), &whole);
        prop_assert_eq!(&whole.error, &None);
        let (_, got, finish) = put_together(&whole.text);
        let kept: Vec<_> = calls.iter().zip(&inputs).filter(|((name, _), _)| name != "bad").collect();
        prop_assert_eq!(got.len(), kept.len());
        prop_assert_eq!(&by_ids(&whole.text), &got);
        for ((name, arguments), ((expected, _), input)) in got.iter().zip(&kept) {
            prop_assert_eq!(name, expected);
            let changed = "{\"to\":\"é\\n\"}".to_owned();
            prop_assert_eq!(arguments, if name == "change" { &changed } else { *input });
        }
        let denied = calls.iter().any(|(name, _)| name == "bad");
        prop_assert_eq!(finish.unwrap(), if denied && kept.is_empty() { "stop" } else { "tool_calls" });
        if one_by_one && calls.iter().all(|(name, _)| name == "good") {
            prop_assert_eq!(whole.text, text);
        }
    }

    #[test]
    fn never_panics(parts in prop::collection::vec(
        "(data: |\\{\"choices\":\\[\\{\"delta\":\\{\"tool_calls\":\\[(\\{\"index\":[0-9]{1,20},\"function\":\\{\"name\":\"bad\"\\}\\}|1|null)\\]\\}(,\"finish_reason\":\"stop\")?\\}\\]\\}|\n\n|\\[DONE\\]|[a-z{}\\[\\]\":,]{0,4})",
        0..30,
    )) {
        drop(ran(&parts.concat()));
    }
}

#[test]
fn a_call_where_no_call_belongs_ends_the_answer() {
    let part = json!({"type": "tool_use", "id": "t", "name": "hidden", "input": {}});
    let mut twin = chunk(json!({"content": "a"}), None);
    twin["Choices"] = json!([{"index": 0, "delta": {"tool_calls": [{"index": 0}], "x": "hidden"}}]);
    for event in [chunk(json!({"content": [part.clone()]}), None), twin] {
        let run = ran(&stream(std::slice::from_ref(&event), false));
        assert!(run.error.is_some(), "{event}");
        assert!(!run.text.contains("hidden"), "{event}");
    }
    let said = json!([{"type": "text", "text": "a"}, {"type": "thinking", "thinking": []}]);
    assert_eq!(ran(&stream(&[chunk(json!({"content": said}), None)], false)).error, None);
    let whole =
        |content: Value| json!({"choices": [{"index": 0, "message": {"content": content}}]});
    assert!(WholeChat.asked(&whole(json!([part]))).is_err());
    assert!(WholeChat.asked(&whole(said)).is_ok());
}
