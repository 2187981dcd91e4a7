//! Options of programs.

use super::super::hosts::HOLE_TEXT;
use super::super::value::Value;
use super::Run;

/// An argument, told apart.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// An option and its value, if it takes one.
    Option(String, Option<Value>),
    Operand(Value),
}

impl Run {
    /// Splits the arguments; `takes` says which options take a value.
    pub(super) fn parts(&self, takes: impl Fn(&str) -> bool) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut args = self.args.iter();
        let mut ended = false;
        while let Some(arg) = args.next() {
            let Some(text) = arg.pattern(HOLE_TEXT).filter(|_| !ended) else {
                parts.push(Part::Operand(arg.clone()));
                continue;
            };
            if text == "--" {
                ended = true;
            } else if let Some((name, value)) =
                text.split_once('=').filter(|_| text.starts_with("--"))
            {
                let value = Value { known: Value::text(value).known, taint: arg.taint.clone() };
                parts.push(Part::Option(name.to_owned(), Some(value)));
            } else if text.starts_with("--") || (text.starts_with('-') && takes(&text)) {
                let value = takes(&text).then(|| args.next().cloned()).flatten();
                parts.push(Part::Option(text, value));
            } else if text.len() > 1 && text.starts_with('-') {
                self.letters(&text, arg, &takes, &mut args, &mut parts);
            } else {
                parts.push(Part::Operand(arg.clone()));
            }
        }
        parts
    }

    /// `-fsSLo file`: several letters, of which the last may take a value.
    fn letters<'v>(
        &self,
        text: &str,
        arg: &Value,
        takes: &impl Fn(&str) -> bool,
        args: &mut impl Iterator<Item = &'v Value>,
        parts: &mut Vec<Part>,
    ) {
        let mut letters = text.chars().skip(1);
        while let Some(letter) = letters.next() {
            let option = format!("-{letter}");
            if !takes(&option) {
                parts.push(Part::Option(option, None));
                continue;
            }
            let rest: String = letters.by_ref().collect();
            let value = match rest.is_empty() {
                true => args.next().cloned(),
                false => {
                    let pieces: Vec<Value> = rest.split(HOLE_TEXT).map(Value::text).collect();
                    let known = match pieces.len() {
                        1 => Value::text(rest).known,
                        _ => join_holes(pieces).known,
                    };
                    Some(Value { known, taint: arg.taint.clone() })
                }
            };
            parts.push(Part::Option(option, value));
        }
    }

    /// The operands alone.
    pub(super) fn operands(&self, takes: impl Fn(&str) -> bool) -> Vec<Value> {
        self.parts(takes)
            .into_iter()
            .filter_map(|part| match part {
                Part::Operand(value) => Some(value),
                Part::Option(..) => None,
            })
            .collect()
    }
}

/// A text with its unknown parts between the known ones.
fn join_holes(pieces: Vec<Value>) -> Value {
    let mut all = Vec::new();
    for (at, piece) in pieces.into_iter().enumerate() {
        if at > 0 {
            all.push(Value::default());
        }
        all.push(piece);
    }
    super::super::value::concat(&all)
}
