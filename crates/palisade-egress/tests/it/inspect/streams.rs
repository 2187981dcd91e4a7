use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};

use super::stage::{AnyBody, Server, Stage, body, futures::Answer};
use crate::world::SOON;

type Frames = mpsc::Receiver<Frame<Bytes>>;

struct Given(Frames);

impl Body for Given {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

fn given() -> (mpsc::Sender<Frame<Bytes>>, AnyBody) {
    let (sender, frames) = mpsc::channel(1);
    (sender, Given(frames).boxed_unsync())
}

/// Gives back what it gets, as it comes, trailers too.
fn echo(request: Request<Incoming>) -> Answer {
    Box::pin(async move {
        let mut answer = Response::new(request.into_body().map_err(Into::into).boxed_unsync());
        answer.headers_mut().insert("trailer", HeaderValue::from_static("x-end"));
        answer
    })
}

fn post(port: u16, body: AnyBody) -> Request<AnyBody> {
    Request::post(format!("https://a.example:{port}/")).body(body).unwrap()
}

#[tokio::test]
async fn frames_and_trailers_flow_both_ways_as_they_come() {
    let server = Server::start(&[b"h2"], echo).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http2().await;
    let (sender, body) = given();
    let answer = timeout(SOON, client.send_request(post(server.port, body))).await;
    let mut answer = answer.unwrap().unwrap().into_body();
    for number in 0..5 {
        let text = format!("data: {number}\n\n");
        sender.send(Frame::data(text.clone().into())).await.unwrap();
        let frame = timeout(SOON, answer.frame()).await.unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), text);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("authorization", HeaderValue::from_static("x"));
    sender.send(Frame::trailers(trailers)).await.unwrap();
    drop(sender);
    let frame = timeout(SOON, answer.frame()).await.unwrap().unwrap().unwrap();
    let trailers = frame.into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert!(!trailers.contains_key("authorization"));
}

#[tokio::test]
async fn events_are_not_held_back_over_http1() {
    let server = Server::start(&[b"http/1.1"], echo).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.http1().await;
    let (sender, body) = given();
    let request = Request::post("/").header("host", "a.example").body(body).unwrap();
    sender.send(Frame::data("first".into())).await.unwrap();
    let answer = timeout(SOON, client.send_request(request)).await.unwrap().unwrap();
    let mut answer = answer.into_body();
    let frame = timeout(SOON, answer.frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "first");
    sender.send(Frame::data("second".into())).await.unwrap();
    let frame = timeout(SOON, answer.frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "second");
}

/// A client that does not read stops the server, and the other way round: nothing is piled up.
#[tokio::test]
async fn a_reader_that_does_not_read_stops_the_sender() {
    for h2 in [true, false] {
        let protocol: &[u8] = if h2 { b"h2" } else { b"http/1.1" };
        let server = Server::start(&[protocol], echo).await;
        let stage = Stage::before(server.port, server.root.clone()).await;
        let (sender, body) = given();
        let sending = tokio::spawn(async move {
            let chunk = Bytes::from(vec![7; 64 * 1024]);
            let mut sent = 0_usize;
            while let Ok(Ok(())) =
                timeout(Duration::from_millis(700), sender.send(Frame::data(chunk.clone()))).await
            {
                sent += chunk.len();
                assert!(sent < 256 << 20, "nothing stops it");
            }
            sent
        });
        let answer = if h2 {
            stage.http2().await.send_request(post(server.port, body)).await.unwrap()
        } else {
            let request = Request::post("/").header("host", "a.example").body(body).unwrap();
            stage.http1().await.send_request(request).await.unwrap()
        };
        let sent = timeout(SOON * 6, sending).await.unwrap().unwrap();
        assert!(sent > 0);
        drop(answer);
    }
}

/// A stream that never ends, to a client that goes away: the server is told at once.
#[tokio::test]
async fn a_client_that_goes_away_frees_the_server() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Endless;
    impl Body for Endless {
        type Data = Bytes;
        type Error = Box<dyn std::error::Error + Send + Sync>;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }
    impl Drop for Endless {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    for protocol in [b"http/1.1"] {
        let server = Server::start(&[protocol.as_slice()], |_| {
            ALIVE.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Response::new(Endless.boxed_unsync()) })
        })
        .await;
        let stage = Stage::before(server.port, server.root.clone()).await;
        let mut stream = stage.tls(&[]).await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").await.unwrap();
        let mut status = [0; 15];
        timeout(SOON, stream.read_exact(&mut status)).await.unwrap().unwrap();
        assert_eq!(ALIVE.load(Ordering::SeqCst), 1);
        drop(stream);
        for _ in 0..500 {
            if ALIVE.load(Ordering::SeqCst) == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn many_bytes_pass_unchanged() {
    for protocol in [b"h2".as_slice(), b"http/1.1"] {
        let server = Server::start(&[protocol], echo).await;
        let stage = Stage::before(server.port, server.root.clone()).await;
        let bytes: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 251) as u8).collect();
        let request = post(server.port, body(bytes.clone()));
        let mut client = stage.http2().await;
        let answer = timeout(SOON * 4, client.send_request(request)).await.unwrap().unwrap();
        let got = timeout(SOON * 4, answer.into_body().collect()).await.unwrap().unwrap();
        assert!(got.to_bytes() == bytes);
    }
}

