//! The form that a systemd journal takes (systemd.io/JOURNAL_NATIVE_PROTOCOL): fields, each with its
//! length, so that no text of an agent's ends one and begins another.

use palisade_journal::{Record, escaped};

use crate::{
    facts::{self, Weight},
    ids, syslog,
};

/// The datagram of a record.
pub(crate) fn datagram(record: &Record, again: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    let priority = match facts::weight(record) {
        Weight::Alert => "1",
        Weight::Warning => "4",
        Weight::Notice => "5",
        Weight::Info => "6",
    };
    field(&mut out, "MESSAGE", &syslog::message(record));
    field(&mut out, "PRIORITY", priority);
    field(&mut out, "SYSLOG_IDENTIFIER", "palisade");
    field(&mut out, "PALISADE_SESSION", record.session.as_str());
    field(&mut out, "PALISADE_SEQ", &record.seq.to_string());
    field(&mut out, "PALISADE_TIME", &record.time.to_string());
    field(&mut out, "PALISADE_KIND", &record.kind);
    field(&mut out, "PALISADE_LAYER", &record.layer);
    field(&mut out, "PALISADE_DECISION", record.decision.as_str());
    if let Some(rule) = &record.rule {
        field(&mut out, "PALISADE_RULE", rule);
    }
    field(&mut out, "PALISADE_SUBJECT", &escaped(&record.subject));
    field(&mut out, "PALISADE_REASON", &escaped(&record.reason));
    field(&mut out, "PALISADE_POLICY", record.policy.as_str());
    field(&mut out, "PALISADE_HASH", &record.hash.to_string());
    field(&mut out, "PALISADE_DETAIL", &serde_json::Value::from(record.detail.clone()).to_string());
    field(&mut out, "TRACE_ID", &ids::hex(&ids::trace_id(&record.session)));
    if again {
        field(&mut out, "PALISADE_RESENT", "1");
    }
    out
}

/// A field with its length in eight bytes, the least first.
fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&u64::try_from(value.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}
