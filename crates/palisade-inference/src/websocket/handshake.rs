use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Method, Uri, Version, header, request::Parts};
use ring::digest;

/// What every server adds to a client's key (RFC 6455, section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Where requests are made of messages.
const PATH: &str = "/v1/responses";

const BETA: &str = "openai-beta";

/// Whether this is where Responses are spoken over a WebSocket.
pub(crate) fn is_for_responses(uri: &Uri) -> bool {
    uri.scheme().is_none() && uri.path_and_query().is_some_and(|path| path.as_str() == PATH)
}

/// The `Sec-WebSocket-Accept` that this request is answered with, or why it is none that opens a WebSocket.
/// Extensions and protocols that it offers are not taken.
pub(crate) fn accepted(head: &Parts) -> Result<HeaderValue, &'static str> {
    if head.method != Method::GET || head.version != Version::HTTP_11 {
        return Err("a WebSocket is opened by a GET of HTTP/1.1");
    }
    let only = |name| only(&head.headers, name);
    if !only("upgrade").is_some_and(|told| told.eq_ignore_ascii_case("websocket")) {
        return Err("its `Upgrade` is not `websocket` alone");
    }
    let connection = head.headers.get_all(header::CONNECTION).iter();
    let mut tokens = connection.filter_map(|told| told.to_str().ok()).flat_map(|it| it.split(','));
    if !tokens.any(|token| token.trim().eq_ignore_ascii_case("upgrade")) {
        return Err("its `Connection` does not name `upgrade`");
    }
    if only("sec-websocket-version") != Some("13") {
        return Err("its version is not 13");
    }
    let body = head.headers.get(header::CONTENT_LENGTH).is_some_and(|told| told != "0");
    if body || head.headers.contains_key(header::TRANSFER_ENCODING) {
        return Err("it has a body");
    }
    let key = only("sec-websocket-key").ok_or("it has no `Sec-WebSocket-Key`, or two")?;
    if STANDARD.decode(key).map(|key| key.len()) != Ok(16) {
        return Err("its `Sec-WebSocket-Key` is not 16 bytes");
    }
    let told = format!("{key}{GUID}");
    let told = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, told.as_bytes());
    HeaderValue::from_str(&STANDARD.encode(told)).map_err(|_| "its key cannot be answered")
}

/// The value of a header that comes once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let (one, None) = (all.next()?, all.next()) else { return None };
    one.to_str().ok()
}

/// The head that each message's request has: the one that opened the connection, as over HTTP.
pub(crate) fn of_messages(mut head: Parts) -> Parts {
    head.method = Method::POST;
    head.uri = Uri::from_static(PATH);
    // This beta is the WebSocket, which ends here.
    let betas: Vec<HeaderValue> = head
        .headers
        .get_all(BETA)
        .iter()
        .filter_map(|told| {
            let told = told.to_str().ok()?;
            let kept = told.split(',').map(str::trim);
            let kept: Vec<&str> =
                kept.filter(|beta| !beta.starts_with("responses_websockets")).collect();
            (!kept.is_empty()).then(|| HeaderValue::from_str(&kept.join(", ")).ok())?
        })
        .collect();
    head.headers.remove(BETA);
    for beta in betas {
        head.headers.append(BETA, beta);
    }
    head
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const GOOD: &[(&str, &str)] = &[
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn head(fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::get(PATH);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_key_of_the_rfc_is_answered_as_there() {
        assert_eq!(accepted(&head(GOOD)).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_opens_no_websocket_is_told_why() {
        for (name, value) in [
            ("upgrade", "h2c"),
            ("upgrade", "websocket, h2c"),
            ("connection", "keep-alive"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "c2hvcnQ="),
            ("sec-websocket-key", "?"),
            ("content-length", "2"),
            ("transfer-encoding", "chunked"),
        ] {
            let mut fields = GOOD.to_vec();
            fields.retain(|(known, _)| *known != name);
            fields.push((name, value));
            assert!(accepted(&head(&fields)).is_err(), "{name}: {value}");
        }
        for (name, value) in [("upgrade", "h2c"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZg==")]
        {
            let fields = [GOOD, &[(name, value)]].concat();
            assert!(accepted(&head(&fields)).is_err(), "{name} twice");
        }
        let mut post = head(GOOD);
        post.method = Method::POST;
        assert!(accepted(&post).is_err());
    }

    #[test]
    fn requests_of_messages_are_not_of_the_beta() {
        let beta = ("openai-beta", "responses_websockets=2026-02-06, other=v1");
        let made = of_messages(head(&[GOOD, &[beta]].concat()));
        assert_eq!(made.headers[BETA], "other=v1");
        let beta = ("openai-beta", "responses_websockets=2026-02-06");
        let made = of_messages(head(&[GOOD, &[beta]].concat()));
        assert_eq!((made.headers.get(BETA), made.method), (None, Method::POST));
    }
}
