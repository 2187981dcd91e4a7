//! One document, checked by itself: every path absolute, every name parsed, every error found.

mod alarms;
mod audit;
mod commands;
mod credentials;
mod filesystem;
mod hooks;
mod http;
mod inference;
mod model_limits;
mod network;
mod paths;
mod permissions;
mod process;
mod sections;
mod taint;
mod upstream;
mod url;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use palisade_core::HostName;
use serde::Serialize;

pub(crate) use self::{
    alarms::DraftAlarms,
    audit::{DraftAudit, DraftExport, DraftShip},
    hooks::DraftHook,
    permissions::DraftPermissions,
};
use crate::{
    at::{At, Given, Place},
    diagnostic::{Diagnostic, Diagnostics},
    document::{Document, Unknown},
    policy::{
        Access, AnswersBy, Credential, Deny, Grant, Guard, LocalOnly, ModelLimits, NetworkRule,
        NotBuilt, Provider, Route, ServerTool, Skills, Source, SshKeys, Upstream,
    },
    taint::Taint,
};

/// Whose authority a document has, the strongest first. A profile has that of whoever extends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Managed,
    CommandLine,
    Project,
    User,
}

impl Layer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Layer::Managed => "managed",
            Layer::CommandLine => "command line",
            Layer::Project => "project",
            Layer::User => "user",
        }
    }
}

/// Where a document comes from and what its paths start at.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) layer: Layer,
    /// Whether it came with Palisade. What it names is optional, and its values are the last.
    pub(crate) profile: bool,
    /// As it is shown.
    pub(crate) file: String,
    /// What relative paths start at.
    pub(crate) base: PathBuf,
    pub(crate) home: PathBuf,
    /// The workspace if no document names one.
    pub(crate) workspace_dir: PathBuf,
}

/// A document that is right by itself.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) origin: Origin,
    pub(crate) source: Source,
    /// Its text, for excerpts.
    pub(crate) text: String,
    pub(crate) extends: Vec<At<String>>,
    pub(crate) given: GivenLists,
    /// Where the section is, if there is one.
    pub(crate) workspace: Option<Place>,
    pub(crate) workspace_path: Option<At<PathBuf>>,
    pub(crate) access: Option<At<Access>>,
    pub(crate) grants: Vec<At<Grant>>,
    pub(crate) deny: Vec<At<Deny>>,
    pub(crate) hosts: BTreeMap<HostName, At<Vec<IpAddr>>>,
    pub(crate) rules: Vec<At<DraftRule>>,
    /// Whether destinations that no rule names are asked for.
    pub(crate) ask: Option<At<bool>>,
    pub(crate) approval_timeout: Option<Duration>,
    /// Who is told of questions.
    pub(crate) tells: DraftTells,
    pub(crate) expose: Vec<At<u16>>,
    pub(crate) credentials: BTreeMap<String, At<Option<Credential>>>,
    /// Those of the credentials that are ssh keys.
    pub(crate) ssh: BTreeMap<String, SshKeys>,
    pub(crate) upstream: Option<At<DraftUpstream>>,
    pub(crate) providers: BTreeMap<String, At<DraftProvider>>,
    pub(crate) routes: Vec<At<DraftRoute>>,
    pub(crate) server_tools: Vec<At<ServerTool>>,
    pub(crate) held: DraftHeld,
    /// Whether marks are turned back in answers.
    pub(crate) restore: Option<At<bool>>,
    pub(crate) limits: DraftLimits,
    pub(crate) calls: Vec<At<String>>,
    pub(crate) no_calls: Vec<At<String>>,
    pub(crate) pass: Vec<At<String>>,
    pub(crate) set: BTreeMap<String, At<String>>,
    pub(crate) hooks: Vec<At<DraftHook>>,
    pub(crate) permissions: Option<DraftPermissions>,
    pub(crate) skills: Skills,
    pub(crate) audit: DraftAudit,
    pub(crate) alarms: Option<DraftAlarms>,
    pub(crate) taint: Option<Taint>,
    pub(crate) later: Vec<Later>,
    /// Names of credentials that are used, to be found in some layer.
    pub(crate) uses: Vec<At<String>>,
    /// Credentials that are for certain programs alone.
    pub(crate) alone: Vec<At<String>>,
    /// Whether only what narrows is left of it.
    pub(crate) narrowed: bool,
}

/// The lists that a document has, be they empty: each that a managed document has is the most that
/// others may name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GivenLists {
    pub(crate) grants: bool,
    pub(crate) hosts: bool,
    pub(crate) rules: bool,
    pub(crate) expose: bool,
    pub(crate) providers: bool,
    pub(crate) routes: bool,
    pub(crate) server_tools: bool,
    pub(crate) calls: bool,
    pub(crate) pass: bool,
    pub(crate) audit: bool,
    pub(crate) allow: bool,
}

