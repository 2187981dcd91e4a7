//! What a project's file asks for beyond everybody else's: code from a repository must not
//! widen its own sandbox before a person has read it.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    at::{At, Place},
    cover,
    diagnostic::Diagnostic,
    draft::{Draft, DraftLimits, DraftProvider, covers},
    merge::{self, rank},
    policy::{Access, Policy, Upstream},
    real::{grants, holds, real},
};

/// What the others give, which a project's file is compared with.
#[derive(Debug)]
pub(crate) struct Base<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) drafts: Vec<&'a Draft>,
}

/// A thing that a document adds, and where.
#[derive(Debug)]
struct Added {
    place: Place,
    what: String,
}

/// Each thing by which a project's documents, the nearest first, widen what the others give. What
/// the profiles that they build on add is told at the `extends`.
pub(crate) fn find(project: &[Draft], base: &Base<'_>, help: &str) -> Vec<Diagnostic> {
    let say = |draft: &Draft, place: Place, what: &str| {
        let message = format!("this project's policy is not trusted, and it adds {what}");
        draft.wrong(place, message, help)
    };
    let mut found = Vec::new();
    for draft in project.iter().filter(|draft| !draft.origin.profile) {
        found.extend(added(draft, base).iter().map(|added| say(draft, added.place, &added.what)));
        for name in &draft.extends {
            let profile = format!("profile {}", name.value);
            let of = project.iter().filter(|draft| draft.origin.profile);
            let of: Vec<&Draft> = of.filter(|draft| draft.origin.file == profile).collect();
            let all: Vec<Added> = of.iter().flat_map(|draft| added(draft, base)).collect();
            let what = match all.as_slice() {
                [] => continue,
                [one] => format!("the {profile}, with {}", one.what),
                [one, rest @ ..] => {
                    format!("the {profile}, with {} and {} more", one.what, rest.len())
                }
            };
            found.push(say(draft, name.place, &what));
        }
    }
    found
}

fn added(draft: &Draft, base: &Base<'_>) -> Vec<Added> {
    let mut all = Vec::new();
    let mut add = |place: Place, what: String| all.push(Added { place, what });
    files(draft, base, &mut add);
    network(draft, base, &mut add);
    models(draft, base, &mut add);
    process(draft, base, &mut add);
    permissions(draft, base, &mut add);
    if let Some(place) = draft.alarms.as_ref().and_then(|alarms| alarms.place_of_canaries) {
        add(place, "decoys".to_owned());
    }
    for At { value, place } in &draft.hooks {
        let known = base.policy.hooks.of(value.event);
        if !known.iter().any(|hook| hook.does_the_same(&value.hook)) {
            add(
                *place,
                format!("a hook for {}, which runs outside: {}", value.event, value.hook.handler),
            );
        }
    }
    let given = &base.policy.approvals;
    if let Some(place) = draft.tells.desktop.filter(|_| !given.desktop) {
        add(place, "notifications of questions on the desktop".to_owned());
    }
    if let Some(At { value, place }) = &draft.tells.webhook
        && given.webhook.as_ref() != Some(value)
    {
        add(*place, format!("a server that is told of questions: {}", value.url));
    }
    for At { value, place } in &draft.audit.exports {
        let known = base.drafts.iter().flat_map(|draft| &draft.audit.exports);
        if !known.into_iter().any(|known| known.value.is(value)) {
            let export = &value.export;
            add(*place, format!("a place that events are sent to: {}", export.place()));
        }
    }
    if let Some(At { value, place }) = &draft.audit.ship {
        let known = base.drafts.iter().flat_map(|draft| &draft.audit.ship);
        if !known.into_iter().any(|known| known.value.is(value)) {
            add(*place, format!("a place that sessions are shipped to: {}", value.ship.place()));
        }
    }
    for (class, At { value, place }) in &draft.audit.retain {
        if base.policy.audit.retain.get(class) != Some(value) {
            add(
                *place,
                format!("`audit.retain`, by which records of the class {class} are removed"),
            );
        }
    }
    for later in draft.later.iter().filter(|later| later.widens) {
        let known = |other: &&crate::policy::NotBuilt| {
            (&other.what, &other.value) == (&later.asked.what, &later.asked.value)
        };
        if !base.policy.not_built.iter().any(|other| known(&other)) {
            add(later.place, format!("`{}`", later.asked.what));
        }
    }
    all
}

