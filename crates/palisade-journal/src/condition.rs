use std::{borrow::Cow, fmt, str::FromStr};

use serde_json::Value;

use crate::Record;

/// The fields of a record that conditions are about, `detail` aside.
const FIELDS: [&str; 10] =
    ["session", "seq", "kind", "layer", "decision", "rule", "subject", "reason", "policy", "hash"];

/// A condition on one field of a record: `kind=connect`, `detail.host~example`, `detail.status>=400`.
///
/// `detail.` goes into the record's further facts, a name for each step. A list counts as each of its
/// entries: one that fits is enough, and for `!=` and `!~` none may. A field that is not there equals
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    path: Vec<String>,
    operator: Operator,
    value: String,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Has,
    HasNot,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// The text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionError {
    /// There is no operator in it.
    #[error(
        "`{0}` is no condition: a field, one of = != ~ !~ < <= > >=, and a value, as in `detail.host=example.com`"
    )]
    Form(String),
    /// No record has such a field.
    #[error(
        "no event has a field `{0}`: there are session, seq, kind, layer, decision, rule, subject, reason, policy, hash and detail.NAME; for the time there are --since and --until"
    )]
    Field(String),
    /// The operator compares numbers, and the value is none.
    #[error("`{0}` is no number, and only numbers are more or less")]
    Number(String),
}

impl Condition {
    /// Whether a record fulfils it.
    pub fn takes(&self, record: &Record) -> bool {
        let any = |test: &dyn Fn(&str) -> bool| self.any(record, test);
        let value = self.value.as_str();
        match self.operator {
            Operator::Is => any(&|has| has == value),
            Operator::IsNot => !any(&|has| has == value),
            Operator::Has => any(&|has| has.contains(value)),
            Operator::HasNot => !any(&|has| has.contains(value)),
            Operator::Less => self.number(record, |has, than| has < than),
            Operator::AtMost => self.number(record, |has, than| has <= than),
            Operator::More => self.number(record, |has, than| has > than),
            Operator::AtLeast => self.number(record, |has, than| has >= than),
        }
    }

    /// The field and the value, if it is that they are equal.
    pub fn equals(&self) -> Option<(String, &str)> {
        (self.operator == Operator::Is).then(|| (self.path.join("."), self.value.as_str()))
    }

    fn number(&self, record: &Record, test: impl Fn(f64, f64) -> bool) -> bool {
        let Ok(than) = self.value.parse::<f64>() else { return false };
        self.any(record, &|has| has.parse::<f64>().is_ok_and(|has| test(has, than)))
    }

    fn any(&self, record: &Record, test: &dyn Fn(&str) -> bool) -> bool {
        match self.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["session"] => test(record.session.as_str()),
            ["seq"] => test(&record.seq.to_string()),
            ["kind"] => test(&record.kind),
            ["layer"] => test(&record.layer),
            ["decision"] => test(record.decision.as_str()),
            ["rule"] => record.rule.as_deref().is_some_and(test),
            ["subject"] => test(&record.subject),
            ["reason"] => test(&record.reason),
            ["policy"] => test(record.policy.as_str()),
            ["hash"] => test(&record.hash.to_string()),
            ["detail", first, rest @ ..] => {
                record.detail.get(*first).is_some_and(|value| within(value, rest, test))
            }
            _ => false,
        }
    }
}

/// Whether some value at the end of a path fits.
fn within(value: &Value, path: &[&str], test: &dyn Fn(&str) -> bool) -> bool {
    match (value, path) {
        (Value::Array(items), _) => items.iter().any(|item| within(item, path, test)),
        (Value::Object(members), [first, rest @ ..]) => {
            members.get(*first).is_some_and(|value| within(value, rest, test))
        }
        (_, [_, ..]) | (Value::Object(_), []) => false,
        (value, []) => scalar(value).is_some_and(|text| test(&text)),
    }
}

