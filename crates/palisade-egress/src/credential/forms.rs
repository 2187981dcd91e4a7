use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

/// A text as it is found in messages: as it is, and in the encodings that servers reflect it in.
///
/// Two texts that differ only in letters and digits have forms of the same lengths in the same order:
/// what replaces one by the other changes no length.
#[derive(Debug)]
pub(crate) struct Forms(Vec<Zeroizing<Vec<u8>>>);

impl Forms {
    /// The forms of a text of printable ASCII characters. The first is the text itself.
    pub(crate) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut all = vec![Zeroizing::new(bytes.to_vec())];
        for upper in [true, false] {
            for kept in [KEPT_STRICT, KEPT_BY_SCRIPTS, ""] {
                all.push(percent(bytes, kept.as_bytes(), upper, kept.is_empty()));
            }
        }
        all.push(escaped(bytes, &[(b'"', "\\\""), (b'\\', "\\\\")]));
        all.push(escaped(bytes, &[(b'"', "\\\""), (b'\\', "\\\\"), (b'/', "\\/")]));
        all.push(escaped(
            bytes,
            &[
                (b'"', "\\\""),
                (b'\\', "\\\\"),
                (b'<', "\\u003c"),
                (b'>', "\\u003e"),
                (b'&', "\\u0026"),
            ],
        ));
        let entities = [(b'&', "&amp;"), (b'<', "&lt;"), (b'>', "&gt;"), (b'"', "&quot;")];
        all.push(escaped(bytes, &entities));
        for quote in ["&#39;", "&#x27;"] {
            let quoted: Vec<_> = entities.iter().copied().chain([(b'\'', quote)]).collect();
            all.push(escaped(bytes, &quoted));
        }
        // Escapes of JSON, JavaScript and HTML that need none.
        for digits in [DIGITS, CAPITAL_DIGITS] {
            for (before, after) in [("\\u00", ""), ("\\x", ""), ("&#x", ";")] {
                all.push(numbered(bytes, before, digits, after));
            }
        }
        for before in 0..3 {
            all.push(base64(bytes, before, false));
            all.push(base64(bytes, before, true));
        }
        all.push(hex(bytes, DIGITS));
        all.push(hex(bytes, CAPITAL_DIGITS));
        // What is written in hexadecimal says the same in either case, and much of it does elsewhere.
        all.push(Zeroizing::new(bytes.to_ascii_lowercase()));
        all.push(Zeroizing::new(bytes.to_ascii_uppercase()));
        Self(all)
    }

    /// Each form, always in the same order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|form| form.as_slice())
    }

    /// The length of the longest.
    #[cfg(test)]
    pub(crate) fn longest(&self) -> usize {
        self.iter().map(<[u8]>::len).max().unwrap_or(0)
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";
const CAPITAL_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// RFC 3986, section 2.3.
const KEPT_STRICT: &str = "-._~";
/// What `encodeURIComponent` leaves besides letters and digits.
const KEPT_BY_SCRIPTS: &str = "-._~!*'()";

fn percent(bytes: &[u8], kept: &[u8], upper: bool, all: bool) -> Zeroizing<Vec<u8>> {
    let digits = if upper { CAPITAL_DIGITS } else { DIGITS };
    // Room for all of it: no copy is left behind by growing.
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len().saturating_mul(3)));
    for &byte in bytes {
        if !all && (byte.is_ascii_alphanumeric() || kept.contains(&byte)) {
            out.push(byte);
        } else {
            out.push(b'%');
            out.extend(pair(byte, digits));
        }
    }
    out
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len().saturating_mul(2)));
    out.extend(bytes.iter().flat_map(|&byte| pair(byte, digits)));
    out
}

/// Each character by its number, between these.
fn numbered(bytes: &[u8], before: &str, digits: &[u8; 16], after: &str) -> Zeroizing<Vec<u8>> {
    let one = before.len().saturating_add(2).saturating_add(after.len());
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len().saturating_mul(one)));
    for &byte in bytes {
        out.extend_from_slice(before.as_bytes());
        out.extend(pair(byte, digits));
        out.extend_from_slice(after.as_bytes());
    }
    out
}

