//! PowerShell.

use tree_sitter::Node as Syntax;

use super::super::ir::{Arg, Direction, Function, Id, Node, Op};
use super::{Lowering, literal};

pub(super) fn lower(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    match node.kind() {
        "program"
        | "statement_list"
        | "statement_block"
        | "script_block_body"
        | "script_block"
        | "named_block"
        | "named_block_list"
        | "else_clause"
        | "elseif_clauses"
        | "finally_clause"
        | "catch_clauses"
        | "catch_clause"
        | "try_statement"
        | "switch_body"
        | "switch_clauses"
        | "switch_clause"
        | "ERROR"
        | "class_statement"
        | "class_method_definition"
        | "param_block" => l.block(node),
        "pipeline" => pipeline(l, node),
        "pipeline_chain" => pipe(l, node),
        "command" => command(l, node),
        "variable" | "braced_variable" => {
            let name = variable_name(l.source(node));
            l.add(Node::Name(name), node)
        }
        "decimal_integer_literal" | "hexadecimal_integer_literal" | "integer_literal" => {
            match literal::number(l.source(node)) {
                Some(number) => l.add(Node::Number(number), node),
                None => l.nothing(node),
            }
        }
        "string_literal"
        | "verbatim_string_characters"
        | "verbatim_here_string_characters"
        | "expandable_string_literal"
        | "expandable_here_string_literal" => string(l, node),
        "generic_token"
        | "command_parameter"
        | "path_command_name_token"
        | "simple_name"
        | "type_identifier"
        | "command_name" => {
            let text = l.source(node).replace('`', "");
            match text.strip_prefix('$') {
                Some(_) if node.kind() == "generic_token" => {
                    let name = variable_name(&text);
                    l.add(Node::Name(name), node)
                }
                _ => l.text(text, node),
            }
        }
        "type_literal" => {
            let name = l.source(node).trim_matches(['[', ']']).to_ascii_lowercase();
            let name = name.strip_prefix("system.").unwrap_or(&name).to_owned();
            l.add(Node::Name(name), node)
        }
        "cast_expression" => {
            let children = l.children(node);
            let (Some(of), Some(value)) = (children.first(), children.get(1)) else {
                return l.mix(node);
            };
            let name = l.source(*of).trim_matches(['[', ']']).to_ascii_lowercase();
            let value = l.any(*value);
            let callee = l.add(Node::Name(format!("cast {name}")), node);
            l.call(callee, vec![value], node)
        }
        "member_access" => {
            let children = l.children(node);
            let (Some(of), Some(name)) = (children.first(), children.get(1)) else {
                return l.mix(node);
            };
            let of = l.any(*of);
            let name = l.source(*name).to_ascii_lowercase();
            l.add(Node::Member(of, name), node)
        }
        "invokation_expression" => invocation(l, node),
        "element_access" => {
            let children = l.children(node);
            let (Some(of), Some(index)) = (children.first(), children.get(1)) else {
                return l.mix(node);
            };
            let of = l.any(*of);
            let index = l.any(*index);
            l.add(Node::Index(of, index), node)
        }
        "assignment_expression" => assignment(l, node),
        "additive_expression" | "additive_argument_expression" => additive(l, node),
        "multiplicative_expression"
        | "bitwise_expression"
        | "comparison_expression"
        | "format_expression"
        | "comparison_argument_expression"
        | "format_argument_expression"
        | "bitwise_argument_expression" => operator(l, node),
        "array_literal_expression" => match l.children(node).len() {
            0 | 1 => l.mix(node),
            _ => {
                let parts = l.lowered_children(node);
                l.add(Node::List(parts), node)
            }
        },
        "array_expression" => l.block(node),
        "range_expression" => range(l, node),
        "sub_expression" => {
            let body = l.block(node);
            l.add(Node::Output(body, Vec::new()), node)
        }
        "parenthesized_expression" => l.mix(node),
        "hash_literal_expression" => l.mix(node),
        "hash_literal_body" => {
            let mut entries = Vec::new();
            for entry in l.children(node) {
                let children = l.children(entry);
                let (Some(key), Some(value)) = (children.first(), children.get(1)) else {
                    continue;
                };
                let text = l.source(*key).trim_matches(['"', '\'']).to_owned();
                let key = l.text(text, *key);
                let value = l.any(*value);
                entries.push((key, value));
            }
            l.add(Node::Map(entries), node)
        }
        "script_block_expression" => {
            let body = l.block(node);
            let params = vec![("_".to_owned(), None)];
            l.function(Function { name: String::new(), params, body, implicit_return: true }, node)
        }
        "function_statement" => function(l, node),
        "if_statement" | "elseif_clause" | "while_statement" | "for_statement" | "do_statement" => {
            branches(l, node)
        }
        "foreach_statement" => {
            let mut children =
                l.children(node).into_iter().filter(|c| c.kind() != "foreach_parameter");
            let (Some(target), Some(of), Some(body)) =
                (children.next(), children.next(), children.next())
            else {
                return l.block(node);
            };
            let target = l.any(target);
            let of = l.any(of);
            let body = l.any(body);
            l.add(Node::Each { target, of, body }, node)
        }
        "flow_control_statement" => {
            let value = l.mix(node);
            l.add(Node::Return(value), node)
        }
        "expression_with_unary_operator" => {
            let value = l.mix(node);
            match l.source(node).trim_start().to_ascii_lowercase().starts_with("-join") {
                true => {
                    let callee = l.add(Node::Member(value, "-join".to_owned()), node);
                    let empty = l.text("", node);
                    l.call(callee, vec![empty], node)
                }
                false => value,
            }
        }
        "comment" | "empty_statement" | "command_argument_sep" | "real_literal" => l.nothing(node),
        _ => match l.children(node).is_empty() {
            true => l.nothing(node),
            false => l.mix(node),
        },
    }
}

