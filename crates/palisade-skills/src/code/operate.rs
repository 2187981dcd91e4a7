//! What operators and formats make of values.

use super::analysis::Analysis;
use super::eval::MOST_TURNS;
use super::fold;
use super::ir::Op;
use super::language::Language;
use super::origin::Tag;
use super::value::{Known, Piece, Taint, Value, concat};

impl Analysis {
    pub(crate) fn index(&mut self, of: &Value, index: &Value, computed: bool) -> Value {
        match (&of.known, &index.known) {
            (Known::List(values), Known::Number(at)) => {
                let at = match at {
                    at if *at < 0 => {
                        usize::try_from(-at).ok().and_then(|b| values.len().checked_sub(b))
                    }
                    at => usize::try_from(*at).ok(),
                };
                match at.and_then(|at| values.get(at)) {
                    Some(value) => value.clone(),
                    None => Value::tainted(of.taint.clone()),
                }
            }
            (Known::Text(_), Known::Number(at)) => {
                let found = of.known_text().and_then(|text| {
                    let at = match at {
                        at if *at < 0 => {
                            text.chars().count().checked_sub(usize::try_from(-at).ok()?)?
                        }
                        at => usize::try_from(*at).ok()?,
                    };
                    text.chars().nth(at)
                });
                match found {
                    Some(c)
                        if self.has(&of.taint, |tag| *tag == Tag::Decoded)
                            && self.language() == Language::Python =>
                    {
                        Value::number(u32::from(c).into()).with(&of.taint)
                    }
                    Some(c) => Value::text(c.to_string()).with(&of.taint),
                    None => Value::tainted(of.taint.clone()),
                }
            }
            (_, Known::List(indices)) if indices.len() <= MOST_TURNS => {
                // PowerShell: `$text[1,5,3]`.
                let values = indices.iter().map(|at| self.index(of, at, false)).collect();
                Value::list(values).with(&index.taint)
            }
            (_, Known::Text(_)) => match index.known_text() {
                Some(name) => {
                    let name = match self.language() {
                        Language::PowerShell => name.to_ascii_lowercase(),
                        _ => name,
                    };
                    self.member(of, &name, computed).with(&index.taint)
                }
                None if self.is_named_by_the_user(of, index) => Value::tainted(index.taint.clone()),
                None => Value::tainted(of.taint.clone()).with(&index.taint),
            },
            _ if self.is_named_by_the_user(of, index) => Value::tainted(index.taint.clone()),
            _ => Value::tainted(of.taint.clone()).with(&index.taint),
        }
    }

    /// Is it one variable of the environment, whose name stands in a file of the user's?
    ///
    /// A list that the package brings is the author's choice, and names as many as he likes.
    fn is_named_by_the_user(&self, of: &Value, index: &Value) -> bool {
        let all = |taint: &Taint, test: &dyn Fn(&Tag) -> bool| {
            !taint.is_empty()
                && taint.origins().iter().all(|at| {
                    self.origins.get(*at as usize).is_some_and(|origin| test(&origin.tag))
                })
        };
        all(&of.taint, &|tag| *tag == Tag::Environment)
            && all(&index.taint, &|tag| {
                matches!(tag, Tag::File(path) if {
                    let name = path.rsplit('/').next().unwrap_or_default();
                    !name.is_empty()
                        && !self.data.keys().any(|own| own.rsplit('/').next() == Some(name))
                })
            })
    }

