//! What is wrong with a document's form, all of it at once: unknown keys and words, wrong types,
//! keys that are there twice or missing. Compared with the same schema that editors have.

use serde_json::Value;

use crate::{
    amount::{Size, Span},
    at::{At, Place},
    diagnostic::Diagnostic,
    draft::shown,
    near::nearest,
    tree::Node,
};

/// Everything in which the tree differs from the schema.
pub(crate) fn check(file: &str, text: &str, tree: &At<Node>) -> Vec<Diagnostic> {
    let schema = crate::schema();
    let mut check = Check { file, text, whole: &schema, found: Vec::new() };
    check.node(tree, &schema, &Path::root());
    check.found
}

struct Check<'a> {
    file: &'a str,
    text: &'a str,
    whole: &'a Value,
    found: Vec<Diagnostic>,
}

/// Where in the document something is, as people name it: `network.rules[0].ports`.
#[derive(Debug, Clone)]
struct Path(String);

impl Path {
    fn root() -> Self {
        Self(String::new())
    }

    fn key(&self, key: &str) -> Self {
        let dot = if self.0.is_empty() { "" } else { "." };
        Self(format!("{}{dot}{}", self.0, shown(key)))
    }

    fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    fn name(&self) -> String {
        if self.0.is_empty() { "a policy".to_owned() } else { format!("`{}`", self.0) }
    }
}

