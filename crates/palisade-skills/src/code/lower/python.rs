//! Python.

use tree_sitter::Node as Syntax;

use super::super::ir::{Arg, Function, Id, Node, Op};
use super::{Lowering, literal};

pub(super) fn lower(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    match node.kind() {
        "module" | "block" | "else_clause" | "finally_clause" => l.block(node),
        "identifier" => {
            let name = l.source(node).to_owned();
            l.add(Node::Name(name), node)
        }
        "integer" => match literal::number(l.source(node)) {
            Some(number) => l.add(Node::Number(number), node),
            None => l.nothing(node),
        },
        "string" => string(l, node),
        "concatenated_string" => {
            let parts = l.lowered_children(node);
            l.add(Node::Concat(parts), node)
        }
        "attribute" => {
            let of = l.field_or_nothing(node, "object");
            let name = node.child_by_field_name("attribute").map_or("", |n| l.source(n)).to_owned();
            l.add(Node::Member(of, name), node)
        }
        "subscript" => subscript(l, node),
        "call" => call(l, node),
        "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "tuple_pattern"
        | "list_pattern" => {
            let parts = l.lowered_children(node);
            l.add(Node::List(parts), node)
        }
        "dictionary" => {
            let mut entries = Vec::new();
            for child in l.children(node) {
                if child.kind() == "pair" {
                    let key = l.field_or_nothing(child, "key");
                    let value = l.field_or_nothing(child, "value");
                    entries.push((key, value));
                } else {
                    let key = l.nothing(child);
                    let value = l.mix(child);
                    entries.push((key, value));
                }
            }
            l.add(Node::Map(entries), node)
        }
        "binary_operator" => l.binary(node),
        "comparison_operator" | "not_operator" => {
            let parts = l.lowered_children(node);
            let left = l.add(Node::Mix(parts), node);
            let right = l.nothing(node);
            l.add(Node::Binary(Op::Compare, left, right), node)
        }
        "boolean_operator" | "conditional_expression" => {
            let mut parts = l.lowered_children(node);
            if node.kind() == "conditional_expression" && parts.len() == 3 {
                // `a if c else b`: the condition is not among the values.
                parts.swap(1, 2);
                parts.truncate(2);
            }
            l.add(Node::Either(parts), node)
        }
        "assignment" | "named_expression" | "augmented_assignment" => {
            let target = match node.child_by_field_name("left") {
                Some(left) => l.any(left),
                None => l.field_or_nothing(node, "name"),
            };
            let value = match node.child_by_field_name("right") {
                Some(right) => l.any(right),
                None => l.field_or_nothing(node, "value"),
            };
            let add = node.kind() == "augmented_assignment"
                && node.child_by_field_name("operator").is_some_and(|o| l.source(o) == "+=");
            l.add(Node::Assign { target, value, add }, node)
        }
        "function_definition" => {
            let name = node.child_by_field_name("name").map_or("", |n| l.source(n)).to_owned();
            let params = parameters(l, node.child_by_field_name("parameters"));
            let body = l.field_or_nothing(node, "body");
            l.named_function(Function { name, params, body, implicit_return: false }, node)
        }
        "lambda" => {
            let params = parameters(l, node.child_by_field_name("parameters"));
            let body = l.field_or_nothing(node, "body");
            let function = Function { name: String::new(), params, body, implicit_return: true };
            l.function(function, node)
        }
        "return_statement" | "yield" => {
            let value = l.mix(node);
            l.add(Node::Return(value), node)
        }
        "if_statement" | "elif_clause" | "while_statement" => condition(l, node),
        "for_statement" => {
            let target = l.field_or_nothing(node, "left");
            let of = l.field_or_nothing(node, "right");
            let body = l.field_or_nothing(node, "body");
            l.add(Node::Each { target, of, body }, node)
        }
        "list_comprehension"
        | "generator_expression"
        | "set_comprehension"
        | "dictionary_comprehension" => comprehension(l, node),
        "with_item" | "as_pattern" => {
            let children = l.children(node);
            match children.as_slice() {
                [value, target] => {
                    let target = l.mix(*target);
                    let value = l.any(*value);
                    l.add(Node::Assign { target, value, add: false }, node)
                }
                _ => l.mix(node),
            }
        }
        "import_statement" => import(l, node),
        "import_from_statement" => import_from(l, node),
        "class_definition" => {
            let body = l.field_or_nothing(node, "body");
            let bases = l.field_or_nothing(node, "superclasses");
            l.add(Node::Block(vec![bases, body]), node)
        }
        "exec_statement" => {
            let args = l.lowered_children(node);
            let callee = l.add(Node::Name("exec".to_owned()), node);
            l.call(callee, args, node)
        }
        "comment" | "pass_statement" | "true" | "false" | "none" | "type" | "ellipsis" => {
            l.nothing(node)
        }
        _ => match l.children(node).is_empty() {
            true => l.nothing(node),
            false if node.kind().ends_with("_statement") || node.kind() == "ERROR" => l.block(node),
            false => l.mix(node),
        },
    }
}

