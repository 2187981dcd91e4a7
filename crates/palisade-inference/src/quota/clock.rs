use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

const DAY: u64 = 24 * 60 * 60;

/// What time it is, for counting.
///
/// The wall clock is read once. From then on the kernel's clock since the boot is added, which
/// nobody can set: a clock that is put forward or back while a sandbox runs changes nothing.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Seconds since 1970 at the moment when the machine's clock since the boot was nought.
    base: u64,
    /// Which boot the seconds belong to.
    boot: [u8; 16],
    /// Added for tests.
    ahead: AtomicU64,
}

/// A moment, as counts keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since the machine was booted, sleep included.
    pub(crate) second: u64,
    /// Days since 1970, in UTC.
    pub(crate) day: u64,
    /// Seconds until the next day.
    pub(crate) left: u64,
    pub(crate) boot: [u8; 16],
}

impl Clock {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let boot = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            base: wall.saturating_sub(since_boot()),
            boot: sixteen(&boot),
            ahead: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        let second = since_boot().saturating_add(self.ahead.load(Ordering::Relaxed));
        let wall = self.base.saturating_add(second);
        Moment { second, day: wall / DAY, left: DAY.saturating_sub(wall % DAY), boot: self.boot }
    }

    #[cfg(test)]
    pub(crate) fn advance(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// As if the wall clock had been another when the session began.
    #[cfg(test)]
    pub(crate) fn set_back(&mut self, seconds: u64) {
        self.base = self.base.saturating_sub(seconds);
    }
}

fn since_boot() -> u64 {
    u64::try_from(clock_gettime(ClockId::Boottime).tv_sec).unwrap_or(0)
}

/// Sixteen bytes that stand for a boot.
fn sixteen(text: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    let digest = ring::digest::digest(&ring::digest::SHA256, text);
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}
