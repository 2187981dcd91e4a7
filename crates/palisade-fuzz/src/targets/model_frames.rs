//! AWS' binary events: the same comes out however they are cut, and what comes out is an event stream.

use palisade_inference::fuzz::{Wire, events, frames, stream};

use crate::input::{pieces, two};

pub(crate) fn target(data: &[u8]) {
    let (lengths, bytes) = two(data);
    read(bytes, lengths);
    // A fuzzer finds no checksum: the same as a frame's headers and payload, with true ones.
    let (headers, payload) = bytes.split_at(bytes.len().min(lengths.len()));
    read(&framed(headers, payload), lengths);
    read(&framed(EVENT, bytes), lengths);
}

fn read(bytes: &[u8], lengths: &[u8]) {
    let (out, ended) = frames(&[bytes]);
    let (cut, then) = frames(&pieces(bytes, lengths));
    assert_eq!(then, ended);
    if ended.is_ok() {
        assert_eq!(cut, out);
        let (_, error) = events(&[&out]);
        assert_eq!(error, None, "{}", out.escape_ascii());
        stream(Wire::Messages, &[&out]);
    }
}

/// Headers of an event with a chunk of an answer.
const EVENT: &[u8] = b"\x0b:event-type\x07\x00\x05chunk\x0d:message-type\x07\x00\x05event";

fn framed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(&number(16 + headers.len() + payload.len()));
    out.extend_from_slice(&number(headers.len()));
    out.extend_from_slice(&crc32(&out).to_be_bytes());
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32(&out).to_be_bytes());
    out
}

/// CRC-32 as in gzip (RFC 1952, section 8).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    })
}
