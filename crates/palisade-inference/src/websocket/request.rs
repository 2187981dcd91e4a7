use std::collections::HashSet;

use serde_json::{json, value::RawValue};

use super::memory::{Memory, Said};
use crate::{
    bounds::Pairs,
    model_field::{BodyError, bounded},
    refusal::Refusal,
};

/// What a client's message asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Create(Create),
    /// It tells that it has read an answer, which a provider over HTTP is not told.
    Processed,
}

/// A response that is to be made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Create {
    /// The body of the same request over HTTP.
    pub(crate) body: Vec<u8>,
    pub(crate) said: Said,
    /// Whether nothing is to be generated: a later request goes on from here. HTTP has no such request.
    pub(crate) warm: bool,
}

/// Keys that mean something here. Some decoders do not mind case, so none of them may be spelled otherwise.
const KEYS: [&str; 7] =
    ["type", "input", "previous_response_id", "store", "stream", "generate", "background"];

/// Reads a message. What it goes on with is put in front of what it says.
pub(crate) fn read(text: &str, nesting: usize, memory: &Memory) -> Result<Wish, Refusal> {
    bounded(text.as_bytes(), nesting)?;
    let Pairs(pairs) =
        serde_json::from_str(text).map_err(|error| BodyError::Json(error.to_string()))?;
    let twice = |why: &str| Refusal::Body(BodyError::Value(why.into()));
    let mut seen = HashSet::new();
    for (key, _) in &pairs {
        if !seen.insert(key.as_str()) {
            return Err(twice("a top-level key comes twice"));
        }
        if KEYS.iter().any(|known| known.eq_ignore_ascii_case(key) && known != key) {
            return Err(twice("a key is spelled in other letter case"));
        }
    }
    drop(seen);
    let of = |key: &str| {
        let found = pairs.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.get()).filter(|value| *value != "null")
    };
    let told = of("type").and_then(|kind| serde_json::from_str::<String>(kind).ok());
    match told.as_deref() {
        Some("response.create") => {}
        Some("response.processed") => return Ok(Wish::Processed),
        told => {
            let shown = palisade_core::shown(told.unwrap_or("(none)"), 60);
            return Err(Refusal::Endpoint(format!(
                "a message of the type `{shown}` is not answered on a WebSocket; `response.create` is"
            )));
        }
    }
    if of("background").is_some_and(|value| value != "false") {
        return Err(Refusal::Endpoint("`background` is not answered on a WebSocket".into()));
    }
    let flag = |key: &'static str, otherwise: bool| match of(key) {
        None => Ok(otherwise),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(twice("`generate` or `store` is neither true nor false")),
    };
    let (warm, stored) = (!flag("generate", true)?, flag("store", true)?);
    let previous = match of("previous_response_id") {
        Some(id) => Some(
            serde_json::from_str::<String>(id)
                .map_err(|_| twice("`previous_response_id` is no text"))?,
        ),
        None => None,
    };
    let mut said = match previous {
        Some(id) => match memory.until(&id) {
            Some(until) => until.clone(),
            None => Said { before: Some(id), ..Said::default() },
        },
        None => Said::default(),
    };
    if let Some(input) = of("input") {
        said.push(&items(input)?);
    }
    // What was only to be gone on with is stored nowhere.
    said.stored = stored && !warm;
    let body = body(&pairs, &said);
    Ok(Wish::Create(Create { body, said, warm }))
}

