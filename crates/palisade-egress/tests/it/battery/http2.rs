//! Frames of HTTP/2 from a client that does as it likes.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use palisade_core::Verdict;

use super::{PATIENCE, Server, stage};
use crate::{inspect::stage::Stage, world::SOON};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const BOTH: u8 = END_STREAM | END_HEADERS;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field, written out (RFC 7541, section 6.2.2).
fn field((name, value): &(&str, &str)) -> Vec<u8> {
    let text = |text: &str| {
        assert!(text.len() < 127);
        [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(field).collect()
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/x");
const AUTHORITY: (&str, &str) = (":authority", "a.example");

/// A request with these fields besides what each has.
fn with(more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, BOTH, 1, &block(&[&[METHOD, SCHEME, PATH, AUTHORITY], more].concat()))
}

fn only(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, BOTH, 1, &block(fields))
}

fn to(path: &str) -> Vec<u8> {
    only(&[METHOD, SCHEME, (":path", path), AUTHORITY])
}

fn at(authority: &str) -> Vec<u8> {
    only(&[METHOD, SCHEME, PATH, (":authority", authority)])
}

fn by(method: &str) -> Vec<u8> {
    only(&[(":method", method), SCHEME, PATH, AUTHORITY])
}

/// A POST with this length said, and this body.
fn sized(length: &str, body: &[u8]) -> Vec<u8> {
    let fields = block(&[(":method", "POST"), SCHEME, PATH, AUTHORITY, ("content-length", length)]);
    [frame(HEADERS, END_HEADERS, 1, &fields), frame(DATA, END_STREAM, 1, body)].concat()
}

/// A POST whose head has passed, and what comes behind.
fn behind(frames: &[Vec<u8>]) -> Vec<u8> {
    let fields = block(&[(":method", "POST"), SCHEME, PATH, AUTHORITY]);
    [vec![frame(HEADERS, END_HEADERS, 1, &fields)], frames.to_vec()].concat().concat()
}

/// What is no request, or one for somebody else: nothing of it reaches the server.
fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let good = block(&[METHOD, SCHEME, PATH, AUTHORITY]);
    vec![
        ("no path", only(&[METHOD, SCHEME, AUTHORITY])),
        ("an empty path", to("")),
        ("a path without a slash", to("x")),
        ("an asterisk that is not for OPTIONS", to("*")),
        ("a path that is a URL", to("http://evil.example/")),
        ("a path that is an authority", to("evil.example:443")),
        ("a blank in the path", to("/a b")),
        ("a version in the path", to("/ HTTP/1.1")),
        ("a line end in the path", to("/\r\nX: y")),
        ("an LF in the path", to("/\nX: y")),
        ("a NUL in the path", to("/\0")),
        ("a tab in the path", to("/\t")),
        ("a backslash in the path", to("/\\x")),
        ("a quote in the path", to("/\"x")),
        ("another script in the path", to("/\u{ff0f}")),
        ("two paths", with(&[(":path", "/y")])),
        ("two methods", with(&[(":method", "POST")])),
        ("two schemes", with(&[(":scheme", "https")])),
        ("two authorities", with(&[(":authority", "evil.example")])),
        ("the same authority twice", with(&[AUTHORITY])),
        ("a pseudo-field behind others", only(&[METHOD, SCHEME, PATH, ("x", "y"), AUTHORITY])),
        ("an unknown pseudo-field", with(&[(":x", "y")])),
        ("a status", with(&[(":status", "200")])),
        ("a protocol without CONNECT", with(&[(":protocol", "websocket")])),
        (
            "an extended CONNECT",
            only(&[(":method", "CONNECT"), (":protocol", "websocket"), SCHEME, PATH, AUTHORITY]),
        ),
        ("a CONNECT", only(&[(":method", "CONNECT"), (":authority", "evil.example:443")])),
        ("a CONNECT to here", only(&[(":method", "CONNECT"), AUTHORITY])),
        ("a CONNECT with a path", by("CONNECT")),
        ("no method", only(&[SCHEME, PATH, AUTHORITY])),
        ("an empty method", by("")),
        ("a blank in the method", by("GET /evil HTTP/1.1")),
        ("a line end in the method", by("GET / HTTP/1.1\r\nX: y")),
        ("no scheme", only(&[METHOD, PATH, AUTHORITY])),
        ("another scheme", only(&[METHOD, (":scheme", "https"), PATH, AUTHORITY])),
        ("a scheme of its own", only(&[METHOD, (":scheme", "ftp"), PATH, AUTHORITY])),
        (
            "a URL in the scheme",
            only(&[METHOD, (":scheme", "http://evil.example/?"), PATH, AUTHORITY]),
        ),
        ("no authority", only(&[METHOD, SCHEME, PATH])),
        ("an empty authority", at("")),
        ("another authority", at("evil.example")),
        ("a user's name", at("x@a.example")),
        ("another port", at("a.example:1")),
        ("an address", at("127.0.0.1")),
        ("an encoded authority", at("a%2eexample")),
        ("a path in the authority", at("a.example/evil")),
        ("a line end in the authority", at("a.example\r\nX: y")),
        ("another host", with(&[("host", "evil.example")])),
        ("two hosts", with(&[("host", "a.example"), ("host", "evil.example")])),
        ("an empty host", with(&[("host", "")])),
        ("another host alone", only(&[METHOD, SCHEME, PATH, ("host", "evil.example")])),
        ("capitals in a name", with(&[("X-Evil", "y")])),
        ("a blank in a name", with(&[("x y", "y")])),
        ("a blank behind a name", with(&[("content-length ", "5")])),
        ("a colon in a name", with(&[("x:y", "z")])),
        ("a line end in a name", with(&[("x: y\r\nz", "y")])),
        ("a NUL in a name", with(&[("x\0", "y")])),
        ("an empty name", with(&[("", "y")])),
        ("another script in a name", with(&[("\u{e9}", "y")])),
        ("a line end in a value", with(&[("x", "y\r\nz: evil")])),
        ("an LF in a value", with(&[("x", "y\nz: evil")])),
        ("a CR in a value", with(&[("x", "y\rz: evil")])),
        ("a NUL in a value", with(&[("x", "y\0z")])),
        ("a connection", with(&[("connection", "close")])),
        ("a connection that names another", with(&[("connection", "x"), ("x", "y")])),
        ("a transfer coding", with(&[("transfer-encoding", "chunked")])),
        ("no transfer coding", with(&[("transfer-encoding", "")])),
        ("an offer", with(&[("upgrade", "h2c")])),
        ("keep-alive", with(&[("keep-alive", "5")])),
        ("a proxy's connection", with(&[("proxy-connection", "keep-alive")])),
        ("a transfer coding that is wished for", with(&[("te", "gzip")])),
        ("two wishes", with(&[("te", "trailers, gzip")])),
        ("a twin of the length", with(&[("content_length", "5")])),
        ("a twin of the coding", with(&[("transfer_encoding", "chunked")])),
        ("two lengths", with(&[("content-length", "0"), ("content-length", "5")])),
        ("two lengths that agree", with(&[("content-length", "0"), ("content-length", "0")])),
        ("a length and no body", with(&[("content-length", "5")])),
        ("a length with a sign", sized("+5", b"hello")),
        ("a negative length", sized("-5", b"hello")),
        ("a list of lengths", sized("5,5", b"hello")),
        ("a length in another base", sized("0x5", b"hello")),
        ("a length with a zero before it", sized("05", b"hello")),
        ("a length that is none", sized("", b"hello")),
        ("a length that is too large", sized("18446744073709551621", b"hello")),
        ("a head on stream 0", frame(HEADERS, BOTH, 0, &good)),
        ("a head on an even stream", frame(HEADERS, BOTH, 2, &good)),
        ("data on an idle stream", frame(DATA, END_STREAM, 1, b"hello")),
        ("data on stream 0", frame(DATA, END_STREAM, 0, b"hello")),
        ("a CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, &good)),
        (
            "a CONTINUATION of another",
            [frame(HEADERS, END_STREAM, 1, &good), frame(CONTINUATION, END_HEADERS, 3, &[])]
                .concat(),
        ),
        (
            "a frame within a head",
            [frame(HEADERS, END_STREAM, 1, &good), frame(PING, 0, 0, &[0; 8])].concat(),
        ),
        ("a head that does not end", frame(HEADERS, END_STREAM, 1, &good)),
        (
            "more padding than there is",
            frame(HEADERS, BOTH | PADDED, 1, &[&[255], good.as_slice()].concat()),
        ),
        ("padding alone", frame(HEADERS, BOTH | PADDED, 1, &[])),
        ("a push", frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2], good.as_slice()].concat())),
        ("a priority that is too short", frame(PRIORITY, 0, 1, &[0; 4])),
        ("a reset of an idle stream", frame(RST_STREAM, 0, 1, &[0; 4])),
        ("a reset of stream 0", frame(RST_STREAM, 0, 0, &[0; 4])),
        ("settings of a stream", frame(SETTINGS, 0, 1, &[])),
        ("settings that are cut", frame(SETTINGS, 0, 0, &[0; 5])),
        ("an answer to settings that says something", frame(SETTINGS, 1, 0, &[0; 6])),
        ("a window over all", frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff])),
        ("a frame size under all", frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 1])),
        ("a push that is 2", frame(SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2])),
        ("a ping of a stream", frame(PING, 0, 1, &[0; 8])),
        ("a ping that is too long", frame(PING, 0, 0, &[0; 9])),
        ("a window of nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("a window that overflows", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        ("a window of an idle stream", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])),
        ("a frame that is too long", frame(HEADERS, BOTH, 1, &vec![0; 20_000])),
        ("an index of nothing", frame(HEADERS, BOTH, 1, &[0x80])),
        ("an index behind the table", frame(HEADERS, BOTH, 1, &[0xff, 0xff, 0x7f])),
        ("an index without end", frame(HEADERS, BOTH, 1, &[0xff; 20])),
        (
            "a table over all",
            frame(HEADERS, BOTH, 1, &[&[0x3f, 0xe1, 0xff, 0x7f], good.as_slice()].concat()),
        ),
        ("a string that is cut", frame(HEADERS, BOTH, 1, &[0, 100, b'x'])),
        (
            "a code of Huffman's that is none",
            frame(HEADERS, BOTH, 1, &[0, 0x84, 0xff, 0xff, 0xff, 0xff, 0]),
        ),
        ("an empty head", frame(HEADERS, BOTH, 1, &[])),
        ("not HTTP/2", b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".to_vec()),
    ]
}

