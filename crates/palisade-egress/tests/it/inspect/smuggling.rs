//! Requests that two servers would read differently, sent by a client that does as it likes.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::stage::{Flaw, Stage, chain};
use crate::world::{LOCALHOST, SOON};

/// A TLS server that keeps every byte and answers whatever ends with an empty line.
async fn recorder() -> (u16, rustls::pki_types::CertificateDer<'static>, Arc<Mutex<Vec<u8>>>) {
    let (config, root) = chain(Flaw::None);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let mut buffer = [0; 4096];
                loop {
                    let read = stream.read(&mut buffer).await?;
                    if read == 0 {
                        return Ok::<_, std::io::Error>(());
                    }
                    kept.lock().unwrap().extend_from_slice(&buffer[..read]);
                    if kept.lock().unwrap().windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
                        stream.flush().await?;
                    }
                }
            });
        }
    });
    (port, root, heard)
}

fn ambiguous() -> Vec<Vec<u8>> {
    let post = |lines: &str, body: &str| {
        format!("POST / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n\r\n{body}").into_bytes()
    };
    let inner = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let long = inner.len();
    let mut all = vec![
        post(&format!("Content-Length: {long}\r\nTransfer-Encoding: chunked"), inner),
        post(&format!("Transfer-Encoding: chunked\r\nContent-Length: {long}"), inner),
        post("Content-Length: 4\r\nTransfer-Encoding: chunked", "5c\r\nGPOST"),
        post("Content-Length: 0\r\nContent-Length: 44", inner),
        post("Content-Length: 44\r\nContent-Length: 44", inner),
        post("Content-Length: 44, 44", inner),
        post("Content-Length: +44", inner),
        post("Content-Length : 44", inner),
        post("Content-Length:\u{b}44", inner),
        post("Content-Length: 0x2c", inner),
        post("Transfer-Encoding: xchunked", inner),
        post("Transfer-Encoding : chunked", inner),
        post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", inner),
        post("Transfer-Encoding: x\r\nTransfer-Encoding: chunked", inner),
        post("Transfer-Encoding: identity, chunked", inner),
        post("Transfer-Encoding:\tchunked, identity", inner),
        post("Transfer-Encoding: chunked\u{b}", inner),
        post(" Transfer-Encoding: chunked", inner),
        post("X: y\r\n Transfer-Encoding: chunked", inner),
        post("X: y\rTransfer-Encoding: chunked", inner),
        post("X: y\nTransfer-Encoding: chunked", inner),
        post("Transfer-Encoding\r\n: chunked", inner),
        post("Transfer\u{0}-Encoding: chunked", inner),
        post("X: a\u{0}b", ""),
        post("Host: a.example", ""),
        post("Host: b.example", ""),
    ];
    all.extend(
        [
            "GET / HTTP/1.1\nHost: a.example\n\n",
            "GET / HTTP/1.1\r\nHost: a.example\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\n\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nX: y\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/3.0\r\nHost: a.example\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a.example\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET / / HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET /#x HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\n: x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\nX\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ]
        .map(|text| text.as_bytes().to_vec()),
    );
    all
}

#[tokio::test]
async fn requests_that_are_read_in_two_ways_are_refused_before_anything_is_sent() {
    let (port, root, heard) = recorder().await;
    let stage = Stage::before(port, root).await;
    for request in ambiguous() {
        let shown = request.escape_ascii().to_string();
        let before = stage.world.denials().len();
        let mut stream = stage.tls(&[]).await;
        stream.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        timeout(SOON, stream.read_to_end(&mut answer)).await.expect(&shown).ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{shown}: {answer}");
        assert!(answer.contains("refused by palisade"), "{shown}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shown}: {answer}");
        assert_eq!(stage.world.denials().len(), before + 1, "{shown}");
    }
    assert!(heard.lock().unwrap().is_empty());
}

/// The twin: the same recorder does get what is not ambiguous, and as one request only.
#[tokio::test]
async fn what_looks_like_a_request_in_a_body_stays_a_body() {
    let (port, root, heard) = recorder().await;
    let stage = Stage::before(port, root).await;
    let inner = "GET /denied/smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
    for (framing, body) in [
        (format!("Content-Length: {}", inner.len()), inner.to_owned()),
        ("Transfer-Encoding: chunked".into(), format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len())),
    ] {
        heard.lock().unwrap().clear();
        let mut stream = stage.tls(&[]).await;
        let request = format!("POST /x HTTP/1.1\r\nHost: a.example\r\n{framing}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 15];
        timeout(SOON, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        drop(stream);
        for _ in 0..100 {
            if String::from_utf8_lossy(&heard.lock().unwrap()).contains("smuggled") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let heard = String::from_utf8(heard.lock().unwrap().clone()).unwrap();
        assert!(heard.starts_with("POST /x HTTP/1.1\r\n"), "{heard}");
        assert!(heard.contains(inner), "{heard}");
    }
    assert!(stage.world.denials().is_empty());
}

#[tokio::test]
async fn pipelined_requests_are_decided_one_by_one() {
    let (port, root, heard) = recorder().await;
    let stage = Stage::before(port, root).await;
    let mut stream = stage.tls(&[]).await;
    stream
        .write_all(
            b"GET /denied/1 HTTP/1.1\r\nHost: a.example\r\n\r\n\
            GET /denied/2 HTTP/1.1\r\nHost: a.example\r\n\r\n\
            POST /denied/3 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nab\
            GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n\
            GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        )
        .await
        .unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().ok();
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(answer.matches("HTTP/1.1 403").count(), 3, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 4, "{answer}");
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_bad_chunk_ends_the_request_and_its_connection() {
    let (port, root, heard) = recorder().await;
    let stage = Stage::before(port, root).await;
    for bad in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5;\u{1}\r\nhello\r\n0\r\n\r\n",
    ] {
        heard.lock().unwrap().clear();
        let mut stream = stage.tls(&[]).await;
        let request = format!(
            "POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n{bad}\
             GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().ok();
        let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
        assert!(!heard.contains("smuggled"), "{bad:?}: {heard}");
        assert!(!heard.ends_with("0\r\n\r\n"), "{bad:?}: the body looks whole: {heard}");
    }
}
