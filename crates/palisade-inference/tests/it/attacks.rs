//! What a hostile client tries, and the proof that it failed and was written down.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use palisade_core::Action;
use palisade_inference::KeySource;
use palisade_testkit::{ModelServer, Script, Turn, Upstream, answer, stream};
use tokio::sync::mpsc;

use crate::bench::{Bench, KEY, Ledger, PLACEHOLDER, config, got, post};

const CALL: &str = r#"{"model":"claude-x"}"#;

fn server() -> ModelServer {
    ModelServer::start(Script::new(vec![Turn::text("Hello."); 40])).unwrap()
}

#[tokio::test]
async fn placeholder_is_never_sent_upstream() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let mut request = post("/v1/messages", CALL);
    for name in [
        "authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "proxy-authorization",
        "x-auth-token",
        "x-amz-security-token",
        "x-forwarded-authorization",
    ] {
        request.headers_mut().append(
            http::HeaderName::from_static(name),
            format!("Bearer {PLACEHOLDER}").parse().unwrap(),
        );
    }
    assert_eq!(got(bench.send(request).await).await.status, StatusCode::OK);
    let seen = server.requests().remove(0);
    assert!(!seen.contains(PLACEHOLDER), "{seen:?}");
    assert_eq!(seen.headers.get_all("x-api-key").iter().count(), 1);
    assert_eq!(seen.header("x-api-key"), KEY);
    assert!(!seen.headers.contains_key("authorization"));
}

#[tokio::test]
async fn upstream_that_echoes_the_key_is_scrubbed() {
    let upstream = Upstream::start(|request| async move {
        let key = request.header("x-api-key");
        if request.json()["stream"] == true {
            let (sender, receiver) = mpsc::channel(64);
            for byte in format!("data: {{\"type\":\"ping\",\"key\":\"{key}\"}}\n\n").into_bytes() {
                drop(sender.try_send(Ok(Bytes::from(vec![byte]))));
            }
            return stream("text/event-stream", receiver);
        }
        let mut response =
            answer(StatusCode::BAD_REQUEST, "application/json", format!("{{\"key\":\"{key}\"}}"));
        response.headers_mut().insert("x-echo", format!("<{key}>").parse().unwrap());
        response
    })
    .unwrap();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let stars = "*".repeat(KEY.len());

    let error = bench.post("/v1/messages", CALL).await;
    assert_eq!(error.status, StatusCode::BAD_REQUEST);
    assert_eq!(error.body, format!("{{\"key\":\"{stars}\"}}"));
    assert_eq!(error.headers["x-echo"], format!("<{stars}>"));
    assert_eq!(error.headers["content-length"], error.body.len().to_string());

    let events = bench.post("/v1/messages", r#"{"model":"claude-x","stream":true}"#).await;
    assert_eq!(events.body, format!("data: {{\"type\":\"ping\",\"key\":\"{stars}\"}}\n\n"));
    let kinds: Vec<String> =
        bench.ledger.events.lock().unwrap().iter().map(|e| e.kind.clone()).collect();
    assert_eq!(kinds, ["key_in_answer", "model_answer", "key_in_answer", "model_answer"]);
    assert!(!format!("{:?}", bench.ledger.events.lock().unwrap()).contains(KEY));
}

#[tokio::test]
async fn reaches_admin_endpoint_by_dot_segments() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let targets = [
        "/v1/messages/../organizations/api_keys",
        "/v1/../v1/files",
        "/v1/messages/..%2f..%2ffiles",
        "/v1/%6d%65ssages",
        "//v1/messages",
        "/v1//messages",
        "/v1/messages/",
        "/v1/messages;a=b",
        "/v1/messages%00",
        "/v1/messages%20",
        "/v1/messages\\..\\files",
        "/v1/messages/batches",
        "http://api.anthropic.com/v1/files",
        "/v1/models/../files",
        "/V1/MESSAGES",
        "/v1/messages?beta=true&path=/v1/files",
        "/v1/messages?beta=%2e%2e",
    ];
    for target in targets {
        let answer = bench
            .raw(format!("POST {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{CALL}", CALL.len()).as_bytes())
            .await;
        let status = answer.get(9..12).unwrap_or_default();
        assert!(matches!(status, "403" | "400"), "{target}: {answer}");
    }
    assert!(server.requests().is_empty());
    assert_eq!(bench.refusals().len(), targets.len());
}

#[tokio::test]
async fn uses_another_method_or_a_tunnel() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let requests = [
        "HEAD /api/hello",
        "HEAD /v1/messages",
        "OPTIONS /v1/messages",
        "GET /v1/messages",
        "DELETE /v1/models/x",
        "CONNECT api.anthropic.com:443",
        "TRACE /v1/messages",
        "PATCH /v1/messages",
    ];
    for request in requests {
        let answer = bench
            .raw(format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{request}: {answer}");
    }
    assert!(server.requests().is_empty());
    assert_eq!(bench.refusals().len(), requests.len());
}

