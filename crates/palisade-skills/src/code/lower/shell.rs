//! POSIX shell and bash.

use tree_sitter::Node as Syntax;

use super::super::ir::{Direction, Function, Id, Node};
use super::{Lowering, literal};

pub(super) fn lower(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    match node.kind() {
        "list" => {
            // `a && b && c` nests to the left as deep as it is long.
            let mut parts = Vec::new();
            let mut at = node;
            loop {
                let children = l.children(at);
                let (first, rest) = match children.split_first() {
                    Some(split) => split,
                    None => break,
                };
                parts.extend(rest.iter().rev().copied());
                if first.kind() != "list" {
                    parts.push(*first);
                    break;
                }
                at = *first;
            }
            parts.reverse();
            let parts = parts.into_iter().map(|part| l.any(part)).collect();
            l.add(Node::Block(parts), node)
        }
        "program"
        | "compound_statement"
        | "do_group"
        | "else_clause"
        | "subshell"
        | "negated_command"
        | "variable_assignments" => l.block(node),
        "word" => word(l, node),
        "number"
        | "special_variable_name"
        | "variable_name"
        | "extglob_pattern"
        | "regex"
        | "test_operator" => {
            let text = l.source(node).to_owned();
            l.text(text, node)
        }
        "raw_string" => {
            let text = l.source(node).trim_matches('\'').to_owned();
            l.text(text, node)
        }
        "ansi_c_string" => {
            let text = l.source(node);
            let inner = text.strip_prefix("$'").and_then(|t| t.strip_suffix('\'')).unwrap_or(text);
            let text = literal::unescape(inner);
            l.text(text, node)
        }
        "string" | "translated_string" | "heredoc_body" => string(l, node),
        "string_content" | "heredoc_content" => {
            let text = l.source(node);
            let text = text.replace("\\\"", "\"").replace("\\$", "$").replace("\\\n", "");
            let text = text.replace("\\`", "`").replace("\\\\", "\\");
            l.text(text, node)
        }
        "concatenation" => {
            let parts = l.lowered_children(node);
            l.add(Node::Concat(parts), node)
        }
        "simple_expansion" => {
            let name = l.source(node).trim_start_matches('$').to_owned();
            l.add(Node::Name(name), node)
        }
        "expansion" => expansion(l, node),
        "arithmetic_expansion" => arithmetic(l, node),
        "array" => {
            let parts = l.lowered_children(node);
            l.add(Node::List(parts), node)
        }
        "command_substitution" => {
            let body = l.block(node);
            l.add(Node::Output(body, Vec::new()), node)
        }
        "process_substitution" => {
            let writes = l.source(node).starts_with('>');
            let body = l.block(node);
            match writes {
                // `>(command)`: what is written there, the command reads.
                true => l.add(Node::Pipe(vec![body]), node),
                false => l.add(Node::Output(body, Vec::new()), node),
            }
        }
        "command" => command(l, node, Vec::new()),
        "redirected_statement" => redirected(l, node),
        "pipeline" => {
            let parts = l.lowered_children(node);
            l.add(Node::Pipe(parts), node)
        }
        "variable_assignment" => assignment(l, node),
        "declaration_command" => {
            let mut parts = Vec::new();
            for child in l.children(node) {
                parts.push(match child.kind() {
                    "variable_assignment" => assignment(l, child),
                    _ => l.any(child),
                });
            }
            l.add(Node::Block(parts), node)
        }
        "function_definition" => {
            let name = node.child_by_field_name("name").map_or("", |n| l.source(n)).to_owned();
            let body = l.field_or_nothing(node, "body");
            let function = Function { name, params: Vec::new(), body, implicit_return: true };
            l.named_function(function, node)
        }
        "if_statement" | "elif_clause" | "while_statement" => branches(l, node),
        "for_statement" => {
            let name = node.child_by_field_name("variable").map_or("", |n| l.source(n)).to_owned();
            let target = l.add(Node::Name(name), node);
            let mut cursor = node.walk();
            let values: Vec<_> = node.children_by_field_name("value", &mut cursor).collect();
            let values = values.into_iter().map(|value| l.any(value)).collect();
            let of = l.add(Node::List(values), node);
            let body = l.field_or_nothing(node, "body");
            l.add(Node::Each { target, of, body }, node)
        }
        "case_statement" => {
            let value = l.field_or_nothing(node, "value");
            let mut items = Vec::new();
            for child in l.children(node) {
                if child.kind() == "case_item" {
                    items.push(l.block(child));
                }
            }
            let then = l.add(Node::Block(items), node);
            l.add(Node::If { condition: value, then, otherwise: None }, node)
        }
        "comment" | "heredoc_start" | "heredoc_end" | "unset_command" => l.nothing(node),
        "ERROR" => l.block(node),
        _ => l.mix(node),
    }
}

