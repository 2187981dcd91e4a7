//! Requests of HTTP/1 that two servers could read in two ways, or that lead elsewhere than the connection does.

use super::{Server, ok, said, stage};

/// A request of which these lines are the head, and something behind it that would be another one.
fn post(lines: &str) -> Vec<u8> {
    let inner = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n";
    format!("POST / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n\r\n{inner}").into_bytes()
}

fn host(value: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n").into_bytes()
}

fn line(line: &str) -> Vec<u8> {
    format!("{line}\r\nHost: a.example\r\n\r\n").into_bytes()
}

/// What frames the body, in other words than the two that there are.
const FRAMING: &[&str] = &[
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: chunked,",
    "Transfer-Encoding: ,chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding:",
    "Transfer-Encoding: cow",
    "Transfer-Encoding: chu\tnked",
    "Transfer-Encoding: chunked\u{0}",
    "Transfer-Encoding: \u{ff}chunked",
    "Transfer-Encoding: chunked\u{85}",
    "Transfer-Encoding:\u{c}chunked",
    "Transfer-Encoding: chunked\u{1f}",
    "\u{b}Transfer-Encoding: chunked",
    "Transfer-Encoding\u{0}: chunked",
    "Transfer-Encoding\t: chunked",
    "Transfer-Encoding\u{a0}: chunked",
    "Transfer_Encoding: chunked",
    "transfer-encoding: chunked\r\nTRANSFER-ENCODING: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 0",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\n\tidentity",
    "Transfer-Encoding:\r\n chunked",
    "X: y\r\nTransfer-Encoding: chunked\rX: z",
    "Content-Length: -0",
    "Content-Length: -44",
    "Content-Length: +0",
    "Content-Length: 4 4",
    "Content-Length: 5,5",
    "Content-Length: 5, 5",
    "Content-Length: 44;1",
    "Content-Length: 0x2C",
    "Content-Length: 1e1",
    "Content-Length: 44.0",
    "Content-Length: 4_4",
    "Content-Length: \u{664}\u{664}",
    "Content-Length: 99999999999999999999",
    "Content-Length: 18446744073709551616",
    "Content-Length: 18446744073709551660",
    "Content-Length: 044",
    "Content-Length: 00",
    "Content-Length: \"44\"",
    "Content-Length:",
    "Content-Length: ",
    "Content-Length: 44\u{0}",
    "Content-Length: 44\u{b}",
    "Content-Length: 0\r\nContent_Length: 44",
    "Content-Length: 0\r\ncontent-length: 0",
    "Content-Length\u{b}: 44",
    "Content-Length\r: 44",
    "X: y\r\r\nContent-Length: 44",
    "\rContent-Length: 44",
    "X: y\n\nGET /smuggled HTTP/1.1",
    "X: y\n\r\nGET /smuggled HTTP/1.1",
    "X: \u{7f}",
    "X\u{7f}: y",
    "X(): y",
    "X@: y",
    "\u{e9}: y",
    "\"X\": y",
    ": y",
    " : y",
    "X",
    "X y",
    "Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 5",
    "Upgrade: WebSocket\r\nConnection: upgrade\r\nTransfer-Encoding: chunked",
];

const LINES: &[&str] = &[
    "GET\t/ HTTP/1.1",
    "GET / HTTP/1.1\t",
    "GET /\tHTTP/1.1",
    "GET / http/1.1",
    "GET / HTTP/01.1",
    "GET / HTTP/1.01",
    "GET / HTTP/1.10",
    "GET / HTTP/1,1",
    "GET / HTTP/1.1.1",
    "GET / HTTP /1.1",
    "GET / HTTP/0.9",
    "GET / HTTP/1.2",
    "GET / HTTP/2",
    "GET / HTTP/2.0",
    "GET / HTTPS/1.1",
    "GET / HTTP/1.1\u{0}",
    "GET / HTTP/1.1 HTTP/1.1",
    " GET / HTTP/1.1",
    "\tGET / HTTP/1.1",
    "GET",
    "GET ",
    "GET /",
    "GET /a b HTTP/1.1",
    "GET  HTTP/1.1",
    "GET * HTTP/1.1",
    "DELETE * HTTP/1.1",
    "/ HTTP/1.1",
    " / HTTP/1.1",
    "G\u{0}ET / HTTP/1.1",
    "G(ET / HTTP/1.1",
    "G\u{e9}T / HTTP/1.1",
    "GETGETGETGETGETGETGETGETGETGETGETGET / HTTP/1.1",
    "GET /\u{0} HTTP/1.1",
    "GET /\u{7f} HTTP/1.1",
    "GET /\u{b}x HTTP/1.1",
    "GET /\\x HTTP/1.1",
    "GET /x#y HTTP/1.1",
    "GET /<x> HTTP/1.1",
    "GET /\"x\" HTTP/1.1",
    "GET /\u{ff0f}x HTTP/1.1",
    "HTTP/1.1 200 OK",
    "\r\n\r\n\r\nGET / HTTP/1.1",
    "\n\nGET / HTTP/1.1",
];

