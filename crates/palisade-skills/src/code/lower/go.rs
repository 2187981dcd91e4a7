//! Go.

use tree_sitter::Node as Syntax;

use super::super::ir::{Arg, Function, Id, Node};
use super::{Lowering, literal};

pub(super) fn lower(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    match node.kind() {
        "source_file"
        | "block"
        | "statement_list"
        | "var_declaration"
        | "const_declaration"
        | "ERROR"
        | "expression_statement"
        | "import_declaration"
        | "import_spec_list"
        | "var_spec_list"
        | "go_statement"
        | "defer_statement" => l.block(node),
        "identifier" | "field_identifier" | "package_identifier" | "type_identifier" => {
            let name = l.source(node).to_owned();
            l.add(Node::Name(name), node)
        }
        "int_literal" => match literal::number(l.source(node)) {
            Some(number) => l.add(Node::Number(number), node),
            None => l.nothing(node),
        },
        "rune_literal" => {
            let text = literal::unescape(l.source(node).trim_matches('\''));
            let code = text.chars().next().map_or(0, |c| i64::from(u32::from(c)));
            l.add(Node::Number(code), node)
        }
        "interpreted_string_literal" | "raw_string_literal" => {
            let text = l.source(node);
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            let text = match node.kind() {
                "raw_string_literal" => inner.to_owned(),
                _ => literal::unescape(inner),
            };
            l.text(text, node)
        }
        "selector_expression" => {
            let of = l.field_or_nothing(node, "operand");
            let name = node.child_by_field_name("field").map_or("", |n| l.source(n)).to_owned();
            l.add(Node::Member(of, name), node)
        }
        "index_expression" => {
            let of = l.field_or_nothing(node, "operand");
            let index = l.field_or_nothing(node, "index");
            l.add(Node::Index(of, index), node)
        }
        "slice_expression" => {
            let of = l.field_or_nothing(node, "operand");
            let end =
                |name: &str| node.child_by_field_name(name).and_then(|n| l.source(n).parse().ok());
            let (from, to) = (end("start"), end("end"));
            l.add(Node::Slice(of, from, to, None), node)
        }
        "call_expression" => {
            let callee = l.field_or_nothing(node, "function");
            let mut args = Vec::new();
            if let Some(list) = node.child_by_field_name("arguments") {
                for child in l.children(list) {
                    let spread = child.kind() == "variadic_argument";
                    let value = if spread { l.mix(child) } else { l.any(child) };
                    args.push(Arg { name: None, value, spread });
                }
            }
            l.add(Node::Call { callee, args }, node)
        }
        "type_conversion_expression" => {
            let value = l.field_or_nothing(node, "operand");
            let callee = l.add(Node::Name("[]byte".to_owned()), node);
            l.call(callee, vec![value], node)
        }
        "composite_literal" => l.field_or_nothing(node, "body"),
        "literal_value" => literal_value(l, node),
        "literal_element" => l.mix(node),
        "binary_expression" => l.binary(node),
        "short_var_declaration" | "assignment_statement" => {
            let target = list_or_one(l, node, "left");
            let value = list_or_one(l, node, "right");
            let add = node.child_by_field_name("operator").is_some_and(|o| l.source(o) == "+=");
            l.add(Node::Assign { target, value, add }, node)
        }
        "var_spec" | "const_spec" => {
            let target = l.field_or_nothing(node, "name");
            let value = list_or_one(l, node, "value");
            l.add(Node::Assign { target, value, add: false }, node)
        }
        "expression_list" => {
            let parts = l.lowered_children(node);
            l.add(Node::List(parts), node)
        }
        "function_declaration" | "method_declaration" => {
            let function = function(l, node);
            l.named_function(function, node)
        }
        "func_literal" => {
            let function = function(l, node);
            l.function(function, node)
        }
        "return_statement" => {
            let value = l.mix(node);
            l.add(Node::Return(value), node)
        }
        "if_statement" => {
            let before = l.field(node, "initializer");
            let condition = l.field_or_nothing(node, "condition");
            let then = l.field_or_nothing(node, "consequence");
            let otherwise = l.field(node, "alternative");
            let branch = l.add(Node::If { condition, then, otherwise }, node);
            match before {
                Some(before) => l.add(Node::Block(vec![before, branch]), node),
                None => branch,
            }
        }
        "for_statement" => {
            let range = l.children(node).into_iter().find(|child| child.kind() == "range_clause");
            let Some(range) = range else { return l.block(node) };
            let names =
                range.child_by_field_name("left").map(|left| l.children(left)).unwrap_or_default();
            let of = l.field_or_nothing(range, "right");
            let body = l.field_or_nothing(node, "body");
            let target = match names.last() {
                Some(last) => l.any(*last),
                None => l.nothing(node),
            };
            l.add(Node::Each { target, of, body }, node)
        }
        "import_spec" => {
            let path = node.child_by_field_name("path").map_or("", |n| l.source(n));
            let path = path.trim_matches(['"', '`']);
            let last = path.rsplit('/').find(|part| !is_version(part)).unwrap_or(path).to_owned();
            let alias =
                node.child_by_field_name("name").map_or(last.as_str(), |n| l.source(n)).to_owned();
            // The standard library's packages have one name each in the models.
            let module = match path {
                "os/exec" => "exec".to_owned(),
                "encoding/base64" => "base64".to_owned(),
                "encoding/hex" => "hex".to_owned(),
                "net/http" => "http".to_owned(),
                "io/ioutil" => "ioutil".to_owned(),
                "path/filepath" => "filepath".to_owned(),
                "os/user" => "user".to_owned(),
                "crypto/tls" => "tls".to_owned(),
                "net/smtp" => "smtp".to_owned(),
                _ => last,
            };
            l.add(Node::Import { module, names: Vec::new(), alias }, node)
        }
        "unary_expression" => l.field_or_nothing(node, "operand"),
        "comment" | "nil" | "true" | "false" | "package_clause" | "type_declaration"
        | "parameter_list" | "qualified_type" | "slice_type" | "map_type" | "array_type"
        | "pointer_type" => l.nothing(node),
        _ => match l.children(node).is_empty() {
            true => l.nothing(node),
            false if node.kind().ends_with("_statement") => l.block(node),
            false => l.mix(node),
        },
    }
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
}

