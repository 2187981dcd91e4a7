//! Adds to a document as a person would: at the end of a list, with all else as it was.

use serde_json::{Map, Value};

use crate::{diagnostic::Diagnostics, parse};

/// What a document's list gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    /// The list, such as `["network", "rules"]`. It is made where it is missing.
    pub list: Vec<&'static str>,
    /// What is added, each with the comment above it.
    pub items: Vec<Item>,
}

/// One more item.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Lines of a comment, without the `#`.
    pub comment: Vec<String>,
    /// Its value: a text, or a table of texts, numbers and lists of them.
    pub value: Value,
}

/// Why a document was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AmendError {
    /// It is not valid as it is, or would not be with the addition.
    #[error("{0}")]
    Invalid(#[from] Diagnostics),
    /// It is written in a way that this cannot add to (`{}` or `[]` in one line).
    #[error("`{}` is written in a form that nothing can be added to by itself; add this to it:\n{text}", list.join("."))]
    Form {
        /// The list.
        list: Vec<&'static str>,
        /// The items as they would be written.
        text: String,
    },
}

/// The text of a policy with more in its lists. An empty text begins a new document.
///
/// # Errors
/// The text is not changed unless it then says exactly what it said before and what is added.
pub fn amended(file: &str, text: &str, additions: &[Addition]) -> Result<String, AmendError> {
    let mut text =
        if text.trim().is_empty() { "palisade: 1\n".to_owned() } else { text.to_owned() };
    for addition in additions.iter().filter(|addition| !addition.items.is_empty()) {
        let form = || AmendError::Form {
            list: addition.list.clone(),
            text: addition.items.iter().flat_map(|item| lines(item, 2)).collect(),
        };
        let before = value(file, &text)?;
        let changed = inserted(&text, addition).ok_or_else(form)?;
        let after = value(file, &changed)?;
        if expected(before, addition) != Some(after) {
            return Err(form());
        }
        text = changed;
    }
    Ok(text)
}

fn value(file: &str, text: &str) -> Result<Value, Diagnostics> {
    parse::parse(file, text.as_bytes())?;
    parse::value(file, text.as_bytes())
}

