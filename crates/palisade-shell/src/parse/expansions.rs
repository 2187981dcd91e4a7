//! What begins with `$`, backquotes, and arithmetic.

use super::{End, Parser, nested, words::Parts};
use crate::{
    Unreadable,
    syntax::{Part, Word},
};

impl Parser<'_, '_> {
    /// What begins with the dollar sign that is here.
    pub(super) fn dollar(&mut self, parts: &mut Parts, quoted: bool) -> Result<(), Unreadable> {
        self.cursor.at += 1;
        let rest = self.cursor.rest();
        if rest.starts_with("((") && self.is_arithmetic(2) {
            self.cursor.at += 2;
            let start = self.cursor.at;
            let mut inner = Parts::default();
            self.arithmetic_until(&mut inner, ')')?;
            parts.push(self.expansion(inner, start));
            self.cursor.eat(")");
            return Ok(());
        }
        match self.cursor.peek() {
            // Bash takes such a line end out before it looks what begins here.
            Some('\\') if self.cursor.starts("\\\n") => {
                return Err(Unreadable::new("a line ends right after a `$`"));
            }
            Some('(') => {
                self.cursor.at += 1;
                let waiting = std::mem::take(&mut self.pending);
                let list = self.list(End::Paren)?;
                self.no_pending()?;
                self.pending = waiting;
                self.cursor.at += 1;
                parts.push(Part::Command { list, quoted });
            }
            Some('{') => {
                self.cursor.at += 1;
                self.braced(parts, quoted)?;
            }
            Some('[') => {
                self.cursor.at += 1;
                let start = self.cursor.at;
                let mut inner = Parts::default();
                self.arithmetic_until(&mut inner, ']')?;
                parts.push(self.expansion(inner, start));
            }
            Some('\'') if !quoted => self.ansi_c(parts)?,
            Some('"') if !quoted => {
                self.cursor.at += 1;
                self.double_quoted(parts)?;
            }
            Some(c) if c.is_ascii_digit() || "@*#?-$!".contains(c) => {
                self.cursor.at += 1;
                parts.push(Part::unknown(quoted));
            }
            _ => {
                let name = self.name_here().to_owned();
                self.cursor.at += name.len();
                if self.cursor.starts("\\\n") && !name.is_empty() {
                    return Err(Unreadable::new("a line ends within the name of a variable"));
                }
                if name.is_empty() {
                    parts.text("$", quoted);
                } else {
                    parts.push(Part::Variable { name, quoted });
                }
            }
        }
        Ok(())
    }

    /// `${…}`, after the brace.
    fn braced(&mut self, parts: &mut Parts, quoted: bool) -> Result<(), Unreadable> {
        self.count()?;
        if matches!(self.cursor.peek(), Some(' ' | '\t' | '\n' | '|')) {
            // Bash 5.3 runs what stands here.
            self.cursor.eat("|");
            let waiting = std::mem::take(&mut self.pending);
            let list = self.list(End::Brace)?;
            self.no_pending()?;
            self.pending = waiting;
            self.cursor.at += 1;
            parts.push(Part::Command { list, quoted });
            return Ok(());
        }
        let name = self.name_here().to_owned();
        if !name.is_empty()
            && self.cursor.rest().get(name.len()..).is_some_and(|r| r.starts_with('}'))
        {
            self.cursor.at += name.len() + 1;
            parts.push(Part::Variable { name, quoted });
            return Ok(());
        }
        let mut inner = Parts::default();
        let start = self.cursor.at;
        self.deeper(|parser| parser.expanded_until_brace(&mut inner, quoted))?;
        let text = self.cursor.text.get(start..self.cursor.at).unwrap_or_default();
        // `@P` expands the value as a prompt, which runs what is in it; an index is arithmetic, which may. `${!name}` is
        // what the value names, an index of it included.
        let prompt = text.contains("@P") || text.contains(['[', ':']) || text.starts_with('!');
        let written = text.to_owned();
        parts.push(Part::Expansion { inner: inner.into_parts(), quoted, prompt, written });
        Ok(())
    }

    fn expanded_until_brace(&mut self, parts: &mut Parts, quoted: bool) -> Result<(), Unreadable> {
        loop {
            match self.cursor.peek() {
                None => return Err(Unreadable::new("`${` is not closed")),
                Some('}') => {
                    self.cursor.at += 1;
                    return Ok(());
                }
                Some('\\') => {
                    self.cursor.at += 1;
                    if let Some(c) = self.cursor.next() {
                        parts.text(c.encode_utf8(&mut [0; 4]), true);
                    }
                }
                // Whether this is a quote depends on the operator.
                Some('\'') if quoted => {
                    return Err(Unreadable::new("a single quote stands within `\"${…}\"`"));
                }
                Some('\'') => {
                    self.cursor.at += 1;
                    let rest = self.cursor.rest();
                    let Some((text, _)) = rest.split_once('\'') else {
                        return Err(Unreadable::new("a quote is not closed"));
                    };
                    self.cursor.at += text.len() + 1;
                    parts.text(text, true);
                }
                Some('"') => {
                    self.cursor.at += 1;
                    self.double_quoted(parts)?;
                }
                Some('$') => self.dollar(parts, quoted)?,
                Some('`') => self.backquotes(parts, quoted)?,
                Some('<' | '>') if !quoted && self.cursor.rest().get(1..2) == Some("(") => {
                    self.cursor.at += 2;
                    let list = self.list(End::Paren)?;
                    self.cursor.at += 1;
                    parts.push(Part::Process(list));
                }
                Some(c) => {
                    self.cursor.at += c.len_utf8();
                    parts.text(c.encode_utf8(&mut [0; 4]), quoted);
                }
            }
        }
    }