/// A rule with the name it was given, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftRule {
    pub(crate) rule: NetworkRule,
    pub(crate) name: Option<String>,
    /// Where it names its credential, if it does.
    pub(crate) credential: Option<Place>,
    /// Where it names its certificate, if it does.
    pub(crate) client_certificate: Option<Place>,
}

/// A proxy whose credential is still a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftUpstream {
    pub(crate) upstream: Upstream,
    pub(crate) credential: Option<At<String>>,
}

/// A provider whose credential is still a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftProvider {
    pub(crate) provider: Provider,
    pub(crate) credential: Option<At<String>>,
}

/// A route, and where it names its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftRoute {
    pub(crate) route: Route,
    pub(crate) to: Place,
    /// And those of its fallbacks.
    pub(crate) others: Vec<Place>,
}

/// What of `inference` only ever takes something away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DraftHeld {
    pub(crate) limits: Option<ModelLimits>,
    /// Whether secrets are taken out of what goes to a model.
    pub(crate) redact: bool,
    pub(crate) block_results: bool,
    pub(crate) guard: Option<Guard>,
    pub(crate) local_only: Option<LocalOnly>,
}

/// Limits, each with its place.
#[derive(Debug, Clone, Default)]
pub(crate) struct DraftLimits {
    pub(crate) memory: Option<At<u64>>,
    pub(crate) processes: Option<At<u64>>,
    pub(crate) cpu_thousandths: Option<At<u64>>,
    pub(crate) open_files: Option<At<u64>>,
    pub(crate) disk: Option<At<u64>>,
    pub(crate) scratch: Option<At<u64>>,
    pub(crate) wall_time: Option<At<Duration>>,
}

/// Who is told of questions to the operator.
#[derive(Debug, Clone, Default)]
pub(crate) struct DraftTells {
    /// Where the desktop's notifications are asked for.
    pub(crate) desktop: Option<Place>,
    /// Who is asked besides.
    pub(crate) webhook: Option<At<AnswersBy>>,
}

/// Something that is asked for and not enforced yet.
#[derive(Debug, Clone)]
pub(crate) struct Later {
    pub(crate) asked: NotBuilt,
    pub(crate) place: Place,
    /// Whether it could give something, once it is built. What a rule has is judged with its rule.
    pub(crate) widens: bool,
}

/// Check a document.
pub(crate) fn draft(
    origin: Origin,
    source: Source,
    text: String,
    document: Document,
) -> Result<Draft, Diagnostics> {
    let mut check = Check { origin: &origin, text: &text, found: Vec::new(), later: Vec::new() };
    let files = filesystem::check(&mut check, document.filesystem.as_ref());
    let (hosts, mut rules, expose) = network::check(&mut check, document.network.as_ref());
    let upstream = document.network.as_ref().and_then(|network| network.upstream.as_ref());
    let upstream = upstream.and_then(|at| upstream::check(&mut check, at));
    let alone = commands::check(&mut check, &document, &mut rules);
    let ask = document.network.as_ref().and_then(|network| network.unknown.as_ref());
    let ask = ask.map(|at| At { value: at.value == Unknown::Ask, place: at.place });
    let approvals = document.approvals.as_ref().and_then(|at| at.value.timeout.as_ref());
    let approval_timeout = approvals.map(|timeout| timeout.value.0);
    let (credentials, ssh) = credentials::check(&mut check, &document.credentials);
    let (providers, routes) = inference::check(&mut check, document.inference.as_ref());
    let server_tools = inference::server_tools(document.inference.as_ref());
    let held = inference::narrows(&mut check, document.inference.as_ref(), || scope(&origin));
    let restore = document.inference.as_ref().and_then(|section| section.restore.clone());
    let process = process::check(&mut check, document.process.as_ref());
    let hooks = hooks::check(&mut check, &document);
    let folder = files.workspace_path.as_ref().map(|path| path.value.clone());
    let permissions = permissions::check(&mut check, &document, folder);
    let mut deny = files.deny;
    permissions::hide(permissions.as_ref(), &mut deny);
    let alarms = alarms::check(&mut check, &document);
    let taint = taint::check(&mut check, &document);
    let tells = sections::tells(&mut check, &document);
    let skills = sections::skills(&mut check, &document);
    let audit = audit::check(&mut check, &document);
    let given = given(&document);
    let uses = commands::credentials_of(&document);
    let Check { found, later, .. } = check;
    Diagnostics::unless_empty(found)?;
    Ok(Draft {
        source,
        extends: document.extends,
        given,
        workspace: files.workspace,
        workspace_path: files.workspace_path,
        access: files.access,
        grants: files.grants,
        deny,
        hosts,
        rules,
        ask,
        approval_timeout,
        tells,
        expose,
        credentials,
        ssh,
        upstream,
        providers,
        routes,
        server_tools,
        held,
        restore,
        limits: process.limits,
        calls: process.calls,
        no_calls: process.no_calls,
        pass: process.pass,
        set: process.set,
        hooks,
        permissions,
        skills,
        audit,
        alarms,
        taint,
        later,
        uses,
        alone,
        narrowed: false,
        origin,
        text,
    })
}

