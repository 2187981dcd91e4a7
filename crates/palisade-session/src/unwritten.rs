//! What may not stand in the journal, whoever chose it: keys of known forms, and the secrets that this session was given.
//!
//! The same finder looks that takes secrets out of what goes to a model. It finds what it knows.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use palisade_core::Event;
use palisade_inference::{KnownSecret, Redactor};
use palisade_journal::Scrub;
use serde_json::{Map, Value};

/// A shorter text holds no secret that is looked for.
const SHORTEST: usize = 8;

/// Takes secrets out of events.
#[derive(Debug)]
pub(crate) struct Unwritten {
    now: ArcSwap<Redactor>,
    known: Mutex<Vec<KnownSecret>>,
}

impl Default for Unwritten {
    fn default() -> Self {
        Self { now: ArcSwap::from_pointee(Redactor::new(&[])), known: Mutex::default() }
    }
}

impl Unwritten {
    /// These values too from now on.
    pub(crate) fn learn(&self, values: &[KnownSecret]) {
        if values.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(values.iter().cloned());
        let next = self.now.load().with(known.iter());
        self.now.store(next.into());
    }
}

impl Scrub for Unwritten {
    fn scrub(&self, mut event: Event) -> Event {
        let redactor = self.now.load();
        for text in [&mut event.kind, &mut event.subject, &mut event.reason] {
            scrubbed(&redactor, text);
        }
        event.rule.iter_mut().for_each(|rule| scrubbed(&redactor, rule));
        members(&redactor, &mut event.detail);
        event
    }
}

fn scrubbed(redactor: &Redactor, text: &mut String) {
    if text.len() >= SHORTEST
        && let Some(clean) = redactor.redact_text(text)
    {
        *text = clean;
    }
}

fn value(redactor: &Redactor, value: &mut Value) {
    match value {
        Value::String(text) => scrubbed(redactor, text),
        Value::Array(items) => items.iter_mut().for_each(|item| self::value(redactor, item)),
        Value::Object(all) => members(redactor, all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn members(redactor: &Redactor, all: &mut Map<String, Value>) {
    let clean = |key: &String| (key.len() >= SHORTEST).then(|| redactor.redact_text(key)).flatten();
    if all.keys().any(|key| clean(key).is_some()) {
        // In the order in which they were.
        for (key, value) in mem::take(all) {
            all.insert(clean(&key).unwrap_or(key), value);
        }
    }
    all.values_mut().for_each(|it| value(redactor, it));
}

#[cfg(test)]
mod tests;
