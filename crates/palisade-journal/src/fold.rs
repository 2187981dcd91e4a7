//! Floods of denials, folded: an agent in a loop can be refused a million times a second, and
//! a record of each would fill the disk and hide the rest.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use palisade_core::{Event, Layer, Verdict};

use crate::Timestamp;

/// Distinct (kind, layer, decision, rule, subject) that are told apart.
const KEYS: usize = 2048;
/// Distinct (kind, layer, decision) for all that found no room above.
const GROUPS: usize = 64;
const SUBJECT_MAX: usize = 1024;
/// Of one key: this many at once, then one for each refill.
const KEY_BURST: u32 = 5;
const KEY_REFILL: Duration = Duration::from_secs(1);
/// Of all that were not the first of their key.
const GLOBAL_BURST: u32 = 200;
const GLOBAL_REFILL: Duration = Duration::from_millis(100);
const FORGET: Duration = Duration::from_secs(600);
/// Counts written for single keys at a time; those of the others are added up.
const SINGLED_OUT: usize = 32;
/// How often counts are written.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admit {
    /// It gets a record of its own.
    Write,
    /// It was counted. True for the first since the counts were last written.
    Fold(bool),
}

/// Decides which events get a record and counts the others exactly.
///
/// The first of each key is written, as long as the table has room; everything else has to find
/// a token. Memory is bounded by the tables, whatever an agent invents.
#[derive(Debug)]
pub(crate) struct Fold {
    keys: HashMap<(u64, u64), Key>,
    groups: HashMap<(String, Layer, Verdict), Count>,
    global: Bucket,
    hashers: (RandomState, RandomState),
    pending: u64,
}

#[derive(Debug)]
struct Key {
    like: Event,
    bucket: Bucket,
    count: Count,
    seen: Instant,
}

#[derive(Debug, Default)]
struct Count {
    folded: u64,
    span: Option<(Timestamp, Timestamp)>,
}

#[derive(Debug)]
struct Bucket {
    tokens: u32,
    most: u32,
    every: Duration,
    filled: Instant,
}

impl Fold {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            keys: HashMap::new(),
            groups: HashMap::new(),
            global: Bucket::full(GLOBAL_BURST, GLOBAL_REFILL, now),
            hashers: (RandomState::new(), RandomState::new()),
            pending: 0,
        }
    }

    pub(crate) fn admit(&mut self, event: &Event, now: Instant) -> Admit {
        let what = (&event.kind, event.layer, event.decision, &event.rule, &event.subject);
        let id = (self.hashers.0.hash_one(what), self.hashers.1.hash_one(what));
        if let Some(key) = self.keys.get_mut(&id) {
            key.seen = now;
            if key.bucket.has(now) && self.global.has(now) {
                key.bucket.take();
                self.global.take();
                return Admit::Write;
            }
            key.count.add();
        } else if self.keys.len() < KEYS {
            let mut bucket = Bucket::full(KEY_BURST, KEY_REFILL, now);
            bucket.take();
            let like = Event {
                kind: event.kind.chars().take(64).collect(),
                layer: event.layer,
                decision: event.decision,
                rule: event.rule.as_ref().map(|r| r.chars().take(SUBJECT_MAX / 4).collect()),
                subject: shortened(&event.subject),
                reason: String::new(),
                detail: Default::default(),
            };
            let key = Key { like, bucket, count: Count::default(), seen: now };
            self.keys.insert(id, key);
            return Admit::Write;
        } else {
            if self.global.has(now) {
                self.global.take();
                return Admit::Write;
            }
            let kind: String = event.kind.chars().take(64).collect();
            let mut group = (kind, event.layer, event.decision);
            if self.groups.len() >= GROUPS && !self.groups.contains_key(&group) {
                group = ("other".into(), event.layer, event.decision);
            }
            self.groups.entry(group).or_default().add();
        }
        self.pending = self.pending.saturating_add(1);
        Admit::Fold(self.pending == 1)
    }

    /// Whether counts wait to be written.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending > 0
    }

    /// The counts as events, and forget what has been quiet for long.
    pub(crate) fn flush(&mut self, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        let mut counted: Vec<_> = self.keys.values_mut().filter(|k| k.count.folded > 0).collect();
        counted.sort_by_key(|key| std::cmp::Reverse(key.count.folded));
        for (at, key) in counted.into_iter().enumerate() {
            let (count, like) = (std::mem::take(&mut key.count), &key.like);
            if at < SINGLED_OUT {
                events.push(count.event(&like.kind, like.clone()));
            } else {
                let group = (like.kind.clone(), like.layer, like.decision);
                self.groups.entry(group).or_default().merge(&count);
            }
        }
        for ((kind, layer, decision), count) in self.groups.drain() {
            let like = Event {
                kind: String::new(),
                layer,
                decision,
                rule: None,
                subject: "(many subjects)".into(),
                reason: String::new(),
                detail: Default::default(),
            };
            events.push(count.event(&kind, like));
        }
        self.keys.retain(|_, key| now.saturating_duration_since(key.seen) < FORGET);
        self.pending = 0;
        events
    }
}