fn word(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let text = l.source(node);
    if let Some(id) = braces(l, text, node) {
        return id;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.extend(rest.next().filter(|c| *c != '\n')),
            c => out.push(c),
        }
    }
    l.text(out, node)
}

/// `{a,b,c}` is three words: a list.
fn braces(l: &mut Lowering<'_>, text: &str, node: Syntax<'_>) -> Option<Id> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    if !inner.contains(',') || inner.contains(['{', '}', ' ', '"']) {
        return None;
    }
    let parts = inner.split(',').map(|part| l.text(part, node)).collect();
    Some(l.add(Node::List(parts), node))
}

fn string(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let parts = l.lowered_children(node);
    match parts.as_slice() {
        [] => {
            let text = l.source(node).trim_matches('"').to_owned();
            l.text(text, node)
        }
        [only] if l.children(node).iter().all(|c| c.kind().ends_with("content")) => *only,
        _ => l.add(Node::Concat(parts), node),
    }
}

/// `${name}`, `${name:-default}`, `${name:1:3}`, `${!name}`, `${name^^}`.
fn expansion(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let text = l.source(node);
    let inner = text.trim_start_matches("${").trim_end_matches('}');
    let name: String = inner
        .trim_start_matches(['!', '#'])
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let rest = inner.trim_start_matches(['!', '#']).get(name.len()..).unwrap_or_default();
    let name = match name.is_empty() {
        true => inner.chars().take(1).collect(),
        false => name,
    };
    let variable = l.add(Node::Name(name), node);
    if let Some((from, length)) = substring(rest) {
        let to = length.map(|length| from + length);
        return l.add(Node::Slice(variable, Some(from), to, None), node);
    }
    if rest.is_empty() || rest.starts_with("[@]") || rest.starts_with("[*]") {
        return variable;
    }
    if let Some(index) = rest.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
        if let Ok(index) = index.parse() {
            let index = l.add(Node::Number(index), node);
            return l.add(Node::Index(variable, index), node);
        }
    }
    let mut parts = vec![variable];
    for child in l.children(node).into_iter().skip(1) {
        parts.push(l.any(child));
    }
    l.add(Node::Either(parts), node)
}

fn substring(rest: &str) -> Option<(i64, Option<i64>)> {
    let rest = rest.strip_prefix(':')?;
    let mut ends = rest.split(':');
    let from = ends.next()?.trim().parse().ok()?;
    match ends.next() {
        Some(length) => Some((from, Some(length.trim().parse().ok()?))),
        None => Some((from, None)),
    }
}

fn arithmetic(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let text = l.source(node);
    let inner = text.trim_start_matches("$((").trim_end_matches("))").trim();
    match literal::number(inner) {
        Some(number) => l.add(Node::Number(number), node),
        None => l.mix(node),
    }
}

fn assignment(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let name = node.child_by_field_name("name").map_or("", |n| l.source(n));
    let name = name.split('[').next().unwrap_or_default().to_owned();
    let add = l.source(node).get(name.len()..).is_some_and(|rest| rest.starts_with("+="));
    let target = l.add(Node::Name(name), node);
    let value = match node.child_by_field_name("value") {
        Some(value) => l.any(value),
        None => l.text("", node),
    };
    l.add(Node::Assign { target, value, add }, node)
}

fn command(l: &mut Lowering<'_>, node: Syntax<'_>, more: Vec<(Direction, Id)>) -> Id {
    let mut name = None;
    let mut args = Vec::new();
    let mut redirects = more;
    let mut variables = Vec::new();
    for child in l.children(node) {
        match child.kind() {
            "variable_assignment" => {
                let variable = child.child_by_field_name("name").map_or("", |n| l.source(n));
                let value = match child.child_by_field_name("value") {
                    Some(value) => l.any(value),
                    None => l.text("", child),
                };
                variables.push((variable.to_owned(), value));
            }
            "command_name" => name = Some(l.mix(child)),
            kind if kind.ends_with("_redirect") => redirects.extend(redirect(l, child, &mut args)),
            _ => args.push(l.any(child)),
        }
    }
    let Some(name) = name else {
        let parts = variables
            .into_iter()
            .map(|(variable, value)| {
                let target = l.add(Node::Name(variable), node);
                l.add(Node::Assign { target, value, add: false }, node)
            })
            .collect();
        return l.add(Node::Block(parts), node);
    };
    l.add(Node::Command { name, args, redirects, variables }, node)
}

