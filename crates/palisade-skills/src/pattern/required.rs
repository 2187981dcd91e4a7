//! What a text must hold for a pattern to match it, told from the pattern without compiling it.
//!
//! To compile one pattern takes a third of a millisecond, there are hundreds, and most have nothing to find in a usual
//! skill. So the words that each match holds are read off the pattern's own text, which takes a microsecond or two. It
//! is cautious: what it does not understand requires nothing.

use std::ops::Range;

/// Texts that a part may match, at most, to be known one by one.
const MANY: usize = 64;
/// Alternatives of one group, at most.
const ALTERNATIVES: usize = 512;
/// Lists that are kept of one pattern: the most telling.
const LISTS: usize = 4;

/// Stands for any character past ASCII.
pub(super) const PAST_ASCII: &str = "\u{80}";

/// Of each list one text, at least, is in everything that matches. Letters of ASCII are in lower case, and so have to be
/// those of what is compared with them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Required {
    pub(super) lists: Vec<Vec<String>>,
}

/// What is known of a part of a pattern.
struct Part {
    /// All that it can match, if that is little.
    exact: Option<Vec<String>>,
    /// As in [`Required`].
    lists: Vec<Vec<String>>,
}

struct Reader<'a> {
    source: &'a str,
    rest: &'a str,
    /// Does case count?
    cased: bool,
    /// Groups that are remembered, so far.
    groups: usize,
    read: Read,
}

/// The choices of a pattern.
#[derive(Debug, Default)]
struct Read {
    /// Those of the part that is read.
    here: Vec<Choice>,
    /// How many branches all of them have.
    branches: usize,
    /// Flags stand where what follows them cannot be told from what does not.
    unclear: bool,
}

/// A place of a pattern where one of several parts has to match.
#[derive(Debug)]
pub(super) struct Choice {
    /// Where it stands in the pattern.
    pub(super) span: Range<usize>,
    pub(super) branches: Vec<Branch>,
}

/// One of the parts.
#[derive(Debug)]
pub(super) struct Branch {
    /// All branches of a pattern have numbers, from 0.
    pub(super) number: usize,
    pub(super) span: Range<usize>,
    /// As in [`Required`].
    pub(super) lists: Vec<Vec<String>>,
    /// Groups in it that are remembered.
    pub(super) groups: usize,
    pub(super) choices: Vec<Choice>,
}

impl Required {
    /// What a pattern's matches hold, whether its case counts or not; its choices, in the order in which they stand, and
    /// the number of all branches in them. There are none, if it is not understood.
    pub(super) fn of(pattern: &str) -> (Self, Vec<Choice>, usize) {
        let (source, cased) = (pattern, !has_flag(pattern, 'i'));
        let mut reader = Reader { source, rest: source, cased, groups: 0, read: Read::default() };
        let part = reader.alternatives().filter(|_| reader.rest.is_empty());
        let (choices, branches) = match reader.read {
            read if part.is_some() && !read.unclear => (read.here, read.branches),
            _ => (Vec::new(), 0),
        };
        (Self { lists: telling(part.map(Part::lists).unwrap_or_default()) }, choices, branches)
    }
}

/// The most telling lists.
fn telling(mut lists: Vec<Vec<String>>) -> Vec<Vec<String>> {
    lists.sort_by_key(|list| weight(list));
    lists.truncate(LISTS);
    lists.iter_mut().flatten().for_each(|text| text.make_ascii_lowercase());
    lists
}

impl Part {
    fn empty() -> Self {
        Self { exact: Some(vec![String::new()]), lists: Vec::new() }
    }

    fn one(c: char) -> Self {
        Self { exact: Some(vec![c.to_string()]), lists: Vec::new() }
    }

    /// Whatever it is.
    fn any() -> Self {
        Self { exact: None, lists: Vec::new() }
    }

    fn lists(self) -> Vec<Vec<String>> {
        let mut lists = self.lists;
        lists.extend(self.exact);
        lists.retain(|list| is_telling(list));
        lists
    }

    fn repeated(self, least: u32, most: Option<u32>) -> Self {
        match (least, most) {
            (1, Some(1)) => self,
            (0, Some(1)) => match self.exact {
                Some(mut texts) => {
                    texts.push(String::new());
                    Self { exact: Some(texts), lists: Vec::new() }
                }
                None => Self::any(),
            },
            (0, _) => Self::any(),
            _ => Self { exact: None, lists: self.lists() },
        }
    }
}

impl<'a> Reader<'a> {
    /// How far it is.
    fn at(&self) -> usize {
        self.source.len().saturating_sub(self.rest.len())
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let next = rest.next();
        self.rest = rest.as_str();
        next
    }