impl<'a> Check<'a> {
    fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Diagnostic::at(self.file, self.text, place, message, help));
    }

    /// The schema itself, and not a reference to it.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        let named = name.and_then(|name| self.whole.pointer(name.strip_prefix('#')?));
        named.unwrap_or(schema)
    }

    /// What a schema allows besides nothing.
    fn branches(&self, schema: &'a Value) -> Vec<&'a Value> {
        let several = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(key)?.as_array());
        let Some(several) = several else { return vec![schema] };
        let all = several.iter().map(|branch| self.resolved(branch));
        all.filter(|branch| branch.get("type") != Some(&Value::from("null"))).collect()
    }

    fn node(&mut self, node: &At<Node>, schema: &'a Value, path: &Path) {
        let own = self.resolved(schema);
        if node.value == Node::Null && may_be_null(own) {
            return;
        }
        match *self.branches(own).as_slice() {
            // An optional value: its own examples are nearer than those of its type.
            [one] => self.one(node, one, if examples(own).is_some() { own } else { one }, path),
            _ => self.one(node, own, own, path),
        }
    }

    /// `schema` is compared, and `about` has the examples.
    fn one(&mut self, node: &At<Node>, schema: &'a Value, about: &'a Value, path: &Path) {
        let branches = self.branches(schema);
        if schema.get("title").is_some_and(|title| title == "Size" || title == "Duration") {
            return self.amount(node, schema, path);
        }
        if let Some(words) = words(schema, &branches) {
            return self.word(node, &words, path);
        }
        if branches.len() == 1 {
            return self.typed(node, schema, about, path);
        }
        if branches.iter().all(|branch| tag(branch).is_some()) {
            return self.tagged(node, &branches, about, path);
        }
        // What a table lacks is told of the one kind of table that it can be.
        let tables: Vec<&Value> =
            branches.iter().copied().filter(|branch| kind(branch) == "object").collect();
        if let (Node::Table(_), [table]) = (&node.value, tables.as_slice()) {
            return self.typed(node, table, about, path);
        }
        let found = self.found.len();
        for branch in &branches {
            self.node(node, branch, path);
            if self.found.len() == found {
                return;
            }
            self.found.truncate(found);
        }
        self.type_error(node, schema, about, path);
    }

    fn typed(&mut self, node: &At<Node>, schema: &'a Value, about: &'a Value, path: &Path) {
        match (&node.value, kind(schema)) {
            (Node::Table(entries), "object") => self.table(node.place, entries, schema, path),
            (Node::List(items), "array") => {
                let inner = self.resolved(schema.get("items").unwrap_or(&Value::Null));
                // An item is shown in its list.
                let about = if examples(inner).is_some() { inner } else { about };
                for (index, item) in items.iter().enumerate() {
                    self.one(item, inner, about, &path.index(index));
                }
            }
            (Node::Whole(number), "integer") => self.range(node.place, *number, schema, path),
            (Node::Text(text), "integer") if text.parse::<u64>().is_ok() => {}
            (Node::Whole(_) | Node::Number(_), "number") => {}
            (Node::Text(text), "number") if text.parse::<f64>().is_ok() => {}
            (Node::Bool(_), "boolean") => {}
            (Node::Text(_) | Node::Whole(_) | Node::Number(_) | Node::Bool(_), "string") => {}
            // Everything behind the key was taken out.
            (Node::Null, "array") => {}
            (Node::Null, "object") if schema.get("properties").is_none() => {}
            _ => self.type_error(node, schema, about, path),
        }
    }

    fn type_error(&mut self, node: &At<Node>, schema: &'a Value, about: &'a Value, path: &Path) {
        let message =
            format!("{} is {}, and this is {}", path.name(), wants(schema), node.value.is());
        let help = match (&node.value, kind(schema)) {
            (Node::Null, "string") => {
                "write text; `~` alone is nothing in YAML, the home is `\"~\"`".to_owned()
            }
            _ => self.example(about, path),
        };
        self.wrong(node.place, message, help);
    }

    fn range(&mut self, place: Place, number: i128, schema: &'a Value, path: &Path) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64).map(i128::from);
        let least = bound("minimum").unwrap_or(0);
        let most = bound("maximum").unwrap_or(u64::MAX.into());
        if number < least || number > most {
            let message = format!("{} cannot be {number}", path.name());
            let help = match bound("maximum") {
                Some(most) => format!("write a number from {least} to {most}"),
                None => format!("write a whole number from {least} on"),
            };
            self.wrong(place, message, help);
        }
    }

    /// A size or a time is text with a form of its own.
    fn amount(&mut self, node: &At<Node>, schema: &'a Value, path: &Path) {
        let size = schema.get("title").is_some_and(|title| title == "Size");
        let good = match &node.value {
            Node::Text(text) if size => Size::parse(text).is_some(),
            Node::Text(text) => Span::parse(text).is_some(),
            Node::Whole(bytes) => size && *bytes > 0,
            _ => false,
        };
        if !good {
            self.type_error(node, schema, schema, path);
        }
    }

    fn word(&mut self, node: &At<Node>, words: &[&'a str], path: &Path) {
        let Node::Text(text) = &node.value else {
            let message = format!("{} is a word, and this is {}", path.name(), node.value.is());
            return self.wrong(node.place, message, format!("write {}", one_of(words)));
        };
        if words.contains(&text.as_str()) {
            return;
        }
        let message = format!("{} cannot be `{}`", path.name(), shown(text));
        let help = match nearest(text, words) {
            Some(near) => format!("did you mean `{near}`? It can be {}", one_of(words)),
            None => format!("write {}", one_of(words)),
        };
        self.wrong(node.place, message, help);
    }

    /// A table with one key, which says what kind it is of.
    fn tagged(&mut self, node: &At<Node>, branches: &[&'a Value], about: &'a Value, path: &Path) {
        let words: Vec<&str> = branches.iter().filter_map(|branch| tag(branch)).collect();
        let Node::Table(entries) = &node.value else {
            let message = format!("{} is a table, and this is {}", path.name(), node.value.is());
            let help = format!("{}; its key is {}", self.example(about, path), one_of(&words));
            return self.wrong(node.place, message, help);
        };
        let [(key, value)] = entries.as_slice() else {
            let message = format!("{} has one key, and this has {}", path.name(), entries.len());
            return self.wrong(node.place, message, format!("write one of {}", words.join(", ")));
        };
        match branches.iter().find(|branch| tag(branch) == Some(key.value.as_str())) {
            Some(branch) => {
                if let Some(inner) =
                    branch.pointer("/properties").and_then(|all| all.get(&key.value))
                {
                    self.node(value, inner, &path.key(&key.value));
                }
            }
            None => self.unknown(key, &words, path),
        }
    }

    fn table(
        &mut self,
        place: Place,
        entries: &[(At<String>, At<Node>)],
        schema: &'a Value,
        path: &Path,
    ) {
        let known = schema.get("properties").and_then(Value::as_object);
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        for (index, (key, value)) in entries.iter().enumerate() {
            let first = entries.iter().take(index).find(|(earlier, _)| earlier.value == key.value);
            if let Some((first, _)) = first {
                self.wrong(
                    key.place,
                    format!(
                        "`{}` is there twice, first in line {}",
                        path.key(&key.value).0,
                        first.place.line
                    ),
                    "join the two: the keys of a table stand in it once",
                );
                continue;
            }
            match known.and_then(|known| known.get(&key.value)).or(any) {
                Some(inner) => self.node(value, inner, &path.key(&key.value)),
                None => {
                    let words: Vec<&str> =
                        known.into_iter().flatten().map(|(word, _)| word.as_str()).collect();
                    self.unknown(key, &words, path);
                }
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if !entries.iter().any(|(key, _)| key.value == name) {
                let inner = known.and_then(|known| known.get(name)).unwrap_or(&Value::Null);
                let help = self.example(self.resolved(inner), &path.key(name));
                self.wrong(place, format!("{} lacks `{name}`", path.name()), help);
            }
        }
    }

    fn unknown(&mut self, key: &At<String>, known: &[&str], path: &Path) {
        let message = format!("{} has no key `{}`", path.name(), shown(&key.value));
        let elsewhere = owners(&key.value);
        let help = match (nearest(&key.value, known), elsewhere.as_slice()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, [one]) => format!("`{}` belongs in {one}", key.value),
            _ => format!("known here: {}", known.join(", ")),
        };
        self.wrong(key.place, message, help);
    }

    /// How the value is written, from the schema's example.
    fn example(&self, schema: &'a Value, path: &Path) -> String {
        let key = path.0.rsplit('.').next().unwrap_or_default();
        let key = key.split('[').next().unwrap_or_default();
        let inner = self.branches(schema).first().copied().unwrap_or(schema);
        let word = words(inner, &self.branches(inner)).and_then(|words| words.first().copied());
        match (examples(schema).or_else(|| examples(inner)), word) {
            (Some(value), _) => format!("write it as in `{key}: {value}`"),
            (None, Some(word)) => format!("write it as in `{key}: {word}`"),
            (None, None) => match kind(inner) {
                "array" => {
                    format!("write it as in `{key}: [one, another]`, or a line each with `- `")
                }
                "object" => "write keys below it, indented, each with a `:`".to_owned(),
                "integer" => "write a whole number without a unit".to_owned(),
                "number" => "write a number such as 2 or 0.5".to_owned(),
                "boolean" => "write `true` or `false`".to_owned(),
                _ => "write one text; quotes are needed when it begins with an odd character"
                    .to_owned(),
            },
        }
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ => "",
    }
}

fn may_be_null(schema: &Value) -> bool {
    let null = Value::from("null");
    let by_type =
        schema.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&null));
    let by_branch = schema
        .get("anyOf")
        .and_then(Value::as_array)
        .is_some_and(|all| all.iter().any(|branch| branch.get("type") == Some(&null)));
    by_type || by_branch
}

