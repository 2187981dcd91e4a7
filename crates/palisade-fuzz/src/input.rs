//! Any bytes as what a target needs.

/// A number under `below`, and what follows it.
pub(crate) fn number(data: &[u8], below: usize) -> (usize, &[u8]) {
    match data.split_first() {
        Some((first, rest)) => (usize::from(*first) % below.max(1), rest),
        None => (0, data),
    }
}

/// The bytes before the first NUL, and those after it.
pub(crate) fn two(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}

/// As text, whatever it is.
pub(crate) fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// The bytes in pieces whose lengths come from a few numbers, over and over. No piece is empty.
pub(crate) fn pieces<'a>(data: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut lengths = lengths.iter().map(|length| usize::from(*length % 61) + 1).cycle();
    let mut rest = data;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let length = lengths.next().unwrap_or(1).min(rest.len());
        let (piece, after) = rest.split_at(length);
        out.push(piece);
        rest = after;
    }
    out
}
