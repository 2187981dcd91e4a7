//! Responses over a WebSocket: each message is a request like any other, and what a hostile client tries is refused.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use palisade_core::Action;
use palisade_inference::Quota;
use palisade_testkit::{
    ModelServer, Script, Turn, Upstream, answer, json_answer, masked, read_frame, stream,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

use crate::bench::{Bench, KEY, LONG, Ledger, PLACEHOLDER, config};

const OPEN: &str = "GET /v1/responses HTTP/1.1\r\nhost: inference.local\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-extensions: permessage-deflate\r\nopenai-beta: responses_websockets=2026-02-06\r\nauthorization: Bearer palisade-placeholder-anthropic\r\n";

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PONG: u8 = 10;

struct Client {
    stream: TcpStream,
    came: Vec<u8>,
}

impl Client {
    async fn open(bench: &Bench) -> Self {
        Self::open_with(bench, "").await
    }

    async fn open_with(bench: &Bench, headers: &str) -> Self {
        let mut stream = TcpStream::connect(bench.address).await.unwrap();
        stream.write_all(format!("{OPEN}{headers}\r\n").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(LONG, stream.read_u8()).await.unwrap().unwrap();
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        assert!(!head.contains("extensions"), "{head}");
        Self { stream, came: Vec::new() }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn say(&mut self, message: &Value) {
        self.send(&masked(true, TEXT, message.to_string().as_bytes())).await;
    }

    /// The next frame; none at the end.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((kind, payload, rest)) = read_frame(&self.came) {
                self.came = rest.to_vec();
                return Some((kind, payload));
            }
            let read = timeout(LONG, self.stream.read_buf(&mut self.came)).await.expect("a frame");
            if read.ok()? == 0 {
                return None;
            }
        }
    }

    async fn hear(&mut self) -> Value {
        let (kind, payload) = self.frame().await.expect("a message");
        assert_eq!(kind, TEXT, "{}", String::from_utf8_lossy(&payload));
        serde_json::from_slice(&payload).unwrap()
    }

    /// All events of one answer.
    async fn answer(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let event = self.hear().await;
            let kind = event["type"].as_str().unwrap().to_owned();
            all.push(event);
            if matches!(
                kind.as_str(),
                "response.completed" | "response.incomplete" | "response.failed" | "error"
            ) {
                return all;
            }
        }
    }

    async fn ask(&mut self, message: Value) -> Vec<Value> {
        self.say(&message).await;
        self.answer().await
    }

    /// The error that is told, and the code that the connection ends with.
    async fn refused(&mut self) -> (Value, u16) {
        let error = loop {
            let event = self.hear().await;
            if event["type"] == "error" {
                break event;
            }
        };
        let (kind, payload) = self.frame().await.expect("an end");
        assert_eq!(kind, CLOSE);
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        assert!(self.frame().await.is_none());
        (error, code)
    }
}

fn create(fields: Value) -> Value {
    let mut message = json!({"type": "response.create", "model": "gpt-5", "store": false});
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message
}

fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

fn server(turns: Vec<Turn>) -> ModelServer {
    ModelServer::start(Script::new(turns).with_key(KEY)).unwrap()
}

fn end(answer: &[Value]) -> &Value {
    answer.last().unwrap()
}

#[tokio::test]
async fn a_conversation_is_what_it_would_be_over_http() {
    let turns = vec![Turn::tool("Bash", json!({"command": "ls"})), Turn::text("Done.")];
    let (direct, through) = (server(turns.clone()), server(turns));
    let plain = Bench::new(&direct.url(), &direct.url()).await;
    let bench = Bench::new(&through.url(), &through.url()).await;
    let body = json!({"model": "gpt-5", "store": false, "stream": true, "input": [user("go")]});
    let over_http = plain.post("/v1/responses", &body.to_string()).await;
    let mut client = Client::open(&bench).await;
    // Nothing is asked of a provider to be warm.
    let warm = client.ask(create(json!({"generate": false, "input": [user("go")]}))).await;
    let warm = end(&warm)["response"]["id"].clone();
    assert!(through.requests().is_empty());
    let said = client.ask(create(json!({"previous_response_id": warm, "input": []}))).await;
    let events: Vec<Value> = String::from_utf8_lossy(&over_http.body)
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(said, events);
    assert_eq!(through.requests()[0].json(), body);

    let id = end(&said)["response"]["id"].clone();
    let call = end(&said)["response"]["output"][0].clone();
    let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "a"});
    client.say(&json!({"type": "response.processed", "response_id": id})).await;
    client.send(&masked(true, 9, b"still there")).await;
    assert_eq!(client.frame().await, Some((PONG, b"still there".to_vec())));
    let last = client.ask(create(json!({"previous_response_id": id, "input": [result]}))).await;
    assert_eq!(end(&last)["type"], "response.completed");
    // The provider is told all, since it remembers nothing of a connection that is not there.
    let seen = through.requests().remove(1);
    let input = seen.json()["input"].clone();
    let kinds: Vec<&str> =
        input.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "function_call", "function_call_output"]);
    assert_eq!(input[1]["call_id"], call["call_id"]);
    assert_eq!(seen.json().get("previous_response_id"), None);
    assert_eq!(seen.header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(seen.header("openai-beta"), "");
    assert!(!seen.contains(PLACEHOLDER) && !seen.contains("sec-websocket"));

    client.send(&masked(true, CLOSE, &1000_u16.to_be_bytes())).await;
    assert_eq!(client.frame().await, Some((CLOSE, 1000_u16.to_be_bytes().to_vec())));
    let actions = bench.ledger.actions.lock().unwrap();
    let calls = |wanted: fn(&Action) -> bool| actions.iter().filter(|it| wanted(it)).count();
    assert_eq!(calls(|it| matches!(it, Action::ModelCall { .. })), 2);
    assert_eq!(calls(|it| matches!(it, Action::ToolCall(_))), 1);
    let events = bench.ledger.events.lock().unwrap();
    let of = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!((of("websocket"), of("model_answer"), of("tool_result")), (1, 2, 0));
}

