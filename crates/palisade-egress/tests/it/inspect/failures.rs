use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use palisade_core::Verdict;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::stage::{AnyBody, Flaw, Server, Stage, body, chain, text};
use crate::world::{LOCALHOST, Plan, SOON};

fn get(path: &str) -> Request<AnyBody> {
    Request::get(path).header("host", "a.example").body(body("")).unwrap()
}

#[tokio::test]
async fn a_server_whose_certificate_is_bad_gets_nothing() {
    for flaw in [Flaw::Expired, Flaw::OtherName, Flaw::SelfSigned, Flaw::UnknownAuthority] {
        let server = Server::flawed(flaw, &[b"http/1.1"], |_| {
            Box::pin(async { http::Response::new(body("hello")) })
        })
        .await;
        let stage = Stage::before(server.port, server.root.clone()).await;
        let mut client = stage.http1().await;
        let answer = client.send_request(get("/?secret")).await.unwrap();
        assert_eq!(answer.status(), 502, "{flaw:?}");
        let answer = text(answer).await;
        assert!(answer.contains("certificate is not good"), "{flaw:?}: {answer}");
        assert!(server.requests().is_empty(), "{flaw:?}");
        let denials = stage.world.denials();
        assert_eq!(denials.len(), 1, "{flaw:?}: {denials:?}");
        assert!(denials[0].reason.contains("certificate"), "{denials:?}");
        // The connection goes on.
        client.ready().await.unwrap();
        assert_eq!(client.send_request(get("/denied")).await.unwrap().status(), 403);
    }
}

/// A TLS server that answers one request with these bytes and then closes, or never.
async fn canned(
    answer: &'static [u8],
    linger: bool,
) -> (u16, rustls::pki_types::CertificateDer<'static>) {
    let (config, root) = chain(Flaw::None);
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let mut buffer = [0; 4096];
                let _read = stream.read(&mut buffer).await?;
                stream.write_all(answer).await?;
                stream.flush().await?;
                if linger {
                    std::future::pending::<()>().await;
                }
                stream.shutdown().await
            });
        }
    });
    (port, root)
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_http_is_an_error() {
    for answer in [
        b"".as_slice(),
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200",
    ] {
        let (port, root) = canned(answer, false).await;
        let stage = Stage::before(port, root).await;
        let mut client = stage.http1().await;
        let got = timeout(SOON, client.send_request(get("/"))).await.unwrap().unwrap();
        assert_eq!(got.status(), 502, "{}", answer.escape_ascii());
        let text = text(got).await;
        assert!(text.contains("palisade could not get an answer"), "{text}");
        let last = stage.world.events().pop().unwrap();
        assert_eq!((last.kind.as_str(), last.decision), ("request", Verdict::Observe));
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_short_does_not_look_whole() {
    for answer in [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello".as_slice(),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    ] {
        let (port, root) = canned(answer, false).await;
        let stage = Stage::before(port, root).await;
        let mut client = stage.http1().await;
        // It may break off before the client has the head.
        if let Ok(got) = client.send_request(get("/")).await {
            assert_eq!(got.status(), 200);
            timeout(SOON, got.into_body().collect()).await.unwrap().unwrap_err();
        }
        let told = || {
            let events = stage.world.events();
            events.iter().any(|event| event.reason.contains("broke off"))
        };
        for _ in 0..100 {
            if told() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(told(), "{}", answer.escape_ascii());
    }
}

#[tokio::test]
async fn more_than_was_announced_is_not_passed_on() {
    let (port, root) =
        canned(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", true)
            .await;
    let stage = Stage::before(port, root).await;
    let mut client = stage.http1().await;
    assert_eq!(text(client.send_request(get("/")).await.unwrap()).await, "hello");
    client.ready().await.unwrap();
    assert_eq!(text(client.send_request(get("/")).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_slow_server_is_an_error_in_time() {
    let (port, root) = canned(b"", true).await;
    let mut plan = Plan::to(port);
    plan.limits.answer = Duration::from_millis(200);
    let stage = Stage::with(plan, root, None).await;
    let mut client = stage.http1().await;
    let answer = timeout(SOON, client.send_request(get("/"))).await.unwrap().unwrap();
    assert_eq!(answer.status(), 504);
    assert!(stage.world.events().pop().unwrap().reason.contains("did not answer"));
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error() {
    let (_, root) = chain(Flaw::None);
    let port = {
        let gone = std::net::TcpListener::bind((LOCALHOST, 0)).unwrap();
        gone.local_addr().unwrap().port()
    };
    let stage = Stage::before(port, root).await;
    let mut client = stage.http2().await;
    let request = Request::get(format!("https://a.example:{port}/")).body(body("")).unwrap();
    let answer = client.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(text(answer).await.contains("cannot reach the server"));
}

#[tokio::test]
async fn an_address_that_is_not_permitted_is_not_dialled() {
    let server =
        Server::start(&[b"http/1.1"], |_| Box::pin(async { http::Response::new(body("hello")) }))
            .await;
    let mut plan = Plan::to(server.port);
    plan.permitted = Vec::new();
    let stage = Stage::with(plan, server.root.clone(), None).await;
    let mut client = stage.http1().await;
    let answer = client.send_request(get("/")).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(text(answer).await.contains("denied by palisade"));
    assert!(server.came.lock().unwrap().is_empty());
    assert_eq!(stage.world.denials().len(), 1);
}

#[tokio::test]
async fn a_client_that_is_slow_with_its_head_is_cut() {
    let (_, root) = chain(Flaw::None);
    let mut plan = Plan::to(1);
    plan.limits.head = Duration::from_millis(300);
    let stage = Stage::with(plan, root, None).await;
    let mut stream = stage.tls(&[]).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a.ex").await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().ok();
}
