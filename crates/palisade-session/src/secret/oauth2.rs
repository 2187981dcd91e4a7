use std::time::Duration;

use ::http::{Request, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use palisade_core::SecretString;
use palisade_policy::OAuth2;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    Reading,
    http::{self, Answer},
};

/// An answer of the server (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Given {
    access_token: Token,
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Lifetime,
    refresh_token: Option<Token>,
}

struct Token(SecretString);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

/// Seconds. Some servers write them as text or with a point, and what is none of these says nothing: a token
/// without a lifetime is good until it is refused.
#[derive(Default)]
struct Lifetime(Option<Duration>);

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let seconds = seconds.filter(|it| *it >= 0.0);
        Ok(Self(seconds.and_then(|it| Duration::try_from_secs_f64(it.floor()).ok())))
    }
}

/// How the server says why it gives none (section 5.2). Of its words only these known ones are shown.
#[derive(Deserialize)]
struct Refused {
    error: String,
}

const ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// An access token. `secret` is the client's, `refresh` the refresh token.
pub(crate) async fn read(
    oauth2: &OAuth2,
    secret: Option<&[u8]>,
    refresh: Option<&[u8]>,
) -> Result<Reading, String> {
    let OAuth2 { token_url, client_id, scope, .. } = oauth2;
    let failed = |why: &str| format!("cannot be had from {token_url}: {why}");
    let mut form = match refresh {
        Some(token) => {
            Form::default().with("grant_type", b"refresh_token").with("refresh_token", token)
        }
        None => Form::default().with("grant_type", b"client_credentials"),
    };
    if let Some(scope) = scope {
        form = form.with("scope", scope.as_bytes());
    }
    let mut request = Request::post(token_url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    match secret {
        // Section 2.3.1: both are encoded as in a form before they are joined.
        Some(secret) => {
            let pair = Form::encoded(client_id.as_bytes());
            let pair = Zeroizing::new(format!("{}:{}", *pair, *Form::encoded(secret)));
            let coded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
            let basic = Zeroizing::new(format!("Basic {}", *coded));
            let mut value = ::http::HeaderValue::from_str(&basic)
                .map_err(|_| failed("its secret cannot be sent"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        None => form = form.with("client_id", client_id.as_bytes()),
    }
    let body = Full::new(Bytes::copy_from_slice(form.0.as_bytes()));
    let request = request.body(body).map_err(|_| failed("its URL is none"))?;
    let Answer { status, body } = http::call(request).await.map_err(|why| failed(&why))?;
    if status.as_u16() != 200 {
        let said = serde_json::from_slice::<Refused>(&body).map(|it| it.error).unwrap_or_default();
        let known = ERRORS.iter().find(|known| **known == said);
        let known = known.map(|known| format!(", {known}")).unwrap_or_default();
        return Err(failed(&format!(
            "the server answered {status}{known}",
            status = status.as_u16()
        )));
    }
    // What serde says of an error may quote what it read.
    let given = serde_json::from_slice::<Given>(&body);
    let given = given.map_err(|_| failed("the server's answer has no access token"))?;
    if given.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(failed("the server gives tokens of another kind than bearer tokens"));
    }
    Ok(Reading {
        secret: given.access_token.0,
        lifetime: given.expires_in.0,
        refresh_token: given.refresh_token.map(|token| token.0),
    })
}

/// `application/x-www-form-urlencoded`.
#[derive(Default)]
struct Form(Zeroizing<String>);

impl Form {
    fn with(mut self, name: &str, value: &[u8]) -> Self {
        let before = if self.0.is_empty() { "" } else { "&" };
        self.0 = Zeroizing::new(format!("{}{before}{name}={}", *self.0, *Self::encoded(value)));
        self
    }

    fn encoded(value: &[u8]) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(value.len().saturating_mul(3)));
        for byte in value {
            match byte {
                b' ' => out.push('+'),
                byte if byte.is_ascii_alphanumeric() || b"-._*".contains(byte) => {
                    out.push(char::from(*byte));
                }
                byte => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    }
}
