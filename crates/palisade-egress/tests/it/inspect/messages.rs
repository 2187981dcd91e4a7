//! Messages with a form of their own, and connections that are used again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::stage::{AnyBody, Flaw, Server, Stage, body, chain, futures::Answer, text};
use crate::world::{LOCALHOST, SOON};

fn get(path: &str) -> Request<AnyBody> {
    Request::get(path).header("host", "a.example").body(body("")).unwrap()
}

fn by_path(request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        let mut answer = Response::new(body("hello"));
        match request.uri().path() {
            "/204" | "/304" => {
                *answer.body_mut() = body("");
                let status: u16 = request.uri().path()[1..].parse().unwrap();
                *answer.status_mut() = status.try_into().unwrap();
                answer.headers_mut().insert("etag", HeaderValue::from_static("\"x\""));
            }
            "/big" => *answer.body_mut() = body(vec![b'x'; 300_000]),
            _ => {}
        }
        answer.headers_mut().insert("X-Kept", HeaderValue::from_static("1"));
        answer
    })
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let server = Server::start(&[b"http/1.1"], by_path).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http1().await;
    let head = Request::head("/big").header("host", "a.example").body(body("")).unwrap();
    let answer = client.send_request(head).await.unwrap();
    assert_eq!(answer.headers()["content-length"], "300000");
    assert_eq!(text(answer).await, "");
    for status in [204, 304] {
        client.ready().await.unwrap();
        let answer = client.send_request(get(&format!("/{status}"))).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["etag"], "\"x\"");
        assert_eq!(text(answer).await, "");
    }
    client.ready().await.unwrap();
    assert_eq!(text(client.send_request(get("/big")).await.unwrap()).await.len(), 300_000);
    assert_eq!(server.came.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_old_client_gets_what_it_understands() {
    let server = Server::start(&[b"http/1.1"], by_path).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut stream = stage.tls(&[]).await;
    stream.write_all(b"GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn a_connection_goes_on_after_an_offer_that_nobody_took() {
    let server = Server::start(&[b"http/1.1"], by_path).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut stream = stage.tls(&[]).await;
    for (path, protocol, status) in
        [("/x", "websocket", "200"), ("/denied", "websocket", "403"), ("/x", "h2c", "200")]
    {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\n\
             Upgrade: {protocol}\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !(answer.ends_with(b"hello") || answer.ends_with(b"}\n")) {
            answer.push(timeout(SOON, stream.read_u8()).await.unwrap().unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let got = server.got.lock().unwrap();
    assert_eq!(got[0].headers["upgrade"], "websocket");
    assert!(!got[1].headers.contains_key("upgrade"), "h2c is not offered");
}

#[tokio::test]
async fn names_of_fields_keep_their_letters() {
    let (config, root) = chain(Flaw::None);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        let mut bytes = vec![0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        let answer = b"HTTP/1.1 299 Like That\r\nX-Their-Way: 1\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream.flush().await.unwrap();
        String::from_utf8(bytes[..read].to_vec()).unwrap()
    });
    let stage = Stage::before(port, root).await;
    let mut stream = stage.tls(&[]).await;
    stream
        .write_all(b"GET /%7e?a=%20 HTTP/1.1\r\nHOST: a.example\r\nX-My-Way: 1\r\n\r\n")
        .await
        .unwrap();
    let mut answer = vec![0; 4096];
    let read = timeout(SOON, stream.read(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert!(answer.starts_with("HTTP/1.1 299 Like That\r\nX-Their-Way: 1\r\n"), "{answer}");
    let heard = server.await.unwrap();
    assert!(heard.starts_with("GET /%7e?a=%20 HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("\r\nX-My-Way: 1\r\n"), "{heard}");
}

/// A server that closes each connection when the second request comes, as after an idle time.
#[tokio::test]
async fn a_connection_that_turns_out_to_be_closed_is_made_again() {
    let (config, root) = chain(Flaw::None);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                let mut bytes = vec![0; 4096];
                let _head = stream.read(&mut bytes).await.unwrap();
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                    .await
                    .unwrap();
                stream.flush().await.unwrap();
                let _second = stream.read(&mut bytes).await;
            });
        }
    });
    let stage = Stage::before(port, root).await;
    let mut client = stage.http1().await;
    for _ in 0..3 {
        client.ready().await.unwrap();
        assert_eq!(text(client.send_request(get("/")).await.unwrap()).await, "hello");
    }
    assert_eq!(came.load(Ordering::SeqCst), 3);
    // What may have an effect twice is not sent twice.
    client.ready().await.unwrap();
    let post = Request::post("/").header("host", "a.example").body(body("once")).unwrap();
    assert_eq!(client.send_request(post).await.unwrap().status(), 502);
    assert_eq!(came.load(Ordering::SeqCst), 3);
}
