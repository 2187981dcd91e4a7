//! TOML.

use toml_edit::{Document, Item, TableLike, Value as Toml};

use crate::{
    read::{Budget, Owner},
    tree::{Key, Lines, Node, Value},
};

pub(crate) fn parse(text: &str) -> Result<Node, (u32, String)> {
    let lines = Lines::of(text);
    let document = Document::parse(text).map_err(|error| {
        let line = lines.line(error.span().map_or(0, |span| span.start));
        let why = error.message().lines().next().unwrap_or_default().to_owned();
        (line, format!("it is not TOML: {why}"))
    })?;
    table(document.as_table(), 1, &lines, &mut Budget::of(Owner::User), 0)
}

type Read = Result<Node, (u32, String)>;

fn table(
    table: &dyn TableLike,
    line: u32,
    lines: &Lines,
    budget: &mut Budget,
    depth: usize,
) -> Read {
    budget.take(depth).map_err(|why| (line, why))?;
    let mut keys = Vec::new();
    for (name, value) in table.iter() {
        let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| value.span());
        let line = span.map_or(line, |span| lines.line(span.start));
        let node = item(value, line, lines, budget, depth.saturating_add(1))?;
        keys.push(Key { name: name.to_owned(), node });
    }
    Ok(Node { line, value: Value::Table(keys) })
}

fn item(of: &Item, line: u32, lines: &Lines, budget: &mut Budget, depth: usize) -> Read {
    match of {
        Item::None => Ok(Node { line, value: Value::Null }),
        Item::Table(inner) => table(inner, line, lines, budget, depth),
        Item::ArrayOfTables(list) => {
            budget.take(depth).map_err(|why| (line, why))?;
            let mut items = Vec::new();
            for inner in list {
                let line = inner.span().map_or(line, |span| lines.line(span.start));
                items.push(table(inner, line, lines, budget, depth.saturating_add(1))?);
            }
            Ok(Node { line, value: Value::List(items) })
        }
        Item::Value(inner) => value(inner, line, lines, budget, depth),
    }
}

fn value(of: &Toml, line: u32, lines: &Lines, budget: &mut Budget, depth: usize) -> Read {
    if let Toml::InlineTable(inner) = of {
        return table(inner, line, lines, budget, depth);
    }
    budget.take(depth).map_err(|why| (line, why))?;
    let value = match of {
        Toml::String(text) => Value::Text(text.value().clone()),
        // None of the numbers that count here is larger than what this holds.
        #[expect(clippy::cast_precision_loss, reason = "ports and seconds")]
        Toml::Integer(number) => Value::Number(*number.value() as f64),
        Toml::Float(number) => Value::Number(*number.value()),
        Toml::Boolean(value) => Value::Bool(*value.value()),
        Toml::Datetime(time) => Value::Text(time.value().to_string()),
        Toml::Array(list) => {
            let mut items = Vec::new();
            for inner in list {
                let line = inner.span().map_or(line, |span| lines.line(span.start));
                items.push(value_of(inner, line, lines, budget, depth.saturating_add(1))?);
            }
            Value::List(items)
        }
        Toml::InlineTable(_) => Value::Null,
    };
    Ok(Node { line, value })
}

fn value_of(of: &Toml, line: u32, lines: &Lines, budget: &mut Budget, depth: usize) -> Read {
    value(of, line, lines, budget, depth)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines() {
        let text = "a = 1\n[t]\nb = [\n \"x\",\n \"y\"]\n[[l]]\nc = {d = true}\n[[l]]\nc = 2\n";
        let node = parse(text).unwrap();
        assert_eq!(node.at("t.b").unwrap().line, 3);
        let Value::List(items) = &node.at("t.b").unwrap().value else { panic!() };
        assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [4, 5]);
        let Value::List(items) = &node.get("l").unwrap().value else { panic!() };
        assert_eq!(items[0].at("c.d").unwrap().bool(), Some(true));
        assert_eq!(items[1].get("c").unwrap().line, 9);
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        for (text, line) in [("a = 1\na = 2\n", 2), ("a\n", 1), ("\n\n[x\n", 3)] {
            assert_eq!(parse(text).map_err(|(line, _)| line), Err(line), "{text}");
        }
        parse(&format!("a = {}{}", "[".repeat(50_000), "]".repeat(50_000))).unwrap_err();
        parse(&format!("a = {}{}", "[".repeat(50), "]".repeat(50))).unwrap_err();
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "[\\[\\]{}\"',=:a0 \n#\\\\u.-]{0,60}") {
            let lines = u32::try_from(text.lines().count()).unwrap() + 1;
            if let Err((line, _)) = parse(&text) {
                prop_assert!((1..=lines).contains(&line));
            }
        }
    }
}
