use jsonc_parser::{
    ParseOptions,
    cst::{CstArray, CstContainerNode, CstInputValue, CstNode, CstObject, CstRootNode},
};
use palisade_core::strict_object;
use serde_json::{Map, Value, json};

/// Bytes of settings.
pub const MOST_BYTES: usize = 1 << 20;
/// Seconds that the agent waits for the hook. A hook that is waited for no more decides nothing, so it is longer
/// than any answer takes.
const PATIENCE: u64 = 3600;

/// What is put in an agent's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line that the agent runs.
    pub command: String,
    /// The agent's events that it is run for.
    pub events: Vec<String>,
    /// How the agent writes it.
    pub form: Form,
}

/// How an agent's settings name the hooks of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Groups of handlers, each with a time limit in this unit.
    Groups(Unit),
    /// A list of commands, in settings with a `version`; one that fails is a denial.
    Commands,
}

/// Of a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As in Claude Code.
    Seconds,
    /// As in gemini-cli.
    Milliseconds,
}

impl Entry {
    /// The hook, as it stands in the list of an event.
    fn value(&self) -> Value {
        match self.form {
            Form::Groups(unit) => {
                let factor = if unit == Unit::Milliseconds { 1000 } else { 1 };
                let handler = json!({"type": "command", "command": self.command, "timeout": PATIENCE * factor});
                json!({"hooks": [handler]})
            }
            Form::Commands => {
                json!({"command": self.command, "timeout": PATIENCE, "failClosed": true})
            }
        }
    }
}

/// Why settings were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// More than [`MOST_BYTES`].
    #[error("it has more than {MOST_BYTES} bytes")]
    Long,
    /// It is no JSON object with one reading.
    #[error("{0}")]
    Unreadable(String),
    /// `hooks`, or what is in it, has another form than the agent's documents say.
    #[error("`{0}` has a form that nothing is added to by itself")]
    Form(String),
}

/// The settings with the hook in them, once for each event. Entries of its own that are there already are
/// exchanged; where they are the same, the text stays as it is. An empty text begins new settings.
///
/// # Errors
/// The text is not changed unless it then says what it said before and what is added.
pub fn installed(
    text: &str,
    entry: &Entry,
    own: impl Fn(&str) -> bool,
) -> Result<String, EditError> {
    let bare = removed(text, own)?;
    let bare = if bare.trim().is_empty() { "{}\n".to_owned() } else { bare };
    let mut expected = read(&bare)?;
    let with_version = entry.form == Form::Commands && !expected.contains_key("version");
    let form = |event: &str| EditError::Form(format!("hooks.{event}"));
    for event in &entry.events {
        let hooks = expected.entry("hooks").or_insert_with(|| json!({}));
        let hooks = hooks.as_object_mut().ok_or_else(|| EditError::Form("hooks".into()))?;
        let list = hooks.entry(event.as_str()).or_insert_with(|| json!([]));
        list.as_array_mut().ok_or_else(|| form(event))?.push(entry.value());
    }
    if with_version {
        expected.insert("version".into(), 1.into());
    }
    if read(text).is_ok_and(|now| now == expected) {
        return Ok(text.to_owned());
    }
    let root = parsed(&bare)?;
    let object = root.object_value().ok_or_else(|| EditError::Form("{}".into()))?;
    let hooks =
        object.object_value_or_create("hooks").ok_or_else(|| EditError::Form("hooks".into()))?;
    hooks.ensure_multiline();
    for event in &entry.events {
        let list = hooks.array_value_or_create(event).ok_or_else(|| form(event))?;
        list.ensure_multiline();
        list.append(written(&entry.value()));
    }
    if with_version {
        object.append("version", CstInputValue::Number("1".to_owned()));
    }
    checked(root.to_string(), &expected)
}

/// The settings without entries of its own, and without what is empty for it.
///
/// # Errors
/// The text is not changed unless it then says what it said before without them.
pub fn removed(text: &str, own: impl Fn(&str) -> bool) -> Result<String, EditError> {
    if text.len() > MOST_BYTES {
        return Err(EditError::Long);
    }
    if text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let before = read(text)?;
    let mut expected = before.clone();
    without(&mut expected, &own);
    if expected == before {
        return Ok(text.to_owned());
    }
    let root = parsed(text)?;
    if let Some(object) = root.object_value() {
        take_out(&object, &own);
    }
    checked(root.to_string(), &expected)
}

/// The same value for the text.
fn written(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(flag) => CstInputValue::Bool(*flag),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(all) => CstInputValue::Array(all.iter().map(written).collect()),
        Value::Object(all) => CstInputValue::Object(
            all.iter().map(|(name, value)| (name.clone(), written(value))).collect(),
        ),
    }
}

fn read(text: &str) -> Result<Map<String, Value>, EditError> {
    strict_object(text.as_bytes()).map_err(EditError::Unreadable)
}

