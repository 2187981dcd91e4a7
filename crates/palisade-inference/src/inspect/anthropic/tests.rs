use proptest::prelude::*;

use super::*;
use crate::inspect::testing::{Run, rule, run, stream, values};

fn begin() -> Value {
    json!({"type": "message_start", "message": {
        "id": "m", "type": "message", "role": "assistant", "content": [], "stop_reason": null,
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 1},
    }})
}

fn text_block(index: usize, text: &str) -> Vec<Value> {
    vec![
        json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}),
        json!({"type": "content_block_stop", "index": index}),
    ]
}

fn call(index: usize, name: &str, parts: &[&str]) -> Vec<Value> {
    let block = json!({"type": "tool_use", "id": format!("t{index}"), "name": name, "input": {}});
    let mut events =
        vec![json!({"type": "content_block_start", "index": index, "content_block": block})];
    for part in parts {
        let delta = json!({"type": "input_json_delta", "partial_json": part});
        events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
    }
    events.push(json!({"type": "content_block_stop", "index": index}));
    events
}

fn end(reason: &str) -> Vec<Value> {
    vec![
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
               "usage": {"output_tokens": 40}}),
        json!({"type": "message_stop"}),
    ]
}

fn message(blocks: Vec<Vec<Value>>, reason: &str) -> String {
    let mut events = vec![begin()];
    events.extend(blocks.into_iter().flatten());
    events.extend(end(reason));
    stream(&events, true)
}

fn ran(text: &str) -> Run {
    run(Box::new(MessageStream::default()), text.as_bytes(), &[])
}

/// The message as a client puts it together, which also checks that it is one.
fn put_together(text: &str) -> Value {
    let mut content: Vec<Value> = Vec::new();
    let mut partial = String::new();
    let mut open = None;
    let mut stop = Value::Null;
    for event in values(text) {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, event["index"].as_u64()), (None, Some(content.len() as u64)));
                open = event["index"].as_u64();
                content.push(event["content_block"].clone());
                partial.clear();
            }
            "content_block_delta" => {
                assert_eq!(open, event["index"].as_u64());
                let block = content.last_mut().unwrap();
                let delta = &event["delta"];
                match delta["type"].as_str().unwrap() {
                    "text_delta" => {
                        let text = block["text"].as_str().unwrap().to_owned();
                        block["text"] = (text + delta["text"].as_str().unwrap()).into();
                    }
                    "input_json_delta" => {
                        assert_eq!(block["type"], "tool_use");
                        partial.push_str(delta["partial_json"].as_str().unwrap());
                    }
                    other => panic!("{other}"),
                }
            }
            "content_block_stop" => {
                assert_eq!(open.take(), event["index"].as_u64());
                if !partial.is_empty() {
                    content.last_mut().unwrap()["input"] = serde_json::from_str(&partial).unwrap();
                }
            }
            "message_delta" => stop = event["delta"]["stop_reason"].clone(),
            _ => {}
        }
    }
    json!({"content": content, "stop_reason": stop})
}

#[test]
fn a_call_is_put_to_the_judge_as_the_client_reads_it() {
    let text = message(
        vec![text_block(0, "hi"), call(1, "Bash", &["{\"comm", "and\": \"\\u0063url\"", "}"])],
        "tool_use",
    );
    let run = ran(&text);
    assert_eq!(run.text, text);
    let [Asked::Call(call)] = run.asked.as_slice() else { panic!("{:?}", run.asked) };
    assert_eq!((call.name.as_str(), call.id.as_deref()), ("Bash", Some("t1")));
    assert_eq!(call.input.text("command"), Some("curl"));
}

#[test]
fn a_denied_call_leaves_a_text_and_a_valid_message() {
    let text = message(vec![text_block(0, "hi"), call(1, "bad", &["{}"])], "tool_use");
    let run = ran(&text);
    assert!(!run.text.contains("tool_use"), "{}", run.text);
    let message = put_together(&run.text);
    assert_eq!(message["stop_reason"], "end_turn");
    assert_eq!(message["content"][1], json!({"type": "text", "text": "no é\""}));
    assert!(run.text.contains("\"output_tokens\":40"), "usage is kept");

    let mixed = message_of(&["bad", "good", "change"]);
    let message = put_together(&ran(&mixed).text);
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["content"][1]["name"], "good");
    assert_eq!(message["content"][2]["input"], json!({"to": "é\n"}));
}

fn message_of(names: &[&str]) -> String {
    let blocks = names.iter().enumerate().map(|(at, name)| call(at, name, &["{\"a\"", ":1}"]));
    message(blocks.collect(), "tool_use")
}