#[tokio::test]
async fn smuggles_a_second_request_with_cl_and_te() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let hidden = "DELETE /v1/files/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let chunk = format!("{:x}\r\n{CALL}\r\n0\r\n\r\n", CALL.len());
    for (first, second) in [
        (
            format!("content-length: {}", chunk.len() + hidden.len()),
            "transfer-encoding: chunked".to_owned(),
        ),
        ("transfer-encoding: chunked".to_owned(), format!("content-length: {}", chunk.len())),
        ("content-length: 5".to_owned(), "content-length: 20".to_owned()),
        ("transfer-encoding: xchunked".to_owned(), "content-length: 20".to_owned()),
        ("transfer-encoding: chunked, identity".to_owned(), "content-length: 20".to_owned()),
        ("transfer-encoding : chunked".to_owned(), "content-length: 20".to_owned()),
    ] {
        bench
            .raw(format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\n{first}\r\n{second}\r\n\r\n{chunk}{hidden}").as_bytes())
            .await;
    }
    // Whatever the first request was taken for, the hidden one was never sent on, alone or as
    // a part of another: a call goes on with a length of its own and an endpoint of the list.
    for seen in server.requests() {
        assert_eq!((seen.uri.path(), seen.body.as_ref()), ("/v1/messages", CALL.as_bytes()));
        assert!(!seen.headers.contains_key("transfer-encoding"));
        assert_eq!(seen.header("content-length"), CALL.len().to_string());
    }
    assert!(!bench.refusals().is_empty());
}

#[tokio::test]
async fn names_a_model_in_two_ways() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    for body in [
        r#"{"model":"claude-x","model":"gpt-secret"}"#,
        r#"{"model":"claude-x","Model":"gpt-secret"}"#,
        r#"{"model":"claude-x","m\u006fdel":"gpt-secret"}"#,
        r#"{"model":["claude-x"]}"#,
        r#"{"model":"claude-x"}{"model":"gpt-secret"}"#,
        r#"model=claude-x"#,
        "",
    ] {
        let got = bench.post("/v1/messages", body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(got.json()["error"]["type"], "invalid_request_error");
    }
    assert!(server.requests().is_empty());
    assert_eq!(bench.refusals().len(), 7);
}

#[tokio::test]
async fn uses_a_model_that_no_route_takes() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    for (path, model) in [
        ("/v1/messages", "Claude-x"),
        ("/v1/messages", "xclaude-"),
        ("/v1/messages", "models/claude-x"),
        ("/v1/messages", "o3"),
        ("/v1/responses", "claude-x"),
        ("/v1/chat/completions", "o3"),
    ] {
        let got = bench.post(path, &format!("{{\"model\":\"{model}\"}}")).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{path} {model}");
        assert!(got.message().contains(model), "{}", got.message());
    }
    assert!(bench.refusals()[4].contains("there is no translation for this request"));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn goes_on_though_the_engine_denies() {
    let server = server();
    let ledger = Ledger { denies: Some("the budget of today is spent"), ..Ledger::default() };
    let bench = Bench::of(config(&server.url(), &server.url()), ledger).await;
    let got = bench.post("/v1/messages", CALL).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert_eq!(got.message(), "Palisade: the budget of today is spent");
    assert_eq!(got.headers["x-should-retry"], "false");
    assert!(server.requests().is_empty());
    assert_eq!(bench.ledger.actions.lock().unwrap().len(), 1, "one event for one act");
}

#[tokio::test]
async fn a_missing_key_is_named_and_the_placeholder_not_passed_on() {
    let server = server();
    let mut config = config(&server.url(), &server.url());
    let why = "set ANTHROPIC_API_KEY where you run palisade".to_owned();
    config.providers.get_mut("anthropic").unwrap().key = KeySource::Missing { why };
    let bench = Bench::of(config, Ledger::default()).await;
    let got = bench.post("/v1/messages", CALL).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.message().contains("set ANTHROPIC_API_KEY"), "{}", got.message());
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn asks_for_another_protocol() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    for (path, protocol) in [
        ("GET /v1/responses", "h2c, websocket"),
        ("GET /v1/responses", "TLS/1.0"),
        ("GET /v1/responses?x=1", "websocket"),
        ("POST /v1/responses", "websocket"),
        ("GET /v1/realtime", "websocket"),
        ("GET /v1/models", "websocket"),
        ("POST /v1/messages", "websocket"),
    ] {
        let answer = bench
            .raw(format!("{path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: {protocol}\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").as_bytes())
            .await;
        assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn drops_a_header_by_naming_it_in_connection() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let mut request = post("/v1/messages", CALL);
    request.headers_mut().insert("connection", "close, x-api-key, host".parse().unwrap());
    assert_eq!(got(bench.send(request).await).await.status, StatusCode::OK);
    assert_eq!(server.requests()[0].header("x-api-key"), KEY);
}

#[tokio::test]
async fn follows_a_redirect_to_another_host() {
    let other = server();
    let to = other.url();
    let upstream = Upstream::start(move |_| {
        let to = to.clone();
        async move {
            let mut response = answer(StatusCode::TEMPORARY_REDIRECT, "text/plain", "");
            response.headers_mut().insert("location", to.parse().unwrap());
            response
        }
    })
    .unwrap();
    let bench = Bench::new(&upstream.url(), &upstream.url()).await;
    let got = bench.post("/v1/messages", CALL).await;
    assert_eq!(got.status, StatusCode::BAD_GATEWAY);
    assert!(!got.headers.contains_key("location"));
    assert!(other.requests().is_empty());
    assert_eq!(bench.ledger.events.lock().unwrap()[0].kind, "model_failure");
}

#[tokio::test]
async fn bytes_that_are_not_http_leave_an_event() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\n\r\n",
    ] {
        bench.raw(bytes).await;
    }
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let answer = bench.raw(format!("GET /v1/models HTTP/1.1\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(bench.refusals().len(), 4, "{:?}", bench.refusals());
}

#[tokio::test]
async fn what_is_written_down_is_escaped_and_cut() {
    let server = server();
    let bench = Bench::new(&server.url(), &server.url()).await;
    let path = format!("/v1/{}", "x".repeat(5000));
    let request = Request::get(path).body(Full::default()).unwrap();
    bench.send(request).await;
    let actions = bench.ledger.actions.lock().unwrap();
    assert!(matches!(&actions[0], Action::ModelRequest { request, .. } if request.len() < 300));
}
