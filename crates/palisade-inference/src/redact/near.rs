use memchr::{memchr, memchr2};

/// How much is looked at, or copied, in one piece of its own.
pub(super) const SHORT: usize = 16;

/// Where the first of two bytes is. Where there are escapes there are many, and each is only some bytes
/// from the next one: as near as that, it is found without a call.
#[inline]
pub(super) fn next_of(text: &[u8], one: u8, other: u8) -> Option<usize> {
    let Some(near) = text.first_chunk::<8>() else {
        return text.iter().position(|byte| *byte == one || *byte == other);
    };
    let word = u64::from_le_bytes(*near);
    let found = zeros(word ^ spread(one)) | zeros(word ^ spread(other));
    if found != 0 {
        return usize::try_from(found.trailing_zeros() / 8).ok();
    }
    let far = text.get(8..)?;
    let found = if one == other { memchr(one, far) } else { memchr2(one, other, far) };
    found.map(|at| at.saturating_add(8))
}

const fn spread(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte that is zero. Above the first of them it may be wrong.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(spread(1)) & !word & spread(0x80)
}

/// Adds the first bytes of a text. A few of them are copied with some more, which are cut off again: a copy of a length that is
/// known beforehand needs no call.
pub(super) fn append(out: &mut Vec<u8>, text: &[u8], length: usize) {
    match text.first_chunk::<SHORT>() {
        Some(near) if length <= SHORT => {
            let end = out.len().saturating_add(length);
            out.extend_from_slice(near);
            out.truncate(end);
        }
        _ => out.extend_from_slice(text.get(..length).unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_of_two_is_found(text in prop::collection::vec(prop_oneof![Just(b'\\'), Just(b'%'), any::<u8>()], 0..40)) {
            let expected = text.iter().position(|byte| matches!(byte, b'\\' | b'%'));
            prop_assert_eq!(next_of(&text, b'\\', b'%'), expected);
            let one = text.iter().position(|byte| *byte == 0);
            prop_assert_eq!(next_of(&text, 0, 0), one);
        }

        #[test]
        fn as_much_is_added_as_is_wanted(text in prop::collection::vec(any::<u8>(), 0..60), length in 0_usize..60) {
            let mut out = b"before".to_vec();
            append(&mut out, &text, length);
            let expected = [&b"before"[..], &text[..length.min(text.len())]].concat();
            prop_assert_eq!(out, expected);
        }
    }
}
