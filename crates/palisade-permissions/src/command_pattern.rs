//! What stands in `Bash(…)`, against a command of which some may not be known.

use palisade_shell::{Field, Piece};

/// A pattern for commands: `npm run *`, `npm run:*`, `* --version`, or a command as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandPattern {
    tokens: Vec<Token>,
    /// The text, blanks at its ends taken off.
    text: String,
    /// The words that it begins with and has whole.
    words: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// Any characters.
    Star,
    /// Nothing, or a blank and any characters.
    Rest,
}

/// One step of a command's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Char(char),
    /// Characters that are not known.
    Gap,
    /// Words that are not known: none, or a blank and any characters.
    Words,
}

/// Stands for a blank within an argument: only `*` takes it, where a permission is at stake.
const INNER_BLANK: char = '\u{f8ff}';

/// A command, as it is compared with patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandText {
    steps: Vec<Step>,
    known: bool,
}

impl CommandText {
    /// The words with one blank between them. `strict`: a blank within a word is no border of words.
    pub(crate) fn new(words: &[Field], strict: bool) -> Self {
        let mut steps = Vec::new();
        let mut known = true;
        for (index, word) in words.iter().enumerate() {
            let wholly_open = matches!(word.pieces(), [Piece::AnyWords | Piece::Names]);
            if index > 0 && !wholly_open {
                steps.push(Step::Char(' '));
            }
            for piece in word.pieces() {
                match piece {
                    Piece::Text(text) => steps.extend(text.chars().map(|c| match c {
                        ' ' | '\t' | '\n' if strict => Step::Char(INNER_BLANK),
                        '\t' | '\n' => Step::Char(' '),
                        c => Step::Char(c),
                    })),
                    Piece::AnyWords | Piece::Names if wholly_open && index > 0 => {
                        known = false;
                        steps.push(Step::Words);
                    }
                    Piece::Any | Piece::AnyWords | Piece::Names => {
                        known = false;
                        steps.push(Step::Gap);
                    }
                }
            }
        }
        Self { steps, known }
    }

    /// Whether nothing of it could be something else.
    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    /// A text of which all is known.
    pub(crate) fn plain(text: &str) -> Self {
        Self { steps: text.chars().map(Step::Char).collect(), known: true }
    }
}

impl CommandPattern {
    pub(crate) fn new(text: &str) -> Self {
        let text = text.trim().to_owned();
        let (start, rest) = match text.strip_suffix(":*").or_else(|| text.strip_suffix(" *")) {
            Some(start) => (start.trim_end(), true),
            None => (text.as_str(), false),
        };
        let mut tokens = Vec::new();
        let mut blank = false;
        for c in start.chars() {
            // Words have one blank between them, however many the rule has.
            let is_blank = matches!(c, ' ' | '\t');
            if is_blank && blank {
                continue;
            }
            blank = is_blank;
            let token = match c {
                '*' => Token::Star,
                _ if is_blank => Token::Char(' '),
                c => Token::Char(c),
            };
            if token != Token::Star || tokens.last() != Some(&Token::Star) {
                tokens.push(token);
            }
        }
        if rest {
            tokens.push(Token::Rest);
        }
        let words = whole_words(&tokens);
        Self { tokens, text, words }
    }

    /// The words that it begins with, as far as nothing in them could stand for something else.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// The rule's own text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the rule is one command and no pattern.
    pub(crate) fn is_exact(&self) -> bool {
        self.tokens.iter().all(|token| matches!(token, Token::Char(_)))
    }

    /// The first word, if the pattern has all of it and nothing that could stand for other characters.
    pub(crate) fn first_word(&self) -> Option<String> {
        let mut word = String::new();
        for token in &self.tokens {
            match token {
                Token::Char(' ') | Token::Rest => return Some(word),
                Token::Char(c) => word.push(*c),
                Token::Star => return None,
            }
        }
        Some(word)
    }

    /// Whether it is a command like this, whatever stands in its gaps.
    pub(crate) fn surely(&self, text: &CommandText) -> bool {
        self.run(text, false)
    }

    /// Whether it may be a command like this, by what stands in its gaps.
    pub(crate) fn possibly(&self, text: &CommandText) -> bool {
        self.run(text, !text.known)
    }

    /// Follows all ways of reading the text at once.
    fn run(&self, text: &CommandText, possible: bool) -> bool {
        let (mut states, mut next) = (States::new(&self.tokens), States::new(&self.tokens));
        states.set(0);
        for step in &text.steps {
            let Some(lowest) = states.active.iter().copied().min() else { return false };
            next.clear();
            if possible && matches!(step, Step::Gap | Step::Words) {
                (lowest..=next.within_rest()).for_each(|state| next.set(state));
            } else {
                for state in states.active.iter().copied() {
                    next.after(state, *step);
                }
            }
            std::mem::swap(&mut states, &mut next);
        }
        let end = self.tokens.len();
        let is_end = |state: usize| state >= end || self.tokens.get(state) == Some(&Token::Rest);
        states.active.iter().copied().any(is_end)
    }
}

/// How much of a pattern may be behind. A state is how many tokens are; one more than there are tokens stands for being
/// within what `Rest` takes.
struct States<'a> {
    tokens: &'a [Token],
    /// By state, whether it is among the active ones.
    marks: Vec<bool>,
    active: Vec<usize>,
}