fn parsed(text: &str) -> Result<CstRootNode, EditError> {
    // It was read as JSON already: nothing looser comes here.
    CstRootNode::parse(text, &ParseOptions::default())
        .map_err(|error| EditError::Unreadable(error.to_string()))
}

fn checked(text: String, expected: &Map<String, Value>) -> Result<String, EditError> {
    match read(&text) {
        Ok(after) if after == *expected => Ok(text),
        _ => Err(EditError::Form("hooks".into())),
    }
}

/// As values: what is left when the own entries are gone.
fn without(settings: &mut Map<String, Value>, own: &impl Fn(&str) -> bool) {
    let Some(Value::Object(hooks)) = settings.get_mut("hooks") else { return };
    let mut emptied = false;
    hooks.retain(|_, groups| {
        let Value::Array(groups) = groups else { return true };
        let before = groups.len();
        groups.retain_mut(|group| {
            if is_own(group.get("command").and_then(Value::as_str), own) {
                return false;
            }
            let Some(Value::Array(handlers)) = group.get_mut("hooks") else { return true };
            let before = handlers.len();
            handlers.retain(|handler| !is_own(handler.get("command").and_then(Value::as_str), own));
            handlers.len() == before || !handlers.is_empty()
        });
        let gone = groups.len() != before && groups.is_empty();
        emptied |= gone;
        !gone
    });
    if emptied && hooks.is_empty() {
        settings.remove("hooks");
    }
}

fn is_own(command: Option<&str>, own: &impl Fn(&str) -> bool) -> bool {
    command.is_some_and(own)
}

/// The same in the text.
fn take_out(settings: &CstObject, own: &impl Fn(&str) -> bool) {
    let Some(hooks) = settings.object_value("hooks") else { return };
    let mut emptied = false;
    for event in hooks.properties() {
        let Some(groups) = event.array_value() else { continue };
        let mut taken = false;
        for group in groups.elements() {
            if is_own(command(&group).as_deref(), own) {
                group.remove();
                taken = true;
                continue;
            }
            let Some(handlers) = object(&group).and_then(|group| group.array_value("hooks")) else {
                continue;
            };
            if take_own(&handlers, own) && handlers.elements().is_empty() {
                group.remove();
                taken = true;
            }
        }
        if taken && groups.elements().is_empty() {
            event.remove();
            emptied = true;
        }
    }
    if emptied
        && hooks.properties().is_empty()
        && let Some(hooks) = settings.get("hooks")
    {
        hooks.remove();
    }
}

fn take_own(handlers: &CstArray, own: &impl Fn(&str) -> bool) -> bool {
    let mut taken = false;
    for handler in handlers.elements() {
        if is_own(command(&handler).as_deref(), own) {
            handler.remove();
            taken = true;
        }
    }
    taken
}

fn command(node: &CstNode) -> Option<String> {
    let value = object(node)?.get("command")?.value()?;
    value.as_string_lit()?.decoded_value().ok()
}