#[tokio::test]
async fn a_call_that_is_denied_never_arrives() {
    let server = server(vec![Turn::tool("Bash", json!({"command": "rm"})), Turn::text("Fine.")]);
    let ledger = Ledger { denied_tool: Some("Bash"), ..Ledger::default() };
    let bench = Bench::of(config(&server.url(), &server.url()), ledger).await;
    let mut client = Client::open(&bench).await;
    let said = client.ask(create(json!({"input": "go"}))).await;
    let text = serde_json::to_string(&said).unwrap();
    assert!(!text.contains("function_call") && !text.contains("\\\"command"), "{text}");
    assert!(text.contains("no such calls here"), "{text}");
    // Nor is it put into the mouth of the model later.
    let id = end(&said)["response"]["id"].clone();
    client.ask(create(json!({"previous_response_id": id, "input": [user("on")]}))).await;
    let seen = server.requests().remove(1);
    assert!(seen.contains("no such calls here") && !seen.contains("function_call"));
}

#[tokio::test]
async fn secrets_are_taken_out_of_all_that_was_said() {
    let server = server(vec![Turn::text("a"), Turn::text("b")]);
    let mut config = config(&server.url(), &server.url());
    config.redact = Some(Vec::new());
    let bench = Bench::of(config, Ledger::default()).await;
    let mut client = Client::open(&bench).await;
    // Cut in two between what comes now and what comes later it would be none; each item is whole.
    let key = "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";
    let message = create(json!({"generate": false, "input": [user(key)]})).to_string();
    let mut bytes = Vec::new();
    for (at, piece) in message.as_bytes().chunks(7).enumerate() {
        bytes.extend(masked(false, u8::from(at == 0), piece));
    }
    bytes.extend(masked(true, 0, b""));
    client.send(&bytes).await;
    let id = end(&client.answer().await)["response"]["id"].clone();
    client.ask(create(json!({"previous_response_id": id, "input": []}))).await;
    let seen = server.requests().remove(0);
    assert!(seen.contains("[palisade:") && !seen.contains("ghp_zQWB"), "{seen:?}");
}

#[tokio::test]
async fn limits_count_each_message() {
    let server = server(vec![Turn::text("a"), Turn::text("b"), Turn::text("c")]);
    let mut config = config(&server.url(), &server.url());
    config.quotas.push(Quota { requests_per_minute: Some(2), ..Quota::default() });
    let bench = Bench::of(config, Ledger::default()).await;
    let (mut one, mut other) = (Client::open(&bench).await, Client::open(&bench).await);
    for client in [&mut one, &mut other] {
        let said = client.ask(create(json!({"input": "x"}))).await;
        assert_eq!(end(&said)["type"], "response.completed");
    }
    let refused = one.ask(create(json!({"input": "x"}))).await;
    let error = end(&refused);
    assert_eq!(
        (&error["status"], &error["error"]["code"]),
        (&json!(429), &json!("rate_limit_exceeded"))
    );
    assert!(error["headers"]["retry-after"].is_string(), "{error}");
    // The connection goes on.
    let refused = one.ask(create(json!({"input": "x", "model": "other"}))).await;
    assert_eq!(end(&refused)["status"], 403);
    assert_eq!(server.requests().len(), 2);
}

