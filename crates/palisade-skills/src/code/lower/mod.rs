//! From each language's syntax tree to the intermediate form.
//!
//! A lowering recurses over the tree, to a bounded depth: what lies deeper becomes a mix of its
//! leaves, and the unit is marked as cut.

mod go;
mod javascript;
mod literal;
mod powershell;
mod python;
mod ruby;
mod shell;

use tree_sitter::{Node as Syntax, Tree};

pub(crate) use literal::unescape;

use super::ir::{Arg, Function, Id, Ir, Node, Op};
use super::language::Language;

/// Deeper than this, only the leaves count. Hand-written code stays below 60.
const DEEPEST: u32 = 400;

/// The name by which `${!name}` is lowered: a call of it.
pub(crate) const INDIRECT: &str = "\u{1}indirect";

/// The name by which `<(command)` is lowered: a call of it.
pub(crate) const STREAM: &str = "\u{1}stream";

/// The state of one lowering.
pub(super) struct Lowering<'a> {
    language: Language,
    source: &'a str,
    ir: Ir,
    depth: u32,
}

/// Lowers a tree.
pub(super) fn lower(language: Language, source: &str, tree: &Tree) -> Ir {
    let mut lowering = Lowering { language, source, ir: Ir::default(), depth: 0 };
    let root = lowering.any(tree.root_node());
    lowering.ir.root = root;
    lowering.ir
}

/// What an operator with two sides does, in whichever language has it.
fn operation(operator: &str) -> Op {
    match operator {
        "-" => Op::Subtract,
        "*" => Op::Multiply,
        "/" | "//" => Op::Divide,
        "%" => Op::Remainder,
        "^" => Op::Xor,
        "&" => Op::And,
        "|" => Op::Or,
        "<<" => Op::ShiftLeft,
        ">>" | ">>>" => Op::ShiftRight,
        _ => Op::Compare,
    }
}

impl<'a> Lowering<'a> {
    /// Lowers any node.
    fn any(&mut self, node: Syntax<'_>) -> Id {
        if self.depth >= DEEPEST {
            self.ir.cut = true;
            return self.leaves(node);
        }
        self.depth += 1;
        let id = match self.language {
            Language::Shell => shell::lower(self, node),
            Language::Python => python::lower(self, node),
            Language::JavaScript | Language::TypeScript | Language::Tsx => {
                javascript::lower(self, node)
            }
            Language::PowerShell => powershell::lower(self, node),
            Language::Go => go::lower(self, node),
            Language::Ruby => ruby::lower(self, node),
        };
        self.depth -= 1;
        id
    }

    fn source(&self, node: Syntax<'_>) -> &'a str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    fn add(&mut self, node: Node, at: Syntax<'_>) -> Id {
        self.ir.add(node, u32::try_from(at.start_byte()).unwrap_or(u32::MAX))
    }

    fn nothing(&mut self, at: Syntax<'_>) -> Id {
        self.add(Node::Nothing, at)
    }

    fn text(&mut self, text: impl Into<String>, at: Syntax<'_>) -> Id {
        self.add(Node::Text(text.into()), at)
    }

    /// The named children, comments left out.
    fn children<'t>(&self, node: Syntax<'t>) -> Vec<Syntax<'t>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
    }

    fn lowered_children(&mut self, node: Syntax<'_>) -> Vec<Id> {
        let children = self.children(node);
        children.into_iter().map(|child| self.any(child)).collect()
    }

    fn block(&mut self, node: Syntax<'_>) -> Id {
        let children = self.lowered_children(node);
        self.add(Node::Block(children), node)
    }

    fn mix(&mut self, node: Syntax<'_>) -> Id {
        let children = self.lowered_children(node);
        match children.as_slice() {
            [only] => *only,
            _ => self.add(Node::Mix(children), node),
        }
    }

    fn field(&mut self, node: Syntax<'_>, name: &str) -> Option<Id> {
        let child = node.child_by_field_name(name)?;
        Some(self.any(child))
    }

    /// The operator of an expression with two sides.
    fn operator(&self, node: Syntax<'_>) -> &'a str {
        node.child_by_field_name("operator").map_or("", |operator| self.source(operator))
    }

    /// An expression with two sides. What is added is one sum, however many terms it has.
    fn binary(&mut self, node: Syntax<'_>) -> Id {
        let operator = self.operator(node);
        if operator == "+" {
            let operands = self.chain(node, "+");
            let parts = operands.into_iter().map(|operand| self.any(operand)).collect();
            return self.add(Node::Sum(parts), node);
        }
        let left = self.field_or_nothing(node, "left");
        let right = self.field_or_nothing(node, "right");
        self.add(Node::Binary(operation(operator), left, right), node)
    }

    /// What is done or not by a condition, once or again and again.
    fn branch(&mut self, node: Syntax<'_>) -> Id {
        let condition = self.field_or_nothing(node, "condition");
        let then = match node.child_by_field_name("consequence") {
            Some(then) => self.any(then),
            None => self.field_or_nothing(node, "body"),
        };
        let otherwise = self.field(node, "alternative");
        self.add(Node::If { condition, then, otherwise }, node)
    }

    fn field_or_nothing(&mut self, node: Syntax<'_>, name: &str) -> Id {
        match self.field(node, name) {
            Some(id) => id,
            None => self.nothing(node),
        }
    }

    fn call(&mut self, callee: Id, args: Vec<Id>, at: Syntax<'_>) -> Id {
        let args = args.into_iter().map(|value| Arg { name: None, value, spread: false }).collect();
        self.add(Node::Call { callee, args }, at)
    }

    fn function(&mut self, function: Function, at: Syntax<'_>) -> Id {
        let index = u32::try_from(self.ir.functions.len()).unwrap_or(u32::MAX);
        self.ir.functions.push(function);
        self.add(Node::Function(index), at)
    }

    /// A function that is bound to its name.
    fn named_function(&mut self, function: Function, at: Syntax<'_>) -> Id {
        let target = Node::Name(function.name.clone());
        let value = self.function(function, at);
        let target = self.add(target, at);
        self.add(Node::Assign { target, value, add: false }, at)
    }

    /// The operands of a chain of one left-associative operator, found without recursion.
    fn chain<'t>(&self, node: Syntax<'t>, operator: &str) -> Vec<Syntax<'t>> {
        let mut operands = Vec::new();
        let mut at = node;
        loop {
            let same = at.kind() == node.kind()
                && at
                    .child_by_field_name("operator")
                    .is_some_and(|found| self.source(found) == operator);
            let (true, Some(left), Some(right)) =
                (same, at.child_by_field_name("left"), at.child_by_field_name("right"))
            else {
                operands.push(at);
                break;
            };
            operands.push(right);
            at = left;
        }
        operands.reverse();
        operands
    }

    /// The leaves below a node, without recursion.
    fn leaves(&mut self, node: Syntax<'_>) -> Id {
        const MOST: usize = 4096;
        let mut found = Vec::new();
        let mut cursor = node.walk();
        let end = node.end_byte();
        'walk: while found.len() < MOST {
            let at = cursor.node();
            if at.child_count() == 0 && at.is_named() {
                let text = self.source(at);
                let leaf = match at.kind().contains("string") {
                    true => Node::Text(text.to_owned()),
                    false => Node::Name(text.to_owned()),
                };
                found.push(self.add(leaf, at));
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
            }
            if cursor.node().start_byte() >= end {
                break;
            }
        }
        self.add(Node::Mix(found), node)
    }
}
