//! A server that gives back the secret that it was sent, in other words and other places, and clients that try to
//! have it said to them.

use std::sync::Arc;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use palisade_core::Authority;
use palisade_egress::{
    Inspector, SandboxCa,
    credential::{Binding, Credential, Credentials, Placeholder, Secret, Template},
};
use palisade_tls::Roots;

use super::{Server, exchanged};
use crate::{
    inspect::stage::Look,
    world::{Plan, World},
};

const REAL: &str = "tok_A9+zQ/7\"k&x<3'e=Wm8Yp2Rt6Ub";

/// A proxy that puts the secret into each request, and what stands for it.
async fn world(port: u16) -> (World, String) {
    let placeholder = Placeholder::like(&REAL.into()).unwrap();
    let stand_in = placeholder.as_str().to_owned();
    let credential = Credential {
        name: "github".to_owned(),
        template: Template::header("authorization: Bearer {secret}").unwrap(),
        placeholder,
        decoy: false,
        feed: Arc::new(Ok::<_, String>(Arc::new(Secret::new(REAL.into()).unwrap()))),
    };
    let binding = Binding {
        rule: "test".to_owned(),
        credential: "github".to_owned(),
        hosts: vec!["a.example".parse().unwrap()],
        addresses: vec!["127.0.0.0/8".parse().unwrap()],
    };
    struct Nobody;
    impl Authority for Nobody {
        fn consider(&self, _: &palisade_core::Action) -> palisade_core::Decision {
            palisade_core::Decision::deny("")
        }

        fn authorize<'a>(
            &'a self,
            _: &'a palisade_core::Action,
        ) -> palisade_core::BoxFuture<'a, palisade_core::Decision> {
            Box::pin(async { palisade_core::Decision::deny("") })
        }

        fn record(&self, _: palisade_core::Event) -> palisade_core::BoxFuture<'_, bool> {
            Box::pin(async { true })
        }
    }
    let credentials = Arc::new(Credentials::new(vec![credential], &[binding], Arc::new(Nobody)));
    let look = Arc::new(Look { bound: None, read: Arc::default() });
    let ca = Arc::new(SandboxCa::new("test").unwrap());
    let inspector = Inspector::new(look, ca, Roots::with_extra(vec![])).unwrap();
    let mut plan = Plan::to(port);
    plan.inspector = Some(inspector.with_transform(Arc::new(credentials)));
    (plan.start().await, stand_in)
}

fn percent(text: &str, kept: fn(u8) -> bool, upper: bool) -> String {
    let one = |byte: u8| match (kept(byte), upper) {
        (true, _) => char::from(byte).to_string(),
        (false, true) => format!("%{byte:02X}"),
        (false, false) => format!("%{byte:02x}"),
    };
    text.bytes().map(one).collect()
}