fn variable_name(text: &str) -> String {
    let name = text.trim_start_matches(['$', '@']).trim_matches(['{', '}']).to_ascii_lowercase();
    for scope in ["script:", "global:", "local:", "private:", "using:"] {
        if let Some(rest) = name.strip_prefix(scope) {
            return rest.to_owned();
        }
    }
    name
}

fn string(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let text = l.source(node);
    if text.starts_with('\'') || text.starts_with("@'") {
        let inner = text.trim_start_matches('@').trim_end_matches('@');
        let inner =
            inner.get(1..inner.len().saturating_sub(1)).unwrap_or_default().replace("''", "'");
        return l.text(inner, node);
    }
    let node = match node.kind() {
        "string_literal" => l.children(node).first().copied().unwrap_or(node),
        _ => node,
    };
    let here = text.starts_with('@');
    let skip = if here { 2 } else { 1 };
    let mut at = node.start_byte() + skip;
    let end = node.end_byte().saturating_sub(skip);
    let mut parts = Vec::new();
    for child in l.children(node) {
        if !matches!(child.kind(), "variable" | "sub_expression") {
            continue;
        }
        let before = l.source.get(at..child.start_byte()).unwrap_or_default();
        if !before.is_empty() {
            let before = unescape(before);
            parts.push(l.text(before, node));
        }
        parts.push(l.any(child));
        at = child.end_byte();
    }
    let rest = l.source.get(at..end.max(at)).unwrap_or_default();
    if !rest.is_empty() || parts.is_empty() {
        let rest = unescape(rest);
        parts.push(l.text(rest, node));
    }
    match parts.as_slice() {
        [only] => *only,
        _ => l.add(Node::Concat(parts), node),
    }
}

fn unescape(text: &str) -> String {
    text.replace("`n", "\n")
        .replace("`t", "\t")
        .replace("`r", "\r")
        .replace("\"\"", "\"")
        .replace('`', "")
}

/// The parts of `a | b | c`, or an assignment.
fn pipeline(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let children = l.children(node);
    match children.as_slice() {
        [only] => l.any(*only),
        _ => l.block(node),
    }
}

fn pipe(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let children = l.children(node);
    let mut redirects = Vec::new();
    let mut parts = Vec::new();
    for child in &children {
        match child.kind() {
            "redirections" => {
                for inner in l.children(*child) {
                    redirects.extend(redirection(l, inner));
                }
            }
            _ => parts.push(l.any(*child)),
        }
    }
    let value = match parts.as_slice() {
        [only] => *only,
        _ => l.add(Node::Pipe(parts), node),
    };
    match redirects.is_empty() {
        true => value,
        false => l.add(Node::Output(value, redirects), node),
    }
}

fn redirection(l: &mut Lowering<'_>, node: Syntax<'_>) -> Option<(Direction, Id)> {
    let children = l.children(node);
    let file = children.iter().find(|child| child.kind() == "redirected_file_name")?;
    let append = l.source(node).starts_with(">>");
    let file = l.mix(*file);
    Some((if append { Direction::Append } else { Direction::To }, file))
}

