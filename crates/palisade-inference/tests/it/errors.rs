//! Providers that are away, slow or odd: a clean error in the format's own shape.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use palisade_testkit::{Upstream, answer, stream};
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::bench::{Bench, KEY, Ledger, config, post};

const CALL: &str = r#"{"model":"claude-x"}"#;

#[tokio::test]
async fn a_provider_that_is_away_is_a_502_without_the_key() {
    let gone = Upstream::start(|_| async { answer(StatusCode::OK, "text/plain", "") }).unwrap();
    let url = gone.url();
    drop(gone);
    let bench = Bench::new(&url, &url).await;
    let got = bench.post("/v1/messages", CALL).await;
    assert_eq!(got.status, StatusCode::BAD_GATEWAY);
    assert_eq!(got.json()["type"], "error");
    assert!(got.message().contains("`anthropic` cannot be reached: "), "{}", got.message());
    assert!(!got.message().contains(KEY));
    let openai = bench.post("/v1/responses", r#"{"model":"gpt-5"}"#).await;
    assert!(openai.json()["error"]["code"].is_string() && openai.json()["type"].is_null());
    assert_eq!(bench.ledger.events.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_provider_that_never_begins_is_a_504() {
    let upstream = Upstream::start(|_| std::future::pending()).unwrap();
    let mut config = config(&upstream.url(), &upstream.url());
    config.limits.first_byte = Duration::from_millis(100);
    let bench = Bench::of(config, Ledger::default()).await;
    let got = bench.post("/v1/messages", CALL).await;
    assert_eq!(got.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(got.json()["error"]["type"], "timeout_error");
}

/// The client of each format is told in it, by an error that its SDK knows; what came before has gone on.
#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error() {
    let received = Arc::new(Notify::new());
    let upstream = breaking("text/event-stream", Arc::clone(&received));
    let mut config = config(&upstream.url(), &upstream.url());
    config.limits.answer_pause = Duration::from_millis(200);
    let bench = Bench::of(config, Ledger::default()).await;
    for (path, model, pointer) in [
        ("/v1/messages", "claude-x", "/error/message"),
        ("/v1/chat/completions", "gpt-5", "/error/message"),
        ("/v1/responses", "gpt-5", "/response/error/message"),
    ] {
        for (stall, why) in [(false, "broke off"), (true, "paused for too long")] {
            let body = json!({"model": model, "stream": true, "stall": stall, "max_tokens": 9,
                "messages": [{"role": "user", "content": "x"}], "input": "x"});
            let response = bench.send(post(path, &body.to_string())).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let mut body = response.into_body();
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first, ": 1\n\n", "{path}");
            received.notify_one();
            let whole = body.collect().await.unwrap().to_bytes();
            let whole = std::str::from_utf8(&whole).unwrap();
            let last =
                whole.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
            let last: serde_json::Value = serde_json::from_str(last).unwrap();
            let told = last.pointer(pointer).and_then(|told| told.as_str()).unwrap();
            assert!(told.starts_with("Palisade: ") && told.contains(why), "{path}: {whole}");
        }
    }
}

/// Where no error can be said any more, the connection is cut.
#[tokio::test]
async fn an_error_that_breaks_off_does_not_look_whole() {
    let received = Arc::new(Notify::new());
    let upstream = breaking("text/plain", Arc::clone(&received));
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let response = bench.send(post("/v1/messages", CALL)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    received.notify_one();
    assert!(response.into_body().collect().await.is_err());
}

/// Sends some bytes and, once they have been received, breaks off or says nothing more.
fn breaking(kind: &'static str, received: Arc<Notify>) -> Upstream {
    Upstream::start(move |request| {
        let received = Arc::clone(&received);
        async move {
            let (sender, receiver) = mpsc::channel(4);
            tokio::spawn(async move {
                drop(sender.send(Ok(Bytes::from_static(b": 1\n\n"))).await);
                received.notified().await;
                if request.json()["stall"] == true {
                    sender.closed().await;
                } else {
                    drop(sender.send(Err(std::io::Error::other("cut"))).await);
                }
            });
            let mut response = stream(kind, receiver);
            if kind == "text/plain" {
                *response.status_mut() = StatusCode::BAD_REQUEST;
            }
            response
        }
    })
    .unwrap()
}

#[tokio::test]
async fn an_answer_that_is_compressed_anyway_is_not_passed() {
    let upstream = Upstream::start(|_| async {
        let mut response = answer(StatusCode::OK, "application/json", "\x1f\u{8b}");
        response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        response
    })
    .unwrap();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let got = bench.post("/v1/messages", CALL).await;
    assert_eq!(got.status, StatusCode::BAD_GATEWAY);
    assert!(got.message().contains("compressed"));
}