    pub(crate) fn slice(
        &mut self,
        of: &Value,
        from: Option<i64>,
        to: Option<i64>,
        step: Option<i64>,
    ) -> Value {
        let cut = |length: usize| -> (usize, usize) {
            let resolve = |end: i64| match end {
                end if end < 0 => length.saturating_sub(usize::try_from(-end).unwrap_or(length)),
                end => usize::try_from(end).unwrap_or(length).min(length),
            };
            let start = from.map_or(0, resolve);
            let end = to.map_or(length, resolve).max(start);
            (start, end)
        };
        let step = step.unwrap_or(1);
        let jump = usize::try_from(step.unsigned_abs()).unwrap_or(1).max(1);
        match &of.known {
            Known::Text(_) => {
                let Some(text) = of.known_text() else { return of.clone() };
                if !self.pay(text.len()) {
                    return Value::tainted(of.taint.clone());
                }
                let chars: Vec<char> = text.chars().collect();
                let (start, end) = cut(chars.len());
                let mut chars: Vec<char> = chars.get(start..end).unwrap_or_default().to_vec();
                if step < 0 {
                    chars.reverse();
                }
                let text: String = chars.into_iter().step_by(jump).collect();
                let taint = match step < 0 || jump > 1 {
                    true => self.origin(Tag::Decoded),
                    false => Taint::default(),
                };
                Value::text(text).with(&of.taint).with(&taint)
            }
            Known::List(values) => {
                let (start, end) = cut(values.len());
                let mut values: Vec<Value> = values.get(start..end).unwrap_or_default().to_vec();
                if step < 0 {
                    values.reverse();
                }
                Value::list(values.into_iter().step_by(jump).collect()).with(&of.taint)
            }
            _ => of.clone(),
        }
    }

    /// Takes bytes from what folding may make.
    pub(crate) fn pay(&mut self, bytes: usize) -> bool {
        let enough = self.fold_left > bytes && bytes <= fold::LARGEST;
        if enough {
            self.fold_left -= bytes;
        }
        enough
    }

    pub(crate) fn concat(&mut self, parts: &[Value]) -> Value {
        let size: usize = parts
            .iter()
            .flat_map(|part| match &part.known {
                Known::Text(pieces) => pieces.to_vec(),
                _ => Vec::new(),
            })
            .map(|piece| match piece {
                Piece::Text(text) => text.len(),
                Piece::Hole => 1,
            })
            .sum();
        match self.pay(size) {
            true => concat(parts),
            false => Value::tainted(Value::list(parts.to_vec()).taint),
        }
    }

    pub(crate) fn sum(&mut self, parts: Vec<Value>) -> Value {
        let numbers: Option<Vec<i64>> = parts
            .iter()
            .map(|part| match part.known {
                Known::Number(number) => Some(number),
                _ => None,
            })
            .collect();
        let taint = Value::list(parts.clone()).taint;
        if let Some(numbers) = numbers {
            let sum = numbers.iter().fold(0i64, |sum, number| sum.wrapping_add(*number));
            return Value::number(sum).with(&taint);
        }
        if parts.iter().any(|part| matches!(part.known, Known::List(_))) {
            let all: Vec<Value> = parts
                .iter()
                .flat_map(|part| match &part.known {
                    Known::List(values) => values.to_vec(),
                    _ => vec![part.clone()],
                })
                .collect();
            return match self.pay(all.len()) {
                true => Value::list(all),
                false => Value::tainted(taint),
            };
        }
        match parts.iter().any(|part| matches!(part.known, Known::Text(_))) {
            true => self.concat(&parts),
            false => Value::tainted(taint),
        }
    }

