//! What may not leave for a provider elsewhere: prompts that carry it go to a local one, or nowhere.
//!
//! A prompt is read as its receiver reads it, the texts of a conversation in one piece, and what is encoded in it: a
//! picture's or a document's own words about itself stand in base64. So are the path, the query and the headers
//! that go out with it. Nothing else can: a body is JSON, or it is refused.

use std::{collections::BTreeSet, fmt};

use aho_corasick::AhoCorasick;
use regex_automata::{meta::Regex, util::syntax};

use crate::{
    ConfigError, Redactor,
    redact::{Texts, each_encoded},
};

/// Bytes that a compiled set of patterns may take.
const MOST_COMPILED: usize = 4 << 20;
/// Digits of a card's number (ISO/IEC 7812-1).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// What marks a prompt as one that may not leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalOnly {
    /// What redaction looks for.
    pub secrets: bool,
    /// Numbers of payment cards.
    pub cards: bool,
    /// Words, whatever the case of ASCII letters.
    pub texts: BTreeSet<String>,
    /// Regular expressions.
    pub patterns: BTreeSet<String>,
}

/// The same in the form that finds.
pub(crate) struct Private {
    pub(crate) secrets: bool,
    cards: bool,
    texts: Option<AhoCorasick>,
    patterns: Option<Regex>,
}

impl LocalOnly {
    /// Whether it names anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Private {
    pub(crate) fn new(of: &LocalOnly) -> Result<Self, ConfigError> {
        let wrong = |why: String| ConfigError::LocalOnly(why);
        let texts = (!of.texts.is_empty()).then(|| {
            let builder = AhoCorasick::builder().ascii_case_insensitive(true).build(&of.texts);
            builder.map_err(|error| wrong(error.to_string()))
        });
        let patterns = (!of.patterns.is_empty()).then(|| {
            let patterns: Vec<&String> = of.patterns.iter().collect();
            Regex::builder()
                .syntax(syntax::Config::new().utf8(false))
                .configure(Regex::config().nfa_size_limit(Some(MOST_COMPILED)))
                .build_many(&patterns)
                .map_err(|error| wrong(error.to_string()))
        });
        Ok(Self {
            secrets: of.secrets,
            cards: of.cards,
            texts: texts.transpose()?,
            patterns: patterns.transpose()?,
        })
    }

    /// Which kinds of it a body with these texts has.
    pub(crate) fn find(
        &self,
        body: &[u8],
        texts: &Texts,
        secrets: Option<&Redactor>,
    ) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        // What a tool was told may be a number, and no text.
        if self.cards && has_card(body) {
            found.insert("cards");
        }
        if let Some(secrets) = secrets.filter(|_| self.secrets)
            && secrets.is_in(texts)
        {
            found.insert("secrets");
        }
        for buffer in [&texts.prose, &texts.rest] {
            self.plain(&buffer.text, &mut found);
            each_encoded(buffer, &mut |text| self.plain(text, &mut found));
        }
        found
    }

    /// The same of what goes out beside a body.
    pub(crate) fn find_beside(
        &self,
        beside: &[u8],
        secrets: Option<&Redactor>,
    ) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        self.plain(beside, &mut found);
        let mut texts = Texts::default();
        texts.rest.text = beside.to_vec();
        each_encoded(&texts.rest, &mut |text| self.plain(text, &mut found));
        if secrets.is_some_and(|secrets| self.secrets && !secrets.kinds_in(beside).is_empty()) {
            found.insert("secrets");
        }
        found
    }

    fn plain(&self, text: &[u8], found: &mut BTreeSet<&'static str>) {
        if self.cards && has_card(text) {
            found.insert("cards");
        }
        if self.texts.as_ref().is_some_and(|texts| texts.is_match(text)) {
            found.insert("texts");
        }
        if self.patterns.as_ref().is_some_and(|patterns| patterns.is_match(text)) {
            found.insert("patterns");
        }
    }
}

/// Groups of digits that a card's number is written in, where other numbers may stand beside it.
const GROUPS: [&[usize]; 3] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

