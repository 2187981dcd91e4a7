//! Marks that are turned back in answers, and never in what leaves.

use http::StatusCode;
use palisade_core::{Action, SecretString};
use palisade_inference::KnownSecret;
use palisade_testkit::{Answer, Recorded, Upstream, answer};
use serde_json::{Value, json};

use crate::bench::{Bench, Ledger, config};

/// A published example of the format: it opens nothing.
const TOKEN: &str = "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";
const OPERATORS: &str = "the-operators-own-password";

/// Says back the last message, and asks for a command with it, a few characters at a time.
fn says_back(request: &Recorded) -> Answer {
    let sent = request.json();
    let text = sent["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    let text = text.as_str().unwrap().to_owned();
    if sent["stream"] != true {
        let said = json!({"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"});
        return answer(StatusCode::OK, "application/json", said.to_string());
    }
    let mut out = String::new();
    let mut event = |value: Value| {
        out.push_str(&format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap()));
    };
    let cut = |text: &str| -> Vec<String> {
        let letters: Vec<char> = text.chars().collect();
        letters.chunks(3).map(|part| part.iter().collect()).collect()
    };
    event(
        json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant",
        "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
    );
    event(
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    );
    for part in cut(&text) {
        event(
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}}),
        );
    }
    event(json!({"type": "content_block_stop", "index": 0}));
    event(json!({"type": "content_block_start", "index": 1,
        "content_block": {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}}));
    for part in cut(&json!({"command": format!("use {text}")}).to_string()) {
        event(json!({"type": "content_block_delta", "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": part}}));
    }
    event(json!({"type": "content_block_stop", "index": 1}));
    event(
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}),
    );
    event(json!({"type": "message_stop"}));
    answer(StatusCode::OK, "text/event-stream", out)
}

async fn bench(server: &Upstream, restore: bool) -> Bench {
    let mut config = config(&server.url(), &server.url());
    config.redact = Some(vec![KnownSecret::credential(&SecretString::from(OPERATORS))]);
    config.restore = restore;
    Bench::of(config, Ledger::default()).await
}

fn said(text: &str, stream: bool) -> String {
    json!({"model": "claude-x", "stream": stream, "messages": [{"role": "user", "content": text}]})
        .to_string()
}

/// What all events of a stream say, put together: the text, and the input of the call.
fn joined(body: &[u8]) -> (String, String) {
    let (mut text, mut input) = (String::new(), String::new());
    for line in String::from_utf8_lossy(body).lines() {
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let event: Value = serde_json::from_str(data).unwrap();
        text.push_str(event["delta"]["text"].as_str().unwrap_or_default());
        input.push_str(event["delta"]["partial_json"].as_str().unwrap_or_default());
    }
    (text, input)
}

#[tokio::test]
async fn a_secret_of_the_agents_comes_back_and_does_not_leave() {
    let server = Upstream::start(|request: Recorded| async move { says_back(&request) }).unwrap();
    let bench = bench(&server, true).await;
    for _ in 0..2 {
        let got = bench.post("/v1/messages", &said(&format!("a {TOKEN} b"), true)).await;
        let (text, input) = joined(&got.body);
        assert_eq!(text, format!("a {TOKEN} b"));
        let input: Value = serde_json::from_str(&input).unwrap();
        assert_eq!(input["command"], format!("use a {TOKEN} b"));
        let got = bench.post("/v1/messages", &said(TOKEN, false)).await;
        assert_eq!(got.json()["content"][0]["text"], TOKEN);
    }
    for request in server.requests() {
        assert!(!request.contains(TOKEN));
        assert!(request.contains("[palisade:github-token:1]"));
    }
    // What is decided and recorded has the mark.
    let actions = bench.ledger.actions.lock().unwrap();
    let calls = actions.iter().filter(|action| matches!(action, Action::ToolCall(_)));
    assert!(calls.clone().count() == 2 && !format!("{actions:?}").contains(TOKEN));
    assert!(!format!("{:?}", bench.ledger.events.lock().unwrap()).contains(TOKEN));
}

#[tokio::test]
async fn what_is_the_operators_or_was_not_asked_for_stays_a_mark() {
    let server = Upstream::start(|request: Recorded| async move { says_back(&request) }).unwrap();
    let on = bench(&server, true).await;
    let got = on.post("/v1/messages", &said(&format!("a {OPERATORS} b"), true)).await;
    assert_eq!(joined(&got.body).0, "a [palisade:credential:1] b");
    // A mark that nobody was given, and one of a sandbox that does not turn back.
    let got = on.post("/v1/messages", &said("[palisade:github-token:7]", true)).await;
    assert_eq!(joined(&got.body).0, "[palisade:github-token:7]");
    let off = bench(&server, false).await;
    let got = off.post("/v1/messages", &said(TOKEN, true)).await;
    assert_eq!(joined(&got.body).0, "[palisade:github-token:1]");
}
