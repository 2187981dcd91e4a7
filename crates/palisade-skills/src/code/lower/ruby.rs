//! Ruby.

use tree_sitter::Node as Syntax;

use super::super::ir::{Arg, Function, Id, Node};
use super::{Lowering, literal};

pub(super) fn lower(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    match node.kind() {
        "program"
        | "body_statement"
        | "begin"
        | "then"
        | "else"
        | "ensure"
        | "rescue"
        | "do"
        | "block_body"
        | "parenthesized_statements"
        | "class"
        | "module"
        | "case"
        | "when"
        | "ERROR"
        | "rescue_modifier" => l.block(node),
        "identifier" | "constant" | "instance_variable" | "global_variable" | "class_variable"
        | "self" => {
            let name = l.source(node).to_owned();
            l.add(Node::Name(name), node)
        }
        "scope_resolution" => {
            let name = l.source(node).trim_start_matches("::").to_owned();
            l.add(Node::Name(name), node)
        }
        "integer" => match literal::number(l.source(node)) {
            Some(number) => l.add(Node::Number(number), node),
            None => l.nothing(node),
        },
        "string" | "bare_string" | "delimited_symbol" | "heredoc_body" | "chained_string" => {
            string(l, node)
        }
        "simple_symbol" | "hash_key_symbol" => {
            let text = l.source(node).trim_start_matches(':').to_owned();
            l.text(text, node)
        }
        "subshell" => {
            let line = string(l, node);
            let callee = l.add(Node::Name("`".to_owned()), node);
            l.call(callee, vec![line], node)
        }
        "call" => call(l, node),
        "element_reference" => {
            let of = l.field_or_nothing(node, "object");
            let inner: Vec<_> = l.children(node).into_iter().skip(1).collect();
            match inner.first() {
                Some(index) => {
                    let index = l.any(*index);
                    l.add(Node::Index(of, index), node)
                }
                None => of,
            }
        }
        "array"
        | "string_array"
        | "symbol_array"
        | "left_assignment_list"
        | "right_assignment_list" => {
            let parts = l.lowered_children(node);
            l.add(Node::List(parts), node)
        }
        "hash" => {
            let mut entries = Vec::new();
            for child in l.children(node) {
                let key = l.field_or_nothing(child, "key");
                let value = match child.kind() {
                    "pair" => l.field_or_nothing(child, "value"),
                    _ => l.mix(child),
                };
                entries.push((key, value));
            }
            l.add(Node::Map(entries), node)
        }
        "binary" => binary(l, node),
        "assignment" | "operator_assignment" => {
            let target = l.field_or_nothing(node, "left");
            let value = l.field_or_nothing(node, "right");
            let add = node
                .child_by_field_name("operator")
                .is_some_and(|o| matches!(l.source(o), "+=" | "<<"));
            l.add(Node::Assign { target, value, add }, node)
        }
        "method" | "singleton_method" => {
            let name = node.child_by_field_name("name").map_or("", |n| l.source(n)).to_owned();
            let params = parameters(l, node.child_by_field_name("parameters"));
            let body = l.field_or_nothing(node, "body");
            l.named_function(Function { name, params, body, implicit_return: true }, node)
        }
        "lambda" => {
            let params = parameters(l, node.child_by_field_name("parameters"));
            let body = match node
                .child_by_field_name("body")
                .and_then(|b| b.child_by_field_name("body"))
            {
                Some(body) => l.any(body),
                None => l.nothing(node),
            };
            l.function(Function { name: String::new(), params, body, implicit_return: true }, node)
        }
        "block" | "do_block" => {
            let params = parameters(l, node.child_by_field_name("parameters"));
            let body = l.field_or_nothing(node, "body");
            l.function(Function { name: String::new(), params, body, implicit_return: true }, node)
        }
        "return" => {
            let value = l.mix(node);
            l.add(Node::Return(value), node)
        }
        "if" | "unless" | "while" | "until" | "elsif" | "if_modifier" | "unless_modifier"
        | "while_modifier" | "until_modifier" | "conditional" => l.branch(node),
        "for" => {
            let target = l.field_or_nothing(node, "pattern");
            let of = l.field_or_nothing(node, "value");
            let body = l.field_or_nothing(node, "body");
            l.add(Node::Each { target, of, body }, node)
        }
        "comment" | "nil" | "true" | "false" | "heredoc_beginning" | "regex" | "superclass" => {
            l.nothing(node)
        }
        _ => match l.children(node).is_empty() {
            true => l.nothing(node),
            false => l.mix(node),
        },
    }
}