/// Whether a number of a card stands there: of the right length, in a range that is given to cards, and with its
/// check digit; alone, or in groups. Its code or the month that it ends may stand behind it.
fn has_card(text: &[u8]) -> bool {
    let mut digits: Vec<u8> = Vec::new();
    // Where each group begins.
    let mut starts: Vec<usize> = Vec::new();
    let mut gap = false;
    let mut inside = false;
    for byte in text.iter().copied().chain([b'\n']) {
        match byte {
            b'0'..=b'9' => {
                // A word that ends in digits is no number.
                if !inside {
                    if gap || starts.is_empty() {
                        starts.push(digits.len());
                    }
                    digits.push(byte.wrapping_sub(b'0'));
                }
                gap = false;
            }
            b' ' | b'-' if !gap && !digits.is_empty() => {
                if ends_card(&digits, &starts) {
                    return true;
                }
                gap = true;
            }
            _ => {
                if is_card(&digits) || ends_card(&digits, &starts) {
                    return true;
                }
                digits.clear();
                starts.clear();
                gap = false;
                inside = byte.is_ascii_alphabetic() || byte == b'_' || byte == b'.';
                continue;
            }
        }
        if !byte.is_ascii_digit() {
            inside = false;
        }
        if digits.len() > 64 {
            // No card begins before these groups.
            let most = *CARD_DIGITS.end();
            let from = starts.iter().position(|start| digits.len().saturating_sub(*start) <= most);
            match from.and_then(|from| Some((from, *starts.get(from)?))) {
                Some((from, first)) => {
                    digits.drain(..first);
                    starts.drain(..from);
                    starts.iter_mut().for_each(|start| *start = start.saturating_sub(first));
                }
                // More digits than a card has can only be another number.
                None => {
                    digits.clear();
                    starts.clear();
                    inside = true;
                }
            }
        }
    }
    false
}

/// Whether the last group is a card's number, or the last of such groups.
fn ends_card(digits: &[u8], starts: &[usize]) -> bool {
    let group = |back: usize| {
        let at = starts.len().checked_sub(back)?;
        let end = starts.get(at.saturating_add(1)).copied().unwrap_or(digits.len());
        Some(end.saturating_sub(*starts.get(at)?))
    };
    let from = |back: usize| {
        let start = starts.len().checked_sub(back).and_then(|at| starts.get(at));
        start.and_then(|start| digits.get(*start..)).is_some_and(is_card)
    };
    let grouped = |sizes: &&[usize]| {
        let mut fits = (1..=sizes.len()).zip(sizes.iter().rev());
        fits.all(|(back, size)| group(back) == Some(*size)) && from(sizes.len())
    };
    from(1) || GROUPS.iter().any(grouped)
}

fn is_card(digits: &[u8]) -> bool {
    let issued = matches!(digits, [3..=6, ..] | [2, 2..=7, ..]);
    let same = digits.windows(2).all(|two| matches!(two, [one, other] if one == other));
    CARD_DIGITS.contains(&digits.len()) && issued && !same && passes_luhn(digits)
}

