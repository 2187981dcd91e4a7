//! What a text must hold for a pattern to match it, told from the pattern without compiling it.
//!
//! To compile one pattern takes a third of a millisecond, there are hundreds, and most have nothing to find in a usual
//! skill. So the words that each match holds are read off the pattern's own text, which takes a microsecond or two. It
//! is cautious: what it does not understand requires nothing.

use std::{iter::Peekable, str::Chars};

/// Texts that a part may match, at most, to be known one by one.
const MANY: usize = 64;
/// Alternatives of one group, at most.
const ALTERNATIVES: usize = 512;
/// Lists that are kept of one pattern: the most telling.
const LISTS: usize = 4;
/// Bytes of a text from which it tells something.
const TELLING: usize = 2;

/// Of each list one text, at least, is in everything that matches. All texts are ASCII in lower case, and so has to be
/// what is compared with them.
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
    rest: Peekable<Chars<'a>>,
}

impl Required {
    /// What a pattern's matches hold, whether its case counts or not.
    pub(super) fn of(pattern: &str) -> Self {
        let mut reader = Reader { rest: pattern.chars().peekable() };
        let part = reader.alternatives().filter(|_| reader.rest.peek().is_none());
        let mut lists = part.map(Part::lists).unwrap_or_default();
        lists.sort_by_key(|list| weight(list));
        lists.truncate(LISTS);
        Self { lists }
    }
}

impl Part {
    fn empty() -> Self {
        Self { exact: Some(vec![String::new()]), lists: Vec::new() }
    }

    fn one(c: char) -> Self {
        if !c.is_ascii() {
            return Self::any();
        }
        Self { exact: Some(vec![c.to_ascii_lowercase().to_string()]), lists: Vec::new() }
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

impl Reader<'_> {
    fn alternatives(&mut self) -> Option<Part> {
        let first = self.sequence()?;
        if self.rest.peek() != Some(&'|') {
            return Some(first);
        }
        let mut parts = vec![first];
        while self.rest.next_if_eq(&'|').is_some() {
            parts.push(self.sequence()?);
        }
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

    fn sequence(&mut self) -> Option<Part> {
        let mut lists = Vec::new();
        // What the parts since the last unknown one match together.
        let mut run = vec![String::new()];
        let mut whole = true;
        while !matches!(self.rest.peek(), None | Some('|' | ')')) {
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
            let (least, most) = match self.rest.peek() {
                Some('?') => (0, Some(1)),
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('{') => {
                    self.rest.next();
                    let least = self.number().unwrap_or(0);
                    let most = match self.rest.next_if_eq(&',') {
                        Some(_) => self.number(),
                        None => Some(least),
                    };
                    if self.rest.peek() != Some(&'}') {
                        return None;
                    }
                    (least, most)
                }
                _ => return Some(part),
            };
            self.rest.next();
            // Few or many first is the same here.
            self.rest.next_if_eq(&'?');
            part = part.repeated(least, most);
        }
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(10)) {
            number = Some(u32::checked_add(number.unwrap_or(0_u32).checked_mul(10)?, digit)?);
            self.rest.next();
        }
        number
    }

    fn atom(&mut self) -> Option<Part> {
        match self.rest.next()? {
            '(' => self.group(),
            '[' => self.class(),
            '\\' => self.escaped(),
            '^' | '$' => Some(Part::empty()),
            '.' => Some(Part::any()),
            // Nothing that repeats stands first.
            '*' | '+' | '?' | '{' => None,
            c => Some(Part::one(c)),
        }
    }

    fn group(&mut self) -> Option<Part> {
        if self.rest.next_if_eq(&'?').is_some() {
            self.rest.next_if_eq(&'P');
            if self.rest.next_if_eq(&'<').is_some() {
                self.rest.by_ref().find(|c| *c == '>')?;
            } else {
                loop {
                    match self.rest.next()? {
                        ':' => break,
                        // Flags for what follows. Case never counts here.
                        ')' => return Some(Part::empty()),
                        'i' | 'm' | 's' | 'u' | '-' => {}
                        _ => return None,
                    }
                }
            }
        }
        let part = self.alternatives()?;
        self.rest.next_if_eq(&')')?;
        Some(part)
    }

    /// What one after a backslash is.
    fn escaped(&mut self) -> Option<Part> {
        match self.rest.next()? {
            'b' | 'B' | 'A' | 'z' if self.rest.peek() != Some(&'{') => Some(Part::empty()),
            'w' | 'W' | 'd' | 'D' | 's' | 'S' => Some(Part::any()),
            'n' => Some(Part::one('\n')),
            't' => Some(Part::one('\t')),
            'r' => Some(Part::one('\r')),
            'x' | 'u' | 'p' | 'P' => self.coded(),
            c if c.is_ascii_alphanumeric() => None,
            c => Some(Part::one(c)),
        }
    }

    /// A character by its number, or a class by its name: any.
    fn coded(&mut self) -> Option<Part> {
        // Those without braces are not worth to be understood.
        self.rest.next_if_eq(&'{')?;
        self.rest.by_ref().find(|c| *c == '}')?;
        Some(Part::any())
    }

    /// One of a few characters, or whatever.
    fn class(&mut self) -> Option<Part> {
        let mut texts = Vec::new();
        let mut known = self.rest.next_if_eq(&'^').is_none();
        let mut first = true;
        let mut depth = 1_usize;
        while depth > 0 {
            match self.rest.next()? {
                ']' if !first => depth -= 1,
                '[' => {
                    (depth, known) = (depth.checked_add(1)?, false);
                    self.rest.next_if_eq(&'^');
                    // The first one closes nothing, there as here.
                    self.rest.next_if_eq(&']');
                }
                '\\' => match self.escaped_in_class()? {
                    Some(c) => texts.push(c),
                    None => known = false,
                },
                // A range, unless it stands first or last.
                '-' if !first && self.rest.peek() != Some(&']') => known = false,
                '&' | '~' if matches!(self.rest.peek(), Some('&' | '~')) => known = false,
                c => texts.push(c),
            }
            first = false;
        }
        if !known || texts.iter().any(|c| !c.is_ascii()) {
            return Some(Part::any());
        }
        let mut texts: Vec<String> =
            texts.into_iter().map(|c| c.to_ascii_lowercase().to_string()).collect();
        texts.sort_unstable();
        texts.dedup();
        Some(Part { exact: Some(texts), lists: Vec::new() })
    }

    /// A character, if it is one.
    fn escaped_in_class(&mut self) -> Option<Option<char>> {
        Some(match self.rest.next()? {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            c if c.is_ascii_alphanumeric() => None,
            c => Some(c),
        })
    }
}

fn is_telling(list: &[String]) -> bool {
    !list.is_empty() && list.iter().all(|text| text.len() >= TELLING)
}

/// How likely a text has one of these: a letter more is a quarter as likely.
fn weight(list: &[String]) -> u64 {
    list.iter().map(|text| (1 << 40) >> (2 * text.len().min(16))).sum()
}
