//! Calls that turn values into others: decodings, joins, replacements, maps.

use super::analysis::Analysis;
use super::call::Call;
use super::fold::{self, Decoding};
use super::language::Language;
use super::models::Act;
use super::origin::Tag;
use super::value::{Known, Value};

impl Analysis {
    pub(super) fn slice_of(&mut self, call: &Call) -> Value {
        let end = |value: Value| match value.known {
            Known::Number(number) => Some(number),
            _ => None,
        };
        let (from, mut to) = (end(call.at(0)), end(call.at(1)));
        if matches!(call.method(), "substr" | "substring")
            && self.language() != Language::JavaScript
            || call.method() == "substr"
        {
            to = from.zip(to).map(|(from, length)| from.saturating_add(length));
        }
        let known = call.count() == 0 || from.is_some() && (call.count() < 2 || to.is_some());
        match known {
            true => self.slice(&call.receiver, from, to, None),
            false => Value::tainted(call.taint()),
        }
    }

    /// `object.send("name", arguments)`.
    pub(super) fn by_name(&mut self, call: &Call) -> Value {
        let name = call.at(0);
        let Some(text) = name.known_text() else { return Value::tainted(call.taint()) };
        let shown = self.line(self.here);
        let plain = [format!(":{text}"), format!("\"{text}\""), format!("'{text}'")]
            .iter()
            .any(|form| shown.contains(form.as_str()));
        if !plain {
            self.computed_name(&text, &name.taint);
        }
        let mut inner = call.clone();
        if !inner.args.is_empty() {
            inner.args.remove(0);
        }
        let of = match &call.receiver.known {
            Known::Path(path) if path.as_ref() != "Kernel" && path.as_ref() != "self" => {
                format!("{path}.")
            }
            Known::Path(_) | Known::Nothing => String::new(),
            _ => ".".to_owned(),
        };
        inner.path = format!("{of}{text}");
        match super::models::act(self.language(), &inner) {
            Some(act) if act != Act::SendName => self.act(act, &inner),
            _ => Value::path(&inner.path).with(&call.taint()),
        }
    }

    /// Decodes what is known, and marks it as decoded.
    pub(crate) fn decode(&mut self, how: Decoding, of: &Value) -> Value {
        // Parts of addresses are unquoted everywhere.
        if how == Decoding::Percent && of.known_text().is_none() {
            return Value::tainted(of.taint.clone());
        }
        let origin = self.origin(Tag::Decoded);
        let taint = of.clone().with(&origin).taint;
        let Some(text) = of.known_text() else { return Value::tainted(taint) };
        if !self.pay(text.len()) {
            return Value::tainted(taint);
        }
        match fold::decode(how, &text) {
            Some(text) => Value::text(text).with(&taint),
            None => Value::tainted(taint),
        }
    }

    pub(super) fn codes_to_text(&mut self, call: &Call) -> Value {
        let values: Vec<Value> = call
            .args
            .iter()
            .flat_map(|(_, value)| match &value.known {
                Known::List(values) => values.to_vec(),
                _ => vec![value.clone()],
            })
            .collect();
        let codes: Option<String> = values
            .iter()
            .map(|value| match value.known {
                Known::Number(code) => u32::try_from(code).ok().and_then(char::from_u32),
                _ => None,
            })
            .collect();
        let taint = call.taint();
        match codes {
            Some(text) if !text.is_empty() && self.pay(text.len()) => {
                let origin = self.origin(Tag::Decoded);
                Value::text(text).with(&taint).with(&origin)
            }
            // `bytes("text", "utf8")`.
            _ if matches!(call.at(0).known, Known::Text(_)) => call.at(0).with(&taint),
            _ => Value::tainted(taint),
        }
    }

    pub(super) fn join(&mut self, list: &Value, separator: &Value) -> Value {
        let taint = list.taint.clone();
        let Known::List(values) = &list.known else {
            return match &list.known {
                Known::Text(_) => list.clone(),
                _ => Value::tainted(taint).with(&separator.taint),
            };
        };
        let mut parts = Vec::with_capacity(values.len() * 2);
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                parts.push(separator.clone());
            }
            parts.push(value.clone());
        }
        let value = self.concat(&parts);
        value.with(&taint)
    }

    pub(super) fn replace(&mut self, call: &Call) -> Value {
        let (Some(text), Some(from), Some(to)) =
            (call.receiver.known_text(), call.at(0).known_text(), call.at(1).known_text())
        else {
            return Value::tainted(call.taint());
        };
        if from.is_empty() || !self.pay(text.len().saturating_mul(1 + to.len() / from.len())) {
            return Value::tainted(call.taint());
        }
        Value::text(text.replace(&from, &to)).with(&call.taint())
    }

    pub(super) fn map(&mut self, list: &Value, function: &Value) -> Value {
        let elements: Option<Vec<Value>> = match &list.known {
            Known::List(values) => Some(values.to_vec()),
            Known::Text(_) => list.known_text().map(|text| {
                text.chars().map(|c| Value::text(c.to_string()).with(&list.taint)).collect()
            }),
            _ => None,
        };
        let Some(elements) = elements.filter(|list| list.len() <= 4096) else {
            let result = self.apply(function, Value::tainted(list.taint.clone()));
            return Value::tainted(result.taint).with(&list.taint);
        };
        let mut out = Vec::with_capacity(elements.len());
        for element in elements {
            out.push(self.apply(function, element));
        }
        Value::list(out).with(&list.taint)
    }

    pub(super) fn apply(&mut self, function: &Value, argument: Value) -> Value {
        match &function.known {
            Known::Function(unit, function) => self.follow(*unit, *function, vec![argument], &[]),
            Known::Path(path) => {
                let call = Call {
                    path: path.to_string(),
                    receiver: Value::default(),
                    args: vec![(None, argument)],
                };
                match super::models::act(self.language(), &call) {
                    Some(act) => self.act(act, &call),
                    None => Value::tainted(call.taint()),
                }
            }
            _ => Value::tainted(argument.taint),
        }
    }

    pub(super) fn range(&mut self, call: &Call) -> Value {
        let numbers: Option<Vec<i64>> = call
            .args
            .iter()
            .map(|(_, value)| match value.known {
                Known::Number(number) => Some(number),
                _ => None,
            })
            .collect();
        let (from, to, step) = match numbers.as_deref() {
            Some([to]) => (0, *to, 1),
            Some([from, to]) => (*from, *to, 1),
            Some([from, to, step]) if *step != 0 => (*from, *to, *step),
            _ => return Value::tainted(call.taint()),
        };
        let mut out = Vec::new();
        let mut at = from;
        while (step > 0 && at < to || step < 0 && at > to) && out.len() < 4096 {
            out.push(Value::number(at));
            at = match at.checked_add(step) {
                Some(next) => next,
                None => break,
            };
        }
        Value::list(out)
    }
}
