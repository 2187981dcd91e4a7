//! Bodies in chunks that two servers could read in two ways.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Server, said, stage};

/// Answers once the body is whole as a strict reader has it, or never.
fn at_the_end(heard: &[u8]) -> Option<Vec<u8>> {
    let whole = heard.ends_with(b"\r\n\r\n")
        && heard.windows(5).any(|it| it == b"0\r\n\r\n" || it == b"0\r\nx-" || it == b"0\r\nco");
    whole.then(|| b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec())
}

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";

const BAD: &[&str] = &[
    "5 \r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "\t5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "5_\r\nhello\r\n0\r\n\r\n",
    "0_5\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "5h\r\nhello\r\n0\r\n\r\n",
    "5,5\r\nhello\r\n0\r\n\r\n",
    "\r\nhello\r\n0\r\n\r\n",
    ";x\r\nhello\r\n0\r\n\r\n",
    "00000000000000005\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    "5;\nhello\r\n0\r\n\r\n",
    "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n",
    "5;\u{0}\r\nhello\r\n0\r\n\r\n",
    "5;\u{e9}\r\nhello\r\n0\r\n\r\n",
    "5\u{b}\r\nhello\r\n0\r\n\r\n",
    "5\r\r\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloworld\r\n0\r\n\r\n",
    "5\r\nhell\r\n0\r\n\r\n",
    "5\r\nhello\r\n\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\n\r\n",
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0\r\nX: y\n\r\n",
    "5\r\nhello\r\n0\r\n X: y\r\n\r\n",
    "5\r\nhello\r\n0\r\nX : y\r\n\r\n",
    "5\r\nhello\r\n0\r\nX\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: \u{0}\r\n\r\n",
    "5\r\nhello\r\n0\r\n",
    "5\r\nhello\r\n",
    "5\r\nhel",
    "5\r\n",
    "5",
];

#[tokio::test]
async fn no_body_that_can_be_read_in_two_ways_looks_whole() {
    let server = Server::start(at_the_end).await;
    let stage = stage(server.port).await;
    for bad in BAD {
        // Behind a body that is cut short a connection ends.
        let behind =
            if bad.ends_with("\r\n\r\n") || bad.ends_with("\n\r\n") { SMUGGLED } else { "" };
        let request = format!(
            "POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n{bad}{behind}"
        );
        let answer = said(&stage, request.as_bytes(), usize::from(!behind.is_empty())).await;
        assert!(!answer.contains("HTTP/1.1 2"), "{bad:?}: {answer}");
        if !behind.is_empty() {
            assert!(answer.starts_with("HTTP/1.1 400 "), "{bad:?}: {answer}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let heard = server.take();
        assert!(behind.is_empty() || heard.is_empty(), "{bad:?}: {heard}");
        assert!(!heard.contains("smuggled"), "{bad:?}: {heard}");
        assert!(!heard.ends_with("0\n\n"), "{bad:?}: the body looks whole: {heard}");
    }
}

/// What comes later is another matter: the head is with the server by then. The client is told that it was its own body.
#[tokio::test]
async fn a_body_that_goes_wrong_later_is_not_the_servers_fault() {
    let server = Server::start(at_the_end).await;
    let stage = stage(server.port).await;
    for bad in ["5 \r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "x\r\n", "5\r\nhellox"] {
        let mut client = stage.world.connect().await;
        let head =
            "POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n";
        client.write_all(head.as_bytes()).await.unwrap();
        let heard = async {
            while !server.heard.lock().unwrap().ends_with(b"ok\r\n") {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(super::PATIENCE, heard).await.expect("the head went on");
        client.write_all(bad.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let reading = client.read_to_end(&mut answer);
        tokio::time::timeout(super::PATIENCE, reading).await.expect("it ends").ok();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bad:?}: {answer}");
        assert!(answer.contains("read in more than one way"), "{bad:?}: {answer}");
        assert!(!server.take().ends_with("0\n\n"), "{bad:?}");
        let blamed = |event: &palisade_core::Event| event.reason.contains("the server's answer");
        assert!(!stage.world.events().iter().any(blamed), "{:?}", stage.world.events());
    }
}

/// What is not announced is not sent by any client of HTTP/1 that keeps to the standard.
const ANNOUNCED: &str = "Trailer: Content-Digest, X-Amz-Checksum-Crc32, X-Other, X-Api-Key, X-Original-URL, \
                         X-HTTP-Method-Override, X-Forwarded-Host, Range";

/// The twin, and trailers that would change what was decided: the body is whole, and they are gone.
#[tokio::test]
async fn what_frames_a_message_does_not_come_behind_it() {
    let server = Server::start(at_the_end).await;
    let stage = stage(server.port).await;
    for method in ["POST", "GET"] {
        for (good, kept) in [
            ("5\r\nhello\r\n0\r\n\r\n", ""),
            ("005;x=y\r\nhello\r\n0;z\r\n\r\n", ""),
            ("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nContent-Digest: 1\r\n\r\n", "content-digest: 1"),
            ("5\r\nhello\r\n0\r\nX-Amz-Checksum-Crc32: 1\r\n\r\n", "x-amz-checksum-crc32: 1"),
            ("5\r\nhello\r\n0\r\nX-Other: 1\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nX-Api-Key: evil\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nX-Original-URL: /evil\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nX-HTTP-Method-Override: EVIL\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nX-Forwarded-Host: evil.example\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nRange: bytes=0-1\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nHost: evil.example\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nAuthorization: evil\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nCookie: evil\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nContent-Type: evil\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nTrailer: evil\r\n\r\n", ""),
            ("5\r\nhello\r\n0\r\nConnection: evil\r\n\r\n", ""),
        ] {
            let request = format!(
                "{method} /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n{ANNOUNCED}\r\n\
                 \r\n{good}"
            );
            let answer = said(&stage, request.as_bytes(), 1).await;
            let heard = server.take();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{method} {good:?}: {answer}\n{heard}");
            let (_, body) = heard.split_once("\n\n").unwrap();
            let bytes: String = body.lines().skip(1).step_by(2).collect();
            assert!(bytes.starts_with("hello"), "{method} {good:?}: {heard}");
            let end = if kept.is_empty() { "0\n\n".to_owned() } else { format!("0\n{kept}\n\n") };
            assert!(body.ends_with(&end), "{method} {good:?}: {heard}");
        }
    }
    assert_eq!(stage.world.denials().len(), 0);
}
