//! What tells a key from a text that only looks like one.

/// The checksum of a GitHub or npm token: CRC-32 of what is before it, in six digits of base 62.
pub(super) fn crc32_base62(token: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((content, sum)) = token.len().checked_sub(6).and_then(|at| token.split_at_checked(at))
    else {
        return false;
    };
    let mut number = u64::from(crc32(content));
    for digit in sum.iter().rev() {
        let expected = usize::try_from(number % 62).ok().and_then(|value| DIGITS.get(value));
        if expected != Some(digit) {
            return false;
        }
        number /= 62;
    }
    number == 0
}

/// CRC-32 as in IEEE 802.3. The texts are short: a table would cost more than it saves.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// Whether a text looks as if it was drawn at random: as many different characters as there would be,
/// not in the order of the alphabet, and with digits among them.
pub(super) fn random(text: &[u8]) -> bool {
    let text = text.get(..text.len().min(200)).unwrap_or(text);
    if text.len() < 8 || !text.iter().any(u8::is_ascii_digit) {
        return false;
    }
    if !text.iter().any(u8::is_ascii_alphabetic) {
        return false;
    }
    let in_order = text
        .windows(2)
        .filter(|pair| matches!(pair, [one, other] if one == other || one.checked_add(1) == Some(*other)))
        .count();
    if in_order.saturating_mul(3) > text.len() {
        return false;
    }
    // A text of n letters drawn from sixteen has about this many different ones at least.
    let least = match text.len() {
        0..12 => 6,
        12..20 => 8,
        20..32 => 9,
        _ => 11,
    };
    let mut seen = [false; 256];
    for byte in text {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    seen.iter().filter(|seen| **seen).count() >= least
}

/// What a text of base64 stands for, of either alphabet and without regard to what is left over.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let Some(value) = digit(*byte) else { continue };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
        }
    }
    out
}

/// The same for groups of four digits, as far as nothing else comes. How far that was.
pub(super) fn base64_whole(text: &[u8], out: &mut Vec<u8>) -> usize {
    let value = |byte: u8| u32::from(DIGITS.get(usize::from(byte)).copied().unwrap_or(NONE));
    out.reserve(text.len() / 4 * 3);
    let mut done = 0_usize;
    for group in text.chunks_exact(4) {
        let [a, b, c, d] = *group else { break };
        let (a, b, c, d) = (value(a), value(b), value(c), value(d));
        if (a | b | c | d) & 0xc0 != 0 {
            break;
        }
        let [_, one, two, three] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
        out.extend_from_slice(&[one, two, three]);
        done = done.saturating_add(4);
    }
    done
}

/// The value of a digit of base64, of either alphabet.
pub(super) fn digit(byte: u8) -> Option<u8> {
    let value = DIGITS.get(usize::from(byte)).copied().unwrap_or(NONE);
    (value != NONE).then_some(value)
}

const NONE: u8 = 0xff;

/// Values of the digits of base64.
#[expect(clippy::indexing_slicing, reason = "in a constant, where it would not compile")]
const DIGITS: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut value = 0_u8;
    while value < 64 {
        let byte = match value {
            0..26 => b'A' + value,
            26..52 => b'a' + value - 26,
            52..62 => b'0' + value - 52,
            62 => b'+',
            _ => b'/',
        };
        table[byte as usize] = value;
        value += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_published_tokens_are_right() {
        // From the description of the format, none of them in use.
        for token in
            ["zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", "adE7dp8rHP6gUTuPwxLTZjZdtya3sV0UQzQM"]
        {
            assert!(crc32_base62(token.as_bytes()), "{token}");
            assert!(!crc32_base62(token.replace('A', "B").replace('a', "b").as_bytes()));
        }
        assert!(!crc32_base62(b"short"));
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn examples_do_not_look_random() {
        for example in [
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "your_api_key_goes_here_please_do_it_",
            "0000000000000000000000000000000000aa",
            "1234567890123456789012345678901234ab",
        ] {
            assert!(!random(example.as_bytes()), "{example}");
        }
        for real in ["zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", "5f2b1c9d8e7a6041b3c2d1e0f9a8b7c6"] {
            assert!(random(real.as_bytes()), "{real}");
        }
    }

    #[test]
    fn base64_of_both_alphabets() {
        assert_eq!(base64(b"aGVsbG8="), b"hello");
        assert_eq!(base64(b"-_-_"), base64(b"+/+/"));
    }
}