/// Where the others have no rules for tool calls, all of them are permitted already.
fn permissions(draft: &Draft, base: &Base<'_>, add: &mut impl FnMut(Place, String)) {
    let (Some(asked), Some(given)) = (&draft.permissions, &base.policy.permissions) else { return };
    if let Some(mode) = &asked.mode
        && rank(mode.value) > rank(given.mode)
    {
        add(mode.place, "a `permissions.mode` that permits more".to_owned());
    }
    for rule in &asked.allow {
        if !given.allow.iter().any(|known| known.text == rule.value.text) {
            add(rule.place, format!("the permission `{}`", rule.value.text));
        }
    }
}

fn files(draft: &Draft, base: &Base<'_>, add: &mut impl FnMut(Place, String)) {
    let given = base.policy.filesystem.workspace.as_ref();
    if let Some(place) = draft.workspace.filter(|_| !draft.origin.profile) {
        let asked = draft.workspace_path.as_ref();
        match given {
            None => add(place, "a workspace".to_owned()),
            Some(given) => {
                if let Some(path) = asked.filter(|path| !holds(&given.path, &path.value)) {
                    add(path.place, format!("{} as the workspace", path.value.display()));
                }
                if let Some(access) = draft.access.as_ref().filter(|at| at.value > given.access) {
                    let what = match access.value {
                        Access::ReadWrite => "write access to the workspace",
                        Access::Overlay => "changes to the workspace, kept apart",
                        Access::ReadOnly => "read access to the workspace",
                    };
                    add(access.place, what.to_owned());
                }
            }
        }
    }
    for At { value, place } in &draft.grants {
        let known = base.policy.filesystem.grants.iter().any(|given| grants(given, value));
        if !known {
            let how = if value.writable { "writing to" } else { "reading" };
            add(*place, format!("{how} {}", value.path.display()));
        }
    }
}

fn network(draft: &Draft, base: &Base<'_>, add: &mut impl FnMut(Place, String)) {
    for (name, addresses) in &draft.hosts {
        if base.policy.network.hosts.get(name) != Some(&addresses.value) {
            add(addresses.place, format!("fixed addresses for {name}"));
        }
    }
    if let Some(ask) = draft.ask.as_ref().filter(|ask| ask.value && !base.policy.network.ask) {
        add(ask.place, "`network.unknown: ask`".to_owned());
    }
    for At { value, place } in &draft.expose {
        if !base.policy.network.expose.contains(value) {
            add(*place, format!("port {value} of the sandbox, on your loopback"));
        }
    }
    if let Some(At { value, place }) = &draft.upstream {
        let same = base.policy.network.upstream.as_ref().is_some_and(|known| {
            let with = known.credential.as_ref().map(|it| &it.name);
            let known = Upstream { credential: None, ..known.clone() };
            known == value.upstream && with == value.credential.as_ref().map(|at| &at.value)
        });
        if !same {
            add(*place, "a proxy that connections leave by".to_owned());
        }
    }
    for At { value, place } in &draft.rules {
        let known = |most| cover::rule(most, &value.rule);
        if !base.policy.network.rules.iter().any(known) {
            add(*place, format!("the network rule {}", value.rule.rule));
        }
    }
}

