use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    time::Duration,
};

/// Different values, by their hashes, with when each was seen last.
#[derive(Debug)]
pub(crate) struct Distinct {
    count: usize,
    within: Duration,
    hasher: RandomState,
    seen: HashMap<u64, Duration>,
}

impl Distinct {
    pub(crate) fn new(count: usize, within: Duration) -> Self {
        Self { count, within, hasher: RandomState::new(), seen: HashMap::new() }
    }

    /// True when there are as many different ones in the window.
    pub(crate) fn take(&mut self, value: &str, at: Duration) -> bool {
        self.seen.insert(self.hasher.hash_one(value), at);
        if self.seen.len() < self.count {
            return false;
        }
        let within = self.within;
        self.seen.retain(|_, last| at.saturating_sub(*last) <= within);
        let fires = self.seen.len() >= self.count;
        if fires {
            self.seen.clear();
        }
        fires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_ones_in_the_window_count_and_the_same_does_not() {
        let mut state = Distinct::new(3, Duration::from_secs(10));
        let at = Duration::from_secs;
        assert!(!state.take("a", at(0)) && !state.take("a", at(1)) && !state.take("b", at(2)));
        assert!(!state.take("c", at(12)), "a is out of the window");
        assert!(state.take("d", at(12)));
        assert!(!state.take("e", at(12)), "it begins anew");
        for n in 0..100_000 {
            state.take(&n.to_string(), at(13));
            assert!(state.seen.len() <= 3);
        }
    }
}
