//! Lists, pipelines and simple commands.

use super::{
    End, Parser, Pending,
    cursor::{is_meta, is_name},
};
use crate::{
    Unreadable,
    syntax::{
        Assignment, Group, Item, List, Node, Part, Redirect, RedirectKind, Simple, Value, Word,
    },
};

/// Words with a meaning of their own where a command begins.
pub(super) const RESERVED: [&str; 22] = [
    "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "in", "select", "function", "{", "}", "!", "time", "[[", "]]", "coproc",
];

impl Parser<'_, '_> {
    pub(super) fn list(&mut self, end: End) -> Result<List, Unreadable> {
        self.deeper(|parser| {
            let mut list = List::default();
            let mut conditional = false;
            loop {
                parser.skip_space()?;
                if parser.ends(end) {
                    if conditional {
                        return Err(Unreadable::new("a command is missing after `&&` or `||`"));
                    }
                    return Ok(list);
                }
                if parser.cursor.peek().is_none() {
                    return Err(Unreadable::new("it ends in the middle of a construct"));
                }
                let commands = parser.pipeline()?;
                let mut item = Item { commands, background: false, conditional };
                conditional = false;
                parser.cursor.skip_blanks();
                let rest = parser.cursor.rest();
                if parser.cursor.eat("&&") || parser.cursor.eat("||") {
                    conditional = true;
                } else if rest.starts_with(";;") || rest.starts_with(";&") {
                    if end != End::CaseItem {
                        return Err(Unreadable::new("`;;` stands outside of `case`"));
                    }
                } else if parser.cursor.eat("&") {
                    item.background = true;
                } else {
                    let over = parser.cursor.eat(";")
                        || matches!(parser.cursor.peek(), None | Some('\n' | '#'))
                        || parser.ends(end);
                    if !over {
                        return Err(Unreadable::new("two commands have nothing between them"));
                    }
                }
                list.items.push(item);
            }
        })
    }

