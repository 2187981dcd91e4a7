//! Content that nobody answers for: that it came in is remembered until the session ends, and what the policy
//! names is asked from then on.

mod git;

use std::{
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

use palisade_core::{
    Action, Body, Decision, HostName, HostPattern, Request, TextPattern, ToolCall, ToolSeen,
    Untrusted, Verdict,
};
use palisade_permissions::{Meaning, Mode, Permissions, Settings, Written};
use palisade_policy::{Effect, HttpMatch, Taint, TaintedAct};

use crate::{
    context::Context,
    http::{Facts, Fit},
};

/// How decisions name what an answer of the operator permitted.
const APPROVED: &str = "approval";
/// Methods by which nothing is meant to change.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// Those by which something is, as a header or a parameter may say.
const CHANGING: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "CONNECT"];
/// Ports on which commits go out over a protocol that nobody looks into: ssh, and Git's own.
const GIT_PORTS: [u16; 2] = [22, 9418];

/// How content came into the session. Nothing takes it back.
#[derive(Debug, Default)]
pub(crate) struct Tainted(AtomicU8);

impl Tainted {
    /// Whether it is news.
    pub(crate) fn add(&self, how: Untrusted) -> bool {
        self.0.fetch_or(bit(how), Ordering::AcqRel) & bit(how) == 0
    }

