//! The section `inference`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::at::{At, Given};

/// Models, and who answers for them. Inside they are at `http://inference.local`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inference {
    /// Who answers, by name.
    #[serde(default)]
    #[schemars(extend("examples" = [{"local": {"api": "openai", "url": "http://127.0.0.1:8000/v1"}}]))]
    pub(crate) providers: Given<BTreeMap<String, At<Provider>>>,
    /// Which models go where. The first that matches wins; none matches: denied.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"model": "claude-*", "to": "anthropic"}]]))]
    pub(crate) routes: Given<Vec<At<Route>>>,
    pub(crate) limits: Option<At<InferenceLimits>>,
    /// The tools that may run at a provider. None is allowed that is not named here.
    #[serde(default)]
    #[schemars(extend("examples" = [["web_search"]]))]
    pub(crate) server_tools: Given<Vec<At<ServerToolWord>>>,
    /// What becomes of a request with the result of a tool call that was not let go in this session.
    pub(crate) tool_results: Option<At<ResultsWord>>,
    /// What is taken out of what goes to a model.
    #[serde(default)]
    #[schemars(extend("examples" = [["secrets"]]))]
    pub(crate) redact: Vec<Redact>,
    /// Whether marks of `redact` are turned back in answers, where the agent had sent the secret itself. Default: no.
    pub(crate) restore: Option<At<bool>>,
    /// What becomes of results of tools that look as if somebody spoke to the model through them.
    pub(crate) guard: Option<At<GuardWord>>,
    /// What marks a prompt as one that only local providers may have: it goes to one of these, or nowhere.
    #[schemars(extend("examples" = [{"find": ["secrets"], "texts": ["Project Falcon"]}]))]
    pub(crate) local_only: Option<At<LocalOnly>>,
}

/// What only local providers may have.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalOnly {
    /// What is found by its form.
    #[serde(default)]
    #[schemars(extend("examples" = [["secrets", "cards"]]))]
    pub(crate) find: Vec<At<SensitiveWord>>,
    /// Words, whatever the case of ASCII letters.
    #[serde(default)]
    #[schemars(extend("examples" = [["Project Falcon"]]))]
    pub(crate) texts: Vec<At<String>>,
    /// Regular expressions, without backreferences.
    #[serde(default)]
    #[schemars(extend("examples" = [["\\bPF-[0-9]{6}\\b"]]))]
    pub(crate) patterns: Vec<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SensitiveWord {
    /// What `redact: [secrets]` looks for.
    Secrets,
    /// Numbers of payment cards.
    Cards,
}

/// A place that answers model calls.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    /// What it speaks.
    pub(crate) api: At<ApiWord>,
    /// Its base URL, without a key, a query or a fragment.
    #[schemars(extend("examples" = ["https://api.anthropic.com"]))]
    pub(crate) url: At<String>,
    /// The credential that opens it.
    #[schemars(extend("examples" = ["anthropic"]))]
    pub(crate) credential: Option<At<String>>,
    /// Whether what goes there stays with you, for `local_only`. Default: so it is at loopback and private
    /// addresses.
    pub(crate) local: Option<bool>,
    /// The region of `bedrock`. Default: the one that its URL names.
    #[schemars(extend("examples" = ["us-east-1"]))]
    pub(crate) region: Option<At<String>>,
    /// The project of `vertex`.
    #[schemars(extend("examples" = ["my-project"]))]
    pub(crate) project: Option<At<String>>,
    /// The location of `vertex`.
    #[schemars(extend("examples" = ["us-east5"]))]
    pub(crate) location: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ApiWord {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions and Responses.
    Openai,
    /// Gemini `generateContent`.
    Gemini,
    /// Claude on Amazon Bedrock. Clients speak Anthropic Messages.
    Bedrock,
    /// Claude on Google Vertex AI. Clients speak Anthropic Messages.
    Vertex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServerToolWord {
    /// Searching the web.
    WebSearch,
    /// Fetching pages.
    WebFetch,
    /// Running code in a container of the provider's.
    CodeExecution,
    /// Searching files that were given to the provider.
    FileSearch,
    /// Making images.
    ImageGeneration,
    /// Calling MCP servers from there.
    Mcp,
    /// Searching the tools that a request offers.
    ToolSearch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ResultsWord {
    /// It is recorded.
    Observe,
    /// It is refused.
    Block,
}

/// Which models go to which provider.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    /// A model's name; `*` stands for any characters.
    #[schemars(extend("examples" = ["claude-*"]))]
    pub(crate) model: At<String>,
    /// A provider's name.
    #[schemars(extend("examples" = ["anthropic"]))]
    pub(crate) to: At<String>,
    /// The name that the provider gets instead.
    #[serde(rename = "as")]
    #[schemars(extend("examples" = ["nemotron-3-super"]))]
    pub(crate) rename: Option<At<String>>,
    /// Its share of the calls, against those of `fallback`. Default: 1.
    #[schemars(extend("examples" = [3]))]
    pub(crate) weight: Option<At<u64>>,
    /// Who is asked next, in this order, when one is not reached, has no room (429), fails (5xx) or does
    /// not begin in time.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"to": "local", "as": "qwen3"}]]))]
    pub(crate) fallback: Vec<At<Fallback>>,
}

/// Another provider for the models of a route.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fallback {
    /// A provider's name.
    #[schemars(extend("examples" = ["local"]))]
    pub(crate) to: At<String>,
    /// The name of the model that the provider gets instead.
    #[serde(rename = "as")]
    #[schemars(extend("examples" = ["qwen3"]))]
    pub(crate) rename: Option<At<String>>,
    /// Its share of the calls that it gets first. Default: 0, none.
    #[schemars(extend("examples" = [1]))]
    pub(crate) weight: Option<At<u64>>,
}

