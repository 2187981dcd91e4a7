use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value, json};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The request target.
    pub uri: Uri,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Whether the client has shown a certificate.
    pub shown: bool,
}

impl Recorded {
    /// A header's value as text; empty if it is absent.
    pub fn header(&self, name: &str) -> String {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Whether this text stands anywhere in the request.
    pub fn contains(&self, text: &str) -> bool {
        let found = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        found(self.uri.to_string().as_bytes())
            || self.headers.values().any(|value| found(value.as_bytes()))
            || found(&self.body)
    }

    /// One JSON object, as a line of a log has it.
    pub fn to_json(&self) -> Value {
        let headers: Map<String, Value> = self
            .headers
            .keys()
            .map(|name| (name.to_string(), self.header(name.as_str()).into()))
            .collect();
        json!({
            "method": self.method.as_str(),
            "path": self.uri.to_string(),
            "headers": headers,
            "body": self.json(),
        })
    }
}
