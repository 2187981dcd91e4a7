//! The keys of a request's body that count, and the conversation in it.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::conversation::{Results, Told};
use crate::strict_json::Strict;

/// The keys of a request that are looked into.
const KEYS: [&str; 42] = [
    "anthropic_beta",
    "api_base",
    "api_key",
    "background",
    "base_url",
    "betas",
    "cachedContent",
    "cached_content",
    "connectors",
    "container",
    "content",
    "contents",
    "conversation",
    "deferred",
    "enable_code_interpreter",
    "enable_search",
    "extra_body",
    "extra_headers",
    "fallbacks",
    "generateContentRequest",
    "generate_content_request",
    "inference_geo",
    "input",
    "instructions",
    "mcp_servers",
    "messages",
    "models",
    "plugins",
    "preset",
    "previous_response_id",
    "prompt",
    "requests",
    "search_parameters",
    "service_tier",
    "serviceTier",
    "speed",
    "system",
    "systemInstruction",
    "system_instruction",
    "tools",
    "user_config",
    "web_search_options",
];

/// Those that hold what is said.
const TALK: [&str; 9] = [
    "content",
    "contents",
    "input",
    "instructions",
    "messages",
    "requests",
    "system",
    "systemInstruction",
    "system_instruction",
];

/// Those that hold a whole request.
const WITHIN: [&str; 2] = ["generateContentRequest", "generate_content_request"];

/// The most results that one request may bring.
const MOST_RESULTS: usize = 100_000;

/// What stands in a request, and in those within it.
#[derive(Default)]
pub(super) struct Fields {
    /// The values of the keys that are not talk.
    pub(super) fields: Vec<(String, Value)>,
    /// What is said.
    pub(super) told: Told,
}

impl Fields {
    /// What a request within this one asks for.
    fn within(&mut self, mut other: Self) {
        self.fields.append(&mut other.fields);
        self.told.add(other.told);
    }
}

/// A whole body.
pub(super) struct Top(pub(super) Fields);

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopVisitor).map(Self)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut found = Fields::default();
        let mut seen = HashSet::new();
        while let Some(Key(key)) = map.next_key()? {
            let Some(known) = KEYS.iter().find(|known| known.eq_ignore_ascii_case(&key)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if *known != key {
                return Err(A::Error::custom("a key is spelled in other letter case"));
            }
            if !seen.insert(*known) {
                return Err(A::Error::custom("a top-level key comes twice"));
            }
            if TALK.contains(known) {
                let Results(told) = map.next_value()?;
                found.told.add(told);
            } else if WITHIN.contains(known) {
                let Top(within) = map.next_value()?;
                found.within(within);
            } else {
                let Strict(value) = map.next_value()?;
                found.fields.push((key.into_owned(), value));
            }
            if found.told.ids.len().max(found.told.stored.len()) > MOST_RESULTS {
                return Err(A::Error::custom("it brings too many results"));
            }
        }
        Ok(found)
    }
}

/// A key, without a copy where it is written plainly.
pub(super) struct Key<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(KeyVisitor).map(Self)
    }
}
