use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use palisade_core::Untrusted;

/// Minutes that are remembered: a day.
pub(crate) const MOST_MINUTES: u64 = 24 * 60;

/// What a condition may ask about besides the action.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// When it is.
    pub now: SystemTime,
    /// The permission mode's word, such as `default`.
    pub mode: &'a str,
    /// What was permitted before.
    pub history: &'a Arc<History>,
    /// How untrusted content has come into the session, as the policy counts it.
    pub taint: &'a [Untrusted],
}

/// How many acts of each kind were permitted, by the minute, for a day.
#[derive(Debug)]
pub struct History {
    began: Instant,
    kinds: Mutex<HashMap<&'static str, VecDeque<(u64, u64)>>>,
}

impl Default for History {
    fn default() -> Self {
        Self { began: Instant::now(), kinds: Mutex::default() }
    }
}

impl History {
    /// Counts an act that was permitted.
    pub fn add(&self, kind: &'static str) {
        self.add_at(kind, self.began.elapsed());
    }

    /// How many acts of a kind were permitted in the last so many minutes, the current one included.
    pub fn count(&self, kind: &str, minutes: u64) -> u64 {
        self.count_at(kind, minutes, self.began.elapsed())
    }

    fn add_at(&self, kind: &'static str, at: Duration) {
        let minute = at.as_secs() / 60;
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = kinds.entry(kind).or_default();
        match counts.back_mut() {
            Some((last, count)) if *last >= minute => *count = count.saturating_add(1),
            _ => counts.push_back((minute, 1)),
        }
        while counts.front().is_some_and(|(first, _)| first + MOST_MINUTES < minute) {
            counts.pop_front();
        }
    }

    fn count_at(&self, kind: &str, minutes: u64, at: Duration) -> u64 {
        let minute = at.as_secs() / 60;
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = kinds.get(kind).into_iter().flatten();
        let recent = counts.filter(|(then, _)| then + minutes > minute);
        recent.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_last_minutes_and_forgets_after_a_day() {
        let history = History::default();
        let minute = |minutes: u64| Duration::from_secs(minutes * 60);
        for at in [0, 0, 1, 5] {
            history.add_at("request", minute(at));
        }
        for (minutes, expected) in [(0, 0), (1, 1), (4, 1), (5, 2), (6, 4), (60, 4)] {
            assert_eq!(history.count_at("request", minutes, minute(5)), expected, "{minutes}");
        }
        assert_eq!(history.count_at("exec", 60, minute(5)), 0);
        history.add_at("request", minute(5000));
        assert_eq!(history.kinds.lock().unwrap()["request"].len(), 1);
    }
}
