//! What the managed policy names is the most that any other document may grant.
//!
//! Each list that a managed document has, be it empty, is a ceiling of its own; what it does not
//! have it leaves to others.

use std::path::PathBuf;

use palisade_permissions::Mode;

use crate::{
    at::{At, Place},
    cover,
    diagnostic::Diagnostic,
    draft::{Draft, DraftProvider, DraftUpstream, GivenLists},
    load::Asked,
    merge::rank,
    policy::{Access, PermissionRule},
    real::{grants, holds},
};

const HELP: &str = "remove it, or have the managed policy changed by whoever keeps it";
const HELP_PROFILE: &str = "use another policy: `palisade policy show` prints this profile, as the \
                            start of one of your own";

/// Everything in other documents that goes beyond the managed ones. What a profile names beyond
/// them counts as well: a profile is chosen by the user.
pub(crate) fn check(drafts: &[&Draft], asked: &Asked) -> Vec<Diagnostic> {
    let (managed, others): (Vec<&Draft>, Vec<&Draft>) =
        drafts.iter().partition(|draft| draft.is_managed());
    let Some(first) = managed.first() else { return Vec::new() };
    let ceiling = Ceiling { managed: &managed };
    let mut found = Vec::new();
    if asked.ask && !ceiling.may_ask() {
        let message = "asking for what no rule names goes beyond the managed policy";
        let help = format!("see {}", first.origin.file);
        found.push(Diagnostic::of("palisade learn", message, help));
    }
    let most = ceiling.access();
    if let (Some(most), Some(over)) = (most, asked.access)
        && over > most
    {
        let message = "write access to the workspace goes beyond the managed policy";
        found.push(Diagnostic::of("--workspace", message, format!("see {}", first.origin.file)));
    }
    if ceiling.has(|given| given.expose) {
        for port in asked.expose.iter().filter(|port| !ceiling.exposes(**port)) {
            let message = format!("port {port} goes beyond the managed policy");
            let help = format!("see {}", first.origin.file);
            found.push(Diagnostic::of("--expose", message, help));
        }
    }
    for draft in others {
        let mut beyond = |place: Place, what: String| {
            let message = format!("{what} goes beyond the managed policy");
            let help = if draft.origin.profile { HELP_PROFILE } else { HELP };
            found.push(draft.wrong(place, message, help));
        };
        ceiling.files(draft, &mut beyond);
        ceiling.network(draft, &mut beyond);
        ceiling.models(draft, &mut beyond);
        ceiling.server_tools(draft, &mut beyond);
        ceiling.process(draft, &mut beyond);
        ceiling.permissions(draft, &mut beyond);
        ceiling.audit(draft, &mut beyond);
    }
    found
}

/// What may be done with the workspace: the nearest says so, and at most what the managed policy
/// says.
pub(crate) fn access(drafts: &[&Draft], over: Option<Access>) -> Access {
    let (managed, others): (Vec<&Draft>, Vec<&Draft>) =
        drafts.iter().partition(|draft| draft.is_managed());
    let most = Ceiling { managed: &managed }.access();
    let nearest = others.iter().find_map(|draft| draft.access.as_ref()).map(|at| at.value);
    let wanted = over.or(nearest).or(most).unwrap_or(Access::ReadWrite);
    most.map_or(wanted, |most| wanted.min(most))
}

/// The workspace's path, if any document names one: the nearest, below the managed one.
pub(crate) fn workspace<'a>(drafts: &[&'a Draft]) -> Option<&'a PathBuf> {
    let path = |managed: bool| {
        let mut of = drafts.iter().filter(|draft| draft.is_managed() == managed);
        of.find_map(|draft| draft.workspace_path.as_ref()).map(|path| &path.value)
    };
    path(false).or(path(true))
}

/// Whether destinations that no rule names are asked for: the nearest says so, then the managed
/// policy, beyond which none goes.
pub(crate) fn ask(drafts: &[&Draft]) -> bool {
    let said = |managed: bool| {
        let mut of = drafts.iter().filter(|draft| draft.is_managed() == managed);
        of.find_map(|draft| draft.ask.as_ref()).map(|at| at.value)
    };
    said(false).or(said(true)).unwrap_or(false)
}

struct Ceiling<'a> {
    managed: &'a [&'a Draft],
}

