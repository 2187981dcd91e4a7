use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstRootNode},
};
use serde_json::{Value, json};

use crate::edit::{EditError, MOST_BYTES};

/// The plugin's name, and its folder's.
pub const PLUGIN: &str = "palisade";
/// The first line of its program: what begins so was written here.
const OWN: &str = "// Written by `palisade integrate`, which takes it out again: `--remove`.\n";
const PROGRAM: &str = include_str!("plugin.js");

/// One file of the plugin's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginFile {
    /// Its name in the folder.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

/// The names of the plugin's files, in the order in which they are written: the last one makes it a plugin.
pub const PLUGIN_FILES: [&str; 3] = ["index.js", "package.json", "openclaw.plugin.json"];

/// A plugin of `OpenClaw` that runs this command, word by word and without a shell, for each of these events of
/// the agent's.
///
/// Source: OpenClaw's documents of 2026.9, "Plugin hooks" and "Plugin manifest".
pub fn plugin(command: &[String], events: &[String]) -> [PluginFile; 3] {
    let program =
        PROGRAM.replace("@COMMAND@", &js(json!(command))).replace("@EVENTS@", &js(json!(events)));
    let package = json!({"name": PLUGIN, "version": "1.0.0", "private": true, "type": "module",
        "openclaw": {"extensions": ["./index.js"]}});
    let manifest = json!({"id": PLUGIN, "name": "Palisade", "activation": {"onStartup": true},
        "description": "Asks Palisade before each call of a tool.",
        "configSchema": {"type": "object", "additionalProperties": false, "properties": {}}});
    let [index, second, third] = PLUGIN_FILES;
    [
        PluginFile { name: index, text: format!("{OWN}{program}") },
        PluginFile { name: second, text: format!("{package:#}\n") },
        PluginFile { name: third, text: format!("{manifest:#}\n") },
    ]
}

/// Whether a file of the plugin's folder is one that was written here, of this version or an older one.
pub fn is_own_plugin_file(name: &str, text: &str) -> bool {
    let id = |key: &str| {
        let value = serde_json::from_str::<Value>(text).ok();
        value.is_some_and(|value| value.get(key).and_then(Value::as_str) == Some(PLUGIN))
    };
    match name {
        "index.js" => text.starts_with(OWN),
        "package.json" => id("name"),
        "openclaw.plugin.json" => id("id"),
        _ => false,
    }
}

/// OpenClaw's settings (`openclaw.json`, JSON5) with the plugin switched on: without a word there, a turn without
/// the gateway does not load it. An empty text begins new settings. All else stays as it is written.
///
/// # Errors
/// The text is not changed unless it then says what it said before and that.
pub fn enabled(settings: &str) -> Result<String, EditError> {
    let text = if settings.trim().is_empty() { "{}\n" } else { settings };
    let mut expected = read(text)?;
    if expected.pointer(SWITCH) == Some(&Value::Bool(true)) {
        return Ok(settings.to_owned());
    }
    let root = parsed(text)?;
    let mut at = root.object_value().ok_or_else(form)?;
    let mut meant = &mut expected;
    for key in ["plugins", "entries", PLUGIN] {
        at = at.object_value_or_create(key).ok_or_else(form)?;
        meant = meant.as_object_mut().ok_or_else(form)?.entry(key).or_insert_with(|| json!({}));
    }
    if let Some(there) = at.get("enabled") {
        there.remove();
    }
    at.append("enabled", CstInputValue::Bool(true));
    meant.as_object_mut().ok_or_else(form)?.insert("enabled".into(), true.into());
    checked(root.to_string(), &expected)
}

/// The settings without a word of the plugin, and without what is empty for it.
///
/// # Errors
/// The text is not changed unless it then says what it said before without that.
pub fn disabled(settings: &str) -> Result<String, EditError> {
    if settings.trim().is_empty() {
        return Ok(settings.to_owned());
    }
    let mut expected = read(settings)?;
    if expected.pointer("/plugins/entries/palisade").is_none() {
        return Ok(settings.to_owned());
    }
    let root = parsed(settings)?;
    let mut levels = vec![root.object_value().ok_or_else(form)?];
    for key in ["plugins", "entries"] {
        let next = levels.last().and_then(|at| at.object_value(key)).ok_or_else(form)?;
        levels.push(next);
    }
    for key in [PLUGIN, "entries", "plugins"] {
        let Some(at) = levels.pop() else { break };
        at.get(key).ok_or_else(form)?.remove();
        if !at.properties().is_empty() {
            break;
        }
    }
    for (above, key) in [("/plugins/entries", PLUGIN), ("/plugins", "entries"), ("", "plugins")] {
        let at = expected.pointer_mut(above).and_then(Value::as_object_mut).ok_or_else(form)?;
        at.remove(key);
        if !at.is_empty() {
            break;
        }
    }
    checked(root.to_string(), &expected)
}

const SWITCH: &str = "/plugins/entries/palisade/enabled";

fn form() -> EditError {
    EditError::Form("plugins.entries.palisade".into())
}