fn pair(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|half| digits.get(usize::from(half)).copied().unwrap_or(b'0'))
}

fn escaped(bytes: &[u8], escapes: &[(u8, &str)]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len().saturating_mul(6)));
    for byte in bytes {
        match escapes.iter().find(|(from, _)| from == byte) {
            Some((_, to)) => out.extend_from_slice(to.as_bytes()),
            None => out.push(*byte),
        }
    }
    out
}

/// The characters that a text gives in base64 with `before` bytes (modulo 3) before it, whatever those are
/// and whatever follows. The character at either end that it shares with a neighbour is not there.
fn base64(bytes: &[u8], before: usize, for_urls: bool) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(vec![0; before]);
    text.reserve_exact(bytes.len());
    text.extend_from_slice(bytes);
    let engine = if for_urls { &URL_SAFE_NO_PAD } else { &STANDARD_NO_PAD };
    let coded = Zeroizing::new(engine.encode(&*text));
    let bits = |count: usize| count.saturating_mul(8);
    let from = bits(before).div_ceil(6);
    let to = bits(text.len()) / 6;
    Zeroizing::new(coded.as_bytes().get(from..to).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn has(text: &str, form: &str) -> bool {
        Forms::of(text).iter().any(|known| known == form.as_bytes())
    }

    #[test]
    fn encodings_by_others_are_known() {
        // Made by python's urllib, json, html and base64.
        assert!(has("pa/ss+wo=rd", "pa%2Fss%2Bwo%3Drd"));
        assert!(has("pa/ss+wo=rd", "pa%2fss%2bwo%3drd"));
        assert!(has("pa/ss\"w\\rd", "pa/ss\\\"w\\\\rd"));
        assert!(has("pa/ss\"w\\rd", "pa\\/ss\\\"w\\\\rd"));
        assert!(has("a<b>c&d'efgh", "a&lt;b&gt;c&amp;d&#x27;efgh"));
        assert!(has("a<b>c&defgh", "a\\u003cb\\u003ec\\u0026defgh"));
        assert!(has("a/Z", "\\u0061\\u002f\\u005a") && has("a/Z", "\\u0061\\u002F\\u005A"));
        assert!(has("a/Z", "\\x61\\x2f\\x5a") && has("a/Z", "&#x61;&#x2F;&#x5A;"));
        assert!(has("sesame-open", "7365736d652d6f70656e".replace("6d65", "616d65").as_str()));
        assert!(has("abc", "%61%62%63"));
        assert!(has("0a1B2c3d", "0A1B2C3D") && has("0a1B2c3d", "0a1b2c3d"));
    }

    proptest! {
        #[test]
        fn base64_of_anything_around_holds_a_form(
            before in "[ -~]{0,9}", secret in "[!-~]{8,40}", after in "[ -~]{0,9}",
        ) {
            let forms = Forms::of(&secret);
            let whole = format!("{before}{secret}{after}");
            for coded in [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                let holds = |form: &[u8]| coded.as_bytes().windows(form.len()).any(|w| w == form);
                prop_assert!(forms.iter().any(holds), "{coded}");
            }
        }

        #[test]
        fn texts_of_one_shape_have_forms_of_one_length(
            one in "[a-z]{4}[-/+=\"]{2}[A-Z0-9]{6}", fresh in "[a-zA-Z0-9]{12}",
        ) {
            let mut fresh = fresh.chars();
            let other: String = one
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { fresh.next().unwrap_or('x') } else { c })
                .collect();
            let lengths = |text: &str| Forms::of(text).iter().map(<[u8]>::len).collect::<Vec<_>>();
            prop_assert_eq!(lengths(&one), lengths(&other));
        }
    }
}
