use palisade_journal::{Condition, Record};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The facts of events that the index knows, besides the subject: what is asked for to find few.
pub const FACTS: [&str; 18] = [
    "address",
    "binary",
    "call",
    "connection",
    "credential",
    "exchange",
    "host",
    "method",
    "model",
    "name",
    "principal",
    "process",
    "program",
    "provider",
    "scope",
    "status",
    "thread",
    "tool",
];

/// Values of a list that are indexed.
const MOST_LISTED: usize = 16;

/// The facts of a record, each as a number.
pub(super) fn of(record: &Record) -> Vec<i64> {
    let mut facts = vec![number("subject", &record.subject)];
    for key in FACTS {
        match record.detail.get(key) {
            Some(Value::Array(items)) => {
                let texts = items.iter().take(MOST_LISTED).filter_map(text);
                facts.extend(texts.map(|text| number(key, &text)));
            }
            Some(value) => facts.extend(text(value).map(|text| number(key, &text))),
            None => {}
        }
    }
    facts.sort_unstable();
    facts.dedup();
    facts
}

/// The fact that a condition asks for, if the index knows it. A list with many values may have it behind
/// those that are indexed, and is then found without the index only.
pub(super) fn asked(condition: &Condition) -> Option<i64> {
    let (field, value) = condition.equals()?;
    if field == "subject" {
        return Some(number("subject", value));
    }
    let key = field.strip_prefix("detail.").filter(|key| FACTS.contains(key))?;
    Some(number(key, value))
}

/// Eight bytes of a hash: two facts with one number are told apart by the journal's line.
fn number(key: &str, value: &str) -> i64 {
    let mut hash = Sha256::new();
    hash.update(key.as_bytes());
    hash.update([0]);
    hash.update(value.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().map_or(0, |eight| i64::from_le_bytes(*eight))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