/// Each character by its number.
fn numbered(before: &str, upper: bool, after: &str) -> String {
    let one = |byte: u8| match upper {
        true => format!("{before}{byte:02X}{after}"),
        false => format!("{before}{byte:02x}{after}"),
    };
    REAL.bytes().map(one).collect()
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The forms that a server has it in, and what would give it away.
fn forms() -> Vec<(&'static str, String)> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let script = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!*'()".contains(&byte);
    let json = REAL.replace('"', "\\\"");
    let html = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let basic = |before: &str| STANDARD.encode(format!("{before}{REAL}"));
    vec![
        ("as it is", REAL.to_owned()),
        ("percent-encoded", percent(REAL, plain, true)),
        ("percent-encoded in small letters", percent(REAL, plain, false)),
        ("as scripts encode it", percent(REAL, script, true)),
        ("percent-encoded throughout", percent(REAL, |_| false, true)),
        ("percent-encoded throughout in small letters", percent(REAL, |_| false, false)),
        ("in JSON", json.clone()),
        ("in JSON of PHP", json.replace('/', "\\/")),
        ("in JSON of Go", json.replace('<', "\\u003c").replace('&', "\\u0026")),
        ("in HTML", html(REAL)),
        ("in HTML with a number", html(REAL).replace('\'', "&#39;")),
        ("in HTML with another number", html(REAL).replace('\'', "&#x27;")),
        ("in JSON throughout", numbered("\\u00", false, "")),
        ("in JSON throughout in capitals", numbered("\\u00", true, "")),
        ("in JavaScript throughout", numbered("\\x", false, "")),
        ("in HTML throughout", numbered("&#x", true, ";")),
        ("in base64", basic("")),
        ("in base64 behind one", basic("x")),
        ("in base64 behind two", basic("xy")),
        ("in base64 of Basic", basic("x-access-token:")),
        ("in base64 for URLs", URL_SAFE.encode(REAL)),
        ("in hexadecimal", hex(REAL)),
        ("in capitals of it", hex(REAL).to_uppercase()),
        ("in small letters", REAL.to_lowercase()),
        ("in capitals", REAL.to_uppercase()),
        ("twice", format!("{REAL}{REAL}")),
        ("in what begins alike", format!("tok_A9+zQ/tok_A9+{REAL}")),
    ]
}

/// The places that it has it in: what comes before it, and behind.
const PLACES: &[(&str, &str, &str)] = &[
    ("a body", "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n", ""),
    ("a body that ends with its connection", "HTTP/1.1 200 OK\r\n\r\n", ""),
    ("a body of HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", ""),
    (
        "a body behind another answer",
        "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "",
    ),
    ("a refusal", "HTTP/1.1 401 Unauthorized\r\n\r\n", ""),
    ("an error", "HTTP/1.1 500 x\r\nContent-Encoding: identity\r\n\r\n", ""),
    ("a header", "HTTP/1.1 200 OK\r\nX: ", "\r\nContent-Length: 0\r\n\r\n"),
    (
        "a redirect",
        "HTTP/1.1 302 Found\r\nLocation: https://evil.example/?",
        "\r\nContent-Length: 0\r\n\r\n",
    ),
    ("a cookie", "HTTP/1.1 200 OK\r\nSet-Cookie: a=", "; Path=/\r\nContent-Length: 0\r\n\r\n"),
    ("a header of nothing", "HTTP/1.1 304 Not Modified\r\nETag: ", "\r\n\r\n"),
    ("a reason", "HTTP/1.1 200 ", "\r\nContent-Length: 0\r\n\r\n"),
    (
        "an early answer",
        "HTTP/1.1 103 Early Hints\r\nLink: ",
        "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "a trailer",
        "HTTP/1.1 200 OK\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\nx: ",
        "\r\n\r\n",
    ),
    (
        "an extension of a chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=",
        "\r\ny\r\n0\r\n\r\n",
    ),
    ("a coded body", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", ""),
    ("a body coded by the way", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ""),
    (
        "a body coded in another way",
        "HTTP/1.1 200 OK\r\nContent-Encoding: br, identity\r\n\r\n",
        "",
    ),
    ("a body that is too short", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", ""),
];

/// The target says where, in which form, and in pieces of how many bytes if that is not 0.
fn by_target(heard: &[u8]) -> Option<Vec<u8>> {
    if !heard.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        return None;
    }
    let text = String::from_utf8_lossy(heard).into_owned();
    assert!(text.contains(REAL), "the server was not sent it: {text}");
    let mut numbers = text.split(['/', ' ']).skip(2).map(|it| it.parse::<usize>().unwrap());
    let (place, form) = (numbers.next()?, numbers.next()?);
    let (_, secret) = forms().swap_remove(form);
    let Some((_, before, behind)) = PLACES.get(place) else {
        // In chunks of one byte, with extensions.
        let chunks: String = secret.chars().map(|c| format!("1;x\r\n{c}\r\n")).collect();
        let answer =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
        return Some(answer.into_bytes());
    };
    let before = before.replace("LENGTH", &secret.len().to_string());
    Some(format!("{before}{secret}{behind}").into_bytes())
}

#[tokio::test]
async fn no_answer_gives_the_secret_away() {
    let server = Server::start(by_target).await;
    let (world, stand_in) = world(server.port).await;
    for (number, (form, secret)) in forms().into_iter().enumerate() {
        // The first and last characters of base64 are shared with what stands around.
        let core = if form.contains("base64") {
            &secret[secret.len() - 36..secret.len() - 4]
        } else {
            &secret
        };
        for place in 0..=PLACES.len() {
            let shown = PLACES.get(place).map_or("chunks of a byte", |(place, ..)| place);
            let request = format!("GET /{place}/{number} HTTP/1.1\r\nHost: a.example\r\n\r\n");
            let answer = exchanged(&world, request.as_bytes(), 1).await;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(answer.starts_with("HTTP/1.1 "), "{form}, {shown}: {answer}");
            for told in [REAL, core] {
                assert!(!answer.contains(told), "{form}, {shown}: {answer}");
            }
            let whole = answer.replace("1\r\n", "").replace("\r\n", "");
            assert!(!whole.contains(core), "{form}, {shown}: {answer}");
            if form == "as it is" && shown == "a body" {
                assert!(answer.ends_with(&stand_in), "{answer}");
            }
        }
    }
}

/// How its answer is coded, and that this is nobody else's business.
fn coded_by_the_way(heard: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(heard).ok()?.split_once(" HTTP/1.1")?.0.to_owned();
    let name = text.strip_prefix("GET /")?;
    Some(
        format!(
            "HTTP/1.1 200 OK\r\nConnection: close, {name}\r\n{name}: gzip\r\nContent-Length: 2\r\n\r\nok"
        )
        .into_bytes(),
    )
}

#[tokio::test]
async fn what_says_how_an_answer_is_coded_is_not_taken_away_before_it_is_looked_at() {
    let server = Server::start(coded_by_the_way).await;
    let (world, _) = world(server.port).await;
    for (name, status) in [
        ("Content-Encoding", 502),
        ("content-encoding", 502),
        ("grpc-encoding", 502),
        ("connect-content-encoding", 502),
        ("sec-websocket-extensions", 502),
        ("x-other", 200),
    ] {
        let request = format!("GET /{name} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        let answer = exchanged(&world, request.as_bytes(), 1).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(expected.as_bytes()), "{name}: {}", answer.escape_ascii());
    }
}

/// What a client writes in the hope that it has the answer in another form, or the secret elsewhere: what reaches the
/// server has it in its place alone, and asks for the answer as it is.
#[tokio::test]
async fn no_request_has_the_secret_elsewhere_or_the_answer_otherwise() {
    let server = Server::start(super::ok).await;
    let (world, stand_in) = world(server.port).await;
    let coded = STANDARD.encode(&stand_in);
    for lines in [
        "Accept-Encoding: gzip".to_owned(),
        "Accept-Encoding: identity;q=0, br".to_owned(),
        "TE: gzip, trailers".to_owned(),
        "Range: bytes=0-3".to_owned(),
        "Request-Range: bytes=0-3".to_owned(),
        "x-ms-range: bytes=0-3".to_owned(),
        "If-Range: x".to_owned(),
        "Accept-Charset: utf-16".to_owned(),
        "A-IM: vcdiff".to_owned(),
        "grpc-accept-encoding: gzip".to_owned(),
        "Connect-Accept-Encoding: gzip".to_owned(),
        "Sec-WebSocket-Extensions: permessage-deflate".to_owned(),
        "Connection: authorization".to_owned(),
        "Connection: close, Accept-Encoding".to_owned(),
        format!("X: {stand_in}"),
        format!("Cookie: {stand_in}"),
        format!("Proxy-Authorization: Bearer {stand_in}"),
        format!("Referer: https://a.example/?{stand_in}"),
        format!("X-Authorization: Bearer {stand_in}"),
        format!("Authorization: Bearer {stand_in}"),
        format!("authorization: token {stand_in}"),
        format!("AUTHORIZATION: {stand_in}"),
        format!("Authorization: Basic {}", STANDARD.encode(format!("x:{stand_in}"))),
        format!("Authorization: Bearer {coded}"),
        format!("Authorization: Bearer mine\r\nAuthorization: Bearer {stand_in}"),
        "Authorization: Bearer mine".to_owned(),
        "Authorization:".to_owned(),
    ] {
        let request = format!("GET /x HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n\r\n");
        let answer = exchanged(&world, request.as_bytes(), 1).await;
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{lines}: {}", answer.escape_ascii());
        let heard = std::mem::take(&mut *server.heard.lock().unwrap());
        let heard = String::from_utf8(heard).unwrap();
        let carriers = heard.lines().filter(|line| {
            line.contains(REAL) || line.contains(&STANDARD.encode(format!("x:{REAL}")))
        });
        let carriers: Vec<_> = carriers.collect();
        assert_eq!(carriers.len(), 1, "{lines}: {heard}");
        assert!(carriers[0].to_lowercase().starts_with("authorization:"), "{lines}: {heard}");
        let lower = heard.to_lowercase();
        assert!(lower.contains("accept-encoding: identity\r\n"), "{lines}: {heard}");
        for coding in ["gzip", "br\r\n", "deflate", "vcdiff", "bytes=", "utf-16", "if-range"] {
            assert!(!lower.contains(coding), "{lines}: {heard}");
        }
        assert_eq!(
            lower.matches("authorization:").count() - lower.matches("x-authorization:").count(),
            1
        );
    }
}