    pub(super) fn backquotes(&mut self, parts: &mut Parts, quoted: bool) -> Result<(), Unreadable> {
        self.cursor.at += 1;
        let mut text = String::new();
        loop {
            match self.cursor.next() {
                None => return Err(Unreadable::new("a backquote is not closed")),
                Some('`') => break,
                Some('\\') => match self.cursor.next() {
                    Some(c @ ('`' | '$' | '\\')) => text.push(c),
                    Some('"') if quoted => text.push('"'),
                    Some('\n') => {}
                    Some(c) => {
                        text.push('\\');
                        text.push(c);
                    }
                    None => return Err(Unreadable::new("a backquote is not closed")),
                },
                Some(c) => text.push(c),
            }
        }
        if self.depth >= super::DEEPEST {
            return Err(Unreadable::new("it is nested too deeply"));
        }
        let list = nested(&text, self.shared, self.depth + 1)?;
        parts.push(Part::Command { list, quoted });
        Ok(())
    }

    /// `(( … ))`, if that is what begins here.
    pub(super) fn arithmetic_command(&mut self) -> Result<Option<Vec<Word>>, Unreadable> {
        if !self.is_arithmetic(2) {
            return Ok(None);
        }
        self.cursor.at += 2;
        let mut parts = Parts::default();
        self.arithmetic_until(&mut parts, ')')?;
        self.cursor.eat(")");
        Ok(Some(vec![parts.word()]))
    }

    /// Whether the two parentheses that begin here are closed by two that stand together, which makes it
    /// arithmetic; if not, it is a command in a command.
    fn is_arithmetic(&self, skip: usize) -> bool {
        let rest = self.cursor.rest();
        let mut chars = rest.char_indices().skip(skip).peekable();
        let mut depth = 0usize;
        let mut quote = None;
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (Some('\''), '\'') => quote = None,
                (Some('\''), _) => {}
                (_, '\\') => {
                    chars.next();
                }
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"' | '`') => quote = Some(c),
                (None, '(') => depth += 1,
                (None, ')') if depth == 0 => {
                    return rest.get(at + 1..).is_some_and(|after| after.starts_with(')'));
                }
                (None, ')') => depth -= 1,
                _ => {}
            }
        }
        false
    }

    /// Arithmetic up to its closing bracket, which is consumed. Only what is expanded within matters.
    pub(super) fn arithmetic_until(
        &mut self,
        parts: &mut Parts,
        close: char,
    ) -> Result<(), Unreadable> {
        self.deeper(|parser| {
            let open = if close == ')' { '(' } else { '[' };
            let mut depth = 0usize;
            loop {
                let Some(c) = parser.cursor.peek() else {
                    return Err(Unreadable::new("an arithmetic expression is not closed"));
                };
                match c {
                    '$' => parser.dollar(parts, true)?,
                    '`' => parser.backquotes(parts, true)?,
                    '"' => {
                        parser.cursor.at += 1;
                        parser.double_quoted(parts)?;
                    }
                    '\'' => {
                        parser.cursor.at += 1;
                        let Some((text, _)) = parser.cursor.rest().split_once('\'') else {
                            return Err(Unreadable::new("a quote is not closed"));
                        };
                        parser.cursor.at += text.len() + 1;
                        parts.text(text, true);
                    }
                    '\\' => {
                        parser.cursor.at += 1;
                        parser.cursor.next();
                    }
                    c if c == close && depth == 0 => {
                        parser.cursor.at += 1;
                        return Ok(());
                    }
                    c => {
                        if c == open {
                            depth += 1;
                        } else if c == close {
                            depth -= 1;
                        }
                        parser.cursor.at += c.len_utf8();
                        parts.text(c.encode_utf8(&mut [0; 4]), true);
                    }
                }
            }
        })
    }

    /// Arithmetic that began here.
    fn expansion(&self, inner: Parts, start: usize) -> Part {
        let written = self.cursor.text.get(start..self.cursor.at).unwrap_or_default().to_owned();
        Part::Expansion { inner: inner.into_parts(), quoted: true, prompt: true, written }
    }
}
