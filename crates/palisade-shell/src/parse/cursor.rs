/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn starts(&self, with: &str) -> bool {
        self.rest().starts_with(with)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Steps over this, if it is here.
    pub(super) fn eat(&mut self, what: &str) -> bool {
        let here = self.starts(what);
        if here {
            self.at += what.len();
        }
        here
    }

    /// Steps over blanks, and line ends that a backslash hides.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.at += 1,
                Some('\\') if self.starts("\\\n") => self.at += 2,
                _ => return,
            }
        }
    }

    /// The text up to the end of the line, which is consumed as well.
    pub(super) fn line(&mut self) -> &'a str {
        let rest = self.rest();
        match rest.split_once('\n') {
            Some((line, _)) => {
                self.at += line.len() + 1;
                line
            }
            None => {
                self.at = self.text.len();
                rest
            }
        }
    }

    /// The run of characters without a meaning that begins here, as a reserved word has to stand.
    pub(super) fn plain_word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| is_meta(c)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }
}

/// Whether this character ends a word where nothing quotes it.
pub(super) fn is_meta(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}

pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
