use std::{collections::HashSet, fmt, ops::Range};

use memchr::memchr2;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{embeddings, model_pattern::LONGEST_MODEL};

/// The top-level `model` of a request body, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelField {
    pub(crate) model: String,
    /// The bytes of the JSON string, quotes included.
    pub(crate) span: Range<usize>,
    /// What else limits are about, as far as it is there: a key of [`LIMITED`] and its value's bytes.
    pub(crate) limited: Vec<(&'static str, Range<usize>)>,
}

/// Keys of a body that limits are about. Some decoders do not mind case, so it does not count here.
const LIMITED: &[&str] = &[
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    // Of local servers.
    "n_predict",
    "max_new_tokens",
    "n",
    "tools",
    "functions",
    // Of Gemini, which has two spellings of each.
    "generationConfig",
    "generation_config",
];

/// Why a body is not understood. The text says what is wrong without repeating the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is not UTF-8")]
    Utf8,
    #[error("it is nested deeper than {0} levels")]
    Depth(usize),
    #[error("the body is not a JSON object: {0}")]
    Json(String),
    #[error("it is no JSON with one reading: {0}")]
    Value(String),
    #[error("the body names no `model`")]
    NoModel,
    #[error(
        "the body's `model` is not a plain string of at most {LONGEST_MODEL} visible ASCII characters"
    )]
    Model,
}

impl ModelField {
    /// Reads a body as its receiver would. What two receivers could read in two ways is refused:
    /// a key that comes twice at the top level, or one that is `model` but for its case (some
    /// decoders match keys without case).
    pub(crate) fn of(body: &[u8], nesting: usize) -> Result<Self, BodyError> {
        let (text, top) = read(body, nesting)?;
        let raw = top.model.ok_or(BodyError::NoModel)?.get();
        let model: String = serde_json::from_str(raw).map_err(|_| BodyError::Model)?;
        let span = place(text, raw).ok_or(BodyError::Model)?;
        Ok(Self { model: plain(model)?, span, limited: limited(text, &top)? })
    }

    /// The same for a body whose model stands in the path. Its `span` is nowhere. `twice`: it may name the same
    /// model again.
    pub(crate) fn of_path(
        body: &[u8],
        model: &str,
        nesting: usize,
        twice: bool,
    ) -> Result<Self, BodyError> {
        let (text, top) = read(body, nesting)?;
        if twice {
            embeddings::check(body, model)?;
        } else if top.model.is_some() {
            return Err(BodyError::Model);
        }
        Ok(Self { model: plain(model.to_owned())?, span: 0..0, limited: limited(text, &top)? })
    }

    /// The body with another model, and every other byte as it was.
    pub(crate) fn renamed(&self, body: &[u8], model: &str) -> Option<Vec<u8>> {
        let quoted = serde_json::to_vec(model).ok()?;
        let before = body.get(..self.span.start)?;
        let after = body.get(self.span.end..)?;
        let mut out = Vec::with_capacity(before.len() + quoted.len() + after.len());
        out.extend_from_slice(before);
        out.extend_from_slice(&quoted);
        out.extend_from_slice(after);
        Some(out)
    }
}

fn read(body: &[u8], nesting: usize) -> Result<(&str, TopLevel<'_>), BodyError> {
    let text = std::str::from_utf8(body).map_err(|_| BodyError::Utf8)?;
    bounded(body, nesting)?;
    let top = serde_json::from_str(text).map_err(|error| BodyError::Json(error.to_string()))?;
    Ok((text, top))
}

fn plain(model: String) -> Result<String, BodyError> {
    let plain = model.bytes().all(|byte| byte.is_ascii_graphic());
    if model.is_empty() || model.len() > LONGEST_MODEL || !plain {
        return Err(BodyError::Model);
    }
    Ok(model)
}

fn limited(text: &str, top: &TopLevel<'_>) -> Result<Vec<(&'static str, Range<usize>)>, BodyError> {
    let limited = top.limited.iter().map(|(key, raw)| Some((*key, place(text, raw.get())?)));
    limited.collect::<Option<Vec<_>>>().ok_or(BodyError::Model)
}

/// Where a part of a text is in it: the difference of their addresses.
fn place(text: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let span = start..start.saturating_add(part.len());
    (text.get(span.clone()) == Some(part)).then_some(span)
}