fn models(draft: &Draft, base: &Base<'_>, add: &mut impl FnMut(Place, String)) {
    let credentials = merge::credentials(&base.drafts);
    for (name, credential) in &draft.credentials {
        let known = credentials.get(name.as_str());
        let same = known.is_some_and(|known| known.is_some() && **known == credential.value);
        if !same {
            add(credential.place, format!("the credential `{name}`"));
        }
    }
    let providers = base.drafts.iter().rev().flat_map(|draft| &draft.providers);
    let providers: BTreeMap<&String, &At<DraftProvider>> = providers.collect();
    for (name, provider) in &draft.providers {
        let credential = |of: &DraftProvider| of.credential.as_ref().map(|at| at.value.clone());
        let same = providers.get(name).is_some_and(|known| {
            known.value.provider == provider.value.provider
                && credential(&known.value) == credential(&provider.value)
        });
        if !same {
            add(provider.place, format!("the model provider `{name}`"));
        }
    }
    // The first route that matches wins: only the same ones in the same order change nothing.
    let known = base.policy.inference.as_ref().map(|inference| inference.routes.as_slice());
    let mut known = known.unwrap_or_default().iter();
    for At { value, place } in &draft.routes {
        if known.next() != Some(&value.route) {
            let model = &value.route.model;
            add(*place, format!("a route for the models `{model}`, before yours"));
        }
    }
    let restores = base.policy.inference.as_ref().is_some_and(|inference| inference.restore);
    if let Some(at) = draft.restore.as_ref().filter(|at| at.value && !restores) {
        add(at.place, "that marks of secrets are turned back".to_owned());
    }
    let given = base.policy.inference.as_ref().map(|inference| &inference.server_tools);
    for At { value, place } in &draft.server_tools {
        if !given.is_some_and(|given| given.contains(value)) {
            add(*place, format!("the tool `{}` at providers", value.as_str()));
        }
    }
}

fn process(draft: &Draft, base: &Base<'_>, add: &mut impl FnMut(Place, String)) {
    let given = &base.policy.process;
    let DraftLimits { memory, processes, cpu_thousandths, open_files, disk, scratch, wall_time } =
        &draft.limits;
    let mut limit = |name: &str, place: Option<Place>| {
        if let Some(place) = place.filter(|_| !draft.origin.profile) {
            add(place, format!("a higher limit of {name}"));
        }
    };
    limit("memory", higher(memory.as_ref(), given.limits.memory));
    limit("processes", higher(processes.as_ref(), given.limits.processes));
    limit("cpus", higher(cpu_thousandths.as_ref(), given.limits.cpu_thousandths));
    limit("open_files", higher(open_files.as_ref(), given.limits.open_files));
    limit("disk", higher(disk.as_ref(), given.limits.disk));
    limit("scratch", higher(scratch.as_ref(), given.limits.scratch));
    limit("wall_time", higher(wall_time.as_ref(), given.limits.wall_time));
    for call in &draft.calls {
        if !given.syscalls.allow.contains(&call.value) {
            add(call.place, format!("the system call {}", call.value));
        }
    }
    for name in &draft.pass {
        if !given.pass.iter().any(|most| cover::variable(most, &name.value)) {
            add(name.place, format!("the variable {} of your environment", name.value));
        }
    }
    for (name, value) in &draft.set {
        if given.set.get(name) != Some(&value.value) {
            add(value.place, format!("a value for the variable {name}"));
        }
    }
}

fn higher<T: Ord + Copy>(asked: Option<&At<T>>, given: Option<T>) -> Option<Place> {
    asked.filter(|asked| given.is_some_and(|given| asked.value > given)).map(|asked| asked.place)
}

/// What a project's paths lead out to, trusted or not: a link in a repository decides nothing. `led` is
/// where they lead, as far as it was looked at already.
pub(crate) fn leaving(draft: &Draft, led: &BTreeMap<PathBuf, PathBuf>) -> Vec<Diagnostic> {
    let base = &draft.origin.base;
    let workspace = draft.workspace_path.iter().map(|at| (at.place, &at.value));
    let grants = draft.grants.iter().map(|at| (at.place, &at.value.path));
    workspace
        .chain(grants)
        .filter(|(_, path)| covers(base, path))
        .map(|(place, path)| (place, path, led.get(path).cloned().unwrap_or_else(|| real(path))))
        .filter(|(_, _, real_path)| !covers(&real(base), real_path))
        .map(|(place, path, real_path)| {
            draft.wrong(
                place,
                format!(
                    "{} leads out of the project's folder, to {}",
                    path.display(),
                    real_path.display()
                ),
                "write the path that it leads to, if that is meant; it is then to be trusted",
            )
        })
        .collect()
}
