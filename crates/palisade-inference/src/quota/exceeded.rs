use crate::quota::QuotaError;

/// Why a call may not be made now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exceeded {
    /// A limit has no room for it at this time.
    #[error("{what}; `{rule}` of the policy ({scope})")]
    Spent {
        /// Such as `inference.limits.usd_per_day`.
        rule: &'static str,
        scope: String,
        what: String,
        /// Seconds after which there is room, if time makes any.
        retry: Option<u64>,
        /// Whether it is about how fast calls come, and not about how much in all.
        rate: bool,
    },
    /// A limit never has room for it.
    #[error("{what}; `{rule}` of the policy ({scope})")]
    Never { rule: &'static str, scope: String, what: String },
    /// A call has something that it may not have.
    #[error("{what}; `{rule}` of the policy ({scope})")]
    NotNamed { rule: &'static str, scope: String, what: String },
    /// Money is counted, and nothing says what the model costs.
    #[error(
        "money is limited and no price is known for the model `{model}`: add it to `inference.limits.prices` of the policy ({scope})"
    )]
    NoPrice { model: String, scope: String },
    /// The counts cannot be kept, so nothing is permitted.
    #[error("{0}")]
    Store(#[from] QuotaError),
    /// Another process holds the counts for too long.
    #[error("the counts of model limits are locked by another process; try again")]
    Locked,
}

impl Exceeded {
    /// The rule that says so.
    pub(crate) fn rule(&self) -> &'static str {
        match self {
            Exceeded::Spent { rule, .. }
            | Exceeded::Never { rule, .. }
            | Exceeded::NotNamed { rule, .. } => rule,
            Exceeded::NoPrice { .. } => "inference.limits.prices",
            Exceeded::Store(_) | Exceeded::Locked => "inference.limits",
        }
    }
}
