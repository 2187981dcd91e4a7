mod conversation;
mod media;
mod request;

use media::names_file;
use request::{Fields, Top};
use serde_json::Value;

use crate::{endpoint::Wire, inspect::ServerTool, model_field::BodyError};

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

/// Why no file may be named by its id.
const FILE: &str = "a file's id names something that is stored at the provider, and nothing of this session; send the file itself";

impl Asking {
    /// Reads a body that is known to be an object of bounded depth. `wire` is the format that it is written in.
    pub(crate) fn of(body: &[u8], wire: Wire) -> Result<Self, BodyError> {
        if wire == Wire::Nothing {
            return Ok(Self::default());
        }
        let Top(Fields { fields, told }) =
            serde_json::from_slice(body).map_err(|error| BodyError::Json(error.to_string()))?;
        let mut asking = Self { results: told.ids, ..Self::default() };
        if wire == Wire::Responses {
            asking.stored = told.stored;
            for tool in &told.offered {
                asking.tool(tool);
                names(tool, &mut asking.offered);
            }
        }
        if told.fetches {
            asking.add(Some(ServerTool::WebFetch), "a picture or file at a URL");
        }
        if told.files {
            asking.refused = Some(FILE);
        }
        for (key, value) in fields {
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
            // Gateways of models take these for where they are to call, with whose key, and what to say besides. In
            // the official clients they are options, and never in a body.
            (
                _,
                "api_base" | "api_key" | "base_url" | "extra_body" | "extra_headers"
                | "user_config",
            ) => {
                self.refused = Some(
                    "`api_base`, `api_key`, `extra_body` or the like would have the provider call another one, or say more than stands here",
                );
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

#[cfg(test)]
mod tests;
