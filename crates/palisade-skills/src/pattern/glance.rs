//! The words of which a text must hold one for a pattern to match it, told at a glance.
//!
//! [`super::required`] knows more, and takes ten times as long; most patterns need no more than this for most texts.

use super::required::{PAST_ASCII, has_flag, is_uncased};

/// Texts of which one, at least, is in everything that a pattern matches; without any, nothing is known. Letters of
/// ASCII are in lower case.
#[derive(Debug, Default)]
pub(super) struct Glance {
    texts: Box<str>,
    /// Where each of them ends.
    ends: Box<[usize]>,
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    cased: bool,
    /// Where the texts stand that were found; an empty place stands for a character past ASCII. The last ones are those of
    /// the part that is read.
    found: Vec<(usize, usize)>,
}

/// How likely a text holds what is known of a part, the less the better; nothing is known of it without.
type Weight = Option<u64>;

impl Glance {
    pub(super) fn of(source: &str) -> Self {
        let cased = !has_flag(source, 'i');
        let mut reader = Reader { source, at: 0, cased, found: Vec::new() };
        if reader.alternatives().flatten().is_none() || reader.at < source.len() {
            return Self::default();
        }
        let mut texts = String::new();
        let mut ends = Vec::with_capacity(reader.found.len());
        for (from, to) in reader.found {
            match source.get(from..to).unwrap_or_default() {
                "" => texts.push_str(PAST_ASCII),
                text => texts.push_str(text),
            }
            ends.push(texts.len());
        }
        texts.make_ascii_lowercase();
        Self { texts: texts.into(), ends: ends.into() }
    }

    /// The texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let mut from = 0;
        self.ends.iter().filter_map(move |&end| {
            let text = self.texts.get(from..end);
            from = end;
            text
        })
    }

    /// Is anything known?
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.source.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at = self.at.saturating_add(next.len_utf8());
        Some(next)
    }

    fn takes(&mut self, c: char) -> bool {
        let takes = self.peek() == Some(c);
        if takes {
            self.next();
        }
        takes
    }

    /// None, if it is not understood.
    fn alternatives(&mut self) -> Option<Weight> {
        let from = self.found.len();
        let mut sum = self.sequence()?;
        while self.takes('|') {
            let more = self.sequence()?;
            sum = sum.zip(more).map(|(sum, more)| sum.saturating_add(more));
        }
        if sum.is_none() {
            self.found.truncate(from);
        }
        Some(sum)
    }

    fn sequence(&mut self) -> Option<Weight> {
        let from = self.found.len();
        let mut best = None;
        // Where characters began that stand for themselves.
        let mut run = None;
        loop {
            let at = self.at;
            let c = match self.peek() {
                None | Some('|' | ')') => break,
                Some(c) => c,
            };
            self.next();
            let part = match c {
                '(' | '[' | '.' | '^' | '$' => {
                    self.better(from, &mut best, run.take(), at);
                    let before = self.found.len();
                    let weight = match c {
                        '(' => self.group()?,
                        '[' => {
                            self.class()?;
                            None
                        }
                        _ => None,
                    };
                    Some((before, weight))
                }
                '*' | '+' | '?' | '{' => return None,
                '\\' => {
                    self.better(from, &mut best, run.take(), at);
                    let behind = self.at;
                    if self.escaped()? {
                        run = Some(behind);
                    }
                    None
                }
                c if c.is_ascii() || self.cased || is_uncased(c) => {
                    run.get_or_insert(at);
                    None
                }
                _ => {
                    self.better(from, &mut best, run.take(), at);
                    self.found.push((at, at));
                    Some((self.found.len().saturating_sub(1), Some(weight(PAST_ASCII.len()))))
                }
            };
            let least = self.quantified()?;
            if least.is_some() {
                // What is repeated is no part of a run.
                self.better(from, &mut best, run.take().filter(|run| *run < at), at);
            }
            if let Some((before, weight)) = part {
                let weight = weight.filter(|_| least != Some(0));
                self.keep(from, &mut best, before, weight);
            }
        }
        self.better(from, &mut best, run, self.at);
        Some(best)
    }

    /// Keeps a run, if it is more telling than what there was before it.
    fn better(&mut self, from: usize, best: &mut Weight, run: Option<usize>, to: usize) {
        if let Some(run) = run.filter(|run| *run < to) {
            let before = self.found.len();
            self.found.push((run, to));
            self.keep(from, best, before, Some(weight(to.saturating_sub(run))));
        }
    }

    /// Keeps what was found last, or what there was before it.
    fn keep(&mut self, from: usize, best: &mut Weight, before: usize, weight: Weight) {
        match weight {
            Some(weight) if best.is_none_or(|best| weight < best) => {
                self.found.drain(from..before);
                *best = Some(weight);
            }
            _ => self.found.truncate(before),
        }
    }

    /// How often, at least, what stands before is repeated, if it is.
    fn quantified(&mut self) -> Option<Option<u32>> {
        let mut all = None;
        loop {
            let least = match self.peek() {
                Some('?' | '*') => 0,
                Some('+') => 1,
                Some('{') => {
                    let (inside, _) = self.source.get(self.at..)?.split_once('}')?;
                    self.at = self.at.saturating_add(inside.len());
                    let digits = inside.get(1..)?;
                    let least = digits.split_once(',').map_or(digits, |(least, _)| least);
                    least.parse().unwrap_or(0)
                }
                _ => return Some(all),
            };
            self.next();
            all = Some(all.map_or(least, |all: u32| all.min(least)));
            // Few or many first is the same here.
            self.takes('?');
        }
    }

    fn group(&mut self) -> Option<Weight> {
        if self.takes('?') {
            self.takes('P');
            if self.takes('<') {
                while self.next()? != '>' {}
            } else {
                loop {
                    match self.next()? {
                        ':' => break,
                        ')' => return Some(None),
                        'i' | 'm' | 's' | 'u' | '-' => {}
                        _ => return None,
                    }
                }
            }
        }
        let weight = self.alternatives()?;
        self.takes(')').then_some(weight)
    }

    /// Whether what stands behind a backslash is itself.
    fn escaped(&mut self) -> Option<bool> {
        match self.next()? {
            'x' | 'u' | 'p' | 'P' => {
                if self.takes('{') {
                    while self.next()? != '}' {}
                } else {
                    self.next()?;
                    if self.source.get(..self.at)?.ends_with(|c: char| c.is_ascii_hexdigit()) {
                        self.takes_digit();
                    }
                }
                Some(false)
            }
            'b' | 'B' if self.peek() == Some('{') => None,
            // The half of a boundary.
            '<' | '>' => Some(false),
            c if c.is_ascii_alphabetic() => Some(false),
            c if c.is_ascii_punctuation() => Some(true),
            _ => None,
        }
    }

    /// The second digit of a byte; one too many would be a letter less of a word.
    fn takes_digit(&mut self) {
        if self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
            self.next();
        }
    }

    fn class(&mut self) -> Option<()> {
        self.takes('^');
        self.takes(']');
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                ']' => depth = depth.saturating_sub(1),
                '[' => {
                    depth = depth.saturating_add(1);
                    self.takes('^');
                    self.takes(']');
                }
                '\\' => {
                    self.next()?;
                }
                _ => {}
            }
        }
        Some(())
    }
}

/// A letter more is a quarter as likely.
fn weight(length: usize) -> u64 {
    (1 << 40) >> (2 * length.min(16))
}
