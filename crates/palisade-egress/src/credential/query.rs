use zeroize::Zeroizing;

/// A part of a query as servers read it: percent encodings and `+` decoded. What is no encoding stays.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [one, two, behind @ ..]) => match (digit(*one), digit(*two)) {
                (Some(one), Some(two)) => {
                    out.push(one << 4 | two);
                    rest = behind;
                }
                _ => out.push(byte),
            },
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    out
}

/// Whether some server takes a field that is written so for the one of this name: case, brackets and a NUL behind it
/// and blanks before it do not count everywhere, and to PHP a `.` and a blank are `_`.
pub(crate) fn is_twin(written: &str, name: &str) -> bool {
    let generous = |bytes: &[u8]| {
        let bytes = bytes.trim_ascii();
        let end = bytes.iter().position(|byte| matches!(byte, b'[' | 0)).unwrap_or(bytes.len());
        let folded = |byte: &u8| match byte {
            b'.' | b' ' => b'_',
            byte => byte.to_ascii_lowercase(),
        };
        bytes.iter().take(end).map(folded).collect::<Vec<u8>>()
    };
    let decoded = decoded(written);
    decoded == name.as_bytes() || generous(&decoded) == generous(name.as_bytes())
}

/// With every character encoded that is not unreserved (RFC 3986, section 2.3).
pub(crate) fn encoded(text: &str) -> Zeroizing<String> {
    encoded_bytes(text.as_bytes())
}

/// The same of bytes.
pub(crate) fn encoded_bytes(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let half = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or('0');
    let mut out = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(3)));
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(half(byte >> 4));
            out.push(half(byte & 15));
        }
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_encoding_stays() {
        assert_eq!(decoded("a%2Fb+c%2%zz%"), b"a/b c%2%zz%");
        assert_eq!(*encoded("a/b c=é"), "a%2Fb%20c%3D%C3%A9");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(text in ".*") {
            prop_assert_eq!(decoded(&encoded(&text)), text.into_bytes());
        }
    }
}
