//! What the proxy itself answers to a client inside.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use palisade_core::Decision;
use serde_json::{Map, Value};

use super::flow::Broken;

/// A body on its way, in either direction.
pub(crate) type Payload = UnsyncBoxBody<Bytes, Broken>;

/// How reasons of denials end that say what the operator can do.
const REMEDY: &str = "to allow it, ";

/// A denial: 403.
pub(crate) fn denied(decision: &Decision) -> Response<Payload> {
    json(StatusCode::FORBIDDEN, denial(decision))
}

/// The same as the bytes of an answer of HTTP/1, after which the connection ends.
pub(crate) fn denied_bytes(decision: &Decision) -> Vec<u8> {
    bytes(StatusCode::FORBIDDEN, denial(decision))
}

/// An answer of HTTP/1 to what is not served, after which the connection ends.
pub(crate) fn failed_bytes(status: StatusCode, reason: &str) -> Vec<u8> {
    bytes(status, failure(reason))
}

fn bytes(status: StatusCode, body: Map<String, Value>) -> Vec<u8> {
    let text = format!("{}\n", Value::Object(body));
    let reason = status.canonical_reason().unwrap_or_default();
    format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n{text}",
        status.as_u16(),
        text.len()
    )
    .into_bytes()
}

fn denial(decision: &Decision) -> Map<String, Value> {
    let (reason, remedy) = match decision.reason.split_once(REMEDY) {
        Some((reason, remedy)) => {
            let reason = reason.trim_end();
            let reason = reason.strip_suffix(" or").unwrap_or(reason);
            (reason.trim_end_matches([' ', ',', ';', '.']), remedy)
        }
        None => (
            decision.reason.as_str(),
            "the operator sees it with `palisade audit query --decision deny`, and can change the policy",
        ),
    };
    let mut body = Map::new();
    body.insert("error".into(), "denied by palisade".into());
    body.insert("rule".into(), decision.rule.clone().into());
    body.insert("reason".into(), reason.into());
    body.insert("allow".into(), remedy.into());
    body
}

/// A request that is not one: 400, and the end of the connection.
pub(crate) fn malformed(reason: &str) -> Response<Payload> {
    let mut body = Map::new();
    body.insert("error".into(), "refused by palisade".into());
    body.insert("rule".into(), Value::Null);
    body.insert(
        "reason".into(),
        format!("the request can be read in more than one way: {reason}").into(),
    );
    let mut answer = json(StatusCode::BAD_REQUEST, body);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// The server could not be asked, or did not answer.
pub(crate) fn failed(status: StatusCode, reason: &str) -> Response<Payload> {
    json(status, failure(reason))
}

fn failure(reason: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("error".into(), "palisade could not get an answer".into());
    body.insert("reason".into(), reason.into());
    body
}

fn json(status: StatusCode, body: Map<String, Value>) -> Response<Payload> {
    let text = format!("{}\n", Value::Object(body));
    let mut answer = Response::new(full(text.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The same answer, with the request's body held until it is sent: HTTP/2 takes letting go of one for
/// letting go of both.
pub(crate) fn holding(answer: Response<Payload>, body: Incoming) -> Response<Payload> {
    until_given(answer, body)
}

/// The same answer, with something that is there until it was given whole.
pub(crate) fn until_given(
    answer: Response<Payload>,
    what: impl Send + Unpin + 'static,
) -> Response<Payload> {
    answer.map(|payload| Holding { payload, _what: what }.boxed_unsync())
}

struct Holding<T> {
    payload: Payload,
    _what: T,
}

impl<T: Unpin> Body for Holding<T> {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        Pin::new(&mut self.get_mut().payload).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}

/// A body that is here already.
pub(crate) fn full(bytes: Bytes) -> Payload {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(answer: Response<Payload>) -> String {
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_denial_says_which_rule_why_and_what_to_do() {
        let decision = Decision::deny_by(
            "network.rules[github]",
            "no rule permits POST /x; to allow it, add `POST` to `methods`",
        );
        let answer = denied(&decision);
        assert_eq!(answer.status(), 403);
        assert_eq!(
            text(answer).await,
            "{\"error\":\"denied by palisade\",\"rule\":\"network.rules[github]\",\"reason\":\"no rule permits POST /x\",\
             \"allow\":\"add `POST` to `methods`\"}\n"
        );
        let answer = text(denied(&Decision::deny("the \"host\" is another one"))).await;
        assert!(
            answer.contains(r#""rule":null,"reason":"the \"host\" is another one""#),
            "{answer}"
        );
    }
}