    /// Steps over blanks, comments and line ends, and reads the here-documents that begin there.
    pub(super) fn skip_space(&mut self) -> Result<(), Unreadable> {
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some('#') => {
                    let line = self.cursor.rest();
                    self.cursor.at += line.find('\n').unwrap_or(line.len());
                }
                Some('\n') => {
                    self.cursor.at += 1;
                    self.here_documents()?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn ends(&self, end: End) -> bool {
        match end {
            End::Text => self.cursor.peek().is_none(),
            End::Paren => self.cursor.peek() == Some(')'),
            End::Brace => self.cursor.peek() == Some('}'),
            End::Words(words) => words.contains(&self.cursor.plain_word()),
            End::CaseItem => {
                self.cursor.starts(";;")
                    || self.cursor.starts(";&")
                    || self.cursor.plain_word() == "esac"
            }
        }
    }

    pub(super) fn here_documents(&mut self) -> Result<(), Unreadable> {
        for pending in std::mem::take(&mut self.pending) {
            let mut text = String::new();
            loop {
                if self.cursor.peek().is_none() {
                    break;
                }
                let mut line = self.cursor.line().to_owned();
                // A backslash hides the end of a line, and what hides a backslash hides nothing else.
                while !pending.literal && hides_end(&line) && self.cursor.peek().is_some() {
                    line.pop();
                    line.push_str(self.cursor.line());
                }
                let line = if pending.strip_tabs { line.trim_start_matches('\t') } else { &line };
                if line == pending.end {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            let word = if pending.literal {
                Word { parts: vec![Part::Text { text, quoted: true }] }
            } else {
                let depth = self.depth;
                Parser::new(&text, self.shared, depth).here_text()?
            };
            if let Some(place) = self.shared.texts.get_mut(pending.number) {
                *place = word;
            }
        }
        Ok(())
    }

    fn pipeline(&mut self) -> Result<Vec<Node>, Unreadable> {
        let mut nodes = Vec::new();
        loop {
            self.cursor.skip_blanks();
            match self.cursor.plain_word() {
                "!" => self.cursor.at += 1,
                "time" => {
                    self.cursor.at += 4;
                    self.cursor.skip_blanks();
                    while ["-p", "--"].contains(&self.cursor.plain_word()) {
                        self.cursor.at += 2;
                        self.cursor.skip_blanks();
                    }
                }
                _ => break,
            }
        }
        loop {
            self.cursor.skip_blanks();
            nodes.push(self.command()?);
            self.cursor.skip_blanks();
            let piped =
                !self.cursor.starts("||") && (self.cursor.eat("|&") || self.cursor.eat("|"));
            if !piped {
                return Ok(nodes);
            }
            self.skip_space()?;
        }
    }

    pub(super) fn command(&mut self) -> Result<Node, Unreadable> {
        self.count()?;
        self.deeper(|parser| {
            if parser.cursor.starts("((")
                && let Some(words) = parser.arithmetic_command()?
            {
                let redirects = parser.redirects()?;
                return Ok(Node::Test { words, redirects });
            }
            if parser.cursor.eat("(") {
                let body = parser.list(End::Paren)?;
                parser.cursor.at += 1;
                let redirects = parser.redirects()?;
                return Ok(Node::Group { kind: Group::Subshell, body, redirects });
            }
            match parser.cursor.plain_word() {
                "{" => {
                    parser.cursor.at += 1;
                    let body = parser.until(&["}"])?;
                    let redirects = parser.redirects()?;
                    Ok(Node::Group { kind: Group::Brace, body, redirects })
                }
                "if" => parser.if_command(),
                "while" | "until" => {
                    parser.cursor.at += 5;
                    let condition = parser.until(&["do"])?;
                    let body = parser.until(&["done"])?;
                    parser.flow(None, Vec::new(), vec![condition, body])
                }
                "for" | "select" => parser.for_command(),
                "case" => parser.case_command(),
                "[[" => parser.test_command(),
                "function" => {
                    parser.cursor.at += 8;
                    parser.cursor.skip_blanks();
                    let name = parser.function_name()?;
                    parser.cursor.skip_blanks();
                    if parser.cursor.eat("(") {
                        parser.cursor.skip_blanks();
                        if !parser.cursor.eat(")") {
                            return Err(Unreadable::new("a function's parentheses are not empty"));
                        }
                    }
                    parser.function(name)
                }
                "coproc" => parser.coproc(),
                word if RESERVED.contains(&word) => {
                    Err(Unreadable::new(format!("`{word}` stands where a command begins")))
                }
                _ => parser.simple(),
            }
        })
    }

    /// Reads a list up to one of these words, and steps over that.
    pub(super) fn until(&mut self, words: &'static [&'static str]) -> Result<List, Unreadable> {
        let list = self.list(End::Words(words))?;
        self.cursor.at += self.cursor.plain_word().len();
        Ok(list)
    }

    pub(super) fn flow(
        &mut self,
        variable: Option<String>,
        words: Vec<Word>,
        lists: Vec<List>,
    ) -> Result<Node, Unreadable> {
        let redirects = self.redirects()?;
        Ok(Node::Flow { variable, words, lists, redirects })
    }

    pub(super) fn redirects(&mut self) -> Result<Vec<Redirect>, Unreadable> {
        let mut redirects = Vec::new();
        loop {
            self.cursor.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(redirects),
            }
        }
    }

    /// A redirection, if one begins here.
    fn redirect(&mut self) -> Result<Option<Redirect>, Unreadable> {
        let start = self.cursor.at;
        let rest = self.cursor.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            self.cursor.at += digits;
        } else if let Some((name, _)) = rest.strip_prefix('{').and_then(|r| r.split_once('}'))
            && is_name(name)
        {
            self.cursor.at += name.len() + 2;
        }
        let process = self.cursor.starts("<(") || self.cursor.starts(">(");
        if process {
            self.cursor.at = start;
            return Ok(None);
        }
        if self.cursor.eat("<<<") {
            let target = self.target()?;
            return Ok(Some(Redirect { kind: RedirectKind::Text, target }));
        }
        if self.cursor.starts("<<") && !self.cursor.starts("<<(") {
            self.cursor.at += 2;
            let strip_tabs = self.cursor.eat("-");
            self.cursor.skip_blanks();
            let (end, literal) = self.here_end()?;
            let number = self.shared.texts.len();
            self.shared.texts.push(Word::default());
            self.pending.push(Pending { number, end, literal, strip_tabs });
            let target = Word { parts: vec![Part::Here(number)] };
            let kind = if literal { RedirectKind::Text } else { RedirectKind::Expanded };
            return Ok(Some(Redirect { kind, target }));
        }
        let kind = if self.cursor.eat("&>>") || self.cursor.eat("&>") {
            RedirectKind::Write
        } else if self.cursor.eat("<>") {
            RedirectKind::ReadWrite
        } else if self.cursor.eat("<&") {
            return self.duplicate(RedirectKind::Read).map(Some);
        } else if self.cursor.eat(">&") {
            return self.duplicate(RedirectKind::Write).map(Some);
        } else if self.cursor.eat("<") {
            RedirectKind::Read
        } else if self.cursor.eat(">>") || self.cursor.eat(">|") {
            RedirectKind::Write
        } else if self.cursor.eat(">") {
            if self.cursor.starts("!") {
                // A file of this name to bash, an order to overwrite to zsh.
                return Err(Unreadable::new("`>!` means different things to different shells"));
            }
            RedirectKind::Write
        } else {
            self.cursor.at = start;
            return Ok(None);
        };
        let target = self.target()?;
        Ok(Some(Redirect { kind, target }))
    }

    /// After `<&` or `>&`: a descriptor, or the name of a file.
    fn duplicate(&mut self, otherwise: RedirectKind) -> Result<Redirect, Unreadable> {
        let target = self.target()?;
        let is_descriptor = target.bare().is_some_and(|text| {
            text == "-" || text.trim_end_matches('-').chars().all(|c| c.is_ascii_digit())
        });
        let expands = |part: &Part| match part {
            Part::Text { text, .. } => text.contains(['$', '`']),
            Part::Variable { .. } | Part::Expansion { .. } | Part::Command { .. } => true,
            _ => false,
        };
        if !is_descriptor && target.parts.iter().any(expands) {
            // Bash expands such a name twice, and so what quotes protected the first time.
            return Err(Unreadable::new("`>&` is followed by more than a plain name"));
        }
        let kind = if is_descriptor { RedirectKind::Duplicate } else { otherwise };
        Ok(Redirect { kind, target })
    }

    fn target(&mut self) -> Result<Word, Unreadable> {
        self.cursor.skip_blanks();
        self.some_word()
    }

    /// The word that ends a here-document, and whether any of it is quoted.
    fn here_end(&mut self) -> Result<(String, bool), Unreadable> {
        let word = self.some_word()?;
        let mut literal = false;
        let mut end = String::new();
        for part in &word.parts {
            match part {
                Part::Text { text, quoted } => {
                    literal |= *quoted;
                    end.push_str(text);
                }
                _ => return Err(Unreadable::new("a here-document ends at an odd word")),
            }
        }
        Ok((end, literal))
    }

    fn simple(&mut self) -> Result<Node, Unreadable> {
        let mut out = Simple::default();
        let mut last_end = None;
        loop {
            self.cursor.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                out.redirects.push(redirect);
                last_end = None;
                continue;
            }
            let start = self.cursor.at;
            match self.cursor.peek() {
                None | Some('\n' | ';' | '&' | '|' | ')') => break,
                Some('#') => break,
                Some('(') => {
                    if let ([name], true) = (out.words.as_slice(), out.assignments.is_empty())
                        && out.redirects.is_empty()
                        && let Some(name) = name.bare()
                    {
                        let name = name.to_owned();
                        self.cursor.at += 1;
                        self.cursor.skip_blanks();
                        if !self.cursor.eat(")") {
                            return Err(Unreadable::new("`(` stands in the middle of a command"));
                        }
                        return self.function(name);
                    }
                    return Err(Unreadable::new("`(` stands in the middle of a command"));
                }
                Some(_) => {
                    self.count()?;
                    if out.words.is_empty()
                        && let Some(assignment) = self.assignment()?
                    {
                        out.assignments.push(assignment);
                    } else if !out.words.is_empty()
                        && let Some(assignment) = self.array_argument()?
                    {
                        out.assignments.push(assignment);
                    } else {
                        let word = self.some_word()?;
                        if out.words.is_empty()
                            && word.bare().is_some_and(|text| RESERVED.contains(&text))
                        {
                            return Err(Unreadable::new("a reserved word is written oddly"));
                        }
                        if out.words.is_empty() && word.bare().is_some_and(looks_assigned) {
                            return Err(Unreadable::new("an assignment is written oddly"));
                        }
                        out.words.push(word);
                    }
                }
            }
            match last_end {
                Some(end) => out.raw.push_str(self.cursor.text.get(end..start).unwrap_or(" ")),
                None if !out.raw.is_empty() => out.raw.push(' '),
                None => {}
            }
            out.raw.push_str(self.cursor.text.get(start..self.cursor.at).unwrap_or_default());
            last_end = Some(self.cursor.at);
        }
        if out.words.is_empty() && out.assignments.is_empty() && out.redirects.is_empty() {
            return Err(Unreadable::new("a command is missing"));
        }
        Ok(Node::Simple(out))
    }

