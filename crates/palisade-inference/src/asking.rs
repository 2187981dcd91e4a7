use std::{borrow::Cow, collections::HashSet, fmt};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::{endpoint::Wire, inspect::ServerTool, model_field::BodyError, strict_json::Strict};

/// What a request asks for besides words: tools that run at the provider, and the results that it
/// brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asking {
    /// As they are called in the request.
    pub(crate) at_provider: Vec<(Option<ServerTool>, String)>,
    /// The ids of the calls whose results these are.
    pub(crate) results: Vec<String>,
    /// The ids of answers, and of items of them, that it takes from the provider's memory.
    pub(crate) stored: Vec<String>,
    /// What no request may hold here, in one sentence.
    pub(crate) refused: Option<&'static str>,
}

/// The keys of a request that are looked into.
const KEYS: [&str; 18] = [
    "conversation",
    "previous_response_id",
    "tools",
    "mcp_servers",
    "container",
    "web_search_options",
    "search_parameters",
    "enable_search",
    "cachedContent",
    "cached_content",
    "plugins",
    "models",
    "prompt",
    "messages",
    "input",
    "contents",
    "systemInstruction",
    "system_instruction",
];

/// Those that hold what is said.
const TALK: [&str; 5] =
    ["messages", "input", "contents", "systemInstruction", "system_instruction"];

/// The most results that one request may bring.
const MOST_RESULTS: usize = 100_000;

impl Asking {
    /// Reads a body that is known to be an object of bounded depth.
    pub(crate) fn of(body: &[u8], wire: Wire) -> Result<Self, BodyError> {
        if wire == Wire::Nothing {
            return Ok(Self::default());
        }
        let Top(top) =
            serde_json::from_slice(body).map_err(|error| BodyError::Json(error.to_string()))?;
        let mut asking = Self { results: top.results, ..Self::default() };
        if wire == Wire::Responses {
            asking.stored = top.stored;
        }
        if top.fetches {
            asking.add(Some(ServerTool::WebFetch), "a picture or file at a URL");
        }
        for (key, value) in top.fields {
            asking.field(&key, &value, wire);
        }
        Ok(asking)
    }

    fn field(&mut self, key: &str, value: &Value, wire: Wire) {
        if is_nothing(value) {
            return;
        }
        match (wire, key) {
            (Wire::Gemini, "tools") => each(value, |tool| self.gemini_tool(tool)),
            (_, "tools") => each(value, |tool| self.tool(tool)),
            (Wire::Messages, "mcp_servers") => self.add(Some(ServerTool::Mcp), key),
            (Wire::Messages, "container") => self.add(Some(ServerTool::CodeExecution), key),
            (Wire::Chat, "enable_search") if *value == false => {}
            (Wire::Chat, "web_search_options" | "search_parameters" | "enable_search") => {
                self.add(Some(ServerTool::WebSearch), key);
            }
            (Wire::Chat, "plugins") => self.add(None, key),
            (Wire::Chat | Wire::Responses, "models") => {
                self.refused = Some("`models` would let the provider choose another model");
            }
            (Wire::Gemini, "cachedContent" | "cached_content") => {
                self.refused = Some(
                    "`cachedContent` names something that is stored at the provider, with its tools",
                );
            }
            (Wire::Responses, "conversation") => {
                self.refused = Some(
                    "`conversation` names something that is stored at the provider, and nothing of this session",
                );
            }
            (Wire::Responses, "previous_response_id") => {
                // No id is empty: what is none is not known.
                self.stored.push(value.as_str().unwrap_or_default().to_owned());
            }
            (Wire::Responses, "prompt") => {
                self.refused =
                    Some("`prompt` names something that is stored at the provider, with its tools");
            }
            _ => {}
        }
    }

    fn add(&mut self, tool: Option<ServerTool>, name: &str) {
        self.at_provider.push((tool, name.chars().take(60).flat_map(char::escape_debug).collect()));
    }