#[test]
fn interleaved_calls_wait_for_each_other() {
    let (a, b) = (call(0, "good", &["{}"]), call(1, "bad", &["{}"]));
    let mixed = vec![vec![
        a[0].clone(),
        b[0].clone(),
        a[1].clone(),
        b[1].clone(),
        b[2].clone(),
        a[2].clone(),
    ]];
    let run = ran(&message(mixed, "tool_use"));
    assert_eq!(run.asked.len(), 2);
    assert!(run.text.contains("good") && !run.text.contains("\"bad\""), "{}", run.text);
}

#[test]
fn what_has_two_readings_is_denied() {
    for parts in [
        &["{\"a\":1,\"a\":2}"][..],
        &["{\"a\":"],
        &["[1]"],
        &["\"{}\""],
        &["{\"a\":1e999}"],
        &["{\"a\":\"\\ud800\"}"],
        &["{}{}"],
    ] {
        let run = ran(&message(vec![call(0, "good", parts)], "tool_use"));
        assert!(matches!(run.asked[..], [Asked::Unreadable { .. }]), "{parts:?}");
        assert!(!run.text.contains("tool_use"), "{}", run.text);
    }
    let mut both = call(0, "good", &["{\"a\":1}"]);
    both[0]["content_block"]["input"] = json!({"b": 1});
    assert!(matches!(ran(&message(vec![both], "tool_use")).asked[..], [Asked::Unreadable { .. }]));
}

#[test]
fn what_runs_at_the_provider_or_is_not_known_is_asked() {
    for (block, tool) in [
        (
            json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            Some(ServerTool::WebSearch),
        ),
        (
            json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
            Some(ServerTool::WebSearch),
        ),
        (
            json!({"type": "mcp_tool_use", "id": "s", "name": "x", "server_name": "y", "input": {}}),
            Some(ServerTool::Mcp),
        ),
        (json!({"type": "future", "x": 1}), None),
        (json!({"x": 1}), None),
    ] {
        let events = vec![
            json!({"type": "content_block_start", "index": 0, "content_block": block}),
            json!({"type": "content_block_stop", "index": 0}),
        ];
        let run = ran(&message(vec![events], "end_turn"));
        assert!(matches!(run.asked[..], [Asked::AtProvider { tool: told, .. }] if told == tool));
        assert_eq!(put_together(&run.text)["content"], json!([{"type": "text", "text": "no"}]));
    }
}

#[test]
fn a_stream_that_breaks_the_rules_is_not_passed_on() {
    let of = |events: Vec<Value>| {
        let run = ran(&message(vec![events], "tool_use"));
        assert!(run.error.is_some(), "{run:?}");
        assert!(!run.text.contains("tool_use") && !run.text.contains("input_json"), "{}", run.text);
    };
    of(call(0, "good", &[])[..1].to_vec());
    of(call(0, "good", &["{}"])[1..].to_vec());
    of([text_block(0, "a"), call(0, "good", &["{}"])].concat());
    let mut late = text_block(0, "a");
    late[1] = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}});
    of(late);
    let mut text = call(0, "good", &["{}"]);
    text[1]["delta"] = json!({"type": "text_delta", "text": "x"});
    of(text);

    // The official clients count the blocks as they begin: each would get the input of the other.
    of([call(1, "good", &["{}"]), call(0, "good", &["{\"a\":1}"])].concat());
    of(call(1, "good", &["{}"]));

    let named = "event: ping\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\"}}\n\n";
    assert!(ran(named).error.is_some());
    let twice = "data: {\"type\":\"ping\",\"type\":\"content_block_start\"}\n\n";
    assert!(ran(twice).error.is_some());
    let mut full = begin();
    full["message"]["content"] = json!([{"type": "tool_use"}]);
    assert!(ran(&stream(&[full], true)).error.is_some());
    let unknown =
        ran("event: new\ndata: {\"type\":\"new\"}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n");
    assert_eq!(unknown.left_out, ["new"]);
    assert!(unknown.text.starts_with("event: ping"));
}

#[test]
fn usage_is_told_as_it_grows() {
    let mut stream_of = MessageStream::default();
    let mut out = Outlet::default();
    let mut reader = crate::sse::Reader::new(9999);
    reader.push(message(vec![text_block(0, "x")], "end_turn").as_bytes());
    while let Some(event) = reader.next().unwrap() {
        stream_of.event(event, &mut out).unwrap();
    }
    let told = Usage { input: 5, output: 40, cache_read: 7, cache_write: 0 };
    assert_eq!(out.usage, Some(told));
}

