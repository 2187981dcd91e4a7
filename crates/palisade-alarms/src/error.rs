use thiserror::Error;

/// Why a file of rules is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AlarmError {
    /// It is no YAML of this form.
    #[error("{0}")]
    Form(String),
    /// It is for another version.
    #[error("begin with `palisade-alarms: 1`; this is version {0}")]
    Version(u64),
    /// A rule cannot be used.
    #[error("the rule `{rule}`: {why}")]
    Rule {
        /// Its id, or its number.
        rule: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// There are too many rules.
    #[error("there are {0} rules, and {most} are the most", most = crate::MOST_RULES)]
    TooMany(usize),
}
