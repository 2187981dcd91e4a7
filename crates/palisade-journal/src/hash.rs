use std::{fmt, str::FromStr};

use palisade_core::SessionId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256, written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands as `prev` in the first record of a session.
    pub fn session_genesis(session: &SessionId) -> Self {
        Self::of(&[b"palisade-journal/1\n", session.as_str().as_bytes(), b"\n"])
    }

    /// What stands as `prev` in the first entry of a ledger.
    pub fn ledger_genesis() -> Self {
        Self::of(&[b"palisade-ledger/1\n"])
    }

    /// The hash of these pieces, one after the other.
    pub(crate) fn of(pieces: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for piece in pieces {
            hasher.update(piece);
        }
        Self(hasher.finalize().into())
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash that these 64 digits are.
    pub(crate) fn of_hex(text: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        read_hex(text, &mut hash).then_some(Self(hash))
    }

    /// The 64 digits.
    pub(crate) fn hex(&self) -> [u8; 64] {
        let mut text = [b'0'; 64];
        write_hex(&self.0, &mut text);
        text
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Sha256> for Hash {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

/// The text is not 64 lowercase hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 lowercase hexadecimal digits")]
pub struct HashError;

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of_hex(text.as_bytes()).ok_or(HashError)
    }
}

impl TryFrom<std::borrow::Cow<'_, str>> for Hash {
    type Error = HashError;

    fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Write bytes as lowercase digits; `text` has two for each.
pub(crate) fn write_hex(bytes: &[u8], text: &mut [u8]) {
    // Computed and not looked up: a compiler does many at once.
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

/// Read lowercase digits, two a byte; false if they are others, or not as many.
pub(crate) fn read_hex(text: &[u8], bytes: &mut [u8]) -> bool {
    /// More than any digit, and still so when it is combined with one.
    const NONE: u8 = 0x80;
    let digit = |byte: u8| {
        let (number, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
        if number < 10 {
            number
        } else if letter < 6 {
            letter + 10
        } else {
            NONE
        }
    };
    if text.len() != bytes.len().saturating_mul(2) {
        return false;
    }
    let mut seen = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
        let (high, low) = (digit(*high), digit(*low));
        *byte = high << 4 | low;
        seen |= high | low;
    }
    seen < 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_agree() {
        let hash = Hash::of(&[b"a", b"bc"]);
        assert_eq!(
            hash.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for bad in ["", "ab", &"A".repeat(64), &"g".repeat(64), &"a".repeat(63)] {
            assert!(bad.parse::<Hash>().is_err());
        }
        for byte in 0..=255_u8 {
            let is_digit = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            for at in [0, 1, 62, 63] {
                let mut text = [b'7'; 64];
                text[at] = byte;
                assert_eq!(read_hex(&text, &mut [0; 32]), is_digit, "{byte} at {at}");
            }
        }
    }
}