    pub(super) fn binary(&mut self, op: Op, left: &Value, right: &Value) -> Value {
        let taint = left.clone().with(&right.taint).taint;
        match (op, &left.known, &right.known) {
            (Op::Compare, ..) => Value::tainted(taint),
            (Op::Remainder | Op::Format, Known::Text(_), _) => self.format(left, right),
            (Op::Divide, Known::Text(_), _) | (Op::Divide, _, Known::Text(_)) => {
                // A path, in Python.
                let separator = Value::text("/");
                self.concat(&[left.clone(), separator, right.clone()])
            }
            (Op::Multiply, Known::Text(_), Known::Number(times)) => {
                let text = left.known_text().unwrap_or_default();
                let times = usize::try_from(*times).unwrap_or(0);
                match text.len().checked_mul(times).is_some_and(|size| self.pay(size)) {
                    true => Value::text(text.repeat(times)).with(&taint),
                    false => Value::tainted(taint),
                }
            }
            (_, Known::Number(left), Known::Number(right)) => {
                let (left, right) = (*left, *right);
                let shift = u32::try_from(right).unwrap_or(64);
                let number = match op {
                    Op::Subtract => left.checked_sub(right),
                    Op::Multiply => left.checked_mul(right),
                    Op::Divide => left.checked_div(right),
                    Op::Remainder => left.checked_rem(right),
                    Op::Xor => Some(left ^ right),
                    Op::And => Some(left & right),
                    Op::Or => Some(left | right),
                    Op::ShiftLeft => left.checked_shl(shift),
                    Op::ShiftRight => left.checked_shr(shift),
                    Op::Format | Op::Compare => None,
                };
                let mut value = number.map_or_else(Value::default, Value::number).with(&taint);
                if op == Op::Xor {
                    let decoded = self.origin(Tag::Decoded);
                    value.taint.join(&decoded);
                }
                value
            }
            _ => Value::tainted(taint),
        }
    }

    /// `"%s…" % values` and its like.
    pub(crate) fn format(&mut self, format: &Value, values: &Value) -> Value {
        let Some(text) = format.known_text() else {
            return Value::tainted(format.clone().with(&values.taint).taint);
        };
        let mut given = match &values.known {
            Known::List(list) => list.to_vec(),
            _ => vec![values.clone()],
        }
        .into_iter();
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('%') {
            let (before, after) = rest.split_at(at);
            parts.push(Value::text(before));
            let end = after
                .char_indices()
                .skip(1)
                .find(|(_, c)| c.is_ascii_alphabetic() || *c == '%')
                .map_or(after.len(), |(at, c)| at + c.len_utf8());
            let spec = after.get(..end).unwrap_or_default();
            match spec.ends_with('%') {
                true => parts.push(Value::text("%")),
                false => {
                    let value = given.next().unwrap_or_default();
                    parts.push(match (spec.ends_with('c'), &value.known) {
                        (true, Known::Number(code)) => {
                            let decoded = self.origin(Tag::Decoded);
                            let c = u32::try_from(*code).ok().and_then(char::from_u32);
                            Value::text(c.map(String::from).unwrap_or_default()).with(&decoded)
                        }
                        _ => value,
                    });
                }
            }
            rest = after.get(end..).unwrap_or_default();
        }
        parts.push(Value::text(rest));
        let value = self.concat(&parts);
        value.with(&values.taint)
    }

    /// `"{0}{1}".format(a, b)`.
    pub(crate) fn format_braces(
        &mut self,
        format: &Value,
        args: &[(Option<String>, Value)],
    ) -> Value {
        let mut taint = format.taint.clone();
        for (_, value) in args {
            taint.join(&value.taint);
        }
        let Some(text) = format.known_text() else { return Value::tainted(taint) };
        let positional: Vec<&Value> =
            args.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value).collect();
        let mut next = 0;
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            parts.push(Value::text(before));
            if let Some(after) = after.strip_prefix('{') {
                parts.push(Value::text("{"));
                rest = after;
                continue;
            }
            let (inside, tail) = after.split_once('}').unwrap_or((after, ""));
            let key = inside.split([':', '!', '.', '[']).next().unwrap_or_default();
            let value = match key.parse::<usize>() {
                Ok(at) => positional.get(at).map(|value| (*value).clone()),
                Err(_) if key.is_empty() => {
                    next += 1;
                    positional.get(next - 1).map(|value| (*value).clone())
                }
                Err(_) => args
                    .iter()
                    .find(|(name, _)| name.as_deref() == Some(key))
                    .map(|(_, value)| value.clone()),
            };
            parts.push(value.unwrap_or_default());
            rest = tail;
        }
        parts.push(Value::text(rest.replace("}}", "}")));
        let value = self.concat(&parts);
        value.with(&taint)
    }
}