impl Count {
    fn add(&mut self) {
        let now = Timestamp::now();
        self.folded = self.folded.saturating_add(1);
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
    }

    fn merge(&mut self, other: &Count) {
        self.folded = self.folded.saturating_add(other.folded);
        self.span = match (self.span, other.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
    }

    fn event(self, kind: &str, mut like: Event) -> Event {
        like.kind = "folded".into();
        like.reason = format!("{} alike were counted and not written one by one", self.folded);
        like = like.with("kind", kind).with("count", self.folded);
        if let Some((first, last)) = self.span {
            like = like.with("first", first.to_string()).with("last", last.to_string());
        }
        like
    }
}

impl Bucket {
    fn full(most: u32, every: Duration, now: Instant) -> Self {
        Self { tokens: most, most, every, filled: now }
    }

    fn has(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_nanos();
        let new = u32::try_from(passed / self.every.as_nanos().max(1)).unwrap_or(u32::MAX);
        if new > 0 {
            self.tokens = self.tokens.saturating_add(new).min(self.most);
            self.filled = self.every.checked_mul(new).map_or(now, |t| self.filled + t).min(now);
        }
        self.tokens > 0
    }

    fn take(&mut self) {
        self.tokens = self.tokens.saturating_sub(1);
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= SUBJECT_MAX {
        return text.into();
    }
    let mut end = SUBJECT_MAX;
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let left = text.len().saturating_sub(end);
    format!("{} [cut {left} bytes]", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(subject: &str) -> Event {
        Event { decision: Verdict::Deny, ..Event::observed("connect", Layer::Egress, subject) }
    }

    fn counted(events: &[Event]) -> u64 {
        events.iter().map(|event| event.detail["count"].as_u64().unwrap()).sum()
    }

    #[test]
    fn one_subject_a_million_times_is_a_few_records_and_an_exact_count() {
        let now = Instant::now();
        let mut fold = Fold::new(now);
        let written =
            (0..1_000_000).filter(|_| fold.admit(&denial("evil:443"), now) == Admit::Write).count();
        assert_eq!(written, 5);
        let events = fold.flush(now);
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].subject.as_str(), events[0].kind.as_str()), ("evil:443", "folded"));
        assert_eq!(counted(&events), 1_000_000 - 5);
        assert!(fold.flush(now).is_empty());
    }

    #[test]
    fn a_million_subjects_take_bounded_memory_and_none_is_lost() {
        let start = Instant::now();
        let mut fold = Fold::new(start);
        let (mut written, mut folded) = (0, 0);
        for n in 0..300_000_u32 {
            let now = start + Duration::from_micros(u64::from(n));
            match fold.admit(&denial(&format!("{n}.evil:443")), now) {
                Admit::Write => written += 1,
                Admit::Fold(_) => folded += 1,
            }
            assert!(fold.keys.len() <= KEYS && fold.groups.len() <= GROUPS);
        }
        assert!(written < 2048 + 200 + 10, "{written}");
        assert_eq!(counted(&fold.flush(start)), folded);
        assert_eq!(written + folded, 300_000);
    }

    #[test]
    fn a_flood_over_all_keys_writes_few_counts_and_an_exact_sum() {
        let now = Instant::now();
        let mut fold = Fold::new(now);
        let folded = (0..100_000)
            .filter(|n| fold.admit(&denial(&format!("{}.evil", n % 2000)), now) != Admit::Write)
            .count();
        let events = fold.flush(now);
        assert_eq!(events.len(), SINGLED_OUT + 1);
        assert_eq!(counted(&events), u64::try_from(folded).unwrap());
    }

    #[test]
    fn a_flood_of_one_does_not_hide_the_first_of_another() {
        let now = Instant::now();
        let mut fold = Fold::new(now);
        for n in 0..100_000 {
            fold.admit(&denial(&format!("{}.evil", n % 1000)), now);
        }
        assert_eq!(fold.admit(&denial("new.evil"), now), Admit::Write);
        let other = Event { kind: "resolve".into(), ..denial("1.evil") };
        assert_eq!(fold.admit(&other, now), Admit::Write);
    }

    #[test]
    fn what_was_quiet_is_forgotten_and_written_again() {
        let now = Instant::now();
        let mut fold = Fold::new(now);
        for _ in 0..10 {
            fold.admit(&denial("a"), now);
        }
        fold.flush(now + FORGET);
        assert!(fold.keys.is_empty() && !fold.is_pending());
        assert_eq!(fold.admit(&denial("a"), now + FORGET), Admit::Write);
    }
}
