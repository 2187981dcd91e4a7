//! The permitted acts: they work, and the journal says so.

use http::{Request, StatusCode};
use http_body_util::Full;
use palisade_core::Action;
use palisade_inference::{Api, Quota, Route};
use palisade_testkit::{ModelServer, Script, Turn};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::bench::{Bench, KEY, Ledger, PLACEHOLDER, config, got, provider};

fn server() -> ModelServer {
    ModelServer::start(Script::new(vec![Turn::text("Hello there, reader.")]).with_key(KEY)).unwrap()
}

#[tokio::test]
async fn a_call_reaches_the_provider_with_the_real_key() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let body =
        "{ \"stream\":false,\n \"max_tokens\" : 1e2, \"model\":\"claude-x\",\"é\":\"\\u00e9\"}";
    let got = bench.post("/v1/messages?beta=true", body).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.json()["content"][0]["text"], "Hello there, reader.");

    let seen = server.requests().remove(0);
    assert_eq!(seen.header("x-api-key"), KEY);
    assert_eq!(seen.body, body.as_bytes(), "byte for byte");
    assert_eq!(seen.uri.to_string(), "/v1/messages?beta=true");
    assert_eq!(seen.header("host"), server.address().to_string());
    assert_eq!(seen.header("accept-encoding"), "identity");
    assert_eq!(seen.header("anthropic-version"), "2023-06-01");
    let call =
        Action::ModelCall { endpoint: "anthropic/messages".into(), model: "claude-x".into() };
    assert_eq!(*bench.ledger.actions.lock().unwrap(), [call]);
}

/// Java's client offers it with each request in the clear.
#[tokio::test]
async fn an_offer_of_http2_is_not_taken_and_does_no_harm() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let body = r#"{"model":"claude-x","max_tokens":9}"#;
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: inference.local\r\nconnection: Upgrade, HTTP2-Settings, close\r\n\
         http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nupgrade: h2c\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = bench.raw(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("Hello there, reader."), "{answer}");
    let seen = server.requests().remove(0);
    assert!(!seen.headers.contains_key("upgrade") && !seen.headers.contains_key("http2-settings"));
}

