//! JSON, with comments and commas at the end, as editors of settings leave them.

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{ObjectPropName, Value as Ast},
    common::Ranged,
    parse_to_ast,
};

use crate::{
    read::Budget,
    tree::{Key, Lines, Node, Value},
};

pub(crate) fn parse(text: &str, mut budget: Budget) -> Result<Node, (u32, String)> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        // Two readers take these for two things, if they take them at all.
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let lines = Lines::of(text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| {
        (lines.line(error.range().start), format!("it is not JSON: {}", error.kind()))
    })?;
    match parsed.value {
        Some(value) => node(&value, &lines, &mut budget, 0),
        None => Err((1, "the file is empty".to_owned())),
    }
}

fn node(
    ast: &Ast<'_>,
    lines: &Lines,
    budget: &mut Budget,
    depth: usize,
) -> Result<Node, (u32, String)> {
    let line = lines.line(ast.start());
    budget.take(depth).map_err(|why| (line, why))?;
    let below = depth.saturating_add(1);
    let value = match ast {
        Ast::NullKeyword(_) => Value::Null,
        Ast::BooleanLit(value) => Value::Bool(value.value),
        Ast::NumberLit(number) => Value::Number(
            number.value.parse().map_err(|_| (line, "this is not a number".to_owned()))?,
        ),
        Ast::StringLit(text) => Value::Text(text.value.to_string()),
        Ast::Array(list) => Value::List(
            list.elements
                .iter()
                .map(|item| node(item, lines, budget, below))
                .collect::<Result<_, _>>()?,
        ),
        Ast::Object(table) => {
            let mut keys: Vec<Key> = Vec::new();
            let mut names = std::collections::BTreeSet::new();
            for property in &table.properties {
                let line = lines.line(property.start());
                let name = match &property.name {
                    ObjectPropName::String(name) => name.value.to_string(),
                    ObjectPropName::Word(name) => name.value.to_owned(),
                };
                if !names.insert(name.clone()) {
                    return Err((line, format!("`{name}` is there twice")));
                }
                let mut node = node(&property.value, lines, budget, below)?;
                if matches!(node.value, Value::Table(_) | Value::List(_)) {
                    node.line = line;
                }
                keys.push(Key { name, node });
            }
            Value::Table(keys)
        }
    };
    Ok(Node { line, value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read::Owner;

    fn parse(text: &str) -> Result<Node, (u32, String)> {
        super::parse(text, Budget::of(Owner::User))
    }

    fn plain(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => (*value).into(),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(plain).collect(),
            Value::Table(keys) => serde_json::Value::Object(
                keys.iter().map(|key| (key.name.clone(), plain(&key.node))).collect(),
            ),
        }
    }

    #[test]
    fn lines_and_comments() {
        let node =
            parse("{ // one\n  \"a\": [\n 1,\n \"x\", ],\n /* two */ \"b\": true, }").unwrap();
        assert_eq!(node.get("a").unwrap().line, 2);
        let Value::List(items) = &node.get("a").unwrap().value else { panic!() };
        assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(node.get("b").unwrap().line, 5);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("{\"a\": 1,\n\"a\": 2}", 2),
            ("{\n'a': 1}", 2),
            ("{\na: 1}", 2),
            ("{\"a\": 1\n\"b\": 2}", 1),
            ("{\n\"a\": }", 2),
            ("{} {}", 1),
            ("[1, 2", 1),
        ] {
            assert_eq!(parse(text).map_err(|(line, _)| line), Err(line), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        parse(&deep).unwrap_err();
        parse(&format!("{}{}", "[".repeat(40), "]".repeat(40))).unwrap_err();
        parse(&format!("[{}0]", "0,".repeat(60_000))).unwrap_err();
    }

    fn anything() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            (-1000i32..1000).prop_map(|number| f64::from(number).into()),
            any::<String>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn means_what_json_means(value in anything()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(plain(&parse(&text).unwrap()), value);
        }

        #[test]
        fn any_text_is_taken_or_refused(text in "[\\[\\]{}\",:a0 \n/*\\\\u-]{0,60}") {
            let lines = u32::try_from(text.lines().count()).unwrap() + 1;
            if let Err((line, _)) = parse(&text) {
                prop_assert!((1..=lines).contains(&line));
            }
        }
    }
}
