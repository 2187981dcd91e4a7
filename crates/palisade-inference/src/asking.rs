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
    /// The ids of answers, of items of them and of containers, that it takes from the provider's memory.
    pub(crate) stored: Vec<String>,
    /// The names of tools that it offers in what is said, and not where tools are offered.
    pub(crate) offered: Vec<String>,
    /// What it switches on in its body; hosts of models take that too.
    pub(crate) betas: Vec<String>,
    /// What it asks for that costs more than the model's price says.
    pub(crate) dearer: Option<&'static str>,
    /// What no request may hold here, in one sentence.
    pub(crate) refused: Option<&'static str>,
}

/// The keys of a request that are looked into.
const KEYS: [&str; 36] = [
    "anthropic_beta",
    "background",
    "betas",
    "cachedContent",
    "cached_content",
    "connectors",
    "container",
    "content",
    "contents",
    "conversation",
    "deferred",
    "enable_code_interpreter",
    "enable_search",
    "fallbacks",
    "generateContentRequest",
    "generate_content_request",
    "inference_geo",
    "input",
    "instructions",
    "mcp_servers",
    "messages",
    "models",
    "plugins",
    "preset",
    "previous_response_id",
    "prompt",
    "requests",
    "search_parameters",
    "service_tier",
    "serviceTier",
    "speed",
    "system",
    "systemInstruction",
    "system_instruction",
    "tools",
    "web_search_options",
];

/// Those that hold what is said.
const TALK: [&str; 9] = [
    "content",
    "contents",
    "input",
    "instructions",
    "messages",
    "requests",
    "system",
    "systemInstruction",
    "system_instruction",
];

/// Those that hold a whole request.
const WITHIN: [&str; 2] = ["generateContentRequest", "generate_content_request"];

/// Why no file may be named by its id.
const FILE: &str = "a file's id names something that is stored at the provider, and nothing of this session; send the file itself";

/// The most results that one request may bring.
const MOST_RESULTS: usize = 100_000;

impl Asking {
    /// Reads a body that is known to be an object of bounded depth. `wire` is the format that it is written in.
    pub(crate) fn of(body: &[u8], wire: Wire) -> Result<Self, BodyError> {
        if wire == Wire::Nothing {
            return Ok(Self::default());
        }
        let Top(top) =
            serde_json::from_slice(body).map_err(|error| BodyError::Json(error.to_string()))?;
        let mut asking = Self { results: top.results, ..Self::default() };
        if wire == Wire::Responses {
            asking.stored = top.stored;
            for tool in &top.offered {
                asking.tool(tool);
                names(tool, &mut asking.offered);
            }
        }
        if top.fetches {
            asking.add(Some(ServerTool::WebFetch), "a picture or file at a URL");
        }
        if top.files {
            asking.refused = Some(FILE);
        }
        for (key, value) in top.fields {
            asking.field(&key, &value, wire);
        }
        Ok(asking)
    }

    /// The same of a request that no model answers: what it offers is counted and not run, and what it brings was
    /// said before. What is at an address is fetched all the same.
    pub(crate) fn unanswered(self) -> Self {
        let mut at_provider = self.at_provider;
        at_provider
            .retain(|(tool, _)| matches!(tool, Some(ServerTool::WebFetch | ServerTool::Mcp)));
        Self { at_provider, results: Vec::new(), offered: Vec::new(), ..self }
    }

