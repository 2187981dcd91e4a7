//! The normal form of a text: what a reader makes of it, whatever it is written with.

use unicode_normalization::UnicodeNormalization as _;

use crate::{confusable::skeleton, hidden::is_hidden};

/// Lower case, compatibility forms unfolded, invisible characters left out, letters of other
/// scripts that stand within Latin words made Latin, spaced-out words joined.
pub(crate) fn normal(text: &str) -> String {
    joined(clean(text).to_lowercase())
}

/// The same, with its letters as large as they are, and words as they are spaced.
pub(crate) fn clean(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let plain: String = text
        .chars()
        .filter(|&c| !is_hidden(c))
        .nfkc()
        .filter(|&c| !is_pointing(c))
        .map(plain)
        .collect();
    if plain.is_ascii() { plain } else { latin(&plain) }
}

/// Is this a sign for a vowel, a doubling or a stretch, which Arabic and Hebrew are read without?
fn is_pointing(c: char) -> bool {
    matches!(c, '\u{64b}'..='\u{652}' | '\u{670}' | '\u{640}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}')
}

fn plain(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{2032}' | '\u{02bc}' | '`' => '\'',
        '\u{201c}'
        | '\u{201d}'
        | '\u{201e}'
        | '\u{00ab}'
        | '\u{00bb}'
        | '\u{300c}'..='\u{300f}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c if c.is_whitespace() && c != '\n' => ' ',
        c => c,
    }
}

/// Words that hold Latin letters and look-alikes of others become Latin.
fn latin(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let latin_text = text.bytes().filter(u8::is_ascii_alphabetic).count() * 8 > letters * 7;
    for c in text.chars().chain(std::iter::once(' ')) {
        if c.is_alphabetic() {
            word.push(c);
            continue;
        }
        flush(&mut out, &mut word, latin_text);
        out.push(c);
    }
    out.pop();
    out
}

fn flush(out: &mut String, word: &mut String, latin_text: bool) {
    let other = |c: char| matches!(c, '\u{0370}'..='\u{052f}' | '\u{1d00}'..='\u{1dbf}' | '\u{0250}'..='\u{02af}' | '\u{13a0}'..='\u{13ff}' | '\u{ab30}'..='\u{abbf}');
    let strange = word.chars().filter(|&c| other(c)).count();
    let mixed = strange > 0 && (word.bytes().any(|b| b.is_ascii_alphabetic()) || latin_text);
    if mixed {
        let folded: String = word
            .chars()
            .map(|c| {
                if other(c) { skeleton(c.encode_utf8(&mut [0; 4])).next().unwrap_or(c) } else { c }
            })
            .collect();
        // A whole word of another script within Latin text is a word of that script, unless all of it looks Latin.
        if folded.is_ascii() || strange < word.chars().count() {
            out.push_str(&folded);
            word.clear();
            return;
        }
    }
    out.push_str(word);
    word.clear();
}

/// `s e n d` and `s-e-n-d` become `send`.
fn joined(text: String) -> String {
    const LEAST: usize = 4;
    let bytes = text.as_bytes();
    let single = |at: usize| {
        bytes.get(at).is_some_and(u8::is_ascii_alphabetic)
            && at
                .checked_sub(1)
                .and_then(|at| bytes.get(at))
                .is_none_or(|b| !b.is_ascii_alphanumeric())
            && bytes.get(at + 1).is_none_or(|b| !b.is_ascii_alphanumeric())
    };
    // Most texts have none: look first.
    let mut run = 0;
    let mut at = 0;
    let mut found = false;
    while at < bytes.len() {
        if single(at) {
            run += 1;
            at += 2;
            if run >= LEAST {
                found = true;
                break;
            }
        } else {
            run = 0;
            at += 1;
        }
    }
    if !found {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut letters = String::new();
        let separator = bytes.get(at + 1).copied();
        while single(at) && matches!(separator, Some(b' ' | b'-' | b'_' | b'.' | b'*')) {
            letters.push(char::from(bytes.get(at).copied().unwrap_or_default()));
            at += 1;
            if bytes.get(at).copied() == separator && single(at + 1) {
                at += 1;
            } else {
                break;
            }
        }
        if letters.len() >= LEAST {
            out.push_str(text.get(copied..start).unwrap_or_default());
            out.push_str(&letters);
            copied = at;
        } else {
            at = at.max(start + 1);
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn disguises_fall() {
        for disguised in [
            "Send",
            "ѕеnd",
            "ｓｅｎｄ",
            "𝘀𝗲𝗻𝗱",
            "s\u{200b}e\u{200d}nd",
            "s e n d",
            "S-E-N-D",
            "s\u{00ad}end",
            "ⓢⓔⓝⓓ",
        ] {
            assert_eq!(normal(disguised), "send", "{disguised:?}");
        }
    }

    #[test]
    fn other_scripts_stay() {
        assert_eq!(normal("Отправь"), "отправь");
        assert_eq!(normal("ファイル"), "ファイル");
    }

    #[test]
    fn vowel_signs_do_not_make_another_word() {
        assert_eq!(normal("لا تُذكَر"), normal("لا تذكر"));
        assert_eq!(normal("نفّذ"), normal("نفذ"));
        assert_eq!(normal("الملـــف"), normal("الملف"));
        assert_eq!(normal("שָׁלַח"), normal("שלח"));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text: String) {
            normal(&text);
        }
    }
}
