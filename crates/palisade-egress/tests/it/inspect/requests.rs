use std::time::Duration;

use http::{Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use palisade_core::Verdict;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::stage::{AnyBody, Server, Stage, body, http1_over, text};
use crate::world::{LOCALHOST, SOON};

fn hello(_: Request<hyper::body::Incoming>) -> super::stage::futures::Answer {
    Box::pin(async { http::Response::new(body("hello")) })
}

fn get(path: &str) -> Request<AnyBody> {
    Request::get(path).header("host", "a.example").body(body("")).unwrap()
}

#[tokio::test]
async fn a_request_is_decided_recorded_and_passed_on() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http1().await;
    let answer = client.send_request(get("/x?secret=1")).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer).await, "hello");
    assert_eq!(server.requests(), ["GET /x"]);
    assert_eq!(server.got.lock().unwrap()[0].uri, "/x?secret=1");
    let events = stage.world.events();
    let seen: Vec<_> = events.iter().map(|e| (e.kind.as_str(), e.decision)).collect();
    // Decided before the dial, and before anything is sent.
    assert_eq!(seen, [("request", Verdict::Allow), ("connect", Verdict::Allow)]);
    assert_eq!(events[0].subject, format!("GET https://a.example:{}/x?…", server.port));
    assert_eq!(events[1].detail["tls_name"], "a.example");
    drop(client);
    let end = stage.world.end().await;
    assert_eq!(end.host.unwrap().as_str(), "a.example");
}

#[tokio::test]
async fn a_denied_request_is_answered_and_the_connection_goes_on() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http1().await;
    for _ in 0..2 {
        let request = Request::post("/denied/x").header("host", "a.example");
        let request = request.body(body("x".repeat(1000))).unwrap();
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert_eq!(answer.headers()["content-type"], "application/json");
        let json: Value = serde_json::from_str(&text(answer).await).unwrap();
        assert_eq!(json["error"], "denied by palisade");
        assert_eq!(json["reason"], "not in the test");
        assert!(json["allow"].as_str().unwrap().contains("palisade"));
    }
    assert!(server.came.lock().unwrap().is_empty(), "nothing is dialled for what is denied");
    client.ready().await.unwrap();
    assert_eq!(text(client.send_request(get("/ok")).await.unwrap()).await, "hello");
    client.ready().await.unwrap();
    assert_eq!(text(client.send_request(get("/again")).await.unwrap()).await, "hello");
    assert_eq!(server.requests(), ["GET /ok", "GET /again"]);
    assert_eq!(server.came.lock().unwrap().len(), 1, "one connection does for both");
    assert_eq!(stage.world.denials().len(), 2);
}