    /// Keys of one API mean the same in another where a provider has both, so it does not count which one it is.
    fn field(&mut self, key: &str, value: &Value, wire: Wire) {
        if is_nothing(value) {
            return;
        }
        match (wire, key) {
            (Wire::Gemini, "tools") => each(value, |tool| self.gemini_tool(tool)),
            (_, "tools") => each(value, |tool| self.tool(tool)),
            (_, "mcp_servers") => self.add(Some(ServerTool::Mcp), key),
            (_, "container") => {
                self.add(Some(ServerTool::CodeExecution), key);
                self.container(value);
            }
            (_, "enable_code_interpreter") => self.add(Some(ServerTool::CodeExecution), key),
            (_, "web_search_options" | "search_parameters" | "enable_search") => {
                self.add(Some(ServerTool::WebSearch), key);
            }
            (_, "plugins" | "connectors") => self.add(None, key),
            (_, "models" | "fallbacks") => {
                self.refused =
                    Some("`models` or `fallbacks` would let the provider choose another model");
            }
            (_, "preset") => {
                self.refused = Some(
                    "`preset` names something that is stored at the provider, with a model and tools of its own",
                );
            }
            (_, "cachedContent" | "cached_content") => {
                self.refused = Some(
                    "`cachedContent` names something that is stored at the provider, with its tools",
                );
            }
            // It would go on when the agent has left, and tell nobody here what it has used.
            (_, "background" | "deferred") => {
                self.refused = Some(
                    "an answer that is made in the background could be fetched by nobody here; ask for it without `background` or `deferred`",
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
            (_, "anthropic_beta" | "betas") => each(value, |beta| {
                self.betas.push(beta.as_str().unwrap_or("?").to_owned());
            }),
            (_, "service_tier" | "serviceTier") => {
                let usual = ["auto", "default", "standard", "standard_only", "flex", "batch"];
                if !value.as_str().is_some_and(|tier| usual.contains(&tier)) {
                    self.dearer = Some("service_tier");
                }
            }
            (_, "speed") if value != "standard" => self.dearer = Some("speed"),
            (_, "inference_geo") if value != "global" => self.dearer = Some("inference_geo"),
            _ => {}
        }
    }

    /// A container that is there already is another one's, unless an answer of this session had it.
    fn container(&mut self, value: &Value) {
        let id = value.get("id").filter(|id| !id.is_null());
        if let Some(id) = id.or_else(|| value.is_string().then_some(value)) {
            self.stored.push(id.as_str().unwrap_or_default().to_owned());
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
            ("shell", _) => {
                self.add(Some(ServerTool::CodeExecution), kind);
                let id = tool.get("environment").and_then(|place| place.get("container_id"));
                self.container(id.unwrap_or(&Value::Null));
            }
            (_, Ok(())) => {}
            (_, Err(of)) => {
                self.add(of, kind);
                self.container(tool.get("container").unwrap_or(&Value::Null));
            }
        }
        if names_file("", tool) {
            self.refused = Some(FILE);
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

/// All names by which a tool, or those in it, may be known. One that has none goes by its type, and what is no tool by
/// `?`, which no name is.
pub(crate) fn names(tool: &Value, into: &mut Vec<String>) {
    let text = |tool: &Value, key: &str| tool.get(key).and_then(Value::as_str).map(str::to_owned);
    let before = into.len();
    // Of Gemini: many in one.
    for key in ["functionDeclarations", "function_declarations"] {
        let many = tool.get(key).filter(|many| !many.is_null());
        each(many.unwrap_or(&Value::Array(Vec::new())), |tool| {
            into.push(text(tool, "name").unwrap_or_else(|| "?".into()));
        });
    }
    if let Some(inner) = tool.get("tools").filter(|inner| !is_nothing(inner)) {
        // Calls of these have both names in one.
        let space = text(tool, "name").unwrap_or_default();
        let mut within = Vec::new();
        each(inner, |tool| names(tool, &mut within));
        into.extend(within.into_iter().map(|name| format!("{space}{name}")));
    } else {
        into.extend(text(tool, "name"));
    }
    for kind in ["function", "custom"] {
        into.extend(tool.get(kind).and_then(|of_kind| text(of_kind, "name")));
    }
    if into.len() == before {
        let empty = ["functionDeclarations", "function_declarations"]
            .into_iter()
            .any(|key| tool.get(key).is_some_and(Value::is_array));
        if !empty {
            into.push(text(tool, "type").unwrap_or_else(|| "?".into()));
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
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
    /// Tools that stand in what is said.
    offered: Vec<Value>,
    /// Whether the provider is to fetch something.
    fetches: bool,
    /// Whether a file is named by an id.
    files: bool,
}

impl Fields {
    fn add(&mut self, mut told: Told) {
        self.results.append(&mut told.ids);
        self.stored.append(&mut told.stored);
        self.offered.append(&mut told.offered);
        self.fetches |= told.fetches;
        self.files |= told.files;
    }

    /// What a request within this one asks for.
    fn within(&mut self, mut other: Self) {
        self.fields.append(&mut other.fields);
        self.results.append(&mut other.results);
        self.stored.append(&mut other.stored);
        self.offered.append(&mut other.offered);
        self.fetches |= other.fetches;
        self.files |= other.files;
    }
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
                let Results(told) = map.next_value()?;
                found.add(told);
            } else if WITHIN.contains(known) {
                let Top(within) = map.next_value()?;
                found.within(within);
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
    /// Whether a file is named by its id at the provider.
    files: bool,
    /// Tools that are offered in it.
    offered: Vec<Value>,
}

impl Told {
    fn add(&mut self, mut other: Self) {
        self.ids.append(&mut other.ids);
        self.stored.append(&mut other.stored);
        self.offered.append(&mut other.offered);
        self.fetches |= other.fetches;
        self.files |= other.files;
    }

    /// What stands under a key that holds a picture, a file or the like.
    fn medium(&mut self, key: &str, value: &Value) {
        self.fetches |= fetches(key, value);
        self.files |= names_file(key, value);
    }
}

/// A key as any of its spellings: `imageUrl` and `image_url` are one.
fn folded(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether there is a picture, a file or the like under a key of a part, or where it is.
fn is_medium(key: &str) -> bool {
    matches!(
        key,
        "source"
            | "file"
            | "filedata"
            | "fileid"
            | "fileids"
            | "image"
            | "images"
            | "video"
            | "videos"
            | "audio"
            | "media"
            | "inputaudio"
            | "inputimage"
            | "inputvideo"
            | "inputfile"
    ) || (key != "url" && (key.ends_with("url") || key.ends_with("uri")))
}

/// Whether a file's id stands under a key.
fn names_file(key: &str, value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| names_file(key, value)),
        Value::Array(items) => items.iter().any(|value| names_file(key, value)),
        Value::Null => false,
        _ => matches!(folded(key).as_str(), "fileid" | "fileids"),
    }
}

/// Whether there is an address to fetch in what stands under a key.
fn fetches(key: &str, value: &Value) -> bool {
    let outside = |text: &str| !text.is_empty() && !text.starts_with("data:");
    let key = folded(key);
    match (key.as_str(), value) {
        (key, Value::String(text)) if key.ends_with("url") || key.ends_with("uri") => outside(text),
        // Some take an address in place of the bytes. No base64 has a colon.
        (
            "filedata" | "image" | "images" | "video" | "videos" | "audio" | "media" | "inputaudio"
            | "inputimage" | "inputvideo" | "inputfile",
            Value::String(text),
        ) => outside(text) && text.contains(':'),
        ("inputaudio", Value::Object(fields)) => {
            let of_sound = |(key, value): (&String, &Value)| {
                fetches(if folded(key) == "data" { "inputaudio" } else { key }, value)
            };
            fields.iter().any(of_sound)
        }
        (_, Value::Object(fields)) => fields.iter().any(|(key, value)| fetches(key, value)),
        (key, Value::Array(items)) => items.iter().any(|value| fetches(key, value)),
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
        let (mut medium, mut has_result) = (Told::default(), false);
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
                "tools" => {
                    let Strict(value) = fields.next_value()?;
                    each(&value, |tool| all.offered.push(tool.clone()));
                    continue;
                }
                "result" => {
                    has_result = fields.next_value::<Option<IgnoredAny>>()?.is_some();
                    continue;
                }
                key if is_medium(&folded(key)) => {
                    let Strict(value) = fields.next_value()?;
                    medium.medium(key, &value);
                    continue;
                }
                "functionResponse" | "function_response" => {
                    let Strict(response) = fields.next_value()?;
                    let id = response.get("id").and_then(Value::as_str);
                    all.ids.extend(id.map(str::to_owned));
                    // What a tool said is words; what it gave besides are parts.
                    all.medium("", response.get("parts").unwrap_or(&Value::Null));
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
        // A picture that was made before is one too, where it does not come itself.
        let is_reference = kind == "item_reference"
            || (kind.is_empty() && role.is_none())
            || (kind == "image_generation_call" && !has_result);
        // What a tool at the provider gave out says what it is called there, and nobody reads it by that.
        medium.files &= !kind.ends_with("code_execution_output");
        all.add(medium);
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

    #[test]
    fn what_is_counted_or_embedded_is_fetched_all_the_same() {
        let asked = |wire, body: &str| {
            let at_provider = of(wire, body).unanswered().at_provider;
            at_provider.into_iter().map(|(tool, _)| tool).collect::<Vec<_>>()
        };
        let fetched = [Some(ServerTool::WebFetch)];
        for (wire, body) in [
            (
                Wire::Messages,
                r#"{"messages":[{"content":[{"type":"image","source":{"type":"url","url":"https://e"}}]}]}"#,
            ),
            (Wire::Gemini, r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://e"}}]}]}"#),
            (Wire::Gemini, r#"{"content":{"parts":[{"fileData":{"fileUri":"https://e"}}]}}"#),
            (
                Wire::Gemini,
                r#"{"requests":[{"content":{"parts":[{"file_data":{"file_uri":"gs://e"}}]}}]}"#,
            ),
            (
                Wire::Gemini,
                r#"{"generateContentRequest":{"contents":[{"parts":[{"fileData":{"fileUri":"files/e"}}]}]}}"#,
            ),
            (Wire::Chat, r#"{"input":[{"image":"https://e"}]}"#),
            (
                Wire::Chat,
                r#"{"input":[{"content":[{"type":"image_url","image_url":"https://e"}]}]}"#,
            ),
        ] {
            assert_eq!(asked(wire, body), fetched, "{body}");
        }
        let servers = r#"{"mcp_servers":[{"url":"https://e"}],"tools":[{"type":"web_search_1"}]}"#;
        assert_eq!(asked(Wire::Messages, servers), [Some(ServerTool::Mcp)]);
        let within = r#"{"generateContentRequest":{"cachedContent":"x"}}"#;
        assert!(of(Wire::Gemini, within).unanswered().refused.is_some());
        for plain in [
            r#"{"input":["https://e","see https://e"]}"#,
            r#"{"input":"https://e"}"#,
            r#"{"tools":[{"type":"web_search_1"}],"messages":[{"role":"tool","tool_call_id":"1","content":"x"}]}"#,
        ] {
            let asking = of(Wire::Chat, plain).unanswered();
            assert!(asking.at_provider.is_empty() && asking.results.is_empty(), "{plain}");
        }
    }

    #[test]
    fn an_address_is_found_however_it_is_called() {
        for part in [
            r#"{"type":"image_url","imageUrl":{"url":"https://e"}}"#,
            r#"{"type":"image_url","Image_URL":{"URL":"https://e"}}"#,
            r#"{"type":"image","image":"https://e"}"#,
            r#"{"type":"image","image":["http://e/1","http://e/2"]}"#,
            r#"{"type":"video","video":["https://e/1.jpg"]}"#,
            r#"{"type":"video_url","video_url":{"url":"file:///etc/passwd"}}"#,
            r#"{"type":"audio_url","audio_url":{"url":"http://169.254.169.254/"}}"#,
            r#"{"type":"input_audio","input_audio":{"data":"https://e/a.mp3","format":"mp3"}}"#,
            r#"{"type":"image","source":{"type":"s3","s3Location":{"uri":"s3://bucket/x"}}}"#,
            r#"{"type":"image","images":[{"image_url":{"url":"https://e"}}]}"#,
            r#"{"role":"user","parts":[{"fileData":{"fileUri":"HTTPS://e"}}]}"#,
            r#"{"parts":[{"functionResponse":{"name":"x","parts":[{"fileData":{"fileUri":"https://e"}}]}}]}"#,
        ] {
            let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
            assert_eq!(tools(Wire::Chat, &body), [Some(ServerTool::WebFetch)], "{body}");
        }
        for part in [
            r#"{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}"#,
            r#"{"type":"image","image":"data:image/png;base64,iVBO"}"#,
            r#"{"type":"search_result","source":"https://e","title":"t","content":[{"type":"text","text":"x"}]}"#,
            r#"{"type":"web_search_tool_result","content":[{"type":"web_search_result","url":"https://e"}]}"#,
            r#"{"type":"document","source":{"type":"text","data":"see https://e"}}"#,
            r#"{"parts":[{"functionResponse":{"name":"x","response":{"url":"https://e","uri":"a:b"}}}]}"#,
        ] {
            let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
            assert_eq!(tools(Wire::Messages, &body), [], "{body}");
        }
    }

    #[test]
    fn what_is_stored_there_is_nobodys_to_name() {
        for (wire, body) in [
            (
                Wire::Messages,
                r#"{"messages":[{"content":[{"type":"document","source":{"type":"file","file_id":"file_1"}}]}]}"#,
            ),
            (
                Wire::Messages,
                r#"{"messages":[{"content":[{"type":"container_upload","file_id":"file_1"}]}]}"#,
            ),
            (
                Wire::Chat,
                r#"{"messages":[{"content":[{"type":"file","file":{"file_id":"file-1"}}]}]}"#,
            ),
            (Wire::Responses, r#"{"input":[{"content":[{"type":"input_file","file_id":"1"}]}]}"#),
            (Wire::Responses, r#"{"input":[{"content":[{"type":"input_image","fileId":"1"}]}]}"#),
            (
                Wire::Responses,
                r#"{"input":[{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","file_id":"1"}}]}"#,
            ),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["1"]}}]}"#,
            ),
            (Wire::Chat, r#"{"preset":"x"}"#),
            (Wire::Messages, r#"{"models":["a","b"]}"#),
            (Wire::Chat, r#"{"fallbacks":["b"]}"#),
            (Wire::Responses, r#"{"background":true}"#),
            (Wire::Chat, r#"{"deferred":true}"#),
            (Wire::Chat, r#"{"background":"true"}"#),
        ] {
            assert!(of(wire, body).refused.is_some(), "{body}");
        }
        for (wire, body) in [
            (
                Wire::Messages,
                r#"{"messages":[{"content":[{"type":"bash_code_execution_tool_result","content":{"content":[{"type":"bash_code_execution_output","file_id":"file_1"}]}}]}]}"#,
            ),
            (Wire::Responses, r#"{"background":false,"preset":null,"models":[]}"#),
            (
                Wire::Chat,
                r#"{"messages":[{"content":[{"type":"file","file":{"file_id":null,"file_data":"data:x"}}]}]}"#,
            ),
        ] {
            assert_eq!(of(wire, body).refused, None, "{body}");
        }
        for (wire, body, stored) in [
            (Wire::Messages, r#"{"container":"c_1"}"#, Some("c_1")),
            (Wire::Messages, r#"{"container":{"id":"c_1","skills":[]}}"#, Some("c_1")),
            (Wire::Messages, r#"{"container":{"id":1}}"#, Some("")),
            (Wire::Messages, r#"{"container":{"skills":[]}}"#, None),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}"#,
                Some("cntr_1"),
            ),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}"#,
                None,
            ),
            (
                Wire::Responses,
                r#"{"tools":[{"type":"shell","environment":{"type":"container_reference","container_id":"cntr_1"}}]}"#,
                Some("cntr_1"),
            ),
            (
                Wire::Responses,
                r#"{"input":[{"type":"image_generation_call","id":"ig_1"}]}"#,
                Some("ig_1"),
            ),
            (
                Wire::Responses,
                r#"{"input":[{"type":"image_generation_call","id":"ig_1","result":null}]}"#,
                Some("ig_1"),
            ),
            (
                Wire::Responses,
                r#"{"input":[{"type":"image_generation_call","id":"ig_1","result":"iVBO"}]}"#,
                None,
            ),
        ] {
            let expected: Vec<&str> = stored.into_iter().collect();
            assert_eq!(of(wire, body).stored, expected, "{body}");
        }
    }

    #[test]
    fn a_tool_is_known_by_each_of_its_names() {
        let named = |tool: &str| {
            let mut all = Vec::new();
            names(&serde_json::from_str(tool).unwrap(), &mut all);
            all.join(" ")
        };
        for (tool, expected) in [
            (r#"{"name":"Read","input_schema":{}}"#, "Read"),
            (r#"{"type":"function","function":{"name":"Read"}}"#, "Read"),
            (r#"{"type":"function","name":"Read","function":{"name":"Evil"}}"#, "Read Evil"),
            (r#"{"type":"custom","custom":{"name":"Evil"}}"#, "Evil"),
            (r#"{"type":"web_search_1"}"#, "web_search_1"),
            (
                r#"{"type":"namespace","name":"ok_","tools":[{"name":"a"},{"name":"b"}]}"#,
                "ok_a ok_b",
            ),
            (r#"{"type":"namespace","name":"ok_","tools":[]}"#, "ok_"),
            (
                r#"{"functionDeclarations":[{"name":"a"}],"function_declarations":[{"name":"b"}]}"#,
                "a b",
            ),
            (r#"{"functionDeclarations":[]}"#, ""),
            (r#"{"googleSearch":{}}"#, "?"),
            (r#"{"functionDeclarations":[{"name":1}]}"#, "?"),
            ("1", "?"),
        ] {
            assert_eq!(named(tool), expected, "{tool}");
        }
        let body = r#"{"input":[{"type":"tool_search_output","call_id":"1","tools":[{"type":"mcp","server_url":"https://e"},{"type":"function","name":"Evil"}]}]}"#;
        let asking = of(Wire::Responses, body);
        assert_eq!(asking.offered, ["mcp", "Evil"]);
        assert_eq!(asking.at_provider, [(Some(ServerTool::Mcp), "mcp".to_owned())]);
    }

    #[test]
    fn what_costs_more_than_its_model_is_told() {
        for (body, dearer) in [
            (r#"{"service_tier":"priority"}"#, Some("service_tier")),
            (r#"{"service_tier":1}"#, Some("service_tier")),
            (r#"{"speed":"fast"}"#, Some("speed")),
            (r#"{"inference_geo":"us"}"#, Some("inference_geo")),
            (r#"{"service_tier":"auto","speed":"standard","inference_geo":"global"}"#, None),
            (r#"{"service_tier":"standard_only"}"#, None),
            (r#"{"service_tier":null}"#, None),
        ] {
            assert_eq!(of(Wire::Messages, body).dearer, dearer, "{body}");
        }
        assert_eq!(of(Wire::Messages, r#"{"anthropic_beta":["x",1]}"#).betas, ["x", "?"]);
    }

    proptest! {
        #[test]
        fn never_panics(body in "[\\[\\]{}\":,a]{0,20}(\"(tools|messages|type|role|content)\":[\\[\\]{}\",a]{0,5}){0,6}") {
            drop(Asking::of(body.as_bytes(), Wire::Messages));
        }
    }
}
