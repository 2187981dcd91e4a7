//! Bounded JSON in printable ASCII.
//!
//! Everything that is not `0x20..=0x7e` is written as `\uXXXX` (or as the two-character escape
//! that JSON has for it), so a record is one line for every reader, and no terminal, pager or
//! editor is steered by what an agent named its files. It is the form that Python's
//! `json.dumps(..., separators=(",", ":"))` gives. Bounds count the *encoded* bytes.

use palisade_core::Event;
use serde_json::{Map, Value};

/// Most bytes of a record, its newline included.
pub(crate) const RECORD_MAX: usize = 64 * 1024;

const KIND_MAX: usize = 64;
const RULE_MAX: usize = 1024;
const TEXT_MAX: usize = 4 * 1024;
const KEY_MAX: usize = 256;
const DETAIL_MAX: usize = 48 * 1024;
const DEPTH_MAX: usize = 8;
/// Kept free in each container for the note of what was left out.
const NOTE_ROOM: usize = 64;
const MARK_ROOM: usize = 40;

/// The members of a record that the caller's event gives, from `kind` to `detail`.
pub(crate) fn event(event: &Event, policy: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"\"kind\":");
    string(&mut out, &event.kind, KIND_MAX);
    out.extend_from_slice(b",\"layer\":");
    string(&mut out, event.layer.as_str(), KIND_MAX);
    out.extend_from_slice(b",\"decision\":");
    string(&mut out, event.decision.as_str(), KIND_MAX);
    out.extend_from_slice(b",\"rule\":");
    match &event.rule {
        Some(rule) => string(&mut out, rule, RULE_MAX),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"subject\":");
    string(&mut out, &event.subject, TEXT_MAX);
    out.extend_from_slice(b",\"reason\":");
    string(&mut out, &event.reason, TEXT_MAX);
    out.extend_from_slice(b",\"policy\":");
    string(&mut out, policy, KEY_MAX);
    out.extend_from_slice(b",\"detail\":");
    let limit = out.len().saturating_add(DETAIL_MAX);
    object(&mut out, &event.detail, limit, DEPTH_MAX);
    out
}

/// A JSON string of at most `max` encoded bytes between its quotes. A longer one is cut, and
/// ends in ` [cut N bytes]`.
pub(crate) fn string(out: &mut Vec<u8>, text: &str, max: usize) {
    // Most texts need no escape.
    if text.len() <= max && plain_until(text.as_bytes()).is_none() {
        out.reserve(text.len().saturating_add(2));
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let keep = max.saturating_sub(MARK_ROOM);
    let (mut used, mut fits, mut whole) = (0_usize, 0, true);
    for (at, character) in text.char_indices() {
        used = used.saturating_add(cost(character));
        if used <= keep {
            fits = at.saturating_add(character.len_utf8());
        }
        if used > max {
            whole = false;
            break;
        }
    }
    let shown = if whole { text } else { text.get(..fits).unwrap_or_default() };
    out.push(b'"');
    for character in shown.chars() {
        push(out, character);
    }
    if !whole {
        let left = text.len().saturating_sub(fits);
        out.extend_from_slice(format!(" [cut {left} bytes]").as_bytes());
    }
    out.push(b'"');
}

/// Where the first byte stands that is not printable ASCII, or is a quote or a backslash.
pub(crate) fn plain_until(text: &[u8]) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    let mut at = 0_usize;
    for word in words {
        let marked = marked(u64::from_le_bytes(*word));
        if marked != 0 {
            return Some(at.saturating_add(marked.trailing_zeros() as usize / 8));
        }
        at = at.saturating_add(8);
    }
    let special = |byte: &u8| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\');
    rest.iter().position(special).map(|more| at.saturating_add(more))
}

/// Eight bytes at once: the lowest bit that is set is the highest of the first such byte. (Behind it others may be set too: the
/// subtraction borrows from the next byte, and only from one that is marked.)
fn marked(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\') | is(0x7f) | word) & HIGH
}

/// Digits, the usual way.
pub(crate) fn number(out: &mut Vec<u8>, mut rest: u64) {
    let mut digits = [b'0'; 20];
    let mut used = 0_usize;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
        used = used.saturating_add(1);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20_usize.saturating_sub(used)..).unwrap_or_default());
}

/// Any JSON value without a bound, for values that were bounded when they were written.
pub(crate) fn value(out: &mut Vec<u8>, value: &Value) {
    bounded(out, value, usize::MAX, usize::MAX);
}

fn cost(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        ' '..='~' => 1,
        other => other.len_utf16().saturating_mul(6),
    }
}

