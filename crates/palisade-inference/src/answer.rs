use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::{Either, Full};
use serde_json::json;

use crate::{Api, passage::Passage, refusal::Refusal};

/// What the gateway sends back: a text of its own, or a provider's answer as it comes.
pub(crate) type Payload = Either<Full<Bytes>, Passage>;

/// A refusal in the shape that the provider's own errors have, so that agents show its text.
pub(crate) fn refused(refusal: &Refusal, api: Option<Api>) -> Response<Payload> {
    let kind = refusal.error_type();
    let message = format!("Palisade: {refusal}");
    let body = match api {
        Some(Api::Anthropic) => {
            json!({"type": "error", "error": {"type": kind, "message": message}})
        }
        Some(Api::OpenAi) => {
            let (kind, code) = refusal.openai();
            json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
        }
        Some(Api::Gemini) => {
            let code = refusal.status().as_u16();
            json!({"error": {"code": code, "message": message, "status": refusal.google_status()}})
        }
        // Whose client it is cannot be told: both find what they look for.
        None => json!({
            "type": "error",
            "error": {"type": kind, "message": message, "param": null, "code": "palisade"},
        }),
    };
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body.to_string()))));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if !refusal.is_passing() {
        // Understood by the clients of both providers.
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}
