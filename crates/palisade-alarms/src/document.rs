//! Rules as they are written. With `builtin`, the only module that reads YAML.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_saphyr::{Options, budget::Budget, options::MergeKeyPolicy};

use crate::{AlarmError, MOST_RULES, span::Span, watch};

/// The longest file, in bytes.
const MOST_BYTES: usize = 256 * 1024;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "palisade-alarms")]
    version: u64,
    rules: Vec<Rule>,
}

/// A rule: which events, when they are worth an alarm, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// Its name, for the journal: lowercase letters, digits and `-`.
    pub id: String,
    /// What it means when it fires, in a few words.
    pub title: String,
    /// Why that matters, and what to look at.
    #[serde(default)]
    pub why: String,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// The events that it is about. Not with `sequence`.
    #[serde(rename = "match")]
    pub matches: Option<Matches>,
    /// Of those, the ones that it is not about.
    pub unless: Option<Matches>,
    /// It fires from a number in a window on.
    pub threshold: Option<Threshold>,
    /// It fires for events in an order.
    pub sequence: Option<Sequence>,
    /// It fires for a value that was not seen before in the session.
    pub first_seen: Option<FirstSeen>,
    /// It fires for many different values in a window.
    pub distinct: Option<Distinct>,
    /// What it does. Default: notify.
    #[serde(default = "notify")]
    pub actions: Vec<Action>,
    /// How long it is quiet after it fired. Default: a minute.
    #[serde(default = "minute")]
    pub again: Span,
}

fn notify() -> Vec<Action> {
    vec![Action::Notify]
}

fn minute() -> Span {
    Span::seconds(60)
}

/// How bad it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// To know.
    Low,
    /// To look at.
    #[default]
    Medium,
    /// To look at now.
    High,
    /// Somebody attacks.
    Critical,
}

impl Severity {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// What an alarm does. Each is recorded, whatever it does besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Action {
    /// The operator is told.
    Notify,
    /// All processes of the sandbox stop where they are. The act that raised it does not happen.
    Freeze,
    /// The sandbox ends at once. The act that raised it does not happen.
    End,
}

impl Action {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Notify => "notify",
            Action::Freeze => "freeze",
            Action::End => "end",
        }
    }
}

/// Fields that an event must have; of several such tables any one suffices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Matches {
    /// All of these.
    One(BTreeMap<String, Condition>),
    /// Any of these.
    Any(Vec<BTreeMap<String, Condition>>),
}

/// What a field must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Condition {
    /// Exactly this, or a text like it: `*` stands for any characters.
    Is(Scalar),
    /// Any of these.
    AnyOf(Vec<Scalar>),
    /// A test.
    Test(Test),
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

/// A test of a field. All that is written must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// A regular expression that is found in it.
    pub regex: Option<String>,
    /// A number that it is over.
    pub over: Option<i64>,
    /// A number that it is under.
    pub under: Option<i64>,
    /// Whether it is there.
    pub present: Option<bool>,
}

/// As many in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// How many, from 2 to 1000.
    pub count: u64,
    /// In which time.
    pub within: Span,
    /// A field: each of its values is counted for itself.
    pub by: Option<String>,
}

/// One after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// From 2 to 8 steps. Others may come between.
    pub steps: Vec<Matches>,
    /// From the first to the last. Default: the whole session.
    pub within: Option<Span>,
}

/// A value that is new in the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstSeen {
    /// The field.
    pub field: String,
    /// At the session's beginning everything is new: so long it is only learnt. Default: not at all.
    pub settle: Option<Span>,
}

/// Many different values in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distinct {
    /// The field.
    pub field: String,
    /// How many, from 2 to 1000.
    pub count: u64,
    /// In which time.
    pub within: Span,
}

/// Read a file of rules, and check each of them.
///
/// # Errors
/// What is wrong, and where.
pub fn parse(bytes: &[u8]) -> Result<Vec<Rule>, AlarmError> {
    if bytes.len() > MOST_BYTES {
        return Err(AlarmError::Form(format!("it is longer than {MOST_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| AlarmError::Form(format!("it is no UTF-8: {error}")))?;
    let file: File = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| AlarmError::Form(error.to_string()))?;
    if file.version != 1 {
        return Err(AlarmError::Version(file.version));
    }
    if file.rules.len() > MOST_RULES {
        return Err(AlarmError::TooMany(file.rules.len()));
    }
    watch::check(&file.rules)?;
    Ok(file.rules)
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_nodes = 20_000;
    budget.max_events = 60_000;
    budget.max_depth = 16;
    budget.max_aliases = 0;
    budget.max_anchors = 0;
    budget.max_merge_keys = 0;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.merge_keys = MergeKeyPolicy::Error;
    options.strict_booleans = true;
    options.reject_unsupported_tags = true;
    options.with_snippet = false;
    options
}
