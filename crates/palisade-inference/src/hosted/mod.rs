//! Anthropic Messages where others host the models: Amazon Bedrock and Google Vertex AI. The path names the
//! model, the body does not; Bedrock is called with a signature ([`aws`]) and answers in frames of its own
//! ([`frames`]). A client speaks Messages as ever.
//!
//! Sources: Amazon Bedrock's `InvokeModel` and `InvokeModelWithResponseStream`; "Claude models on Vertex AI".

mod aws;
mod frames;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};

pub(crate) use self::{
    aws::{Signing, sign},
    frames::{Damaged, EVENT_STREAM, Frames},
};
use crate::strict_json;

/// The header that names versions and trials of Messages.
const VERSION: &str = "anthropic-version";
const BETA: &str = "anthropic-beta";

/// Who hosts models in a form of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosting {
    /// Amazon Bedrock, in this region.
    Bedrock {
        /// Such as `us-east-1`.
        region: String,
    },
    /// Google Vertex AI.
    Vertex {
        /// The project's id.
        project: String,
        /// Such as `us-east5` or `global`.
        location: String,
    },
}

/// A request in the form of a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hosted {
    /// The path, encoded.
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

impl Hosting {
    /// A request to Messages as this host takes it. `asked` is the path that the client asked for.
    ///
    /// # Errors
    /// The host has no such thing. The text says what.
    pub(crate) fn request(
        &self,
        asked: &str,
        body: &[u8],
        fields: &mut HeaderMap,
    ) -> Result<Hosted, String> {
        let counts = match (asked.split('?').next(), self) {
            (Some("/v1/messages"), _) => false,
            (Some("/v1/messages/count_tokens"), Self::Vertex { .. }) => true,
            _ => return Err(
                "it has no such thing: neither lists of models nor, at Bedrock, counts of tokens"
                    .into(),
            ),
        };
        let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())?;
        let value = strict_json::parse(text).map_err(|error| error.to_string())?;
        let Value::Object(mut body) = value else { return Err("it is no object".into()) };
        let Some(Value::String(model)) = body.remove("model") else {
            return Err("it names no model".into());
        };
        let streams = match body.get("stream") {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => return Err("`stream` is neither true nor false".into()),
        };
        fields.remove(VERSION);
        // It is a part of the path, and must not lead out of where it stands.
        if matches!(model.as_str(), "" | "." | "..") {
            return Err("it names no model".into());
        }
        if counts {
            body.insert("model".into(), model.into());
            return Ok(self.counting(body));
        }
        let model = encoded(&model);
        let path = match self {
            Self::Bedrock { .. } => {
                body.remove("stream");
                betas(fields, &mut body)?;
                let how = if streams { "invoke-with-response-stream" } else { "invoke" };
                format!("/model/{model}/{how}")
            }
            Self::Vertex { project, location } => {
                let (project, location) = (encoded(project), encoded(location));
                let how = if streams { "streamRawPredict" } else { "rawPredict" };
                format!(
                    "/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:{how}"
                )
            }
        };
        body.insert("anthropic_version".into(), self.version().into());
        Ok(Hosted { path, body: Value::Object(body).to_string().into() })
    }

    /// Vertex AI counts under a name of its own, and has the model in the body there.
    fn counting(&self, mut body: Map<String, Value>) -> Hosted {
        let (project, location) = match self {
            Self::Vertex { project, location } => (encoded(project), encoded(location)),
            Self::Bedrock { .. } => Default::default(),
        };
        body.remove("stream");
        body.insert("anthropic_version".into(), self.version().into());
        let path = format!(
            "/v1/projects/{project}/locations/{location}/publishers/anthropic/models/count-tokens:rawPredict"
        );
        Hosted { path, body: Value::Object(body).to_string().into() }
    }

    fn version(&self) -> &'static str {
        match self {
            Self::Bedrock { .. } => "bedrock-2023-05-31",
            Self::Vertex { .. } => "vertex-2023-10-16",
        }
    }
}

/// What a header names elsewhere, Bedrock has in the body.
fn betas(fields: &mut HeaderMap, body: &mut Map<String, Value>) -> Result<(), String> {
    let mut named: Vec<Value> = Vec::new();
    for value in fields.get_all(BETA) {
        let text = value.to_str().map_err(|_| format!("`{BETA}` is no text"))?;
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        named.extend(words.map(|word| Value::from(word.to_owned())));
    }
    fields.remove(BETA);
    if !named.is_empty() {
        // A list of the client's own stood beside the limits of the policy, which are about the header.
        body.insert("anthropic_beta".into(), named.into());
    } else if body.contains_key("anthropic_beta") {
        return Err(
            "`anthropic_beta` stands in the body: name it in the header `anthropic-beta`".into()
        );
    }
    Ok(())
}

