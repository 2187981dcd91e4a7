//! HTTP rules as they are enforced, and whether one permits all that another does.

use std::{collections::BTreeMap, fmt};

use palisade_core::{GraphqlKind, HostPattern, PathPattern, TextPattern};
use serde::Serialize;

use crate::cover;

/// Whether a connection is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Tls {
    /// Each request is decided.
    Inspect,
    /// Only the name is.
    Passthrough,
}

/// An entry of a network rule's `http` list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HttpRule {
    /// What becomes of the requests.
    pub effect: Effect,
    /// Which requests.
    pub requests: HttpMatch,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// It is permitted by the rule.
    Allow,
    /// It is refused, whatever other rules say.
    Deny,
}

/// Which requests. Each part that is empty or `None` stands for any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HttpMatch {
    /// Names of servers, among those of the rule.
    pub hosts: Vec<HostPattern>,
    /// Methods.
    pub methods: Vec<String>,
    /// Paths.
    pub paths: Vec<PathPattern>,
    /// Query parameters that must be there, with the values that each may have.
    pub query: BTreeMap<String, Vec<TextPattern>>,
    /// Header fields that must be there, by their name in lower case.
    pub headers: BTreeMap<String, Vec<TextPattern>>,
    /// JSON-RPC messages.
    pub json_rpc: Option<JsonRpcMatch>,
    /// GraphQL operations.
    pub graphql: Option<GraphqlMatch>,
}

/// Which messages of JSON-RPC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct JsonRpcMatch {
    /// Methods.
    pub methods: Vec<TextPattern>,
    /// Tools of MCP's `tools/call`. Without `methods` there is no other method.
    pub tools: Vec<TextPattern>,
}

/// Which operations of GraphQL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GraphqlMatch {
    /// What they do.
    #[serde(serialize_with = "words")]
    pub operations: Vec<GraphqlKind>,
    /// The names that the client gives to them.
    pub names: Vec<TextPattern>,
    /// The fields of the root.
    pub fields: Vec<TextPattern>,
}

impl HttpMatch {
    /// Whether the body has to be read to know.
    pub fn needs_body(&self) -> bool {
        self.json_rpc.is_some() || self.graphql.is_some()
    }
}

/// In a sentence without its end: `allow GET, HEAD of /repos/**`.
impl fmt::Display for HttpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HttpMatch { hosts, methods, paths, query, headers, json_rpc, graphql } = &self.requests;
        let effect = match self.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        let methods = if methods.is_empty() { "any method".to_owned() } else { joined(methods) };
        let paths = if paths.is_empty() { "any path".to_owned() } else { joined(paths) };
        write!(f, "{effect} {methods} of {paths}")?;
        if !hosts.is_empty() {
            write!(f, " at {}", joined(hosts))?;
        }
        for (what, values) in [("query parameter", query), ("header", headers)] {
            for (name, values) in values {
                write!(f, ", with the {what} {name}: {}", joined(values))?;
            }
        }
        if let Some(JsonRpcMatch { methods, tools }) = json_rpc {
            let what = match (methods.is_empty(), tools.is_empty()) {
                (true, true) => "any message".to_owned(),
                (false, true) => joined(methods),
                (true, false) => format!("calls of the tools {}", joined(tools)),
                (false, false) => format!("{} and of tools {}", joined(methods), joined(tools)),
            };
            write!(f, ", with JSON-RPC of {what}")?;
        }
        if let Some(GraphqlMatch { operations, names, fields }) = graphql {
            let kinds: Vec<&str> = operations.iter().map(|kind| kind.as_str()).collect();
            let kinds = if kinds.is_empty() { "any operation".to_owned() } else { joined(&kinds) };
            write!(f, ", with GraphQL of {kinds}")?;
            for (what, list) in [("named", names), ("of the fields", fields)] {
                if !list.is_empty() {
                    write!(f, " {what} {}", joined(list))?;
                }
            }
        }
        Ok(())
    }
}

fn joined(items: &[impl ToString]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

/// Whether each request that `asked` permits is permitted by `most`, or refused by it outright: what
/// a rule refuses stays refused while it is there, whatever others permit.
pub(crate) fn covers(most: Option<&[HttpRule]>, asked: Option<&[HttpRule]>) -> bool {
    let Some(most) = most else { return true };
    let Some(asked) = asked else { return false };
    let allows = |rules: &'_ [HttpRule]| -> Vec<HttpMatch> {
        let allows = rules.iter().filter(|rule| rule.effect == Effect::Allow);
        allows.map(|rule| rule.requests.clone()).collect()
    };
    let most = allows(most);
    allows(asked).iter().all(|asked| most.iter().any(|most| takes(most, asked)))
}

/// Whether each request that `asked` means is meant by `most`, as far as it is plain to see. Each part is
/// named here, so that a new one is not forgotten.
pub(crate) fn takes(most: &HttpMatch, asked: &HttpMatch) -> bool {
    let HttpMatch { hosts, methods, paths, query, headers, json_rpc, graphql } = most;
    list(hosts, &asked.hosts, cover::host)
        && list(methods, &asked.methods, |most, asked| most == asked)
        && list(paths, &asked.paths, PathPattern::covers)
        && values(query, &asked.query)
        && values(headers, &asked.headers)
        && json_rpc.as_ref().is_none_or(|most| {
            let JsonRpcMatch { methods, tools } = most;
            asked.json_rpc.as_ref().is_some_and(|asked| {
                // That there are tools and no methods means one method.
                let only_tools =
                    |rpc: &JsonRpcMatch| !rpc.tools.is_empty() && rpc.methods.is_empty();
                (only_tools(most) == only_tools(asked) || most == &JsonRpcMatch::default())
                    && list(methods, &asked.methods, TextPattern::covers)
                    && list(tools, &asked.tools, TextPattern::covers)
            })
        })
        && graphql.as_ref().is_none_or(|most| {
            let GraphqlMatch { operations, names, fields } = most;
            asked.graphql.as_ref().is_some_and(|asked| {
                list(operations, &asked.operations, |most, asked| most == asked)
                    && list(names, &asked.names, TextPattern::covers)
                    && list(fields, &asked.fields, TextPattern::covers)
            })
        })
}

fn list<T>(most: &[T], asked: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    most.is_empty()
        || (!asked.is_empty()
            && asked.iter().all(|asked| most.iter().any(|most| covers(most, asked))))
}

fn values(
    most: &BTreeMap<String, Vec<TextPattern>>,
    asked: &BTreeMap<String, Vec<TextPattern>>,
) -> bool {
    most.iter().all(|(name, most)| {
        asked.get(name).is_some_and(|asked| list(most, asked, TextPattern::covers))
    })
}

fn words<S: serde::Serializer>(kinds: &[GraphqlKind], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(kinds.iter().map(|kind| kind.as_str()))
}
