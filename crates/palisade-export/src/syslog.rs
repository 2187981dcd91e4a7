//! RFC 5424. Everything that an agent named is escaped before it is in a message.

use std::fmt::Write;

use palisade_core::Verdict;
use palisade_journal::{Record, escaped};

use crate::{
    Host,
    facts::{self, Weight},
    ids,
};

/// Characters of one text; receivers need not take more than 2048 bytes of a message, and most take 8192.
const MOST: usize = 800;
/// Bytes of the facts.
const MOST_DETAIL: usize = 2048;

/// A record as one message, without a line's end.
pub fn line(record: &Record, host: &Host, facility: u8, again: bool) -> String {
    let severity = match facts::weight(record) {
        Weight::Alert => 1,
        Weight::Warning => 4,
        Weight::Notice => 5,
        Weight::Info => 6,
    };
    let priority = u32::from(facility.min(23)) * 8 + severity;
    let mut out = format!("<{priority}>1 {} {} palisade - ", record.time, host.name);
    // MSGID: printable, at most 32.
    let id: String = record.kind.chars().filter(char::is_ascii_graphic).take(32).collect();
    out.push_str(if id.is_empty() { "-" } else { &id });
    // 32473 is the number that RFC 5612 keeps for such names.
    out.push_str(" [palisade@32473");
    parameter(&mut out, "session", record.session.as_str());
    parameter(&mut out, "seq", &record.seq.to_string());
    parameter(&mut out, "kind", &record.kind);
    parameter(&mut out, "layer", &record.layer);
    parameter(&mut out, "decision", record.decision.as_str());
    if let Some(rule) = &record.rule {
        parameter(&mut out, "rule", rule);
    }
    parameter(&mut out, "subject", &record.subject);
    parameter(&mut out, "reason", &record.reason);
    parameter(&mut out, "policy", record.policy.as_str());
    parameter(&mut out, "hash", &record.hash.to_string());
    parameter(&mut out, "trace", &ids::hex(&ids::trace_id(&record.session)));
    let detail = serde_json::Value::from(record.detail.clone()).to_string();
    match detail.len() > MOST_DETAIL {
        true => parameter(&mut out, "detail_bytes_cut", &detail.len().to_string()),
        false => value(&mut out, "detail", &escaped(&detail)),
    }
    if again {
        parameter(&mut out, "resent", "1");
    }
    out.push_str("] ");
    out.push_str(&message(record));
    out
}

/// Escaped, and as long as it is.
pub(crate) fn escaped_whole(text: &str) -> String {
    escaped(text)
}

/// What people read.
pub(crate) fn message(record: &Record) -> String {
    let what = match record.decision {
        Verdict::Allow => "allowed",
        Verdict::Deny => "denied",
        Verdict::Ask => "asked",
        Verdict::Observe => "seen",
    };
    let mut text = format!("{} {what}: {}", cut(&record.kind), cut(&record.subject));
    if !record.reason.is_empty() {
        let _ = write!(text, " ({})", cut(&record.reason));
    }
    text
}

fn parameter(out: &mut String, name: &str, text: &str) {
    value(out, name, &cut(text));
}

/// Section 6.3.3: `"`, `\` and `]` have a backslash before them.
fn value(out: &mut String, name: &str, text: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

/// Escaped, and cut where it is too long.
fn cut(text: &str) -> String {
    let shown = escaped(text);
    match shown.char_indices().nth(MOST) {
        None => shown,
        Some((at, _)) => {
            let left = shown.len().saturating_sub(at);
            format!("{} [cut {left} bytes]", shown.get(..at).unwrap_or_default())
        }
    }
}
