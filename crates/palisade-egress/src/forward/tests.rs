use proptest::prelude::*;

use super::*;

fn whole(text: &str) -> Result<Asked, String> {
    let (length, asked) =
        judge(text.as_bytes(), 0).unwrap_or_else(|| panic!("not whole: {text:?}"));
    assert!(length <= text.len());
    asked
}

fn name(text: &str) -> Host {
    Host::Name(text.parse().unwrap())
}

#[test]
fn tunnels_are_to_a_host_and_a_port() {
    for (head, host, port) in [
        ("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", name("a.example"), 443),
        (
            "CONNECT A.Example.:443 HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n",
            name("a.example"),
            443,
        ),
        ("CONNECT a.example:22 HTTP/1.0\r\n\r\n", name("a.example"), 22),
        (
            "\r\nCONNECT 192.0.2.1:80 HTTP/1.1\r\n\r\n",
            Host::Address("192.0.2.1".parse().unwrap()),
            80,
        ),
        (
            "CONNECT [2001:db8::1]:80 HTTP/1.1\r\n\r\n",
            Host::Address("2001:db8::1".parse().unwrap()),
            80,
        ),
        (
            "CONNECT [::ffff:127.0.0.1]:80 HTTP/1.1\r\n\r\n",
            Host::Address("127.0.0.1".parse().unwrap()),
            80,
        ),
    ] {
        assert_eq!(whole(head), Ok(Asked { host, port, request: None }), "{head:?}");
    }
}

#[test]
fn tunnels_that_can_be_read_otherwise_are_refused() {
    for head in [
        "CONNECT a.example HTTP/1.1\r\n\r\n",
        "CONNECT a.example: HTTP/1.1\r\n\r\n",
        "CONNECT a.example:0 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:+443 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:65536 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:443/x HTTP/1.1\r\n\r\n",
        "CONNECT u@a.example:443 HTTP/1.1\r\n\r\n",
        "CONNECT https://a.example:443 HTTP/1.1\r\n\r\n",
        "CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n",
        "CONNECT 127.1:443 HTTP/1.1\r\n\r\n",
        "CONNECT 2130706433:443 HTTP/1.1\r\n\r\n",
        "CONNECT ::1:443 HTTP/1.1\r\n\r\n",
        "CONNECT [::1%lo]:443 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:443 b.example:443 HTTP/1.1\r\n\r\n",
        "CONNECT  a.example:443 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:443 HTTP/2.0\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        "CONNECT a.example:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\n folded\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\n\n",
        "CONNECT a.example:443 HTTP/1.1\nHost: b.example\r\n\r\n",
        "\r\n\r\n\r\n\r\n\r\n",
    ] {
        assert!(whole(head).is_err(), "{head:?}");
    }
    let long = format!("CONNECT a.example:443 HTTP/1.1\r\nX: {}", "y".repeat(LONGEST));
    assert!(whole(&long).is_err());
    assert_eq!(judge(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.exam", 0), None);
}

#[test]
fn what_comes_behind_a_head_is_left() {
    let text =
        "CONNECT a.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01CONNECT b.example:443 HTTP/1.1\r\n\r\n";
    let (length, asked) = judge(text.as_bytes(), 0).unwrap();
    assert_eq!((length, asked.unwrap().host), (34, name("a.example")));
}

#[test]
fn a_plain_request_goes_on_as_the_only_one() {
    let head = "POST http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nProxy-Connection: keep-alive\r\n\
                Proxy-Authorization: Basic x\r\nConnection: X-Hop, Content-Length\r\nX-Hop: 1\r\n\
                Upgrade: h2c\r\nContent-Length: 5\r\n\r\nhello";
    let asked = whole(head).unwrap();
    assert_eq!((asked.host, asked.port), (name("a.example"), 80));
    assert_eq!(
        String::from_utf8(asked.request.unwrap()).unwrap(),
        "POST /x?y HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    );
    let asked =
        whole("GET HTTP://a.example:8080?q HTTP/1.0\r\nHost: a.example:8080\r\n\r\n").unwrap();
    assert_eq!(asked.port, 8080);
    assert!(asked.request.unwrap().starts_with(b"GET /?q HTTP/1.0\r\n"));
}

#[test]
fn plain_requests_that_can_be_read_otherwise_are_refused() {
    for head in [
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://u:p@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example:81\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET http://a.example\\@b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "\x16\x03\x01\n",
    ] {
        assert!(whole(head).is_err(), "{head:?}");
    }
}

proptest! {
    #[test]
    fn nothing_does_harm_and_cutting_changes_nothing(
        text in prop_oneof![
            "CONNECT [a-z.:0-9\\[\\]@%/ ]{0,30} HTTP/1.[01]\r\n(Host: [a-z.:]{0,9}\r\n){0,2}\r\n.{0,9}",
            "GET http://[a-z.:0-9@%/?]{0,30} HTTP/1.[01]\r\nHost: [a-z.:]{0,9}\r\n\r\n.{0,9}",
            "(\r|\n|\r\n|CONNECT|GET| |a){0,20}",
        ],
        cut in 0usize..60,
    ) {
        let bytes = text.as_bytes();
        let at_once = judge(bytes, 0);
        if let Some((length, _)) = &at_once {
            prop_assert!(*length <= bytes.len());
        }
        let cut = cut.min(bytes.len());
        if judge(&bytes[..cut], 0).is_none() && let Some((length, Ok(asked))) = at_once {
            prop_assert_eq!(judge(bytes, cut), Some((length, Ok(asked))));
        }
    }
}
