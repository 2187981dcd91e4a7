use std::{borrow::Cow, time::Duration};

use palisade_core::{Event, Verdict};
use serde_json::{Map, Value};

/// An event as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// When, since the session began. Goes forward.
    pub at: Duration,
    /// How many acts it stands for.
    pub acts: u64,
    /// What kind of act.
    pub kind: &'a str,
    /// The layer that saw it.
    pub layer: &'a str,
    /// What was decided.
    pub decision: Verdict,
    /// The rule that decided.
    pub rule: Option<&'a str>,
    /// What it was about.
    pub subject: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Further facts.
    pub detail: &'a Map<String, Value>,
}

/// A field of events that rules can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    Kind,
    Layer,
    Decision,
    Rule,
    Subject,
    Reason,
    /// The way through `detail`.
    Detail(Vec<String>),
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Held<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Value(&'a Value),
}

impl<'a> Seen<'a> {
    /// An event, as it happens.
    pub fn of(event: &'a Event, at: Duration) -> Self {
        Self {
            at,
            acts: 1,
            kind: &event.kind,
            layer: event.layer.as_str(),
            decision: event.decision,
            rule: event.rule.as_deref(),
            subject: &event.subject,
            reason: &event.reason,
            detail: &event.detail,
        }
    }

    pub(crate) fn held(&self, field: &Field) -> Held<'a> {
        let text = |text: &'a str| Held::Text(Cow::Borrowed(text));
        match field {
            Field::Kind => text(self.kind),
            Field::Layer => text(self.layer),
            Field::Decision => text(self.decision.as_str()),
            Field::Rule => self.rule.map_or(Held::Nothing, text),
            Field::Subject => text(self.subject),
            Field::Reason => text(self.reason),
            Field::Detail(way) => {
                let mut steps = way.iter();
                let first = steps.next().and_then(|step| self.detail.get(step));
                let found = steps.try_fold(first, |at, step| match at {
                    Some(Value::Object(members)) => Ok(members.get(step)),
                    _ => Err(()),
                });
                match found {
                    Ok(Some(Value::String(found))) => text(found),
                    Ok(Some(found)) => Held::Value(found),
                    Ok(None) | Err(()) => Held::Nothing,
                }
            }
        }
    }

    /// A field's value as one text, to tell values apart; `None` if there is none.
    pub(crate) fn value(&self, field: &Field) -> Option<Cow<'a, str>> {
        match self.held(field) {
            Held::Nothing => None,
            Held::Text(text) => Some(text),
            Held::Value(value) => Some(Cow::Owned(value.to_string())),
        }
    }
}

impl Field {
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "kind" => Field::Kind,
            "layer" => Field::Layer,
            "decision" => Field::Decision,
            "rule" => Field::Rule,
            "subject" => Field::Subject,
            "reason" => Field::Reason,
            other => match other.strip_prefix("detail.") {
                Some(way) if way.split('.').all(|step| !step.is_empty()) && way.len() <= 200 => {
                    Field::Detail(way.split('.').map(str::to_owned).collect())
                }
                _ => {
                    return Err(format!(
                        "there is no field `{}`; write kind, layer, decision, rule, subject, reason or detail.NAME",
                        palisade_core::shown(name, 80)
                    ));
                }
            },
        })
    }
}