/// What breaks off behind a head that was permitted: the server is told of no end. (Pseudo-fields in trailers are no
/// such thing: they are left out.)
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let trailers = |fields: &[(&str, &str)]| frame(HEADERS, BOTH, 1, &block(fields));
    vec![
        ("a longer body than was said", sized("3", b"hello")),
        ("a shorter body than was said", sized("50", b"hello")),
        ("a line end in trailers", behind(&[trailers(&[("x", "y\r\nevil: z")])])),
        ("capitals in trailers", behind(&[trailers(&[("Evil", "y")])])),
        ("a connection in trailers", behind(&[trailers(&[("connection", "evil")])])),
        (
            "trailers that do not end",
            behind(&[frame(HEADERS, END_HEADERS, 1, &block(&[("x", "evil")]))]),
        ),
        ("a reset", behind(&[frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])])),
        ("the end of the connection", behind(&[])),
        ("padding over the data", behind(&[frame(DATA, END_STREAM | PADDED, 1, &[255, b'x'])])),
        ("more than the window", behind(&vec![frame(DATA, 0, 1, &[7; 16_384]); 200])),
        ("another frame of nonsense", behind(&[frame(SETTINGS, 0, 0, &[0; 5])])),
    ]
}

/// What the proxy says to this, and then to the end of the connection.
async fn said(stage: &Stage, frames: &[u8]) -> Vec<u8> {
    let mut client = stage.world.connect().await;
    let opening = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    client.write_all(&opening).await.unwrap();
    client.write_all(frames).await.ok();
    let (mut reader, mut writer) = client.split();
    let mut got = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            got.extend_from_slice(&buffer[..count]);
            if kinds(&got).iter().any(|kind| [HEADERS, RST_STREAM, GOAWAY].contains(kind)) {
                break;
            }
        }
    };
    // What is not answered is over when the client is.
    timeout(SOON / 25, reading).await.ok();
    writer.shutdown().await.ok();
    let rest = timeout(PATIENCE, reader.read_to_end(&mut got)).await;
    rest.expect("it ends").ok();
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