    /// A tool of the Anthropic or OpenAI APIs.
    fn tool(&mut self, tool: &Value) {
        let Some(kind) = tool.get("type").filter(|kind| !kind.is_null()) else {
            // Anthropic's tools that the agent has defined need none.
            if tool.get("mcp_server_name").is_some() {
                self.add(Some(ServerTool::Mcp), "mcp_server_name");
            }
            return;
        };
        let kind = kind.as_str().unwrap_or("(no type)");
        let here = match kind {
            "namespace" => {
                each(tool.get("tools").unwrap_or(&Value::Null), |tool| self.tool(tool));
                true
            }
            "tool_search" => tool.get("execution").is_some_and(|place| place == "client"),
            "shell" => tool
                .get("environment")
                .is_none_or(|place| place.get("type").is_some_and(|kind| kind == "local")),
            _ => false,
        };
        if here {
            return;
        }
        match (kind, ServerTool::offered(kind)) {
            ("shell", _) => self.add(Some(ServerTool::CodeExecution), kind),
            (_, Ok(())) => {}
            (_, Err(tool)) => self.add(tool, kind),
        }
    }

    /// Each key of it is a tool. Both spellings of protocol buffers in JSON are taken by servers.
    fn gemini_tool(&mut self, tool: &Value) {
        let Some(fields) = tool.as_object() else { return self.add(None, "(no object)") };
        for (key, value) in fields {
            let name = snake(key);
            if value.is_null() || matches!(name.as_str(), "function_declarations" | "computer_use")
            {
                continue;
            }
            let tool = match name.as_str() {
                "mcp_servers" => Some(ServerTool::Mcp),
                name => ServerTool::named(name),
            };
            self.add(tool, key);
        }
    }
}

/// `functionCall` as `function_call`.
pub(crate) fn snake(key: &str) -> String {
    let mut out = String::with_capacity(key.len().saturating_add(4));
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn each(value: &Value, mut take: impl FnMut(&Value)) {
    match value {
        Value::Array(list) => list.iter().for_each(take),
        // No server takes that for a list; one that did would find what is refused here.
        other => take(other),
    }
}

#[derive(Default)]
struct Fields {
    fields: Vec<(String, Value)>,
    results: Vec<String>,
    stored: Vec<String>,
    /// Whether the provider is to fetch something.
    fetches: bool,
}

struct Top(Fields);

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopVisitor).map(Self)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut found = Fields::default();
        let mut seen = HashSet::new();
        while let Some(Key(key)) = map.next_key()? {
            let Some(known) = KEYS.iter().find(|known| known.eq_ignore_ascii_case(&key)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if *known != key {
                return Err(A::Error::custom("a key is spelled in other letter case"));
            }
            if !seen.insert(*known) {
                return Err(A::Error::custom("a top-level key comes twice"));
            }
            if TALK.contains(known) {
                let Results(mut told) = map.next_value()?;
                found.results.append(&mut told.ids);
                found.stored.append(&mut told.stored);
                found.fetches |= told.fetches;
            } else {
                let Strict(value) = map.next_value()?;
                found.fields.push((key.into_owned(), value));
            }
            if found.results.len().max(found.stored.len()) > MOST_RESULTS {
                return Err(A::Error::custom("it brings too many results"));
            }
        }
        Ok(found)
    }
}

/// A key, without a copy where it is written plainly.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(KeyVisitor).map(Self)
    }
}

/// What a conversation brings.
struct Results(Told);

#[derive(Default)]
struct Told {
    /// The ids of all calls of which it has results.
    ids: Vec<String>,
    /// The ids of items that are not said but taken from the provider's memory.
    stored: Vec<String>,
    /// Whether it has the address of something in place of the thing: whoever gets it fetches that, and the
    /// address can say anything to anybody.
    fetches: bool,
}

impl Told {
    fn add(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.stored.append(&mut other.stored);
        self.fetches |= other.fetches;
    }
}