    fn now(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

fn bit(how: Untrusted) -> u8 {
    match how {
        Untrusted::Injection => 1,
        Untrusted::Web => 2,
        Untrusted::UnknownHosts => 4,
        Untrusted::Mcp => 8,
        Untrusted::Hosts => 16,
    }
}

/// The policy's `taint` in the form that decides.
#[derive(Debug)]
pub(crate) struct Guarded {
    taint: Taint,
    /// For each word that names tool calls and programs: its rules, and it.
    calls: Result<Permissions, String>,
    /// The word of each rule.
    words: Vec<(String, String)>,
    /// Hosts at which keys of an ssh agent sign.
    signs: Vec<HostName>,
}

impl Guarded {
    /// `place` is where agents are.
    pub(crate) fn new(
        taint: Taint,
        place: palisade_permissions::Place,
        signs: Vec<HostName>,
    ) -> Self {
        let base_of = |text: &str| {
            let rule = taint.rules.iter().find(|rule| rule.text == text);
            rule.map(|rule| rule.base.clone()).unwrap_or_default()
        };
        let written = |(_, text): (&str, &str)| Written {
            text: text.to_owned(),
            at: None,
            base: base_of(text),
        };
        let settings = Settings {
            mode: Mode::BypassPermissions,
            ask: taint.calls().map(written).collect(),
            place,
            ..Settings::default()
        };
        let calls = Permissions::new(settings).map_err(|wrong| {
            wrong.first().map(|(rule, why)| format!("`{}`: {why}", rule.text)).unwrap_or_default()
        });
        let words = taint
            .calls()
            .map(|(word, text)| (format!("permissions.ask[{text}]"), format!("taint.ask[{word}]")))
            .collect();
        Self { taint, calls, words, signs }
    }

    /// The rules for the tool calls and programs that it names.
    pub(crate) fn calls(&self) -> &Result<Permissions, String> {
        &self.calls
    }

    /// The programs that its rules name, as these name them.
    pub(crate) fn programs(&self) -> Vec<String> {
        self.calls.as_ref().map(Permissions::programs).unwrap_or_default()
    }

    /// What came in, as far as it counts.
    pub(crate) fn came(&self, tainted: &Tainted) -> Vec<Untrusted> {
        let bits = tainted.now();
        self.taint.by.iter().copied().filter(|how| bits & bit(*how) != 0).collect()
    }

    pub(crate) fn counts(&self, how: Untrusted) -> bool {
        self.taint.by.contains(&how)
    }

    /// A permission of the rules, as it is once something came in: what is named is asked. `carries` tells that
    /// a rule puts a credential in, `seen` that each request of the connection is decided.
    pub(crate) fn narrowed(
        &self,
        action: &Action,
        decision: Decision,
        context: &Context<'_>,
        (carries, seen): (bool, bool),
    ) -> Decision {
        if decision.verdict != Verdict::Allow {
            return decision;
        }
        let came = self.came(context.tainted);
        if came.is_empty() {
            return decision;
        }
        let asks = self.asks(action, context.directory, (carries, seen));
        let Some((rule, what)) = asks else { return decision };
        let came: Vec<&str> = came.iter().map(|how| how.as_str()).collect();
        let reason = format!(
            "{what}, and content that nobody answers for came into this session ({}): the operator is asked",
            came.join(", ")
        );
        Decision::ask(rule, reason)
    }

    fn has(&self, act: TaintedAct) -> bool {
        self.taint.acts.contains(&act)
    }

    /// The rule that asks for an act, and what the act is by it.
    fn asks(
        &self,
        action: &Action,
        directory: Option<&Path>,
        (carries, seen): (bool, bool),
    ) -> Option<(String, String)> {
        let act = |act: TaintedAct, what: &str| {
            Some((format!("taint.ask[{}]", act.as_str()), what.to_owned()))
        };
        match action {
            Action::ToolCall(call) => self.call(|calls| calls.decide_in(call, directory)),
            Action::Exec(exec) => self.call(|calls| calls.decide_exec(exec)).or_else(|| {
                let plain = git::without_options(exec)?;
                self.call(|calls| calls.decide_exec(&plain))
            }),
            Action::Request(request) => {
                let facts = Facts::of(request);
                let fits = |table: &[HttpMatch]| {
                    table.iter().any(|one| facts.fit_head(one, Effect::Deny) != Fit::No)
                };
                if self.has(TaintedAct::Push) && fits(pushes()) {
                    return act(TaintedAct::Push, "by this request commits leave");
                }
                if self.has(TaintedAct::Publish) && fits(publishes()) {
                    return act(TaintedAct::Publish, "this request publishes something");
                }
                // Of what follows an upgrade (a WebSocket) nothing is decided.
                let upgrades = || request.headers.iter().any(|(name, _)| name == "upgrade");
                let sends =
                    || !SAFE.contains(&request.method.as_str()) || upgrades() || fits(changes());
                if self.has(TaintedAct::Send) && sends() {
                    return act(TaintedAct::Send, "this request sends something");
                }
                if self.has(TaintedAct::Secrets) && carries {
                    return act(TaintedAct::Secrets, "this request carries a credential");
                }
                None
            }
            // Each request of it is decided by itself.
            Action::Connect { .. } if seen => None,
            Action::Connect { host, port, .. } => {
                let signs = host.as_ref().is_some_and(|host| self.signs.contains(host));
                if self.has(TaintedAct::Secrets) && signs {
                    return act(TaintedAct::Secrets, "on this connection a key signs");
                }
                if self.has(TaintedAct::Push) && GIT_PORTS.contains(port) {
                    return act(TaintedAct::Push, "by this connection commits may leave");
                }
                if self.has(TaintedAct::Send) {
                    return act(TaintedAct::Send, "nobody looks into this connection");
                }
                None
            }
            _ => None,
        }
    }

    fn call(&self, decide: impl FnOnce(&Permissions) -> Decision) -> Option<(String, String)> {
        let calls = match &self.calls {
            Ok(calls) => calls,
            Err(why) => {
                return Some(("taint.ask".into(), format!("its rules cannot be used ({why})")));
            }
        };
        let decision = decide(calls);
        if decision.verdict != Verdict::Ask {
            return None;
        }
        let rule = decision.rule?;
        let (_, word) = self.words.iter().find(|(own, _)| *own == rule)?;
        Some((word.clone(), format!("{word} names it")))
    }

    /// What an act that is permitted brings in.
    pub(crate) fn brings(&self, action: &Action, decision: &Decision) -> Option<Untrusted> {
        match action {
            Action::ToolCall(call) => of_call(call),
            Action::Connect { host, .. } => self.of_host(host.as_ref(), decision),
            Action::Request(request) => {
                self.of_host(Some(&request.host), decision).or_else(|| of_request(request))
            }
            _ => None,
        }
    }

    fn of_host(&self, host: Option<&HostName>, decision: &Decision) -> Option<Untrusted> {
        let named = |host: &HostName| self.taint.hosts.iter().any(|one| one.matches(host));
        if host.is_some_and(named) {
            return Some(Untrusted::Hosts);
        }
        // The operator is asked for a destination that no rule names, and for what was named above.
        (decision.rule.as_deref() == Some(APPROVED)).then_some(Untrusted::UnknownHosts)
    }
}

fn of_call(call: &ToolCall) -> Option<Untrusted> {
    match Permissions::meaning(call) {
        Meaning::Fetch(_) | Meaning::WebSearch => Some(Untrusted::Web),
        _ if call.seen == ToolSeen::Mcp || call.name.starts_with("mcp__") => Some(Untrusted::Mcp),
        _ => None,
    }
}

fn of_request(request: &Request) -> Option<Untrusted> {
    let Body::Read(facts) = &request.body else { return None };
    let called = facts.rpc.iter().flatten().any(|message| message.tool.is_some());
    called.then_some(Untrusted::Mcp)
}

fn texts(all: &[&str]) -> Vec<TextPattern> {
    all.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Git over HTTP: <https://git-scm.com/docs/http-protocol>.
fn pushes() -> &'static [HttpMatch] {
    static TABLE: OnceLock<Vec<HttpMatch>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let at = |path: &str| HttpMatch {
            paths: path.parse().into_iter().collect(),
            ..HttpMatch::default()
        };
        let service = ("service".to_owned(), texts(&["git-receive-pack"]));
        let asks = HttpMatch { query: [service].into(), ..at("/**/info/refs") };
        vec![at("/**/git-receive-pack"), asks]
    })
}

