//! The body of a model's request: it stays JSON through renaming, translation and redaction, and no known secret is left in it.

use palisade_core::SecretString;
use palisade_inference::{
    KnownSecret, Redactor,
    fuzz::{renamed, translated, translated_answer},
};
use serde_json::Value;

const SECRET: &str = "correct-horse-42-battery";

pub(crate) fn target(data: &[u8]) {
    if let Some((model, other)) = renamed(data, "another") {
        let (before, after) =
            (serde_json::from_slice::<Value>(data), serde_json::from_slice::<Value>(&other));
        match (before, after) {
            (Ok(mut before), Ok(after)) => {
                assert_eq!(before["model"], model.as_str());
                before["model"] = "another".into();
                assert_eq!(after, before);
            }
            // A number that this reader has no room for is JSON all the same.
            (Err(_), Err(_)) => {}
            (before, after) => panic!("{before:?} became {after:?}"),
        }
    }
    for to_chat in [true, false] {
        if let Ok(there) = translated(to_chat, data) {
            assert!(serde_json::from_slice::<Value>(&there).is_ok());
            drop(translated(!to_chat, &there));
        }
        if let Ok(value) = serde_json::from_slice::<Value>(data) {
            drop(translated_answer(to_chat, &value));
        }
    }
    let known = KnownSecret::credential(&SecretString::from(SECRET));
    let redactor = Redactor::new([&known]);
    if let Ok(redacted) = redactor.redact(data) {
        let body = redacted.body.as_deref().unwrap_or(data);
        // What is no JSON is searched too, as far as it can be, and sent nowhere.
        if serde_json::from_slice::<Value>(data).is_ok() {
            match serde_json::from_slice::<Value>(body) {
                Ok(value) => assert!(!is_in(&value), "the secret is left: {}", body.escape_ascii()),
                Err(error) => panic!("{error} in {}", body.escape_ascii()),
            }
        }
    }
    let text = String::from_utf8_lossy(data);
    let left = redactor.redact_text(&text);
    assert!(!left.as_deref().unwrap_or(&text).contains(SECRET));
}

fn is_in(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(SECRET),
        Value::Array(items) => items.iter().any(is_in),
        Value::Object(members) => {
            members.iter().any(|(key, value)| key.contains(SECRET) || is_in(value))
        }
        _ => false,
    }
}
