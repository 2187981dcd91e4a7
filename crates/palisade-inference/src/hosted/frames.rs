//! Streams of AWS' binary events as events of Messages. See "Event stream encoding" of AWS' documentation: each
//! frame has its length, that of its headers, a checksum of both, the headers, a payload and a checksum of all.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes, BytesMut};
use serde_json::Value;

/// How such a stream is called.
pub(crate) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// The largest frame, which is what AWS says.
const MOST: usize = 24 << 20;
const PRELUDE: usize = 12;
const CHECK: usize = 4;

/// A stream that is being read.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    held: BytesMut,
}

/// Why a stream cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider's stream of events is damaged: {0}")]
pub(crate) struct Damaged(&'static str);

impl Frames {
    /// What these bytes complete, as server-sent events.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Bytes, Damaged> {
        self.held.extend_from_slice(bytes);
        let mut out = BytesMut::new();
        while let Some(frame) = self.next()? {
            event(&frame, &mut out)?;
        }
        Ok(out.freeze())
    }

    /// Whether it ends in the midst of a frame.
    pub(crate) fn is_cut(&self) -> bool {
        !self.held.is_empty()
    }

    fn next(&mut self) -> Result<Option<BytesMut>, Damaged> {
        let Some(prelude) = self.held.get(..PRELUDE) else { return Ok(None) };
        let length = number(prelude, 0) as usize;
        if !(PRELUDE + CHECK..=MOST).contains(&length) {
            return Err(Damaged("a frame has an impossible length"));
        }
        if checksum(prelude.get(..8).unwrap_or_default()) != number(prelude, 8) {
            return Err(Damaged("a length's checksum is wrong"));
        }
        if self.held.len() < length {
            return Ok(None);
        }
        let mut frame = self.held.split_to(length);
        let check = frame.split_off(length.saturating_sub(CHECK));
        if checksum(&frame) != number(&check, 0) {
            return Err(Damaged("a frame's checksum is wrong"));
        }
        Ok(Some(frame))
    }
}

/// A number of four bytes.
fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at.saturating_add(4)).and_then(|four| <[u8; 4]>::try_from(four).ok());
    four.map(u32::from_be_bytes).unwrap_or_default()
}

/// What a frame says, without its checksum.
fn event(frame: &[u8], out: &mut BytesMut) -> Result<(), Damaged> {
    const HEADERS: Damaged = Damaged("a frame's headers cannot be read");
    let headers = number(frame, 4) as usize;
    let rest = frame.get(PRELUDE..).unwrap_or_default();
    let (Some(mut headers), Some(payload)) = (rest.get(..headers), rest.get(headers..)) else {
        return Err(HEADERS);
    };
    let (mut kind, mut name) = (String::new(), String::new());
    while !headers.is_empty() {
        let key = text(&mut headers, |headers| headers.try_get_u8().ok().map(usize::from));
        let key = key.ok_or(HEADERS)?;
        let tag = headers.try_get_u8().map_err(|_| HEADERS)?;
        let skipped = match tag {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            6 => usize::from(headers.try_get_u16().map_err(|_| HEADERS)?),
            7 => {
                let long = |headers: &mut &[u8]| headers.try_get_u16().ok().map(usize::from);
                let value = text(&mut headers, long).ok_or(HEADERS)?;
                match key.as_str() {
                    ":message-type" => kind = value,
                    ":event-type" | ":exception-type" | ":error-code" => name = value,
                    _ => {}
                }
                0
            }
            9 => 16,
            _ => return Err(HEADERS),
        };
        headers = headers.get(skipped..).ok_or(HEADERS)?;
    }
    let value: Value = serde_json::from_slice(payload)
        .or_else(|error| if payload.is_empty() { Ok(Value::Null) } else { Err(error) })
        .map_err(|_| Damaged("a frame's payload is no JSON"))?;
    if kind != "event" {
        return failed(&name, &value, out);
    }
    // Other events than these are about the stream.
    if name != "chunk" {
        return Ok(());
    }
    let said =
        value.get("bytes").and_then(Value::as_str).ok_or(Damaged("an event says nothing"))?;
    let decoded = STANDARD.decode(said).map_err(|_| Damaged("an event is no base64"))?;
    let said: Value =
        serde_json::from_slice(&decoded).map_err(|_| Damaged("an event is no JSON"))?;
    let kind = said.get("type").and_then(Value::as_str).ok_or(Damaged("an event has no type"))?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if !kind.bytes().all(plain) || decoded.contains(&b'\n') || decoded.contains(&b'\r') {
        return Err(Damaged("an event has a line end"));
    }
    write(kind, &decoded, out);
    Ok(())
}