/// Registries, and the methods by which something new comes into them.
fn publishes() -> &'static [HttpMatch] {
    static TABLE: OnceLock<Vec<HttpMatch>> = OnceLock::new();
    const REGISTRIES: &[(&str, &[&str])] = &[
        ("registry.npmjs.org", &["PUT"]),
        ("npm.pkg.github.com", &["PUT"]),
        ("registry.yarnpkg.com", &["PUT"]),
        ("upload.pypi.org", &["POST"]),
        ("test.pypi.org", &["POST"]),
        ("crates.io", &["PUT"]),
        ("rubygems.org", &["POST"]),
        ("www.nuget.org", &["PUT"]),
        ("registry-1.docker.io", &["PUT", "POST", "PATCH"]),
        ("ghcr.io", &["PUT", "POST", "PATCH"]),
        ("quay.io", &["PUT", "POST", "PATCH"]),
        ("uploads.github.com", &["POST"]),
        ("central.sonatype.com", &["PUT", "POST"]),
    ];
    TABLE.get_or_init(|| {
        let one = |(host, methods): &(&str, &[&str])| HttpMatch {
            hosts: host.parse::<HostPattern>().into_iter().collect(),
            methods: methods.iter().map(|&method| method.to_owned()).collect(),
            ..HttpMatch::default()
        };
        REGISTRIES.iter().map(one).collect()
    })
}

fn changes() -> &'static [HttpMatch] {
    static TABLE: OnceLock<Vec<HttpMatch>> = OnceLock::new();
    TABLE.get_or_init(|| {
        vec![HttpMatch { methods: CHANGING.map(str::to_owned).into(), ..HttpMatch::default() }]
    })
}

#[cfg(test)]
mod tests;