/// Where the target says something else than the connection.
const TARGETS: &[&str] = &[
    "http://evil.example/",
    "http://a.example.evil.example/",
    "http://a.example@evil.example/",
    "http://evil.example@a.example/",
    "http://a.example:1/",
    "http://a.example:/",
    "http://a.example:PORT:PORT/",
    "http://a.example:+PORT/",
    "http://a.example:0PORT.0/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://a%2eexample/",
    "http://a.example%00/",
    "http://a.example%2f@evil.example/",
    "http://xn--/",
    "http://a..example/",
    "http:///x",
    "http://",
    "http:/a.example/",
    "https://a.example/",
    "ftp://a.example/",
    "file:///etc/passwd",
    "javascript:x",
    "a.example/x",
    "a.example:PORT",
    "x",
    "?x",
];

const HOSTS: &[&str] = &[
    "",
    " ",
    "a.example,b.example",
    "a.example, a.example",
    "a.example b.example",
    "a.example\tb.example",
    "a.example/",
    "a.example/x",
    "a.example?x",
    "@a.example",
    "x@a.example",
    "a.example@evil.example",
    "a.example:PORTa",
    "a.example:+PORT",
    "a.example: PORT",
    "a.example:0",
    "a.example:-1",
    "a.example:65536",
    "a.example:4294967376",
    "a.example::PORT",
    "a.example:PORT:PORT",
    "[a.example]",
    "[a.example",
    "a%2eexample",
    "a.example%00",
    "a.example..",
    ".a.example",
    "a..example",
    "\u{430}.example",
    "a\u{3002}example",
    "a\u{ad}.example",
    "\u{ff41}.example",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "xn--a.example",
    "www.a.example",
    "http://a.example",
    "a.example;b",
    "a.example\\@evil.example",
    "*.example",
];

#[tokio::test]
async fn no_request_that_can_be_read_in_two_ways_is_sent() {
    let server = Server::start(ok).await;
    let stage = stage(server.port).await;
    let port = server.port.to_string();
    let framing = FRAMING.iter().map(|lines| post(lines));
    let lines = LINES.iter().map(|text| line(text));
    let targets =
        TARGETS.iter().map(|text| line(&format!("GET {} HTTP/1.1", text.replace("PORT", &port))));
    let hosts = HOSTS.iter().map(|text| host(&text.replace("PORT", &port)));
    for request in framing.chain(lines).chain(targets).chain(hosts) {
        let shown = request.escape_ascii().to_string();
        let before = stage.world.denials().len();
        let answer = said(&stage, &request, 1).await;
        let refused = ["HTTP/1.1 400 ", "HTTP/1.1 403 "].iter().any(|it| answer.starts_with(it));
        assert!(refused, "{shown}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shown}: {answer}");
        assert_eq!(stage.world.denials().len(), before + 1, "{shown}");
        assert_eq!(server.take(), "", "{shown}");
    }
}