fn command(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let Some(name_node) = node.child_by_field_name("command_name") else { return l.mix(node) };
    let name = match name_node.kind() {
        "command_name" => {
            let text = l.source(name_node).replace('`', "");
            match text.contains('$') {
                true => l.mix(name_node),
                false => l.text(text, name_node),
            }
        }
        _ => l.mix(name_node),
    };
    let mut args = Vec::new();
    let mut redirects = Vec::new();
    if let Some(elements) = node.child_by_field_name("command_elements") {
        let mut end = 0;
        for child in l.children(elements) {
            let touches = child.start_byte() == end;
            end = child.end_byte();
            if let Some(path) = path(l, child) {
                args.push(path);
                continue;
            }
            match child.kind() {
                "command_argument_sep" => {}
                "redirection" => redirects.extend(redirection(l, child)),
                "argument_list" => {
                    let mut given = Vec::new();
                    for list in l.children(child) {
                        given.extend(l.lowered_children(list));
                    }
                    // `iex (New-Object …).Method(…)`: the grammar takes it for a further argument.
                    match args
                        .last()
                        .copied()
                        .filter(|last| touches && matches!(l.ir.node(*last), Node::Member(..)))
                    {
                        Some(callee) => {
                            args.pop();
                            let call = l.call(callee, given, child);
                            args.push(call);
                        }
                        None => args.extend(given),
                    }
                }
                _ => args.push(l.any(child)),
            }
        }
    }
    l.add(Node::Command { name, args, redirects, variables: Vec::new() }, node)
}

/// `$env:TEMP\name`: a variable and the rest of a path, which the grammar splits oddly.
fn path(l: &mut Lowering<'_>, node: Syntax<'_>) -> Option<Id> {
    let text = l.source(node);
    if !text.starts_with('$')
        || !text.contains(['\\', '/'])
        || text.contains(|c: char| c.is_whitespace() || matches!(c, '(' | ',' | '"' | '\''))
    {
        return None;
    }
    let at = text.find(['\\', '/'])?;
    let (variable, rest) = text.split_at(at);
    let name = variable_name(variable);
    let variable = l.add(Node::Name(name), node);
    let rest = l.text(rest, node);
    Some(l.add(Node::Concat(vec![variable, rest]), node))
}

fn invocation(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let children = l.children(node);
    let (Some(of), Some(name)) = (children.first(), children.get(1)) else { return l.mix(node) };
    let of = l.any(*of);
    let plain = l.children(*name).first().is_none_or(|inner| inner.kind() == "simple_name");
    let callee = match plain {
        true => {
            let name = l.source(*name).to_ascii_lowercase();
            l.add(Node::Member(of, name), node)
        }
        false => {
            let name = l.mix(*name);
            l.add(Node::Index(of, name), node)
        }
    };
    let mut args = Vec::new();
    for list in children.iter().filter(|child| child.kind() == "argument_list") {
        for expressions in l.children(*list) {
            for argument in l.children(expressions) {
                args.push(Arg { name: None, value: l.mix(argument), spread: false });
            }
        }
    }
    l.add(Node::Call { callee, args }, node)
}

fn assignment(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let children = l.children(node);
    let Some(target) = children.first() else { return l.nothing(node) };
    let add = children
        .iter()
        .find(|child| child.kind() == "assignement_operator")
        .is_some_and(|operator| l.source(*operator) == "+=");
    let target = l.mix(*target);
    let value = l.field_or_nothing(node, "value");
    l.add(Node::Assign { target, value, add }, node)
}

fn additive(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    if l.children(node).len() < 2 {
        return l.mix(node);
    }
    // Left-deep, as long as the chain.
    let mut operands = Vec::new();
    let mut at = node;
    let mut minus = false;
    loop {
        let children = l.children(at);
        let (Some(left), Some(right)) = (children.first(), children.get(1)) else {
            operands.push(at);
            break;
        };
        let between = l.source.get(left.end_byte()..right.start_byte()).unwrap_or_default();
        minus |= between.contains('-');
        operands.push(*right);
        if left.kind() != node.kind() || l.children(*left).len() < 2 {
            operands.push(*left);
            break;
        }
        at = *left;
    }
    operands.reverse();
    let parts: Vec<Id> = operands.into_iter().map(|operand| l.any(operand)).collect();
    match (minus, parts.as_slice()) {
        (true, [left, right]) => l.add(Node::Binary(Op::Subtract, *left, *right), node),
        (true, _) => l.add(Node::Mix(parts), node),
        (false, [only]) => *only,
        (false, _) => l.add(Node::Sum(parts), node),
    }
}

