//! Header fields that belong to one connection, or that frame a message, and so do not pass.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use palisade_core::one_variable;

use super::head;

/// Fields of one connection (RFC 9110, section 7.6.1), besides those that `Connection` names.
const OF_ONE_CONNECTION: &[&str] = &[
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// What neither side can take away by naming it in `Connection`: the message would be another one, or its body would be
/// taken for one that can be looked through.
const KEPT: &[&str] = &[
    "connect-content-encoding",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "grpc-encoding",
    "host",
    "sec-websocket-extensions",
];

/// What may come behind a request's body: what vouches for it. Some servers take each field that comes there for one of
/// the head, on which was decided (RFC 9110, section 6.5.1, says who may), so no other does.
const TRAILERS: &[&str] =
    &["content-digest", "content-md5", "digest", "repr-digest", "signature", "signature-input"];

/// The same by how their names begin.
const TRAILERS_BEGIN: &[&str] = &["grpc-", "x-amz-checksum-", "x-goog-hash"];

/// What must not come behind an answer's body: it would change what was told before.
const NEVER_TRAILERS: &[&str] = &[
    "authorization",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "set-cookie",
    "trailer",
];

/// Take out of a request what is for the proxy only. `TE: trailers` stays: gRPC servers ask for it.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    let trailers = headers.get_all(header::TE).iter().any(|value| {
        value.as_bytes().split(|b| *b == b',').any(|word| word.trim_ascii() == b"trailers")
    });
    clean(headers);
    headers.remove(header::EXPECT);
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Whether a request is as HTTP/1 is held to before ([`super::head`]): what comes by HTTP/2 may go on by
/// HTTP/1.
///
/// # Errors
/// It has too many fields, or what frames it is not there once.
pub(crate) fn as_in_http1(headers: &HeaderMap) -> Result<(), &'static str> {
    if headers.len() > head::MOST_HEADERS {
        return Err("its HTTP request has too many headers");
    }
    if headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err("its HTTP request has more than one Content-Length");
    }
    if let Some(value) = headers.get(header::CONTENT_LENGTH) {
        head::length(value.as_bytes().trim_ascii())
            .map_err(|_| "its HTTP request has a Content-Length that is not a number")?;
    }
    // The same to what turns headers into variables.
    let twin = |name: &HeaderName| {
        let name = name.as_str();
        let of = |known: &&str| name != *known && one_variable(name.as_bytes(), known.as_bytes());
        head::FRAMING.iter().any(of)
    };
    if headers.keys().any(twin) {
        return Err(
            "its HTTP request has a header like Content-Length or Transfer-Encoding, which is neither",
        );
    }
    Ok(())
}

/// Whether the end and the coding of an answer's body are told once (RFC 9112, section 6.3). It has one.
///
/// # Errors
/// Why its client and the proxy could take it for two different answers.
pub(crate) fn framed_once(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else { return Ok(()) };
    if headers.contains_key(header::CONTENT_LENGTH) {
        return Err("it has both Content-Length and Transfer-Encoding");
    }
    // Nobody asked for another: `TE` names none. It does not pass, so a client would take the coded body
    // for the plain one, and so would who looks for secrets in it.
    if codings.next().is_some() || !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
    {
        return Err("its Transfer-Encoding is not `chunked` alone");
    }
    Ok(())
}

/// Take out of an answer what is for the proxy only, and what points to ways round it.
pub(crate) fn clean_answer(status: StatusCode, headers: &mut HeaderMap) {
    clean(headers);
    headers.remove(header::ALT_SVC);
    one_length(status, headers);
}

/// Leave the length of an answer there once, and none where no body follows whatever it says (RFC 9110,
/// section 8.6): clients of HTTP/1 pass over that, and those of HTTP/2 refuse the answer.
fn one_length(status: StatusCode, headers: &mut HeaderMap) {
    let bodiless = status.is_informational() || status == StatusCode::NO_CONTENT;
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    // Others that are there were the same: hyper takes no two.
    let first = lengths.next().cloned();
    let more = lengths.next().is_some();
    match first {
        Some(_) if bodiless => drop(headers.remove(header::CONTENT_LENGTH)),
        Some(length) if more => drop(headers.insert(header::CONTENT_LENGTH, length)),
        _ => {}
    }
}

/// Leave of a request's trailers what cannot be taken for a part of its head.
pub(crate) fn clean_request_trailers(trailers: &mut HeaderMap) {
    let known = |name: &str| {
        TRAILERS.contains(&name) || TRAILERS_BEGIN.iter().any(|begin| name.starts_with(begin))
    };
    let others: Vec<HeaderName> =
        trailers.keys().filter(|name| !known(name.as_str())).cloned().collect();
    for name in others {
        trailers.remove(name);
    }
}

/// Take out of an answer's trailers what has no place there.
pub(crate) fn clean_trailers(trailers: &mut HeaderMap) {
    clean(trailers);
    for name in NEVER_TRAILERS {
        trailers.remove(*name);
    }
}