/// The most that models may be used. Those of each document hold, side by side.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InferenceLimits {
    /// Calls in any minute.
    #[schemars(extend("examples" = [60]))]
    pub(crate) requests_per_minute: Option<At<u64>>,
    /// Tokens in any minute, both ways.
    #[schemars(extend("examples" = [400_000]))]
    pub(crate) tokens_per_minute: Option<At<u64>>,
    /// Tokens in a day of UTC, both ways.
    #[schemars(extend("examples" = [5_000_000]))]
    pub(crate) tokens_per_day: Option<At<u64>>,
    /// Tokens in one session, both ways.
    #[schemars(extend("examples" = [1_000_000]))]
    pub(crate) tokens_per_session: Option<At<u64>>,
    /// US dollars in a day of UTC, by `prices`.
    #[schemars(extend("examples" = [20]))]
    pub(crate) usd_per_day: Option<At<f64>>,
    /// US dollars in one session, by `prices`.
    #[schemars(extend("examples" = [5]))]
    pub(crate) usd_per_session: Option<At<f64>>,
    /// Calls of one sandbox at one time.
    #[schemars(extend("examples" = [8]))]
    pub(crate) concurrent: Option<At<u64>>,
    /// Tokens that one answer may have. A call that asks for more gets this.
    #[schemars(extend("examples" = [32_000]))]
    pub(crate) max_tokens: Option<At<u64>>,
    /// Names of tools that a call may offer to a model; `*` stands for any characters. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["Bash", "Read", "mcp__docs__*"]]))]
    pub(crate) tools: Given<Vec<At<String>>>,
    /// Names of betas (`anthropic-beta`, `openai-beta`) that a call may switch on; `*` stands for any
    /// characters. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["interleaved-thinking-*"]]))]
    pub(crate) betas: Given<Vec<At<String>>>,
    /// What models cost, before the built-in prices. The first that fits decides.
    #[serde(default)]
    #[schemars(extend("examples" = [[{"model": "my-model-*", "input": 3, "output": 15}]]))]
    pub(crate) prices: Vec<At<PriceEntry>>,
}

/// What tokens of some models cost, in US dollars for a million.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceEntry {
    /// A model's name, as the provider gets it; `*` stands for any characters.
    #[schemars(extend("examples" = ["my-model-*"]))]
    pub(crate) model: At<String>,
    /// Of a prompt.
    #[schemars(extend("examples" = [3]))]
    pub(crate) input: At<f64>,
    /// Of an answer.
    #[schemars(extend("examples" = [15]))]
    pub(crate) output: At<f64>,
    /// Of a prompt found in the provider's cache. Default: what a prompt costs.
    #[schemars(extend("examples" = [0.3]))]
    pub(crate) cache_read: Option<At<f64>>,
    /// Of a prompt put into it. Default: what a prompt costs.
    #[schemars(extend("examples" = [3.75]))]
    pub(crate) cache_write: Option<At<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GuardWord {
    /// It is recorded.
    Observe,
    /// The model is told besides, before the text.
    Annotate,
    /// The model gets a note in place of the text.
    Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Redact {
    /// The policy's own credentials, what denied files hold, and keys of known forms.
    Secrets,
}
