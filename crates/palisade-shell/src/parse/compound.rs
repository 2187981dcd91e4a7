//! Loops, branches, tests and functions.

use super::{End, Parser, commands::RESERVED, cursor::is_name};
use crate::{
    Unreadable,
    syntax::{Group, Item, List, Node, Part, Word},
};

impl Parser<'_, '_> {
    pub(super) fn if_command(&mut self) -> Result<Node, Unreadable> {
        self.cursor.at += 2;
        let mut lists = vec![self.until(&["then"])?];
        loop {
            lists.push(self.list(End::Words(&["elif", "else", "fi"]))?);
            let word = self.cursor.plain_word();
            self.cursor.at += word.len();
            match word {
                "elif" => lists.push(self.until(&["then"])?),
                "else" => {
                    lists.push(self.until(&["fi"])?);
                    break;
                }
                _ => break,
            }
        }
        self.flow(None, Vec::new(), lists)
    }

    pub(super) fn for_command(&mut self) -> Result<Node, Unreadable> {
        self.cursor.at += self.cursor.plain_word().len();
        self.cursor.skip_blanks();
        let mut words = Vec::new();
        let mut variable = None;
        if self.cursor.starts("((") {
            let Some(head) = self.arithmetic_command()? else {
                return Err(Unreadable::new("`for` has no name"));
            };
            words = head;
        } else {
            let name = self.cursor.plain_word();
            if !is_name(name) {
                return Err(Unreadable::new("`for` has no plain name"));
            }
            self.cursor.at += name.len();
            variable = Some(name.to_owned());
            self.skip_space()?;
            if self.cursor.plain_word() == "in" {
                self.cursor.at += 2;
                loop {
                    self.cursor.skip_blanks();
                    match self.cursor.peek() {
                        None | Some(';' | '\n') => break,
                        Some('#') => break,
                        Some('&' | '|' | ')') => {
                            return Err(Unreadable::new("the words of `for` end oddly"));
                        }
                        _ => words.push(self.some_word()?),
                    }
                }
            } else {
                // Goes over the arguments of the script, which are not known.
                words.push(Word { parts: vec![Part::unknown(false)] });
            }
        }
        self.cursor.skip_blanks();
        self.cursor.eat(";");
        self.skip_space()?;
        let body = match self.cursor.plain_word() {
            "do" => {
                self.cursor.at += 2;
                self.until(&["done"])?
            }
            "{" => {
                self.cursor.at += 1;
                self.until(&["}"])?
            }
            _ => return Err(Unreadable::new("a loop has no `do`")),
        };
        self.flow(variable, words, vec![body])
    }

    pub(super) fn case_command(&mut self) -> Result<Node, Unreadable> {
        self.cursor.at += 4;
        self.cursor.skip_blanks();
        let mut words = vec![self.some_word()?];
        self.skip_space()?;
        if self.cursor.plain_word() != "in" {
            return Err(Unreadable::new("`case` has no `in`"));
        }
        self.cursor.at += 2;
        let mut lists = Vec::new();
        loop {
            self.skip_space()?;
            if self.cursor.plain_word() == "esac" {
                self.cursor.at += 4;
                return self.flow(None, words, lists);
            }
            self.cursor.eat("(");
            loop {
                self.cursor.skip_blanks();
                words.push(self.some_word()?);
                self.cursor.skip_blanks();
                if self.cursor.eat("|") {
                    continue;
                }
                if self.cursor.eat(")") {
                    break;
                }
                return Err(Unreadable::new("a pattern of `case` does not end"));
            }
            lists.push(self.list(End::CaseItem)?);
            let _ = self.cursor.eat(";;&") || self.cursor.eat(";;") || self.cursor.eat(";&");
        }
    }

    pub(super) fn test_command(&mut self) -> Result<Node, Unreadable> {
        self.cursor.at += 2;
        let mut words = Vec::new();
        loop {
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                None => return Err(Unreadable::new("`[[` has no `]]`")),
                Some('\n') => {
                    self.cursor.at += 1;
                    self.here_documents()?;
                }
                Some('#' | ';') => return Err(Unreadable::new("`[[` does not end")),
                Some(c) if self.cursor.plain_word() == "]]" && c == ']' => {
                    self.cursor.at += 2;
                    let redirects = self.redirects()?;
                    return Ok(Node::Test { words, redirects });
                }
                Some('<' | '>') if !self.cursor.starts("<(") && !self.cursor.starts(">(") => {
                    self.cursor.at += 1;
                }
                Some('(' | ')' | '&' | '|') => self.cursor.at += 1,
                Some(_) => words.push(self.some_word()?),
            }
        }
    }

    pub(super) fn coproc(&mut self) -> Result<Node, Unreadable> {
        self.cursor.at += 6;
        self.cursor.skip_blanks();
        let start = self.cursor.at;
        let name = self.cursor.plain_word();
        if is_name(name) && !RESERVED.contains(&name) {
            self.cursor.at += name.len();
            self.cursor.skip_blanks();
            let compound = self.cursor.starts("(")
                || matches!(
                    self.cursor.plain_word(),
                    "{" | "if" | "while" | "until" | "for" | "select" | "case" | "[["
                );
            if !compound {
                self.cursor.at = start;
            }
        }
        let node = self.command()?;
        let item = Item { commands: vec![node], background: true, conditional: false };
        let body = List { items: vec![item] };
        Ok(Node::Group { kind: Group::Coproc, body, redirects: Vec::new() })
    }

    pub(super) fn function_name(&mut self) -> Result<String, Unreadable> {
        let word = self.some_word()?;
        match word.bare() {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => Err(Unreadable::new("a function has an odd name")),
        }
    }

    pub(super) fn function(&mut self, name: String) -> Result<Node, Unreadable> {
        self.skip_space()?;
        let body = Box::new(self.command()?);
        if matches!(*body, Node::Simple(_)) {
            return Err(Unreadable::new("a function has no body"));
        }
        Ok(Node::Function { name, body })
    }
}