fn string(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut parts = Vec::new();
    let single = l.source(node).starts_with('\'');
    for child in l.children(node) {
        let part = match child.kind() {
            "string_content" | "heredoc_content" => {
                let text = l.source(child).to_owned();
                l.text(text, child)
            }
            "escape_sequence" => {
                let text = l.source(child);
                let text = match single {
                    true => text.to_owned(),
                    false => literal::unescape(text),
                };
                l.text(text, child)
            }
            "heredoc_end" => continue,
            "interpolation" => l.block(child),
            _ => l.any(child),
        };
        parts.push(part);
    }
    match parts.as_slice() {
        [] => l.text("", node),
        [only] => *only,
        _ => l.add(Node::Concat(parts), node),
    }
}

fn call(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let method = node.child_by_field_name("method").map_or("call", |n| l.source(n)).to_owned();
    let callee = match node.child_by_field_name("receiver") {
        Some(receiver) => {
            let of = l.any(receiver);
            l.add(Node::Member(of, method.clone()), node)
        }
        None => l.add(Node::Name(method.clone()), node),
    };
    let mut args = Vec::new();
    if let Some(list) = node.child_by_field_name("arguments") {
        for child in l.children(list) {
            match child.kind() {
                "pair" => {
                    let name = child
                        .child_by_field_name("key")
                        .map(|k| l.source(k).trim_matches([':', '"', '\'']).to_owned());
                    let value = l.field_or_nothing(child, "value");
                    args.push(Arg { name, value, spread: false });
                }
                "splat_argument" => {
                    let value = l.mix(child);
                    args.push(Arg { name: None, value, spread: true });
                }
                _ => {
                    let value = l.any(child);
                    args.push(Arg { name: None, value, spread: false });
                }
            }
        }
    }
    if let Some(block) = node.child_by_field_name("block") {
        let value = l.any(block);
        args.push(Arg { name: None, value, spread: false });
    }
    if matches!(method.as_str(), "require_relative" | "load")
        && let Some(list) = node.child_by_field_name("arguments")
    {
        let module = l.source(list).trim_matches(['(', ')', ' ', '"', '\'']).to_owned();
        let names = vec![("*".to_owned(), "*".to_owned())];
        return l.add(Node::Import { module, names, alias: String::new() }, node);
    }
    l.add(Node::Call { callee, args }, node)
}

fn binary(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let operator = l.operator(node);
    if !matches!(operator, "||" | "or" | "&&" | "and" | "<<") {
        return l.binary(node);
    }
    let left = l.field_or_nothing(node, "left");
    let right = l.field_or_nothing(node, "right");
    let made = match operator {
        "||" | "or" => Node::Either(vec![left, right]),
        "&&" | "and" => Node::Either(vec![right, left]),
        // `text << more`.
        _ => Node::Assign { target: left, value: right, add: true },
    };
    l.add(made, node)
}

fn parameters(l: &mut Lowering<'_>, node: Option<Syntax<'_>>) -> Vec<(String, Option<Id>)> {
    let Some(node) = node else { return Vec::new() };
    let mut params = Vec::new();
    for child in l.children(node) {
        let name = match child.child_by_field_name("name") {
            Some(name) => l.source(name),
            None => l.source(child),
        };
        let default = l.field(child, "value");
        params.push((name.to_owned(), default));
    }
    params
}
