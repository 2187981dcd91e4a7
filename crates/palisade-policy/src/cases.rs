//! Files of cases: what is tried, and what a policy is expected to say to it.

use std::{collections::BTreeMap, path::Path};

use palisade_core::{
    Action, Body, Caller, HostName, Request, TlsName, ToolCall, ToolInput, ToolSeen, Verdict,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    at::{At, Place},
    diagnostic::{Diagnostic, Diagnostics},
    draft::Layer,
    parse, read, text,
};

/// The kinds of acts that can be tried, and what stands behind each.
pub const TRIED: [(&str, &str); 8] = [
    ("bash", "a command line"),
    ("read", "the path of a file"),
    ("edit", "the path of a file"),
    ("fetch", "a URL, by the agent's own tool"),
    ("connect", "a host and a port, `example.com:443`"),
    ("request", "a method and a URL, `GET https://example.com/a`"),
    ("resolve", "a name"),
    ("model", "a model's name"),
];

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The line that it begins in.
    pub line: usize,
    /// What is tried.
    pub action: Action,
    /// What the policy should say.
    pub expect: Verdict,
    /// By which rule, if that matters.
    pub rule: Option<String>,
}

/// A file of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cases {
    /// The policy that it is for, as the file has it.
    pub policy: Option<String>,
    /// The cases, in their order.
    pub cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    policy: Option<String>,
    cases: Vec<At<BTreeMap<String, Value>>>,
}

/// Reads a file of cases.
///
/// # Errors
/// All that is wrong with it.
pub fn cases(path: &Path) -> Result<Cases, Diagnostics> {
    let file = path.display().to_string();
    let bytes = read::read(path, Layer::CommandLine)
        .map_err(|error| Diagnostics::from(Diagnostic::of(&file, error.why, error.help)))?;
    let text = text::of(&file, &bytes)?;
    let document: File = parse::other(&file, text)?;
    let mut found = Vec::new();
    let mut cases = Vec::new();
    for At { value, place } in document.cases {
        match case(&value, place) {
            Ok(case) => cases.push(case),
            Err((why, help)) => found.push(Diagnostic::at(&file, text, place, why, help)),
        }
    }
    Diagnostics::unless_empty(found)?;
    Ok(Cases { policy: document.policy, cases })
}

type Wrong = (String, String);

fn wrong(why: impl Into<String>, help: impl Into<String>) -> Wrong {
    (why.into(), help.into())
}

fn case(fields: &BTreeMap<String, Value>, place: Place) -> Result<Case, Wrong> {
    let mut action = None;
    let (mut expect, mut rule, mut input) = (None, None, None);
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("expect", Value::String(word)) => {
                expect = Some(match word.as_str() {
                    "allow" => Verdict::Allow,
                    "deny" => Verdict::Deny,
                    "ask" => Verdict::Ask,
                    _ => {
                        return Err(wrong(
                            format!("`expect` cannot be `{word}`"),
                            "write allow, deny or ask",
                        ));
                    }
                });
            }
            ("rule", Value::String(name)) => rule = Some(name.clone()),
            ("input", Value::Object(given)) => input = Some(given.clone()),
            (kind, Value::String(what)) if kind == "tool" || is_tried(kind) => {
                if action.replace((kind, what)).is_some() {
                    return Err(wrong("a case tries two things", "make two cases of it"));
                }
            }
            _ => {
                let kinds: Vec<&str> = TRIED.iter().map(|(kind, _)| *kind).collect();
                return Err(wrong(
                    format!("`{key}` is nothing that a case has, or has a value of another kind"),
                    format!(
                        "a case has one of {} or tool with input; expect; and may have rule",
                        kinds.join(", ")
                    ),
                ));
            }
        }
    }
    let Some(expect) = expect else {
        return Err(wrong("the case expects nothing", "add `expect: deny`, `ask` or `allow`"));
    };
    let action = match (action, input) {
        (Some(("tool", name)), input) => tool(name, input.unwrap_or_default()),
        (Some((kind, what)), None) => tried(kind, what).map_err(|why| {
            let help = TRIED.iter().find(|(known, _)| *known == kind).map_or("", |(_, help)| help);
            wrong(why, format!("write {help}"))
        })?,
        (Some(_), Some(_)) => return Err(wrong("`input` belongs to `tool`", "remove it")),
        (None, _) => {
            return Err(wrong(
                "the case tries nothing",
                "add what is tried, such as `bash: curl x`",
            ));
        }
    };
    Ok(Case { line: place.line, action, expect, rule })
}

