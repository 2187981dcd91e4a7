//! Words: quoting, patterns, and where one ends.

use super::{
    Parser,
    cursor::{is_meta, is_name},
};
use crate::{
    Unreadable, ansi_c,
    syntax::{Part, Word},
};

/// Gathers the parts of a word.
#[derive(Default)]
pub(super) struct Parts {
    parts: Vec<Part>,
}

impl Parts {
    pub(super) fn push(&mut self, part: Part) {
        match (part, self.parts.last_mut()) {
            (Part::Text { text, quoted }, Some(Part::Text { text: last, quoted: before }))
                if quoted == *before =>
            {
                last.push_str(&text);
            }
            (part, _) => self.parts.push(part),
        }
    }

    pub(super) fn text(&mut self, text: &str, quoted: bool) {
        self.push(Part::Text { text: text.to_owned(), quoted });
    }

    pub(super) fn word(self) -> Word {
        Word { parts: self.parts }
    }

    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }
}

impl Parser<'_, '_> {
    /// A word that has to be here.
    pub(super) fn some_word(&mut self) -> Result<Word, Unreadable> {
        let start = self.cursor.at;
        let word = self.word(Tilde::AtStart)?;
        if self.cursor.at == start {
            return Err(Unreadable::new("a word is missing"));
        }
        Ok(word)
    }

    /// What is assigned to a variable: tildes count after each colon too.
    pub(super) fn assigned_word(&mut self) -> Result<Word, Unreadable> {
        self.word(Tilde::AfterColons)
    }

    fn word(&mut self, tildes: Tilde) -> Result<Word, Unreadable> {
        let mut parts = Parts::default();
        let mut tilde = true;
        loop {
            let here = tilde;
            tilde = false;
            let Some(c) = self.cursor.peek() else { break };
            if matches!(c, '[' | '{') {
                // What follows is looked through to its end.
                self.count()?;
            }
            match c {
                '<' | '>' if self.cursor.rest().get(1..2) == Some("(") => {
                    self.cursor.at += 2;
                    let list = self.list(super::End::Paren)?;
                    self.cursor.at += 1;
                    parts.push(Part::Process(list));
                }
                '(' if !parts.parts.is_empty() || !here => {
                    // A name with `()` begins a function; anything else is a pattern that bash does not have
                    // unless it is asked to, or that another shell runs code by.
                    break;
                }
                c if is_meta(c) => break,
                '\\' => self.backslash(&mut parts),
                '\'' => {
                    self.cursor.at += 1;
                    let text = self.up_to('\'')?;
                    parts.text(text, true);
                }
                '"' => {
                    self.cursor.at += 1;
                    self.double_quoted(&mut parts)?;
                }
                '$' => self.dollar(&mut parts, false)?,
                '`' => self.backquotes(&mut parts, false)?,
                '*' | '?' => {
                    self.cursor.at += 1;
                    parts.push(Part::Pattern(c.to_string()));
                }
                '[' if self.is_bracket_pattern() => {
                    self.cursor.at += 1;
                    parts.push(Part::Pattern("[".into()));
                }
                '{' if self.is_brace_expansion() => {
                    self.cursor.at += 1;
                    parts.push(Part::Pattern("{".into()));
                }
                '~' if here => {
                    self.cursor.at += 1;
                    let rest = self.cursor.rest();
                    let end = rest
                        .find(|c: char| is_meta(c) || matches!(c, '/' | ':'))
                        .unwrap_or(rest.len());
                    let name = rest.get(..end).unwrap_or_default().to_owned();
                    let plain =
                        name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.+".contains(c));
                    if plain {
                        self.cursor.at += end;
                        parts.push(Part::Tilde(name));
                    } else {
                        parts.text("~", false);
                    }
                }
                c => {
                    self.cursor.at += c.len_utf8();
                    parts.text(c.encode_utf8(&mut [0; 4]), false);
                    tilde = match tildes {
                        Tilde::AtStart => false,
                        Tilde::AfterColons => c == ':',
                    };
                }
            }
        }
        Ok(parts.word())
    }

    fn backslash(&mut self, parts: &mut Parts) {
        self.cursor.at += 1;
        match self.cursor.next() {
            Some('\n') => {}
            Some(c) => parts.text(c.encode_utf8(&mut [0; 4]), true),
            None => parts.text("\\", false),
        }
    }