/// The twin: what is plain is sent, and as one request that says what it said.
#[tokio::test]
async fn what_can_be_read_in_one_way_is_sent() {
    let server = Server::start(ok).await;
    let stage = stage(server.port).await;
    let port = server.port.to_string();
    for (request, first) in [
        (host("a.example"), "GET / HTTP/1.1"),
        (host("A.EXAMPLE."), "GET / HTTP/1.1"),
        (host(&format!("a.example:{port}")), "GET / HTTP/1.1"),
        (line("\r\nGET / HTTP/1.1"), "GET / HTTP/1.1"),
        (line("GET / HTTP/1.0"), "GET / HTTP/1.1"),
        (line("OPTIONS * HTTP/1.1"), "OPTIONS * HTTP/1.1"),
        (line("GET //evil.example/ HTTP/1.1"), "GET //evil.example/ HTTP/1.1"),
        (line("GET /http://evil.example/ HTTP/1.1"), "GET /http://evil.example/ HTTP/1.1"),
        (line("GET /a%00%0d%0a?%20 HTTP/1.1"), "GET /a%00%0d%0a?%20 HTTP/1.1"),
        (line("get / HTTP/1.1"), "get / HTTP/1.1"),
        (line(&format!("GET http://A.example:{port}/x?y HTTP/1.1")), "GET /x?y HTTP/1.1"),
        (line("GET http://a.example?y HTTP/1.1"), "GET /?y HTTP/1.1"),
    ] {
        let shown = request.escape_ascii().to_string();
        let answer = said(&stage, &request, 1).await;
        assert!(answer.starts_with("HTTP/1.") && answer.contains(" 200 OK"), "{shown}: {answer}");
        let heard = server.take();
        let mut lines = heard.lines();
        assert_eq!(lines.next(), Some(first), "{shown}");
        let hosts: Vec<_> = lines.filter(|line| line.to_lowercase().starts_with("host:")).collect();
        assert_eq!(hosts.len(), 1, "{shown}: {heard}");
        assert!(hosts[0].contains("a.example"), "{shown}: {heard}");
    }
    assert_eq!(stage.world.denials().len(), 0);
}

/// Offers of another protocol, and requests behind them: the offer does not pass, and each request is decided.
#[tokio::test]
async fn no_offer_of_another_protocol_hides_what_follows() {
    let server = Server::start(ok).await;
    let stage = stage(server.port).await;
    let behind = "GET /denied/behind HTTP/1.1\r\nHost: a.example\r\n\r\n";
    for (lines, status) in [
        ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", "200"),
        ("Connection: upgrade\r\nUpgrade: websocket, h2c", "200"),
        ("Connection: upgrade\r\nUpgrade: h2c, websocket", "200"),
        ("Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c", "200"),
        ("Connection: upgrade\r\nUpgrade: TLS/1.0", "200"),
        ("Connection: upgrade\r\nUpgrade: \"websocket\"", "200"),
        ("Connection: keep-alive\r\nUpgrade: websocket", "200"),
        ("Upgrade: websocket", "200"),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n\r\n{behind}");
        let answer = said(&stage, request.as_bytes(), 2).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{lines}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 403 ").count(), 1, "{lines}: {answer}");
        let heard = server.take().to_lowercase();
        assert!(!heard.contains("upgrade") && !heard.contains("http2-settings"), "{heard}");
        assert!(!heard.contains("behind"), "{lines}: {heard}");
    }
    // Some clients (curl, Java) make one of `h2c` with each request in the clear, whatever its body.
    for (lines, sent) in [
        ("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 2", "ok"),
        ("Upgrade: h2c\r\nTransfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n"),
        ("Upgrade: h2c, websocket\r\nContent-Length: 2", "ok"),
        ("Upgrade: websocket\r\nUpgrade: h2c\r\nContent-Length: 2", "ok"),
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade, HTTP2-Settings\r\n{lines}\r\n\r\n{sent}{behind}"
        );
        let answer = said(&stage, request.as_bytes(), 2).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{lines}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 403 ").count(), 1, "{lines}: {answer}");
        let heard = server.take().to_lowercase();
        assert!(!heard.contains("upgrade") && !heard.contains("http2-settings"), "{heard}");
        assert!(!heard.contains("behind"), "{lines}: {heard}");
    }
    for target in ["a.example:443", "evil.example:443", "169.254.169.254:80", "/", "*", "a.example"]
    {
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: a.example\r\n\r\n{behind}");
        let answer = said(&stage, request.as_bytes(), 1).await;
        assert!(
            ["HTTP/1.1 403 ", "HTTP/1.1 400 "].iter().any(|it| answer.starts_with(it)),
            "{answer}"
        );
        assert!(!answer.contains("HTTP/1.1 2"), "{target}: {answer}");
        assert_eq!(server.take(), "", "{target}");
    }
}