#[tokio::test]
async fn a_denial_is_read_by_a_client_that_sends_much() {
    let server = Server::start(&[b"http/1.1"], echo).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let much = || body(vec![7; 20_000_000]);
    let request = Request::post("/denied").header("host", "a.example").body(much()).unwrap();
    let mut client = stage.http1().await;
    let answer = timeout(SOON * 4, client.send_request(request)).await.unwrap().unwrap();
    assert_eq!(answer.status(), 403);
    assert!(super::stage::text(answer).await.contains("denied by palisade"));
    client.ready().await.unwrap();
    let uri = format!("https://a.example:{}/denied", server.port);
    let mut client = stage.http2().await;
    for _ in 0..3 {
        let request = Request::post(&uri).body(much()).unwrap();
        let answer = timeout(SOON * 4, client.send_request(request)).await.unwrap().unwrap();
        assert_eq!(answer.status(), 403);
        assert!(super::stage::text(answer).await.contains("denied by palisade"));
    }
    assert!(server.came.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_client_that_waits_for_permission_to_send_gets_it_or_the_denial() {
    let server = Server::start(&[b"http/1.1"], echo).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
    };
    let mut stream = stage.tls(&[]).await;
    stream.write_all(head("/").as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    timeout(SOON, stream.read_exact(&mut interim)).await.unwrap().unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut answer = [0; 15];
    timeout(SOON, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let mut stream = stage.tls(&[]).await;
    stream.write_all(head("/denied").as_bytes()).await.unwrap();
    timeout(SOON, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403 Fo");
}

#[tokio::test]
async fn web_sockets_are_decided_then_relayed() {
    fn shake(mut request: Request<Incoming>) -> Answer {
        let upgrade = hyper::upgrade::on(&mut request);
        let wanted = request.headers().get("upgrade").is_some_and(|it| it == "websocket");
        tokio::spawn(async move {
            let mut stream = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
            let mut frame = [0; 7];
            while stream.read_exact(&mut frame).await.is_ok() {
                frame.reverse();
                stream.write_all(&frame).await.unwrap();
            }
        });
        Box::pin(async move {
            let mut answer = Response::new(body(""));
            *answer.status_mut() = if wanted { 101 } else { 400 }.try_into().unwrap();
            let headers = answer.headers_mut();
            headers.insert("connection", HeaderValue::from_static("upgrade"));
            headers.insert("upgrade", HeaderValue::from_static("websocket"));
            headers.insert("sec-websocket-accept", HeaderValue::from_static("x"));
            answer
        })
    }
    let server = Server::start(&[b"http/1.1"], shake).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let ask = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
        )
    };
    let mut stream = stage.tls(&[]).await;
    stream.write_all(ask("/denied").as_bytes()).await.unwrap();
    let mut status = [0; 12];
    timeout(SOON, stream.read_exact(&mut status)).await.unwrap().unwrap();
    assert_eq!(&status, b"HTTP/1.1 403");
    let mut stream = stage.tls(&[]).await;
    stream.write_all(ask("/socket").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(
        head.starts_with("http/1.1 101 ") && head.contains("sec-websocket-accept: x"),
        "{head}"
    );
    for _ in 0..3 {
        stream.write_all(b"abcdefg").await.unwrap();
        let mut frame = [0; 7];
        timeout(SOON, stream.read_exact(&mut frame)).await.unwrap().unwrap();
        assert_eq!(&frame, b"gfedcba");
    }
    drop(stream);
    let end = stage.world.end().await;
    assert_eq!((end.sent, end.received), (21, 21));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the chunks on the way, the server and the client get the same bytes.
    #[test]
    fn any_chunking_gives_the_same_bytes(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..3000), 0..12),
        h2 in any::<bool>(),
        server_h2 in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = chunks.concat();
        let got = runtime.block_on(async move {
            let protocol: &[u8] = if h2 && server_h2 { b"h2" } else { b"http/1.1" };
            let server = Server::start(&[protocol], echo).await;
            let stage = Stage::before(server.port, server.root.clone()).await;
            let (sender, body) = given();
            tokio::spawn(async move {
                for chunk in chunks {
                    sender.send(Frame::data(chunk.into())).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            let answer = if h2 {
                stage.http2().await.send_request(post(server.port, body)).await.unwrap()
            } else {
                let request = Request::post("/").header("host", "a.example").body(body).unwrap();
                stage.http1().await.send_request(request).await.unwrap()
            };
            timeout(SOON, answer.into_body().collect()).await.unwrap().unwrap().to_bytes()
        });
        prop_assert_eq!(got, expected);
    }
}