impl<'a> States<'a> {
    fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, marks: vec![false; tokens.len() + 2], active: Vec::new() }
    }

    fn within_rest(&self) -> usize {
        self.tokens.len() + 1
    }

    fn clear(&mut self) {
        for state in self.active.drain(..) {
            if let Some(mark) = self.marks.get_mut(state) {
                *mark = false;
            }
        }
    }

    /// A star may take nothing, so that what is behind it is reached with it.
    fn set(&mut self, mut state: usize) {
        while let Some(mark) = self.marks.get_mut(state).filter(|mark| !**mark) {
            *mark = true;
            self.active.push(state);
            if self.tokens.get(state) != Some(&Token::Star) {
                return;
            }
            state += 1;
        }
    }

    /// Where one step leads from a state, where what is not known is nobody's gain.
    fn after(&mut self, state: usize, step: Step) {
        let within_rest = self.within_rest();
        match (self.tokens.get(state), step) {
            (Some(Token::Char(expected)), Step::Char(c)) if *expected == c => self.set(state + 1),
            (Some(Token::Star), _) => self.set(state),
            (Some(Token::Rest), Step::Char(' ')) => self.set(within_rest),
            (Some(Token::Rest), Step::Words) => self.set(state),
            (None, _) if state == within_rest => self.set(within_rest),
            _ => {}
        }
    }
}

fn whole_words(tokens: &[Token]) -> Vec<String> {
    let mut text = String::new();
    let mut cut = false;
    for token in tokens {
        match token {
            Token::Char(c) => text.push(*c),
            Token::Star => {
                cut = true;
                break;
            }
            Token::Rest => break,
        }
    }
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    if cut {
        words.pop();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn surely(pattern: &str, words: &[&str]) -> bool {
        let words: Vec<Field> = words.iter().map(|word| Field::text(*word)).collect();
        CommandPattern::new(pattern).surely(&CommandText::new(&words, true))
    }

    #[test]
    fn patterns_follow_the_table() {
        for (pattern, words, expected) in [
            ("node -e *", &["node", "-e", "1"][..], true),
            ("node -e *", &["node", "-e"], true),
            ("node -e *", &["node", "-e1"], false),
            ("node:*", &["node"], true),
            ("node:*", &["nodejs", "-e"], false),
            ("node:*", &["node-x", "1"], false),
            ("node*", &["nodejs", "-e", "1"], true),
            ("node*", &["node"], true),
            ("node -e 1", &["node", "-e", "1"], true),
            ("node -e 1", &["node", "-e", "1", "2"], false),
            ("node * 1", &["node", "-e", "x", "1"], true),
            ("node * 1", &["node", "1"], false),
            ("* --version", &["npm", "--version"], true),
            ("* --version", &["node", "--version", "x"], false),
            ("npm run test:*", &["npm", "run", "test"], true),
            ("npm run test:*", &["npm", "run", "test", "foo"], true),
            ("npm run test:*", &["npm", "run", "test:unit"], false),
            ("npm run test:*", &["npm", "run", "testing"], false),
            ("echo a b", &["echo a", "b"], false),
            ("echo *", &["echo", "a b"], true),
        ] {
            assert_eq!(surely(pattern, words), expected, "{pattern} {words:?}");
        }
    }

    #[test]
    fn gaps_may_be_anything() {
        let gap = Field::unknown();
        let text = CommandText::new(&[Field::text("git"), gap.clone()], false);
        assert!(CommandPattern::new("git *").surely(&text));
        assert!(!CommandPattern::new("git push *").surely(&text));
        assert!(CommandPattern::new("git push *").possibly(&text));
        assert!(!CommandPattern::new("curl *").possibly(&text));
        let any = CommandText::new(&[gap, Field::text("-e")], false);
        assert!(CommandPattern::new("node *").possibly(&any));
        assert!(!CommandPattern::new("node *").surely(&any));
    }

    proptest! {
        /// Against the plain meaning of the pattern, for texts of which all is known.
        #[test]
        fn agrees_with_a_simple_matcher(pattern in "[ab *]{0,8}", text in "[ab ]{0,10}") {
            fn simple(pattern: &[char], text: &[char]) -> bool {
                match (pattern.first(), text.first()) {
                    (None, None) => true,
                    (Some('*'), _) => simple(&pattern[1..], text) || (!text.is_empty() && simple(pattern, &text[1..])),
                    (Some(p), Some(t)) if p == t => simple(&pattern[1..], &text[1..]),
                    _ => false,
                }
            }
            let text: Vec<&str> = text.split_whitespace().collect();
            let text = text.join(" ");
            let compiled = CommandPattern::new(&pattern);
            let plain = pattern.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assume!(plain == pattern.trim());
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            let expected = match plain.strip_suffix(" *") {
                Some(start) => simple(&chars(start), &chars(&text)) || simple(&chars(&plain), &chars(&text)),
                None => simple(&chars(&plain), &chars(&text)),
            };
            prop_assert_eq!(compiled.surely(&CommandText::plain(&text)), expected);
        }

        /// What stands in a gap may be anything: what is a command like this with it, may be one without it, and what surely
        /// is one without it, is one with it.
        #[test]
        fn a_gap_stands_for_what_is_put_into_it(
            pattern in "[ab *]{0,8}(:\\*| \\*)?", before in "[ab]{0,3}", within in "[ab]{0,3}", after in "[ab ]{0,3}"
        ) {
            let pattern = CommandPattern::new(&pattern);
            let steps = |within: &[Step]| {
                let known = |text: &str| text.chars().map(Step::Char).collect::<Vec<_>>();
                CommandText { steps: [&known(&before), within, &known(&after)].concat(), known: false }
            };
            let with: Vec<Step> = within.chars().map(Step::Char).collect();
            let (with, without) = (steps(&with), steps(&[Step::Gap]));
            prop_assert!(!pattern.surely(&with) || pattern.possibly(&without));
            prop_assert!(!pattern.surely(&without) || pattern.surely(&with));
        }
    }
}
