//! What a script is made of, as far as it matters to which commands it may run.

/// Commands one after the other, joined by whatever operators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) items: Vec<Item>,
}

/// One pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) commands: Vec<Node>,
    /// Ended by `&`.
    pub(crate) background: bool,
    /// Run or not by how the one before it ended: after `&&` or `||`.
    pub(crate) conditional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Simple(Simple),
    /// `( … )`, `{ …; }`, `coproc …`.
    Group {
        kind: Group,
        body: List,
        redirects: Vec<Redirect>,
    },
    /// `if`, `while`, `until`, `for`, `select`, `case`: the words it looks at, and the lists it may run.
    Flow {
        variable: Option<String>,
        words: Vec<Word>,
        lists: Vec<List>,
        redirects: Vec<Redirect>,
    },
    Function {
        name: String,
        body: Box<Node>,
    },
    /// `[[ … ]]`, `(( … ))`, and the head of an arithmetic `for`.
    Test {
        words: Vec<Word>,
        redirects: Vec<Redirect>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Subshell,
    Brace,
    Coproc,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Simple {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) words: Vec<Word>,
    pub(crate) redirects: Vec<Redirect>,
    /// The text from the first assignment or word to the last word, without redirections.
    pub(crate) raw: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// What stands between brackets, if an element is assigned.
    pub(crate) index: Option<Word>,
    pub(crate) append: bool,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Scalar(Word),
    Array(Vec<Word>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) kind: RedirectKind,
    pub(crate) target: Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectKind {
    Read,
    Write,
    ReadWrite,
    /// A descriptor that is there already, or `-`.
    Duplicate,
    /// The text itself: a here-document or a here-string.
    Text,
    /// A here-document in which expansions count, as its end is not quoted.
    Expanded,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text as it is. `quoted`: it came out of quotes or after a backslash.
    Text { text: String, quoted: bool },
    /// Text that becomes something else by what exists: `*`, `?`, `[…]`, `{a,b}`.
    Pattern(String),
    /// `~` or `~name` at the start of a word.
    Tilde(String),
    /// `$name` and nothing else.
    Variable { name: String, quoted: bool },
    /// Any other expansion of a parameter or of arithmetic, with what is expanded within it.
    /// `written` is its text, if it may set variables.
    Expansion { inner: Vec<Part>, quoted: bool, prompt: bool, written: String },
    /// `$( … )` or backquotes.
    Command { list: List, quoted: bool },
    /// The text of a here-document, by its number.
    Here(usize),
    /// `<( … )`, `>( … )`.
    Process(List),
}

impl Part {
    /// An expansion of which nothing is known.
    pub(crate) fn unknown(quoted: bool) -> Self {
        Self::Expansion { inner: Vec::new(), quoted, prompt: false, written: String::new() }
    }
}

impl Word {
    /// The text, if it is nothing but text without quotes.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }
}