/// A server of HTTP/1, which is what a client of HTTP/2 gets by TLS: in the clear both speak the same, so this one
/// hears the preface only.
fn silent(_: &[u8]) -> Option<Vec<u8>> {
    None
}

#[tokio::test]
async fn what_is_no_request_reaches_nobody() {
    let server = Server::start(silent).await;
    let stage = stage(server.port).await;
    let denials =
        || stage.world.events().iter().filter(|event| event.decision == Verdict::Deny).count();
    for (what, frames) in refused() {
        let before = denials();
        let got = said(&stage, &frames).await;
        assert!(!got.is_empty(), "{what}");
        // What is cut off is no request yet.
        let said_why = kinds(&got).iter().any(|kind| [HEADERS, RST_STREAM].contains(kind));
        assert!(denials() > before || !said_why, "{what} left no event: {}", got.escape_ascii());
        assert_eq!(server.take(), "", "{what}: {}", got.escape_ascii());
        assert!(
            stage.world.events().iter().all(|event| event.kind != "connect"),
            "{what} was dialled for"
        );
    }
    // The twin: the same way does lead to the server.
    for fields in [&[][..], &[("te", "trailers")], &[("host", "a.example")], &[("x", "")]] {
        said(&stage, &with(fields)).await;
        assert!(server.take().starts_with("PRI * HTTP/2.0"), "{fields:?}");
    }
}

#[tokio::test]
async fn what_breaks_off_does_not_look_whole() {
    let server = Server::start(silent).await;
    let stage = stage(server.port).await;
    for (what, frames) in broken() {
        said(&stage, &frames).await;
        let heard = std::mem::take(&mut *server.heard.lock().unwrap());
        let Some(mut rest) = heard.strip_prefix(PREFACE) else { continue };
        while let [a, b, c, kind, flags, ..] = *rest {
            let ends = [DATA, HEADERS].contains(&kind) && flags & END_STREAM != 0;
            assert!(!ends, "{what}: the request looks whole");
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            rest = rest.get(9 + length..).unwrap_or_default();
        }
    }
}
