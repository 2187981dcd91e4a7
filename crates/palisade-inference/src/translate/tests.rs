use proptest::prelude::*;
use serde_json::json;

use super::*;

fn there(translation: Translation, body: &Value) -> Value {
    let said = translation.request(body.to_string().as_bytes(), "a").unwrap();
    serde_json::from_slice(&said).unwrap()
}

#[test]
fn a_request_of_claude_code_is_said_in_the_other_format() {
    let body = json!({
        "model": "m", "max_tokens": 100, "stream": true, "metadata": {"user_id": "x"},
        "thinking": {"type": "enabled", "budget_tokens": 1000},
        "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "Bash", "description": "runs", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "ok"},
                {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}]},
            {"role": "user", "content": [
                {"type": "text", "text": "and"},
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true,
                 "content": [{"type": "text", "text": "no"}]}]},
        ],
    });
    assert_eq!(
        there(Translation::ToChat, &body),
        json!({
            "model": "m", "max_tokens": 100, "stream": true, "stream_options": {"include_usage": true},
            "tools": [{"type": "function", "function": {"name": "Bash", "description": "runs", "parameters": {"type": "object"}}}],
            "tool_choice": "auto", "parallel_tool_calls": false,
            "messages": [
                {"role": "system", "content": "be kind"},
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "ok", "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "Bash", "arguments": "{\"command\":\"ls\"}"}}]},
                {"role": "tool", "tool_call_id": "t1", "content": "Error: no"},
                {"role": "user", "content": [{"type": "text", "text": "and"}]},
            ],
        })
    );
}

#[test]
fn openai_is_told_the_length_by_its_own_name() {
    let said = Translation::ToChat.request(br#"{"max_tokens":9}"#, "api.openai.com").unwrap();
    assert!(String::from_utf8_lossy(&said).contains("\"max_completion_tokens\":9"));
}

#[test]
fn what_cannot_be_said_is_refused_and_not_left_out() {
    for body in [
        json!({"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "base64", "data": ""}}]}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "new"}]}]}),
        json!({"messages": [{"role": "new", "content": "x"}]}),
        json!({"tools": [{"type": "bash_20250124", "name": "bash"}]}),
        json!({"tool_choice": {"type": "new"}}),
        json!({"system": 1}),
    ] {
        assert!(Translation::ToChat.request(body.to_string().as_bytes(), "a").is_err(), "{body}");
    }
    for body in [
        json!({"n": 2}),
        json!({"response_format": {"type": "json_schema"}}),
        json!({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
        json!({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "x", "arguments": "{"}}]}]}),
        json!({"tools": [{"type": "custom", "custom": {"name": "x"}}]}),
    ] {
        assert!(
            Translation::ToMessages.request(body.to_string().as_bytes(), "a").is_err(),
            "{body}"
        );
    }
}

fn input() -> impl Strategy<Value = Value> {
    ("[a-z]{1,4}", "[ -~é\u{1f980}\n]{0,12}", any::<i32>())
        .prop_map(|(key, text, number)| json!({key: text, "n": [number, null, true]}))
}

/// Words, and calls with their inputs, results and whether they failed.
type Turn = (String, Vec<(Value, String, bool)>);

/// One turn of an assistant: perhaps words, then calls, each with its result.
fn turn() -> impl Strategy<Value = Turn> {
    let call = (input(), "[ -~é\n]{0,10}", any::<bool>());
    ("[a-zé]{1,8}", prop::collection::vec(call, 0..3))
}

