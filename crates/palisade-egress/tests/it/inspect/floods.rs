//! Clients that want to take up the supervisor's memory or time.

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use super::stage::{Server, Stage, body};
use crate::world::SOON;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET https://a.example/denied`, without Huffman coding.
fn request() -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x04, 7];
    block.extend(b"/denied");
    block.extend([0x41, 9]);
    block.extend(b"a.example");
    block
}

async fn stage() -> (Server, Stage) {
    let server =
        Server::start(&[b"h2"], |_| Box::pin(async { http::Response::new(body("hello")) })).await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    (server, stage)
}

async fn begin(stage: &Stage) -> TlsStream<TcpStream> {
    let mut stream = stage.tls(&[b"h2"]).await;
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream
}

/// Whether the proxy ends this, and the frames that it sent until then.
async fn ends(stream: TlsStream<TcpStream>, flood: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.ok();
        all
    });
    let writing = async {
        for bytes in flood {
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // If it has not had enough by now, nothing ends it.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = writing => {}
        () = tokio::time::sleep(SOON * 2) => {}
        () = async { while !reading.is_finished() { tokio::time::sleep(SOON / 100).await } } => {}
    }
    let got = timeout(SOON * 2, reading).await.expect("the connection is ended").unwrap();
    assert!(kinds(&got).contains(&GOAWAY), "{:?}", kinds(&got));
    got
}

fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let [a, b, c, kind, ..] = *bytes {
        kinds.push(kind);
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        bytes = bytes.get(9 + length..).unwrap_or_default();
    }
    kinds
}

/// CVE-2023-44487.
#[tokio::test]
async fn opens_and_resets_streams_without_end() {
    let (server, stage) = stage().await;
    let stream = begin(&stage).await;
    let flood = (0..200_000_u32).map(|number| {
        let id = number * 2 + 1;
        let mut both = frame(HEADERS, END_STREAM | END_HEADERS, id, &request());
        both.extend(frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()));
        both
    });
    ends(stream, flood).await;
    assert!(server.came.lock().unwrap().is_empty());
}

/// CVE-2024-27316 and its kin.
#[tokio::test]
async fn never_ends_a_head() {
    let (server, stage) = stage().await;
    let stream = begin(&stage).await;
    let first = frame(HEADERS, END_STREAM, 1, &request());
    let mut more = vec![0x00, 1, b'x', 100];
    more.extend([b'y'; 100]);
    let more = more.repeat(100);
    let flood =
        std::iter::once(first).chain((0..5_000).map(move |_| frame(CONTINUATION, 0, 1, &more)));
    ends(stream, flood).await;
    assert!(server.came.lock().unwrap().is_empty());
}

/// One entry of the table, named a great many times: few bytes that become many.
#[tokio::test]
async fn packs_a_large_head_into_few_bytes() {
    let (server, stage) = stage().await;
    let mut stream = begin(&stage).await;
    let mut block = request();
    block.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x0e]);
    block.extend(vec![b'y'; 0x7f + 0x21 + (0x0e << 7)]);
    // 0xbe: the newest entry of the dynamic table.
    block.extend(vec![0xbe; 8_000]);
    stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)).await.unwrap();
    let mut got = Vec::new();
    let reading = timeout(SOON, async {
        loop {
            got.push(stream.read_u8().await?);
            let kinds = kinds(&got);
            if [HEADERS, RST_STREAM, GOAWAY].iter().any(|kind| kinds.contains(kind)) {
                return Ok::<_, std::io::Error>(());
            }
        }
    });
    reading.await.expect("an answer in time").ok();
    assert!(server.came.lock().unwrap().is_empty());
    // It was no request yet.
    let unread = |why: &str| why.starts_with("its HTTP/2 cannot be read");
    let events = stage.world.events();
    assert!(events.iter().all(|event| event.kind != "request" || unread(&event.reason)));
}

/// A client that asks and never reads: what would be said to it must not pile up.
#[tokio::test]
async fn pings_and_never_reads() {
    let (_server, stage) = stage().await;
    let mut stream = begin(&stage).await;
    let pings = frame(PING, 0, 0, &[7; 8]).repeat(1_000);
    let mut sent = 0_usize;
    while sent < 512 << 20 {
        match timeout(SOON / 2, stream.write_all(&pings)).await {
            Ok(Ok(())) => sent += pings.len(),
            // It reads no more, or has cut the connection.
            _ => return,
        }
    }
    panic!("half a gigabyte of pings was taken");
}

