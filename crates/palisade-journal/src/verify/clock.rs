use serde::Serialize;

use crate::record::Link;

/// Two clocks of one machine part by so much only if one of them was set.
const STEP_US: i64 = 1_000_000;
/// Steps that are told one by one.
const TOLD: usize = 100;

/// Between two records the wall clock went otherwise than the clock that nobody can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClockStep {
    /// The second of the two records.
    pub seq: u64,
    /// By how much the wall clock was set, in microseconds; less than 0 is back.
    pub by_us: i64,
}

/// Compares the two clocks of each record with those of the one before.
#[derive(Debug, Default)]
pub(super) struct Clock {
    before: Option<(i64, i64)>,
    pub(super) steps: Vec<ClockStep>,
}

impl Clock {
    /// The record before is not there any more.
    pub(super) fn forget(&mut self) {
        self.before = None;
    }

    /// A record that `opens` may be of a later start of the machine, where the second clock began anew.
    pub(super) fn look(&mut self, link: &Link, opens: bool) {
        let now = (link.time.unix_micros(), i64::try_from(link.mono_ns / 1000).unwrap_or(i64::MAX));
        if let Some((wall, boot)) = self.before.filter(|_| !opens) {
            let by_us = now.0.saturating_sub(wall).saturating_sub(now.1.saturating_sub(boot));
            if by_us.saturating_abs() > STEP_US && self.steps.len() < TOLD {
                self.steps.push(ClockStep { seq: link.seq, by_us });
            }
        }
        self.before = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Role;

    #[test]
    fn a_clock_that_was_set_is_told_and_a_restart_is_not() {
        let hash = crate::Hash::of(&[b"x"]);
        let mut clock = Clock::default();
        let mut seq = 0;
        let mut look = |time: &str, mono_s: u64, opens| {
            seq += 1;
            let link = Link {
                time: time.parse().unwrap(),
                mono_ns: mono_s * 1_000_000_000,
                role: Role::Event,
                stranger: None,
                seq,
                prev: hash,
                hash,
            };
            clock.look(&link, opens);
        };
        look("2026-08-01T12:00:00.000000Z", 100, true);
        look("2026-08-01T12:00:10.500000Z", 110, false);
        // Back by an hour, and forth again.
        look("2026-08-01T11:00:11.500000Z", 111, false);
        look("2026-08-01T12:00:12.500000Z", 112, false);
        // The machine slept: both clocks went on. Then it was started anew.
        look("2026-08-02T12:00:12.500000Z", 112 + 86_400, false);
        look("2026-08-02T12:01:12.500000Z", 7, true);
        look("2026-08-02T12:01:13.500000Z", 8, false);
        let back = ClockStep { seq: 3, by_us: -3_600_000_000 };
        assert_eq!(clock.steps, [back, ClockStep { seq: 4, by_us: 3_600_000_000 }]);
    }
}