fn operator(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let children: Vec<_> = l
        .children(node)
        .into_iter()
        .filter(|child| !matches!(child.kind(), "comparison_operator" | "format_operator"))
        .collect();
    let (Some(left_node), Some(right_node)) = (children.first(), children.get(1)) else {
        return l.mix(node);
    };
    let between = l
        .source
        .get(left_node.end_byte()..right_node.start_byte())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let left = l.any(*left_node);
    let right = l.any(*right_node);
    let method = match between.as_str() {
        "-join" => Some("-join"),
        "-split" | "-csplit" | "-isplit" => Some("-split"),
        "-replace" | "-creplace" | "-ireplace" => Some("-replace"),
        _ => None,
    };
    if let Some(method) = method {
        let callee = l.add(Node::Member(left, method.to_owned()), node);
        let args = match l.ir.node(right) {
            Node::List(parts) => parts.clone(),
            _ => vec![right],
        };
        return l.call(callee, args, node);
    }
    let op = match between.as_str() {
        "-f" => Op::Format,
        "-bxor" => Op::Xor,
        "-band" => Op::And,
        "-bor" => Op::Or,
        "*" => Op::Multiply,
        "/" => Op::Divide,
        "%" => Op::Remainder,
        "-shl" => Op::ShiftLeft,
        "-shr" => Op::ShiftRight,
        _ => Op::Compare,
    };
    l.add(Node::Binary(op, left, right), node)
}

fn range(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let children = l.lowered_children(node);
    let (Some(from), Some(to)) = (children.first(), children.get(1)) else {
        return match children.as_slice() {
            [only] => *only,
            _ => l.add(Node::Mix(children), node),
        };
    };
    match (l.ir.node(*from), l.ir.node(*to)) {
        (Node::Number(from), Node::Number(to)) if to.abs_diff(*from) < 4096 => {
            let (from, to) = (*from, *to);
            let numbers: Vec<i64> = match from <= to {
                true => (from..=to).collect(),
                false => (to..=from).rev().collect(),
            };
            let parts =
                numbers.into_iter().map(|number| l.add(Node::Number(number), node)).collect();
            l.add(Node::List(parts), node)
        }
        _ => l.add(Node::Mix(children), node),
    }
}

fn function(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut name = String::new();
    let mut params = Vec::new();
    let mut body = None;
    let mut pending = l.children(node);
    pending.reverse();
    while let Some(child) = pending.pop() {
        match child.kind() {
            "function_name" => name = l.source(child).to_owned(),
            "function_parameter_declaration" | "parameter_list" | "param_block" => {
                let mut inner = l.children(child);
                inner.reverse();
                pending.extend(inner);
            }
            "script_parameter" => {
                let variable = l.children(child).into_iter().find(|c| c.kind() == "variable");
                if let Some(variable) = variable {
                    params.push((variable_name(l.source(variable)), None));
                }
            }
            "script_block" => {
                for block in l.children(child).into_iter().filter(|c| c.kind() == "param_block") {
                    let mut inner = l.children(block);
                    inner.reverse();
                    pending.extend(inner);
                }
                body = Some(l.any(child));
            }
            _ => {}
        }
    }
    let body = match body {
        Some(body) => body,
        None => l.nothing(node),
    };
    l.named_function(Function { name, params, body, implicit_return: true }, node)
}

fn branches(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let condition = match node.child_by_field_name("condition") {
        Some(condition) => l.any(condition),
        None => l.nothing(node),
    };
    let mut then = Vec::new();
    let mut otherwise = Vec::new();
    for child in l.children(node) {
        if Some(child) == node.child_by_field_name("condition") {
            continue;
        }
        match child.kind() {
            "elseif_clauses" | "else_clause" => otherwise.push(l.any(child)),
            _ => then.push(l.any(child)),
        }
    }
    let then = l.add(Node::Block(then), node);
    let otherwise = (!otherwise.is_empty()).then(|| l.add(Node::Block(otherwise), node));
    l.add(Node::If { condition, then, otherwise }, node)
}