#[tokio::test]
async fn both_formats_stream_and_count_and_list() {
    let server = server();
    let bench = Bench::new(&server.url(), &format!("{}/v1", server.url())).await;
    let got_events = bench.post("/v1/responses", r#"{"model":"gpt-5","stream":true}"#).await;
    assert_eq!(got_events.status, StatusCode::OK);
    assert!(got_events.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let text = String::from_utf8(got_events.body.to_vec()).unwrap();
    assert!(text.ends_with("\n\n") && text.contains("event: response.completed"), "{text}");

    let count = bench.post("/v1/messages/count_tokens", r#"{"model":"claude-x"}"#).await;
    assert_eq!(count.json()["input_tokens"], 10);
    let chat = bench.post("/v1/chat/completions", r#"{"model":"gpt-5"}"#).await;
    assert_eq!(chat.json()["object"], "chat.completion");

    for (header, value) in [("anthropic-version", "2023-06-01"), ("authorization", "Bearer x")] {
        let request = Request::get("/v1/models").header(header, value);
        let models = got(bench.send(request.body(Full::default()).unwrap()).await).await;
        assert_eq!(models.json()["data"][0]["id"], "scripted-1");
    }
    let seen = server.requests();
    assert_eq!(seen[0].header("authorization"), format!("Bearer {KEY}"));
    assert!(!seen.iter().any(|request| request.contains(PLACEHOLDER)));
    let models = Action::ModelRequest { request: "GET /v1/models".into(), refused: None };
    assert_eq!(bench.ledger.actions.lock().unwrap()[3], models);
}

#[tokio::test]
async fn gemini_embeds_under_the_same_rules() {
    let server = server();
    let mut config = config(&server.url(), &server.url());
    let google = provider(Api::Gemini, &server.url(), "x-goog-api-key: {secret}");
    config.providers.insert("google".into(), google);
    config.routes.push(Route {
        model: "gemini-*".parse().unwrap(),
        to: "google".into(),
        rename: Some("gemini-embedding-2".into()),
        weight: 1,
        fallback: Vec::new(),
    });
    config.redact = Some(Vec::new());
    config.quotas.push(Quota { tokens_per_minute: Some(1000), ..Quota::default() });
    let bench = Bench::of(config, Ledger::default()).await;
    let at = |verb: &str| format!("/v1beta/models/gemini-embedding-1:{verb}");
    let one = json!({"model": "models/gemini-embedding-1", "content": {"parts": [
        {"text": "the key is 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"}]}});
    let got = bench.post(&at("embedContent"), &one.to_string()).await;
    assert_eq!(got.json(), json!({"embedding": {"values": [0.25, -0.5]}}));
    let both = json!({"requests": [one, {"content": {"parts": [{"text": "x"}]}}]});
    let got = bench.post(&at("batchEmbedContents"), &both.to_string()).await;
    assert_eq!(got.json()["embeddings"].as_array().unwrap().len(), 2);
    let seen = server.requests();
    assert_eq!(seen[0].uri.path(), "/v1beta/models/gemini-embedding-2:embedContent");
    assert_eq!(seen[0].json()["model"], "models/gemini-embedding-2");
    assert_eq!(seen[1].json()["requests"][0]["model"], "models/gemini-embedding-2");
    assert!(!seen.iter().any(|request| request.contains("ghp_zQWB")));
    // The prompt counts, and nothing is written.
    let long = json!({"content": {"parts": [{"text": "word ".repeat(1000)}]}}).to_string();
    let got = bench.post(&at("embedContent"), &long).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
    for other in [
        json!({"model": "models/gemini-2.5-pro", "content": {}}),
        json!({"requests": [{"model": "models/gemini-2.5-pro", "content": {}}]}),
    ] {
        let got = bench.post(&at("batchEmbedContents"), &other.to_string()).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{other}");
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_renamed_model_changes_only_its_value() {
    let server = server();
    let mut config = config(&server.url(), &server.url());
    config.routes[0].rename = Some("local-model".into());
    let bench = Bench::of(config, Ledger::default()).await;
    let body = r#"{"x" : [1.0], "mod\u0065l":"claude-x" , "metadata":{"model":"claude-x"}}"#;
    assert_eq!(bench.post("/v1/messages", body).await.status, StatusCode::OK);
    let expected = r#"{"x" : [1.0], "mod\u0065l":"local-model" , "metadata":{"model":"claude-x"}}"#;
    assert_eq!(server.requests()[0].body, expected);
    let actions = bench.ledger.actions.lock().unwrap();
    assert!(matches!(&actions[0], Action::ModelCall { model, .. } if model == "claude-x"));
}

#[tokio::test]
async fn the_providers_own_errors_pass_as_they_are() {
    let server = ModelServer::start(Script::default().with_key("another key")).unwrap();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let got = bench.post("/v1/messages", r#"{"model":"claude-x"}"#).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(got.json()["error"]["type"], "authentication_error");
    let event = bench.ledger.events.lock().unwrap()[0].clone();
    assert_eq!(
        (event.kind.as_str(), event.subject.as_str()),
        ("model_answer", "anthropic/messages claude-x")
    );
    assert_eq!(event.detail["provider"], "anthropic");
    assert_eq!(event.detail["status"], 401);
}

#[tokio::test]
async fn one_connection_takes_many_requests_refused_ones_between() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let body = json!({"model": "claude-x"}).to_string();
    let call = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: inference.local\r\nanthropic-version: 1\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let last = call("/v1/messages").replace("\r\nhost:", "\r\nconnection: close\r\nhost:");
    let answers =
        bench.raw(format!("{}{}{last}", call("/v1/messages"), call("/v1/files")).as_bytes()).await;
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|a| &a[..3]).collect();
    assert_eq!(statuses, ["200", "403", "200"]);
}

#[tokio::test]
async fn expect_100_continue_is_answered_only_when_the_body_is_wanted() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let body = r#"{"model":"claude-x"}"#;
    let length = body.len();
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nanthropic-version: 1\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut stream = TcpStream::connect(bench.address).await.unwrap();
    stream.write_all(head("/v1/messages").as_bytes()).await.unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");

    let refused = bench.raw(head("/v1/files").as_bytes()).await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert_eq!(server.requests()[0].header("expect"), "");
}
