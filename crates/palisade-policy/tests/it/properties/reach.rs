//! What a policy permits, as far as probes find out.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use palisade_core::{Action, Caller, Program, TlsName};
use palisade_engine::Engine;
use palisade_policy::{Access, Policy, ProcessLimits};
use serde_json::Value;

use super::documents::{HOSTS, MODELS, PATHS, VARIABLES};
use crate::world::World;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Files {
    Nothing,
    Read,
    Write,
}

/// All that was found.
#[derive(Debug)]
pub(super) struct Reach {
    files: BTreeMap<PathBuf, Files>,
    /// Writable by its own name, and so not protected.
    named: BTreeSet<PathBuf>,
    connections: BTreeSet<String>,
    /// Whether what no rule names is asked for.
    asks: bool,
    /// Ports on the host's loopback.
    published: BTreeSet<u16>,
    hosts: BTreeMap<String, String>,
    /// The provider and the name that each model goes to.
    models: BTreeMap<&'static str, String>,
    calls: BTreeSet<String>,
    passed: BTreeSet<&'static str>,
    set: BTreeMap<String, String>,
    limits: ProcessLimits,
    workspace: Option<(PathBuf, Access)>,
    hooks: BTreeSet<String>,
}

/// Addresses that a name may have when it is dialled.
const ADDRESSES: [&str; 5] =
    ["8.8.8.8", "10.1.2.3", "169.254.169.254", "100.100.100.200", "127.0.0.1"];

impl Reach {
    pub(super) fn of(policy: &Policy, world: &World) -> Self {
        let workspace = policy.filesystem.workspace.as_ref();
        let globs = globs(policy);
        let mut files = BTreeMap::new();
        for text in PATHS {
            for name in ["", "/x", "/x/.env", "/key.pem"] {
                let path = absolute(text, world);
                let path = PathBuf::from(format!("{}{name}", path.display()));
                files.insert(path.clone(), file(policy, &globs, &path));
            }
        }
        let named = policy.filesystem.grants.iter().filter(|grant| grant.writable);
        let below = |path: &Path| path.strip_prefix(world.at("")).unwrap_or(path).to_owned();
        let named = named.filter(|grant| palisade_policy::may_be_protected(&below(&grant.path)));
        let inference = policy.inference.as_ref();
        let mut models = BTreeMap::new();
        for model in MODELS {
            let pattern = |pattern: &str| super::documents::matches(pattern, model);
            let route =
                inference.and_then(|all| all.routes.iter().find(|route| pattern(&route.model)));
            let Some(route) = route else { continue };
            let provider = &inference.unwrap().providers[&route.to];
            models.insert(model, format!("{provider:?} as {:?}", route.rename));
        }
        Self {
            files,
            named: named.map(|grant| grant.path.clone()).collect(),
            connections: connections(policy).into_iter().chain(requests(policy)).collect(),
            asks: policy.network.ask,
            published: policy.network.expose.clone(),
            hosts: policy
                .network
                .hosts
                .iter()
                .map(|(name, addresses)| (name.to_string(), format!("{addresses:?}")))
                .collect(),
            models,
            calls: policy.process.syscalls.allow.clone(),
            passed: VARIABLES
                .into_iter()
                .filter(|name| policy.process.pass.iter().any(|pass| passes(pass, name)))
                .collect(),
            set: policy.process.set.clone(),
            limits: policy.process.limits,
            workspace: workspace.map(|workspace| (workspace.path.clone(), workspace.access)),
            hooks: policy
                .hooks
                .iter()
                .map(|(event, hook)| format!("{event} {} {:?}", hook.handler, hook.on_error))
                .collect(),
        }
    }

    /// What this permits, and the other does not.
    pub(super) fn beyond(&self, other: &Self) -> Vec<String> {
        let mut beyond = self.files_beyond(other);
        beyond.extend(self.workspace_beyond(other));
        beyond.extend(self.connections.difference(&other.connections).cloned());
        beyond.extend(self.published.difference(&other.published).map(ToString::to_string));
        let models = self.models.iter().filter(|(model, _)| !other.models.contains_key(*model));
        beyond.extend(models.map(|(model, _)| format!("the model {model}")));
        beyond.extend(self.calls.difference(&other.calls).cloned());
        beyond.extend(self.passed.difference(&other.passed).map(|name| (*name).to_owned()));
        beyond.extend(self.limits_beyond(other));
        if self.asks && !other.asks {
            beyond.push("asking for what no rule names".to_owned());
        }
        // A hook runs outside.
        beyond.extend(self.hooks.difference(&other.hooks).cloned());
        beyond
    }