fn redirected(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut redirects = Vec::new();
    let mut after = Vec::new();
    let mut words = Vec::new();
    for child in l.children(node) {
        if child.kind().ends_with("_redirect") {
            // `cat <<E | sh`: the rest of the pipeline hangs below the here-document.
            for inner in l.children(child) {
                match inner.kind() {
                    "pipeline" => after.extend(l.lowered_children(inner)),
                    "file_redirect" | "herestring_redirect" => {
                        redirects.extend(redirect(l, inner, &mut words));
                    }
                    _ => {}
                }
            }
            if child.kind() == "heredoc_redirect" {
                let mut cursor = child.walk();
                let right: Vec<_> = child.children_by_field_name("right", &mut cursor).collect();
                words.extend(right.into_iter().map(|right| l.any(right)));
            }
            redirects.extend(redirect(l, child, &mut Vec::new()));
        }
    }
    let body = match node.child_by_field_name("body") {
        Some(body) if body.kind() == "command" => command(l, body, redirects),
        Some(body) => {
            let body = l.any(body);
            l.add(Node::Output(body, redirects), node)
        }
        None => {
            let body = l.nothing(node);
            l.add(Node::Output(body, redirects), node)
        }
    };
    let first = match after.is_empty() {
        true => body,
        false => {
            after.insert(0, body);
            l.add(Node::Pipe(after), node)
        }
    };
    match words.is_empty() {
        true => first,
        false => {
            words.insert(0, first);
            l.add(Node::Block(words), node)
        }
    }
}

/// The redirection; further words of the same line go to `words`.
fn redirect(
    l: &mut Lowering<'_>,
    node: Syntax<'_>,
    words: &mut Vec<Id>,
) -> Option<(Direction, Id)> {
    match node.kind() {
        "heredoc_redirect" => {
            let quoted = l
                .children(node)
                .into_iter()
                .find(|child| child.kind() == "heredoc_start")
                .is_some_and(|start| l.source(start).contains(['\'', '"', '\\']));
            let body = l.children(node).into_iter().find(|child| child.kind() == "heredoc_body")?;
            let body = match quoted {
                true => {
                    let text = l.source(body).to_owned();
                    l.text(text, body)
                }
                false => heredoc(l, body),
            };
            Some((Direction::Text, body))
        }
        "herestring_redirect" => {
            let value = l.children(node).into_iter().next()?;
            Some((Direction::Text, l.any(value)))
        }
        _ => {
            let mut cursor = node.walk();
            let mut targets: Vec<_> =
                node.children_by_field_name("destination", &mut cursor).collect();
            if targets.is_empty() {
                return None;
            }
            let first = targets.remove(0);
            words.extend(targets.into_iter().map(|target| l.any(target)));
            let operator = l.source(node);
            let operator = operator.trim_start_matches(|c: char| c.is_ascii_digit());
            let direction = match operator {
                o if o.starts_with(">>") || o.starts_with("&>>") => Direction::Append,
                o if o.starts_with(">&") || o.starts_with("<&") => Direction::Duplicate,
                o if o.starts_with('<') => Direction::From,
                _ => Direction::To,
            };
            Some((direction, l.any(first)))
        }
    }
}

/// The text between the expansions of a here-document stands in no node of its own in places.
fn heredoc(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut parts = Vec::new();
    let mut at = node.start_byte();
    for child in l.children(node) {
        if child.kind() == "heredoc_content" {
            continue;
        }
        if let Some(text) = l.source.get(at..child.start_byte()).filter(|text| !text.is_empty()) {
            parts.push(l.text(text, node));
        }
        parts.push(l.any(child));
        at = child.end_byte();
    }
    if let Some(text) = l.source.get(at..node.end_byte()).filter(|text| !text.is_empty()) {
        parts.push(l.text(text, node));
    }
    l.add(Node::Concat(parts), node)
}

fn branches(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let mut cursor = node.walk();
    let conditions: Vec<_> =
        node.children_by_field_name("condition", &mut cursor).filter(Syntax::is_named).collect();
    let mut conditions_lowered: Vec<Id> = Vec::new();
    let mut then = Vec::new();
    let mut otherwise = Vec::new();
    for child in l.children(node) {
        if conditions.contains(&child) {
            conditions_lowered.push(l.any(child));
        } else if matches!(child.kind(), "elif_clause" | "else_clause") {
            otherwise.push(l.any(child));
        } else {
            then.push(l.any(child));
        }
    }
    let condition = l.add(Node::Block(conditions_lowered), node);
    let then = l.add(Node::Block(then), node);
    let otherwise = (!otherwise.is_empty()).then(|| l.add(Node::Block(otherwise), node));
    l.add(Node::If { condition, then, otherwise }, node)
}