fn list_or_one(l: &mut Lowering<'_>, node: Syntax<'_>, field: &str) -> Id {
    let Some(list) = node.child_by_field_name(field) else { return l.nothing(node) };
    let children = l.children(list);
    match children.as_slice() {
        [only] if list.kind() == "expression_list" => l.any(*only),
        // `data, err := f()`: the first is what matters.
        _ => l.any(list),
    }
}

fn literal_value(l: &mut Lowering<'_>, node: Syntax<'_>) -> Id {
    let children = l.children(node);
    if children.iter().any(|child| child.kind() == "keyed_element") {
        let mut entries = Vec::new();
        for child in children {
            let key = l.field_or_nothing(child, "key");
            let key = match l.ir.node(key) {
                Node::Name(name) => {
                    let name = name.clone();
                    l.text(name, child)
                }
                _ => key,
            };
            let value = l.field_or_nothing(child, "value");
            entries.push((key, value));
        }
        return l.add(Node::Map(entries), node);
    }
    let parts = l.lowered_children(node);
    l.add(Node::List(parts), node)
}

fn function(l: &mut Lowering<'_>, node: Syntax<'_>) -> Function {
    let name = node.child_by_field_name("name").map_or("", |n| l.source(n)).to_owned();
    let mut params = Vec::new();
    if let Some(list) = node.child_by_field_name("parameters") {
        for child in l.children(list) {
            let mut cursor = child.walk();
            for name in child.children_by_field_name("name", &mut cursor) {
                params.push((l.source(name).to_owned(), None));
            }
        }
    }
    let body = l.field_or_nothing(node, "body");
    Function { name, params, body, implicit_return: false }
}
