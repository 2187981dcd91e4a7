//! Answers that a client and the proxy could read in two ways, from a server that does as it likes.

use super::{Server, said, stage};

/// What a client gets of an answer.
#[derive(Debug, Clone, Copy)]
enum Gets {
    /// An error of the proxy's in its place.
    Error,
    /// This status, and a body that ends so and looks whole.
    Whole(&'static str, &'static str),
    /// Nothing that looks whole.
    Cut,
}

use Gets::{Cut, Error, Whole};

/// The target asks for one of these.
const ANSWERS: &[(&[u8], Gets)] = &[
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Whole("200", "hello")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Whole("200", "0\\r\\n\\r\\n")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 50\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Error),
    (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\nhello", Error),
    (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nX\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\nX(: y\r\n\r\n", Error),
    (b"HTTP/1.1 200 OK\r\n: y\r\n\r\n", Error),
    (b"HTTP/1.1 2000 OK\r\n\r\n", Error),
    (b"HTTP/1.1 20 OK\r\n\r\n", Error),
    (b"HTTP/1.1 -20 OK\r\n\r\n", Error),
    (b"HTTP/1.1 099 OK\r\n\r\n", Error),
    (b"HTTP/2.0 200 OK\r\n\r\n", Error),
    (b"HTTP/3 200 OK\r\n\r\n", Error),
    (b"ICY 200 OK\r\n\r\nhello", Error),
    (b"hello, I am of HTTP/0.9", Error),
    (b"SSH-2.0-x\r\n", Error),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Error),
    (b"\x16\x03\x01\x00\x05hello", Error),
    (b"", Error),
    (b"HTTP/1.1 100 Continue\r\n\r\n", Error),
    (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello", Error),
    (b"HTTP/1.1 101 Switching Protocols\r\n\r\nhello", Error),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Whole("200", "hello")),
    (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Whole("200", "hello")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo", Whole("200", "hello")),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", Whole("204", "\\r\\n\\r\\n")),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", Whole("304", "\\r\\n\\r\\n")),
    (b"HTTP/1.1 200 OK\r\nX: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", Whole("200", "hello")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", Whole("200", "hello")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", Cut),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n0\r\n\r\n", Cut),
];

fn by_number(heard: &[u8]) -> Option<Vec<u8>> {
    if !heard.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        return None;
    }
    let text = std::str::from_utf8(heard).ok()?;
    let number: usize = text.split(['/', ' ']).nth(2)?.parse().ok()?;
    ANSWERS.get(number).map(|(answer, _)| answer.to_vec())
}

#[tokio::test]
async fn no_answer_is_read_in_two_ways() {
    let server = Server::start(by_number).await;
    let stage = stage(server.port).await;
    for (number, (answer, gets)) in ANSWERS.iter().enumerate() {
        let shown = answer.escape_ascii().to_string();
        let request = format!("GET /{number} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        let got = said(&stage, request.as_bytes(), 1).await;
        assert!(got.matches("HTTP/1.1 ").count() <= 1, "{shown}: {got}");
        let got = got.to_lowercase();
        match gets {
            Error => assert!(got.starts_with("http/1.1 502 "), "{shown}: {got}"),
            Whole(status, end) => {
                assert!(got.starts_with(&format!("http/1.1 {status} ")), "{shown}: {got}");
                assert!(got.ends_with(end), "{shown}: {got}");
            }
            // What breaks off at once may take the head with it.
            Cut if got.is_empty() => {}
            Cut => {
                assert!(got.starts_with("http/1.1 200 "), "{shown}: {got}");
                let framed = got.contains("content-length: 50") || got.contains("chunked");
                assert!(framed && !got.ends_with("0\\r\\n\\r\\n"), "{shown}: {got}");
            }
        }
    }
}
