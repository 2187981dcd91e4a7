//! Providers that are away, slow or odd: a clean error in the format's own shape.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use palisade_testkit::{Upstream, answer, stream};
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

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let received = Arc::new(Notify::new());
    let acknowledged = Arc::clone(&received);
    let upstream = Upstream::start(move |request| {
        let acknowledged = Arc::clone(&acknowledged);
        async move {
            let (sender, receiver) = mpsc::channel(4);
            tokio::spawn(async move {
                drop(sender.send(Ok(Bytes::from_static(b": 1\n\n"))).await);
                acknowledged.notified().await;
                if request.json()["stall"] == true {
                    sender.closed().await;
                } else {
                    drop(sender.send(Err(std::io::Error::other("cut"))).await);
                }
            });
            stream("text/event-stream", receiver)
        }
    })
    .unwrap();
    let mut config = config(&upstream.url(), &upstream.url());
    config.limits.answer_pause = Duration::from_millis(200);
    let bench = Bench::of(config, Ledger::default()).await;
    for body in [CALL, r#"{"model":"claude-x","stall":true}"#] {
        let response = bench.send(post("/v1/messages", body)).await;
        assert_eq!(response.status(), StatusCode::OK);
        received.notify_one();
        assert!(response.into_body().collect().await.is_err(), "{body}");
    }
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
