//! JavaScript and TypeScript.

use tree_sitter::Node as Syntax;

use super::super::ir::{Arg, Function, Id, Node};
use super::{Lowering, literal};

pub(super) fn lower(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    match node.kind() {
        "program"
        | "statement_block"
        | "else_clause"
        | "finally_clause"
        | "class_body"
        | "switch_body"
        | "switch_case"
        | "switch_default"
        | "lexical_declaration"
        | "variable_declaration"
        | "expression_statement"
        | "export_statement"
        | "ERROR"
        | "try_statement"
        | "catch_clause" => l.block(node),
        "identifier"
        | "shorthand_property_identifier"
        | "shorthand_property_identifier_pattern"
        | "this"
        | "super"
        | "property_identifier"
        | "private_property_identifier"
        | "undefined" => {
            let name = l.source(node).to_owned();
            l.add(Node::Name(name), node)
        }
        "number" => match literal::number(l.source(node)) {
            Some(number) => l.add(Node::Number(number), node),
            None => l.nothing(node),
        },
        "string" => {
            let text = l.source(node);
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            let text = literal::unescape(inner);
            l.text(text, node)
        }
        "template_string" => template(l, node),
        "member_expression" => {
            let of = l.field_or_nothing(node, "object");
            let name = node.child_by_field_name("property").map_or("", |n| l.source(n)).to_owned();
            l.add(Node::Member(of, name), node)
        }
        "subscript_expression" => {
            let of = l.field_or_nothing(node, "object");
            let index = l.field_or_nothing(node, "index");
            l.add(Node::Index(of, index), node)
        }
        "call_expression" | "new_expression" => call(l, node),
        "array" | "array_pattern" | "sequence_expression" => {
            let parts = l.lowered_children(node);
            match node.kind() {
                // The last counts: `(0, eval)(x)`.
                "sequence_expression" => l.add(Node::Block(parts), node),
                _ => l.add(Node::List(parts), node),
            }
        }
        "object" => object(l, node),
        "object_pattern" => object(l, node),
        "binary_expression" => binary(l, node),
        "ternary_expression" => {
            let condition = l.field_or_nothing(node, "condition");
            let then = l.field_or_nothing(node, "consequence");
            let otherwise = l.field(node, "alternative");
            l.add(Node::If { condition, then, otherwise }, node)
        }
        "assignment_expression" | "augmented_assignment_expression" => {
            let target = l.field_or_nothing(node, "left");
            let value = l.field_or_nothing(node, "right");
            let add = node.child_by_field_name("operator").is_some_and(|o| l.source(o) == "+=");
            l.add(Node::Assign { target, value, add }, node)
        }
        "variable_declarator" | "field_definition" | "public_field_definition" => {
            declarator(l, node)
        }
        "assignment_pattern" | "object_assignment_pattern" => l.field_or_nothing(node, "left"),
        "function_declaration" | "generator_function_declaration" => {
            let function = function(l, node);
            l.named_function(function, node)
        }
        "method_definition" => {
            let function = function(l, node);
            l.named_function(function, node)
        }
        "function_expression" | "generator_function" | "arrow_function" => {
            let mut function = function(l, node);
            if node.kind() == "arrow_function" {
                function.name = String::new();
            }
            l.function(function, node)
        }
        "return_statement" | "yield_expression" => {
            let value = l.mix(node);
            l.add(Node::Return(value), node)
        }
        "if_statement" | "while_statement" | "do_statement" => l.branch(node),
        "for_in_statement" => {
            let target = l.field_or_nothing(node, "left");
            let of = l.field_or_nothing(node, "right");
            let body = l.field_or_nothing(node, "body");
            l.add(Node::Each { target, of, body }, node)
        }
        "import_statement" => import(l, node),
        "class_declaration" | "class" => l.field_or_nothing(node, "body"),
        "unary_expression" => {
            let operator = node.child_by_field_name("operator").map_or("", |o| l.source(o));
            let operand = l.field_or_nothing(node, "argument");
            match (operator, l.ir.node(operand)) {
                ("-", Node::Number(number)) => {
                    let number = number.wrapping_neg();
                    l.add(Node::Number(number), node)
                }
                _ => l.add(Node::Mix(vec![operand]), node),
            }
        }
        "comment"
        | "null"
        | "true"
        | "false"
        | "type_annotation"
        | "interface_declaration"
        | "type_alias_declaration"
        | "empty_statement"
        | "hash_bang_line"
        | "regex"
        | "type_arguments"
        | "predefined_type" => l.nothing(node),
        "as_expression" | "satisfies_expression" | "non_null_expression" => {
            match l.children(node).first() {
                Some(first) => l.any(*first),
                None => l.nothing(node),
            }
        }
        _ => match l.children(node).is_empty() {
            true => l.nothing(node),
            false if node.kind().ends_with("_statement") => l.block(node),
            false => l.mix(node),
        },
    }
}

