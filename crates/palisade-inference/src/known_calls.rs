use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

/// How many calls are remembered.
const MOST: usize = 1 << 16;

/// The tool calls that were decided, by their ids, so that a result can be tied to its call. The
/// oldest are forgotten first.
#[derive(Debug, Default)]
pub(crate) struct KnownCalls {
    hasher: RandomState,
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    /// And whether it was told that there is a result.
    fates: HashMap<u64, (Fate, bool)>,
    order: VecDeque<u64>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Allowed,
    Denied,
    /// No answer held it, as far as is remembered.
    Unknown,
}

impl KnownCalls {
    pub(crate) fn decided(&self, id: &str, allowed: bool) {
        self.put(id, if allowed { Fate::Allowed } else { Fate::Denied });
    }

    /// What became of the call with this id, and whether this is the first time that it is asked for.
    pub(crate) fn of(&self, id: &str) -> (Fate, bool) {
        let key = self.hasher.hash_one(id);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((fate, told)) = calls.fates.get_mut(&key) {
            return (*fate, !std::mem::replace(told, true));
        }
        calls.put(key, (Fate::Unknown, true));
        (Fate::Unknown, true)
    }

    fn put(&self, id: &str, fate: Fate) {
        let key = self.hasher.hash_one(id);
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).put(key, (fate, false));
    }
}

impl Calls {
    fn put(&mut self, key: u64, fate: (Fate, bool)) {
        if self.fates.insert(key, fate).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.fates.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_what_was_decided_and_forgets_the_oldest() {
        let calls = KnownCalls::default();
        calls.decided("a", true);
        calls.decided("b", false);
        assert_eq!(calls.of("a"), (Fate::Allowed, true));
        assert_eq!((calls.of("b"), calls.of("b")), ((Fate::Denied, true), (Fate::Denied, false)));
        assert_eq!((calls.of("c"), calls.of("c")), ((Fate::Unknown, true), (Fate::Unknown, false)));
        for number in 0..MOST {
            calls.decided(&number.to_string(), true);
        }
        assert_eq!((calls.of("0").0, calls.of("a").0), (Fate::Allowed, Fate::Unknown));
    }
}