impl Ceiling<'_> {
    /// Whether a managed document has this list.
    fn has(&self, list: fn(&GivenLists) -> bool) -> bool {
        self.managed.iter().any(|draft| list(&draft.given))
    }

    fn exposes(&self, port: u16) -> bool {
        let mut ports = self.managed.iter().flat_map(|draft| &draft.expose);
        ports.any(|most| most.value == port)
    }

    fn access(&self) -> Option<Access> {
        self.managed.iter().find_map(|draft| draft.access.as_ref()).map(|at| at.value)
    }

    fn files(&self, draft: &Draft, beyond: &mut impl FnMut(Place, String)) {
        if let (Some(most), Some(access)) = (self.access(), &draft.access)
            && access.value > most
            && !draft.origin.profile
        {
            beyond(access.place, "this access to the workspace".to_owned());
        }
        let most = self.managed.iter().find_map(|draft| draft.workspace_path.as_ref());
        if let (Some(most), Some(path)) = (most, &draft.workspace_path)
            && !holds(&most.value, &path.value)
        {
            beyond(path.place, format!("the workspace {}", path.value.display()));
        }
        if !self.has(|given| given.grants) {
            return;
        }
        for At { value, place } in &draft.grants {
            let mut most = self.managed.iter().flat_map(|draft| &draft.grants);
            let within = most.any(|most| grants(&most.value, value));
            if !within {
                let how = if value.writable { "writing to" } else { "reading" };
                beyond(*place, format!("{how} {}", value.path.display()));
            }
        }
    }

    fn may_ask(&self) -> bool {
        let said = self.managed.iter().find_map(|draft| draft.ask.as_ref()).map(|at| at.value);
        said.unwrap_or(!self.has(|given| given.rules))
    }

    fn network(&self, draft: &Draft, beyond: &mut impl FnMut(Place, String)) {
        if let Some(ask) = draft.ask.as_ref().filter(|ask| ask.value && !self.may_ask()) {
            beyond(ask.place, "`network.unknown: ask`".to_owned());
        }
        if self.has(|given| given.rules) {
            for At { value, place } in draft.rules.iter().filter(|at| !at.value.rule.only_denies) {
                let mut rules = self.managed.iter().flat_map(|draft| &draft.rules);
                if !rules.any(|most| cover::rule(&most.value.rule, &value.rule)) {
                    beyond(*place, value.rule.rule.clone());
                }
            }
        }
        if self.has(|given| given.expose) {
            for port in draft.expose.iter().filter(|port| !self.exposes(port.value)) {
                beyond(port.place, format!("port {} on the host's loopback", port.value));
            }
        }
        // So is which machine connects there.
        if let Some(At { value, place }) = &draft.upstream
            && (self.has(|given| given.rules)
                || self.managed.iter().any(|draft| draft.upstream.is_some()))
        {
            let mut managed = self.managed.iter().filter_map(|draft| draft.upstream.as_ref());
            let credential = |of: &DraftUpstream| of.credential.as_ref().map(|at| at.value.clone());
            if !managed.any(|most| {
                most.value.upstream == value.upstream
                    && credential(&most.value) == credential(value)
            }) {
                beyond(*place, "this proxy".to_owned());
            }
        }
        // Where a name leads is a part of what a rule for it permits.
        if self.has(|given| given.rules || given.hosts) {
            for (name, addresses) in &draft.hosts {
                let same = |draft: &&Draft| {
                    draft.hosts.get(name).is_some_and(|most| most.value == addresses.value)
                };
                if !self.managed.iter().any(same) {
                    beyond(addresses.place, format!("an address for {name}"));
                }
            }
        }
    }

    fn models(&self, draft: &Draft, beyond: &mut impl FnMut(Place, String)) {
        if self.has(|given| given.providers) {
            for (name, provider) in &draft.providers {
                let same = |draft: &&Draft| {
                    let most = draft.providers.get(name);
                    most.is_some_and(|most| is_same(&most.value, &provider.value))
                };
                if !self.managed.iter().any(same) {
                    beyond(provider.place, format!("the provider `{name}`"));
                }
            }
        }
        if self.has(|given| given.routes) {
            for At { value, place } in &draft.routes {
                let mut routes = self.managed.iter().flat_map(|draft| &draft.routes);
                if !routes.any(|most| cover::model(&most.value.route.model, &value.route.model)) {
                    beyond(*place, format!("a route for the models `{}`", value.route.model));
                }
            }
        }
    }

    fn server_tools(&self, draft: &Draft, beyond: &mut impl FnMut(Place, String)) {
        if !self.has(|given| given.server_tools) {
            return;
        }
        for At { value, place } in &draft.server_tools {
            let mut tools = self.managed.iter().flat_map(|draft| &draft.server_tools);
            if !tools.any(|most| most.value == *value) {
                beyond(*place, format!("the tool `{}` at providers", value.as_str()));
            }
        }
    }

    fn permissions(&self, draft: &Draft, beyond: &mut impl FnMut(Place, String)) {
        let managed = || self.managed.iter().filter_map(|draft| draft.permissions.as_ref());
        let Some(asked) = &draft.permissions else { return };
        // Another mode than the default permits what no rule names, and so more than a list that is the most.
        let listed = self.has(|given| given.allow).then_some(Mode::Default);
        let modes = managed().filter_map(|most| most.mode.as_ref()).map(|mode| mode.value);
        let most = modes.min_by_key(|mode| rank(*mode)).or(listed);
        if let (Some(most), Some(mode)) = (most, &asked.mode)
            && rank(mode.value) > rank(most)
        {
            beyond(mode.place, "this `permissions.mode`".to_owned());
        }
        if listed.is_some() {
            for rule in &asked.allow {
                let mut known = managed().flat_map(|most| &most.allow);
                let covers = |most: &At<PermissionRule>| {
                    let (most, rule) = (&most.value, &rule.value);
                    most.text == rule.text
                        && (most.when.is_none() || most.when == rule.when)
                        && (most.base == rule.base || !is_of_its_folder(&most.text))
                };
                if !known.any(covers) {
                    beyond(rule.place, format!("the permission `{}`", rule.value.text));
                }
            }
        }
    }

    fn audit(&self, draft: &Draft, beyond: &mut impl FnMut(Place, String)) {
        if !self.has(|given| given.audit) {
            return;
        }
        let drafts = || self.managed.iter().map(|draft| &draft.audit);
        // A shorter time takes away what the managed policy keeps, a longer one keeps what it wants gone.
        if drafts().any(|managed| !managed.retain.is_empty()) {
            for (class, At { value, place }) in &draft.audit.retain {
                let same = |at: &At<u64>| at.value == *value;
                if !drafts().any(|managed| managed.retain.get(class).is_some_and(same)) {
                    beyond(*place, format!("another `audit.retain` for {class}"));
                }
            }
        }
        for At { value, place } in &draft.audit.exports {
            let mut most = self.managed.iter().flat_map(|draft| &draft.audit.exports);
            if !most.any(|most| most.value.is(value)) {
                beyond(*place, format!("events to {}", value.export.place()));
            }
        }
        if let Some(At { value, place }) = &draft.audit.ship {
            let mut most = self.managed.iter().flat_map(|draft| &draft.audit.ship);
            if !most.any(|most| most.value.is(value)) {
                beyond(*place, format!("sessions to {}", value.ship.place()));
            }
        }
    }

    fn process(&self, draft: &Draft, beyond: &mut impl FnMut(Place, String)) {
        if self.has(|given| given.calls) {
            for call in &draft.calls {
                let mut calls = self.managed.iter().flat_map(|draft| &draft.calls);
                if !calls.any(|most| most.value == call.value) {
                    beyond(call.place, format!("the system call {}", call.value));
                }
            }
        }
        if self.has(|given| given.pass) {
            for name in &draft.pass {
                let mut passed = self.managed.iter().flat_map(|draft| &draft.pass);
                if !passed.any(|most| cover::variable(&most.value, &name.value)) {
                    beyond(name.place, format!("the variable {}", name.value));
                }
            }
        }
    }
}

/// Whether the paths of a rule begin at the folder of the document that it stands in.
fn is_of_its_folder(rule: &str) -> bool {
    let path = rule.split_once('(').map_or("", |(_, path)| path.trim_start());
    path.starts_with('/') && !path.starts_with("//")
}

/// Whether two providers are one, wherever they are written.
fn is_same(one: &DraftProvider, other: &DraftProvider) -> bool {
    let credential = |of: &DraftProvider| of.credential.as_ref().map(|name| name.value.clone());
    one.provider == other.provider && credential(one) == credential(other)
}