fn examples(schema: &Value) -> Option<String> {
    Some(flow(schema.get("examples")?.as_array()?.first()?))
}

/// A value as it is written in one line of YAML.
fn flow(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::Array(items) => format!("[{}]", list(items.iter().map(flow).collect())),
        Value::Object(table) => {
            let entries = table.iter().map(|(key, value)| format!("{key}: {}", flow(value)));
            format!("{{{}}}", list(entries.collect()))
        }
        Value::String(text) => {
            let plain = |c: char| c.is_alphanumeric() || "/~_-.:".contains(c);
            let start = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/~.".contains(c));
            let number = text.parse::<f64>().is_ok();
            let word = start && !number && text != "~" && text.chars().all(plain);
            if word { text.clone() } else { format!("\"{text}\"") }
        }
        other => other.to_string(),
    }
}

/// The words that a value can be, if it is one of some.
fn words<'a>(schema: &'a Value, branches: &[&'a Value]) -> Option<Vec<&'a str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let word = |branch: &&'a Value| branch.get("const").and_then(Value::as_str);
    branches.iter().map(word).collect()
}

/// The one key of a table that can have no other.
fn tag(schema: &Value) -> Option<&str> {
    let required = schema.get("required")?.as_array()?;
    let [Value::String(one)] = required.as_slice() else { return None };
    (schema.get("properties")?.as_object()?.len() == 1).then_some(one)
}