fn template(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut parts = Vec::new();
    for child in l.children(node) {
        match child.kind() {
            "string_fragment" => {
                let text = l.source(child).to_owned();
                parts.push(l.text(text, child));
            }
            "escape_sequence" => {
                let text = literal::unescape(l.source(child));
                parts.push(l.text(text, child));
            }
            _ => parts.push(l.mix(child)),
        }
    }
    match parts.len() {
        0 => l.text("", node),
        _ => l.add(Node::Concat(parts), node),
    }
}

fn call(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let callee = match node.child_by_field_name("function") {
        Some(callee) if callee.kind() == "import" => {
            l.add(Node::Name("require".to_owned()), callee)
        }
        Some(callee) => l.any(callee),
        None => l.field_or_nothing(node, "constructor"),
    };
    let mut args = Vec::new();
    if let Some(list) = node.child_by_field_name("arguments") {
        if list.kind() == "template_string" {
            let value = l.any(list);
            args.push(Arg { name: None, value, spread: false });
        } else {
            for child in l.children(list) {
                let spread = child.kind() == "spread_element";
                let value = if spread { l.mix(child) } else { l.any(child) };
                args.push(Arg { name: None, value, spread });
            }
        }
    }
    l.add(Node::Call { callee, args }, node)
}

fn object(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut entries = Vec::new();
    for child in l.children(node) {
        match child.kind() {
            "pair" | "pair_pattern" => {
                let key = match child.child_by_field_name("key") {
                    Some(key) if key.kind() == "property_identifier" => {
                        let name = l.source(key).to_owned();
                        l.text(name, key)
                    }
                    Some(key) if key.kind() == "computed_property_name" => l.mix(key),
                    Some(key) => l.any(key),
                    None => l.nothing(child),
                };
                let value = l.field_or_nothing(child, "value");
                entries.push((key, value));
            }
            "shorthand_property_identifier" | "shorthand_property_identifier_pattern" => {
                let name = l.source(child).to_owned();
                let key = l.text(name.clone(), child);
                let value = l.add(Node::Name(name), child);
                entries.push((key, value));
            }
            "method_definition" => {
                let function = function(l, child);
                let key = l.text(function.name.clone(), child);
                let value = l.function(function, child);
                entries.push((key, value));
            }
            _ => {
                let key = l.nothing(child);
                let value = l.mix(child);
                entries.push((key, value));
            }
        }
    }
    l.add(Node::Map(entries), node)
}

fn binary(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let operator = l.operator(node);
    if matches!(operator, "||" | "??" | "&&") {
        let operands = l.chain(node, operator);
        let mut parts: Vec<Id> = operands.into_iter().map(|operand| l.any(operand)).collect();
        if operator == "&&" {
            // `a && f(x)`: a condition.
            parts.reverse();
        }
        return l.add(Node::Either(parts), node);
    }
    l.binary(node)
}

