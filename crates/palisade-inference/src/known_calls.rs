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
    fates: HashMap<u64, Fate>,
    order: VecDeque<u64>,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Allowed,
    Denied,
    /// No answer held it, as far as is remembered.
    Unknown,
    /// The same, and it was told of before.
    Told,
}

impl KnownCalls {
    pub(crate) fn decided(&self, id: &str, allowed: bool) {
        self.put(id, if allowed { Fate::Allowed } else { Fate::Denied });
    }

    /// What became of the call with this id. That it is unknown is told once.
    pub(crate) fn of(&self, id: &str) -> Fate {
        let key = self.hasher.hash_one(id);
        let known =
            self.calls.lock().unwrap_or_else(PoisonError::into_inner).fates.get(&key).copied();
        if known.is_none() {
            self.put(id, Fate::Told);
        }
        known.unwrap_or(Fate::Unknown)
    }

    fn put(&self, id: &str, fate: Fate) {
        let key = self.hasher.hash_one(id);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.fates.insert(key, fate).is_none() {
            calls.order.push_back(key);
        }
        if calls.order.len() > MOST
            && let Some(oldest) = calls.order.pop_front()
        {
            calls.fates.remove(&oldest);
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
        assert_eq!((calls.of("a"), calls.of("b")), (Fate::Allowed, Fate::Denied));
        assert_eq!((calls.of("c"), calls.of("c")), (Fate::Unknown, Fate::Told));
        for number in 0..MOST {
            calls.decided(&number.to_string(), true);
        }
        assert_eq!((calls.of("0"), calls.of("a")), (Fate::Allowed, Fate::Unknown));
    }
}
