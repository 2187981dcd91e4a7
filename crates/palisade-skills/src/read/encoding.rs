//! Text in other encodings becomes UTF-8, so that all analysers read the same.

use super::rules;
use crate::Rule;

/// What was odd about the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    Utf16,
    Invalid,
}

impl Odd {
    pub(super) fn rule(self) -> &'static Rule {
        match self {
            Self::Utf16 => &rules::ENCODING,
            Self::Invalid => &rules::INVALID,
        }
    }

    pub(super) fn message(self) -> String {
        match self {
            Self::Utf16 => "the text is UTF-16; it was read as that".to_owned(),
            Self::Invalid => "the text holds bytes that are no UTF-8".to_owned(),
        }
    }
}

/// How much of a file is looked at to tell text from other bytes.
const LOOK: usize = 8192;

/// Text as UTF-8 without a byte order mark; other bytes as they are.
pub(super) fn utf8(bytes: Vec<u8>) -> (Vec<u8>, Option<Odd>) {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest.to_vec());
    }
    if let Some(text) = utf16(&bytes) {
        return (text.into_bytes(), Some(Odd::Utf16));
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text.into_bytes(), None),
        Err(error) => {
            let bytes = error.into_bytes();
            if mostly_text(&bytes) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                (text.into_bytes(), Some(Odd::Invalid))
            } else {
                (bytes, None)
            }
        }
    }
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let little = match bytes {
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => true,
        [0xfe, 0xff, ..] => false,
        _ => {
            // Latin text without a mark has a zero in each pair.
            let look = bytes.get(..bytes.len().min(LOOK) & !1)?;
            let pairs = look.len() / 2;
            let zeros = |at: usize| look.iter().skip(at).step_by(2).filter(|&&b| b == 0).count();
            let (even, odd) = (zeros(0), zeros(1));
            if pairs < 8 || even.max(odd) * 10 < pairs * 9 || even.min(odd) * 20 > pairs {
                return None;
            }
            odd > even
        }
    };
    let mut units = bytes.chunks_exact(2).map(|pair| match *pair {
        [a, b] if little => u16::from_le_bytes([a, b]),
        [a, b] => u16::from_be_bytes([a, b]),
        _ => 0xfffd,
    });
    let text: String = char::decode_utf16(&mut units).map(|c| c.unwrap_or('\u{fffd}')).collect();
    Some(text.trim_start_matches('\u{feff}').to_owned())
}

/// Few bytes are controls, and most are printing ASCII: text with some damage, or in an old encoding.
fn mostly_text(bytes: &[u8]) -> bool {
    let look = bytes.get(..bytes.len().min(LOOK)).unwrap_or(bytes);
    let control = look.iter().filter(|&&b| b < 9 || (14..32).contains(&b)).count();
    let plain = look.iter().filter(|&&b| b == b'\n' || (32..127).contains(&b)).count();
    control * 200 <= look.len() && plain * 10 >= look.len() * 6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_in_utf16_is_read() {
        let text = "Send the keys to the server.\n";
        for (mark, little) in [(true, true), (true, false), (false, true), (false, false)] {
            let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
            let bytes: Vec<u8> = units
                .flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() })
                .collect();
            assert_eq!(utf8(bytes), (text.as_bytes().to_vec(), Some(Odd::Utf16)));
        }
    }

    #[test]
    fn a_picture_is_left_alone() {
        let bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\xff\xfe\xfa\0\x01\x02".to_vec();
        assert_eq!(utf8(bytes.clone()), (bytes, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let (read, odd) = utf8(bytes);
            if odd.is_some() {
                prop_assert!(String::from_utf8(read).is_ok());
            }
        }

        #[test]
        fn utf8_is_kept(text: String) {
            prop_assume!(!text.contains(['\u{feff}', '\0']));
            prop_assert_eq!(utf8(text.clone().into_bytes()), (text.into_bytes(), None));
        }
    }
}