/// A value that is no list and no object, as a text.
pub(crate) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Null => Some(Cow::Borrowed("null")),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a text is in any text of a value, names aside.
pub(crate) fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(members) => members.values().any(|value| holds(value, text)),
        value => scalar(value).is_some_and(|has| has.contains(text)),
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(80).flat_map(char::escape_debug).collect::<String>();
        let form = || ConditionError::Form(shown());
        let at = text.find(['=', '!', '~', '<', '>']).ok_or_else(form)?;
        let (field, rest) = text.split_at_checked(at).ok_or_else(form)?;
        let operators = [
            ("!=", Operator::IsNot),
            ("!~", Operator::HasNot),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("=", Operator::Is),
            ("~", Operator::Has),
            ("<", Operator::Less),
            (">", Operator::More),
        ];
        let found = operators.iter().find_map(|(sign, operator)| {
            rest.strip_prefix(sign).map(|value| (*operator, value.to_owned()))
        });
        let (operator, value) = found.ok_or_else(form)?;
        let path: Vec<String> = field.trim().split('.').map(str::to_owned).collect();
        let known = match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["detail", rest @ ..] => !rest.is_empty() && rest.iter().all(|part| !part.is_empty()),
            [one] => FIELDS.contains(one),
            _ => false,
        };
        if !known {
            let field: String = field.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(ConditionError::Field(field));
        }
        let numbers = [Operator::Less, Operator::AtMost, Operator::More, Operator::AtLeast]
            .contains(&operator);
        if numbers && value.parse::<f64>().is_err() {
            let value: String = value.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(ConditionError::Number(value));
        }
        Ok(Self { path, operator, value })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.operator {
            Operator::Is => "=",
            Operator::IsNot => "!=",
            Operator::Has => "~",
            Operator::HasNot => "!~",
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::More => ">",
            Operator::AtLeast => ">=",
        };
        write!(f, "{}{sign}{}", self.path.join("."), self.value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record() -> Record {
        let zeros = "0".repeat(64);
        serde_json::from_value(json!({
            "v": 1, "time": "2026-08-01T12:00:00.000000Z", "mono_ns": 1, "session": "s-1", "seq": 7,
            "kind": "request", "layer": "egress", "decision": "allow", "rule": null,
            "subject": "GET https://example.com/a=b", "reason": "", "policy": format!("sha256:{zeros}"),
            "detail": {"host": "example.com", "status": 404, "list": ["a", "b"],
                       "deep": {"er": [{"x": true}]}},
            "prev": zeros, "hash": zeros,
        }))
        .unwrap()
    }

    #[test]
    fn every_field_can_be_asked_for() {
        let record = record();
        for (text, expected) in [
            ("kind=request", true),
            ("kind!=request", false),
            ("seq>=7", true),
            ("seq<7", false),
            ("rule=", false),
            ("rule!=x", true),
            ("subject~example.com/a=b", true),
            ("subject=GET https://example.com/a=b", true),
            ("detail.host=example.com", true),
            ("detail.host!~example", false),
            ("detail.status>=400", true),
            ("detail.status=404", true),
            ("detail.list=b", true),
            ("detail.list!=b", false),
            ("detail.list=c", false),
            ("detail.deep.er.x=true", true),
            ("detail.deep=x", false),
            ("detail.none=", false),
            ("detail.none!=x", true),
            ("detail.host>1", false),
        ] {
            assert_eq!(text.parse::<Condition>().unwrap().takes(&record), expected, "{text}");
        }
        for bad in ["", "kind", "=x", "time=1", "detail.=x", "detail=x", "kind!x", "a.b=c", "seq>x"]
        {
            assert!(bad.parse::<Condition>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_condition_that_says_the_same_again_or_none(text in ".{0,60}") {
            if let Ok(condition) = text.parse::<Condition>() {
                prop_assert_eq!(&condition.to_string().parse::<Condition>().unwrap(), &condition);
                condition.takes(&record());
            }
        }

        #[test]
        fn not_is_the_opposite(value in "[ -~]{0,12}", field in "kind|rule|subject|detail\\.(host|list|deep)") {
            for (one, other) in [("=", "!="), ("~", "!~")] {
                let yes: Condition = format!("{field}{one}{value}").parse().unwrap();
                let no: Condition = format!("{field}{other}{value}").parse().unwrap();
                prop_assert_ne!(yes.takes(&record()), no.takes(&record()));
            }
        }
    }
}
