//! OTLP's JSON (opentelemetry-proto, `docs/specification.md`, JSON Protobuf Encoding): ids in
//! hexadecimal, whole numbers of 64 bits as text, enumerations as numbers.

use base64::{Engine, prelude::BASE64_STANDARD};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value},
    logs::v1::{LogRecord, ResourceLogs},
};
use palisade_journal::Record;
use serde_json::{Map, Value, json};

use crate::{Host, ids};

/// A record as one line of `LogsData`, with its end.
pub fn line(record: &Record, host: &Host) -> String {
    let request = super::logs(std::slice::from_ref(record), host, false);
    let all: Vec<Value> = request.resource_logs.iter().map(resource_logs).collect();
    format!("{}\n", crate::ocsf::ascii(&json!({ "resourceLogs": all })))
}

fn resource_logs(of: &ResourceLogs) -> Value {
    let resource = of.resource.as_ref().map(|it| attributes(&it.attributes));
    let scopes = of.scope_logs.iter().map(|scope| {
        let named = scope.scope.as_ref();
        json!({
            "scope": {
                "name": named.map(|it| it.name.as_str()),
                "version": named.map(|it| it.version.as_str()),
            },
            "logRecords": scope.log_records.iter().map(log_record).collect::<Vec<_>>(),
        })
    });
    json!({ "resource": { "attributes": resource }, "scopeLogs": scopes.collect::<Vec<_>>() })
}

fn log_record(of: &LogRecord) -> Value {
    json!({
        "timeUnixNano": of.time_unix_nano.to_string(),
        "observedTimeUnixNano": of.observed_time_unix_nano.to_string(),
        "severityNumber": of.severity_number,
        "severityText": of.severity_text,
        "body": of.body.as_ref().map(any),
        "attributes": attributes(&of.attributes),
        "flags": of.flags,
        "traceId": ids::hex(&of.trace_id),
        "spanId": ids::hex(&of.span_id),
        "eventName": of.event_name,
    })
}

fn attributes(of: &[KeyValue]) -> Vec<Value> {
    let pair = |it: &KeyValue| json!({ "key": it.key, "value": it.value.as_ref().map(any) });
    of.iter().map(pair).collect()
}

fn any(of: &AnyValue) -> Value {
    let (key, value) = match &of.value {
        None => return Value::Object(Map::new()),
        Some(any_value::Value::StringValue(text)) => ("stringValue", json!(text)),
        Some(any_value::Value::BoolValue(value)) => ("boolValue", json!(value)),
        Some(any_value::Value::IntValue(value)) => ("intValue", json!(value.to_string())),
        Some(any_value::Value::DoubleValue(value)) => ("doubleValue", json!(value)),
        Some(any_value::Value::ArrayValue(list)) => {
            let values: Vec<Value> = list.values.iter().map(any).collect();
            ("arrayValue", json!({ "values": values }))
        }
        Some(any_value::Value::KvlistValue(list)) => {
            ("kvlistValue", json!({ "values": attributes(&list.values) }))
        }
        Some(any_value::Value::BytesValue(bytes)) => {
            ("bytesValue", json!(BASE64_STANDARD.encode(bytes)))
        }
        // Only in profiles, which are not sent.
        Some(any_value::Value::StringValueStrindex(index)) => ("stringValueStrindex", json!(index)),
    };
    json!({ key: value })
}
