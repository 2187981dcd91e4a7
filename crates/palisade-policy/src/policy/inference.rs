//! Models, and who answers for them.

use std::collections::{BTreeMap, BTreeSet};

use palisade_core::TextPattern;
use serde::Serialize;

use super::credentials::HeaderCredential;

/// The `inference` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inference {
    /// The providers by name.
    pub providers: BTreeMap<String, Provider>,
    /// The routes, in the order of the document.
    pub routes: Vec<Route>,
    /// How much models may be used: all of these hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<ModelLimits>,
    /// The tools that may run at a provider.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub server_tools: BTreeSet<ServerTool>,
    /// Whether a request is refused that brings the result of a tool call which was not let go.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub block_results: bool,
    /// Whether secrets are taken out of what goes to a model.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redact: bool,
    /// Whether marks are turned back in answers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub restore: bool,
    /// What becomes of results of tools that look like instructions, if they are looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// What only local providers may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_only: Option<LocalOnly>,
}

/// What marks a prompt as one for local providers. Of several documents all counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LocalOnly {
    /// Secrets.
    pub secrets: bool,
    /// Numbers of payment cards.
    pub cards: bool,
    /// Words.
    pub texts: BTreeSet<String>,
    /// Regular expressions.
    pub patterns: BTreeSet<String>,
}

/// What one document says of how much models may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModelLimits {
    /// What it is counted by: the document's file.
    #[serde(skip)]
    pub scope: String,
    /// Calls in any minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u64>,
    /// Tokens in a day of UTC.
    pub tokens_per_day: Option<u64>,
    /// Tokens in one session.
    pub tokens_per_session: Option<u64>,
    /// Billionths of a US dollar in a day of UTC.
    pub usd_per_day: Option<u64>,
    /// Billionths of a US dollar in one session.
    pub usd_per_session: Option<u64>,
    /// Calls of one sandbox at one time.
    pub concurrent: Option<u64>,
    /// Tokens of one answer.
    pub max_tokens: Option<u64>,
    /// Tools that may be offered to a model.
    pub tools: Option<Vec<TextPattern>>,
    /// Betas that may be switched on.
    pub betas: Option<Vec<TextPattern>>,
    /// Prices before the built-in ones.
    pub prices: Vec<ModelPrice>,
}

/// What tokens cost: millionths of a US dollar for a million of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelPrice {
    /// The models, `*` for any characters.
    pub model: String,
    /// Of a prompt.
    pub input: u64,
    /// Of an answer.
    pub output: u64,
    /// Of a prompt found in the provider's cache.
    pub cache_read: u64,
    /// Of a prompt put into it.
    pub cache_write: u64,
}

/// What becomes of results of tools that look like instructions to the model. The later ones do
/// what the earlier ones do as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Guard {
    /// They are recorded.
    Observe,
    /// The model is told.
    Annotate,
    /// The model does not get them.
    Block,
}

/// A place that answers model calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// What it speaks.
    pub api: Api,
    /// Its base URL, `http` or `https`.
    pub url: String,
    /// What opens it.
    pub credential: Option<HeaderCredential>,
    /// Whether the document calls it local.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
    /// Who hosts its models, where that changes the form. Its API is then Anthropic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosting: Option<Hosting>,
}

/// Who hosts models in a form of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hosting {
    /// Amazon Bedrock.
    Bedrock {
        /// Such as `us-east-1`.
        region: String,
    },
    /// Google Vertex AI.
    Vertex {
        /// The project's id.
        project: String,
        /// Such as `us-east5`.
        location: String,
    },
}

/// The wire format of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Api {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions and Responses.
    OpenAi,
    /// Gemini `generateContent`.
    Gemini,
}

/// A tool that runs at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ServerTool {
    /// Searching the web.
    WebSearch,
    /// Fetching pages.
    WebFetch,
    /// Running code.
    CodeExecution,
    /// Searching files at the provider.
    FileSearch,
    /// Making images.
    ImageGeneration,
    /// Calling MCP servers.
    Mcp,
    /// Searching the tools of a request.
    ToolSearch,
}

impl ServerTool {
    /// The word of the policy.
    pub fn as_str(self) -> &'static str {
        match self {
            ServerTool::WebSearch => "web_search",
            ServerTool::WebFetch => "web_fetch",
            ServerTool::CodeExecution => "code_execution",
            ServerTool::FileSearch => "file_search",
            ServerTool::ImageGeneration => "image_generation",
            ServerTool::Mcp => "mcp",
            ServerTool::ToolSearch => "tool_search",
        }
    }
}

/// Which models go where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// A model name, `*` for any characters.
    pub model: String,
    /// A provider's name.
    pub to: String,
    /// The name that the provider gets instead.
    pub rename: Option<String>,
    /// Its share of the calls, against those of the others.
    #[serde(skip_serializing_if = "is_one")]
    pub weight: u32,
    /// Who is asked next, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Fallback>,
}

/// Another provider for the models of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fallback {
    /// A provider's name.
    pub to: String,
    /// The name that the provider gets instead.
    pub rename: Option<String>,
    /// Its share of the calls that it gets first.
    pub weight: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(weight: &u32) -> bool {
    *weight == 1
}
