use std::collections::BTreeMap;

use palisade_journal::Record;

use super::attributes::provider;
use crate::facts;

/// Models that are told apart; agents name them.
const MOST_MODELS: usize = 64;
/// Of tokens (semantic conventions for generative AI, `gen_ai.client.token.usage`).
pub(super) const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Of seconds (`gen_ai.client.operation.duration`).
pub(super) const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// What a session's metrics count, from its first record on.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    began: Option<u64>,
    pub(super) events: BTreeMap<Event, u64>,
    pub(super) tokens: BTreeMap<(Model, &'static str), Histogram>,
    pub(super) seconds: BTreeMap<Model, Histogram>,
}

/// What one count is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) layer: String,
    pub(super) decision: &'static str,
}

/// A model, and who speaks its wire format.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Model {
    pub(super) provider: &'static str,
    pub(super) name: String,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    pub(super) buckets: Vec<u64>,
    pub(super) count: u64,
    pub(super) sum: f64,
}

impl Totals {
    /// Count these, which follow those before.
    pub fn add(&mut self, records: &[Record]) {
        for record in records {
            self.began.get_or_insert(facts::nanos(record));
            let event = Event {
                kind: facts::kind(record).to_owned(),
                layer: record.layer.clone(),
                decision: record.decision.as_str(),
            };
            let count = self.events.entry(event).or_default();
            *count = count.saturating_add(facts::acts(record));
            if record.kind == "model_answer" {
                self.answer(record);
            }
        }
    }

    /// When the session began, in nanoseconds since 1970, if a record of it was seen.
    pub(super) fn began(&self) -> Option<u64> {
        self.began
    }

    fn answer(&mut self, record: &Record) {
        let (endpoint, model) = facts::model(record);
        let mut model =
            Model { provider: provider(endpoint), name: model.unwrap_or("unknown").to_owned() };
        if self.seconds.len() >= MOST_MODELS && !self.seconds.contains_key(&model) {
            model.name = "(others)".to_owned();
        }
        for (kind, fact) in [("input", "input_tokens"), ("output", "output_tokens")] {
            if let Some(tokens) = facts::number(record, fact) {
                let key = (model.clone(), kind);
                self.tokens.entry(key).or_default().add(float(tokens), &TOKENS);
            }
        }
        let millis = facts::number(record, "latency_ms").unwrap_or(0);
        self.seconds.entry(model).or_default().add(float(millis) / 1000.0, &SECONDS);
    }
}

impl Histogram {
    fn add(&mut self, value: f64, bounds: &[f64]) {
        self.buckets.resize(bounds.len().saturating_add(1), 0);
        let at = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket = bucket.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum += value;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}