fn conversation(turns: &[Turn]) -> Value {
    let mut messages =
        vec![json!({"role": "user", "content": [{"type": "text", "text": "begin"}]})];
    let mut number = 0;
    for (words, calls) in turns {
        let mut said = vec![json!({"type": "text", "text": words})];
        let mut results = Vec::new();
        for (input, result, failed) in calls {
            let id = format!("t{number}");
            number += 1;
            said.push(json!({"type": "tool_use", "id": id, "name": "Tool", "input": input}));
            let mut block = json!({"type": "tool_result", "tool_use_id": id});
            if *failed {
                block["is_error"] = true.into();
            }
            block["content"] = result.as_str().into();
            results.push(block);
        }
        messages.push(json!({"role": "assistant", "content": said}));
        if results.is_empty() {
            results.push(json!({"type": "text", "text": "go on"}));
        }
        messages.push(json!({"role": "user", "content": results}));
    }
    json!({
        "model": "m", "max_tokens": 50, "messages": messages, "system": "be kind",
        "tools": [{"name": "Tool", "description": "d", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "Tool"}, "stop_sequences": ["x"],
    })
}

fn streamed(message: &Value) -> String {
    let mut events = vec![json!({"type": "message_start", "message": {
        "id": message["id"], "type": "message", "role": "assistant", "model": message["model"],
        "content": [], "usage": {"input_tokens": 3, "output_tokens": 0}}})];
    for (index, block) in message["content"].as_array().unwrap().iter().enumerate() {
        let mut begun = block.clone();
        let delta = if block["type"] == "text" {
            begun["text"] = "".into();
            json!({"type": "text_delta", "text": block["text"]})
        } else {
            begun["input"] = json!({});
            json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begun}));
        events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": message["stop_reason"], "stop_sequence": null},
        "usage": message["usage"]}));
    events.push(json!({"type": "message_stop"}));
    crate::inspect::testing::stream(&events, true)
}

fn message(words: &str, inputs: &[Value]) -> Value {
    let mut content = vec![json!({"type": "text", "text": words})];
    for (number, input) in inputs.iter().enumerate() {
        content.push(
            json!({"type": "tool_use", "id": format!("t{number}"), "name": "Tool", "input": input}),
        );
    }
    json!({
        "id": "m1", "type": "message", "role": "assistant", "model": "m", "content": content,
        "stop_reason": if inputs.is_empty() { "end_turn" } else { "tool_use" }, "stop_sequence": null,
        "usage": {"input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2, "output_tokens": 7},
    })
}

proptest! {
    #[test]
    fn a_conversation_there_and_back_is_the_same(turns in prop::collection::vec(turn(), 0..4)) {
        let body = conversation(&turns);
        let back = there(Translation::ToMessages, &there(Translation::ToChat, &body));
        prop_assert_eq!(back, body);
    }

    #[test]
    fn an_answer_there_and_back_is_the_same(
        words in "[a-zé]{1,9}",
        inputs in prop::collection::vec(input(), 0..3),
    ) {
        let message = message(&words, &inputs);
        let completion = Translation::ToMessages.answer(&message).unwrap();
        prop_assert_eq!(Translation::ToChat.answer(&completion).unwrap(), message);
    }

    #[test]
    fn a_stream_there_and_back_is_the_same_however_it_is_cut(
        words in "[a-zé]{1,9}",
        inputs in prop::collection::vec(input(), 0..3),
        cuts in prop::collection::vec(0usize..3000, 0..9),
    ) {
        let text = streamed(&message(&words, &inputs));
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let (mut there, mut back) = (Translator::new(Translation::ToMessages), Translator::new(Translation::ToChat));
        let (mut from, mut out, mut chat) = (0, Vec::new(), Vec::new());
        for cut in cuts {
            let said = there.push(&text.as_bytes()[from..cut]);
            from = cut;
            out.extend_from_slice(&back.push(&said));
            chat.extend_from_slice(&said);
        }
        chat.extend_from_slice(&there.finish());
        out.extend_from_slice(&back.finish());
        prop_assert_eq!(String::from_utf8(out).unwrap(), text.replace(
            "\"usage\":{\"input_tokens\":3,\"output_tokens\":0}",
            "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":0}",
        ));
        // And what it says there is a stream that is passed on.
        let run = crate::inspect::testing::run(Box::new(crate::inspect::ChatStream::default()), &chat, &[]);
        prop_assert_eq!((run.error, run.asked.len()), (None, inputs.len()));
    }

    #[test]
    fn never_panics(body in "[\\[\\]{}\":,a]{0,9}", events in "(data: |\\{\"type\":\"(message_start|content_block_delta)\"\\}|\\{\"choices\":\\[\\{\"delta\":1\\}\\]\\}|\n\n){0,9}") {
        drop(Translation::ToChat.request(body.as_bytes(), "a"));
        drop(Translation::ToMessages.request(body.as_bytes(), "a"));
        for translation in [Translation::ToChat, Translation::ToMessages] {
            let mut translator = Translator::new(translation);
            translator.push(events.as_bytes());
            translator.finish();
        }
    }
}