/// What a value must be, in words.
fn wants(schema: &Value) -> &'static str {
    match (schema.get("title").and_then(Value::as_str), kind(schema)) {
        (Some("Size"), _) => "a size with its unit",
        (Some("Duration"), _) => "a time with its unit",
        (_, "object") => "a table of keys and values",
        (_, "array") => "a list",
        (_, "string") => "text",
        (_, "integer") => "a whole number",
        (_, "number") => "a number",
        (_, "boolean") => "`true` or `false`",
        _ if schema.get("title").is_some_and(|title| title == "Retain") => {
            "a time with its unit, or a table of classes with one each"
        }
        _ if schema.get("anyOf").is_some_and(|all| has(all, "boolean")) => {
            "`true`, `false` or a path"
        }
        _ if schema.get("anyOf").is_some_and(|all| has(all, "string") && !has(all, "array")) => {
            "a URL, or a table with one"
        }
        _ => "text or a list of texts",
    }
}

/// Whether one of these has this type.
fn has(branches: &Value, kind: &str) -> bool {
    let all = branches.as_array().into_iter().flatten();
    all.into_iter().any(|branch| branch.get("type").is_some_and(|its| its == kind))
}

/// The tables that have this key, for a key that stands in the wrong one.
fn owners(key: &str) -> Vec<&'static str> {
    const BELONGS: [(&str, &str); 36] = [
        ("read", "`filesystem`"),
        ("write", "`filesystem`"),
        ("workspace", "`filesystem`"),
        ("rules", "`network`"),
        ("unknown", "`network`"),
        ("hosts", "a rule of `network.rules`, or `network`"),
        ("ports", "a rule of `network.rules`"),
        ("binaries", "a rule of `network.rules`"),
        ("records", "a rule of `network.rules`"),
        ("addresses", "a rule of `network.rules`"),
        ("tls", "a rule of `network.rules`"),
        ("http", "a rule of `network.rules`"),
        ("methods", "`allow` or `deny` of a rule's `http`"),
        ("paths", "`allow` or `deny` of a rule's `http`"),
        ("memory", "`process.limits`"),
        ("processes", "`process.limits`"),
        ("cpus", "`process.limits`"),
        ("open_files", "`process.limits`"),
        ("disk", "`process.limits`"),
        ("scratch", "`process.limits`"),
        ("wall_time", "`process.limits`"),
        ("syscalls", "`process`"),
        ("environment", "`process`"),
        ("pass", "`process.environment`"),
        ("set", "`process.environment`"),
        ("providers", "`inference`"),
        ("routes", "`inference`"),
        ("redact", "`inference`"),
        ("server_tools", "`inference`"),
        ("tool_results", "`inference`"),
        ("fallback", "a route of `inference.routes`"),
        ("guard", "`inference`"),
        ("tokens_per_day", "`inference.limits`"),
        ("usd_per_day", "`inference.limits`"),
        ("prices", "`inference.limits`"),
        ("mode", "`permissions`"),
    ];
    BELONGS.iter().filter(|(known, _)| *known == key).map(|(_, owner)| *owner).collect()
}