fn declarator(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let name = node.child_by_field_name("name").or_else(|| node.child_by_field_name("property"));
    let Some(name) = name else { return l.nothing(node) };
    let value = l.field_or_nothing(node, "value");
    if name.kind() == "object_pattern" {
        // `const { exec } = require('child_process')`.
        let holder = l.add(Node::Name(format!("\u{1}{}", node.start_byte())), node);
        let first = l.add(Node::Assign { target: holder, value, add: false }, node);
        let mut parts = vec![first];
        for child in l.children(name) {
            let (key, target) = match child.kind() {
                "pair_pattern" => (
                    child.child_by_field_name("key").map_or("", |k| l.source(k)).to_owned(),
                    l.field_or_nothing(child, "value"),
                ),
                "object_assignment_pattern" => {
                    let left =
                        child.child_by_field_name("left").map_or("", |k| l.source(k)).to_owned();
                    let target = l.add(Node::Name(left.clone()), child);
                    (left, target)
                }
                _ => {
                    let name = l.source(child).trim_start_matches("...").to_owned();
                    let target = l.add(Node::Name(name.clone()), child);
                    (name, target)
                }
            };
            let member = l.add(Node::Member(holder, key), child);
            parts.push(l.add(Node::Assign { target, value: member, add: false }, child));
        }
        return l.add(Node::Block(parts), node);
    }
    let function_name = l.source(name).to_owned();
    if let Node::Function(index) = l.ir.node(value) {
        let index = *index as usize;
        if let Some(function) = l.ir.functions.get_mut(index).filter(|f| f.name.is_empty()) {
            function.name = function_name;
        }
    }
    let target = l.any(name);
    l.add(Node::Assign { target, value, add: false }, node)
}

fn function(l: &mut Lowering<'_>, node: Syntax<'_>) -> Function {
    let name = node.child_by_field_name("name").map_or("", |n| l.source(n)).to_owned();
    let mut params = Vec::new();
    if let Some(one) = node.child_by_field_name("parameter") {
        params.push((l.source(one).to_owned(), None));
    }
    if let Some(list) = node.child_by_field_name("parameters") {
        for child in l.children(list) {
            let (name, default) = match child.kind() {
                "assignment_pattern" => {
                    let default = l.field(child, "right");
                    (child.child_by_field_name("left").map_or("", |n| l.source(n)), default)
                }
                "required_parameter" | "optional_parameter" => {
                    let default = l.field(child, "value");
                    (child.child_by_field_name("pattern").map_or("", |n| l.source(n)), default)
                }
                _ => (l.source(child).trim_start_matches("..."), None),
            };
            params.push((name.to_owned(), default));
        }
    }
    let body = node.child_by_field_name("body");
    let implicit_return = body.is_some_and(|body| body.kind() != "statement_block");
    let body = l.field_or_nothing(node, "body");
    Function { name, params, body, implicit_return }
}

fn import(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let module = node.child_by_field_name("source").map_or("", |n| l.source(n));
    let module = module.trim_matches(['"', '\'']).to_owned();
    let mut alias = String::new();
    let mut names = Vec::new();
    for clause in l.children(node).into_iter().filter(|child| child.kind() == "import_clause") {
        for child in l.children(clause) {
            match child.kind() {
                "identifier" => alias = l.source(child).to_owned(),
                "namespace_import" => {
                    alias = l.children(child).first().map_or("", |n| l.source(*n)).to_owned();
                }
                "named_imports" => {
                    for specifier in l.children(child) {
                        let name =
                            specifier.child_by_field_name("name").map_or("", |n| l.source(n));
                        let here =
                            specifier.child_by_field_name("alias").map_or(name, |n| l.source(n));
                        names.push((name.to_owned(), here.to_owned()));
                    }
                }
                _ => {}
            }
        }
    }
    l.add(Node::Import { module, names, alias }, node)
}