    /// `name=value`, `name+=value`, `name[index]=value`, `name=(…)`, if one begins here.
    fn assignment(&mut self) -> Result<Option<Assignment>, Unreadable> {
        let start = self.cursor.at;
        let rest = self.cursor.rest();
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        if !is_name(name) {
            return Ok(None);
        }
        self.cursor.at += end;
        let mut index = None;
        if self.cursor.eat("[") {
            // Whether this is an assignment shows only behind the bracket.
            match self.bracketed() {
                Ok(word) => index = Some(word),
                Err(_) => {
                    self.cursor.at = start;
                    return Ok(None);
                }
            }
        }
        let append = self.cursor.eat("+=");
        if !append && !self.cursor.eat("=") {
            self.cursor.at = start;
            return Ok(None);
        }
        let name = name.to_owned();
        if self.cursor.eat("(") {
            let mut words = Vec::new();
            loop {
                self.skip_space()?;
                match self.cursor.peek() {
                    Some(')') => {
                        self.cursor.at += 1;
                        if self.cursor.peek().is_some_and(|c| !is_meta(c)) {
                            return Err(Unreadable::new("a list of values goes on behind its end"));
                        }
                        return Ok(Some(Assignment {
                            name,
                            index,
                            append,
                            value: Value::Array(words),
                        }));
                    }
                    None | Some(';' | '&' | '|' | '(') => {
                        return Err(Unreadable::new("a list of values does not end"));
                    }
                    Some(_) => words.push(self.some_word()?),
                }
            }
        }
        let value = match self.cursor.peek() {
            Some(c) if !is_meta(c) => self.assigned_word()?,
            Some('<' | '>') if self.cursor.rest().get(1..2) == Some("(") => self.assigned_word()?,
            _ => Word::default(),
        };
        Ok(Some(Assignment { name, index, append, value: Value::Scalar(value) }))
    }

    /// `name=(…)` behind a command such as `declare`.
    fn array_argument(&mut self) -> Result<Option<Assignment>, Unreadable> {
        let word = self.cursor.plain_word();
        let name = word.strip_suffix('=').map(|name| name.strip_suffix('+').unwrap_or(name));
        let is_array = name.is_some_and(is_name)
            && self.cursor.rest().get(word.len()..).is_some_and(|rest| rest.starts_with('('));
        if is_array { self.assignment() } else { Ok(None) }
    }
}

/// Whether a word is an assignment once line ends are taken out of it.
fn looks_assigned(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| is_name(name.strip_suffix('+').unwrap_or(name)))
}

fn hides_end(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}