/// What limits of this document are counted by: its file, whoever names it.
fn scope(origin: &Origin) -> String {
    if origin.profile {
        return origin.file.clone();
    }
    let name = Path::new(&origin.file).file_name().unwrap_or_default();
    origin.base.join(name).display().to_string()
}

fn given(document: &Document) -> GivenLists {
    let files = document.filesystem.as_ref();
    let network = document.network.as_ref();
    let inference = document.inference.as_ref();
    let process = document.process.as_ref();
    let calls = process.and_then(|process| process.syscalls.as_ref());
    let environment = process.and_then(|process| process.environment.as_ref());
    GivenLists {
        grants: files.is_some_and(|files| files.read.is_given() || files.write.is_given()),
        hosts: network.is_some_and(|network| network.hosts.is_given()),
        rules: network.is_some_and(|network| network.rules.is_given()),
        expose: network.is_some_and(|network| network.expose.is_given()),
        providers: inference.is_some_and(|inference| inference.providers.is_given()),
        routes: inference.is_some_and(|inference| inference.routes.is_given()),
        server_tools: inference.is_some_and(|inference| inference.server_tools.is_given()),
        calls: calls.is_some_and(|calls| calls.allow.is_given()),
        pass: environment.is_some_and(|environment| environment.pass.is_given()),
        audit: document.audit.is_some(),
        allow: document.permissions.as_ref().is_some_and(|it| it.value.allow.is_given()),
    }
}

/// What a check needs and finds.
pub(crate) struct Check<'a> {
    pub(crate) origin: &'a Origin,
    text: &'a str,
    found: Vec<Diagnostic>,
    later: Vec<Later>,
}

impl Check<'_> {
    fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Diagnostic::at(&self.origin.file, self.text, place, message, help));
    }

    /// Note what is asked for and not built, and would give something.
    fn not_built_and_widens(
        &mut self,
        what: impl Into<String>,
        place: Place,
        asked: &impl Serialize,
    ) {
        self.later(what, place, asked, true);
    }

    fn later(
        &mut self,
        what: impl Into<String>,
        place: Place,
        asked: &impl Serialize,
        widens: bool,
    ) {
        let at = format!("{}:{}:{}", self.origin.file, place.line, place.column);
        let value = serde_json::to_value(asked).unwrap_or_default();
        self.later.push(Later { asked: NotBuilt { what: what.into(), at, value }, place, widens });
    }

    fn path(&mut self, text: &At<String>) -> Option<PathBuf> {
        match paths::absolute(&text.value, self.origin) {
            Ok(path) => Some(path),
            Err(error) => {
                self.wrong(text.place, error.message, error.help);
                None
            }
        }
    }

    /// A list that is there and empty, where leaving it out would mean all.
    fn not_empty<T>(&mut self, list: &Given<Vec<T>>, name: &str, without: &str) {
        if let Some(place) = list.place.filter(|_| list.is_empty()) {
            self.wrong(
                place,
                format!("`{name}` is empty, so the rule can never match"),
                format!("add to it, or remove `{name}`: without it {without}"),
            );
        }
    }
}

impl Draft {
    /// A diagnostic about something in this document.
    pub(crate) fn wrong(
        &self,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic::at(&self.origin.file, &self.text, place, message, help)
    }

    /// Its file, for one that is no profile.
    pub(crate) fn path(&self) -> PathBuf {
        let name = Path::new(&self.origin.file).file_name().unwrap_or_default();
        self.origin.base.join(name)
    }

    /// The paths that it names to be shown.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let grants = self.grants.iter().map(|grant| &grant.value.path);
        grants.chain(self.workspace_path.iter().map(|path| &path.value))
    }

    pub(crate) fn is_managed(&self) -> bool {
        self.origin.layer == Layer::Managed
    }
}

/// Text for a message: escaped, and not longer than a line.
pub(crate) fn shown(text: &str) -> String {
    palisade_core::shown(text, 80)
}

/// Whether two paths of policies are the same. They have one form each, so their bytes tell: that is
/// much cheaper than to compare their parts, and it is asked of each two of a list.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    one.as_os_str() == other.as_os_str()
}

/// Whether a path is what is named, or lies in it.
pub(crate) fn covers(named: &Path, path: &Path) -> bool {
    path.starts_with(named)
}
