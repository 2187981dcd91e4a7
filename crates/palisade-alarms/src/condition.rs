//! Conditions on fields, ready to be asked.

use std::collections::BTreeMap;

use palisade_core::TextPattern;
use regex_automata::{
    meta::{Config, Regex},
    util::syntax,
};
use serde_json::Value;

use crate::{
    document::{Condition, Matches, Scalar, Test},
    seen::{Field, Held, Seen},
};

/// Tables of a match, and conditions of a table.
const MOST: usize = 32;
/// Values of one condition.
const MOST_VALUES: usize = 200;
/// Bytes that a compiled pattern takes.
const MOST_OF_PATTERN: usize = 256 * 1024;

/// Any of these, each with all of its conditions.
#[derive(Debug)]
pub(crate) struct Matcher(Vec<Vec<(Field, Ready)>>);

#[derive(Debug)]
enum Ready {
    AnyOf(Vec<One>),
    Test { regex: Option<Regex>, over: Option<i64>, under: Option<i64>, present: Option<bool> },
}

#[derive(Debug)]
enum One {
    Exact(String),
    Like(TextPattern),
    Number(i64),
    Bool(bool),
}

impl Matcher {
    pub(crate) fn new(matches: &Matches) -> Result<Self, String> {
        let tables = match matches {
            Matches::One(table) => std::slice::from_ref(table),
            Matches::Any(tables) => tables.as_slice(),
        };
        if tables.is_empty() || tables.len() > MOST || tables.iter().any(BTreeMap::is_empty) {
            return Err(format!(
                "a match is a table of fields, or a list of 1 to {MOST} such tables; an empty one would match everything"
            ));
        }
        let table = |table: &BTreeMap<String, Condition>| {
            if table.len() > MOST {
                return Err(format!("a match has at most {MOST} fields"));
            }
            let entries = table.iter().map(|(name, condition)| {
                let field = Field::named(name)?;
                let ready = Ready::new(condition).map_err(|why| format!("`{name}`: {why}"))?;
                checked(&field, &ready)?;
                Ok((field, ready))
            });
            entries.collect::<Result<Vec<_>, String>>()
        };
        tables.iter().map(table).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn takes(&self, seen: &Seen<'_>) -> bool {
        self.0.iter().any(|all| all.iter().all(|(field, ready)| ready.holds(&seen.held(field))))
    }
}

/// Words that a field can have, where they are known: one that it never has is a slip of the pen.
fn checked(field: &Field, ready: &Ready) -> Result<(), String> {
    let Ready::AnyOf(all) = ready else { return Ok(()) };
    let known: &[&str] = match field {
        Field::Decision => &["allow", "deny", "ask", "observe"],
        _ => return Ok(()),
    };
    for one in all {
        match one {
            One::Exact(word) if known.contains(&word.as_str()) => {}
            _ => return Err("a decision is allow, deny, ask or observe".to_owned()),
        }
    }
    Ok(())
}

impl Ready {
    fn new(condition: &Condition) -> Result<Self, String> {
        Ok(match condition {
            Condition::Is(one) => Ready::AnyOf(vec![One::new(one)?]),
            Condition::AnyOf(all) if all.is_empty() || all.len() > MOST_VALUES => {
                return Err(format!("a list has 1 to {MOST_VALUES} values"));
            }
            Condition::AnyOf(all) => {
                Ready::AnyOf(all.iter().map(One::new).collect::<Result<_, _>>()?)
            }
            Condition::Test(Test { regex: None, over: None, under: None, present: None }) => {
                return Err("a test has `regex`, `over`, `under` or `present`".to_owned());
            }
            Condition::Test(test) => Ready::Test {
                regex: test.regex.as_deref().map(pattern).transpose()?,
                over: test.over,
                under: test.under,
                present: test.present,
            },
        })
    }

    fn holds(&self, held: &Held<'_>) -> bool {
        match self {
            Ready::AnyOf(all) => match held {
                Held::Nothing => false,
                Held::Text(text) => all.iter().any(|one| one.is_text(text)),
                Held::Value(Value::Array(items)) => {
                    items.iter().any(|item| all.iter().any(|one| one.is_value(item)))
                }
                Held::Value(value) => all.iter().any(|one| one.is_value(value)),
            },
            Ready::Test { regex, over, under, present } => {
                let there = *held != Held::Nothing;
                let number = match held {
                    Held::Value(Value::Number(number)) => number.as_f64(),
                    _ => None,
                };
                // Numbers of events are far from where this loses digits.
                #[expect(clippy::cast_precision_loss, reason = "compared, not kept")]
                let than = |bound: i64| number.map(|number| (number, bound as f64));
                present.is_none_or(|wanted| wanted == there)
                    && over.is_none_or(|bound| than(bound).is_some_and(|(is, than)| is > than))
                    && under.is_none_or(|bound| than(bound).is_some_and(|(is, than)| is < than))
                    && regex.as_ref().is_none_or(|regex| found(regex, held))
            }
        }
    }
}

fn found(regex: &Regex, held: &Held<'_>) -> bool {
    match held {
        Held::Nothing => false,
        Held::Text(text) => regex.is_match(text.as_bytes()),
        Held::Value(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).any(|item| regex.is_match(item))
        }
        Held::Value(_) => false,
    }
}

fn pattern(text: &str) -> Result<Regex, String> {
    Regex::builder()
        .configure(Config::new().nfa_size_limit(Some(MOST_OF_PATTERN)))
        .syntax(syntax::Config::new().nest_limit(50))
        .build(text)
        .map_err(|error| format!("the regular expression is not taken: {error}"))
}

impl One {
    fn new(scalar: &Scalar) -> Result<Self, String> {
        Ok(match scalar {
            Scalar::Bool(value) => One::Bool(*value),
            Scalar::Number(value) => One::Number(*value),
            Scalar::Text(text) if text.contains('*') => {
                One::Like(text.parse().map_err(|error| format!("a pattern is not taken: {error}"))?)
            }
            Scalar::Text(text) => One::Exact(text.clone()),
        })
    }

    fn is_text(&self, text: &str) -> bool {
        match self {
            One::Exact(wanted) => wanted == text,
            One::Like(pattern) => pattern.allows(text),
            One::Number(_) | One::Bool(_) => false,
        }
    }

    fn is_value(&self, value: &Value) -> bool {
        match (self, value) {
            (one, Value::String(text)) => one.is_text(text),
            (One::Number(wanted), Value::Number(number)) => number.as_i64() == Some(*wanted),
            (One::Bool(wanted), Value::Bool(value)) => wanted == value,
            _ => false,
        }
    }
}
