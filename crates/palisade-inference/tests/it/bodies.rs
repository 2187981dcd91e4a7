//! Bodies that are too large, too slow, too deep or packed.

use std::time::Duration;

use http::StatusCode;
use palisade_inference::Limits;
use palisade_testkit::{ModelServer, Script};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::bench::{Bench, Ledger, config, got, post};

async fn bench(server: &ModelServer, limits: Limits) -> Bench {
    let mut config = config(&server.url(), &server.url());
    config.limits = limits;
    Bench::of(config, Ledger::default()).await
}

fn server() -> ModelServer {
    ModelServer::start(Script::default()).unwrap()
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_is_framed() {
    let server = server();
    let bench = bench(&server, Limits { body: 1000, ..Limits::default() }).await;
    let fits = format!("{{\"model\":\"claude-x\",\"x\":\"{}\"}}", "y".repeat(900));
    assert_eq!(bench.post("/v1/messages", &fits).await.status, StatusCode::OK);
    let large = format!("{{\"model\":\"claude-x\",\"x\":\"{}\"}}", "y".repeat(1000));
    let got = bench.post("/v1/messages", &large).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(got.json()["error"]["type"], "request_too_large");
    let chunked = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    assert!(bench.raw(chunked.as_bytes()).await.starts_with("HTTP/1.1 413"));
    // Only announced, never sent.
    let announced = "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 99999999999\r\n\r\n";
    assert!(bench.raw(announced.as_bytes()).await.starts_with("HTTP/1.1 413"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_large_body_passes_byte_for_byte() {
    let server = server();
    let bench = bench(&server, Limits::default()).await;
    let large = format!("{{\"x\":\"{}\",\"model\":\"claude-x\"}}", "é".repeat(2 << 20));
    assert_eq!(bench.post("/v1/messages", &large).await.status, StatusCode::OK);
    assert!(server.requests()[0].body == large.as_bytes());
}

#[tokio::test]
async fn bodies_of_all_connections_share_one_budget() {
    let server = server();
    let limits = Limits { body: 8 << 10, bodies: 10 << 10, ..Limits::default() };
    let bench = bench(&server, limits).await;
    let part = format!("{{\"x\":\"{}", "y".repeat(7000));
    let mut holding = TcpStream::connect(bench.address).await.unwrap();
    let head = "POST /v1/messages HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 8000\r\n\r\n";
    holding.write_all(format!("{head}{part}").as_bytes()).await.unwrap();
    let body = format!("{part}\",\"model\":\"claude-x\"}}");
    // The held part may not have been read yet; the second of two whole ones must then meet it.
    let mut refused = None;
    for _ in 0..200 {
        let got = bench.post("/v1/messages", &body).await;
        if got.status == StatusCode::SERVICE_UNAVAILABLE {
            refused = Some(got);
            break;
        }
    }
    let refused = refused.expect("the budget is spent");
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    assert_eq!(refused.headers["retry-after"], "1");
    drop(holding);
    let mut freed = false;
    for _ in 0..200 {
        freed = bench.post("/v1/messages", &body).await.status == StatusCode::OK;
        if freed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(freed, "a client that left gives its share back");
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_is_let_go() {
    let server = server();
    let limits = Limits {
        head: Duration::from_millis(100),
        body_pause: Duration::from_millis(100),
        ..Limits::default()
    };
    let bench = bench(&server, limits).await;
    let started = "POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 50\r\n\r\n{\"model\"";
    assert!(bench.raw(started.as_bytes()).await.starts_with("HTTP/1.1 408"));
    let slow_head = bench.raw(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\n").await;
    assert!(slow_head.is_empty() || slow_head.starts_with("HTTP/1.1 408"), "{slow_head}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_packed_or_deep_body_is_refused() {
    let server = server();
    let bench = bench(&server, Limits::default()).await;
    for coding in ["gzip", "zstd", "br", "identity, gzip"] {
        let mut request = post("/v1/messages", r#"{"model":"claude-x"}"#);
        request.headers_mut().insert("content-encoding", coding.parse().unwrap());
        let got = got(bench.send(request).await).await;
        assert_eq!(got.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{coding}");
    }
    let deep =
        format!("{{\"model\":\"claude-x\",\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(bench.post("/v1/messages", &deep).await.status, StatusCode::BAD_REQUEST);
    assert!(server.requests().is_empty());
}
