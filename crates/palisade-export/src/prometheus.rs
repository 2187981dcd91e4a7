//! Counts in the text format of Prometheus (its documentation, "Exposition formats").

use std::{collections::BTreeMap, fmt::Write};

use palisade_journal::Record;

use crate::{cursor::States, facts};

/// Kinds and layers that are told apart, far above what there are: a journal from elsewhere could have
/// any.
const MOST: usize = 256;

/// Counts over a journal.
#[derive(Debug, Default, Clone)]
pub struct Metrics {
    events: BTreeMap<(String, String, &'static str), u64>,
    tokens: BTreeMap<(&'static str,), u64>,
    sessions: u64,
    ended: u64,
}

impl Metrics {
    /// Count one more record.
    pub fn add(&mut self, record: &Record) {
        let kind = facts::kind(record).to_owned();
        let mut key = (kind, record.layer.clone(), record.decision.as_str());
        if self.events.len() >= MOST && !self.events.contains_key(&key) {
            (key.0, key.1) = ("other".to_owned(), "other".to_owned());
        }
        let count = self.events.entry(key).or_default();
        *count = count.saturating_add(facts::acts(record));
        match record.kind.as_str() {
            "journal_open" => self.sessions = self.sessions.saturating_add(1),
            "end" | "refusal" => self.ended = self.ended.saturating_add(1),
            "model_answer" => {
                for (kind, fact) in [
                    ("input", "input_tokens"),
                    ("output", "output_tokens"),
                    ("cache_read", "cache_read_tokens"),
                    ("cache_write", "cache_write_tokens"),
                ] {
                    let count = self.tokens.entry((kind,)).or_default();
                    *count = count.saturating_add(facts::number(record, fact).unwrap_or(0));
                }
            }
            _ => {}
        }
    }

    /// All of it as text. `exports` is how far destinations are.
    pub fn text(&self, exports: &States) -> String {
        let mut out = String::new();
        family(&mut out, "palisade_events_total", "counter", "Events of the journal.");
        for ((kind, layer, decision), count) in &self.events {
            let labels = [("kind", kind.as_str()), ("layer", layer), ("decision", decision)];
            sample(&mut out, "palisade_events_total", &labels, *count);
        }
        family(&mut out, "palisade_sessions_total", "counter", "Sessions of the journal.");
        sample(&mut out, "palisade_sessions_total", &[], self.sessions);
        family(&mut out, "palisade_sessions_ended_total", "counter", "Those that have ended.");
        sample(&mut out, "palisade_sessions_ended_total", &[], self.ended);
        family(&mut out, "palisade_model_tokens_total", "counter", "Tokens of model calls.");
        for ((kind,), count) in &self.tokens {
            sample(&mut out, "palisade_model_tokens_total", &[("type", kind)], *count);
        }
        type Read = fn(&crate::Progress) -> u64;
        let families: [(&str, &str, &str, Read); 5] = [
            (
                "palisade_export_records_total",
                "counter",
                "Records that a destination took.",
                |of| of.sent,
            ),
            ("palisade_export_resent_total", "counter", "Those that may be there twice.", |of| {
                of.resent
            }),
            ("palisade_export_dropped_total", "counter", "Records that it would not have.", |of| {
                of.dropped
            }),
            ("palisade_export_failures_total", "counter", "Attempts that failed.", |of| {
                of.failures
            }),
            ("palisade_export_failing", "gauge", "Sessions that cannot be sent.", |of| {
                u64::from(of.failing_since.is_some())
            }),
        ];
        for (name, kind, help, read) in families {
            family(&mut out, name, kind, help);
            for (id, list) in exports {
                let count = list.iter().map(read).fold(0, u64::saturating_add);
                sample(&mut out, name, &[("destination", id)], count);
            }
        }
        out
    }
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: u64) {
    out.push_str(name);
    for (at, (label, text)) in labels.iter().enumerate() {
        out.push(if at == 0 { '{' } else { ',' });
        out.push_str(label);
        out.push_str("=\"");
        for character in text.chars() {
            match character {
                '\n' => out.push_str("\\n"),
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                other if other.is_control() => out.extend(other.escape_debug()),
                other => out.push(other),
            }
        }
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}