/// ISO/IEC 7812-1, annex B.
fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(*digit);
            match (at % 2, digit) {
                (0, digit) => digit,
                (_, 5..) => digit.saturating_mul(2).saturating_sub(9),
                _ => digit.saturating_mul(2),
            }
        })
        .fold(0, u32::saturating_add);
    sum.is_multiple_of(10)
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Private").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(of: &LocalOnly, body: &serde_json::Value) -> Vec<&'static str> {
        let redactor = Redactor::new(&[]);
        let body = body.to_string();
        let texts = Texts::of(body.as_bytes()).unwrap();
        let private = Private::new(of).unwrap();
        private.find(body.as_bytes(), &texts, Some(&redactor)).into_iter().collect()
    }

    fn said(text: &str) -> serde_json::Value {
        serde_json::json!({"messages": [{"role": "user", "content": text}]})
    }

    #[test]
    fn what_is_encoded_beside_a_body_is_read_too() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let of = LocalOnly { texts: ["Project Falcon".to_owned()].into(), ..LocalOnly::default() };
        let private = Private::new(&of).unwrap();
        for (said, kinds) in [
            ("about Project Falcon".to_owned(), 1),
            (STANDARD.encode("words before it: Project Falcon"), 1),
            ("Project%20F%61lcon".to_owned(), 1),
            (STANDARD.encode("words before it: another project"), 0),
        ] {
            let beside = format!("/v1/messages\nx-title: {said}");
            assert_eq!(private.find_beside(beside.as_bytes(), None).len(), kinds, "{said}");
        }
    }

    #[test]
    fn each_kind_is_found() {
        let of = LocalOnly {
            secrets: true,
            cards: true,
            texts: ["Project Falcon".to_owned()].into(),
            patterns: [r"\bPF-[0-9]{4}\b".to_owned()].into(),
        };
        for (text, kinds) in [
            ("nothing of note", vec![]),
            ("about PROJECT falcon", vec!["texts"]),
            ("see PF-1234.", vec!["patterns"]),
            ("see PF-12345", vec![]),
            ("pay with 4111 1111 1111 1111 now", vec!["cards"]),
            ("4111-1111-1111-1111", vec!["cards"]),
            ("4111 1111 1111 1111 12/27 code 123", vec!["cards"]),
            ("4111111111111111 123", vec!["cards"]),
            ("2 of 4111-1111-1111-1111-999", vec!["cards"]),
            ("no 1 4111 1111 1111 1111", vec!["cards"]),
            ("3782 822463 10005 1234", vec!["cards"]),
            (&"77 ".repeat(40).replace("77 ", "7 7 7 4111 1111 1111 1111 "), vec!["cards"]),
            ("41 11 11 11 11 11 11 11 7", vec![]),
            ("4111111111111112", vec![]),
            ("id4111111111111111", vec![]),
            ("1795707000123", vec![]),
            ("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", vec!["secrets"]),
        ] {
            assert_eq!(found(&of, &said(text)), kinds, "{text}");
        }
        let parts = serde_json::json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "Project Fal"}, {"type": "text", "text": "con"}]}]});
        assert_eq!(found(&of, &parts), ["texts"]);
        let escaped = said("x").to_string().replace("\"x\"", r#""Project\u0020Falcon""#);
        let private = Private::new(&of).unwrap();
        let texts = Texts::of(escaped.as_bytes()).unwrap();
        assert!(private.find(escaped.as_bytes(), &texts, None).contains("texts"));
        let number = serde_json::json!({"messages": [{"role": "assistant", "content": [
            {"type": "tool_use", "id": "t", "name": "pay", "input": {"card": 4_111_111_111_111_111_u64}}]}]});
        assert_eq!(found(&of, &number), ["cards"]);
    }

    /// A picture that says in itself what it is of, and a text that somebody has encoded.
    #[test]
    fn what_is_encoded_is_read() {
        let of = LocalOnly {
            texts: ["Project Falcon".to_owned()].into(),
            cards: true,
            ..LocalOnly::default()
        };
        // `\x89PNG\r\n\x1a\n....tEXtTitle\0Project Falcon, draft 3`
        let picture = "iVBORw0KGgouLi4udEVYdFRpdGxlAFByb2plY3QgRmFsY29uLCBkcmFmdCAz";
        let long = format!("{}{picture}", "A".repeat(40_000));
        for data in [picture, &long] {
            let body = serde_json::json!({"messages": [{"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]}]});
            assert_eq!(found(&of, &body), ["texts"]);
            let url = format!("data:image/png;base64,{data}");
            let body = serde_json::json!({"messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": url}}]}]});
            assert_eq!(found(&of, &body), ["texts"]);
        }
        // `card 4111 1111 1111 1111 of project falcon`
        let coded = "Y2FyZCA0MTExIDExMTEgMTExMSAxMTExIG9mIHByb2plY3QgZmFsY29u";
        assert_eq!(found(&of, &said(&format!("decode {coded} please"))), ["cards", "texts"]);
        assert_eq!(
            found(&of, &said("6f662070726f6a6563742066616c636f6e20616e64206d6f7265")),
            ["texts"]
        );
    }

    #[test]
    fn what_goes_beside_a_body_is_read() {
        let of = LocalOnly {
            secrets: true,
            texts: ["falcon".to_owned()].into(),
            ..LocalOnly::default()
        };
        let private = Private::new(&of).unwrap();
        let redactor = Redactor::new(&[]);
        let beside = |text: &str| private.find_beside(text.as_bytes(), Some(&redactor));
        assert!(beside("/v1/messages?beta=true\nuser-agent: x").is_empty());
        assert!(beside("/v1/models?after_id=Falcon-1\n").contains("texts"));
        assert!(beside("x-title: 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").contains("secrets"));
    }

    #[test]
    fn what_is_no_pattern_is_an_error() {
        for pattern in ["(", "a{1000}{1000}{1000}"] {
            let of = LocalOnly { patterns: [pattern.to_owned()].into(), ..LocalOnly::default() };
            assert!(Private::new(&of).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_card_is_found_wherever_it_stands(before in "[a-z ]{0,20} ", after in "( [a-z]{0,20})?", group in 1_usize..6) {
            let number = "5555555555554444";
            let grouped: Vec<String> = number
                .as_bytes()
                .chunks(group)
                .map(|chunk| String::from_utf8_lossy(chunk).into_owned())
                .collect();
            let text = format!("{before}{}{after}", grouped.join(" "));
            prop_assert!(has_card(text.as_bytes()), "{}", text);
        }

        #[test]
        fn any_bytes_are_looked_through(text in prop::collection::vec(any::<u8>(), 0..200)) {
            has_card(&text);
        }
    }
}
