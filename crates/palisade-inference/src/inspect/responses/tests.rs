use proptest::prelude::*;

use super::*;
use crate::inspect::{
    ServerTool,
    testing::{Run, rule, run, stream, values},
};

fn call(name: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": format!("fc_{name}"), "call_id": format!("call_{name}"),
           "name": name, "status": "completed", "arguments": arguments})
}

fn custom(name: &str, input: &str) -> Value {
    json!({"type": "custom_tool_call", "id": format!("fc_{name}"), "call_id": format!("call_{name}"),
           "name": name, "status": "completed", "input": input})
}

fn said(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

/// The events of one item.
fn told(index: usize, item: &Value) -> Vec<Value> {
    let mut begun = item.clone();
    begun["status"] = "in_progress".into();
    let id = &item["id"];
    let mut events = Vec::new();
    let (field, kind) = match item["type"].as_str().unwrap() {
        "function_call" => ("arguments", "response.function_call_arguments"),
        "custom_tool_call" => ("input", "response.custom_tool_call_input"),
        _ => ("content", "response.output_text"),
    };
    begun[field] = if field == "content" { json!([]) } else { "".into() };
    events
        .push(json!({"type": "response.output_item.added", "output_index": index, "item": begun}));
    if field == "content" {
        events.push(json!({"type": "response.output_text.delta", "item_id": id, "output_index": index, "delta": item["content"][0]["text"]}));
    } else {
        let input = item[field].as_str().unwrap();
        for part in input.chars().collect::<Vec<_>>().chunks(3) {
            let part: String = part.iter().collect();
            events.push(json!({"type": format!("{kind}.delta"), "item_id": id, "output_index": index, "delta": part}));
        }
        let mut done =
            json!({"type": format!("{kind}.done"), "item_id": id, "output_index": index});
        done[field] = item[field].clone();
        events.push(done);
    }
    events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    events
}

fn of_events(middle: Vec<Value>, output: Vec<Value>) -> String {
    let response = |output: Vec<Value>| {
        json!({"id": "r", "object": "response", "output": output, "status": "x",
        "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 2}})
    };
    let mut events = vec![json!({"type": "response.created", "response": response(vec![])})];
    events.extend(middle);
    events.push(json!({"type": "response.completed", "response": response(output)}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    stream(&events, true)
}

fn response(items: &[Value]) -> String {
    let middle = items.iter().enumerate().flat_map(|(at, item)| told(at, item)).collect();
    of_events(middle, items.to_vec())
}

fn ran(text: &str) -> Run {
    run(Box::new(ResponseStream::default()), text.as_bytes(), &[])
}

/// The items as three kinds of clients get them, which must be the same, in events that are counted.
fn put_together(text: &str) -> Vec<Value> {
    let (mut from_done, mut from_end, mut partial) = (Vec::new(), Vec::new(), HashMap::new());
    for (number, event) in values(text).into_iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
        let index = event["output_index"].as_u64();
        match event["type"].as_str().unwrap() {
            "response.output_item.added" => {
                assert_eq!(index, Some(from_done.len() as u64));
                partial.insert(index, String::new());
            }
            "response.output_item.done" => {
                let item = event["item"].clone();
                let whole = ["arguments", "input"].iter().find_map(|field| item[*field].as_str());
                let whole = whole.or(item["content"][0]["text"].as_str()).unwrap();
                assert_eq!(partial[&index], whole);
                from_done.push(item);
            }
            "response.completed" => {
                from_end = event["response"]["output"].as_array().unwrap().clone()
            }
            kind if kind.ends_with(".delta") => {
                partial.get_mut(&index).unwrap().push_str(event["delta"].as_str().unwrap());
            }
            _ => {}
        }
    }
    assert_eq!(from_done, from_end);
    from_done
}

#[test]
fn a_call_is_put_to_the_judge_once() {
    let text = response(&[
        said("hi"),
        call("good", "{\"cmd\":\"\\u006cs\"}"),
        custom("good2", "*** Begin"),
    ]);
    let run = ran(&text);
    assert_eq!((run.text.as_str(), run.error), (text.as_str(), None));
    let [Asked::Call(first), Asked::Call(second)] = run.asked.as_slice() else { panic!() };
    assert_eq!((first.input.text("cmd"), first.id.as_deref()), (Some("ls"), Some("call_good")));
    assert_eq!(second.input, ToolInput::Text("*** Begin".into()));
}

#[test]
fn a_denied_call_is_a_message_wherever_it_is_told_of() {
    let run = ran(&response(&[
        call("bad", "{\"a\":1}"),
        call("change", "{}"),
        custom("change2", "x"),
        call("good", "{}"),
    ]));
    assert_eq!((run.error, run.asked.len()), (None, 4));
    assert!(!run.text.contains("\"bad\"") && !run.text.contains("call_bad"), "{}", run.text);
    let items = put_together(&run.text);
    assert_eq!(items[0]["content"][0]["text"], "no é\"");
    assert_eq!(items[1]["arguments"], "{\"to\":\"é\\n\"}");
    assert_eq!(items[2]["input"], "changed");
    assert_eq!(items[3], call("good", "{}"));
}

#[test]
fn calls_that_only_the_end_tells_of_are_asked_too() {
    for output in [vec![call("bad", "{}")], vec![said("x"), call("bad", "{}")]] {
        let run = ran(&of_events(vec![], output));
        assert!(run.asked.len() == 1 && !run.text.contains("call_bad"), "{}", run.text);
    }
    // Another call under the id of one that was let go.
    let run = ran(&of_events(told(0, &call("good", "{}")), vec![call("good", "{\"x\":1}")]));
    assert_eq!(run.asked.len(), 2);
    let only_done = told(0, &call("bad", "{}")).pop().unwrap();
    let run = ran(&of_events(vec![only_done], vec![]));
    assert!(run.asked.len() == 1 && !run.text.contains("call_bad"), "{}", run.text);
}

#[test]
fn what_has_two_readings_is_denied() {
    let changed = |at: usize, key: &str, value: Value| {
        let mut events = told(0, &call("good", "{\"a\":1}"));
        *events[at].pointer_mut(key).unwrap() = value;
        ran(&of_events(events, vec![]))
    };
    for run in [
        changed(0, "/item/name", "other".into()),
        changed(0, "/item/call_id", "other".into()),
        changed(0, "/item/arguments", "{}".into()),
        changed(1, "/delta", "[".into()),
        changed(4, "/arguments", "{}".into()),
        changed(5, "/item/arguments", "{}".into()),
        changed(5, "/item/arguments", json!({"a": 1})),
    ] {
        assert!(matches!(run.asked[..], [Asked::Unreadable { .. }]), "{run:?}");
        assert!(!run.text.contains("function_call"), "{}", run.text);
    }
}

#[test]
fn calls_that_clients_would_mix_up_are_denied() {
    // A client that adds each part to the call that began last gives the first call the input of the second.
    let (a, b) = (told(0, &call("good", "{\"a\":1}")), told(1, &call("good2", "{\"b\":1}")));
    let mixed = [&a[..4], &b[..5], &a[4..], &b[5..]].concat();
    let run = ran(&of_events(mixed, vec![]));
    assert!(
        matches!(run.asked[..], [Asked::Unreadable { .. }, Asked::Unreadable { .. }]),
        "{run:?}"
    );
    assert!(!run.text.contains("function_call"), "{}", run.text);
    // One that counts them as they begin gives the parts of the second to the first.
    for second in [0, 1] {
        let a = told(1, &call("good", "{\"a\":1}"));
        let b = told(second, &call("good2", "{\"b\":1}"));
        let run = ran(&of_events([a, b].concat(), vec![]));
        assert!(run.error.is_some() && !run.text.contains("good2"), "{run:?}");
    }
}

#[test]
fn a_response_that_tells_of_ever_new_calls_is_broken_off() {
    let events = (0..=MOST_PARTS).map(|at| {
        let output = vec![call(&format!("good{at}"), "{}")];
        json!({"type": "response.in_progress", "response": {"output": output}})
    });
    let run = ran(&of_events(events.collect(), vec![]));
    assert!(run.error.is_some() && run.asked.len() <= MOST_PARTS);
}

#[test]
fn what_runs_at_the_provider_or_is_not_known_is_asked() {
    for (item, tool) in [
        (
            json!({"type": "web_search_call", "id": "w", "status": "completed"}),
            Some(ServerTool::WebSearch),
        ),
        (
            json!({"type": "mcp_call", "id": "w", "name": "x", "arguments": "{}"}),
            Some(ServerTool::Mcp),
        ),
        (json!({"type": "code_interpreter_call", "id": "w"}), Some(ServerTool::CodeExecution)),
        (
            json!({"type": "shell_call", "call_id": "w", "environment": {"type": "container_reference"}}),
            Some(ServerTool::CodeExecution),
        ),
        (json!({"type": "new_call", "id": "w"}), None),
        (json!({"id": "w"}), None),
    ] {
        let asked = WholeResponse.asked(&json!({"output": [item]})).unwrap();
        assert!(
            matches!(asked[..], [Asked::AtProvider { tool: told, .. }] if told == tool),
            "{asked:?}"
        );
    }
    let shell = json!({"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"]}});
    let asked = WholeResponse.asked(&json!({"output": [shell]})).unwrap();
    let [Asked::Call(call)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(call.subject(), "local_shell ls");
    let shell = json!({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}, "environment": {"type": "local"}, "max_output_length": null});
    let asked = WholeResponse.asked(&json!({"output": [shell]})).unwrap();
    assert!(
        matches!(&asked[..], [Asked::Call(call)] if matches!(&call.input, ToolInput::Object(input) if input.len() == 1)),
        "{asked:?}"
    );
}

/// One client does the one, the next the other.
#[test]
fn what_says_twice_what_it_does_is_denied() {
    let harmless = json!({"type": "update_file", "path": "a.txt", "diff": "+x"});
    let other = json!({"type": "delete_file", "path": ".git/config"});
    for item in [
        json!({"type": "apply_patch_call", "call_id": "c", "action": harmless, "operation": other}),
        json!({"type": "computer_call", "call_id": "c", "action": {"type": "wait"}, "actions": [{"type": "type", "text": "x"}]}),
        json!({"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}, "command": ["rm"]}),
        json!({"type": "tool_search_call", "execution": "client", "call_id": "c", "action": {}, "arguments": {"q": "x"}}),
        json!({"type": "shell_call", "call_id": "c", "action": "ls", "commands": ["rm"]}),
    ] {
        let asked = WholeResponse.asked(&json!({"output": [item]})).unwrap();
        assert!(matches!(asked[..], [Asked::Unreadable { .. }]), "{asked:?}");
    }
    let item =
        json!({"type": "apply_patch_call", "call_id": "c", "action": null, "operation": other});
    let asked = WholeResponse.asked(&json!({"output": [item]})).unwrap();
    assert!(matches!(asked[..], [Asked::Call(_)]), "{asked:?}");
}

#[test]
fn what_breaks_the_rules_is_not_passed_on() {
    let events = told(0, &call("good", "{\"a\":1}"));
    for broken in [
        events[1..].to_vec(),
        events[..3].to_vec(),
        [&told(0, &said("x"))[..], &events[..]].concat(),
        vec![events[0].clone(), events[0].clone()],
    ] {
        let run = ran(&of_events(broken, vec![]));
        assert!(run.error.is_some(), "{run:?}");
        assert!(!run.text.contains("function_call"), "{}", run.text);
    }
    let unknown = ran(&of_events(vec![json!({"type": "response.future.thing"})], vec![]));
    assert_eq!((unknown.error, unknown.left_out), (None, vec!["response.future.thing".to_owned()]));
}

proptest! {
    #[test]
    fn any_split_gives_the_same_and_what_is_given_is_a_response(
        items in prop::collection::vec((0..3, "(good|bad|change)", "[ -~é]{0,9}"), 0..5),
        cuts in prop::collection::vec(0usize..5000, 0..12),
    ) {
        let items: Vec<Value> = items.iter().enumerate().map(|(at, (kind, name, t))| match kind {
            0 => said(t),
            1 => call(&format!("{name}{at}"), &json!({"t": t}).to_string()),
            _ => custom(&format!("{name}{at}"), t),
        }).collect();
        let text = response(&items);
        let whole = ran(&text);
        prop_assert_eq!(&run(Box::new(ResponseStream::default()), text.as_bytes(), &cuts), &whole);
        prop_assert_eq!(&whole.error, &None);
        let got = put_together(&whole.text);
        prop_assert_eq!(got.len(), items.len());
        // The same at once.
        let body = json!({"output": items});
        let at_once = WholeResponse.ruled(body.clone(), &rule(&WholeResponse.asked(&body).unwrap()));
        prop_assert_eq!(&json!(got), &at_once["output"]);
        if body == at_once {
            prop_assert_eq!(whole.text, text);
        }
    }

    #[test]
    fn never_panics(parts in prop::collection::vec(
        "(data: |\\{\"type\":\"response.(output_item.(added|done)|function_call_arguments.(delta|done)|completed)\",\"output_index\":[01](,\"item\":\\{\"type\":\"(function_call|message)\",\"name\":\"bad\",\"call_id\":\"x\"\\}|,\"delta\":\"\\{\\}\"|,\"response\":\\{\"output\":\\[(\\{\\}|1|\\{\"type\":\"function_call\"\\})\\]\\})?\\}|\n|\n\n|[a-z{}\\[\\]\":,]{0,4})",
        0..30,
    )) {
        drop(ran(&parts.concat()));
    }
}

#[test]
fn a_call_within_a_message_is_none_that_says_something() {
    for (kind, field) in
        [("message", "content"), ("reasoning", "content"), ("reasoning", "summary")]
    {
        let mut item = json!({"type": kind, "id": "m", "content": [], "summary": []});
        item[field] = json!([{"type": "function_call", "name": "hidden", "arguments": "{}"}]);
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        let run = run(Box::new(ResponseStream::default()), stream(&[done], true).as_bytes(), &[]);
        assert!(!run.text.contains("hidden"), "{kind} {field}: {}", run.text);
        let asked = WholeResponse.asked(&json!({"output": [item]})).unwrap();
        assert!(matches!(asked.as_slice(), [Asked::AtProvider { tool: None, .. }]), "{asked:?}");
    }
    let part = json!({"type": "response.content_part.added", "output_index": 0, "item_id": "m",
                      "part": {"type": "tool_use", "name": "hidden"}});
    let run = run(Box::new(ResponseStream::default()), stream(&[part], true).as_bytes(), &[]);
    assert!(run.error.is_some() && !run.text.contains("hidden"), "{}", run.text);
}