/// Whether a request offers to go on as WebSocket (RFC 6455, section 4.1), and as nothing else.
pub(crate) fn offers_websocket(headers: &HeaderMap) -> bool {
    let mut offered = headers.get_all(header::UPGRADE).iter();
    let websocket =
        offered.next().is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"websocket"));
    websocket && offered.next().is_none()
}

fn clean(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|word| HeaderName::from_bytes(word.trim_ascii()).ok())
        .filter(|name| !KEPT.contains(&name.as_str()))
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OF_ONE_CONNECTION {
        headers.remove(*name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_of_one_connection_does_not_pass() {
        let mut headers = map(&[
            ("host", "a"),
            ("connection", "keep-alive, X-Hop, host, content-length"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("proxy-authorization", "Basic x"),
            ("te", "gzip, trailers"),
            ("expect", "100-continue"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("content-length", "5"),
            ("authorization", "Bearer x"),
        ]);
        clean_request(&mut headers);
        assert_eq!(names(&headers), ["authorization", "content-length", "host", "te"]);
        assert_eq!(headers["te"], "trailers");
    }

    #[test]
    fn answers_and_trailers_keep_what_is_theirs() {
        let mut answer = map(&[
            ("alt-svc", "h3=\":443\""),
            ("set-cookie", "a=b"),
            ("connection", "close"),
            ("trailer", "grpc-status"),
        ]);
        clean_answer(StatusCode::OK, &mut answer);
        assert_eq!(names(&answer), ["set-cookie", "trailer"]);
        let mut trailers = map(&[("grpc-status", "0"), ("content-length", "1"), ("host", "b")]);
        clean_trailers(&mut trailers);
        assert_eq!(names(&trailers), ["grpc-status"]);
        let mut trailers = map(&[
            ("grpc-status", "0"),
            ("content-digest", "sha-256=:x:"),
            ("x-amz-checksum-crc32", "x"),
            ("authorization", "x"),
            ("x-http-method-override", "DELETE"),
            ("x-original-url", "/admin"),
            ("x-api-key", "another's"),
            ("x-amz-meta-x", "y"),
            ("host", "b"),
        ]);
        clean_request_trailers(&mut trailers);
        assert_eq!(names(&trailers), ["content-digest", "grpc-status", "x-amz-checksum-crc32"]);
    }

    #[test]
    fn an_answer_has_one_length_and_none_without_a_body() {
        let length = |status: u16, values: &[&'static str]| {
            let fields: Vec<_> = values.iter().map(|value| ("content-length", *value)).collect();
            let mut answer = map(&fields);
            clean_answer(StatusCode::from_u16(status).unwrap(), &mut answer);
            let left = answer.get_all(header::CONTENT_LENGTH);
            left.iter().map(|it| it.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(length(200, &["2", "2"]), ["2"]);
        assert_eq!(length(204, &["5"]), [""; 0]);
        // The length of what is not sent again.
        assert_eq!(length(304, &["5"]), ["5"]);
        assert_eq!(length(200, &["0"]), ["0"]);
        assert_eq!(length(200, &[]), [""; 0]);
    }

    /// What is not told any more would not be looked at either, and a client takes it as it comes.
    #[test]
    fn what_says_what_a_body_is_cannot_be_taken_away() {
        for name in [
            "content-encoding",
            "content-type",
            "content-range",
            "grpc-encoding",
            "connect-content-encoding",
            "sec-websocket-extensions",
        ] {
            let mut answer = map(&[(name, "gzip")]);
            answer.insert("connection", HeaderValue::from_static(name));
            clean_answer(StatusCode::OK, &mut answer);
            assert_eq!(names(&answer), [name]);
        }
    }

    #[test]
    fn what_http2_brings_is_held_to_the_same() {
        as_in_http1(&map(&[("content-length", "5"), ("host", "a")])).unwrap();
        for twice in [
            &[("content-length", "5"), ("content-length", "5")][..],
            &[("content-length", "")],
            &[("content_length", "5")],
            &[("transfer_encoding", "chunked")],
            &[("content.length", "5")],
            &[("transfer~encoding", "chunked")],
        ] {
            as_in_http1(&map(twice)).unwrap_err();
        }
        as_in_http1(&map(&[("x", "y"); 128])).unwrap();
        as_in_http1(&map(&[("x", "y"); 129])).unwrap_err();
    }

    #[test]
    fn only_websocket_is_another_protocol() {
        assert!(offers_websocket(&map(&[("upgrade", "WebSocket")])));
        assert!(!offers_websocket(&map(&[("upgrade", "h2c")])));
        assert!(!offers_websocket(&map(&[("upgrade", "websocket, h2c")])));
        assert!(!offers_websocket(&map(&[("upgrade", "websocket"), ("upgrade", "h2c")])));
        assert!(!offers_websocket(&map(&[])));
    }
}
