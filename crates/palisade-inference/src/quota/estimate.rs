use std::time::Duration;

use memchr::{memchr, memchr_iter, memchr2};

use crate::Usage;

/// What an answer is taken to have at most, of a call that does not say it.
const UNSAID: u64 = 8192;
/// The shortest text that may be a picture or a file, and not words.
const MEDIA: usize = 4096;
/// What a picture or a page costs, about, whatever its bytes.
const MEDIUM: u64 = 2000;

/// What a call may use, before it is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// Tokens of the prompt.
    pub(crate) input: u64,
    /// Tokens of the answer, at most.
    pub(crate) output: u64,
}

impl Estimate {
    /// Of a request: a token for each three bytes of its text, which is more than English and code
    /// have, and the answer as long as it may be.
    pub(crate) fn of(body: &[u8], max_tokens: Option<u64>, answers: bool) -> Self {
        let (media, number) = media(body);
        let text = count(body.len().saturating_sub(media));
        let input = text.div_ceil(3).saturating_add(number.saturating_mul(MEDIUM));
        let output = if answers { max_tokens.unwrap_or(UNSAID) } else { 0 };
        Self { input, output }
    }
}

/// The least that is believed of a server that has answered so many bytes: no prompt has fewer tokens
/// than one for sixteen bytes, and no answer, with all that is round its words in a stream, than one
/// for 256.
pub(crate) fn floor(estimate: Estimate, answered: u64) -> Usage {
    // The estimate has a token for each three bytes.
    let input = estimate.input.saturating_mul(3) / 16;
    let output = if estimate.output == 0 { 0 } else { answered / 256 };
    Usage { input, output, ..Usage::default() }
}

/// What an answer of so many bytes has used that was broken off before its server said so: rather
/// too much than too little, and never more than it might have had.
pub(crate) fn of_answer(estimate: Estimate, answered: u64) -> Usage {
    let output = answered.div_ceil(16).min(estimate.output);
    Usage { input: estimate.input, output, ..Usage::default() }
}

/// Tokens that a server may have written by now of which nothing has come: no model writes faster than one in two
/// milliseconds.
pub(crate) fn of_time(estimate: Estimate, passed: Duration) -> u64 {
    let most = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX) / 2;
    most.min(estimate.output)
}

/// Keys that a picture, a sound or a file stands behind.
const MEDIA_KEYS: [&[u8]; 8] = [
    b"data",
    b"url",
    b"image_url",
    b"imageUrl",
    b"image",
    b"file_data",
    b"fileData",
    b"input_audio",
];
/// How they begin in base64: PNG, JPEG, GIF, WebP and WAV, PDF, BMP, TIFF, ICO, MP3, Ogg, FLAC, MP4 and its like, ZIP, Matroska.
const BEGIN: [&[u8]; 18] = [
    b"iVBORw0KGgo",
    b"/9j/",
    b"R0lGOD",
    b"UklGR",
    b"JVBERi",
    b"Qk0",
    b"SUkqA",
    b"TU0AK",
    b"AAABAA",
    b"SUQz",
    b"//s",
    b"//v",
    b"//P",
    b"T2dnUw",
    b"ZkxhQ",
    b"AAAA",
    b"UEsDB",
    b"GkXfo",
];
/// Keys that something encrypted or signed stands behind: no words to a model, or none that it has not written.
const SEALED_KEYS: [&[u8]; 4] =
    [b"signature", b"encrypted_content", b"thoughtSignature", b"thought_signature"];

/// Bytes of what is no text, and how many pieces there are. A text without a blank is a text.
fn media(body: &[u8]) -> (usize, u64) {
    let (mut bytes, mut number) = (0_usize, 0_u64);
    let mut last = 0;
    let (mut key, mut before): (&[u8], &[u8]) = (&[], &[]);
    for quote in memchr_iter(b'"', body) {
        let between = body.get(last..quote).unwrap_or_default();
        if between.len() >= MEDIA && before.trim_ascii() == b":" && is_medium(key, between) {
            bytes = bytes.saturating_add(between.len());
            number = number.saturating_add(1);
        }
        (key, before) = (before, between);
        last = quote.saturating_add(1);
    }
    (bytes, number)
}

fn is_medium(key: &[u8], value: &[u8]) -> bool {
    let coded = match value.strip_prefix(b"data:") {
        Some(rest) => memchr(b',', rest.get(..256).unwrap_or(rest))
            .map_or(rest, |comma| rest.get(comma.saturating_add(1)..).unwrap_or_default()),
        None => value,
    };
    let begins = MEDIA_KEYS.contains(&key) && BEGIN.iter().any(|begin| coded.starts_with(begin));
    (begins || SEALED_KEYS.contains(&key)) && memchr2(b' ', b'\\', coded).is_none()
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_not_counted_by_their_bytes() {
        let text = format!(
            "{{\"a\":\"{}\",\"data\" : \"iVBORw0KGgo{}\"}}",
            "x y ".repeat(3000),
            "A".repeat(90_000)
        );
        let estimate = Estimate::of(text.as_bytes(), Some(100), true);
        assert_eq!(estimate.output, 100);
        assert!((4000..7000).contains(&estimate.input), "{estimate:?}");
        assert_eq!(Estimate::of(b"{}", None, false).output, 0);
        assert_eq!(Estimate::of(b"{}", None, true).output, 8192);
    }

    #[test]
    fn words_without_a_blank_are_no_picture() {
        let many = "word,".repeat(20_000);
        let digits = "wordWORD".repeat(12_500);
        let picture = format!("data:image/png;base64,iVBORw0KGgo{digits}");
        let input = |body: String| Estimate::of(body.as_bytes(), Some(1), true).input;
        for body in [
            format!("{{\"text\":\"{many}\"}}"),
            format!("{{\"text\":\"{digits}\"}}"),
            format!("{{\"text\":\"{picture}\"}}"),
            format!("{{\"data\":\"{many}\"}}"),
            format!("{{\"data\":\"{digits}\"}}"),
            format!("{{\"text\":\"\\\"data\\\":\\\"iVBORw0KGgo{digits}\"}}"),
            format!("{{\"text\":[\"data\",\"iVBORw0KGgo{digits}\"]}}"),
        ] {
            assert!(input(body.clone()) > 30_000, "{}", &body[..60]);
        }
        for body in [
            format!("{{\"url\":\"{picture}\"}}"),
            format!("{{\"data\":\"JVBERi{digits}\"}}"),
            format!("{{\"signature\":\"{digits}\"}}"),
        ] {
            assert!(input(body.clone()) < 3000, "{}", &body[..60]);
        }
    }

    #[test]
    fn a_server_that_says_nothing_was_used_is_not_believed() {
        let estimate = Estimate { input: 16_000, output: 100 };
        let floor = floor(estimate, 25_600);
        assert_eq!((floor.input, floor.output), (3000, 100));
        assert_eq!(of_answer(estimate, 160).output, 10);
        assert_eq!(of_answer(estimate, 9000).output, 100);
    }
}
