//! How much models may be used: what passes, what a client tries, and what it is told.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use palisade_inference::{GatewayConfig, Quota, Usd};
use palisade_testkit::{ModelServer, Script, Turn, Upstream, answer, stream};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use crate::bench::{Bench, LONG, Ledger, config, post};

const CALL: &str = r#"{"model":"claude-haiku-4-5","max_tokens":100,"messages":[]}"#;
const CHAT: &str = r#"{"model":"gpt-5","max_tokens":100,"messages":[]}"#;

fn server() -> ModelServer {
    ModelServer::start(Script::new(vec![Turn::text("Hello."); 400])).unwrap()
}

fn limited(url: &str, quota: Quota) -> GatewayConfig {
    GatewayConfig { quotas: vec![Quota { scope: "p".into(), ..quota }], ..config(url, url) }
}

async fn bench(url: &str, quota: Quota) -> Bench {
    Bench::of(limited(url, quota), Ledger::default()).await
}

/// The record of the call that ended last.
async fn recorded(bench: &Bench, number: usize) -> Value {
    let found = || {
        let events = bench.ledger.events.lock().unwrap();
        let answers: Vec<_> = events.iter().filter(|event| event.kind == "model_answer").collect();
        answers.get(number).map(|event| Value::Object(event.detail.clone()))
    };
    let wait = async {
        loop {
            if let Some(found) = found() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LONG, wait).await.unwrap()
}

#[tokio::test]
async fn each_format_is_told_in_its_own_words() {
    let server = server();
    let quota = Quota { requests_per_minute: Some(1), ..Quota::default() };
    let bench = bench(&server.url(), quota).await;
    assert_eq!(bench.post("/v1/messages", CALL).await.status, StatusCode::OK);

    let full = bench.post("/v1/messages", CALL).await;
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(full.json()["type"], "error");
    assert_eq!(full.json()["error"]["type"], "rate_limit_error");
    let wait: u64 = full.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    assert!(!full.headers.contains_key("x-should-retry"));

    let full = bench.post("/v1/chat/completions", CHAT).await;
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(full.json()["error"]["code"], "rate_limit_exceeded");
    assert!(full.message().contains("requests_per_minute"), "{}", full.message());

    // A list of models costs nothing and no limit is about it.
    assert_eq!(server.requests().len(), 1);
    let events = bench.ledger.events.lock().unwrap();
    let denied: Vec<_> = events.iter().filter(|event| event.kind == "model_call").collect();
    assert_eq!(denied.len(), 2);
    assert_eq!(denied[0].rule.as_deref(), Some("inference.limits.requests_per_minute"));
}

#[tokio::test]
async fn what_is_spent_for_today_is_not_tried_again() {
    let server = server();
    let quota = Quota { tokens_per_day: Some(150), ..Quota::default() };
    let bench = bench(&server.url(), quota).await;
    // Each says that it used 15 tokens; each may have used over 100.
    let mut permitted = 0;
    while bench.post("/v1/messages", CALL).await.status == StatusCode::OK {
        permitted += 1;
        assert!(permitted < 10);
    }
    assert!(permitted >= 2, "what was not used is given back");
    let full = bench.post("/v1/chat/completions", CHAT).await;
    assert_eq!(full.json()["error"]["code"], "insufficient_quota");
    assert_eq!(full.json()["error"]["type"], "insufficient_quota");
    assert_eq!(full.headers["x-should-retry"], "false");
    let never = r#"{"model":"claude-haiku-4-5","max_tokens":1000,"messages":[]}"#;
    let never = bench.post("/v1/messages", never).await;
    assert_eq!(never.status, StatusCode::BAD_REQUEST);
    assert_eq!(never.json()["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn money_is_counted_by_the_price_of_the_model_that_answers() {
    let server = server();
    // 10 tokens of a prompt at 1 dollar, 5 of an answer at 5, for a million of each: 35 millionths.
    let quota = Quota { usd_per_session: Some(Usd(700_000)), ..Quota::default() };
    let bench = bench(&server.url(), quota).await;
    assert_eq!(bench.post("/v1/messages", CALL).await.status, StatusCode::OK);
    let told = recorded(&bench, 0).await;
    assert_eq!(told["usd"], json!(0.000_035));
    assert_eq!((&told["input_tokens"], &told["output_tokens"]), (&json!(10), &json!(5)));
    assert_eq!((&told["model"], &told["ended"]), (&json!("claude-haiku-4-5"), &json!("whole")));
    for key in ["prompt_sha256", "answer_sha256"] {
        assert_eq!(told[key].as_str().unwrap().len(), 64);
    }
    assert!(told["first_byte_ms"].as_u64() <= told["latency_ms"].as_u64());
    let unknown = r#"{"model":"claude-of-next-year","max_tokens":9,"messages":[]}"#;
    let unknown = bench.post("/v1/messages", unknown).await;
    assert_eq!(unknown.status, StatusCode::FORBIDDEN);
    assert!(unknown.message().contains("inference.limits.prices"), "{}", unknown.message());
}

#[tokio::test]
async fn sends_many_calls_side_by_side() {
    let server = server();
    let quota = Quota { tokens_per_day: Some(1000), ..Quota::default() };
    let bench = bench(&server.url(), quota).await;
    let calls = (0..40).map(|_| bench.post("/v1/messages", CALL));
    let answers = futures_all(calls.collect()).await;
    let passed = answers.iter().filter(|status| **status == StatusCode::OK).count();
    // Nine fit at once at what they may use; those that are done make room for some more, and for no more
    // than used up everything.
    assert!((8..=60).contains(&passed), "{passed}");
    assert_eq!(server.requests().len(), passed);
}

async fn futures_all<F: Future<Output = crate::bench::Got>>(calls: Vec<F>) -> Vec<StatusCode> {
    let mut calls: Vec<_> = calls.into_iter().map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|cx| {
        let mut waits = false;
        for (call, done) in &mut calls {
            if done.is_none() {
                match call.as_mut().poll(cx) {
                    std::task::Poll::Ready(got) => *done = Some(got.status),
                    std::task::Poll::Pending => waits = true,
                }
            }
        }
        if waits { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    calls.into_iter().filter_map(|(_, done)| done).collect()
}

/// A server that writes for ever and never says what was used.
fn endless() -> Upstream {
    Upstream::start(|_| async {
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(async move {
            let event = "event: ping\ndata: {\"type\":\"ping\"}\n\n".repeat(20);
            while sender.send(Ok(Bytes::from(event.clone()))).await.is_ok() {}
        });
        stream("text/event-stream", receiver)
    })
    .unwrap()
}

#[tokio::test]
async fn hangs_up_before_the_usage_is_told() {
    let server = endless();
    let quota = Quota { tokens_per_day: Some(400), ..Quota::default() };
    let bench = bench(&server.url(), quota).await;
    let mut permitted = 0;
    for _ in 0..20 {
        let response = bench.send(post("/v1/messages", CALL)).await;
        if response.status() == StatusCode::OK {
            permitted += 1;
            let mut body = response.into_body();
            let mut seen = 0;
            while seen < 16 * 1024 {
                let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
                seen += frame.into_data().unwrap().len();
            }
        }
        // The gateway learns that the client has left.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert!(permitted <= 3, "{permitted} calls of about 120 tokens each, of 400");
    let told = recorded(&bench, 0).await;
    assert_eq!((&told["ended"], &told["estimated"]), (&json!("left"), &json!(true)));
    assert_eq!(told["output_tokens"], 100);
}

#[tokio::test]
async fn a_server_that_says_it_used_nothing_is_not_believed() {
    let server = Upstream::start(|_| async {
        let text = "word ".repeat(2000);
        let body = json!({
            "id": "m", "type": "message", "role": "assistant", "model": "x", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": text}],
            "usage": {"input_tokens": 0, "output_tokens": 0},
        });
        answer(StatusCode::OK, "application/json", body.to_string())
    })
    .unwrap();
    let bench = bench(&server.url(), Quota::default()).await;
    let prompt = "word ".repeat(4000);
    let body = json!({"model": "claude-haiku-4-5", "max_tokens": 9000, "messages": [{"role": "user", "content": prompt}]});
    assert_eq!(bench.post("/v1/messages", &body.to_string()).await.status, StatusCode::OK);
    let told = recorded(&bench, 0).await;
    assert!(told["input_tokens"].as_u64().unwrap() >= 1200, "{told}");
    assert!(told["output_tokens"].as_u64().unwrap() >= 39, "{told}");
}

#[tokio::test]
async fn what_a_server_refuses_costs_nothing() {
    let server = Upstream::start(|_| async {
        answer(StatusCode::BAD_REQUEST, "application/json", "{\"error\":{}}".to_owned())
    })
    .unwrap();
    let quota = Quota { tokens_per_day: Some(150), ..Quota::default() };
    let bench = bench(&server.url(), quota).await;
    for _ in 0..5 {
        assert_eq!(bench.post("/v1/messages", CALL).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(recorded(&bench, 4).await["input_tokens"], 0);
}

#[tokio::test]
async fn asks_for_an_answer_that_is_too_long() {
    let server = server();
    let quota = Quota { max_tokens: Some(50), ..Quota::default() };
    let bench = bench(&server.url(), quota).await;
    assert_eq!(bench.post("/v1/messages", CALL).await.status, StatusCode::OK);
    assert_eq!(
        bench.post("/v1/chat/completions", r#"{"model":"gpt-5","messages":[]}"#).await.status,
        StatusCode::OK
    );
    let seen = server.requests();
    assert_eq!(seen[0].json()["max_tokens"], 50);
    assert_eq!(seen[1].json()["max_completion_tokens"], 50);
}