/// What another sandbox was answered is at the same provider, under the same key of the operator's.
#[tokio::test]
async fn goes_on_with_the_answer_of_another_sandbox() {
    let server = server(vec![Turn::text("secret plans"), Turn::text("b"), Turn::text("c")]);
    let theirs = Bench::new(&server.url(), &server.url()).await;
    let bench = Bench::new(&server.url(), &server.url()).await;
    let stored = |input: Value, previous: Option<&Value>| {
        let mut body = json!({"model": "gpt-5", "input": input});
        if let Some(previous) = previous {
            body["previous_response_id"] = previous.clone();
        }
        body
    };
    let told = theirs.post("/v1/responses", &stored(json!("x"), None).to_string()).await.json();
    let (id, item) = (told["id"].clone(), told["output"][0]["id"].clone());
    let reference = json!([{"type": "item_reference", "id": item}]);
    let mut client = Client::open(&bench).await;
    for body in [
        stored(json!("go on"), Some(&id)),
        stored(reference.clone(), None),
        stored(json!([{"id": item}]), None),
        json!({"model": "gpt-5", "input": "x", "conversation": "conv_1"}),
    ] {
        let refused = bench.post("/v1/responses", &body.to_string()).await;
        assert!(!refused.status.is_success(), "{body}");
        let mut message = body.clone();
        message["type"] = json!("response.create");
        let refused = client.ask(message).await;
        assert_eq!(end(&refused)["type"], "error", "{body}");
    }
    let refused = client.ask(create(json!({"previous_response_id": id, "input": []}))).await;
    assert_eq!(end(&refused)["error"]["code"], "previous_response_not_found");
    assert_eq!(server.requests().len(), 1);
    // Its own it may name, over HTTP as well.
    for body in [stored(json!("go on"), Some(&id)), stored(reference, None)] {
        let answer = theirs.post("/v1/responses", &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}");
    }
    assert_eq!(server.requests()[1].json()["previous_response_id"], id);
}

/// An answer on one connection is unknown on another, unless the provider has stored it.
#[tokio::test]
async fn goes_on_with_what_another_connection_said() {
    let server = server(vec![Turn::text("a"), Turn::text("b")]);
    let bench = Bench::new(&server.url(), &server.url()).await;
    let (mut one, mut other) = (Client::open(&bench).await, Client::open(&bench).await);
    let warm = one.ask(create(json!({"generate": false, "input": "x"}))).await;
    let id = end(&warm)["response"]["id"].clone();
    let refused = other.ask(create(json!({"previous_response_id": id, "input": "y"}))).await;
    assert_eq!(end(&refused)["error"]["code"], "previous_response_not_found");
    assert!(server.requests().is_empty());
}

/// A provider that answers when the test says so.
fn held() -> (Upstream, mpsc::Sender<()>) {
    let (go, wait) = mpsc::channel::<()>(8);
    let wait = Arc::new(tokio::sync::Mutex::new(wait));
    let upstream = Upstream::start(move |_| {
        let wait = Arc::clone(&wait);
        async move {
            let (sender, receiver) = mpsc::channel(8);
            tokio::spawn(async move {
                let event = |kind: &str| {
                    let event = json!({"type": kind, "response": {"id": "resp_1", "output": []}});
                    Ok(Bytes::from(format!("data: {event}\n\n")))
                };
                drop(sender.send(event("response.created")).await);
                wait.lock().await.recv().await;
                drop(sender.send(event("response.completed")).await);
            });
            stream("text/event-stream", receiver)
        }
    })
    .unwrap();
    (upstream, go)
}

#[tokio::test]
async fn smuggles_a_second_request_while_one_runs() {
    let (upstream, _go) = held();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let mut client = Client::open(&bench).await;
    client.say(&create(json!({"input": "one"}))).await;
    assert_eq!(client.hear().await["type"], "response.created");
    // Neither is this a request, nor does it disturb one.
    client.say(&json!({"type": "response.processed", "response_id": "x"})).await;
    client.send(&masked(true, 9, b"p")).await;
    assert_eq!(client.frame().await, Some((PONG, b"p".to_vec())));
    client.say(&create(json!({"input": "two"}))).await;
    let (error, code) = client.refused().await;
    assert_eq!((&error["status"], code), (&json!(409), 1008));
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(bench.refusals().len(), 1);
}

