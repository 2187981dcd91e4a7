use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value},
    resource::v1::Resource,
};
use palisade_journal::Record;
use serde_json::Value;

use crate::{Host, facts};

/// Members of one list or table, and how deep they go; the journal has its own bounds below these.
const DEEPEST: usize = 10;

pub(super) fn pair(key: &str, value: impl Into<any_value::Value>) -> KeyValue {
    let value = Some(AnyValue { value: Some(value.into()) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    pair(key, any_value::Value::StringValue(value.to_owned()))
}

pub(super) fn number(key: &str, value: u64) -> KeyValue {
    pair(key, any_value::Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

pub(super) fn flag(key: &str, value: bool) -> KeyValue {
    pair(key, any_value::Value::BoolValue(value))
}

/// Who sends.
pub(super) fn resource(records: &[Record], host: &Host) -> Option<Resource> {
    let mut attributes = vec![
        text("service.name", "palisade"),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("host.name", &host.name),
    ];
    if let Some(first) = records.first() {
        attributes.push(text("service.instance.id", first.session.as_str()));
    }
    Some(Resource { attributes, ..Resource::default() })
}

pub(super) fn scope() -> Option<InstrumentationScope> {
    let (name, version) = ("palisade".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Some(InstrumentationScope { name, version, ..InstrumentationScope::default() })
}

/// What every record has, whichever signal it is in.
pub(super) fn of(record: &Record) -> Vec<KeyValue> {
    let mut all = vec![
        text("session.id", record.session.as_str()),
        number("palisade.seq", record.seq),
        text("palisade.kind", &record.kind),
        text("palisade.layer", &record.layer),
        text("palisade.decision", record.decision.as_str()),
        text("palisade.subject", &record.subject),
        text("palisade.policy", record.policy.as_str()),
        text("palisade.hash", &record.hash.to_string()),
    ];
    if let Some(rule) = &record.rule {
        all.push(text("palisade.rule", rule));
    }
    if !record.reason.is_empty() {
        all.push(text("palisade.reason", &record.reason));
    }
    all.extend(conventions(record));
    all
}

/// The names that OpenTelemetry's semantic conventions have for what a record says.
fn conventions(record: &Record) -> Vec<KeyValue> {
    let detail = |key| facts::text(record, key);
    let mut all = Vec::new();
    let mut add = |key: &str, value: Option<&str>| all.extend(value.map(|it| text(key, it)));
    match facts::kind(record) {
        "model_call" | "model_answer" | "model_failure" => {
            let (endpoint, model) = facts::model(record);
            add("gen_ai.operation.name", Some("chat"));
            add("gen_ai.provider.name", Some(provider(endpoint)));
            let asked = record.subject.split_once(' ').map(|(_, model)| model);
            add("gen_ai.request.model", asked.or(model));
            if facts::kind(record) == "model_answer" {
                add("gen_ai.response.model", detail("model"));
            }
            add("palisade.provider", detail("provider"));
            add("error.type", detail("why").map(|_| "model_failure"));
            for (key, fact) in [
                ("gen_ai.usage.input_tokens", "input_tokens"),
                ("gen_ai.usage.output_tokens", "output_tokens"),
                ("gen_ai.usage.cache_read.input_tokens", "cache_read_tokens"),
                ("gen_ai.usage.cache_creation.input_tokens", "cache_write_tokens"),
                ("http.response.status_code", "status"),
            ] {
                all.extend(facts::number(record, fact).map(|value| number(key, value)));
            }
        }
        "tool_call" => {
            add("gen_ai.operation.name", Some("execute_tool"));
            let named = record.subject.split(' ').next();
            add("gen_ai.tool.name", detail("tool").or(named));
            add("gen_ai.tool.call.id", detail("call"));
        }
        "request" => {
            let (method, url) = record.subject.split_once(' ').unwrap_or_default();
            add("http.request.method", Some(method).filter(|it| !it.is_empty()));
            add("url.full", Some(url).filter(|it| !it.is_empty()));
            add("server.address", detail("host"));
            all.extend(facts::number(record, "port").map(|port| number("server.port", port)));
            let status = facts::number(record, "status");
            all.extend(status.map(|code| number("http.response.status_code", code)));
        }
        "connect" => {
            add("server.address", detail("host"));
            add("network.peer.address", detail("address"));
            add("process.executable.path", detail("binary"));
            all.extend(facts::number(record, "port").map(|port| number("server.port", port)));
        }
        "resolve" => add("dns.question.name", Some(&record.subject)),
        "exec" | "launch" => {
            add("process.executable.path", detail("program"));
            add("process.command_line", Some(&record.subject));
        }
        _ => {}
    }
    all
}

/// The well-known name of whoever speaks a model's wire format.
pub(super) fn provider(endpoint: &str) -> &'static str {
    match endpoint.split('/').next().unwrap_or_default() {
        "anthropic" => "anthropic",
        "openai" => "openai",
        "gemini" => "gcp.gemini",
        _ => "unknown",
    }
}

/// The facts, as they are.
pub(super) fn detail(record: &Record) -> KeyValue {
    let whole = Value::Object(record.detail.clone());
    KeyValue {
        key: "palisade.detail".to_owned(),
        value: Some(any(&whole, DEEPEST)),
        ..KeyValue::default()
    }
}

fn any(value: &Value, depth: usize) -> AnyValue {
    use any_value::Value as Any;
    let below = depth.saturating_sub(1);
    let value = match value {
        Value::Null => None,
        Value::Bool(value) => Some(Any::BoolValue(*value)),
        Value::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Any::IntValue(whole),
            (None, Some(value)) => Any::DoubleValue(value),
            (None, None) => Any::StringValue(number.to_string()),
        }),
        Value::String(text) => Some(Any::StringValue(text.clone())),
        other if depth == 0 => Some(Any::StringValue(other.to_string())),
        Value::Array(items) => {
            let values = items.iter().map(|item| any(item, below)).collect();
            Some(Any::ArrayValue(ArrayValue { values }))
        }
        Value::Object(members) => {
            let pairs = members.iter().map(|(key, value)| KeyValue {
                key: key.clone(),
                value: Some(any(value, below)),
                ..KeyValue::default()
            });
            Some(Any::KvlistValue(KeyValueList { values: pairs.collect() }))
        }
    };
    AnyValue { value }
}