fn object(node: &CstNode) -> Option<CstObject> {
    match node {
        CstNode::Container(CstContainerNode::Object(object)) => Some(object.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> Entry {
        Entry {
            command: "p hook --record".into(),
            events: vec!["PreToolUse".into(), "Stop".into()],
            form: Form::Groups(Unit::Seconds),
        }
    }

    fn own(command: &str) -> bool {
        command == "p hook --record" || command == "p hook --record --policy old"
    }

    #[test]
    fn what_others_wrote_stays_as_it_is() {
        let text = "{\n    \"model\":   \"opus\",\n    \"hooks\": {\n        \"PreToolUse\": [\n            {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"./mine.sh\"}]}\n        ],\n        \"Notification\": []\n    }\n}\n";
        let with = installed(text, &entry(), own).unwrap();
        assert!(with.starts_with("{\n    \"model\":   \"opus\",\n"), "{with}");
        assert!(with.contains("{\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"./mine.sh\"}]}"), "{with}");
        assert_eq!(with.matches("p hook --record").count(), 2);
        let again = installed(&with, &entry(), own).unwrap();
        assert_eq!(read(&again).unwrap(), read(&with).unwrap());
        let without = removed(&with, own).unwrap();
        assert_eq!(read(&without).unwrap(), read(text).unwrap(), "{without}");
    }

    #[test]
    fn begins_new_settings_and_leaves_none() {
        for text in ["", "\n", "{}", "{ }\n"] {
            let with = installed(text, &entry(), own).unwrap();
            let value = Value::from(read(&with).unwrap());
            assert_eq!(value["hooks"]["Stop"][0]["hooks"][0]["command"], "p hook --record");
            assert_eq!(read(&removed(&with, own).unwrap()).unwrap(), Map::new(), "{with}");
        }
    }

    #[test]
    fn commands_stand_in_a_list_beside_others() {
        let entry = Entry { form: Form::Commands, ..entry() };
        let text =
            "{\n  \"version\": 1,\n  \"hooks\": {\"Stop\": [{\"command\": \"./mine.sh\"}]}\n}\n";
        let with = installed(text, &entry, own).unwrap();
        let value = Value::from(read(&with).unwrap());
        assert_eq!(value["hooks"]["Stop"][0]["command"], "./mine.sh");
        let own_entry = json!({"command": "p hook --record", "timeout": 3600, "failClosed": true});
        assert_eq!(value["hooks"]["Stop"][1], own_entry);
        assert_eq!(value["hooks"]["PreToolUse"], json!([own_entry]));
        let left = removed(&with, own).unwrap();
        assert_eq!(read(&left).unwrap(), read(text).unwrap(), "{left}");
        let new = Value::from(read(&installed("", &entry, own).unwrap()).unwrap());
        assert_eq!(new["version"], 1);
        let milliseconds = Entry { form: Form::Groups(Unit::Milliseconds), ..entry };
        let with = Value::from(read(&installed("", &milliseconds, own).unwrap()).unwrap());
        assert_eq!(with["hooks"]["Stop"][0]["hooks"][0]["timeout"], 3_600_000);
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let commands = Entry { form: Form::Commands, ..entry() };
        for entry in [entry(), commands] {
            for text in [
                "",
                "{}",
                "{\"model\":\"x\",\"hooks\":{}}\n",
                "{\"hooks\": {\"Stop\": []}}",
                "{\"h\\u006foks\":{}}",
                "{\"hooks\": {\"Stop\": [{\"command\": \"a\"}]}, \"version\": 1}",
            ] {
                let with = installed(text, &entry, own).unwrap();
                assert_eq!(installed(&with, &entry, own).unwrap(), with, "{text}");
            }
        }
    }

    #[test]
    fn an_older_entry_is_exchanged() {
        let old = Entry {
            command: "p hook --record --policy old".into(),
            events: vec!["Stop".into()],
            ..entry()
        };
        let with = installed("{}", &old, own).unwrap();
        let with = installed(&with, &entry(), own).unwrap();
        assert!(!with.contains("old"), "{with}");
        assert_eq!(with.matches("p hook --record").count(), 2);
    }

    #[test]
    fn an_own_entry_among_others_is_the_only_one_to_go() {
        let text = r#"{"hooks": {"Stop": [{"hooks": [{"command": "a"}, {"command": "p hook --record"}, {"command": "b"}]}]}}"#;
        let left = removed(text, own).unwrap();
        assert_eq!(
            Value::from(read(&left).unwrap()),
            json!({"hooks": {"Stop": [{"hooks": [{"command": "a"}, {"command": "b"}]}]}})
        );
    }

    #[test]
    fn what_cannot_be_changed_for_sure_is_not() {
        for text in [
            "[]",
            "{",
            "{\"hooks\": [], \"model\": 1}",
            "{\"hooks\": {\"PreToolUse\": {}}}",
            "{\"hooks\": {}, \"hooks\": {}}",
            "{\"hooks\": null}",
            "// said\n{}",
            "{\"a\": 1,}",
            "\u{feff}{}",
        ] {
            assert!(installed(text, &entry(), own).is_err(), "{text}");
        }
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(MOST_BYTES));
        assert_eq!(installed(&long, &entry(), own), Err(EditError::Long));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~é\\n\"]{0,6}".prop_map(Value::from),
            Just(json!({"type": "command", "command": "p hook --record"})),
            Just(json!({"type": "command", "command": "other"})),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let key = prop_oneof![
                Just("hooks".to_owned()),
                Just("PreToolUse".to_owned()),
                Just("command".to_owned()),
                "[a-z\"]{0,3}"
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..4)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_else_changes(hooks in value(), more in value(), pretty in any::<bool>()) {
            let settings = json!({"hooks": hooks, "more": more});
            let text = if pretty { serde_json::to_string_pretty(&settings).unwrap() } else { settings.to_string() };
            let Ok(bare) = removed(&text, own) else { return Ok(()) };
            let Ok(with) = installed(&text, &entry(), own) else { return Ok(()) };
            let with = Value::from(read(&with).unwrap());
            prop_assert_eq!(&with["more"], &settings["more"]);
            let again = removed(&with.to_string(), own).unwrap();
            let (again, bare) = (Value::from(read(&again).unwrap()), Value::from(read(&bare).unwrap()));
            prop_assert_eq!(&again["more"], &bare["more"]);
        }

        #[test]
        fn any_text_is_an_error_or_settings(text in "[{}\\[\\]\":, a-zH0-9\\n/]{0,60}") {
            if let Ok(with) = installed(&text, &entry(), own) {
                prop_assert!(read(&with).is_ok());
            }
        }
    }
}
