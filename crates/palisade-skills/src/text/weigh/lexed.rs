//! Words by what they do, of a lexicon in many languages, and where a sentence has them.
//!
//! A line of a lexicon is a kind and its phrases: `kind: one | another* | take * out`. `*` at the end lets more letters
//! follow; within, the second word has to follow soon. Scripts without spaces are found anywhere.

use super::super::{normal::normal, phrases::Phrases};

/// How many characters behind the first word its second one may stand.
const SOON: usize = 48;

#[derive(Debug, Clone, Copy)]
struct Meaning<K> {
    kind: K,
    stem: bool,
    /// Where among the words behind stands what has to follow soon, if anything has.
    then: Option<u16>,
}

/// The phrases of one lexicon, by kinds.
#[derive(Debug)]
pub(super) struct Lexicon<K> {
    phrases: Phrases<Meaning<K>>,
    behind: Vec<String>,
}

impl<K: Copy> Lexicon<K> {
    /// Reads a lexicon. Lines that begin with `#` are remarks, and so are those of a kind without a name.
    pub(super) fn of(text: &str, named: impl Fn(&str) -> Option<K>) -> Self {
        let mut lexicon = Self { phrases: Phrases::default(), behind: Vec::new() };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, phrases)) = line.split_once(": ") else { continue };
            let Some(kind) = named(name) else { continue };
            for phrase in phrases.split(" | ") {
                let phrase = phrase.trim();
                // `nimm * heraus`, `verificaç* de segurança`: a word or a stem, and what follows soon.
                let (word, then, stem) = match phrase.split_once("* ") {
                    Some((first, rest)) => {
                        lexicon.behind.push(normal(rest.trim_end_matches('*')));
                        let then = u16::try_from(lexicon.behind.len() - 1).ok();
                        (first, then, !first.ends_with(' '))
                    }
                    None => (phrase.trim_end_matches('*'), None, phrase.ends_with('*')),
                };
                let word = normal(word.trim());
                if !word.is_empty() {
                    lexicon.phrases.add(&word, Meaning { kind, stem, then });
                }
            }
        }
        lexicon
    }

    /// The kinds that a sentence in normal form has, with the bytes where each stands.
    pub(super) fn find(&self, text: &str) -> Vec<(K, usize, usize)> {
        let mut places = Vec::new();
        let mut before = [None::<char>; 2];
        for (start, c) in text.char_indices() {
            let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let begins = runs_on(c)
                || !joined(before[0])
                || before[0].is_some_and(runs_on)
                || before[0].is_some_and(leans) && !joined(before[1]);
            before = [Some(c), before[0]];
            if !begins || c == ' ' {
                continue;
            }
            for (length, meaning) in self.phrases.begin(text.get(start..).unwrap_or_default()) {
                let end = start + length;
                let rest = text.get(end..).unwrap_or_default();
                let last = text.get(..end).and_then(|text| text.chars().next_back());
                let shut = rest.chars().next().is_some_and(|c| c.is_alphanumeric() && !runs_on(c))
                    && last.is_some_and(|c| c.is_alphanumeric() && !runs_on(c));
                if shut && !meaning.stem {
                    continue;
                }
                let follows = meaning.then.is_none_or(|at| {
                    let soon: String = rest.chars().take(SOON).collect();
                    self.behind
                        .get(usize::from(at))
                        .is_some_and(|word| soon.contains(word.as_str()))
                });
                if follows {
                    places.push((meaning.kind, start, end));
                }
            }
        }
        places
    }
}

/// Does this script join words, so that one may begin anywhere?
pub(super) fn runs_on(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// Is this an Arabic letter that is written together with the word behind it (`and`, `so`, `with`, `for`)?
fn leans(c: char) -> bool {
    matches!(c, '\u{648}' | '\u{641}' | '\u{628}' | '\u{644}')
}

/// Is a verb denied: `never skip`, `überspringe nicht`, `無効にしない`?
pub(super) fn is_denied(text: &str, from: usize, to: usize) -> bool {
    const BEFORE: &[&str] = &[
        "never ",
        "do not ",
        "don't ",
        "not to ",
        "must not ",
        "cannot ",
        "nothing is ",
        "without ",
        "nie ",
        "niemals ",
        "nicht ",
        "kein ",
        "keine ",
        "keinen ",
        "ohne ",
        "ne ",
        "n'",
        "jamais ",
        "sans ",
        "no ",
        "nunca ",
        "jamás ",
        "sin ",
        "non ",
        "mai ",
        "senza ",
        "não ",
        "sem ",
        "niet ",
        "nooit ",
        "geen ",
        "zonder ",
        "не ",
        "никогда ",
        "без ",
        "ніколи ",
        "لا ",
        "لن ",
        "دون ",
        "不",
        "勿",
        "禁止",
        "không ",
        "đừng ",
        "jangan ",
        "tidak ",
        "instead of ",
        "rather than ",
        "who ",
        "whoever ",
    ];
    const BEHIND: &[&str] = &[
        "しない",
        "ません",
        "ないで",
        "禁止",
        "ならない",
        "않",
        "마세요",
        "말 것",
        "금지",
        " nicht",
        " niet",
        "ma!",
        "mayın",
        "meyin",
        "maz",
        "mez",
    ];
    let before = text.get(..from).unwrap_or_default();
    let clause = before.rsplit(['.', ';', ':', '。', '、', '，', '—']).next().unwrap_or_default();
    let short: Vec<char> = clause.chars().rev().take(22).collect();
    let short: String = short.into_iter().rev().collect();
    let rest = text.get(to..).unwrap_or_default();
    let rest = rest.split(['.', ';', ',', '。', '、', '，']).next().unwrap_or_default();
    let rest: String = rest.chars().take(14).collect();
    BEFORE.iter().any(|word| {
        short.match_indices(word).any(|(at, _)| {
            at == 0
                || !word.is_ascii()
                || short
                    .get(..at)
                    .is_some_and(|lead| !lead.ends_with(|c: char| c.is_alphanumeric()))
        })
    }) || BEHIND.iter().any(|word| rest.contains(word))
}