/// Counts brackets outside of strings, so that no parser after this one meets a deep body. A text that
/// ends within a string is one that every parser refuses.
pub(crate) fn bounded(body: &[u8], limit: usize) -> Result<(), BodyError> {
    let (mut depth, mut place) = (0_usize, 0_usize);
    while let Some(byte) = body.get(place) {
        place = place.saturating_add(1);
        match byte {
            // Most of a body is in strings, which are not gone through byte by byte.
            b'"' => loop {
                let Some(found) = body.get(place..).and_then(|rest| memchr2(b'"', b'\\', rest))
                else {
                    return Ok(());
                };
                let found = place.saturating_add(found);
                let escape = body.get(found) == Some(&b'\\');
                place = found.saturating_add(if escape { 2 } else { 1 });
                if !escape {
                    break;
                }
            },
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                if depth > limit {
                    return Err(BodyError::Depth(limit));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

struct TopLevel<'a> {
    model: Option<&'a RawValue>,
    limited: Vec<(&'static str, &'a RawValue)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for TopLevel<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopLevelVisitor)
    }
}

struct TopLevelVisitor;

impl<'de> Visitor<'de> for TopLevelVisitor {
    type Value = TopLevel<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut model = None;
        let mut limited = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "model" {
                if model.replace(map.next_value::<&RawValue>()?).is_some() {
                    return Err(serde::de::Error::custom("the key `model` comes twice"));
                }
                continue;
            }
            if key.eq_ignore_ascii_case("model") {
                return Err(serde::de::Error::custom("a key is `model` in other letter case"));
            }
            match LIMITED.iter().find(|name| key.eq_ignore_ascii_case(name)) {
                Some(name) => limited.push((*name, map.next_value::<&RawValue>()?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
            if !seen.insert(key) {
                return Err(serde::de::Error::custom("a top-level key comes twice"));
            }
        }
        Ok(TopLevel { model, limited })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(body: &str) -> Result<ModelField, BodyError> {
        ModelField::of(body.as_bytes(), 128)
    }

    #[test]
    fn the_value_is_what_the_receiver_reads() {
        assert_eq!(of(r#"{"model":"claude-x"}"#).unwrap().model, "claude-x");
        assert_eq!(
            of(r#" { "a" : {"model":"inner"}, "\u006dodel" : "cl\u0061ude" } "#).unwrap().model,
            "claude"
        );
    }

    #[test]
    fn bodies_with_two_readings_are_refused() {
        for bad in [
            r#"{"model":"a","model":"b"}"#,
            r#"{"model":"a","mod\u0065l":"b"}"#,
            r#"{"model":"a","Model":"b"}"#,
            r#"{"model":"a","tools":1,"tools":2}"#,
            r#"{"model":["a"]}"#,
            r#"{"model":null}"#,
            r#"{"model":1}"#,
            r#"{"model":""}"#,
            r#"{"model":"a b"}"#,
            r#"{"model":"a\u0000"}"#,
            r#"{"model":"\ud800"}"#,
            r#"{"model":"modèle"}"#,
            r#"{}"#,
            r#"[]"#,
            r#""model""#,
            "",
            "{",
            r#"{"model":"a"} {"model":"b"}"#,
            r#"{"model":"a"}x"#,
            r#"{'model':'a'}"#,
            r#"{"model":"a",}"#,
            "\u{feff}{\"model\":\"a\"}",
            r#"{"model":"a" /* c */}"#,
            r#"{"x":NaN,"model":"a"}"#,
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert_eq!(ModelField::of(b"{\"model\":\"a\",\"x\":\"\xff\"}", 9), Err(BodyError::Utf8));
        let deep = format!("{{\"model\":\"a\",\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
        assert_eq!(of(&deep), Err(BodyError::Depth(128)));
        let brackets = format!("{{\"model\":\"a\",\"x\":\"\\\"{}\"}}", "[".repeat(200));
        assert!(of(&brackets).is_ok(), "brackets in a string are text");
    }

    #[test]
    fn only_the_value_changes_in_a_rename() {
        let body = r#"{ "x":1.50, "model" :"a\u0062" ,"é":"\u00e9"}"#;
        let out = of(body).unwrap().renamed(body.as_bytes(), "local\"1").unwrap();
        assert_eq!(out, r#"{ "x":1.50, "model" :"local\"1" ,"é":"\u00e9"}"#.as_bytes());
    }

    proptest! {
        #[test]
        fn never_panics_and_agrees_with_a_full_parse(body in ".{0,80}") {
            drop(of(&body));
        }

        /// Brackets are counted as they are by going through all bytes.
        #[test]
        fn no_bracket_outside_of_a_string_is_passed_over(text in "[\\[{\\]}\"\\\\a]{0,60}") {
            let (mut depth, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
            for byte in text.bytes() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b'[' | b'{' if !quoted => depth += 1,
                    b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
                    _ => {}
                }
                most = most.max(depth);
            }
            for limit in 0..most + 2 {
                prop_assert_eq!(bounded(text.as_bytes(), limit).is_ok(), most <= limit);
            }
        }

        #[test]
        fn agrees_with_serde_json(model in "[!-~]{1,20}", other in ".{0,20}") {
            let value = serde_json::json!({"a": other, "model": model, "z": [other]});
            let body = value.to_string();
            let field = of(&body).unwrap();
            prop_assert_eq!(&field.model, &model);
            let renamed = field.renamed(body.as_bytes(), "n").unwrap();
            let read: serde_json::Value = serde_json::from_slice(&renamed).unwrap();
            prop_assert_eq!(&read["model"], "n");
            prop_assert_eq!(&read["a"], &value["a"]);
        }
    }
}