/// What the document has to say afterwards.
fn expected(mut document: Value, addition: &Addition) -> Option<Value> {
    let mut at = &mut document;
    for (index, key) in addition.list.iter().enumerate() {
        let last = index + 1 == addition.list.len();
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let empty = if last { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        at = at.as_object_mut()?.entry(*key).or_insert(empty);
    }
    if at.is_null() {
        *at = Value::Array(Vec::new());
    }
    at.as_array_mut()?.extend(addition.items.iter().map(|item| item.value.clone()));
    Some(document)
}

/// The text with the items at the end of the list, as far as it is written in lines.
fn inserted(text: &str, addition: &Addition) -> Option<String> {
    let mut all: Vec<&str> = text.lines().collect();
    let mut block = Block { from: 0, to: all.len(), indent: None };
    let mut fresh: Vec<String> = Vec::new();
    let mut indent = 0;
    for key in &addition.list {
        let child = if fresh.is_empty() { block.child_indent(&all) } else { indent };
        match (fresh.is_empty()).then(|| block.find(&all, child, key)).flatten() {
            Some(found) => block = found?,
            None => {
                fresh.push(format!("{:child$}{key}:", ""));
            }
        }
        indent = child + 2;
    }
    let items = if fresh.is_empty() {
        let here = block.items_indent(&all).unwrap_or(indent);
        addition.items.iter().flat_map(|item| lines(item, here)).collect::<Vec<_>>()
    } else {
        let below = addition.items.iter().flat_map(|item| lines(item, indent));
        fresh.iter().map(|line| format!("{line}\n")).chain(below).collect()
    };
    let at = block.end(&all);
    let rest = all.split_off(at);
    let mut out: String = all.iter().map(|line| format!("{line}\n")).collect();
    out.extend(items);
    out.extend(rest.iter().map(|line| format!("{line}\n")));
    Some(out)
}

/// Lines of a document that belong to one key; all of them for the document itself.
#[derive(Debug, Clone, Copy)]
struct Block {
    from: usize,
    to: usize,
    /// Of the key.
    indent: Option<usize>,
}

impl Block {
    /// How far the keys in it are indented.
    fn child_indent(&self, all: &[&str]) -> usize {
        let own = self.indent.map_or(0, |indent| indent + 2);
        self.content(all).next().map_or(own, |(_, line)| indent_of(line))
    }

    /// The key's block. The inner `None` says that its value is not in lines of its own.
    fn find(&self, all: &[&str], indent: usize, key: &str) -> Option<Option<Self>> {
        let (at, line) = self.content(all).find(|(_, line)| {
            let rest = line.trim_start().strip_prefix(key);
            indent_of(line) == indent && rest.is_some_and(|rest| rest.starts_with(':'))
        })?;
        let (_, behind) = line.split_once(':')?;
        if !behind.trim().is_empty() && !behind.trim_start().starts_with('#') {
            return Some(None);
        }
        let mut inner = Self { from: at + 1, to: self.to, indent: Some(indent) };
        let next = inner.content(all).find(|(_, line)| {
            let here = indent_of(line);
            here < indent || here == indent && !line.trim_start().starts_with('-')
        });
        inner.to = next.map_or(self.to, |(at, _)| at);
        Some(Some(inner))
    }

    fn items_indent(&self, all: &[&str]) -> Option<usize> {
        self.content(all).next().map(|(_, line)| indent_of(line))
    }

    /// Behind its last line that says something.
    fn end(&self, all: &[&str]) -> usize {
        self.content(all).last().map_or(self.from, |(at, _)| at + 1)
    }

    /// Its lines that say something.
    fn content<'a>(&self, all: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> {
        let lines = all.iter().copied().enumerate().take(self.to).skip(self.from);
        lines.filter(|(_, line)| {
            let text = line.trim_start();
            !text.is_empty() && !text.starts_with('#') && text.trim_end() != "---"
        })
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// An item in lines, with their ends.
fn lines(item: &Item, indent: usize) -> Vec<String> {
    let mut out: Vec<String> =
        item.comment.iter().map(|line| format!("{:indent$}# {}\n", "", plain(line))).collect();
    match &item.value {
        Value::Object(table) => {
            for (index, (key, value)) in table.iter().enumerate() {
                let dash = if index == 0 { "- " } else { "  " };
                out.push(format!("{:indent$}{dash}{key}: {}\n", "", flow(value)));
            }
        }
        other => out.push(format!("{:indent$}- {}\n", "", flow(other))),
    }
    out
}

/// A value in one line. JSON is YAML; a text that needs no quotes has none.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether YAML takes it for the text that it is: letters, and not a number or a word of YAML's.
fn is_plain(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '~');
    let first =
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') || text.starts_with("~/");
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    first && text.chars().all(safe) && !words.contains(&text.to_ascii_lowercase().as_str())
}

/// What a comment must not have.
fn plain(text: &str) -> String {
    text.chars().map(crate::text::plain).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rule(host: &str) -> Addition {
        let value = json!({"hosts": [host], "ports": [443]});
        let comment = vec!["curl".to_owned()];
        Addition { list: vec!["network", "rules"], items: vec![Item { comment, value }] }
    }

    fn add(text: &str) -> String {
        amended("policy.yaml", text, &[rule("a.example")]).unwrap()
    }

    #[test]
    fn a_document_gets_what_it_has_not() {
        let item = "# curl\n    - hosts: [a.example]\n      ports: [443]\n";
        assert_eq!(add(""), format!("palisade: 1\nnetwork:\n  rules:\n    {item}"));
        assert_eq!(
            add("palisade: 1\nnetwork:\n  unknown: ask\nprocess:\n  limits: {processes: 9}\n"),
            format!(
                "palisade: 1\nnetwork:\n  unknown: ask\n  rules:\n    {item}\
                 process:\n  limits: {{processes: 9}}\n"
            )
        );
    }

    #[test]
    fn a_list_is_gone_on_with_as_it_is_written() {
        let before = "# mine\npalisade: 1\nnetwork:   # out\n    rules: # these\n    - hosts: [b.example]\n      \
                      ports:\n        - 22\n      # the last\n\nfilesystem:\n  read: [/srv]\n";
        assert_eq!(
            add(before),
            before.replace(
                "        - 22\n",
                "        - 22\n    # curl\n    - hosts: [a.example]\n      ports: [443]\n"
            )
        );
        let empty = "palisade: 1\nnetwork:\n  rules:\n";
        assert!(
            add(empty)
                .ends_with("rules:\n    # curl\n    - hosts: [a.example]\n      ports: [443]\n")
        );
    }

    #[test]
    fn what_is_written_in_one_line_is_left_to_the_user() {
        for text in [
            "palisade: 1\nnetwork: {rules: [{hosts: [b.example]}]}\n",
            "palisade: 1\nnetwork:\n  rules: [{hosts: [b.example]}]\n",
            "{palisade: 1}\n",
            "palisade: 1\n\"network\":\n  rules:\n    - hosts: [b.example]\n",
        ] {
            let error = amended("policy.yaml", text, &[rule("a.example")]).unwrap_err();
            assert!(
                matches!(error, AmendError::Form { .. } | AmendError::Invalid(_)),
                "{text}: {error}"
            );
        }
        assert!(amended("p", "palisade: 2\n", &[rule("a.example")]).is_err());
    }

    #[test]
    fn texts_that_yaml_would_take_for_something_else_are_quoted() {
        let odd = ["/a b", "/x: y", "/#", "/true", "~/x", "/ü", "/a\"b", "/-", "/*", "/'"];
        let items =
            odd.map(|path| Item { comment: vec!["one\ntwo\u{1b}".into()], value: path.into() });
        let addition = Addition { list: vec!["filesystem", "read"], items: items.to_vec() };
        let text = amended("p", "", &[addition]).unwrap();
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    proptest! {
        /// Whatever is added, the rest is as it was, to the byte.
        #[test]
        fn only_lines_are_added(
            names in proptest::collection::vec("[a-z]{1,8}\\.example", 1..5),
            paths in proptest::collection::vec("/[ -~]{0,12}[a-z]", 0..4),
            before in proptest::sample::select(vec![
                "palisade: 1\n",
                "palisade: 1\nfilesystem:\n  read:\n  - /srv\n# end\n",
                "palisade: 1\n\nnetwork:\n  rules:\n    - {hosts: [x.example]}\n\n\nprocess:\n  limits:\n    processes: 4\n",
            ]),
        ) {
            let rules = names.iter().map(|name| Item { comment: Vec::new(), value: json!({"hosts": [name]}) });
            let reads = paths.iter().map(|path| Item { comment: Vec::new(), value: json!(path) });
            let additions = [
                Addition { list: vec!["network", "rules"], items: rules.collect() },
                Addition { list: vec!["filesystem", "read"], items: reads.collect() },
            ];
            let after = amended("p", before, &additions).unwrap();
            let mut rest = after.lines();
            for line in before.lines() {
                prop_assert!(rest.any(|other| other == line), "{}", after);
            }
        }
    }
}