#[test]
fn a_whole_message_is_the_same() {
    let body = json!({"content": [
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "1", "name": "bad", "input": {}},
        {"type": "tool_use", "id": "2", "name": "change", "input": {"x": 1}},
        {"type": "tool_use", "id": "3", "name": "good", "input": "{}"},
    ], "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 2}});
    let asked = WholeMessage.asked(&body).unwrap();
    assert!(matches!(asked[2], Asked::Unreadable { .. }), "a text where an object belongs");
    let out = WholeMessage.ruled(body.clone(), &rule(&asked));
    assert_eq!(out["stop_reason"], "tool_use");
    assert_eq!(out["content"][2]["input"], json!({"to": "é\n"}));
    assert_eq!(out["content"][1]["type"], "text");
    let out = WholeMessage.ruled(
        body,
        &[Ruling::Replace("x".into()), Ruling::Replace("y".into()), Ruling::Replace("z".into())],
    );
    assert_eq!(out["stop_reason"], "end_turn");
}

fn blocks() -> impl Strategy<Value = Vec<(bool, String, String)>> {
    let one = (any::<bool>(), "(good|bad|change)", "[ -~é\u{1f980}\\n]{0,12}");
    prop::collection::vec(one, 0..6)
}

fn made(blocks: &[(bool, String, String)]) -> String {
    let made = blocks.iter().enumerate().map(|(at, (is_call, name, text))| {
        if *is_call {
            let input = json!({"t": text}).to_string();
            let half = input.char_indices().nth(5).map_or(0, |(at, _)| at);
            call(at, name, &[&input[..half], &input[half..]])
        } else {
            text_block(at, text)
        }
    });
    message(made.collect(), "tool_use")
}

proptest! {
    #[test]
    fn any_split_gives_the_same_and_what_is_given_is_a_message(
        blocks in blocks(),
        cuts in prop::collection::vec(0usize..3000, 0..12),
        crlf in any::<bool>(),
    ) {
        let mut text = made(&blocks);
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let whole = ran(&text);
        prop_assert_eq!(&run(Box::new(MessageStream::default()), text.as_bytes(), &cuts), &whole);
        prop_assert_eq!(whole.error, None);
        let message = put_together(&whole.text);
        let content = message["content"].as_array().unwrap();
        prop_assert_eq!(content.len(), blocks.len());
        let mut left = false;
        for (got, (is_call, name, said)) in content.iter().zip(&blocks) {
            match (is_call, name.as_str()) {
                (false, _) => prop_assert_eq!(&got["text"], &json!(said)),
                (true, "bad") => prop_assert_eq!(&got["text"], "no é\""),
                (true, "good") => prop_assert_eq!(&got["input"]["t"], &json!(said)),
                _ => prop_assert_eq!(&got["input"]["to"], "é\n"),
            }
            left |= *is_call && name != "bad";
        }
        let denied = blocks.iter().any(|(is_call, name, _)| *is_call && name == "bad");
        prop_assert_eq!(&message["stop_reason"], if denied && !left { "end_turn" } else { "tool_use" });
        if !blocks.iter().any(|(is_call, name, _)| *is_call && name != "good") {
            prop_assert_eq!(whole.text, text, "byte for byte");
        }
    }

    #[test]
    fn never_panics(parts in prop::collection::vec(
        "(event: (ping|message_start|content_block_start)\n|data: |\\{\"type\":\"content_block_(start|delta|stop)\",\"index\":[01](,\"content_block\":\\{\"type\":\"(tool_use|text)\"\\}|,\"delta\":\\{\"type\":\"input_json_delta\",\"partial_json\":\"\\{\"\\})?\\}|\n|\n\n|[a-z{}\\[\\]\":,]{0,5})",
        0..30,
    )) {
        drop(ran(&parts.concat()));
    }
}

#[test]
fn content_beside_the_blocks_ends_the_stream() {
    let mut beside = end("tool_use");
    beside[0]["delta"]["content"] = json!([{"type": "tool_use", "id": "t", "name": "hidden"}]);
    let mut twin = text_block(0, "a");
    twin[0]["Content_Block"] = json!({"type": "tool_use", "id": "t", "name": "hidden"});
    for events in [beside, twin] {
        let events: Vec<Value> = std::iter::once(begin()).chain(events).collect();
        let run = ran(&stream(&events, true));
        assert!(run.error.is_some(), "{events:?}");
        assert!(!run.text.contains("hidden"), "{events:?}");
    }
    // What a tool is given may have such keys.
    let input = r#"{"content": "a", "Content": "b"}"#;
    assert_eq!(ran(&message(vec![call(0, "ok", &[input])], "tool_use")).error, None);
    let whole = |input: Value| json!({"content": [{"type": "tool_use", "input": input}]});
    assert!(crate::inspect::one_spelling(&whole(json!({"name": 1, "Name": 2}))).is_ok());
    assert!(crate::inspect::one_spelling(&json!({"content": [], "Content": [1]})).is_err());
}
