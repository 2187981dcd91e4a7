//! Anthropic Messages and OpenAI Chat Completions, each said in the other: requests, answers at once and
//! answers of events, tools included.
//!
//! What one of them cannot say is refused where it carries meaning (a document, a tool of the provider's
//! own), and left out where it only tunes (thinking, caching, a choice among many). Answers are inspected
//! before, in the format that the provider speaks.

mod answer;
mod stream;
mod to_chat;
mod to_messages;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

pub(crate) use self::stream::Translator;
use crate::{Api, endpoint::Wire, strict_json};

/// What the client speaks, and what the provider does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Translation {
    /// A client of Anthropic Messages, a provider of Chat Completions.
    ToChat,
    /// The other way round.
    ToMessages,
}

impl Translation {
    /// How to say what comes in this format to a provider of this API, if there is a way.
    pub(crate) fn between(wire: Wire, api: Api) -> Option<Self> {
        match (wire, api) {
            (Wire::Messages, Api::OpenAi) => Some(Self::ToChat),
            (Wire::Chat, Api::Anthropic) => Some(Self::ToMessages),
            _ => None,
        }
    }

    /// The format of the provider's answer.
    pub(crate) fn wire(self) -> Wire {
        match self {
            Self::ToChat => Wire::Chat,
            Self::ToMessages => Wire::Messages,
        }
    }

    /// Where the provider takes it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::ToChat => "/v1/chat/completions",
            Self::ToMessages => "/v1/messages",
        }
    }

    /// Headers of one API are none of the other's.
    pub(crate) fn headers(self, fields: &mut HeaderMap) {
        let foreign = |name: &str| match self {
            Self::ToChat => name.starts_with("anthropic-"),
            Self::ToMessages => name.starts_with("openai-"),
        };
        let names: Vec<_> = fields.keys().filter(|name| foreign(name.as_str())).cloned().collect();
        for name in names {
            fields.remove(name);
        }
        if self == Self::ToMessages {
            fields.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        }
    }

    /// The request as the provider takes it, or what of it cannot be said. OpenAI's own newer models know the
    /// length of an answer by another name than all other servers do.
    pub(crate) fn request(self, body: &[u8], host: &str) -> Result<Bytes, String> {
        let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())?;
        let body = strict_json::parse(text).map_err(|error| error.to_string())?;
        let length = if host == "api.openai.com" { "max_completion_tokens" } else { "max_tokens" };
        let said = match self {
            Self::ToChat => to_chat::request(&body, length)?,
            Self::ToMessages => to_messages::request(&body)?,
        };
        Ok(said.to_string().into())
    }

    /// An answer that came at once, as the client takes it.
    pub(crate) fn answer(self, body: &Value) -> Result<Value, String> {
        match self {
            Self::ToChat => answer::message(body),
            Self::ToMessages => answer::completion(body),
        }
    }

    /// An error, as the client takes it.
    pub(crate) fn error(self, body: &Value) -> Value {
        let error = body.get("error").unwrap_or(&Value::Null);
        let message = text(error, "message").or(error.as_str());
        let message = message.unwrap_or("the provider tells no reason").to_owned();
        let kind = text(error, "type").unwrap_or("api_error");
        match self {
            Self::ToChat => answer::anthropic_error(kind, &message),
            Self::ToMessages => answer::openai_error(kind, &message),
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests;
