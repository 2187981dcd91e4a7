//! `network.rules[].http`: which requests.

use std::collections::BTreeMap;

use palisade_core::{GraphqlKind, HostPattern, PathPattern, PathPatternError, TextPattern};

use super::{Check, network, shown};
use crate::{
    at::{At, Given, Place},
    cover,
    document::{self, Graphql, GraphqlWord, JsonRpc},
    http::{Effect, GraphqlMatch, HttpMatch, HttpRule, JsonRpcMatch, takes},
};

/// Fields that say where a message begins and ends, or who it is for.
const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The rules, compiled. One behind another that takes all of its requests can never match.
pub(super) fn check(
    check: &mut Check<'_>,
    written: &[At<document::HttpRule>],
    hosts: &[HostPattern],
) -> Vec<HttpRule> {
    let mut rules: Vec<(HttpRule, Place)> = Vec::new();
    for At { value, place } in written {
        let (effect, requests) = match value {
            document::HttpRule::Allow(requests) => (Effect::Allow, requests),
            document::HttpRule::Deny(requests) => (Effect::Deny, requests),
        };
        let found = check.found.len();
        let requests = compiled(check, requests, hosts);
        // What is wrong in itself says nothing of others.
        if check.found.len() > found {
            continue;
        }
        if let Some((_, earlier)) = rules.iter().find(|(rule, _)| takes(&rule.requests, &requests))
        {
            let line = earlier.line;
            check.wrong(
                *place,
                format!("the rule in line {line} takes these requests, so this never matches"),
                "put it before that one, or remove it",
            );
        }
        rules.push((HttpRule { effect, requests }, *place));
    }
    rules.into_iter().map(|(rule, _)| rule).collect()
}

fn compiled(
    check: &mut Check<'_>,
    written: &document::HttpMatch,
    hosts: &[HostPattern],
) -> HttpMatch {
    check.not_empty(&written.hosts, "hosts", "all of the rule count");
    check.not_empty(&written.methods, "methods", "any counts");
    check.not_empty(&written.paths, "paths", "any counts");
    HttpMatch {
        hosts: written.hosts.iter().filter_map(|text| host(check, text, hosts)).collect(),
        methods: methods(check, &written.methods),
        paths: paths(check, &written.paths),
        query: values(check, &written.query, query_name),
        headers: values(check, &written.headers, field_name),
        json_rpc: written.json_rpc.as_ref().map(|rpc| json_rpc(check, rpc)),
        graphql: written.graphql.as_ref().map(|graphql| operations(check, graphql)),
    }
}

fn host(check: &mut Check<'_>, text: &At<String>, rule: &[HostPattern]) -> Option<HostPattern> {
    let host = network::host(check, text)?;
    if !rule.iter().any(|most| cover::host(most, &host)) {
        check.wrong(
            text.place,
            format!("`{host}` is none of the rule's hosts, so this never matches"),
            "add it to the rule's `hosts`, or remove it here",
        );
    }
    Some(host)
}

fn methods(check: &mut Check<'_>, written: &Given<Vec<At<String>>>) -> Vec<String> {
    for method in written.iter() {
        let plain = |c: char| c.is_ascii_uppercase() || c == '-';
        if method.value != "*" && (method.value.is_empty() || !method.value.chars().all(plain)) {
            check.wrong(
                method.place,
                format!("`{}` is no HTTP method", shown(&method.value)),
                "write methods in capitals, like GET, or `*`",
            );
        }
    }
    let any = written.iter().any(|method| method.value == "*");
    written.iter().filter(|_| !any).map(|method| method.value.clone()).collect()
}

fn paths(check: &mut Check<'_>, written: &Given<Vec<At<String>>>) -> Vec<PathPattern> {
    let mut patterns = Vec::new();
    for text in written.iter() {
        let error = match text.value.parse::<PathPattern>() {
            Ok(pattern) => {
                patterns.push(pattern);
                continue;
            }
            Err(error) => error,
        };
        let help = match error {
            PathPatternError::Relative => "write it from the root, such as `/repos/**`",
            PathPatternError::Query => "write the path alone, and parameters in `query`",
            PathPatternError::Stars => "write `/a/**` for all below `/a`, and `/a*` for names",
            _ => "write the path decoded, as in `/wiki/Main page`",
        };
        check.wrong(
            text.place,
            format!("`{}` is no pattern of HTTP paths: {error}", shown(&text.value)),
            help,
        );
    }
    // However a path is read, it is one of all.
    let any = written.iter().any(|text| text.value == "/**");
    if any { Vec::new() } else { patterns }
}

