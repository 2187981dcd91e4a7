use std::time::Duration;

use serde_json::{Value, json};

/// Times of the same thing, in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// The time that `part` of all (0 to 1) do not exceed, in milliseconds.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        quantile(self.milliseconds(), part)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The median of the ratios of what was measured one after the other: what slows down the
    /// machine for a while slows down both.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        quantile(pairs.map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect(), 0.5)
    }

    pub(crate) fn kept(&self) -> Value {
        let each: Vec<f64> =
            self.milliseconds().iter().map(|ms| (ms * 1e3).round() / 1e3).collect();
        json!({ "p50_ms": self.median(), "p99_ms": self.quantile(0.99), "each_ms": each })
    }

    fn milliseconds(&self) -> Vec<f64> {
        self.0.iter().map(|took| took.as_secs_f64() * 1e3).collect()
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a few thousand numbers"
)]
fn quantile(mut all: Vec<f64>, part: f64) -> f64 {
    all.sort_by(f64::total_cmp);
    let last = all.len().saturating_sub(1);
    all.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}
