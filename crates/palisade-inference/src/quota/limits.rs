use palisade_core::TextPattern;

use crate::quota::{PriceFor, Usd};

/// The most that models may be used, as one document of the policy says. What is `None` has no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quota {
    /// Whose counts these are. All sandboxes that have a limit of this name count together.
    pub scope: String,
    /// Calls in any minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens in any minute, both ways, what was cached included.
    pub tokens_per_minute: Option<u64>,
    /// Tokens in a day of UTC, likewise.
    pub tokens_per_day: Option<u64>,
    /// Tokens in one session, likewise.
    pub tokens_per_session: Option<u64>,
    /// Money in a day of UTC.
    pub usd_per_day: Option<Usd>,
    /// Money in one session.
    pub usd_per_session: Option<Usd>,
    /// Calls of one sandbox at one time.
    pub concurrent: Option<u64>,
    /// Tokens that one answer may have. A call that asks for more gets this.
    pub max_tokens: Option<u64>,
    /// Names of tools that a call may offer a model. `None`: any.
    pub tools: Option<Vec<TextPattern>>,
    /// Names of betas that a call may switch on. `None`: any.
    pub betas: Option<Vec<TextPattern>>,
    /// Prices that count before the built-in ones. The first that fits decides.
    pub prices: Vec<PriceFor>,
}

impl Quota {
    /// Whether it counts money.
    pub(crate) fn counts_money(&self) -> bool {
        self.usd_per_day.is_some() || self.usd_per_session.is_some()
    }

    /// Whether anything of it outlasts a session.
    pub(crate) fn is_kept(&self) -> bool {
        self.requests_per_minute.is_some()
            || self.tokens_per_minute.is_some()
            || self.tokens_per_day.is_some()
            || self.usd_per_day.is_some()
    }
}
