use std::{fmt, str::FromStr};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcDateTime, format_description::well_known::Rfc3339};

/// A moment in UTC to the microsecond, written as `2026-08-01T12:00:00.000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
pub struct Timestamp(i64);

/// The text names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time: use `2026-08-01T12:00:00Z`, `2026-08-01`, or an age such as `15m`, `2h`, `7d`"
)]
pub struct TimestampError(String);

impl Timestamp {
    /// The system's clock.
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Realtime);
        Self(now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// So many seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        let micros = seconds.saturating_mul(1_000_000);
        Self(self.0.saturating_add(i64::try_from(micros).unwrap_or(i64::MAX)))
    }

    /// Nanoseconds since the machine started, time asleep included. Never goes back.
    pub(crate) fn boot_ns() -> u64 {
        let now = clock_gettime(ClockId::Boottime);
        let ns = now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec);
        u64::try_from(ns).unwrap_or(0)
    }

    /// Microseconds since 1970, in UTC.
    pub fn unix_micros(self) -> i64 {
        self.0
    }

    /// Only the exact form that the journal writes.
    pub(crate) fn exact(text: &[u8]) -> Option<Self> {
        exact(text).map(Self)
    }

    pub(crate) fn from_unix(seconds: i64, nanoseconds: u32) -> Self {
        Self(seconds.saturating_mul(1_000_000).saturating_add(i64::from(nanoseconds / 1000)))
    }

    /// A time as a person writes it: RFC 3339, a date (its first moment in UTC), or an age before
    /// `now` such as `15m`.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, TimestampError> {
        let bad = || TimestampError(text.chars().take(40).flat_map(char::escape_debug).collect());
        if let Some(unit) = text.strip_suffix(['s', 'm', 'h', 'd']) {
            let seconds = match text.as_bytes().last() {
                Some(b's') => 1,
                Some(b'm') => 60,
                Some(b'h') => 3600,
                _ => 86_400,
            };
            let count: u32 = unit.parse().map_err(|_| bad())?;
            let age = i64::from(count).saturating_mul(seconds).saturating_mul(1_000_000);
            return Ok(Self(now.0.saturating_sub(age)));
        }
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let moment = OffsetDateTime::parse(&whole, &Rfc3339).map_err(|_| bad())?;
        i64::try_from(moment.unix_timestamp_nanos() / 1000).map(Self).map_err(|_| bad())
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Only the exact form that the journal writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || TimestampError(text.chars().take(40).flat_map(char::escape_debug).collect());
        Self::exact(text.as_bytes()).ok_or_else(bad)
    }
}

/// Microseconds since 1970 of `2026-08-01T12:00:00.000000Z`. By hand: verification reads one a record.
fn exact(text: &[u8]) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        let all = digits.iter().all(u8::is_ascii_digit);
        let value = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit & 15));
        all.then_some(value)
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (26, b'Z')];
    if text.len() != 27 || marks.iter().any(|(at, mark)| text.get(*at) != Some(mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years from March on, so that the day that comes and goes is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let date = 365 * year + before + (153 * month + 2) / 5 + day - 719_469;
    let seconds = ((date * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1_000_000 + number(20, 26)?)
}

impl TryFrom<std::borrow::Cow<'_, str>> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(stamp: Timestamp) -> Self {
        stamp.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let micros = self.0.rem_euclid(1_000_000);
        let at = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.as_hms();
        let month = u8::from(month);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_has_one_spelling() {
        let text = "2026-08-01T12:00:00.000123Z";
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        for other in ["2026-08-01T12:00:00Z", "2026-08-01T14:00:00.000123+02:00", "", "x"] {
            assert!(other.parse::<Timestamp>().is_err(), "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_exact_form_is_read_as_the_library_reads_it(
            micros in -62_135_596_800_000_000..253_402_300_800_000_000_i64, at in 0..27_usize, with in 0..=255_u8,
        ) {
            let text = Timestamp(micros).to_string();
            proptest::prop_assert_eq!(text.parse(), Ok(Timestamp(micros)));
            let mut bytes = text.into_bytes();
            bytes[at] = with;
            let theirs = std::str::from_utf8(&bytes).ok().and_then(|text| {
                let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
                let this = Timestamp(i64::try_from(moment.unix_timestamp_nanos() / 1000).ok()?);
                (this.to_string() == text).then_some(this.0)
            });
            proptest::prop_assert_eq!(exact(&bytes), theirs);
        }
    }

    #[test]
    fn people_write_times_in_several_ways() {
        let now: Timestamp = "2026-08-02T00:00:00.000000Z".parse().unwrap();
        let is = |text: &str| Timestamp::parse(text, now).map(|t| t.to_string());
        assert_eq!(is("2026-08-01").unwrap(), "2026-08-01T00:00:00.000000Z");
        assert_eq!(is("15m").unwrap(), "2026-08-01T23:45:00.000000Z");
        assert_eq!(is("1d").unwrap(), "2026-08-01T00:00:00.000000Z");
        assert_eq!(is("2026-08-01T14:00:00+02:00").unwrap(), "2026-08-01T12:00:00.000000Z");
        for bad in ["", "m", "-5m", "yesterday", "99999999999d", "2026-13-01"] {
            assert!(is(bad).is_err(), "{bad}");
        }
    }
}
