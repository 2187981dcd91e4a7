use crate::quota::{Usd, clock::Moment};

/// Seconds that a minute's limit looks back on. One more than a minute has: what happened in a
/// second counts until that second, too, is a whole minute ago.
const WINDOW: u64 = 61;
/// The same, for arrays.
const SLOTS: usize = 61;

const MAGIC: &[u8; 8] = b"palquot1";
/// Bytes of counts as they are kept.
pub(crate) const SIZE: usize = 8 * 5 + 16 + 8 + SLOTS * 16 + 32;

/// What was used, in this minute and on this day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Grows with each change.
    pub(crate) sequence: u64,
    /// The last day that was seen. An earlier one never comes back.
    day: u64,
    tokens: u64,
    usd: Usd,
    boot: [u8; 16],
    /// The last second that was seen of that boot.
    second: u64,
    /// Calls and tokens of each second, by its number.
    minute: [(u64, u64); SLOTS],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            sequence: 0,
            day: 0,
            tokens: 0,
            usd: Usd(0),
            boot: [0; 16],
            second: 0,
            minute: [(0, 0); SLOTS],
        }
    }
}

/// Where a reservation was put down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    day: u64,
    boot: [u8; 16],
    second: u64,
}

impl Counts {
    /// Lets go of what is over.
    pub(crate) fn turn(&mut self, now: Moment) {
        if now.day > self.day {
            (self.day, self.tokens, self.usd) = (now.day, 0, Usd(0));
        }
        if now.boot != self.boot {
            // The seconds of another boot say nothing now. All of them count as of this moment.
            let (calls, tokens) = self.minute();
            self.minute = [(0, 0); SLOTS];
            (self.boot, self.second) = (now.boot, now.second);
            *self.slot(now.second) = (calls, tokens);
            return;
        }
        let passed = now.second.saturating_sub(self.second);
        for second in 1..=passed.min(WINDOW) {
            *self.slot(self.second.saturating_add(second)) = (0, 0);
        }
        if passed > WINDOW {
            self.minute = [(0, 0); SLOTS];
        }
        self.second = self.second.max(now.second);
    }

    /// Calls and tokens of the last minute.
    pub(crate) fn minute(&self) -> (u64, u64) {
        self.minute
            .iter()
            .fold((0, 0), |sum, slot| (sum.0.saturating_add(slot.0), sum.1.saturating_add(slot.1)))
    }

    /// Seconds until so many calls and tokens are out of the minute.
    pub(crate) fn until_free(&self, calls: u64, tokens: u64) -> u64 {
        let (mut gone_calls, mut gone_tokens) = (0_u64, 0_u64);
        for age in (0..WINDOW).rev() {
            let Some(second) = self.second.checked_sub(age) else { continue };
            let slot = self.minute.get(place(second)).copied().unwrap_or_default();
            gone_calls = gone_calls.saturating_add(slot.0);
            gone_tokens = gone_tokens.saturating_add(slot.1);
            if gone_calls >= calls && gone_tokens >= tokens {
                return WINDOW.saturating_sub(age).max(1);
            }
        }
        WINDOW
    }

    pub(crate) fn tokens_of_day(&self) -> u64 {
        self.tokens
    }

    pub(crate) fn usd_of_day(&self) -> Usd {
        self.usd
    }

    /// Puts a call down. The counts are of this moment.
    pub(crate) fn add(&mut self, calls: u64, tokens: u64, usd: Usd) -> Stamp {
        self.sequence = self.sequence.saturating_add(1);
        self.tokens = self.tokens.saturating_add(tokens);
        self.usd = Usd(self.usd.0.saturating_add(usd.0));
        let second = self.second;
        let slot = self.slot(second);
        *slot = (slot.0.saturating_add(calls), slot.1.saturating_add(tokens));
        Stamp { day: self.day, boot: self.boot, second }
    }

    /// Puts what was used in place of what was reserved. What was less is given back to the day and
    /// the second that it was taken from, if they are not over; what was more counts now.
    pub(crate) fn correct(&mut self, stamp: Stamp, reserved: (u64, Usd), used: (u64, Usd)) {
        let more = (used.0.saturating_sub(reserved.0), used.1.0.saturating_sub(reserved.1.0));
        let less = (reserved.0.saturating_sub(used.0), reserved.1.0.saturating_sub(used.1.0));
        self.add(0, more.0, Usd(more.1));
        if stamp.day == self.day {
            self.tokens = self.tokens.saturating_sub(less.0);
            self.usd = Usd(self.usd.0.saturating_sub(less.1));
        }
        if stamp.boot == self.boot && self.second.saturating_sub(stamp.second) < WINDOW {
            let slot = self.slot(stamp.second);
            slot.1 = slot.1.saturating_sub(less.0);
        }
    }