fn string(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut parts = Vec::new();
    let start = node.child(0).map_or("", |start| l.source(start)).to_ascii_lowercase();
    let raw = start.contains('r');
    for child in l.children(node) {
        match child.kind() {
            "string_content" => {
                let text = l.source(child);
                let text = match raw {
                    true => text.to_owned(),
                    false => literal::unescape(text),
                };
                let text = match start.contains('f') {
                    true => text.replace("{{", "{").replace("}}", "}"),
                    false => text,
                };
                parts.push(l.text(text, child));
            }
            "interpolation" => {
                let part = match child.child_by_field_name("expression") {
                    Some(expression) => l.any(expression),
                    None => l.mix(child),
                };
                parts.push(part);
            }
            _ => {}
        }
    }
    match parts.as_slice() {
        [only] if !start.contains('f') => *only,
        [] => l.text("", node),
        _ => l.add(Node::Concat(parts), node),
    }
}

fn subscript(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let of = l.field_or_nothing(node, "value");
    let Some(index) = node.child_by_field_name("subscript") else { return of };
    if index.kind() != "slice" {
        let index = l.any(index);
        return l.add(Node::Index(of, index), node);
    }
    let text = l.source(index);
    let mut ends = text.split(':').map(|end| end.trim().parse::<i64>().ok());
    let (from, to, step) = (ends.next().flatten(), ends.next().flatten(), ends.next().flatten());
    l.add(Node::Slice(of, from, to, step), node)
}

fn call(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let callee = l.field_or_nothing(node, "function");
    let mut args = Vec::new();
    if let Some(list) = node.child_by_field_name("arguments") {
        if list.kind() == "generator_expression" {
            let value = l.any(list);
            args.push(Arg { name: None, value, spread: false });
        } else {
            for child in l.children(list) {
                args.push(argument(l, child));
            }
        }
    }
    l.add(Node::Call { callee, args }, node)
}

fn argument(l: &mut Lowering<'_>, node: Syntax<'_>) -> Arg {
    match node.kind() {
        "keyword_argument" => Arg {
            name: node.child_by_field_name("name").map(|n| l.source(n).to_owned()),
            value: l.field_or_nothing(node, "value"),
            spread: false,
        },
        "list_splat" => Arg { name: None, value: l.mix(node), spread: true },
        "dictionary_splat" => {
            Arg { name: Some("**".to_owned()), value: l.mix(node), spread: false }
        }
        _ => Arg { name: None, value: l.any(node), spread: false },
    }
}

fn parameters(l: &mut Lowering<'_>, node: Option<Syntax<'_>>) -> Vec<(String, Option<Id>)> {
    let Some(node) = node else { return Vec::new() };
    let mut params = Vec::new();
    for child in l.children(node) {
        let name = match child.kind() {
            "identifier" => Some(child),
            "default_parameter" | "typed_default_parameter" => child.child_by_field_name("name"),
            _ => l.children(child).first().copied(),
        };
        let name = name.map_or("", |name| l.source(name)).to_owned();
        let default = l.field(child, "value");
        params.push((name, default));
    }
    params
}

fn condition(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let condition = l.field_or_nothing(node, "condition");
    let then = match node.child_by_field_name("consequence") {
        Some(then) => l.any(then),
        None => l.field_or_nothing(node, "body"),
    };
    let mut cursor = node.walk();
    let rest: Vec<_> = node.children_by_field_name("alternative", &mut cursor).collect();
    let rest: Vec<Id> = rest.into_iter().map(|rest| l.any(rest)).collect();
    let otherwise = (!rest.is_empty()).then(|| l.add(Node::Block(rest), node));
    l.add(Node::If { condition, then, otherwise }, node)
}

/// Loops from the outside in: each `for` clause holds what follows it.
fn comprehension(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut body = match node.child_by_field_name("body") {
        Some(body) if body.kind() == "pair" => {
            let parts = l.lowered_children(body);
            l.add(Node::List(parts), body)
        }
        Some(body) => l.any(body),
        None => l.nothing(node),
    };
    let clauses: Vec<_> =
        l.children(node).into_iter().filter(|child| child.kind() == "for_in_clause").collect();
    for clause in clauses.into_iter().rev() {
        let target = l.field_or_nothing(clause, "left");
        let of = l.field_or_nothing(clause, "right");
        body = l.add(Node::Each { target, of, body }, clause);
    }
    body
}

fn import(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut parts = Vec::new();
    for child in l.children(node) {
        let (module, alias) = match child.kind() {
            "aliased_import" => (
                child.child_by_field_name("name").map_or("", |n| l.source(n)),
                child.child_by_field_name("alias").map_or("", |n| l.source(n)),
            ),
            _ => {
                // `import a.b` binds `a`.
                let module = l.source(child);
                (module, module.split('.').next().unwrap_or_default())
            }
        };
        let module = match child.kind() {
            "aliased_import" => module,
            _ => alias,
        };
        let import =
            Node::Import { module: module.to_owned(), names: Vec::new(), alias: alias.to_owned() };
        parts.push(l.add(import, child));
    }
    l.add(Node::Block(parts), node)
}

fn import_from(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let module = node.child_by_field_name("module_name").map_or("", |n| l.source(n)).to_owned();
    let mut names = Vec::new();
    let mut cursor = node.walk();
    for child in node.children_by_field_name("name", &mut cursor) {
        let (name, alias) = match child.kind() {
            "aliased_import" => (
                child.child_by_field_name("name").map_or("", |n| l.source(n)),
                child.child_by_field_name("alias").map_or("", |n| l.source(n)),
            ),
            _ => (l.source(child), l.source(child)),
        };
        names.push((name.to_owned(), alias.to_owned()));
    }
    if names.is_empty() {
        names.push(("*".to_owned(), "*".to_owned()));
    }
    l.add(Node::Import { module, names, alias: String::new() }, node)
}
