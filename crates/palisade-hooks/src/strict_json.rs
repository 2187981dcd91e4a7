use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// JSON in which no key is there twice: two readers could not disagree on what it says. How deep it may
/// nest is bounded by `serde_json` (128).
///
/// # Errors
/// What is wrong with it, without its text.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    match serde_json::from_str(text) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(_) => Err("it is JSON, but no object".to_owned()),
        Err(error) => Err(format!("it is no JSON object: {error}")),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Of;

        impl<'de> Visitor<'de> for Of {
            type Value = Strict;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("JSON")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }

            fn visit_string<E>(self, value: String) -> Result<Strict, E> {
                Ok(Strict(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Strict, E> {
                Ok(Strict(Value::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
                let mut all = Vec::new();
                while let Some(Strict(item)) = items.next_element()? {
                    all.push(item);
                }
                Ok(Strict(all.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
                let mut all = Map::new();
                while let Some(key) = entries.next_key::<String>()? {
                    let Strict(value) = entries.next_value()?;
                    if all.insert(key, value).is_some() {
                        return Err(A::Error::custom("a key is there twice"));
                    }
                }
                Ok(Strict(all.into()))
            }
        }

        deserializer.deserialize_any(Of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_one_object_without_double_keys() {
        let read = object(br#" {"a": [1, -2, 1.5, null, true, {"b": "c"}]} "#).unwrap();
        assert_eq!(Value::from(read).to_string(), r#"{"a":[1,-2,1.5,null,true,{"b":"c"}]}"#);
        for wrong in [
            &br#"{"a": 1, "a": 2}"#[..],
            br#"{"x": {"a": 1, "a": 2}}"#,
            br#"{"x": [{"a": 1, "\u0061": 2}]}"#,
            b"{} {}",
            b"[]",
            b"",
            b"{\"a\": \"\xff\"}",
            b"{\"a\": \"\0\"}",
        ] {
            assert!(object(wrong).is_err(), "{wrong:?}");
        }
        assert!(object("{\"a\":".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(text in "[{}\\[\\]\",:a1\\\\ u0-]{0,40}") {
            let other: Result<Map<String, Value>, _> = serde_json::from_str(&text);
            if let Ok(mine) = object(text.as_bytes()) {
                prop_assert_eq!(Some(mine), other.ok());
            }
        }
    }
}