#[tokio::test]
async fn two_requests_in_one_piece_are_answered_one_by_one_or_refused() {
    let (upstream, go) = held();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let mut client = Client::open(&bench).await;
    let message =
        |text: &str| masked(true, TEXT, create(json!({"input": text})).to_string().as_bytes());
    client.send(&[message("one"), message("two")].concat()).await;
    let (error, code) = client.refused().await;
    assert_eq!((&error["status"], code), (&json!(409), 1008));
    drop(go);
    assert!(upstream.requests().len() <= 1);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_request() {
    let (upstream, _go) = held();
    let mut config = config(&upstream.url(), &upstream.url());
    config.quotas.push(Quota { concurrent: Some(1), ..Quota::default() });
    let bench = Bench::of(config, Ledger::default()).await;
    for _ in 0..2 {
        let mut client = Client::open(&bench).await;
        client.say(&create(json!({"input": "one"}))).await;
        assert_eq!(client.hear().await["type"], "response.created");
        drop(client);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn frames_that_are_no_texts_end_the_connection() {
    let server = server(Vec::new());
    let bench = Bench::new(&server.url(), &server.url()).await;
    let mut compressed = masked(true, TEXT, b"{}");
    compressed[0] |= 0x40;
    let huge = [&[0x81_u8, 0xff][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    let cases = [
        (masked(true, 2, b"{}"), 1003),
        (compressed, 1002),
        (vec![0x81, 2, b'{', b'}'], 1002),
        (masked(true, 3, b""), 1002),
        (masked(true, TEXT, &[0xff]), 1007),
        (huge, 1009),
    ];
    let number = cases.len();
    for (bytes, expected) in cases {
        let mut client = Client::open(&bench).await;
        client.send(&bytes).await;
        let (error, code) = client.refused().await;
        assert_eq!(code, expected);
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("Palisade: "), "{error}");
    }
    assert_eq!(bench.refusals().len(), number);
    // What is a text and no request is refused by itself.
    let mut client = Client::open(&bench).await;
    for text in ["", "{}", "[1]", r#"{"type":"response.cancel"}"#, r#"{"type":"session.update"}"#] {
        client.send(&masked(true, TEXT, text.as_bytes())).await;
        assert_eq!(client.hear().await["type"], "error", "{text}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn what_a_provider_does_wrong_has_an_end() {
    let ends = [
        // An answer without an end, one that breaks its form, one that comes at once, and one that is none.
        "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n",
        "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"function_call\",\"type\":\"message\"}}\n\n",
    ];
    for text in ends {
        let upstream =
            Upstream::start(
                move |_| async move { answer(StatusCode::OK, "text/event-stream", text) },
            )
            .unwrap();
        let bench = Bench::new(&upstream.url(), &upstream.url()).await;
        let mut client = Client::open(&bench).await;
        let said = client.ask(create(json!({"input": "x"}))).await;
        assert!(["error", "response.failed"].contains(&end(&said)["type"].as_str().unwrap()));
    }
    for (status, body, expected) in [
        (500, json!({"error": {"message": "no", "type": "server_error"}}), json!(500)),
        (200, json!({"error": {"message": "no", "type": "server_error"}}), json!(502)),
        (418, json!("no"), json!(418)),
    ] {
        let upstream = Upstream::start(move |_| {
            let body = body.clone();
            async move { json_answer(StatusCode::from_u16(status).unwrap(), &body) }
        })
        .unwrap();
        let bench = Bench::new(&upstream.url(), &upstream.url()).await;
        let mut client = Client::open(&bench).await;
        let said = client.ask(create(json!({"input": "x"}))).await;
        assert_eq!((&end(&said)["type"], &end(&said)["status"]), (&json!("error"), &expected));
    }
    let body =
        json!({"id": "r", "status": "completed", "output": [{"type": "message", "id": "m"}]});
    let upstream = Upstream::start(move |_| {
        let body = body.clone();
        async move { json_answer(StatusCode::OK, &body) }
    })
    .unwrap();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let mut client = Client::open(&bench).await;
    let said = client.ask(create(json!({"input": "x"}))).await;
    assert_eq!(said.len(), 3);
}

/// Keys in headers of the opening go nowhere.
#[tokio::test]
async fn keys_in_the_opening_are_not_sent_on() {
    let server = server(vec![Turn::text("a")]);
    let bench = Bench::new(&server.url(), &server.url()).await;
    let headers = "x-api-key: stolen-1\r\ncookie: stolen-2\r\nsec-websocket-protocol: openai-insecure-api-key.stolen-3\r\nopenai-organization: stolen-4\r\nproxy-authorization: stolen-5\r\nx-forwarded-for: stolen-6\r\n";
    let mut client = Client::open_with(&bench, headers).await;
    let said = client.ask(create(json!({"input": "x"}))).await;
    assert_eq!(end(&said)["type"], "response.completed", "{said:?}");
    assert!(!server.requests()[0].contains("stolen"), "{:?}", server.requests()[0]);
}

/// A message that came before the answer to the opening is one all the same.
#[tokio::test]
async fn a_message_may_come_with_the_opening() {
    let server = server(vec![Turn::text("a")]);
    let bench = Bench::new(&server.url(), &server.url()).await;
    let mut bytes = format!("{OPEN}\r\n").into_bytes();
    bytes.extend(masked(true, TEXT, create(json!({"input": "x"})).to_string().as_bytes()));
    bytes.extend(masked(true, CLOSE, b""));
    let answer = bench.raw(&bytes).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(server.requests().len() <= 1);
}