/// Whether there is an address to fetch in what stands under a key.
fn fetches(key: &str, value: &Value) -> bool {
    let outside = |text: &str| !text.is_empty() && !text.starts_with("data:");
    match (snake(key).as_str(), value) {
        (key, Value::String(text)) if key == "url" || key.ends_with("_url") => outside(text),
        // OpenRouter takes an address in place of a file's bytes. No base64 has a colon.
        ("file_data", Value::String(text)) => outside(text) && text.contains(':'),
        ("file_uri", Value::String(text)) => text.starts_with("http") || text.starts_with("gs:"),
        (_, Value::Object(fields)) => fields.iter().any(|(key, value)| fetches(key, value)),
        (_, Value::Array(items)) => items.iter().any(|value| fetches("", value)),
        _ => false,
    }
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ResultsVisitor).map(Self)
    }
}

/// A short text, or nothing of any other value.
struct Word(Option<String>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Strict(value) = Strict::deserialize(deserializer)?;
        Ok(Self(value.as_str().map(str::to_owned)))
    }
}

struct ResultsVisitor;

impl<'de> Visitor<'de> for ResultsVisitor {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a conversation")
    }

    fn visit_unit<E>(self) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Told, E> {
        Ok(Told::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Told, A::Error> {
        let mut all = Told::default();
        while let Some(Results(told)) = items.next_element()? {
            all.add(told);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Told, A::Error> {
        let mut all = Told::default();
        let (mut kind, mut role, mut id, mut own) = (None, None, None, None);
        while let Some(Key(key)) = fields.next_key()? {
            let slot = match &*key {
                "type" => &mut kind,
                "role" => &mut role,
                "tool_use_id" | "tool_call_id" | "call_id" => &mut id,
                "id" => &mut own,
                "content" | "parts" | "output" => {
                    let Results(told) = fields.next_value()?;
                    all.add(told);
                    continue;
                }
                key if matches!(key, "source" | "file" | "fileData" | "file_data")
                    || key.ends_with("_url") =>
                {
                    let Strict(value) = fields.next_value()?;
                    all.fetches |= fetches(key, &value);
                    continue;
                }
                "functionResponse" | "function_response" => {
                    let Strict(response) = fields.next_value()?;
                    let id = response.get("id").and_then(Value::as_str);
                    all.ids.extend(id.map(str::to_owned));
                    all.fetches |= fetches("", &response);
                    continue;
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let Word(word) = fields.next_value()?;
            if slot.replace(word).is_some() {
                return Err(A::Error::custom("a message has a key twice"));
            }
        }
        let kind = kind.flatten().unwrap_or_default();
        // The type of a reference may be left out, and then it has nothing but an id.
        let is_reference = kind == "item_reference" || (kind.is_empty() && role.is_none());
        if let Some(own) = own.filter(|_| is_reference) {
            all.stored.push(own.unwrap_or_default());
        }
        let is_result = role.flatten().as_deref() == Some("tool")
            || kind == "tool_result"
            || kind.ends_with("_call_output")
            || kind == "tool_search_output";
        if let (true, Some(id)) = (is_result, id.flatten()) {
            all.ids.push(id);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(wire: Wire, body: &str) -> Asking {
        Asking::of(body.as_bytes(), wire).unwrap()
    }

    fn tools(wire: Wire, body: &str) -> Vec<Option<ServerTool>> {
        of(wire, body).at_provider.into_iter().map(|(tool, _)| tool).collect()
    }

    #[test]
    fn tools_at_the_provider_are_found() {
        for (wire, body, tool) in [
            (
                Wire::Messages,
                r#"{"tools":[{"type":"web_search_20250305","name":"x"}]}"#,
                Some(ServerTool::WebSearch),
            ),
            (Wire::Messages, r#"{"mcp_servers":[{"url":"x"}]}"#, Some(ServerTool::Mcp)),
            (Wire::Messages, r#"{"container":{"skills":[]}}"#, Some(ServerTool::CodeExecution)),
            (Wire::Messages, r#"{"tools":[{"type":"new_20300101"}]}"#, None),
            (Wire::Messages, r#"{"tools":[{"type":1}]}"#, None),
            (Wire::Messages, r#"{"tools":{"type":"web_fetch_1"}}"#, Some(ServerTool::WebFetch)),
            (
                Wire::Messages,
                r#"{"\u0074ools":[{"typ\u0065":"web_fetch_1"}]}"#,
                Some(ServerTool::WebFetch),
            ),
            (Wire::Chat, r#"{"web_search_options":{}}"#, Some(ServerTool::WebSearch)),
            (Wire::Chat, r#"{"plugins":[{"id":"web"}]}"#, None),
            (Wire::Responses, r#"{"tools":[{"type":"mcp"}]}"#, Some(ServerTool::Mcp)),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"namespace","tools":[{"type":"mcp"}]}]}"#,
                Some(ServerTool::Mcp),
            ),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"tool_search"}]}"#,
                Some(ServerTool::ToolSearch),
            ),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"shell","environment":{"type":"container_auto"}}]}"#,
                Some(ServerTool::CodeExecution),
            ),
            (Wire::Gemini, r#"{"tools":[{"googleSearch":{}}]}"#, Some(ServerTool::WebSearch)),
            (Wire::Gemini, r#"{"tools":[{"code_execution":{}}]}"#, Some(ServerTool::CodeExecution)),
            (Wire::Gemini, r#"{"tools":[{"newThing":{}}]}"#, None),
        ] {
            assert_eq!(tools(wire, body), [tool], "{body}");
        }
        for (wire, body) in [
            (
                Wire::Messages,
                r#"{"tools":[{"name":"Bash","input_schema":{}},{"type":"bash_20250124"},{"type":"custom"}],"mcp_servers":[]}"#,
            ),
            (Wire::Chat, r#"{"tools":[{"type":"function"}],"web_search_options":null}"#),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"function"},{"type":"custom"},{"type":"local_shell"},{"type":"tool_search","execution":"client"},{"type":"shell"}]}"#,
            ),
            (Wire::Gemini, r#"{"tools":[{"functionDeclarations":[]}]}"#),
            (Wire::Nothing, r#"{"tools":[{"type":"mcp"}]}"#),
        ] {
            assert_eq!(tools(wire, body), [], "{body}");
        }
        assert!(of(Wire::Chat, r#"{"models":["a"]}"#).refused.is_some());
        assert!(of(Wire::Responses, r#"{"prompt":{"id":"a"}}"#).refused.is_some());
        for bad in [
            r#"{"Tools":[]}"#,
            r#"{"tools":[{"a":1,"a":2}]}"#,
            r#"{"messages":[{"role":"a","role":"b"}]}"#,
        ] {
            assert!(Asking::of(bad.as_bytes(), Wire::Messages).is_err(), "{bad}");
        }
    }

    #[test]
    fn results_are_found_wherever_they_stand() {
        for (wire, body) in [
            (
                Wire::Messages,
                r#"{"messages":[{"role":"user","content":"x"},{"role":"user","content":[{"type":"text"},{"tool_use_id":"1","content":[{"type":"text"}],"type":"tool_result"}]}]}"#,
            ),
            (
                Wire::Chat,
                r#"{"messages":[{"role":"tool","tool_call_id":"1","content":"x"},{"role":"assistant","tool_calls":[{"id":"2"}]}]}"#,
            ),
            (
                Wire::Responses,
                r#"{"input":[{"type":"function_call","call_id":"1"},{"type":"function_call_output","call_id":"1","output":"x"}]}"#,
            ),
            (
                Wire::Gemini,
                r#"{"contents":[{"role":"user","parts":[{"functionResponse":{"id":"1","name":"x"}}]}]}"#,
            ),
        ] {
            assert_eq!(of(wire, body).results, ["1"], "{body}");
        }
        assert!(of(Wire::Responses, r#"{"input":"hello"}"#).results.is_empty());
    }

    #[test]
    fn what_is_taken_from_the_providers_memory_is_found() {
        for body in [
            r#"{"previous_response_id":"1"}"#,
            r#"{"input":[{"type":"item_reference","id":"1"}]}"#,
            r#"{"input":[{"\u0069d":"1"}]}"#,
            r#"{"input":[{"type":null,"id":"1"}]}"#,
        ] {
            assert_eq!(of(Wire::Responses, body).stored, ["1"], "{body}");
        }
        assert_eq!(of(Wire::Responses, r#"{"previous_response_id":{}}"#).stored, [""]);
        assert!(of(Wire::Responses, r#"{"conversation":"1"}"#).refused.is_some());
        for body in [
            r#"{"previous_response_id":null,"conversation":null}"#,
            r#"{"input":[{"type":"message","id":"1","role":"user"},{"role":"user","id":"1"}]}"#,
        ] {
            let asking = of(Wire::Responses, body);
            assert_eq!((asking.stored.len(), asking.refused), (0, None), "{body}");
        }
        assert!(of(Wire::Chat, r#"{"messages":[{"id":"1"}]}"#).stored.is_empty());
    }

    #[test]
    fn what_the_provider_would_fetch_is_found() {
        for (wire, part) in [
            (
                Wire::Messages,
                r#"{"type":"image","source":{"type":"url","url":"https://evil.test/?key"}}"#,
            ),
            (
                Wire::Messages,
                r#"{"type":"document","source":{"type":"content","content":[{"type":"image","source":{"url":"https://e"}}]}}"#,
            ),
            (
                Wire::Messages,
                r#"{"type":"tool_result","content":[{"type":"image","source":{"url":"http://e"}}]}"#,
            ),
            (Wire::Chat, r#"{"type":"image_url","image_url":{"url":"https://evil.test"}}"#),
            (Wire::Responses, r#"{"type":"input_image","image_url":"https://evil.test"}"#),
            (Wire::Responses, r#"{"type":"input_file","file_url":"https://evil.test"}"#),
        ] {
            let key = if wire == Wire::Responses { "input" } else { "messages" };
            let body = format!(r#"{{"{key}":[{{"role":"user","content":[{part}]}}]}}"#);
            assert_eq!(tools(wire, &body), [Some(ServerTool::WebFetch)], "{body}");
        }
        let output = r#"{"input":[{"type":"function_call_output","call_id":"1","output":[{"type":"input_image","image_url":"https://e"}]}]}"#;
        assert_eq!(tools(Wire::Responses, output), [Some(ServerTool::WebFetch)]);
        let gemini = r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://e"}}]}]}"#;
        assert_eq!(tools(Wire::Gemini, gemini), [Some(ServerTool::WebFetch)]);
        // Of OpenRouter and of Mistral.
        for part in [
            r#"{"type":"file","file":{"filename":"a.pdf","file_data":"https://evil.test/?key"}}"#,
            r#"{"type":"document_url","document_url":"https://evil.test/?key"}"#,
        ] {
            let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
            assert_eq!(tools(Wire::Chat, &body), [Some(ServerTool::WebFetch)], "{body}");
        }
        let system = r#"{"systemInstruction":{"parts":[{"fileData":{"fileUri":"https://e"}}]}}"#;
        assert_eq!(tools(Wire::Gemini, system), [Some(ServerTool::WebFetch)]);
        for part in [
            r#"{"type":"file","file":{"file_data":"data:application/pdf;base64,x"}}"#,
            r#"{"type":"file","file":{"file_data":"aHR0cHM6Ly8"}}"#,
            r#"{"type":"image","source":{"type":"base64","data":"https"}}"#,
            r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,x"}}"#,
            r#"{"type":"text","text":"see https://evil.test"}"#,
            r#"{"type":"tool_use","input":{"url":"https://x","image_url":"https://x"}}"#,
        ] {
            let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
            assert_eq!(tools(Wire::Messages, &body), [], "{body}");
        }
        assert!(of(Wire::Gemini, r#"{"cachedContent":"x"}"#).refused.is_some());
    }

    proptest! {
        #[test]
        fn never_panics(body in "[\\[\\]{}\":,a]{0,20}(\"(tools|messages|type|role|content)\":[\\[\\]{}\",a]{0,5}){0,6}") {
            drop(Asking::of(body.as_bytes(), Wire::Messages));
        }
    }
}
