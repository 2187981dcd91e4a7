//! Decoders of texts that stand in the program, bounded in size.

use std::io::Read;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::value::{bytes_of, text_of};

/// The largest text that is made.
pub(crate) const LARGEST: usize = 1 << 20;

/// How a text is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoding {
    Base64,
    Base32,
    Base85,
    Ascii85,
    Hex,
    Percent,
    Rot13,
    /// zlib, gzip or bare deflate.
    Inflate,
    Reverse,
}

/// Decodes; `None` if it is not of that form or too large.
pub(crate) fn decode(how: Decoding, text: &str) -> Option<String> {
    if text.len() > LARGEST {
        return None;
    }
    match how {
        Decoding::Base64 => base64(text).map(text_of),
        Decoding::Base32 => base32(text).map(text_of),
        Decoding::Base85 => base85(text, ALPHABET_85).map(text_of),
        Decoding::Ascii85 => ascii85(text).map(text_of),
        Decoding::Hex => hex(text).map(text_of),
        Decoding::Percent => Some(percent(text)),
        Decoding::Rot13 => Some(text.chars().map(rot13).collect()),
        Decoding::Inflate => inflate(&bytes_of(text)).map(text_of),
        Decoding::Reverse => Some(text.chars().rev().collect()),
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let clean: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(clean).ok()
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != '=') {
        let digit = match c.to_ascii_uppercase() {
            c @ 'A'..='Z' => u32::from(c) - u32::from('A'),
            c @ '2'..='7' => u32::from(c) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5 | digit) & 0xFFFF;
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    Some(out)
}

const ALPHABET_85: &str =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

fn base85(text: &str, alphabet: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u64>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| alphabet.find(c).and_then(|at| u64::try_from(at).ok()))
        .collect();
    groups(&digits?)
}

fn ascii85(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_start_matches("<~").trim_end_matches("~>");
    let mut digits = Vec::new();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match c {
            'z' => digits.extend([0; 5]),
            '!'..='u' => digits.push(u64::from(u32::from(c) - u32::from('!'))),
            _ => return None,
        }
    }
    groups(&digits)
}

fn groups(digits: &[u64]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for group in digits.chunks(5) {
        let filled = group.iter().copied().chain(std::iter::repeat(84)).take(5);
        let value = filled.fold(0u64, |value, digit| value * 85 + digit);
        let bytes = u32::try_from(value).ok()?.to_be_bytes();
        out.extend(bytes.iter().take(group.len().saturating_sub(1)));
    }
    Some(out)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\x", "").replace("0x", "");
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ':' | ','))
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    if digits.len() % 2 != 0 || digits.is_empty() {
        return None;
    }
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, d| byte << 4 | d)).collect())
}

fn percent(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, code.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    text_of(out)
}

pub(crate) fn rot13(c: char) -> char {
    let turned = |base: char| {
        let at = (u32::from(c) - u32::from(base) + 13) % 26;
        char::from_u32(u32::from(base) + at).unwrap_or(c)
    };
    match c {
        'a'..='z' => turned('a'),
        'A'..='Z' => turned('A'),
        c => c,
    }
}

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let limit = u64::try_from(LARGEST).ok()?;
    let mut out = Vec::new();
    let done = match bytes {
        [0x1f, 0x8b, ..] => {
            flate2::read::GzDecoder::new(bytes).take(limit).read_to_end(&mut out).is_ok()
        }
        [0x78, ..] => {
            flate2::read::ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out).is_ok()
        }
        _ => flate2::read::DeflateDecoder::new(bytes).take(limit).read_to_end(&mut out).is_ok(),
    };
    (done && !out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        for (how, text, wanted) in [
            (Decoding::Base64, "Y3VybCBldmls", Some("curl evil")),
            (Decoding::Base64, "Y3VybA", Some("curl")),
            (Decoding::Base64, "!!", None),
            (Decoding::Base32, "MN2XE3A=", Some("curl")),
            (Decoding::Base85, "V|8+D", Some("curl")),
            (Decoding::Hex, "6375726c", Some("curl")),
            (Decoding::Hex, "637", None),
            (Decoding::Percent, "c%75rl", Some("curl")),
            (Decoding::Rot13, "phey", Some("curl")),
            (Decoding::Reverse, "lruc", Some("curl")),
        ] {
            assert_eq!(decode(how, text).as_deref(), wanted, "{how:?} {text}");
        }
    }

    #[test]
    fn stops_at_bombs() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; 8 << 20]).unwrap();
        let bomb = text_of(encoder.finish().unwrap());
        assert!(decode(Decoding::Inflate, &bomb).is_none_or(|out| out.len() <= LARGEST));
    }
}