    fn takes(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What stands for itself, and is not repeated.
    fn plain(&mut self) -> &'a str {
        let special = |c: char| !c.is_ascii() || r"\.+*?()|[]{}^$".contains(c);
        let mut end = self.rest.find(special).unwrap_or(self.rest.len());
        if self.rest.get(end..).is_some_and(|rest| rest.starts_with(['?', '*', '+', '{'])) {
            end = end.saturating_sub(1);
        }
        let (plain, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        plain
    }

    fn alternatives(&mut self) -> Option<Part> {
        // Flags of the first hold for all.
        while let Some((flags, rest)) = self.rest.strip_prefix("(?").and_then(|r| r.split_once(')'))
            && flags.bytes().all(|flag| b"imsu-".contains(&flag))
        {
            self.rest = rest;
        }
        let mut before = std::mem::take(&mut self.read.here);
        let from = self.at();
        let groups = self.groups;
        let first = self.sequence()?;
        if self.peek() != Some('|') {
            before.append(&mut self.read.here);
            self.read.here = before;
            return Some(first);
        }
        let mut branches = vec![self.branch(from, groups, &first)];
        let mut parts = vec![first];
        while self.takes('|') {
            let (from, groups) = (self.at(), self.groups);
            let part = self.sequence()?;
            branches.push(self.branch(from, groups, &part));
            parts.push(part);
        }
        before.push(Choice { span: from..self.at(), branches });
        self.read.here = before;
        let count =
            parts.iter().map(|part| part.exact.as_ref().map(Vec::len)).sum::<Option<usize>>();
        if count.is_some_and(|count| count <= ALTERNATIVES) {
            let texts = parts.into_iter().filter_map(|part| part.exact).flatten().collect();
            return Some(Part { exact: Some(texts), lists: Vec::new() });
        }
        // One list of each makes one of all.
        let best = |part: Part| part.lists().into_iter().min_by_key(|list| weight(list));
        let lists: Option<Vec<Vec<String>>> = parts.into_iter().map(best).collect();
        Some(Part { exact: None, lists: lists.map(|lists| lists.concat()).into_iter().collect() })
    }

    /// What is kept of a part that was read from there on, as one of several.
    fn branch(&mut self, from: usize, groups: usize, part: &Part) -> Branch {
        let number = self.read.branches;
        self.read.branches = number.saturating_add(1);
        let known = Part { exact: part.exact.clone(), lists: part.lists.clone() };
        Branch {
            number,
            span: from..self.at(),
            lists: telling(known.lists()),
            groups: self.groups.saturating_sub(groups),
            choices: std::mem::take(&mut self.read.here),
        }
    }

    fn sequence(&mut self) -> Option<Part> {
        let mut lists = Vec::new();
        // What the parts since the last unknown one match together.
        let mut run = vec![String::new()];
        let mut whole = true;
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let plain = self.plain();
            if !plain.is_empty() {
                run.iter_mut().for_each(|text| text.push_str(plain));
                continue;
            }
            let part = self.atom()?;
            let part = self.quantified(part)?;
            match part.exact {
                Some(texts) if texts.len().saturating_mul(run.len()) <= MANY || run.len() == 1 => {
                    run = run
                        .iter()
                        .flat_map(|a| texts.iter().map(move |b| [&**a, b].concat()))
                        .collect();
                }
                exact => {
                    whole = false;
                    lists.push(run);
                    lists.extend(part.lists);
                    run = exact.unwrap_or_else(|| vec![String::new()]);
                }
            }
        }
        if whole {
            return Some(Part { exact: Some(run), lists });
        }
        lists.push(run);
        lists.retain(|list| is_telling(list));
        Some(Part { exact: None, lists })
    }

