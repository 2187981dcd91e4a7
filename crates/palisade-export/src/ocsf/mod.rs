//! The Open Cybersecurity Schema Framework: each kind of event in the class that it belongs to.

mod class;
mod objects;

use palisade_core::Verdict;
use palisade_journal::Record;
use serde_json::{Map, Value, json};

use self::class::Class;
use crate::{
    Host,
    facts::{self, Weight},
    syslog,
};

/// The version of the schema that events are of.
pub const VERSION: &str = "1.9.0-dev";

/// A record as an event. `again`: it may be there already.
pub fn event(record: &Record, host: &Host, again: bool) -> Value {
    let class = class::of(record);
    let Class { uid, activity, name, mut own, profiles } = class;
    let mut event = Map::new();
    let mut set = |key: &str, value: Value| event.insert(key.to_owned(), value);
    set("class_uid", uid.into());
    set("category_uid", (uid / 1000).into());
    set("activity_id", activity.into());
    if let Some(name) = name {
        set("activity_name", name.into());
    }
    set("type_uid", (u64::from(uid) * 100 + u64::from(activity)).into());
    set("time", record.time.unix_micros().div_euclid(1000).into());
    let severity = match facts::weight(record) {
        Weight::Info => 1,
        Weight::Notice => 2,
        Weight::Warning => 3,
        Weight::Alert => 4,
    };
    set("severity_id", severity.into());
    set("message", syslog::message(record).into());
    if uid / 1000 == 2 {
        // New.
        set("status_id", 1.into());
    } else {
        let (status, id) = match record.decision {
            Verdict::Deny => ("Failure", 2),
            Verdict::Allow => ("Success", 1),
            Verdict::Ask => ("Pending", 99),
            Verdict::Observe if class::failed(record) => ("Failure", 2),
            Verdict::Observe => ("Success", 1),
        };
        set("status_id", id.into());
        set("status", status.into());
    }
    if !record.reason.is_empty() {
        set("status_detail", syslog::escaped_whole(&record.reason).into());
    }
    let mut all = vec!["security_control", "record_integrity"];
    all.extend(profiles);
    set("metadata", objects::metadata(record, &all, again));
    let (action, name, disposition) = match record.decision {
        Verdict::Allow => (1, "Allowed", 1),
        Verdict::Deny => (2, "Denied", 2),
        Verdict::Ask => (99, "Asked", 99),
        Verdict::Observe => (3, "Observed", 17),
    };
    set("action_id", action.into());
    set("action", name.into());
    set("disposition_id", disposition.into());
    if disposition == 99 {
        set("disposition", "Asked".into());
    }
    if facts::weight(record) == Weight::Alert {
        set("is_alert", true.into());
    }
    set("policy", json!({ "uid": record.policy.as_str(), "name": "palisade" }));
    if let Some(rule) = &record.rule {
        set("firewall_rule", json!({ "name": rule }));
    }
    set(
        "attestation_list",
        json!([{
            "chain_uid": record.session.as_str(),
            "fingerprint": { "algorithm_id": 3, "encoding_id": 1, "value": record.hash.to_string() },
        }]),
    );
    if let Some(counted) = facts::counted(record) {
        set("count", counted.count.into());
        let milliseconds = |micros: i64| Value::from(micros.div_euclid(1000));
        if let (Some(first), Some(last)) = (counted.first, counted.last) {
            set("start_time", milliseconds(first));
            set("time", milliseconds(first));
            set("end_time", milliseconds(last));
        }
    }
    set("unmapped", json!({ "layer": record.layer, "detail": record.detail }));
    // Classes of the system and a few others have these.
    if class::has_device(uid) {
        set("device", objects::device(host));
    }
    if class::has_actor(uid) {
        set("actor", objects::actor(record));
    }
    event.append(&mut own);
    Value::Object(event)
}

/// One line, with its end, in printable ASCII.
pub fn line(event: &Value) -> String {
    let mut line = ascii(event);
    line.push('\n');
    line
}

/// JSON without a character that steers a terminal or looks like a line's end to somebody.
pub(crate) fn ascii(value: &Value) -> String {
    let text = value.to_string();
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ' '..='~' => out.push(character),
            // JSON has no such character outside of its texts.
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}
