use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, LazyLock},
    thread,
};

use cel::{Context, Env, IdedExpr, Value, parser::Parser};
use palisade_core::Action;
use thiserror::Error;

use crate::{
    History, Moment, Stage,
    check::{Checked, check},
    equal, facts,
};

/// Characters of a condition.
const LONGEST: usize = 1000;
/// Brackets in brackets, before anything is parsed: the parser goes down with them.
const DEEPEST: usize = 16;
/// Signs in a row, for the same reason.
const MOST_SIGNS: usize = 8;
/// For the parser, which goes deep where a text does.
const STACK: usize = 64 << 20;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// An expression that says whether a rule counts for an act.
#[derive(Clone)]
pub struct Condition {
    text: Arc<str>,
    expression: Arc<IdedExpr>,
    variables: Arc<BTreeSet<String>>,
    counts: bool,
    /// Whether it is about values whose kind is the agent's choice.
    strict: bool,
}

/// What a condition says of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The rule counts.
    Yes,
    /// It does not.
    No,
    /// This act has not what is asked for: a later one of the same connection may.
    Later,
    /// It cannot be told, and why.
    Failed(String),
}

/// A text that is no condition, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ConditionError(String);

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// It is too long or too deep, it is no CEL, or it names or compares what there is not.
    pub fn new(text: &str, stage: Stage) -> Result<Self, ConditionError> {
        bounded(text).map_err(|why| ConditionError(why.into()))?;
        let owned = text.to_owned();
        // The parser takes stack by the depth of the text, and an overflow would end the process.
        let parsed = thread::Builder::new()
            .stack_size(STACK)
            .spawn(move || parsed(&owned, stage))
            .map_err(|error| ConditionError(format!("it could not be read: {error}")))?
            .join()
            .map_err(|_| ConditionError("it could not be read".into()))?;
        let (mut expression, Checked { variables, counts }) = parsed.map_err(ConditionError)?;
        let strict = variables.contains("input");
        if strict {
            equal::strict(&mut expression);
        }
        Ok(Self {
            text: text.into(),
            expression: Arc::new(expression),
            variables: Arc::new(variables),
            counts,
            strict,
        })
    }

    /// Whether it asks for this variable.
    pub fn names(&self, variable: &str) -> bool {
        self.variables.contains(variable)
    }

    /// The text that it was made of.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it says of this act, now.
    pub fn holds(&self, action: &Action, moment: &Moment<'_>) -> Answer {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for name in self.variables.iter() {
            match facts::value(name, action, moment) {
                Ok(Some(value)) => context.add_variable_from_value(name.as_str(), value),
                Ok(None) => return Answer::Later,
                Err(why) => return Answer::Failed(why.into()),
            }
        }
        if self.counts {
            let counts = Counts::of(moment.history);
            let count = move |kind: Arc<String>, minutes: i64| counts.count(&kind, minutes);
            if context.add_function("count", count).is_err() {
                return Answer::Failed("`count` cannot be asked".into());
            }
        }
        if self.strict && equal::add_to(&mut context).is_err() {
            return Answer::Failed("values cannot be compared".into());
        }
        match Value::resolve(&self.expression, &context) {
            Ok(Value::Bool(true)) => Answer::Yes,
            Ok(Value::Bool(false)) => Answer::No,
            Ok(_) => Answer::Failed("it is neither true nor false".into()),
            Err(error) => Answer::Failed(palisade_core::shown(&error.to_string(), 200)),
        }
    }
}

/// What was permitted before, in a form that a function may keep.
#[derive(Clone)]
struct Counts(Arc<History>);

impl Counts {
    fn of(history: &Arc<History>) -> Self {
        Self(Arc::clone(history))
    }

    fn count(&self, kind: &str, minutes: i64) -> i64 {
        let minutes = u64::try_from(minutes).unwrap_or_default();
        i64::try_from(self.0.count(kind, minutes)).unwrap_or(i64::MAX)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.text).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

fn bounded(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        return Err("it is empty");
    }
    if text.chars().count() > LONGEST {
        return Err("it is longer than 1000 characters");
    }
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t')) {
        return Err("it has a control character");
    }
    let (mut depth, mut signs) = (0_usize, 0_usize);
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match letter {
            '!' | '-' => signs += 1,
            letter if letter.is_whitespace() => {}
            _ => signs = 0,
        }
        if depth > DEEPEST || signs > MOST_SIGNS {
            return Err("it is nested too deep");
        }
    }
    Ok(())
}

fn parsed(text: &str, stage: Stage) -> Result<(IdedExpr, Checked), String> {
    let expression = Parser::new().max_recursion_depth(64).parse(text).map_err(|errors| {
        let first = errors.errors.first();
        let why = first.map_or_else(String::new, |error| {
            format!("{} (line {}, column {})", error.msg, error.pos.0, error.pos.1)
        });
        format!("it is no CEL: {}", palisade_core::shown(&why, 300))
    })?;
    let checked = check(&expression, stage)?;
    Ok((expression, checked))
}

#[cfg(test)]
mod tests;