type Values = BTreeMap<String, Vec<TextPattern>>;

fn values(
    check: &mut Check<'_>,
    written: &Given<BTreeMap<String, At<Vec<At<String>>>>>,
    parse: fn(&str) -> Result<String, (&'static str, &'static str)>,
) -> Values {
    let mut all = Values::new();
    for (written, values) in written.iter() {
        let name = match parse(written) {
            Ok(name) => name,
            Err((why, help)) => {
                check.wrong(values.place, format!("`{}` {why}", shown(written)), help);
                continue;
            }
        };
        if values.value.is_empty() {
            check.wrong(
                values.place,
                format!("`{name}` has no value, so the rule can never match"),
                "write the values that it may have, or `[\"*\"]`",
            );
        }
        let patterns = patterns(check, &values.value);
        if all.insert(name.clone(), patterns).is_some() {
            let message = format!("`{name}` is named twice");
            check.wrong(values.place, message, "write its values in one list");
        }
    }
    all
}

fn query_name(text: &str) -> Result<String, (&'static str, &'static str)> {
    let fits = !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control);
    let problem = ("is no name of a parameter", "write the name decoded, without `=` or `&`");
    if fits { Ok(text.to_owned()) } else { Err(problem) }
}

fn field_name(text: &str) -> Result<String, (&'static str, &'static str)> {
    let name = text.to_ascii_lowercase();
    // RFC 9110, section 5.1; without what gateways take for another character.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || name.len() > 256 || !name.chars().all(plain) {
        return Err(("is no name of a header field", "write letters, digits and `-`"));
    }
    if FRAMING.contains(&name.as_str()) {
        let help = "remove it; servers are named in `hosts`";
        return Err((
            "says how a message is sent and not what it asks, so it is not compared",
            help,
        ));
    }
    Ok(name)
}

fn json_rpc(check: &mut Check<'_>, written: &At<JsonRpc>) -> JsonRpcMatch {
    let JsonRpc { methods, tools } = &written.value;
    check.not_empty(methods, "methods", "any counts");
    check.not_empty(tools, "tools", "any counts");
    let calls = |method: &TextPattern| method.allows("tools/call");
    let matched = JsonRpcMatch { methods: patterns(check, methods), tools: patterns(check, tools) };
    let calls = matched.methods.is_empty() || matched.methods.iter().any(calls);
    if let Some(place) = tools.place.filter(|_| !calls) {
        check.wrong(
            place,
            "none of the `methods` is `tools/call`, so there are no tools",
            "add `tools/call` to `methods`, or remove one of the two",
        );
    }
    matched
}

fn operations(check: &mut Check<'_>, written: &At<Graphql>) -> GraphqlMatch {
    let Graphql { operations, names, fields } = &written.value;
    check.not_empty(operations, "operations", "any counts");
    check.not_empty(names, "names", "any counts");
    check.not_empty(fields, "fields", "any counts");
    let kind = |word: &At<GraphqlWord>| match word.value {
        GraphqlWord::Query => GraphqlKind::Query,
        GraphqlWord::Mutation => GraphqlKind::Mutation,
        GraphqlWord::Subscription => GraphqlKind::Subscription,
    };
    GraphqlMatch {
        operations: operations.iter().map(kind).collect(),
        names: patterns(check, names),
        fields: patterns(check, fields),
    }
}

fn patterns(check: &mut Check<'_>, written: &[At<String>]) -> Vec<TextPattern> {
    let mut patterns = Vec::new();
    for text in written {
        match text.value.parse::<TextPattern>() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => check.wrong(
                text.place,
                format!("`{}` is no pattern: {error}", shown(&text.value)),
                "write text, with `*` for any characters",
            ),
        }
    }
    patterns
}