fn is_tried(kind: &str) -> bool {
    TRIED.iter().any(|(known, _)| *known == kind)
}

fn tool(name: &str, input: Map<String, Value>) -> Action {
    Action::ToolCall(Box::new(ToolCall {
        name: name.to_owned(),
        input: ToolInput::Object(input),
        id: None,
        seen: ToolSeen::Announced,
    }))
}

/// What is tried, by one of the words of [`TRIED`] and what stands behind it.
///
/// # Errors
/// Why it is nothing that can be tried.
pub fn tried(kind: &str, what: &str) -> Result<Action, String> {
    let call = |name: &str, input: Value| match input {
        Value::Object(fields) => tool(name, fields),
        _ => tool(name, Map::new()),
    };
    let name = |text: &str| {
        text.parse::<HostName>().map_err(|why| format!("`{text}` is no name of a host: {why}"))
    };
    Ok(match kind {
        "bash" => call("Bash", json!({"command": what})),
        "read" => call("Read", json!({"file_path": what})),
        "edit" => call("Edit", json!({"file_path": what})),
        "fetch" => call("WebFetch", json!({"url": what})),
        "resolve" => Action::Resolve { name: name(what)? },
        "model" => Action::ModelCall { endpoint: "messages".into(), model: what.to_owned() },
        "connect" => {
            let (host, port) =
                what.rsplit_once(':').ok_or_else(|| format!("`{what}` has no port"))?;
            let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
            let (host, address) = match host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
                Ok(address) => (None, Some((address, port).into())),
                Err(_) => (Some(name(host)?), None),
            };
            Action::Connect { host, port, address, tls: TlsName::Unseen, caller: Caller::Unasked }
        }
        "request" => Action::Request(Box::new(request(what, name)?)),
        _ => return Err(format!("`{kind}` is nothing that can be tried")),
    })
}

fn request(what: &str, name: impl Fn(&str) -> Result<HostName, String>) -> Result<Request, String> {
    let (method, url) =
        what.split_once(' ').ok_or_else(|| format!("`{what}` is no method and URL"))?;
    let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(format!("`{url}` is no URL of http or https")),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| format!("`{port}` is no port"))?),
        None => (authority, if tls { 443 } else { 80 }),
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.as_bytes().to_vec())),
        None => (target, None),
    };
    let path = if path.is_empty() { "/" } else { path };
    Ok(Request {
        host: name(host)?,
        port,
        tls,
        address: None,
        method: method.to_owned(),
        path: path.as_bytes().to_vec(),
        query,
        headers: Vec::new(),
        body: Body::Unread,
        caller: Caller::Unasked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Cases, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.yaml");
        std::fs::write(&file, text).unwrap();
        cases(&file).map_err(|found| found.to_string())
    }

    #[test]
    fn cases_are_read() {
        let found = read(
            "policy: p.yaml\ncases:\n  - {bash: curl x, expect: deny, rule: r}\n  - tool: mcp__a__b\n    input: {x: 1}\n    expect: ask\n  - {connect: \"a.example:443\", expect: allow}\n  - {request: \"GET https://a.example/x?y\", expect: allow}\n",
        )
        .unwrap();
        assert_eq!(found.policy.as_deref(), Some("p.yaml"));
        let lines: Vec<usize> = found.cases.iter().map(|case| case.line).collect();
        assert_eq!(lines, [3, 4, 7, 8]);
        assert_eq!(found.cases[0].rule.as_deref(), Some("r"));
    }

    #[test]
    fn what_is_no_case_is_told_with_its_place() {
        for (text, why) in [
            ("cases:\n  - {bash: x}\n", "expects nothing"),
            ("cases:\n  - {expect: deny}\n", "tries nothing"),
            ("cases:\n  - {bash: x, read: y, expect: deny}\n", "tries two things"),
            ("cases:\n  - {bash: x, expect: maybe}\n", "cannot be `maybe`"),
            ("cases:\n  - {smash: x, expect: deny}\n", "`smash`"),
            ("cases:\n  - {connect: x, expect: deny}\n", "has no port"),
            ("cases:\n  - {request: \"GET x\", expect: deny}\n", "no URL"),
            ("cases: 1\n", ""),
            ("other: 1\ncases: []\n", ""),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