/// A text behind its length.
fn text(bytes: &mut &[u8], length: impl Fn(&mut &[u8]) -> Option<usize>) -> Option<String> {
    let length = length(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

/// An error in the midst of a stream, as Messages says it.
fn failed(name: &str, value: &Value, out: &mut BytesMut) -> Result<(), Damaged> {
    let message = value.get("message").and_then(Value::as_str).unwrap_or("no reason is given");
    let kind = match name {
        "throttlingException" => "rate_limit_error",
        "serviceUnavailableException" | "modelNotReadyException" => "overloaded_error",
        "validationException" => "invalid_request_error",
        "modelTimeoutException" => "timeout_error",
        _ => "api_error",
    };
    let error = serde_json::json!({"type": "error", "error": {"type": kind, "message": message}});
    write("error", error.to_string().as_bytes(), out);
    Ok(())
}

fn write(kind: &str, data: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

/// CRC-32 of IEEE 802.3.
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = [
        0x0000_0000,
        0x1DB7_1064,
        0x3B6E_20C8,
        0x26D9_30AC,
        0x76DC_4190,
        0x6B6B_51F4,
        0x4DB2_6158,
        0x5005_713C,
        0xEDB8_8320,
        0xF00F_9344,
        0xD6D6_A3E8,
        0xCB61_B38C,
        0x9B64_C2B0,
        0x86D3_D2D4,
        0xA00A_E278,
        0xBDBD_F21C,
    ];
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..2 {
            let low = TABLE.get((crc & 15) as usize).copied().unwrap_or_default();
            crc = (crc >> 4) ^ low;
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn short(length: usize) -> u16 {
        u16::try_from(length).unwrap()
    }

    fn header(name: &str, value: &str, out: &mut Vec<u8>) {
        out.push(u8::try_from(name.len()).unwrap());
        out.extend_from_slice(name.as_bytes());
        out.push(7);
        out.extend_from_slice(&short(value.len()).to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }

    fn frame(kind: &str, name: &str, payload: &str) -> Vec<u8> {
        let mut headers = vec![];
        let key = if kind == "event" { ":event-type" } else { ":exception-type" };
        header(key, name, &mut headers);
        header(":message-type", kind, &mut headers);
        let length = u32::from(short(PRELUDE + headers.len() + payload.len() + CHECK));
        let mut out = length.to_be_bytes().to_vec();
        out.extend_from_slice(&u32::from(short(headers.len())).to_be_bytes());
        out.extend_from_slice(&checksum(&out).to_be_bytes());
        out.extend_from_slice(&headers);
        out.extend_from_slice(payload.as_bytes());
        out.extend_from_slice(&checksum(&out).to_be_bytes());
        out
    }

    fn chunk() -> Vec<u8> {
        // {"type":"ping"}
        frame("event", "chunk", r#"{"bytes":"eyJ0eXBlIjoicGluZyJ9","p":"ab"}"#)
    }

    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(b""), 0);
    }

    #[test]
    fn events_and_errors_are_said_as_messages_says_them() {
        let mut frames = Frames::default();
        assert_eq!(frames.push(&chunk()).unwrap(), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
        let thrown = frame("exception", "throttlingException", r#"{"message":"slow\ndown"}"#);
        let said = frames.push(&thrown).unwrap();
        let said = std::str::from_utf8(&said).unwrap();
        assert!(said.starts_with("event: error\ndata: {") && said.contains("rate_limit_error"));
        assert_eq!(said.lines().count(), 3, "{said}");
        assert!(!frames.is_cut());
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        for at in [0, 5, 9, 20, 50] {
            let mut bytes = chunk();
            bytes[at] ^= 1;
            bytes.extend_from_slice(&chunk());
            bytes.extend(vec![0; 1 << 16]);
            assert!(Frames::default().push(&bytes).is_err(), "{at}");
        }
        for payload in [
            "x",
            "{}",
            r#"{"bytes":"!!"}"#,
            // A line end between its members.
            r#"{"bytes":"eyJ0eXBlIjoicGluZyIKfQ=="}"#,
            // No type, and one that would be a line of its own.
            r#"{"bytes":"e30="}"#,
            r#"{"bytes":"eyJ0eXBlIjoiYVxuYiJ9"}"#,
        ] {
            let bytes = frame("event", "chunk", payload);
            assert!(Frames::default().push(&bytes).is_err(), "{payload}");
        }
    }

    proptest! {
        #[test]
        fn any_split_says_the_same(cuts in prop::collection::vec(1_usize..40, 0..8)) {
            let mut all = chunk();
            all.extend_from_slice(&frame("event", "initial-response", "{}"));
            all.extend_from_slice(&chunk());
            let whole = Frames::default().push(&all).unwrap();
            let mut frames = Frames::default();
            let (mut said, mut rest) = (Vec::new(), all.as_slice());
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                said.extend_from_slice(&frames.push(now).unwrap());
                rest = later;
            }
            said.extend_from_slice(&frames.push(rest).unwrap());
            prop_assert_eq!(said, whole);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(Frames::default().push(&bytes));
        }
    }
}