/// Bytes that were taken of all of these bodies.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// A body without end.
struct Unended;

impl Body for Unended {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        TAKEN.fetch_add(16 * 1024, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 16 * 1024])))))
    }
}

/// A client that opens its windows wide and does not read: what is sent to it is held by somebody.
#[tokio::test]
async fn asks_for_much_and_does_not_read() {
    let server = Server::start(&[b"h2"], |_| {
        Box::pin(async { http::Response::new(Unended.boxed_unsync()) })
    });
    let server = server.await;
    let stage = Stage::before(server.port, server.root.clone()).await;
    let mut client = stage.tls(&[b"h2"]).await;
    let wide = [0, 4, 0x7f, 0xff, 0xff, 0xff];
    client.write_all(PREFACE).await.unwrap();
    client.write_all(&frame(SETTINGS, 0, 0, &wide)).await.unwrap();
    let more = 0x7fff_0000_u32.to_be_bytes();
    client.write_all(&frame(WINDOW_UPDATE, 0, 0, &more)).await.unwrap();
    let mut block = vec![0x82, 0x87, 0x84, 0x41, 9];
    block.extend(b"a.example");
    for number in 0..100 {
        let flags = END_STREAM | END_HEADERS;
        client.write_all(&frame(HEADERS, flags, 2 * number + 1, &block)).await.unwrap();
    }
    let (mut before, mut now) = (0, 0);
    while now == 0 || now != before {
        before = now;
        tokio::time::sleep(SOON / 2).await;
        now = TAKEN.load(Ordering::SeqCst);
    }
    // The rest are windows, and buffers of sockets.
    assert!(now < 20 << 20, "{now} bytes were taken");
    drop(client);
}

/// A denial that comes before the end of a body comes whole, and nothing says that the server failed
/// (RFC 9113, section 8.1).
#[tokio::test]
async fn never_ends_the_body_of_a_denied_request() {
    let (_server, stage) = stage().await;
    let mut stream = begin(&stage).await;
    let mut block = vec![0x83, 0x87, 0x04, 7];
    block.extend(b"/denied");
    block.extend([0x41, 9]);
    block.extend(b"a.example");
    stream.write_all(&frame(HEADERS, END_HEADERS, 1, &block)).await.unwrap();
    stream.write_all(&frame(DATA, 0, 1, &[7; 16_384])).await.unwrap();
    let mut got = Vec::new();
    let reading = async {
        while !got.ends_with(&frame(RST_STREAM, 0, 1, &0_u32.to_be_bytes())) {
            got.push(stream.read_u8().await.unwrap());
        }
    };
    timeout(SOON * 4, reading).await.unwrap();
    let kinds: Vec<u8> =
        kinds(&got).into_iter().filter(|kind| [HEADERS, DATA, RST_STREAM].contains(kind)).collect();
    assert_eq!(kinds, [HEADERS, DATA, RST_STREAM]);
}

/// What the server's first settings say of requests at a time, and of a stream's window.
async fn settings(stream: &mut TlsStream<TcpStream>) -> (u32, u32) {
    let mut head = [0; 9];
    timeout(SOON, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], SETTINGS);
    let mut payload = vec![0; usize::from(head[2])];
    stream.read_exact(&mut payload).await.unwrap();
    let mut found = (u32::MAX, 65_535);
    for entry in payload.chunks_exact(6) {
        let value = u32::from_be_bytes(entry[2..].try_into().unwrap());
        match entry[1] {
            3 => found.0 = value,
            4 => found.1 = value,
            _ => {}
        }
    }
    found
}

#[tokio::test]
async fn has_more_connections_than_there_is_room_for() {
    let (_server, stage) = stage().await;
    let mut open = Vec::new();
    for number in 0..34 {
        let mut stream = stage.tls(&[b"h2"]).await;
        stream.write_all(PREFACE).await.unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        let expected = if number < 32 { (100, 1024 * 1024) } else { (8, 65_535) };
        assert_eq!(settings(&mut stream).await, expected, "connection {number}");
        open.push(stream);
    }
    // Those with little room are served as well.
    let mut sender = stage.http2().await;
    let request = http::Request::get("https://a.example/x").body(body("")).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
}
