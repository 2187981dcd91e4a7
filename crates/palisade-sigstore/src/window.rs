use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// When a key or an authority is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    start: i64,
    end: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValidFor {
    start: Option<String>,
    end: Option<String>,
}

impl Window {
    /// Out of a trusted root. One without a start is in use at no time.
    pub(crate) fn of(valid: Option<ValidFor>) -> Option<Self> {
        let moment = |text: &str| {
            OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
        };
        let ValidFor { start, end } = valid?;
        let end = match end {
            Some(end) => Some(moment(&end)?),
            None => None,
        };
        Some(Self { start: moment(&start?)?, end })
    }

    /// Whether this moment, in seconds since 1970, is in it.
    pub(crate) fn has(&self, at: i64) -> bool {
        at >= self.start && self.end.is_none_or(|end| at <= end)
    }
}