    /// What both permit, and this in another way.
    pub(super) fn changed(&self, other: &Self) -> Vec<String> {
        let mut changed = Vec::new();
        if self.set != other.set {
            changed.push(format!("{:?}", self.set));
        }
        if self.hosts != other.hosts {
            changed.push(format!("{:?}", self.hosts));
        }
        if self.models != other.models {
            changed.push(format!("{:?}", self.models));
        }
        changed
    }

    /// What this permits beyond a managed document, in what that document has.
    pub(super) fn beyond_managed(&self, managed: &Self, document: &Value) -> Vec<String> {
        let has = |path: &str| document.pointer(path).is_some();
        let mut beyond = Vec::new();
        // A workspace is no grant: it is bounded by its own keys.
        let own_workspace = has("/filesystem/workspace/path");
        if (has("/filesystem/read") || has("/filesystem/write")) && own_workspace {
            beyond.extend(self.files_beyond(managed));
        }
        if own_workspace || has("/filesystem/workspace/access") {
            let (path, access) = managed.workspace.clone().unwrap();
            let (now, now_access) = self.workspace.clone().unwrap();
            if own_workspace && !now.starts_with(&path) {
                beyond.push(format!("the workspace {}", now.display()));
            }
            if has("/filesystem/workspace/access") && now_access > access {
                beyond.push(format!("{now_access:?}"));
            }
        }
        if has("/network/expose") {
            beyond.extend(self.published.difference(&managed.published).map(ToString::to_string));
        }
        if has("/network/rules") {
            beyond.extend(self.connections.difference(&managed.connections).cloned());
        }
        for (name, addresses) in &managed.hosts {
            if self.hosts.get(name) != Some(addresses) {
                beyond.push(format!("the addresses of {name}"));
            }
        }
        if has("/inference/routes") {
            let models = self.models.iter();
            let other = models.filter(|(model, to)| managed.models.get(*model) != Some(*to));
            beyond.extend(other.map(|(model, to)| format!("the model {model} to {to}")));
        }
        if has("/process/syscalls/allow") {
            beyond.extend(self.calls.difference(&managed.calls).cloned());
        }
        if has("/process/environment/pass") {
            beyond.extend(self.passed.difference(&managed.passed).map(|name| (*name).to_owned()));
        }
        for (name, value) in &managed.set {
            if self.set.get(name) != Some(value) {
                beyond.push(format!("the variable {name}"));
            }
        }
        beyond.extend(self.limits_beyond(managed));
        beyond
    }

    fn files_beyond(&self, other: &Self) -> Vec<String> {
        let files = self.files.iter().filter(|(path, files)| *files > &other.files[*path]);
        let named = self.named.difference(&other.named);
        let named =
            named.filter(|path| self.files.get(*path).is_some_and(|at| *at == Files::Write));
        files.map(|(path, _)| path).chain(named).map(|path| path.display().to_string()).collect()
    }

    fn workspace_beyond(&self, other: &Self) -> Vec<String> {
        match (&self.workspace, &other.workspace) {
            (None, _) => Vec::new(),
            (Some((path, access)), Some((other, most)))
                if path.starts_with(other) && access <= most =>
            {
                Vec::new()
            }
            (Some(workspace), _) => vec![format!("{workspace:?}")],
        }
    }

    fn limits_beyond(&self, other: &Self) -> Vec<String> {
        let above = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(one), Some(other)) => one > other,
        };
        let seconds = |of: &ProcessLimits| of.wall_time.map(|time| time.as_secs());
        let (mine, most) = (&self.limits, &other.limits);
        let all = [
            ("memory", above(mine.memory, most.memory)),
            ("processes", above(mine.processes, most.processes)),
            ("open_files", above(mine.open_files, most.open_files)),
            ("wall_time", above(seconds(mine), seconds(most))),
        ];
        all.into_iter().filter(|(_, above)| *above).map(|(name, _)| name.to_owned()).collect()
    }
}

fn absolute(text: &str, world: &World) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => world.at("home").join(rest),
        None => world.at("work").join(text),
    }
}

/// What may be done with a file: the nearest says so, unless something denies it.
fn file(policy: &Policy, globs: &GlobSet, path: &Path) -> Files {
    let named = policy.filesystem.deny.iter().filter(|deny| !deny.glob);
    let denied = named.into_iter().any(|deny| path.starts_with(&deny.pattern))
        || path.ancestors().any(|above| globs.is_match(above));
    if denied {
        return Files::Nothing;
    }
    let grants = policy.filesystem.grants.iter().filter(|grant| path.starts_with(&grant.path));
    let granted = grants.map(|grant| if grant.writable { Files::Write } else { Files::Read });
    let workspace = policy.filesystem.workspace.as_ref();
    let workspace = workspace.filter(|workspace| path.starts_with(&workspace.path));
    let in_workspace = workspace.map(|workspace| match workspace.access {
        Access::ReadOnly => Files::Read,
        Access::ReadWrite | Access::Overlay => Files::Write,
    });
    granted.chain(in_workspace).max().unwrap_or(Files::Nothing)
}