/// It has waited long enough for a `100 Continue`, or has got one, and goes on whatever the answer is.
#[tokio::test]
async fn who_is_still_sending_what_is_denied_gets_to_read_the_answer() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    // By its head; by its body, of which more comes than is read.
    for (path, bound) in [("/denied/x", None), ("/x", Some(100))] {
        let plan = crate::world::Plan::to(server.port);
        let stage = Stage::with(plan, server.root.clone(), bound).await;
        let mut client = stage.tls(&[b"http/1.1"]).await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 4194304\r\n\r\n"
        );
        client.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..64 {
            client.write_all(&[b'x'; 65_536]).await.unwrap();
            client.flush().await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mut said = String::new();
        timeout(SOON, client.read_to_string(&mut said)).await.unwrap().unwrap();
        let last = said.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
        assert!(last.starts_with("HTTP/1.1 403 "), "{path}: {said}");
        assert!(last.contains("denied by palisade"), "{path}: {said}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn http2_streams_are_decided_each() {
    let server = Server::start(&[b"h2", b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let client = stage.http2().await;
    let send = |path: &str| {
        let uri = format!("https://a.example:{}{path}", server.port);
        let request = Request::get(uri).body(body("")).unwrap();
        let mut client = client.clone();
        async move {
            let answer = client.send_request(request).await.unwrap();
            (answer.status().as_u16(), text(answer).await)
        }
    };
    let (a, b, c) = tokio::join!(send("/a"), send("/denied"), send("/c"));
    assert_eq!((a.0, a.1.as_str()), (200, "hello"));
    assert_eq!((c.0, c.1.as_str()), (200, "hello"));
    assert_eq!(b.0, 403);
    let mut requests = server.requests();
    requests.sort();
    assert_eq!(requests, ["GET /a", "GET /c"]);
    assert!(server.got.lock().unwrap().iter().all(|head| head.version == Version::HTTP_2));
    assert_eq!(server.came.lock().unwrap().len(), 1);
}

/// Answers once it has waited.
fn late(request: Request<hyper::body::Incoming>) -> super::stage::futures::Answer {
    Box::pin(async move {
        let word = request.uri().path().trim_start_matches('/').to_owned();
        tokio::time::sleep(Duration::from_millis(300)).await;
        http::Response::new(body(word))
    })
}

/// A client that says no more waits for its answers all the same (RFC 9112, section 9.6).
#[tokio::test]
async fn who_ends_its_side_behind_its_requests_is_answered() {
    let server = Server::start(&[b"http/1.1"], late).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let post = "POST /c HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nxy";
    let chunked = "POST /d HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    for (requests, answers) in [
        (one("/a"), 1),
        (format!("{}{}", one("/a"), one("/b")), 2),
        (post.to_owned(), 1),
        (chunked.to_owned(), 1),
        (one("/denied/x"), 1),
        ("GET / HTTP/1.1\nHost: a.example\n\n".to_owned(), 1),
    ] {
        let mut stream = stage.tls(&[b"http/1.1"]).await;
        stream.write_all(requests.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut got = String::new();
        timeout(SOON, stream.read_to_string(&mut got)).await.expect("it ends").ok();
        assert_eq!(got.matches("HTTP/1.1 ").count(), answers, "{requests:?}: {got}");
        let good = got.matches("HTTP/1.1 200 ").count();
        assert!(good == answers || got.contains("refused") || got.contains("denied"), "{got}");
    }
    // Without a word of TLS it is gone.
    let mut stream = stage.tls(&[b"http/1.1"]).await;
    stream.write_all(one("/e").as_bytes()).await.unwrap();
    stream.get_mut().0.shutdown().await.unwrap();
    let mut got = String::new();
    timeout(SOON, stream.read_to_string(&mut got)).await.expect("it ends").ok();
    assert_eq!(got, "");
    // Half a request is none.
    let mut stream = stage.tls(&[b"http/1.1"]).await;
    stream.write_all(&post.as_bytes()[..post.len() - 1]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut got = String::new();
    timeout(SOON, stream.read_to_string(&mut got)).await.expect("it ends").ok();
    assert!(!got.contains(" 200 "), "{got}");
}

/// It may be gone as well: that looks the same.
#[tokio::test]
async fn who_has_ended_its_side_does_not_wait_for_ever() {
    fn never(_: Request<hyper::body::Incoming>) -> super::stage::futures::Answer {
        Box::pin(std::future::pending())
    }
    let server = Server::start(&[b"http/1.1"], never).await;
    let mut plan = crate::world::Plan::to(server.port);
    plan.limits.head = Duration::from_millis(500);
    let stage = Stage::with(plan, server.root.clone(), None).await;
    let mut stream = stage.tls(&[b"http/1.1"]).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut got = String::new();
    timeout(SOON, stream.read_to_string(&mut got)).await.expect("it ends").ok();
    assert_eq!(got, "");
    stage.world.end().await;
}

/// Some clients offer what they are told to speak, and nothing else (RFC 7301, section 6, has a name for it).
#[tokio::test]
async fn a_client_that_offers_http_1_0_alone_is_served() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut stream = stage.tls(&[b"http/1.0"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.0".as_slice()));
    stream.write_all(b"GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 ") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn http2_clients_reach_servers_that_speak_http1_only() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http2().await;
    let uri = format!("https://a.example:{}/a", server.port);
    for _ in 0..3 {
        let request = Request::get(uri.clone()).body(body("")).unwrap();
        assert_eq!(text(client.send_request(request).await.unwrap()).await, "hello");
    }
    let got = server.got.lock().unwrap();
    assert_eq!(got[0].headers["host"], format!("a.example:{}", server.port));
    assert_eq!(got[0].uri, "/a");
}

/// RFC 9113, section 8.2.3.
#[tokio::test]
async fn cookies_that_http2_splits_are_one_field_to_http1() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http2().await;
    let request = Request::get(format!("https://a.example:{}/a", server.port));
    let request = ["a=1", "b=2", "c=3"].iter().fold(request, |it, one| it.header("cookie", *one));
    let answer = client.send_request(request.body(body("")).unwrap()).await.unwrap();
    assert_eq!(text(answer).await, "hello");
    let got = server.got.lock().unwrap();
    let cookies: Vec<_> = got[0].headers.get_all("cookie").iter().collect();
    assert_eq!(cookies, ["a=1; b=2; c=3"]);
}

#[tokio::test]
async fn a_policy_that_comes_while_a_request_is_decided_decides_it() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http1().await;
    let answer = client.send_request(get("/outdated")).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(server.requests().is_empty());
    let seen: Vec<_> = stage.world.events().iter().map(|event| event.decision).collect();
    assert_eq!(seen, [Verdict::Allow, Verdict::Deny]);
}

#[tokio::test]
async fn http_without_tls_is_decided_too() {
    let listener = tokio::net::TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(|request| async move {
                Ok::<_, std::convert::Infallible>(hello(request).await)
            });
            let io = TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    let (_, root) = super::stage::chain(super::stage::Flaw::None);
    let stage = Stage::before(port, root).await;
    let mut client = http1_over(stage.world.connect().await).await;
    assert_eq!(text(client.send_request(get("/a")).await.unwrap()).await, "hello");
    client.ready().await.unwrap();
    assert_eq!(client.send_request(get("/denied")).await.unwrap().status(), 403);
    assert_eq!(stage.world.events()[0].subject, format!("GET http://a.example:{port}/a"));
}

#[tokio::test]
async fn http2_without_tls_is_decided_too() {
    let listener = tokio::net::TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(|request: Request<_>| async move {
                assert_eq!(request.version(), Version::HTTP_2);
                Ok::<_, std::convert::Infallible>(hello(request).await)
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    let (_, root) = super::stage::chain(super::stage::Flaw::None);
    let stage = Stage::before(port, root).await;
    let io = TokioIo::new(stage.world.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let mut ask = |path: &str| {
        let uri = format!("http://a.example:{port}{path}");
        client.send_request(Request::get(uri).body(body("")).unwrap())
    };
    assert_eq!(text(ask("/a").await.unwrap()).await, "hello");
    assert_eq!(ask("/denied").await.unwrap().status(), 403);
    assert_eq!(stage.world.events()[0].subject, format!("GET http://a.example:{port}/a"));
}

#[tokio::test]
async fn fronts_a_request_for_another_host() {
    let server = Server::start(&[b"h2", b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http1().await;
    for (target, host) in [
        ("/", "evil.example"),
        ("/", "a.example:1"),
        ("/", "a.example@evil.example"),
        ("/", "a.example.evil.example"),
        ("/", ""),
        ("https://evil.example/", "a.example"),
        ("http://a.example/", "a.example"),
        ("https://x@a.example/", "a.example"),
    ] {
        let request = Request::get(target).header("host", host).body(body("")).unwrap();
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 403, "{target} {host}");
        assert!(text(answer).await.contains("the connection is to a.example"));
        client.ready().await.unwrap();
    }
    let mut client = stage.http2().await;
    for uri in ["https://evil.example/", "http://a.example/", "https://a.example:1/"] {
        let request = Request::get(uri).body(body("")).unwrap();
        assert_eq!(client.send_request(request).await.unwrap().status(), 403, "{uri}");
    }
    let request = Request::get("https://a.example/").header("host", "evil.example");
    let answer = client.send_request(request.body(body("")).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(server.came.lock().unwrap().is_empty());
    assert_eq!(stage.world.denials().len(), 12);
    // What names the host in another way is the same to the server.
    let mut client = stage.http1().await;
    let request = Request::get("/").header("host", "A.Example.").body(body("")).unwrap();
    assert_eq!(client.send_request(request).await.unwrap().status(), 200);
    assert_eq!(server.got.lock().unwrap()[0].headers["host"], "a.example");
}

#[tokio::test]
async fn asks_for_another_name_in_tls_than_it_resolved() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    stage.tls_as("evil.example", &[]).await.unwrap_err();
    stage.tls_as("127.0.0.1", &[]).await.unwrap_err();
    assert!(server.came.lock().unwrap().is_empty());
    assert_eq!(stage.world.denials().len(), 2);
}

#[tokio::test]
async fn speaks_neither_tls_nor_http() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let answer = stage.world.exchange(b"SSH-2.0-x\r\n").await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", answer.escape_ascii());
    stage.world.exchange(b"\x16\x01garbage").await.unwrap_err();
    stage.tls_as("a.example", &[b"imap"]).await.unwrap_err();
    assert!(server.came.lock().unwrap().is_empty());
    assert_eq!(stage.world.denials().len(), 2);
}

#[tokio::test]
async fn a_body_is_read_before_the_decision_where_it_counts() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let plan = crate::world::Plan::to(server.port);
    let stage = Stage::with(plan, server.root.clone(), Some(100)).await;
    let mut client = stage.http1().await;
    let post = |size: usize| {
        let request = Request::post("/").header("host", "a.example");
        request.body(body("x".repeat(size))).unwrap()
    };
    let answer = client.send_request(post(100)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(server.got.lock().unwrap()[0].headers["content-length"], "100");
    let mut client = stage.http1().await;
    assert_eq!(client.send_request(post(101)).await.unwrap().status(), 403);
    let mut client = stage.http1().await;
    assert_eq!(client.send_request(get("/")).await.unwrap().status(), 200);
    let read: Vec<_> = stage.bodies.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(read, [100, 0]);
    assert_eq!(server.requests(), ["POST /", "GET /"]);
}

#[tokio::test]
async fn what_is_of_one_connection_does_not_reach_the_server() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http1().await;
    let request = Request::get("/")
        .header("host", "a.example")
        .header("connection", "x-hop, authorization")
        .header("x-hop", "1")
        .header("proxy-authorization", "Basic x")
        .header("upgrade", "h2c")
        .header("http2-settings", "AAMAAABkAAQAoAAAAAIAAAAA")
        .header("x-kept", "1")
        .body(body(""))
        .unwrap();
    client.send_request(request).await.unwrap();
    let got = server.got.lock().unwrap();
    let mut names: Vec<_> = got[0].headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["host", "x-kept"]);
}

/// What HTTP/2 frames by itself goes on by HTTP/1 perhaps.
#[tokio::test]
async fn says_twice_over_http2_how_long_a_body_is() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    for fields in [
        &[("content-length", "0"), ("content-length", "0")][..],
        &[("content-length", "")],
        &[("content_length", "50")],
        &[("transfer_encoding", "chunked")],
    ] {
        let mut client = stage.http2().await;
        let mut request = Request::get(format!("https://a.example:{}/", server.port));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = client.send_request(request.body(body("")).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 403, "{fields:?}");
    }
    assert_eq!(server.requests().len(), 0);
    assert_eq!(stage.world.denials().len(), 4);
}

#[tokio::test]
async fn a_target_that_cannot_be_read_leaves_a_record() {
    let server = Server::start(&[b"http/1.1"], hello).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let request = b"GET http://[a/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let answer = stage.world.exchange(request).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    let denials = stage.world.denials();
    assert!(denials[0].reason.starts_with("its request cannot be read"), "{denials:?}");
}