    /// Takes a call back that was never made.
    pub(crate) fn take_back(&mut self, stamp: Stamp, reserved: (u64, Usd)) {
        self.correct(stamp, reserved, (0, Usd(0)));
        if stamp.boot == self.boot && self.second.saturating_sub(stamp.second) < WINDOW {
            let slot = self.slot(stamp.second);
            slot.0 = slot.0.saturating_sub(1);
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the rest of a division by the length")]
    fn slot(&mut self, second: u64) -> &mut (u64, u64) {
        &mut self.minute[place(second) % SLOTS]
    }

    /// The bytes that are kept: numbers in little endian, then the SHA-256 of all before it.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SIZE);
        out.extend_from_slice(MAGIC);
        for number in [self.sequence, self.day, self.tokens, self.usd.0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.boot);
        out.extend_from_slice(&self.second.to_le_bytes());
        for (calls, tokens) in &self.minute {
            out.extend_from_slice(&calls.to_le_bytes());
            out.extend_from_slice(&tokens.to_le_bytes());
        }
        let digest = ring::digest::digest(&ring::digest::SHA256, &out);
        out.extend_from_slice(digest.as_ref());
        out
    }

    /// The counts, if these are the bytes of any.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (content, digest) = bytes.get(..SIZE)?.split_at_checked(SIZE.checked_sub(32)?)?;
        if ring::digest::digest(&ring::digest::SHA256, content).as_ref() != digest {
            return None;
        }
        let mut rest = content.strip_prefix(MAGIC)?;
        let number = |rest: &mut &[u8]| -> Option<u64> {
            let (first, others) = rest.split_first_chunk::<8>()?;
            *rest = others;
            Some(u64::from_le_bytes(*first))
        };
        let sequence = number(&mut rest)?;
        let day = number(&mut rest)?;
        let tokens = number(&mut rest)?;
        let usd = Usd(number(&mut rest)?);
        let (boot, others) = rest.split_first_chunk::<16>()?;
        rest = others;
        let second = number(&mut rest)?;
        let mut minute = [(0, 0); SLOTS];
        for slot in &mut minute {
            *slot = (number(&mut rest)?, number(&mut rest)?);
        }
        Some(Self { sequence, day, tokens, usd, boot: *boot, second, minute })
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % WINDOW).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: u64, day: u64) -> Moment {
        Moment { second, day, left: 1, boot: [7; 16] }
    }

    #[test]
    fn a_call_counts_for_a_minute_and_a_day() {
        let mut counts = Counts::default();
        counts.turn(at(1000, 5));
        counts.add(1, 10, Usd(3));
        counts.turn(at(1060, 5));
        assert_eq!(counts.minute(), (1, 10));
        assert_eq!(counts.until_free(1, 0), 1);
        counts.turn(at(1061, 5));
        assert_eq!(
            (counts.minute(), counts.tokens_of_day(), counts.usd_of_day()),
            ((0, 0), 10, Usd(3))
        );
        counts.turn(at(1062, 6));
        assert_eq!((counts.tokens_of_day(), counts.usd_of_day()), (0, Usd(0)));
    }

    #[test]
    fn an_earlier_day_gives_nothing_back() {
        let mut counts = Counts::default();
        counts.turn(at(1, 9));
        counts.add(1, 50, Usd(5));
        counts.turn(at(2, 3));
        assert_eq!(counts.tokens_of_day(), 50);
        counts.turn(at(3, 9));
        assert_eq!(counts.tokens_of_day(), 50);
    }

    #[test]
    fn another_boot_does_not_end_a_minute() {
        let mut counts = Counts::default();
        counts.turn(at(5000, 1));
        counts.add(4, 40, Usd(0));
        counts.turn(Moment { boot: [8; 16], ..at(3, 1) });
        assert_eq!(counts.minute(), (4, 40));
        counts.turn(Moment { boot: [8; 16], ..at(64, 1) });
        assert_eq!(counts.minute(), (0, 0));
    }

    #[test]
    fn what_was_reserved_and_not_used_is_given_back_where_it_was_taken() {
        let mut counts = Counts::default();
        counts.turn(at(100, 1));
        let stamp = counts.add(1, 100, Usd(100));
        counts.turn(at(110, 1));
        counts.correct(stamp, (100, Usd(100)), (30, Usd(20)));
        assert_eq!((counts.minute(), counts.usd_of_day()), ((1, 30), Usd(20)));
        // On the next day there is nothing to give back; what was more counts there.
        let stamp = counts.add(1, 10, Usd(1));
        counts.turn(at(200, 2));
        counts.correct(stamp, (10, Usd(1)), (25, Usd(0)));
        assert_eq!((counts.minute(), counts.tokens_of_day()), ((0, 15), 15));
        let stamp = counts.add(1, 9, Usd(0));
        counts.take_back(stamp, (9, Usd(0)));
        assert_eq!((counts.minute(), counts.tokens_of_day()), ((0, 15), 15));
    }

    #[test]
    fn bytes_that_are_damaged_are_no_counts() {
        let mut counts = Counts::default();
        counts.turn(at(100, 1));
        counts.add(1, 2, Usd(3));
        let bytes = counts.to_bytes();
        assert_eq!(bytes.len(), SIZE);
        assert_eq!(Counts::from_bytes(&bytes), Some(counts));
        for index in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[index] ^= 1;
            assert_eq!(Counts::from_bytes(&bad), None);
        }
        assert_eq!(Counts::from_bytes(&bytes[..SIZE - 1]), None);
    }

    proptest! {
        /// Whatever the clocks do: within a minute of the machine's own clock nothing is forgotten.
        #[test]
        fn no_clock_makes_room(steps in prop::collection::vec((0_u64..20, 0_u64..4, 1_u64..9), 1..40)) {
            let mut counts = Counts::default();
            let (mut second, mut calls) = (1000, Vec::new());
            let mut latest = 0;
            let mut of_day = 0;
            for (pause, day, tokens) in steps {
                second += pause;
                if day > latest { of_day = 0; latest = day; }
                counts.turn(at(second, day));
                counts.add(1, tokens, Usd(0));
                calls.push(second);
                of_day += tokens;
                let within = calls.iter().filter(|then| second - **then <= 60).count() as u64;
                prop_assert_eq!(counts.minute().0, within);
                prop_assert_eq!(counts.tokens_of_day(), of_day);
                prop_assert!(counts.until_free(1, 0) <= 61);
                prop_assert_eq!(Counts::from_bytes(&counts.to_bytes()), Some(counts.clone()));
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
            prop_assert_eq!(Counts::from_bytes(&bytes), None);
        }
    }
}
