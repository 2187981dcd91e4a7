//! YAML, JSON and TOML as one tree of values with lines.

use serde_json::Value as Json;

/// A string of a document: where it stands and by which keys it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// `hooks.PreToolUse.0.command`.
    pub(crate) path: String,
    /// The text.
    pub(crate) text: String,
    /// The line, from 1.
    pub(crate) line: u32,
}

/// A document that was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    /// Its strings, and numbers and truth values as text, in their order.
    pub(crate) leaves: Vec<Leaf>,
    /// What is wrong with it by its format's own rules: line and message.
    pub(crate) breaches: Vec<(u32, String)>,
}

/// How deep and how large a document may be.
const DEEPEST: usize = 64;
const MOST: usize = 50_000;

impl Document {
    /// The texts below a key, at any depth: of `a` those of `a`, `a.b` and `a.0`.
    pub(crate) fn below<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Leaf> {
        self.leaves.iter().filter(move |leaf| {
            leaf.path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// The text at a path.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.leaves.iter().find(|leaf| leaf.path == path).map(|leaf| leaf.text.as_str())
    }

    /// Whether it may have more values than were taken.
    pub(crate) fn is_cut(&self) -> bool {
        self.leaves.len() >= MOST
    }

    fn push(&mut self, path: &str, text: String, line: u32) {
        if self.leaves.len() < MOST {
            self.leaves.push(Leaf { path: path.to_owned(), text, line });
        }
    }
}

/// Whether a document lies deeper in itself than is read.
pub(crate) fn is_too_deep(text: &str) -> bool {
    deepest(text) > DEEPEST
}

/// JSON, with comments and trailing commas as editors leave them.
pub(crate) fn json(text: &str) -> Option<Document> {
    use jsonc_parser::{
        CollectOptions, ParseOptions,
        ast::{ObjectPropName, Value},
        common::Ranged,
        parse_to_ast,
    };
    // The parser recurses.
    if deepest(text) > DEEPEST {
        return None;
    }
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        ..ParseOptions::default()
    };
    let lines = Lines::of(text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).ok()?;
    let mut document = Document::default();
    let Some(top) = parsed.value else { return Some(document) };
    let mut waiting = vec![(String::new(), top)];
    while let Some((path, value)) = waiting.pop() {
        let line = lines.line(value.start());
        match value {
            Value::NullKeyword(_) => {}
            Value::BooleanLit(value) => document.push(&path, value.value.to_string(), line),
            Value::NumberLit(number) => document.push(&path, number.value.to_owned(), line),
            Value::StringLit(text) => document.push(&path, text.value.into_owned(), line),
            Value::Array(list) => {
                let items = list.elements.into_iter().enumerate().rev();
                waiting.extend(items.map(|(at, item)| (joined(&path, &at.to_string()), item)));
            }
            Value::Object(table) => {
                let mut names = std::collections::BTreeSet::new();
                let mut below = Vec::new();
                for property in table.properties {
                    let line = lines.line(property.start());
                    let name = match property.name {
                        ObjectPropName::String(name) => name.value.into_owned(),
                        ObjectPropName::Word(name) => name.value.to_owned(),
                    };
                    if !names.insert(name.clone()) {
                        let name = palisade_core::shown(&name, 40);
                        document.breaches.push((line, format!("`{name}` is there twice")));
                    }
                    below.push((joined(&path, &name), property.value));
                }
                waiting.extend(below.into_iter().rev());
            }
        }
    }
    Some(document)
}

/// One YAML document. The text begins at this line of its file.
pub(crate) fn yaml(text: &str, first: u32) -> Document {
    use serde_saphyr::{
        Options,
        budget::Budget,
        options::{DuplicateKeyPolicy, MergeKeyPolicy},
    };
    let read = |strict: bool| {
        let mut budget = Budget::default();
        budget.max_nodes = MOST;
        budget.max_depth = DEEPEST;
        budget.max_documents = 1;
        if strict {
            budget.max_aliases = 0;
            budget.max_anchors = 0;
            budget.max_merge_keys = 0;
        }
        let mut options = Options::default();
        options.budget = Some(budget);
        options.with_snippet = false;
        if strict {
            options.merge_keys = MergeKeyPolicy::Error;
            options.duplicate_keys = DuplicateKeyPolicy::Error;
        } else {
            options.duplicate_keys = DuplicateKeyPolicy::LastWins;
        }
        serde_saphyr::from_str_with_options::<Json>(text, options)
    };
    let mut document = Document::default();
    let value = read(true).or_else(|error| {
        let line = error.location().map_or(0, |at| u32::try_from(at.line()).unwrap_or(0));
        let why = error.to_string();
        let why = why.lines().next().unwrap_or_default();
        let why = why.split(" at line ").next().unwrap_or(why);
        document
            .breaches
            .push((first.saturating_add(line.max(1)) - 1, palisade_core::shown(why, 100)));
        read(false)
    });
    match value {
        Ok(value) => leaves(&value, text, first, &mut document),
        // What no parser takes, agents still read line by line.
        Err(_) => by_lines(text, first, &mut document),
    }
    document
}

/// TOML.
pub(crate) fn toml(text: &str) -> Option<Document> {
    if deepest(text) > DEEPEST {
        return None;
    }
    let parsed = toml_edit::Document::parse(text).ok()?;
    let lines = Lines::of(text);
    let mut document = Document::default();
    for (key, below) in parsed.as_table() {
        toml_item(key, below, &lines, &mut document);
    }
    Some(document)
}

fn toml_item(path: &str, item: &toml_edit::Item, lines: &Lines, document: &mut Document) {
    match item {
        toml_edit::Item::None => {}
        toml_edit::Item::Value(value) => toml_value(path, value, lines, document),
        toml_edit::Item::Table(table) => {
            for (key, below) in table {
                toml_item(&joined(path, key), below, lines, document);
            }
        }
        toml_edit::Item::ArrayOfTables(tables) => {
            for (at, table) in tables.iter().enumerate() {
                let path = joined(path, &at.to_string());
                for (key, below) in table {
                    toml_item(&joined(&path, key), below, lines, document);
                }
            }
        }
    }
}

fn toml_value(path: &str, value: &toml_edit::Value, lines: &Lines, document: &mut Document) {
    let line = value.span().map_or(0, |span| lines.line(span.start));
    match value {
        toml_edit::Value::String(text) => document.push(path, text.value().clone(), line),
        toml_edit::Value::Boolean(value) => document.push(path, value.value().to_string(), line),
        toml_edit::Value::Integer(value) => document.push(path, value.value().to_string(), line),
        toml_edit::Value::Float(value) => document.push(path, value.value().to_string(), line),
        toml_edit::Value::Datetime(value) => document.push(path, value.value().to_string(), line),
        toml_edit::Value::Array(list) => {
            for (at, below) in list.iter().enumerate() {
                toml_value(&joined(path, &at.to_string()), below, lines, document);
            }
        }
        toml_edit::Value::InlineTable(table) => {
            for (key, below) in table {
                toml_value(&joined(path, key), below, lines, document);
            }
        }
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// How deep brackets nest, whatever stands in strings: an upper bound.
fn deepest(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

fn leaves(value: &Json, text: &str, first: u32, document: &mut Document) {
    let mut waiting = vec![(String::new(), value)];
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0_usize;
    while let Some((path, value)) = waiting.pop() {
        match value {
            Json::Null => {}
            Json::Array(list) => {
                let items = list.iter().enumerate().rev();
                waiting.extend(items.map(|(at, item)| (joined(&path, &at.to_string()), item)));
            }
            Json::Object(table) => {
                let keys: Vec<_> = table.iter().collect();
                waiting
                    .extend(keys.into_iter().rev().map(|(key, item)| (joined(&path, key), item)));
            }
            leaf => {
                let found = match leaf {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                };
                // Values come in the order of their lines.
                let key = path.rsplit('.').next().unwrap_or_default();
                let word = found.split_whitespace().next().unwrap_or_default();
                let here =
                    |line: &&str| line.contains(key) || (!word.is_empty() && line.contains(word));
                if let Some(next) = lines.iter().skip(at).position(here) {
                    at += next;
                }
                let line = first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
                document.push(&path, found, line);
            }
        }
    }
}

fn by_lines(text: &str, first: u32, document: &mut Document) {
    let mut path = String::new();
    for (at, line) in (first..).zip(text.lines()) {
        let key = line.split_once(':').filter(|(key, _)| {
            !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
        });
        match key {
            Some((key, value)) => {
                key.clone_into(&mut path);
                document.push(
                    &path,
                    value.trim().trim_matches(['"', '\'', '>', '|']).to_owned(),
                    at,
                );
            }
            None if path.is_empty() => {}
            None => match document.leaves.last_mut() {
                Some(leaf) if leaf.path == path => {
                    leaf.text.push(' ');
                    leaf.text.push_str(line.trim());
                }
                _ => document.push(&path, line.trim().to_owned(), at),
            },
        }
    }
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line of this offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|&end| end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The line and the column in characters, both from 1.
    pub(crate) fn place(&self, text: &str, offset: usize) -> (u32, u32) {
        let before = self.0.partition_point(|&end| end < offset);
        let start = before.checked_sub(1).and_then(|at| self.0.get(at)).map_or(0, |end| end + 1);
        // Far into one long line the exact column helps nobody, and counting it for each finding is dear.
        let column = match text.get(start..offset) {
            Some(before) if before.len() < 10_000 => before.chars().count(),
            _ => offset.saturating_sub(start),
        };
        (self.line(offset), u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_tree_of_three_forms() {
        let yaml = yaml("a: x\nb:\n  - c: z\n", 2);
        assert_eq!(yaml.leaves[0], Leaf { path: "a".into(), text: "x".into(), line: 2 });
        assert_eq!(yaml.leaves[1], Leaf { path: "b.0.c".into(), text: "z".into(), line: 4 });
        let json = json("{\"a\": \"x\", // one\n \"b\": [{\"c\": \"z\"},]}").unwrap();
        assert_eq!(json.leaves[1], Leaf { path: "b.0.c".into(), text: "z".into(), line: 2 });
        let toml = toml("a = 'x'\n[[b]]\nc = 'z'\n").unwrap();
        assert_eq!(toml.leaves[1], Leaf { path: "b.0.c".into(), text: "z".into(), line: 3 });
    }

    #[test]
    fn duplicate_keys_and_anchors_are_told() {
        assert_eq!(yaml("a: 1\na: 2\n", 1).breaches.len(), 1);
        assert_eq!(yaml("a: &x 1\nb: *x\n", 1).breaches.len(), 1);
        assert_eq!(json("{\"a\":1,\"a\":2}").unwrap().breaches.len(), 1);
    }

    #[test]
    fn broken_yaml_is_read_by_lines() {
        let document = yaml("name: x: y: [\ndescription: Use it: always\n", 1);
        assert_eq!(document.text("description"), Some("Use it: always"));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text: String) {
            yaml(&text, 1);
            json(&text);
            toml(&text);
        }
    }
}