fn globs(policy: &Policy) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for deny in policy.filesystem.deny.iter().filter(|deny| deny.glob) {
        set.add(GlobBuilder::new(&deny.pattern).literal_separator(true).build().unwrap());
    }
    set.build().unwrap()
}

/// Programs that the documents name, and another one.
fn callers() -> [(&'static str, Caller); 3] {
    let known = |path: &'static str| {
        let program = Program {
            path: path.to_owned(),
            digest: Some([0xaa; 32]),
            changeable: false,
            script: None,
            ancestors: Vec::new(),
            lineage: palisade_core::Lineage::default(),
            skills: Vec::new(),
        };
        (path, Caller::Known([program].into()))
    };
    [("nobody", Caller::Unasked), known("/usr/bin/git"), known("/opt/x/bin/node")]
}

fn connections(policy: &Policy) -> BTreeSet<String> {
    let engine = Engine::new(policy);
    let mut all = BTreeSet::new();
    for port in [22, 80, 443] {
        for address in ADDRESSES {
            let address: SocketAddr = format!("{address}:{port}").parse().unwrap();
            let hosts =
                HOSTS.into_iter().filter(|host| !host.contains('*')).map(Some).chain([None]);
            for host in hosts {
                let name = host.map(|host| host.parse::<palisade_core::HostName>().unwrap());
                let tls = name.clone().map_or(TlsName::NotTls, TlsName::Named);
                for (who, caller) in callers() {
                    let (host, address, tls) = (name.clone(), Some(address), tls.clone());
                    let action = Action::Connect { host, port, address, tls, caller };
                    if engine.decide(&action).is_allowed() {
                        all.insert(format!("{name:?} at {address:?} by {who}"));
                    }
                }
            }
        }
    }
    all
}

/// Requests that are permitted.
fn requests(policy: &Policy) -> BTreeSet<String> {
    let engine = Engine::new(policy);
    let mut all = BTreeSet::new();
    for host in HOSTS.into_iter().filter(|host| !host.contains('*')) {
        for port in [22, 80, 443] {
            for (method, path) in ["GET", "POST", "PUT"]
                .into_iter()
                .flat_map(|it| ["/", "/a", "/a/b"].map(|p| (it, p)))
            {
                let mut request = palisade_core::Request {
                    host: host.parse().unwrap(),
                    port,
                    tls: true,
                    address: None,
                    method: method.into(),
                    path: path.into(),
                    query: None,
                    headers: Vec::new(),
                    body: palisade_core::Body::Unread,
                    caller: Caller::Unasked,
                };
                let each =
                    asked().into_iter().flat_map(|one| callers().map(|who| (one.clone(), who)));
                for ((what, query, header, body), (who, caller)) in each {
                    request.caller = caller;
                    request.query = query;
                    request.headers =
                        header.map(|value| ("x".to_owned(), value)).into_iter().collect();
                    request.body = body;
                    let subject = format!("{} {what} by {who}", request.subject());
                    let action = Action::Request(Box::new(request.clone()));
                    if engine.decide(&action).is_allowed() {
                        all.insert(subject);
                    }
                }
            }
        }
    }
    all
}

type Asked = (&'static str, Option<Vec<u8>>, Option<Vec<u8>>, palisade_core::Body);

/// What a request may have besides its method and path.
fn asked() -> Vec<Asked> {
    use palisade_core::{Body, BodyFacts, RpcMessage};
    let rpc = |method: Option<&str>, tool: Option<&str>| {
        let text = |text: Option<&str>| text.map(ToOwned::to_owned);
        let message = RpcMessage { method: text(method), tool: text(tool) };
        Body::Read(BodyFacts { rpc: Some(vec![message]), graphql: None })
    };
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    vec![
        ("", None, None, Body::Unread),
        ("q=1", bytes("q=1"), None, Body::Unread),
        ("q=3", bytes("q=3"), None, Body::Unread),
        ("x: 1", None, bytes("1"), Body::Unread),
        ("x: 3", None, bytes("3"), Body::Unread),
        ("empty", None, None, Body::Read(BodyFacts::default())),
        ("refused", None, None, Body::Refused("it is broken".to_owned())),
        ("ping", None, None, rpc(Some("ping"), None)),
        ("list", None, None, rpc(Some("tools/list"), None)),
        ("read", None, None, rpc(Some("tools/call"), Some("read"))),
        ("write", None, None, rpc(Some("tools/call"), Some("write"))),
        ("answer", None, None, rpc(None, None)),
    ]
}

fn passes(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}
