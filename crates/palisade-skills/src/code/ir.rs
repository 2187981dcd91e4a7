//! The intermediate form: one small tree for all languages, in an arena.
//!
//! It keeps what data flow needs (calls, assignments, texts, branches, pipelines) and drops the
//! rest: a construct that a language's lowering does not know becomes [`Node::Mix`], which depends
//! on all of its parts.

/// The index of a node in its [`Ir`].
pub(crate) type Id = u32;

/// The operators that folding needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Xor,
    And,
    Or,
    ShiftLeft,
    ShiftRight,
    /// `%` with a text at its left, `-f` of PowerShell: formatting.
    Format,
    /// Comparison: only its parts matter.
    Compare,
}

/// An argument of a call.
#[derive(Debug, Clone)]
pub(crate) struct Arg {
    /// Its name, where the language has named arguments.
    pub(crate) name: Option<String>,
    pub(crate) value: Id,
    /// Is it a list whose elements are the arguments (`*args`, `...args`)?
    pub(crate) spread: bool,
}

/// Where a redirection of a command points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `<`: the file is read.
    From,
    /// `>`: the file is replaced.
    To,
    /// `>>`: the file grows.
    Append,
    /// `<<<` and here-documents: the text itself is the input.
    Text,
    /// `0<&3`, `>&$fd`: another descriptor.
    Duplicate,
}

/// One node.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Nothing,
    Text(String),
    Number(i64),
    Name(String),
    Member(Id, String),
    Index(Id, Id),
    /// From, to, step; absent or computed ends are `None`.
    Slice(Id, Option<i64>, Option<i64>, Option<i64>),
    Call {
        callee: Id,
        args: Vec<Arg>,
    },
    List(Vec<Id>),
    Map(Vec<(Id, Id)>),
    /// Texts joined: interpolation.
    Concat(Vec<Id>),
    /// A chain of `+`: numbers added, texts or lists joined. Flat, since chains of pieces are long.
    Sum(Vec<Id>),
    Binary(Op, Id, Id),
    /// Any combination of its parts.
    Mix(Vec<Id>),
    /// One of its parts: `a || b`, `a ? b : c`.
    Either(Vec<Id>),
    Function(u32),
    Assign {
        target: Id,
        value: Id,
        add: bool,
    },
    /// A command of a shell, with its redirections and the variables set for it alone.
    Command {
        name: Id,
        args: Vec<Id>,
        redirects: Vec<(Direction, Id)>,
        variables: Vec<(String, Id)>,
    },
    /// What the left writes, the right reads.
    Pipe(Vec<Id>),
    /// A group of commands with redirections, or a substitution: its value is what they write.
    Output(Id, Vec<(Direction, Id)>),
    Block(Vec<Id>),
    If {
        condition: Id,
        then: Id,
        otherwise: Option<Id>,
    },
    /// A loop or comprehension over the elements of a value.
    Each {
        target: Id,
        of: Id,
        body: Id,
    },
    Return(Id),
    /// The names that a module gives: `(its name, the name here)`; none for the module itself.
    Import {
        module: String,
        names: Vec<(String, String)>,
        alias: String,
    },
}

/// A function, method, lambda or block.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    /// Empty for a lambda.
    pub(crate) name: String,
    /// Names and defaults.
    pub(crate) params: Vec<(String, Option<Id>)>,
    pub(crate) body: Id,
    /// Is its value that of its last statement?
    pub(crate) implicit_return: bool,
}

/// The program of one unit.
#[derive(Debug, Default)]
pub(crate) struct Ir {
    nodes: Vec<(Node, u32)>,
    pub(crate) functions: Vec<Function>,
    /// Root block.
    pub(crate) root: Id,
    /// Was a part too deep to be lowered?
    pub(crate) cut: bool,
}

impl Ir {
    /// Adds a node that stands at this byte of the unit.
    pub(crate) fn add(&mut self, node: Node, at: u32) -> Id {
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push((node, at));
        id
    }

    /// The node; an index of another arena is [`Node::Nothing`].
    pub(crate) fn node(&self, id: Id) -> &Node {
        self.nodes.get(id as usize).map_or(&Node::Nothing, |(node, _)| node)
    }

    /// The byte of the unit where the node stands.
    pub(crate) fn at(&self, id: Id) -> u32 {
        self.nodes.get(id as usize).map_or(0, |(_, at)| *at)
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}
