use serde_json::{Map, Value};

use crate::{Action, Body, Caller, Decision, Layer, Lineage, Request, Ties, Verdict};

/// Messages or fields of a body that an event lists.
const MOST_LISTED: usize = 16;
/// Characters of one of them.
const MOST_SHOWN: usize = 100;
/// Characters of a program's path.
const MOST_OF_PATH: usize = 400;

/// One act, for the journal. Time, session, sequence number, policy digest and the hash
/// chain are added by the journal's writer, so that nobody else can get them wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What kind of act: `launch`, `resolve`, `connect`, `model_call`, `end`, `refusal`, ...
    pub kind: String,
    /// The layer that saw it.
    pub layer: Layer,
    /// What was decided; [`Verdict::Observe`] if nothing was to decide.
    pub decision: Verdict,
    /// The rule that decided, if one did.
    pub rule: Option<String>,
    /// What it was about, in one line.
    pub subject: String,
    /// Why, in one sentence; empty for an observation.
    pub reason: String,
    /// Further facts. Keys are snake case; values never hold a secret.
    pub detail: Map<String, Value>,
}

impl Event {
    /// The event that a decided action leaves.
    pub fn decided(action: &Action, decision: &Decision) -> Self {
        let mut detail = Map::new();
        match action {
            Action::Launch { command, workspace } => {
                detail.insert("command".into(), command.clone().into());
                if let Some(workspace) = workspace {
                    detail.insert("workspace".into(), workspace.clone().into());
                }
            }
            Action::Connect { host, port, address, tls, caller } => {
                about_caller(caller, &mut detail);
                if let Some(host) = host {
                    detail.insert("host".into(), host.to_string().into());
                }
                detail.insert("port".into(), (*port).into());
                if let Some(address) = address {
                    detail.insert("address".into(), address.to_string().into());
                }
                if let crate::TlsName::Named(name) = tls {
                    detail.insert("tls_name".into(), name.to_string().into());
                }
            }
            Action::Request(request) => about_request(request, &mut detail),
            Action::ModelCall { endpoint, model } => {
                detail.insert("endpoint".into(), endpoint.clone().into());
                detail.insert("model".into(), model.clone().into());
            }
            Action::SkillLoad { digest, verdict, policies, .. } => {
                if !policies.is_empty() {
                    detail.insert("policies".into(), policies.clone().into());
                }
                detail.insert("digest".into(), digest.clone().into());
                if let Some(verdict) = verdict {
                    detail.insert("verdict".into(), verdict.clone().into());
                }
            }
            Action::ToolCall(call) => {
                detail.insert("tool".into(), cut(&call.name).into());
                if let Some(id) = &call.id {
                    detail.insert("call".into(), cut(id).into());
                }
            }
            Action::Exec(exec) => {
                detail.insert("program".into(), path(&exec.program).into());
                if let Some(name) = exec.argv.first() {
                    detail.insert("argv0".into(), cut(name).into());
                }
                let names: Vec<String> =
                    exec.names.iter().take(MOST_LISTED).map(|name| cut(name)).collect();
                if !names.is_empty() {
                    detail.insert("known_as".into(), names.into());
                }
                let skills: Vec<&String> = exec.of.skills.iter().chain(&exec.of.more).collect();
                if !skills.is_empty() {
                    detail.insert("skills".into(), serde_json::json!(skills));
                }
            }
            Action::Resolve { .. }
            | Action::Records { .. }
            | Action::ResolveRefused { .. }
            | Action::ModelRequest { .. } => {}
        }
        Self {
            kind: action.kind().into(),
            layer: action.layer(),
            decision: decision.verdict,
            rule: decision.rule.clone(),
            subject: action.subject(),
            reason: decision.reason.clone(),
            detail,
        }
    }

    /// An event that only tells what happened.
    pub fn observed(kind: &str, layer: Layer, subject: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            layer,
            decision: Verdict::Observe,
            rule: None,
            subject: subject.into(),
            reason: String::new(),
            detail: Map::new(),
        }
    }

    /// The same event with one more fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(key.into(), value.into());
        self
    }

    /// The same event with these facts, where it has none of the same name.
    #[must_use]
    pub fn tied(mut self, ties: &Ties) -> Self {
        for (key, value) in ties {
            self.detail.entry(key.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// The same event with the process that did it, and those that it comes from.
    #[must_use]
    pub fn by(mut self, lineage: &Lineage) -> Self {
        about_process(lineage, &mut self.detail);
        self
    }
}

/// Who connects. The script is what the process itself says.
fn about_caller(caller: &Caller, detail: &mut Map<String, Value>) {
    let programs = match caller {
        Caller::Unasked => return,
        Caller::Unknown(why) => {
            detail.insert("binary_unknown".into(), cut(why).into());
            return;
        }
        Caller::Known(programs) => programs,
    };
    let mut paths = programs.iter().map(|program| path(&program.path));
    if let Some(first) = paths.next() {
        detail.insert("binary".into(), first.into());
    }
    let others: Vec<String> = paths.take(MOST_LISTED).collect();
    if !others.is_empty() {
        detail.insert("also_held_by".into(), others.into());
    }
    let Some(first) = programs.first() else { return };
    about_process(&first.lineage, detail);
    if !first.skills.is_empty() {
        detail.insert("skills".into(), first.skills.clone().into());
    }
    if let Some(digest) = first.shown_digest() {
        detail.insert("binary_digest".into(), digest.into());
    }
    if let Some(script) = &first.script {
        detail.insert("binary_script".into(), path(script).into());
    }
    let ancestors: Vec<String> =
        first.ancestors.iter().take(MOST_LISTED).map(|one| path(one)).collect();
    if !ancestors.is_empty() {
        detail.insert("ancestors".into(), ancestors.into());
    }
}

fn about_process(lineage: &Lineage, detail: &mut Map<String, Value>) {
    let mut processes = lineage.0.iter().map(ToString::to_string);
    if let Some(first) = processes.next() {
        detail.insert("process".into(), first.into());
    }
    let parents: Vec<String> = processes.take(MOST_LISTED).collect();
    if !parents.is_empty() {
        detail.insert("parents".into(), parents.into());
    }
}

fn path(text: &str) -> String {
    text.chars().take(MOST_OF_PATH).flat_map(char::escape_debug).collect()
}

/// Neither the query nor a field is recorded: both may hold a secret.
fn about_request(request: &Request, detail: &mut Map<String, Value>) {
    about_caller(&request.caller, detail);
    detail.insert("host".into(), request.host.to_string().into());
    detail.insert("port".into(), request.port.into());
    detail.insert("method".into(), cut(&request.method).into());
    if let Some(address) = request.address {
        detail.insert("address".into(), address.to_string().into());
    }
    let Body::Read(facts) = &request.body else { return };
    let mut list = |key: &str, all: Vec<String>| {
        if !all.is_empty() {
            detail.insert(key.into(), all.into());
        }
    };
    let rpc = facts.rpc.iter().flatten().take(MOST_LISTED);
    list("rpc_methods", rpc.clone().filter_map(|m| m.method.as_deref()).map(cut).collect());
    list("mcp_tools", rpc.filter_map(|m| m.tool.as_deref()).map(cut).collect());
    let graphql = facts.graphql.iter().flatten().take(MOST_LISTED);
    let fields = graphql.flat_map(|operation| {
        let kind = operation.kind.as_str();
        operation.fields.iter().map(move |field| cut(&format!("{kind} {field}")))
    });
    list("graphql", fields.take(MOST_LISTED).collect());
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_SHOWN).flat_map(char::escape_debug).collect()
}
