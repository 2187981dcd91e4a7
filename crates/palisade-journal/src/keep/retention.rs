use std::collections::BTreeMap;

use palisade_core::{Event, Layer};
use serde_json::{Map, Value};

use super::KEEPING;
use crate::{
    Record,
    journal::{OPEN, RECOVERED, REOPEN},
};

/// For all that no other class is for.
const DEFAULT: &str = "default";
const RETAIN: &str = "retain";

/// How long records stay, by class. An event's kind wins over its layer, and that over `default`. What no class is for stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    seconds: BTreeMap<String, u64>,
}

impl Retention {
    /// The class of all that no other is for.
    pub(super) const ALL: &str = DEFAULT;

    /// Whether it says this of the class.
    pub(super) fn says(&self, class: &str, seconds: u64) -> bool {
        self.seconds.get(class) == Some(&seconds)
    }

    /// The shortest time of all.
    pub(super) fn shortest(&self) -> Option<u64> {
        self.seconds.values().min().copied()
    }

    /// Records of this class stay for so many seconds.
    #[must_use]
    pub fn with(mut self, class: &str, seconds: u64) -> Self {
        self.seconds.insert(class.to_owned(), seconds);
        self
    }

    /// Nothing is removed.
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// The record that says it in a session.
    pub fn event(&self) -> Event {
        let all: Map<String, Value> = self
            .seconds
            .iter()
            .map(|(class, seconds)| (class.clone(), (*seconds).into()))
            .collect();
        Event::observed(KEEPING, Layer::Supervisor, "audit.retain").with(RETAIN, Value::Object(all))
    }

    /// What a session's record says.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let all = record.detail.get(RETAIN)?.as_object()?;
        let one = |(class, seconds): (&String, &Value)| Some((class.clone(), seconds.as_u64()?));
        Some(Self { seconds: all.iter().filter_map(one).collect() })
    }

    /// The class that is for an event, and for how many seconds it stays.
    pub(super) fn of_event(&self, kind: &str, layer: &str) -> Option<(&str, u64)> {
        // Without these the two chains do not hold each other, and nobody knows which rule was in force.
        if [OPEN, REOPEN, RECOVERED, KEEPING].contains(&kind) {
            return None;
        }
        let found = [kind, layer, DEFAULT].into_iter().find_map(|c| self.seconds.get_key_value(c));
        found.map(|(class, seconds)| (class.as_str(), *seconds))
    }
}