    /// The text up to this character, which is consumed.
    fn up_to(&mut self, end: char) -> Result<&'_ str, Unreadable> {
        let rest = self.cursor.rest();
        match rest.split_once(end) {
            Some((text, _)) => {
                self.cursor.at += text.len() + end.len_utf8();
                Ok(text)
            }
            None => Err(Unreadable::new("a quote is not closed")),
        }
    }

    /// After the opening `"`, to the closing one.
    pub(super) fn double_quoted(&mut self, parts: &mut Parts) -> Result<(), Unreadable> {
        // That there are quotes, though nothing may be in them, makes a word.
        parts.text("", true);
        loop {
            match self.cursor.peek() {
                None => return Err(Unreadable::new("a quote is not closed")),
                Some('"') => {
                    self.cursor.at += 1;
                    return Ok(());
                }
                Some('\\') => self.escape(parts, "$`\"\\"),
                Some('$') => self.dollar(parts, true)?,
                Some('`') => self.backquotes(parts, true)?,
                Some(c) => {
                    self.cursor.at += c.len_utf8();
                    parts.text(c.encode_utf8(&mut [0; 4]), true);
                }
            }
        }
    }

    /// A backslash that quotes only some characters.
    fn escape(&mut self, parts: &mut Parts, quotes: &str) {
        self.cursor.at += 1;
        match self.cursor.peek() {
            Some('\n') => self.cursor.at += 1,
            Some(c) if quotes.contains(c) => {
                self.cursor.at += c.len_utf8();
                parts.text(c.encode_utf8(&mut [0; 4]), true);
            }
            _ => parts.text("\\", true),
        }
    }

    /// The whole text, as the body of a here-document is read.
    pub(super) fn here_text(&mut self) -> Result<Word, Unreadable> {
        let mut parts = Parts::default();
        loop {
            match self.cursor.peek() {
                None => return Ok(parts.word()),
                Some('\\') => self.escape(&mut parts, "$`\\"),
                Some('$') => self.dollar(&mut parts, true)?,
                Some('`') => self.backquotes(&mut parts, true)?,
                Some(c) => {
                    self.cursor.at += c.len_utf8();
                    parts.text(c.encode_utf8(&mut [0; 4]), true);
                }
            }
        }
    }

    /// `$'…'`, after the dollar sign.
    pub(super) fn ansi_c(&mut self, parts: &mut Parts) -> Result<(), Unreadable> {
        self.cursor.at += 1;
        let start = self.cursor.at;
        loop {
            match self.cursor.next() {
                None => return Err(Unreadable::new("a quote is not closed")),
                Some('\\') => {
                    self.cursor.next();
                }
                Some('\'') => break,
                Some(_) => {}
            }
        }
        let text =
            self.cursor.text.get(start..self.cursor.at.saturating_sub(1)).unwrap_or_default();
        match ansi_c::decoded(text) {
            Some(text) => parts.text(&text, true),
            None => {
                parts.push(Part::unknown(true));
            }
        }
        Ok(())
    }

    /// Whether `[` begins a set of characters: any of them may be quoted, so the closing bracket may stand anywhere.
    /// It says so once too often rather than once too little.
    fn is_bracket_pattern(&self) -> bool {
        let inner = self.cursor.rest().get(1..).unwrap_or_default();
        !inner.is_empty() && !inner.starts_with(is_meta) && inner.contains(']')
    }

    /// Whether `{` begins a list or a range. It says so once too often rather than once too little.
    fn is_brace_expansion(&self) -> bool {
        let rest = self.cursor.rest();
        match rest.split_once('}') {
            Some((before, _)) if before.len() > 1 => {
                let inner = rest.rsplit_once('}').map_or("", |(inner, _)| inner);
                inner.contains(',') || inner.contains("..")
            }
            _ => false,
        }
    }

    /// What stands between brackets, after the opening one; the closing one is consumed.
    pub(super) fn bracketed(&mut self) -> Result<Word, Unreadable> {
        let mut parts = Parts::default();
        self.arithmetic_until(&mut parts, ']')?;
        Ok(parts.word())
    }

    /// The name that begins here, if one does.
    pub(super) fn name_here(&self) -> &str {
        let rest = self.cursor.rest();
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if is_name(name) { name } else { "" }
    }
}

#[derive(Clone, Copy)]
enum Tilde {
    AtStart,
    AfterColons,
}
