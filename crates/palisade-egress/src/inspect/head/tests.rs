use proptest::prelude::*;

use super::*;

fn head(lines: &str) -> Read {
    read(lines.as_bytes())
}

fn plain(framing: Framing) -> Head {
    Head { framing, upgrade: false }
}

#[test]
fn tells_how_the_body_ends() {
    for (text, expected) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", plain(Framing::Length(0))),
        ("GET / HTTP/1.0\r\nhost:a\r\n\r\n", plain(Framing::Length(0))),
        (
            "POST /x?y=%20 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
            plain(Framing::Length(5)),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
            plain(Framing::Chunked),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
            Head { framing: Framing::Length(0), upgrade: true },
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n", plain(Framing::Length(0))),
        (
            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
            Head { framing: Framing::Length(0), upgrade: true },
        ),
    ] {
        assert_eq!(head(text), Read::Whole(text.len(), expected), "{text:?}");
        let more = format!("{text}GET");
        assert_eq!(head(&more), Read::Whole(text.len(), expected), "{text:?}");
        for cut in 0..text.len() {
            assert_eq!(head(&text[..cut]), Read::Partial, "{:?}", &text[..cut]);
        }
    }
}

#[test]
fn refuses_what_is_read_in_two_ways() {
    let with = |line: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
    let mut all = vec![
        "GET / HTTP/1.1\nHost: a\n\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
        "GET / HTTP/1.1\rHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n".to_owned(),
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET / x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET a:443 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        with("Content-Length: 05"),
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(),
        "GET / HTTP/0.9\r\nHost: a\r\n\r\n".to_owned(),
        "GET /\r\nHost: a\r\n\r\n".to_owned(),
        "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "G@T / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
    ];
    all.extend(
        [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length: -5",
            "Content-Length: 5 ;",
            "Content-Length: 0x5",
            "Content-Length: 99999999999999999999",
            "Content-Length:",
            "Content-Length : 5",
            "Content_Length: 5",
            "Transfer_Encoding: chunked",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding:",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding\u{b}: chunked",
            "Transfer-Encoding: \u{b}chunked",
            "X: a\r\n b",
            " X: a",
            "X: a\r\n\tb",
            "X: a\rb",
            "X: a\0b",
            "X: a\u{7f}",
            "X",
            ": x",
            "X Y: z",
            "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5",
        ]
        .map(with),
    );
    for text in all {
        assert!(matches!(head(&text), Read::Refused(_)), "{text:?}: {:?}", head(&text));
    }
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(MOST_HEADERS));
    assert_eq!(head(&many), Read::Refused("it has too many headers"));
    let endless = format!("GET /{} ", "a".repeat(LONGEST));
    assert_eq!(head(&endless), Read::Refused("its head is too long"));
}

proptest! {
    /// Two parsers, one meaning: what this one takes, `httparse` takes too, and as long.
    #[test]
    fn what_is_taken_is_no_news_to_another_parser(
        text in "(GET|POST) /[a-z%0-9]{0,5} HTTP/1\\.[01]\r\nHost: a\r\n([A-Za-z-]{1,8}:[ -~\t]{0,8}\r\n|Content-Length: [0-9]{1,3}\r\n|Transfer-Encoding: chunked\r\n|[ -~]{0,10}\r?\n){0,4}\r\n.{0,4}",
    ) {
        if let Read::Whole(length, _) = read(text.as_bytes()) {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            let parsed = request.parse(text.as_bytes());
            prop_assert_eq!(parsed, Ok(httparse::Status::Complete(length)));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
    }
}
