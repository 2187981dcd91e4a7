use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

const FIRST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(60);

/// How long to wait before the next attempt: twice as long each time, up to a minute, and each time a
/// random part of that, so that many who wait for one server do not come back at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// After a failure. `wanted` is what the server asked for, which is heeded up to ten times the most.
    pub(crate) fn next(&mut self, wanted: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(7)).min(MOST);
        self.failures = self.failures.saturating_add(1);
        let half = doubled / 2;
        let wait = half.saturating_add(half.mul_f64(fraction()));
        wait.max(wanted.unwrap_or_default().min(MOST.saturating_mul(10)))
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// From 0 to 1.
fn fraction() -> f64 {
    let mut byte = [0; 1];
    // Without randomness all wait the longest.
    match SystemRandom::new().fill(&mut byte) {
        Ok(()) => f64::from(byte.iter().fold(0, |_, byte| *byte)) / 255.0,
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_a_minute_and_heeds_the_server() {
        let mut backoff = Backoff::default();
        let first = backoff.next(None);
        assert!((FIRST / 2..=FIRST).contains(&first), "{first:?}");
        let last = (0..20).map(|_| backoff.next(None)).last().unwrap();
        assert!((MOST / 2..=MOST).contains(&last), "{last:?}");
        assert_eq!(backoff.failures(), 21);
        assert_eq!(backoff.next(Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(backoff.next(Some(Duration::MAX)), MOST * 10);
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }
}