    fn quantified(&mut self, mut part: Part) -> Option<Part> {
        loop {
            let (least, most) = match self.peek() {
                Some('?') => (0, Some(1)),
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('{') => {
                    self.next();
                    let least = self.number().unwrap_or(0);
                    let most = match self.takes(',') {
                        true => self.number(),
                        false => Some(least),
                    };
                    if self.peek() != Some('}') {
                        return None;
                    }
                    (least, most)
                }
                _ => return Some(part),
            };
            self.next();
            // Few or many first is the same here.
            self.takes('?');
            part = part.repeated(least, most);
        }
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = Some(u32::checked_add(number.unwrap_or(0_u32).checked_mul(10)?, digit)?);
            self.next();
        }
        number
    }

    fn atom(&mut self) -> Option<Part> {
        match self.next()? {
            '(' => self.group(),
            '[' => self.class(),
            '\\' => self.escaped(),
            '^' | '$' => Some(Part::empty()),
            '.' => Some(Part::any()),
            // Nothing that repeats stands first.
            '*' | '+' | '?' | '{' => None,
            c => Some(match self.letters(c) {
                Some(letters) => Part { exact: Some(letters), lists: Vec::new() },
                None => Part { exact: None, lists: vec![vec![PAST_ASCII.to_owned()]] },
            }),
        }
    }

    /// How a character may stand in a text, if that is known.
    fn letters(&self, c: char) -> Option<Vec<String>> {
        match c {
            _ if c.is_ascii() || self.cased || is_uncased(c) => Some(vec![c.to_string()]),
            // The ring above has a sign of its own, and the others here are large or small.
            'à'..='þ' | 'À'..='Þ' if !"÷×åÅ".contains(c) => {
                let (small, large) = (c.to_lowercase(), c.to_uppercase());
                Some(vec![small.collect(), large.collect()])
            }
            _ => None,
        }
    }

    fn group(&mut self) -> Option<Part> {
        if !self.takes('?') {
            self.groups = self.groups.saturating_add(1);
        } else {
            self.takes('P');
            if self.takes('<') {
                self.groups = self.groups.saturating_add(1);
                self.rest = self.rest.split_once('>')?.1;
            } else {
                loop {
                    match self.next()? {
                        ':' => break,
                        // Flags for what follows. Case never counts here.
                        ')' => {
                            self.read.unclear = true;
                            return Some(Part::empty());
                        }
                        'i' | 'm' | 's' | 'u' | '-' => {}
                        _ => return None,
                    }
                }
            }
        }
        let part = self.alternatives()?;
        self.takes(')').then_some(())?;
        Some(part)
    }

    /// What one after a backslash is.
    fn escaped(&mut self) -> Option<Part> {
        match self.next()? {
            'b' | 'B' | 'A' | 'z' if self.peek() != Some('{') => Some(Part::empty()),
            // The half of a boundary.
            '<' | '>' => Some(Part::empty()),
            'w' | 'W' | 'd' | 'D' | 's' | 'S' => Some(Part::any()),
            'n' => Some(Part::one('\n')),
            't' => Some(Part::one('\t')),
            'r' => Some(Part::one('\r')),
            'x' | 'u' | 'p' | 'P' => self.coded(),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(Part::one(c)),
            _ => None,
        }
    }

    /// A character by two digits; others, and classes by their names, may be any.
    fn coded(&mut self) -> Option<Part> {
        if self.takes('{') {
            self.rest = self.rest.split_once('}')?.1;
            return Some(Part::any());
        }
        let (digits, rest) = self.rest.split_at_checked(2)?;
        let c = char::from(u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)?);
        self.rest = rest;
        Some(Part::one(c))
    }

    /// One of a few characters, or whatever.
    fn class(&mut self) -> Option<Part> {
        let mut texts = Vec::new();
        let mut known = !self.takes('^');
        let mut first = true;
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                ']' if !first => depth -= 1,
                '[' => {
                    (depth, known) = (depth.checked_add(1)?, false);
                    self.takes('^');
                    // The first one closes nothing, there as here.
                    self.takes(']');
                }
                '\\' => match self.escaped_in_class()? {
                    Some(c) => texts.push(c),
                    None => known = false,
                },
                // A range, unless it stands first or last.
                '-' if !first && self.peek() != Some(']') => known = false,
                '&' | '~' if matches!(self.peek(), Some('&' | '~')) => known = false,
                c => texts.push(c),
            }
            first = false;
        }
        if !known {
            return Some(Part::any());
        }
        let letters = |c: char| self.letters(c.to_ascii_lowercase());
        let Some(texts) = texts.into_iter().map(letters).collect::<Option<Vec<_>>>() else {
            return Some(Part::any());
        };
        let mut texts = texts.concat();
        texts.sort_unstable();
        texts.dedup();
        Some(Part { exact: Some(texts), lists: Vec::new() })
    }

    /// A character, if it is one.
    fn escaped_in_class(&mut self) -> Option<Option<char>> {
        Some(match self.next()? {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            c if c.is_ascii_alphanumeric() => None,
            c => Some(c),
        })
    }
}

/// Does the pattern set this flag somewhere?
pub(super) fn has_flag(pattern: &str, flag: char) -> bool {
    let flags = |rest: &str| {
        rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').any(|c| c == flag)
    };
    pattern.split("(?").skip(1).any(flags)
}

/// Is it of a script that knows no case?
pub(super) fn is_uncased(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{9fff}')
}

fn is_telling(list: &[String]) -> bool {
    !list.is_empty() && list.iter().all(|text| !text.is_empty())
}

/// How likely a text has one of these: a letter more is a quarter as likely.
fn weight(list: &[String]) -> u64 {
    list.iter().map(|text| (1 << 40) >> (2 * text.len().min(16))).sum()
}
