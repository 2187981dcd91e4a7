use std::{
    collections::{HashMap, VecDeque, hash_map::RandomState},
    hash::BuildHasher,
    time::Duration,
};

/// Values that are counted for themselves. Further ones are counted together.
const MOST_KEYS: usize = 256;

/// The times of the newest events, as many as are needed.
#[derive(Debug)]
pub(crate) struct Threshold {
    count: usize,
    within: Duration,
    hasher: RandomState,
    keys: HashMap<u64, VecDeque<Duration>>,
    /// Of all values beyond the most: an agent that makes up values does not get round its rule.
    others: VecDeque<Duration>,
}

impl Threshold {
    pub(crate) fn new(count: usize, within: Duration) -> Self {
        Self {
            count,
            within,
            hasher: RandomState::new(),
            keys: HashMap::new(),
            others: VecDeque::new(),
        }
    }

    /// Count; true when there are as many in the window.
    pub(crate) fn count(&mut self, value: &str, at: Duration, acts: u64) -> bool {
        let key = self.hasher.hash_one(value);
        if !self.keys.contains_key(&key) && self.keys.len() >= MOST_KEYS {
            let within = self.within;
            self.keys.retain(|_, times| {
                times.back().is_some_and(|last| at.saturating_sub(*last) <= within)
            });
        }
        let times = if self.keys.len() < MOST_KEYS || self.keys.contains_key(&key) {
            self.keys.entry(key).or_default()
        } else {
            &mut self.others
        };
        let acts = usize::try_from(acts).unwrap_or(usize::MAX).min(self.count);
        for _ in 0..acts {
            if times.len() >= self.count {
                times.pop_front();
            }
            times.push_back(at);
        }
        let full = times.len() >= self.count;
        let fires =
            full && times.front().is_some_and(|first| at.saturating_sub(*first) <= self.within);
        if fires {
            times.clear();
        }
        fires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn as_many_in_the_window_and_not_one_less_or_later() {
        let mut state = Threshold::new(3, 10 * SECOND);
        assert!(![0, 5].into_iter().any(|at| state.count("", at * SECOND, 1)));
        assert!(!state.count("", 11 * SECOND, 1), "the first is out of the window");
        assert!(state.count("", 12 * SECOND, 1), "5, 11 and 12");
        assert!(!state.count("", 13 * SECOND, 1), "it begins anew");
        assert!(
            Threshold::new(1000, SECOND).count("", SECOND, u64::MAX),
            "what was counted counts"
        );
    }

    #[test]
    fn made_up_values_take_bounded_memory_and_do_not_get_round() {
        let mut state = Threshold::new(3, 10 * SECOND);
        let values: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
        let fired = values.iter().filter(|value| state.count(value, SECOND, 1)).count();
        assert!(state.keys.len() <= MOST_KEYS && state.others.len() <= 3);
        assert!(fired > 1000, "{fired}");
    }
}
