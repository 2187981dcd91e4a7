//! JSON with one reading: what two parsers could take in two ways is refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads one object in which, at any depth, no key is there twice. How deep it may nest is bounded by
/// `serde_json` (128).
///
/// # Errors
/// What is wrong with it, without its text.
pub fn strict_object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    match serde_json::from_str(text) {
        Ok(Strict(Value::Object(object))) => Ok(object),
        Ok(_) => Err("it is JSON, but no object".to_owned()),
        Err(error) => Err(format!("it is no JSON object: {error}")),
    }
}

/// A value with one reading, alone or as a part of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Strict(pub Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is out of range"));
        number.map(Value::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let Strict(value) = fields.next_value()?;
            if all.insert(key, value).is_some() {
                return Err(A::Error::custom("a key comes twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_one_object_without_double_keys() {
        let read = strict_object(br#" {"a": [1, -2, 1.5, null, true, {"b": "c"}]} "#).unwrap();
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
            assert!(strict_object(wrong).is_err(), "{wrong:?}");
        }
        assert!(strict_object("{\"a\":".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(text in "[{}\\[\\]\",:a1\\\\ u0-]{0,40}") {
            let other: Result<Map<String, Value>, _> = serde_json::from_str(&text);
            if let Ok(mine) = strict_object(text.as_bytes()) {
                prop_assert_eq!(Some(mine), other.ok());
            }
        }
    }
}
