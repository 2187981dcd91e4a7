//! Texts in bytes that are no text.

use crate::code::hosts::{self, Standing};

/// Bytes that are searched.
const MOST_BYTES: usize = 32 << 20;
/// Texts shorter than this are chance.
const SHORTEST: usize = 5;
/// The longest part of a text that is kept.
const LONGEST: usize = 512;

/// The runs of printable ASCII.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let bytes = bytes.get(..MOST_BYTES).unwrap_or(bytes);
    bytes
        .split(|byte| !(0x20..0x7f).contains(byte))
        .filter(|run| run.len() >= SHORTEST)
        .filter_map(|run| std::str::from_utf8(run.get(..LONGEST).unwrap_or(run)).ok())
}

/// An address in a text that only attacks use.
pub(super) fn telling(text: &str) -> bool {
    if text.contains("stratum+tcp://") || text.contains("stratum+ssl://") {
        return true;
    }
    let at = text.find("http://").or_else(|| text.find("https://"));
    let Some(address) = at.and_then(|at| text.get(at..)) else { return false };
    match hosts::standing_of(address) {
        Some(Standing::Drop) => true,
        // Addresses that programs carry for tests and documentation.
        Some(Standing::Address) => hosts::host_of(address)
            .and_then(|host| host.parse::<std::net::Ipv4Addr>().ok())
            .is_some_and(|v4| {
                !v4.is_documentation() && !v4.is_multicast() && v4.octets() != [255; 4]
            }),
        _ => false,
    }
}

/// Bits of information in a byte, from 0 to 8.
pub(super) fn entropy(bytes: &[u8]) -> f64 {
    if bytes.is_empty() {
        return 0.0;
    }
    let mut counts = [0u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a length in bytes, only to be divided by")]
    let total = bytes.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}
