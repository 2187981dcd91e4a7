use proptest::prelude::*;

use super::*;

fn read(bytes: impl AsRef<[u8]>) -> RequestHead {
    read_request_head(bytes.as_ref(), &"a.example".parse().unwrap(), 80)
}

#[test]
fn requests_for_the_host_agree() {
    for good in [
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\nhost:A.Example.\n\n",
        "\r\n\r\nPOST /x HTTP/1.1\r\nA: b\r\nHost: a.example:80\r\n\r\nbody",
        "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example:80?x HTTP/1.0\r\nHost: a.example\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ] {
        assert_eq!(read(good), RequestHead::Agrees, "{good:?}");
    }
}

#[test]
fn fronts_with_another_host() {
    for bad in [
        "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: b.example:80\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example:81\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example:+80\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example@b.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.\u{ff45}xample\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nhost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example@b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://b.example\\@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET b.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "CONNECT / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ] {
        assert!(matches!(read(bad), RequestHead::Refused(_)), "{bad:?}: {:?}", read(bad));
    }
}

#[test]
fn fronts_with_a_request_that_two_servers_read_differently() {
    for bad in [
        "GET / HTTP/1.1\r\nHost : b.example\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n Host: b.example\r\nHost: a.example\r\n\r\n",
        "get / http/1.1\r\nHost: b.example\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET\t/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET\u{b}/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "POST\u{c}/\u{c}HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET\u{1f}/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET \0",
        "ODD / HTTP/1.1\0\r\nHost: b.example\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a.example\r\n\r\n",
        "GET / x HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nX: \0\r\n\r\n",
    ] {
        assert!(matches!(read(bad), RequestHead::Refused(_)), "{bad:?}: {:?}", read(bad));
    }
}

#[test]
fn other_protocols_pass() {
    for other in [
        &b"\x00\x00\x00\x08\x04\xd2\x16\x2f"[..],
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"EHLO me\r\n",
        b"0032git-upload-pack /p.git\0host=a.example\0",
        b"{\"jsonrpc\"",
        b"\x80\x2e\x01\x03\x01",
    ] {
        assert_eq!(read(other), RequestHead::NotHttp, "{:?}", other.escape_ascii().to_string());
    }
    assert_eq!(read(vec![b'x'; 65]), RequestHead::NotHttp);
}

#[test]
fn nothing_passes_while_it_may_yet_become_a_request() {
    let request = "\r\nGET /index HTTP/1.1\r\nHost: b.example\r\n\r\n";
    for length in 0..request.len() {
        assert_eq!(read(&request[..length]), RequestHead::Partial, "{length}");
    }
    assert!(matches!(read(request), RequestHead::Refused(_)));
    let endless = [b"GET /".to_vec(), vec![b'x'; LONGEST]].concat();
    assert!(matches!(read(endless), RequestHead::Refused(_)));
    let heads = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; LONGEST]].concat();
    assert!(matches!(read(heads), RequestHead::Refused(_)));
    assert!(matches!(read(vec![b'\n'; LONGEST]), RequestHead::Refused(_)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
        read([b"GET ", bytes.as_slice()].concat());
        read([b"GET / HTTP/1.1\r\n", bytes.as_slice()].concat());
    }

    #[test]
    fn what_agrees_names_no_other_host(
        noise in "[ -~\r\n]{0,60}", host in "(Host|host): (a|b)\\.example(:80)?\r\n", tail in "[ -~\r\n]{0,40}"
    ) {
        let text = format!("GET / HTTP/1.1\r\n{noise}\r\n{host}{tail}\r\n\r\n");
        if read(&text) == RequestHead::Agrees {
            let head = text.split("\r\n\r\n").next().unwrap_or_default();
            let first_empty = head.find("\n\n").map_or(head, |at| &head[..at]);
            prop_assert!(!first_empty.to_lowercase().contains("\nhost: b."), "{text:?}");
        }
    }
}
