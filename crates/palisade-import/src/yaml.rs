//! YAML: one plain document.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{
    Options, Spanned,
    budget::Budget,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use crate::{
    read::{DEEPEST, MOST_NODES},
    tree::{Key, Node, Value},
};

pub(crate) fn parse(text: &str) -> Result<Node, (u32, String)> {
    let mut budget = Budget::default();
    budget.max_nodes = MOST_NODES;
    budget.max_events = MOST_NODES.saturating_mul(3);
    budget.max_depth = DEEPEST;
    // One line would stand for many, or for something else than it says.
    budget.max_aliases = 0;
    budget.max_anchors = 0;
    budget.max_merge_keys = 0;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.merge_keys = MergeKeyPolicy::Error;
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.strict_booleans = true;
    options.reject_unsupported_tags = true;
    options.with_snippet = false;
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| number(location.line()));
        let why = error.to_string();
        let why = why.lines().next().unwrap_or_default();
        let why = why.split(" at line ").next().unwrap_or(why);
        (line.max(1), format!("it is not plain YAML: {why}"))
    })
}

fn number(value: impl TryInto<u32>) -> u32 {
    value.try_into().unwrap_or(u32::MAX)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { line: number(spanned.referenced.line()), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "ports and seconds")]
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "ports and seconds")]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut keys = Vec::new();
        while let Some((name, mut node)) = entries.next_entry::<Spanned<String>, Node>()? {
            // A table begins where its key stands, and not with the first of its own.
            if matches!(node.value, Value::Table(_) | Value::List(_)) {
                node.line = number(name.referenced.line());
            }
            keys.push(Key { name: name.value, node });
        }
        Ok(Value::Table(keys))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines() {
        let node = parse("version: 1\nn:\n  a:\n    - host: x\n      port: 443\n    - {host: y}\n")
            .unwrap();
        assert_eq!(node.get("version").unwrap().value, Value::Number(1.0));
        let Value::List(items) = &node.at("n.a").unwrap().value else { panic!() };
        assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [4, 6]);
        assert_eq!(items[0].get("port").unwrap().line, 5);
    }

    #[test]
    fn what_is_no_plain_yaml_is_refused() {
        for text in [
            "a: 1\na: 2\n",
            "a: &x [1]\nb: *x\n",
            "a: [1\n",
            "a: 1\n---\nb: 2\n",
            "a: !!python/object x\n",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        parse(&format!("a: {}{}", "[".repeat(50_000), "]".repeat(50_000))).unwrap_err();
        assert_eq!(parse("a: 1\nb: 2\na: 3\n").unwrap_err().0, 3);
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "[\\[\\]{}\"',:a0 \n#&*!|>-]{0,60}") {
            if let Err((line, _)) = parse(&text) {
                prop_assert!(line >= 1);
            }
        }
    }
}
