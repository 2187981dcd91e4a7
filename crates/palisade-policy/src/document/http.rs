//! Requests in a rule of the section `network`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::at::{At, Given};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HttpRule {
    /// Permit such requests.
    Allow(HttpMatch),
    /// Refuse such requests, whatever other rules permit.
    Deny(HttpMatch),
}

/// Which requests. What is left out stands for any; all that is written must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpMatch {
    /// Servers among those of the rule. Default: all of them.
    #[serde(default)]
    #[schemars(extend("examples" = [["api.github.com"]]))]
    pub(crate) hosts: Given<Vec<At<String>>>,
    /// Methods in capitals, or `*`.
    #[serde(default)]
    #[schemars(extend("examples" = [["GET", "HEAD"]]))]
    pub(crate) methods: Given<Vec<At<String>>>,
    /// Path globs from the root: `*` stands for any characters of one name, `**` for any number of
    /// names. Written decoded; a slash that is no separator is `%2f`.
    #[serde(default)]
    #[schemars(extend("examples" = [["/repos/**"]]))]
    pub(crate) paths: Given<Vec<At<String>>>,
    /// Query parameters that must be there, each with its values; `*` stands for any characters.
    #[serde(default)]
    #[schemars(extend("examples" = [{"state": ["open", "closed"]}]))]
    pub(crate) query: Given<BTreeMap<String, At<Vec<At<String>>>>>,
    /// Header fields that must be there, each with its values; `*` stands for any characters.
    #[serde(default)]
    #[schemars(extend("examples" = [{"accept": ["application/json*"]}]))]
    pub(crate) headers: Given<BTreeMap<String, At<Vec<At<String>>>>>,
    /// Messages of JSON-RPC, and tools of MCP, in the body.
    pub(crate) json_rpc: Option<At<JsonRpc>>,
    /// Operations of GraphQL, in the body or in the query.
    pub(crate) graphql: Option<At<Graphql>>,
}

/// Which messages of JSON-RPC. Of a batch, each is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonRpc {
    /// Methods; `*` stands for any characters. Default: any, or `tools/call` alone where there are `tools`.
    #[serde(default)]
    #[schemars(extend("examples" = [["initialize", "notifications/*", "tools/list"]]))]
    pub(crate) methods: Given<Vec<At<String>>>,
    /// The tools of MCP's `tools/call`; `*` stands for any characters. Default: any.
    #[serde(default)]
    #[schemars(extend("examples" = [["read_*", "search"]]))]
    pub(crate) tools: Given<Vec<At<String>>>,
}

/// Which operations of GraphQL. Of a document with several, each is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Graphql {
    /// What they do. Default: anything.
    #[serde(default)]
    #[schemars(extend("examples" = [["query"]]))]
    pub(crate) operations: Given<Vec<At<GraphqlWord>>>,
    /// Names of operations; `*` stands for any characters. The client is free to call an operation
    /// anything.
    #[serde(default)]
    #[schemars(extend("examples" = [["Get*"]]))]
    pub(crate) names: Given<Vec<At<String>>>,
    /// Fields of the root; `*` stands for any characters.
    #[serde(default)]
    #[schemars(extend("examples" = [["viewer", "repository"]]))]
    pub(crate) fields: Given<Vec<At<String>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GraphqlWord {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Reads on and on.
    Subscription,
}