/// With every byte encoded that is not unreserved (RFC 3986, section 2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What the answer of a host that failed is to a client of Messages.
pub(crate) fn error(status: http::StatusCode, body: &[u8]) -> Bytes {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    if told.get("type").and_then(Value::as_str) == Some("error") {
        return Bytes::copy_from_slice(body);
    }
    let message = told
        .pointer("/error/message")
        .or_else(|| told.get("message"))
        .or_else(|| told.get("Message"))
        .and_then(Value::as_str)
        .unwrap_or("the provider tells no reason");
    let kind = match status.as_u16() {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        _ => "api_error",
    };
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}})
        .to_string()
        .into()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(
        hosting: &Hosting,
        body: &str,
        beta: Option<&str>,
    ) -> Result<(Hosted, HeaderMap), String> {
        let mut fields = HeaderMap::new();
        fields.insert(VERSION, HeaderValue::from_static("2023-06-01"));
        if let Some(beta) = beta {
            fields.insert(BETA, HeaderValue::from_str(beta).unwrap());
        }
        let hosted = hosting.request("/v1/messages?beta=true", body.as_bytes(), &mut fields)?;
        Ok((hosted, fields))
    }

    #[test]
    fn the_path_has_the_model_and_the_body_has_not() {
        let bedrock = Hosting::Bedrock { region: "us-east-1".into() };
        let body = r#"{"model":"arn:aws:bedrock:x/y","stream":true,"max_tokens":5}"#;
        let (hosted, fields) = asked(&bedrock, body, Some("a-1, b-2")).unwrap();
        assert_eq!(hosted.path, "/model/arn%3Aaws%3Abedrock%3Ax%2Fy/invoke-with-response-stream");
        let sent: Value = serde_json::from_slice(&hosted.body).unwrap();
        let expected = serde_json::json!({
            "max_tokens": 5, "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["a-1", "b-2"]
        });
        assert_eq!(sent, expected);
        assert!(fields.is_empty());
        let vertex = Hosting::Vertex { project: "p-1".into(), location: "us-east5".into() };
        let (hosted, fields) =
            asked(&vertex, r#"{"model":"claude-x@20250514","stream":false}"#, Some("a-1")).unwrap();
        assert_eq!(
            hosted.path,
            "/v1/projects/p-1/locations/us-east5/publishers/anthropic/models/claude-x%4020250514:rawPredict"
        );
        assert!(fields.contains_key(BETA) && !fields.contains_key(VERSION));
    }

    #[test]
    fn vertex_counts_with_the_model_in_the_body() {
        let vertex = Hosting::Vertex { project: "p-1".into(), location: "global".into() };
        let body = br#"{"model":"claude-x@1","messages":[]}"#;
        let hosted = vertex.request("/v1/messages/count_tokens", body, &mut HeaderMap::new());
        let hosted = hosted.unwrap();
        assert_eq!(
            hosted.path,
            "/v1/projects/p-1/locations/global/publishers/anthropic/models/count-tokens:rawPredict"
        );
        let sent: Value = serde_json::from_slice(&hosted.body).unwrap();
        let version = "vertex-2023-10-16";
        let expected = serde_json::json!({"model": "claude-x@1", "messages": [], "anthropic_version": version});
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_a_host_has_not_is_refused() {
        let bedrock = Hosting::Bedrock { region: "us-east-1".into() };
        for body in [
            "[]",
            "{}",
            r#"{"model":1}"#,
            r#"{"model":".."}"#,
            r#"{"model":"m","stream":"yes"}"#,
            r#"{"model":"m","anthropic_beta":["x"]}"#,
        ] {
            assert!(asked(&bedrock, body, None).is_err(), "{body}");
        }
        let counts = bedrock.request("/v1/messages/count_tokens", b"{}", &mut HeaderMap::new());
        assert!(counts.unwrap_err().contains("counts of tokens"));
    }

    #[test]
    fn errors_are_said_as_messages_says_them() {
        let said = |status: u16, body: &str| {
            let error = error(http::StatusCode::from_u16(status).unwrap(), body.as_bytes());
            serde_json::from_slice::<Value>(&error).unwrap()["error"].clone()
        };
        assert_eq!(
            said(429, r#"{"message":"Too many"}"#),
            serde_json::json!({"type": "rate_limit_error", "message": "Too many"})
        );
        assert_eq!(
            said(403, r#"{"error":{"code":403,"message":"no","status":"X"}}"#)["message"],
            "no"
        );
        assert_eq!(said(500, "<html>")["type"], "api_error");
        assert_eq!(
            said(400, r#"{"type":"error","error":{"type":"own","message":"m"}}"#)["type"],
            "own"
        );
    }
}