/// The items of an input, with commas between.
fn items(input: &str) -> Result<String, Refusal> {
    if input.starts_with('"') {
        let message = json!({"type": "message", "role": "user"}).to_string();
        let message = message.trim_end_matches('}');
        return Ok(format!(r#"{message},"content":{input}}}"#));
    }
    let inner = input.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.ok_or_else(|| {
        Refusal::Body(BodyError::Value("`input` is neither a text nor a list".into()))
    })?;
    Ok(inner.trim().to_owned())
}

fn body(pairs: &[(String, &RawValue)], said: &Said) -> Vec<u8> {
    let mut out = String::from("{\"stream\":true");
    let mut add = |key: &str, value: &str| {
        // A text is always JSON.
        let key = serde_json::Value::from(key).to_string();
        out.push(',');
        out.push_str(&key);
        out.push(':');
        out.push_str(value);
    };
    for (key, value) in pairs {
        if !matches!(
            key.as_str(),
            "type" | "input" | "previous_response_id" | "stream" | "generate" | "background"
        ) {
            add(key, value.get());
        }
    }
    if let Some(before) = &said.before {
        add("previous_response_id", &serde_json::Value::from(before.as_str()).to_string());
    }
    add("input", &format!("[{}]", said.items));
    out.push('}');
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::body::Budget;

    fn empty() -> Memory {
        Memory::new(&Budget::new(1 << 20), 1 << 20)
    }

    fn create(text: &str, memory: &Memory) -> Create {
        match read(text, 100, memory) {
            Ok(Wish::Create(create)) => create,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn json(create: &Create) -> Value {
        serde_json::from_slice(&create.body).unwrap()
    }

    #[test]
    fn a_message_is_the_request_that_it_would_be_over_http() {
        let text = r#"{"type":"response.create","model":"gpt-x","store":false,"generate":true,"input":[{"a": 1.0}],"tools":[],"previous_response_id":null}"#;
        let made = create(text, &empty());
        assert_eq!(
            String::from_utf8(made.body).unwrap(),
            r#"{"stream":true,"model":"gpt-x","store":false,"tools":[],"input":[{"a": 1.0}]}"#
        );
        assert!(!made.warm && !made.said.stored);
        let text = r#"{"type":"response.create","model":"gpt-x","input":"say \"x\""}"#;
        let made = create(text, &empty());
        assert_eq!(json(&made)["input"][0]["content"], "say \"x\"");
        assert_eq!(json(&made)["input"][0]["role"], "user");
        assert!(made.said.stored);
    }

    #[test]
    fn what_goes_on_is_said_with_all_before() {
        let mut memory = empty();
        let warm = create(
            r#"{"type":"response.create","model":"m","generate":false,"input":[1]}"#,
            &memory,
        );
        assert!(warm.warm && !warm.said.stored);
        memory.keep("w".into(), warm.said, &[]);
        let next = r#"{"type":"response.create","model":"m","store":false,"previous_response_id":"w","input":[2, 3]}"#;
        let next = create(next, &memory);
        assert_eq!(json(&next)["input"], json!([1, 2, 3]));
        assert_eq!(json(&next).get("previous_response_id"), None);
        memory.keep("n".into(), next.said, &[json!({"type": "x"})]);
        let last =
            r#"{"type":"response.create","model":"m","previous_response_id":"n","input":[]}"#;
        let last = create(last, &memory);
        assert_eq!(json(&last)["input"], json!([1, 2, 3, {"type": "x"}]));
        // What was stored is gone on with by its id.
        memory.keep("l".into(), last.said, &[json!(4)]);
        let after = r#"{"type":"response.create","model":"m","store":false,"previous_response_id":"l","input":[5]}"#;
        let after = create(after, &memory);
        assert_eq!(json(&after)["previous_response_id"], "l");
        assert_eq!(json(&after)["input"], json!([5]));
        memory.keep("a".into(), after.said, &[json!({"type": "y"})]);
        let end =
            r#"{"type":"response.create","model":"m","previous_response_id":"a","input":[6]}"#;
        let end = create(end, &memory);
        assert_eq!(json(&end)["previous_response_id"], "l");
        assert_eq!(json(&end)["input"], json!([5, {"type": "y"}, 6]));
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for bad in [
            "",
            "[]",
            "{",
            r#"{"type":"response.create"}{"type":"response.create"}"#,
            r#"{"type":"response.create","type":"response.create"}"#,
            r#"{"type":"response.create","\u0074ype":"x"}"#,
            r#"{"type":"response.create","input":[],"Input":[]}"#,
            r#"{"type":"response.create","STREAM":false}"#,
            r#"{"type":"response.create","generate":0}"#,
            r#"{"type":"response.create","previous_response_id":[1]}"#,
            r#"{"type":"response.create","input":{}}"#,
            r#"{"type":"response.create","background":true}"#,
            r#"{"type":"response.cancel"}"#,
            r#"{"type":["response.create"]}"#,
            r#"{"model":"gpt-x"}"#,
        ] {
            assert!(read(bad, 100, &empty()).is_err(), "{bad}");
        }
        let deep = format!(r#"{{"type":"response.create","input":{}"#, "[".repeat(101));
        assert!(matches!(read(&deep, 100, &empty()), Err(Refusal::Body(BodyError::Depth(100)))));
        let read = read(r#"{"type":"response.processed","response_id":"x"}"#, 100, &empty());
        assert_eq!(read, Ok(Wish::Processed));
    }

    proptest::proptest! {
        /// What is made of any message is JSON.
        #[test]
        fn never_panics(text in "(\\{\"type\":\"response.create\",)?(\"(input|store|model|a)\":[\\[\\]{}\",:a1n]{0,6},?){0,4}\\}?") {
            if let Ok(Wish::Create(made)) = read(&text, 10, &empty()) {
                serde_json::from_slice::<Value>(&made.body).unwrap();
            }
        }
    }
}
