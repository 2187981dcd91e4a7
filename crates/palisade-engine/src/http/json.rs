use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

const NUL: &str = "it has a NUL in a key or in what is compared";

/// JSON as far as rules look at it. A key that is there twice is an error: parsers take the first, the
/// last, or both.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// A table, in its order.
    Table(Vec<(String, Json)>),
    /// `null`, a number, `true` or `false`.
    Other,
}

impl Json {
    /// Read a whole document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| {
            // The text of an error may quote the document.
            match error.classify() {
                _ if error.to_string().starts_with(NUL) => NUL.to_owned(),
                serde_json::error::Category::Data => "it has a key twice".to_owned(),
                _ => format!("it is no JSON (line {})", error.line()),
            }
        })
    }

    /// What a table has under this key. A key that differs only in case is an error: some parsers
    /// take it.
    pub(super) fn get(&self, key: &str) -> Result<Option<&Json>, String> {
        let Json::Table(entries) = self else { return Ok(None) };
        let mut found = None;
        for (name, value) in entries {
            if name == key {
                if matches!(value, Json::Text(text) if text.contains('\0')) {
                    return Err(NUL.to_owned());
                }
                found = Some(value);
            } else if palisade_core::fold(name) == palisade_core::fold(key) {
                return Err(format!("its key `{key}` is written in another case"));
            }
        }
        Ok(found)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut seen = std::collections::HashSet::new();
                let mut table = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Json>()? {
                    // To parsers in C a text ends there, and two keys may be one.
                    if key.contains('\0') {
                        return Err(A::Error::custom(NUL));
                    }
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom("a key twice"));
                    }
                    table.push((key, value));
                }
                Ok(Json::Table(table))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
