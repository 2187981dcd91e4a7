use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
    time::Duration,
};

/// Values that are remembered.
const MOST: usize = 4096;

/// Values that were seen, by their hashes.
#[derive(Debug)]
pub(crate) struct FirstSeen {
    settle: Duration,
    hasher: RandomState,
    seen: HashSet<u64>,
    full: bool,
}

impl FirstSeen {
    pub(crate) fn new(settle: Duration) -> Self {
        Self { settle, hasher: RandomState::new(), seen: HashSet::new(), full: false }
    }

    /// True for a value that is new. When there are too many to remember, once more: from then on
    /// nobody can tell.
    pub(crate) fn is_new(&mut self, value: &str, at: Duration) -> bool {
        let key = self.hasher.hash_one(value);
        if self.seen.contains(&key) {
            return false;
        }
        if self.seen.len() >= MOST {
            return !std::mem::replace(&mut self.full, true);
        }
        self.seen.insert(key);
        at >= self.settle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_new_once_and_memory_is_bounded() {
        let mut state = FirstSeen::new(Duration::from_secs(10));
        assert!(!state.is_new("early", Duration::ZERO));
        let later = Duration::from_secs(10);
        assert!(!state.is_new("early", later));
        assert!(state.is_new("late", later) && !state.is_new("late", later));
        let all = (0..100_000).filter(|n| state.is_new(&n.to_string(), later)).count();
        assert_eq!(all, MOST - 2 + 1);
        assert_eq!(state.seen.len(), MOST);
    }
}
