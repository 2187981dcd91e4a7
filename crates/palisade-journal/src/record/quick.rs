//! A line as the writer writes it, read without a parser's pains. What is not exactly so is left to one: nothing is taken
//! here that a parser would refuse.

use palisade_core::SessionId;

use super::{Link, Role};
use crate::{Hash, Timestamp, encode::plain_until};

/// `,"prev":"` + 64 digits + `","hash":"` + 64 digits + `"}`: how each line ends.
const TAIL: usize = 149;
/// Deeper than records are, and far from what a parser takes.
const DEPTH: usize = 32;

/// The link of a line that ends in its hash, if it is written as the writer writes it.
pub(super) fn link(line: &[u8], hash: Hash, own: &SessionId) -> Option<Link> {
    let (head, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
    let prev = tail.strip_prefix(b",\"prev\":\"")?.get(..64)?;
    if tail.get(73..83)? != b"\",\"hash\":\"" {
        return None;
    }
    let prev = Hash::of_hex(prev)?;
    let rest = head.strip_prefix(b"{\"v\":1,\"time\":\"")?;
    let (time, rest) = rest.split_at_checked(27)?;
    let time = Timestamp::exact(time)?;
    let (mono_ns, rest) = number(rest.strip_prefix(b"\",\"mono_ns\":")?)?;
    let (session, rest) = plain(rest.strip_prefix(b",\"session\":\"")?)?;
    let (seq, rest) = number(rest.strip_prefix(b",\"seq\":")?)?;
    let (kind, rest) = plain(rest.strip_prefix(b",\"kind\":\"")?)?;
    members(rest)?;
    let stranger = match session == own.as_str().as_bytes() {
        true => None,
        false => Some(std::str::from_utf8(session).ok()?.parse().ok()?),
    };
    Some(Link { time, mono_ns, role: Role::of(kind), stranger, seq, prev, hash })
}

/// Digits without a zero before them.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut rest) = (0_u64, text);
    while let Some((digit @ b'0'..=b'9', more)) = rest.split_first() {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        rest = more;
    }
    let digits = text.len().saturating_sub(rest.len());
    (digits == 1 || (digits > 1 && !text.starts_with(b"0"))).then_some((value, rest))
}

/// A string in which nothing is escaped, and what follows its quote.
fn plain(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, rest) = text.split_at_checked(plain_until(text)?)?;
    Some((inside, rest.strip_prefix(b"\"")?))
}

/// Members without blanks between, to the end, none of which has a name of a link's.
fn members(mut rest: &[u8]) -> Option<()> {
    while !rest.is_empty() {
        let (name, after) = plain(rest.strip_prefix(b",\"")?)?;
        // The members that a link is of: none may stand twice.
        if matches!(
            name,
            b"v" | b"time" | b"mono_ns" | b"session" | b"seq" | b"kind" | b"prev" | b"hash"
        ) {
            return None;
        }
        rest = value(after.strip_prefix(b":")?, DEPTH)?;
    }
    Some(())
}

/// Passes a value; what follows it.
fn value(text: &[u8], depth: usize) -> Option<&[u8]> {
    let depth = depth.checked_sub(1)?;
    let (first, rest) = text.split_first()?;
    match first {
        b'"' => string(rest),
        b'{' => {
            if let Some(rest) = rest.strip_prefix(b"}") {
                return Some(rest);
            }
            let mut rest = rest;
            loop {
                let after = string(rest.strip_prefix(b"\"")?)?;
                rest = value(after.strip_prefix(b":")?, depth)?;
                match rest.split_first()? {
                    (b',', more) => rest = more,
                    (b'}', more) => return Some(more),
                    _ => return None,
                }
            }
        }
        b'[' => {
            if let Some(rest) = rest.strip_prefix(b"]") {
                return Some(rest);
            }
            let mut rest = rest;
            loop {
                rest = value(rest, depth)?;
                match rest.split_first()? {
                    (b',', more) => rest = more,
                    (b']', more) => return Some(more),
                    _ => return None,
                }
            }
        }
        b'0'..=b'9' => number(text).map(|(_, rest)| rest).filter(|rest| {
            // A fraction or an exponent is a parser's.
            !matches!(rest.first(), Some(b'.' | b'e' | b'E'))
        }),
        b'n' => rest.strip_prefix(b"ull"),
        b't' => rest.strip_prefix(b"rue"),
        b'f' => rest.strip_prefix(b"alse"),
        _ => None,
    }
}

/// Passes a string whose first quote is passed.
fn string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        let (_, rest) = text.split_at_checked(plain_until(text)?)?;
        match rest.split_first()? {
            (b'"', rest) => return Some(rest),
            (b'\\', rest) => {
                let (escape, rest) = rest.split_first()?;
                text = match escape {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => rest,
                    b'u' => {
                        let (digits, rest) = rest.split_at_checked(4)?;
                        digits.iter().all(u8::is_ascii_hexdigit).then_some(rest)?
                    }
                    _ => return None,
                };
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::{Event, Layer};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{encode, record};

    fn line(event: &Event) -> Vec<u8> {
        let mut line = b"{\"v\":1,\"time\":\"2026-08-01T12:00:00.000001Z\",\"mono_ns\":17,\"session\":\"one\",\"seq\":3,".to_vec();
        line.extend(encode::event(event, "sha256:0"));
        line.extend_from_slice(format!(",\"prev\":\"{}\"", "a".repeat(64)).as_bytes());
        record::seal(&mut line, 0);
        line.pop();
        line
    }

    fn own() -> SessionId {
        "one".parse().unwrap()
    }

    fn link(line: &[u8], hash: Hash) -> Option<Link> {
        super::link(line, hash, &own())
    }

    fn parsed(line: &[u8]) -> Option<Link> {
        record::parsed(line, &own()).ok()
    }

    #[test]
    fn what_the_writer_writes_is_read_as_a_parser_reads_it() {
        let event = Event::observed("connect", Layer::Egress, "a \u{1b}\u{202e}\u{1f600}\"\\ b")
            .with("port", 443)
            .with("list", json!([1, "x", null, true, false, {}, [], {"a": {"b": ["c"]}}]));
        let line = line(&event);
        let hash = record::sealed(&line).unwrap();
        let quick = link(&line, hash).unwrap();
        assert_eq!(Some(&quick), parsed(&line).as_ref());
        // A number that is none of ours is left to the parser, which takes it.
        let float = self::line(&event.with("float", 0.5));
        assert!(link(&float, hash).is_none() && parsed(&float).is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn nothing_is_taken_that_a_parser_refuses(
            at in any::<prop::sample::Index>(), put in "[\\\\\"{}\\[\\],:a-z0-9u\\- é]{0,9}", cut in 0..9_usize,
        ) {
            let event = Event::observed("connect", Layer::Egress, "a\u{1b}b")
                .with("x", json!([{"a": "\u{7}", "b": [1, 20]}, null, true]));
            let mut line = line(&event);
            // The hash itself is checked before.
            let at = at.index(line.len() - 75 - 9);
            let end = at + cut;
            line.splice(at..end, put.bytes());
            let hash = Hash::of(&[b"x"]);
            if let Some(quick) = link(&line, hash) {
                let parsed = parsed(&line);
                prop_assert!(parsed.is_some(), "{}", String::from_utf8_lossy(&line));
                let parsed = Link { hash, ..parsed.unwrap() };
                prop_assert_eq!(quick, parsed);
            }
        }
    }
}
