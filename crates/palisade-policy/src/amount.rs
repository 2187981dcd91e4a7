//! Sizes and durations as people write them.

use std::{borrow::Cow, fmt, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};

/// A number of bytes: `4GiB`, `500MB`, `1024`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

/// A length of time: `90s`, `10m`, `8h`, `365d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

const TIMES: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];

fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = units.iter().find(|(name, _)| *name == unit.trim())?.1;
    number.parse::<u64>().ok()?.checked_mul(factor).filter(|amount| *amount > 0)
}

/// A number of bytes in the largest unit that it is a whole number of.
pub(crate) fn size(bytes: u64) -> String {
    let whole = |(_, unit): &&(&str, u64)| bytes.is_multiple_of(*unit);
    let binary = SIZES.iter().filter(|(name, _)| name.contains('i')).rev();
    match binary.clone().find(whole).filter(|_| bytes > 0) {
        Some((name, unit)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

/// A length of time in the largest unit that it is a whole number of.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let names = ["s", "min", "h", "d"];
    let units = TIMES.iter().map(|(_, unit)| *unit).zip(names).rev();
    let whole = units.clone().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    whole.map_or(format!("{seconds} s"), |(unit, name)| format!("{} {name}", seconds / unit))
}

impl Size {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        amount(text, &SIZES).map(Self)
    }
}

impl Span {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        amount(text, &TIMES).map(|seconds| Self(Duration::from_secs(seconds)))
    }
}

struct Text<T> {
    expecting: &'static str,
    parse: fn(&str) -> Option<T>,
    number: fn(u64) -> Option<T>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.expecting)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text)
            .ok_or_else(|| E::custom(format!("`{}` is not {}", shown(text), self.expecting)))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
        (self.number)(number)
            .ok_or_else(|| E::custom(format!("`{number}` is not {}", self.expecting)))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(format!("`{number}` is not {}", self.expecting))),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text {
            expecting: "a size such as 512MiB or 4GiB",
            parse: Size::parse,
            number: |number| (number > 0).then_some(Size(number)),
        })
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text {
            expecting: "a time with its unit, such as 90s, 10m, 8h or 30d",
            parse: Span::parse,
            number: |_| None,
        })
    }
}

/// In bytes.
impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// In seconds.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_secs().serialize(serializer)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "Size",
            "description": "Bytes, or a number with KiB, MiB, GiB, TiB, KB, MB, GB or TB.",
            "examples": ["4GiB"],
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9]+ *(B|[KMGT]i?B)$"},
            ],
        })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "Duration",
            "description": "A number with s, m, h, d or w.",
            "examples": ["8h"],
            "type": "string",
            "pattern": "^[0-9]+ *[smhdw]$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_multiply_and_nothing_overflows() {
        assert_eq!(Size::parse("4GiB"), Some(Size(4 << 30)));
        assert_eq!(Size::parse("10 MB"), Some(Size(10_000_000)));
        for bad in ["", "GiB", "4", "-1GiB", "4gib", "99999999999999TiB", "0GiB", "4 GiB x"] {
            assert_eq!(Size::parse(bad), None, "{bad}");
        }
        assert_eq!(Span::parse("8h"), Some(Span(Duration::from_secs(28800))));
        assert_eq!(Span::parse("8"), None);
    }

    #[test]
    fn amounts_are_shown_as_people_write_them() {
        assert_eq!((size(4 << 30), size(10_000_000)), ("4 GiB".into(), "10000000 bytes".into()));
        assert_eq!((size(1536 << 20), size(0)), ("1536 MiB".into(), "0 bytes".into()));
        let shown = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(shown(28_800), "8 h");
        assert_eq!([shown(90), shown(600), shown(604_800)], ["90 s", "10 min", "7 d"]);
    }
}
