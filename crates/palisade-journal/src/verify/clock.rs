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
    /// A record that `opens` may be of a later start of the machine, where the second clock began anew.
    pub(super) fn look(&mut self, link: &Link<'_>, opens: bool) {
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
