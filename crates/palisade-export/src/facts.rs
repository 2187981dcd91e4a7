//! What is read out of a record, whichever form it is sent in.

use palisade_core::Verdict;
use palisade_journal::Record;
use serde_json::Value;

/// How much somebody should care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    Info,
    Notice,
    Warning,
    Alert,
}

/// What a count of many stands for.
pub(crate) struct Counted {
    pub(crate) count: u64,
    /// Microseconds since 1970.
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
}

/// The kind of act: a count has that of what it counts.
pub(crate) fn kind(record: &Record) -> &str {
    match record.kind.as_str() {
        "folded" => text(record, "kind").unwrap_or("folded"),
        kind => kind,
    }
}

/// The count that it is, if it is one.
pub(crate) fn counted(record: &Record) -> Option<Counted> {
    if record.kind != "folded" {
        return None;
    }
    let moment = |key| {
        let moment = text(record, key)?.parse::<palisade_journal::Timestamp>();
        moment.ok().map(palisade_journal::Timestamp::unix_micros)
    };
    let count = number(record, "count")?;
    Some(Counted { count, first: moment("first"), last: moment("last") })
}

/// How many acts it tells of.
pub(crate) fn acts(record: &Record) -> u64 {
    counted(record).map_or(1, |counted| counted.count)
}

pub(crate) fn weight(record: &Record) -> Weight {
    match (kind(record), record.decision) {
        ("alarm" | "canary" | "placeholder" | "secret_in_answer" | "key_in_answer", _)
        | ("injection_suspected", _) => Weight::Alert,
        (_, Verdict::Deny) | ("export_dropped" | "unrecorded" | "recovered" | "degraded", _) => {
            Weight::Warning
        }
        (_, Verdict::Ask)
        | ("taint" | "export_lag" | "model_failure" | "policy" | "approval", _) => Weight::Notice,
        (_, Verdict::Allow | Verdict::Observe) => Weight::Info,
    }
}

/// The number inside of the process that did it, where it was looked at.
pub(crate) fn pid(record: &Record) -> Option<u32> {
    text(record, "process")?.split('@').next()?.parse().ok()
}

/// A fact that is text.
pub(crate) fn text<'a>(record: &'a Record, key: &str) -> Option<&'a str> {
    record.detail.get(key).and_then(Value::as_str)
}

/// A fact that is a number.
pub(crate) fn number(record: &Record, key: &str) -> Option<u64> {
    record.detail.get(key).and_then(Value::as_u64)
}

/// When it was, in nanoseconds since 1970.
pub(crate) fn nanos(record: &Record) -> u64 {
    u64::try_from(record.time.unix_micros()).unwrap_or(0).saturating_mul(1000)
}

/// When it began, in nanoseconds since 1970: what took time is recorded at its end.
pub(crate) fn began(record: &Record) -> u64 {
    let took = number(record, "latency_ms").map(|ms| ms.saturating_mul(1_000_000));
    let took = took.or(number(record, "microseconds").map(|us| us.saturating_mul(1000)));
    nanos(record).saturating_sub(took.unwrap_or(0))
}

/// The endpoint and the model of a call, such as `anthropic/messages` and `claude-opus-4`.
pub(crate) fn model(record: &Record) -> (&str, Option<&str>) {
    let (endpoint, model) = match record.subject.split_once(' ') {
        Some((endpoint, model)) => (endpoint, Some(model)),
        None => (record.subject.as_str(), None),
    };
    let endpoint = text(record, "endpoint").unwrap_or(endpoint);
    (endpoint, text(record, "model").or(model))
}