fn read(text: &str) -> Result<Value, EditError> {
    if text.len() > MOST_BYTES {
        return Err(EditError::Long);
    }
    let unreadable = |error: String| EditError::Unreadable(error);
    let value: Value = jsonc_parser::parse_to_serde_value(text, &ParseOptions::default())
        .map_err(|error| unreadable(error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(unreadable("it is no object".into())) }
}

fn parsed(text: &str) -> Result<CstRootNode, EditError> {
    CstRootNode::parse(text, &ParseOptions::default())
        .map_err(|error| EditError::Unreadable(error.to_string()))
}

fn checked(text: String, expected: &Value) -> Result<String, EditError> {
    if read(&text)? == *expected { Ok(text) } else { Err(form()) }
}

/// Why an `openclaw.json` keeps the plugin from being loaded, if it does. What cannot be read for sure (files that
/// it includes, a text that is no JSON5) is no reason: `None`.
///
/// Source: OpenClaw's documents of 2026.9, "Configuration: extensions".
pub fn kept_out(settings: &str) -> Option<&'static str> {
    let settings: Value =
        jsonc_parser::parse_to_serde_value(settings, &ParseOptions::default()).ok()?;
    let plugins = settings.get("plugins")?;
    let lists = |key: &str| {
        let names = plugins.get(key)?.as_array()?;
        Some(names.iter().any(|name| name.as_str() == Some(PLUGIN)))
    };
    let off = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(false);
    match () {
        () if off(plugins.get("enabled")) => Some("`plugins.enabled` is false"),
        () if lists("deny") == Some(true) => Some("`plugins.deny` names it"),
        () if lists("allow") == Some(false) => Some("`plugins.allow` does not name it"),
        () => None,
    }
}

/// JSON that is JavaScript as well, in one line.
fn js(value: Value) -> String {
    value.to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[&str]) -> Vec<String> {
        all.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn names_the_command_word_by_word() {
        let command =
            words(&["/opt/a \"b\"/palisade", "hook", "--policy", "/x`$(y)\u{2028}'.yaml"]);
        let [index, package, manifest] = plugin(&command, &words(&["before_tool_call"]));
        let line = index.text.lines().find(|line| line.starts_with("const COMMAND")).unwrap();
        let array = line.strip_prefix("const COMMAND = ").unwrap().strip_suffix(';').unwrap();
        assert_eq!(serde_json::from_str::<Vec<String>>(array).unwrap(), command);
        assert!(!index.text.contains('\u{2028}') && !index.text.contains("@EVENTS@"));
        for file in [index, package, manifest] {
            assert!(is_own_plugin_file(file.name, &file.text), "{}", file.name);
            assert!(!is_own_plugin_file("other.js", &file.text));
        }
        for (name, text) in [
            ("index.js", "export default {}"),
            ("package.json", "{\"name\": \"theirs\"}"),
            ("openclaw.plugin.json", "{\"id\": 1}"),
            ("package.json", "no JSON"),
        ] {
            assert!(!is_own_plugin_file(name, text), "{name} {text}");
        }
    }

    #[test]
    fn settings_that_keep_it_out_are_told() {
        for (settings, out) in [
            ("{}", false),
            ("", false),
            ("no settings", false),
            ("{plugins: {entries: {other: {enabled: true}}}}", false),
            ("{plugins: {allow: ['palisade', 'x']}}", false),
            ("{plugins: {allow: ['x'],}, // theirs\n}", true),
            ("{\"plugins\": {\"allow\": []}}", true),
            ("{plugins: {deny: ['palisade']}}", true),
            ("{plugins: {enabled: false}}", true),
        ] {
            assert_eq!(kept_out(settings).is_some(), out, "{settings}");
        }
    }

    #[test]
    fn is_switched_on_and_off_and_all_else_stays() {
        let theirs = "{\n  // theirs\n  models: {a: 'b'},\n  plugins: {entries: {x: {enabled: false}}},\n}\n";
        for settings in
            [theirs, "{}", "{plugins: {}}", "{\"plugins\": {\"allow\": [\"palisade\"]}}"]
        {
            let on = enabled(settings).unwrap();
            assert_eq!(read(&on).unwrap().pointer(SWITCH), Some(&json!(true)), "{on}");
            assert_eq!(enabled(&on).unwrap(), on);
            let off = read(&disabled(&on).unwrap()).unwrap();
            let before = read(settings).unwrap();
            assert!(off == before || settings == "{plugins: {}}", "{off} {before}");
        }
        let on = enabled(theirs).unwrap();
        assert!(on.starts_with("{\n  // theirs\n  models: {a: 'b'},\n"), "{on}");
        assert_eq!(disabled(theirs).unwrap(), theirs);
        assert_eq!(disabled("").unwrap(), "");
        let on = enabled("{plugins: {entries: {palisade: {enabled: false, config: {}}}}}").unwrap();
        assert_eq!(read(&on).unwrap().pointer(SWITCH), Some(&json!(true)), "{on}");
        for odd in [
            "[]",
            "{",
            "{plugins: 1}",
            "{plugins: {entries: []}}",
            "{plugins: {}, plugins: {entries: {x: 1}}}",
        ] {
            assert!(enabled(odd).is_err(), "{odd}: {:?}", enabled(odd));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_error_or_says_the_same_and_more(text in "[{}\\[\\]\":, 'a/*plugins\\n]{0,60}") {
            if let Ok(on) = enabled(&text) {
                let read = read(&on).unwrap();
                proptest::prop_assert_eq!(read.pointer(SWITCH), Some(&json!(true)));
                disabled(&on).ok();
            }
        }
    }
}