fn push(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        ' '..='~' => {
            // One byte in ASCII, by the arm's range.
            out.extend(u8::try_from(character));
            return;
        }
        other => {
            for unit in other.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn bounded(out: &mut Vec<u8>, value: &Value, limit: usize, depth: usize) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(it) => match it.as_u64() {
            Some(whole) => number(out, whole),
            None => out.extend_from_slice(it.to_string().as_bytes()),
        },
        Value::String(text) => {
            string(out, text, if limit == usize::MAX { usize::MAX } else { TEXT_MAX });
        }
        Value::Array(_) | Value::Object(_) if depth == 0 => {
            out.extend_from_slice(b"\"[cut: nested too deep]\"");
        }
        Value::Array(items) => array(out, items, limit, depth),
        Value::Object(members) => object(out, members, limit, depth),
    }
}

fn object(out: &mut Vec<u8>, members: &Map<String, Value>, limit: usize, depth: usize) {
    let room = limit.saturating_sub(NOTE_ROOM);
    out.push(b'{');
    let (mut separator, mut cut) = (false, 0_usize);
    for (key, value) in members {
        let start = out.len();
        if separator {
            out.push(b',');
        }
        string(out, key, if limit == usize::MAX { usize::MAX } else { KEY_MAX });
        out.push(b':');
        bounded(out, value, room, depth.saturating_sub(1));
        if out.len() > room {
            out.truncate(start);
            cut = cut.saturating_add(1);
        } else {
            separator = true;
        }
    }
    if cut > 0 {
        let comma = if separator { "," } else { "" };
        out.extend_from_slice(format!("{comma}\"_cut\":{cut}").as_bytes());
    }
    out.push(b'}');
}

fn array(out: &mut Vec<u8>, items: &[Value], limit: usize, depth: usize) {
    let room = limit.saturating_sub(NOTE_ROOM);
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        let start = out.len();
        if at > 0 {
            out.push(b',');
        }
        bounded(out, item, room, depth.saturating_sub(1));
        if out.len() > room {
            out.truncate(start);
            let comma = if at > 0 { "," } else { "" };
            let left = items.len().saturating_sub(at);
            out.extend_from_slice(format!("{comma}\"[cut {left} items]\"").as_bytes());
            break;
        }
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use palisade_core::Layer;
    use serde_json::json;

    use super::*;

    fn encoded(text: &str, max: usize) -> String {
        let mut out = Vec::new();
        string(&mut out, text, max);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_first_byte_that_is_not_plain_is_found_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for at in 0..20 {
                for behind in [b'a', b'"', 0, 0x1f, 0x7f, 0x80, 0xff] {
                    let mut text = vec![b'~'; at];
                    text.push(byte);
                    text.extend([behind; 9]);
                    let special =
                        |byte: u8| !(b' '..=b'~').contains(&byte) || b"\"\\".contains(&byte);
                    let first = text.iter().position(|byte| special(*byte));
                    assert_eq!(plain_until(&text), first, "{byte} at {at} before {behind}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_written_as_json_has_them() {
        for value in [
            json!(0),
            json!(7),
            json!(u64::MAX),
            json!(-1),
            json!(i64::MIN),
            json!(0.5),
            json!(1e300),
        ] {
            let mut out = Vec::new();
            super::value(&mut out, &value);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }

    #[test]
    fn newline_ansi_bidi_and_tags_leave_only_printable_ascii() {
        let hostile = "a\n\r\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{2028}\u{e0041}\"\\é\0";
        let text = encoded(hostile, 4096);
        assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }

    #[test]
    fn a_cut_says_how_much_is_missing() {
        assert_eq!(encoded(&"x".repeat(100), 100).len(), 102);
        let cut = encoded(&"x".repeat(101), 100);
        assert_eq!(cut, format!("\"{} [cut 41 bytes]\"", "x".repeat(60)));
        assert!(encoded(&"\u{1f600}".repeat(4096), 4096).len() <= 4098);
    }

    #[test]
    fn no_event_makes_a_record_over_the_bound() {
        let deep = (0..100).fold(json!("x"), |inner, _| json!({ "k": [inner] }));
        let wide: Vec<_> =
            (0..50_000).map(|n| json!({ "n": n, "s": "\u{202e}".repeat(9) })).collect();
        let mut event_in = Event::observed(&"k\0".repeat(500), Layer::Files, "\0".repeat(1 << 20));
        event_in.rule = Some("\u{1f600}".repeat(10_000));
        event_in.reason = "\u{7f}".repeat(1 << 20);
        for n in 0..200 {
            event_in = event_in.with(&format!("{n}{}", "\u{202e}".repeat(999)), "\0".repeat(9999));
        }
        let event_in = event_in.with("deep", deep).with("wide", wide);
        let out = event(&event_in, "sha256:0");
        assert!(out.len() < RECORD_MAX - 1024, "{}", out.len());
        let text = format!("{{{}}}", String::from_utf8(out).unwrap());
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value["detail"]["_cut"].as_u64().unwrap() > 0);
    }
}
