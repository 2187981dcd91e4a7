use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Request headers that go on to the provider. All others are dropped: among them every way to
/// carry a key, a cookie or a forwarding address, every header that frames a message, and those
/// by which a server can be told that the method or the path is another one.
const PASSED: &[&str] = &[
    "accept",
    "accept-language",
    "conversation_id",
    "http-referer",
    "idempotency-key",
    "openai-beta",
    "originator",
    "session-id",
    "session_id",
    "thread-id",
    "user-agent",
    "version",
    "x-app",
    "x-client-request-id",
    "x-goog-api-client",
    "x-title",
];

/// Prefixes of header names that go on too.
const PASSED_PREFIXES: &[&str] = &["anthropic-", "x-claude-code-", "x-codex-", "x-stainless-"];

/// Answer headers that stay outside: they frame a message on one connection, set a cookie, or
/// point to another way to the provider.
const HELD: &[&str] = &[
    "alt-svc",
    "connection",
    "keep-alive",
    "location",
    "proxy-authenticate",
    "proxy-connection",
    "refresh",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The headers of the request that goes to the provider, without its key.
pub(crate) fn for_provider(client: &HeaderMap, has_body: bool) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(client.len() + 4);
    for (name, value) in client {
        let text = name.as_str();
        let known = PASSED.contains(&text) || PASSED_PREFIXES.iter().any(|p| text.starts_with(p));
        if known && !named_by_connection(client, name) {
            out.append(name.clone(), value.clone());
        }
    }
    // Plain text only: what is compressed can be neither scrubbed nor inspected.
    out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if has_body {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    out
}

/// Path, query and headers of a request as they go out, a line each: what may say something beside its body.
pub(crate) fn beside(target: &str, client: &HeaderMap) -> Vec<u8> {
    let mut out = target.as_bytes().to_vec();
    for (name, value) in &for_provider(client, true) {
        out.push(b'\n');
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
    }
    out
}

/// The headers of the answer that the client gets.
pub(crate) fn for_client(provider: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(provider.len());
    for (name, value) in provider {
        if !HELD.contains(&name.as_str()) && !named_by_connection(provider, name) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

/// Whether the body comes as it is, without a content encoding.
pub(crate) fn is_identity(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// `Connection: x` makes `x` a header of this connection only (RFC 9110, section 7.6.1).
fn named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn keys_cookies_and_overrides_do_not_pass() {
        let client = map(&[
            ("authorization", "Bearer placeholder"),
            ("x-api-key", "placeholder"),
            ("api-key", "placeholder"),
            ("x-goog-api-key", "placeholder"),
            ("cookie", "a=b"),
            ("proxy-authorization", "Basic x"),
            ("x-http-method-override", "DELETE"),
            ("x-original-url", "/admin"),
            ("x-forwarded-for", "1.2.3.4"),
            ("openai-organization", "org-other"),
            ("host", "inference.local"),
            ("transfer-encoding", "chunked"),
            ("accept-encoding", "gzip, br"),
            ("content-type", "multipart/form-data"),
            ("expect", "100-continue"),
            ("connection", "keep-alive, anthropic-beta"),
            ("anthropic-beta", "dropped-by-connection"),
            ("anthropic-version", "2023-06-01"),
            ("user-agent", "claude-cli"),
        ]);
        let out = for_provider(&client, true);
        let mut names: Vec<_> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-encoding", "anthropic-version", "content-type", "user-agent"]);
        assert_eq!(out["accept-encoding"], "identity");
        assert_eq!(out["content-type"], "application/json");
    }

    #[test]
    fn answers_lose_what_belongs_to_one_connection() {
        let provider = map(&[
            ("set-cookie", "a=b"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("alt-svc", "h3=\":443\""),
            ("request-id", "req_1"),
            ("retry-after", "3"),
        ]);
        let out = for_client(&provider);
        assert_eq!(out.len(), 2);
        assert!(out.contains_key("request-id") && out.contains_key("retry-after"));
    }

    #[test]
    fn encodings_other_than_identity_are_seen() {
        assert!(is_identity(&HeaderMap::new()));
        assert!(is_identity(&map(&[("content-encoding", "Identity")])));
        for coded in ["gzip", "zstd", "identity, gzip", ""] {
            assert!(!is_identity(&map(&[("content-encoding", coded)])), "{coded:?}");
        }
    }
}
