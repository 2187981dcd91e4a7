//! Bash's grammar, as much of it as tells which commands a script may run.
//!
//! It reads once, from left to right, in time proportional to the text but for nested backquotes, whose depth is
//! bounded. What it cannot tell for sure how bash would read, it refuses as a whole. Source: bash manual 5.2 (and
//! `${ …; }` of 5.3), POSIX XCU 2.

mod commands;
mod compound;
mod cursor;
mod expansions;
mod words;

use crate::{
    Unreadable,
    syntax::{Item, List, Node, Word},
};

use cursor::Cursor;

/// How deep constructs may be nested.
const DEEPEST: usize = 24;
/// How many commands and words a script may have.
const MOST: usize = 20_000;

/// A script, and the texts of its here-documents by the number that a redirection has.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) list: List,
    pub(crate) texts: Vec<Word>,
}

/// What all parts of one script share.
#[derive(Debug)]
struct Shared {
    left: usize,
    /// The texts of here-documents, by the number that a redirection has.
    texts: Vec<Word>,
}

/// Reads a script.
///
/// # Errors
/// What about it cannot be read for sure.
pub(crate) fn script(text: &str) -> Result<Script, Unreadable> {
    let mut shared = Shared { left: MOST, texts: Vec::new() };
    let list = nested(text, &mut shared, 0)?;
    Ok(Script { list, texts: shared.texts })
}

/// Reads text in which only expansions count, as in the body of a here-document.
pub(crate) fn expandable(text: &str) -> Result<Script, Unreadable> {
    let mut shared = Shared { left: MOST, texts: Vec::new() };
    let word = Parser::new(text, &mut shared, 0).here_text()?;
    let test = Node::Test { words: vec![word], redirects: Vec::new() };
    let item = Item { commands: vec![test], background: false, conditional: false };
    Ok(Script { list: List { items: vec![item] }, texts: shared.texts })
}

fn nested(text: &str, shared: &mut Shared, depth: usize) -> Result<List, Unreadable> {
    let mut parser = Parser::new(text, shared, depth);
    let list = parser.list(End::Text)?;
    parser.no_pending()?;
    Ok(list)
}

/// Where a list ends. What ends it is not consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Text,
    Paren,
    /// `}`, whatever stands behind it.
    Brace,
    /// One of these reserved words.
    Words(&'static [&'static str]),
    /// `;;`, `;&`, `;;&` or `esac`.
    CaseItem,
}

struct Parser<'a, 's> {
    cursor: Cursor<'a>,
    shared: &'s mut Shared,
    depth: usize,
    /// Here-documents whose text begins after the next end of a line.
    pending: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    number: usize,
    end: String,
    literal: bool,
    strip_tabs: bool,
}

impl<'a, 's> Parser<'a, 's> {
    fn new(text: &'a str, shared: &'s mut Shared, depth: usize) -> Self {
        let cursor = Cursor::new(text);
        Self { cursor, shared, depth, pending: Vec::new() }
    }

    /// Runs this one level deeper.
    fn deeper<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Unreadable>,
    ) -> Result<T, Unreadable> {
        if self.depth >= DEEPEST {
            return Err(Unreadable::new("it is nested too deeply"));
        }
        self.depth += 1;
        let out = run(self);
        self.depth -= 1;
        out
    }

    fn count(&mut self) -> Result<(), Unreadable> {
        match self.shared.left.checked_sub(1) {
            Some(left) => {
                self.shared.left = left;
                Ok(())
            }
            None => Err(Unreadable::new("it has too many parts")),
        }
    }

    fn no_pending(&mut self) -> Result<(), Unreadable> {
        if self.pending.is_empty() {
            Ok(())
        } else {
            Err(Unreadable::new("a here-document has no text"))
        }
    }
}
