//! Many documents to one policy: lists add up, the nearest scalar wins, a deny always wins.

use std::collections::BTreeMap;

use palisade_core::PolicyDigest;

use crate::{
    at::{At, Place},
    ceiling,
    diagnostic::{Diagnostic, Diagnostics},
    draft::{Draft, Layer},
    policy::{
        Access, Api, Filesystem, Grant, HeaderCredential, Inference, Network, NotBuilt, Policy,
        Process, ProcessLimits, Syscalls, Workspace,
    },
};

/// Join documents, the nearest first.
pub(crate) fn merge(drafts: &[Draft], access: Option<Access>) -> Result<Policy, Diagnostics> {
    let mut found = ceiling::check(drafts);
    let inference = inference(drafts, &mut found);
    keys_stay_outside(drafts, &mut found);
    Diagnostics::unless_empty(found)?;
    let filesystem = filesystem(drafts, access);
    let network = network(drafts);
    let process = process(drafts);
    let canonical =
        serde_json::to_vec(&(&filesystem, &network, &process, &inference)).unwrap_or_default();
    Ok(Policy {
        digest: PolicyDigest::of(&canonical),
        sources: drafts.iter().map(|draft| draft.source.clone()).collect(),
        filesystem,
        network,
        process,
        inference,
        not_built: not_built(drafts),
    })
}

fn filesystem(drafts: &[Draft], over: Option<Access>) -> Filesystem {
    let path = drafts.iter().find_map(|draft| draft.workspace.as_ref());
    let access = drafts.iter().find_map(|draft| draft.access.as_ref());
    let ceiling = drafts
        .iter()
        .filter(|draft| draft.origin.layer == Layer::Managed)
        .find_map(|draft| draft.access.as_ref());
    let workspace = (access.is_some() || over.is_some()).then(|| Workspace {
        path: path.map(|path| path.value.clone()).unwrap_or_else(|| {
            drafts.first().map(|draft| draft.origin.workspace_dir.clone()).unwrap_or_default()
        }),
        access: match (ceiling, over, access) {
            (Some(managed), _, _) if managed.value == Access::ReadOnly => Access::ReadOnly,
            (_, Some(over), _) => over,
            (_, None, Some(access)) => access.value,
            (_, None, None) => Access::ReadWrite,
        },
    });
    let mut grants: Vec<Grant> = Vec::new();
    for grant in drafts.iter().flat_map(|draft| &draft.grants) {
        match grants.iter_mut().find(|known| known.path == grant.value.path) {
            Some(known) => {
                known.writable |= grant.value.writable;
                known.required |= grant.value.required;
            }
            None => grants.push(grant.value.clone()),
        }
    }
    let mut deny: Vec<crate::policy::Deny> = Vec::new();
    for entry in drafts.iter().flat_map(|draft| &draft.deny) {
        if !deny.iter().any(|known| known.pattern == entry.value.pattern) {
            deny.push(entry.value.clone());
        }
    }
    Filesystem { workspace, grants, deny }
}

fn network(drafts: &[Draft]) -> Network {
    let mut network = Network::default();
    for draft in drafts {
        for (name, addresses) in &draft.hosts {
            network.hosts.entry(name.clone()).or_insert_with(|| addresses.value.clone());
        }
        network.rules.extend(draft.rules.iter().map(|rule| rule.value.clone()));
    }
    network
}

fn process(drafts: &[Draft]) -> Process {
    let limits = ProcessLimits {
        memory: nearest(drafts, |limits| limits.memory),
        processes: nearest(drafts, |limits| limits.processes),
        cpu_thousandths: nearest(drafts, |limits| limits.cpu_thousandths),
        open_files: nearest(drafts, |limits| limits.open_files),
        disk: nearest(drafts, |limits| limits.disk),
        scratch: nearest(drafts, |limits| limits.scratch),
        wall_time: nearest(drafts, |limits| limits.wall_time),
    };
    let mut syscalls = Syscalls::default();
    let (mut pass, mut set) = (std::collections::BTreeSet::new(), BTreeMap::new());
    for draft in drafts {
        syscalls.allow.extend(draft.syscalls.value.allow.iter().cloned());
        syscalls.deny.extend(draft.syscalls.value.deny.iter().cloned());
        pass.extend(draft.pass.iter().map(|name| name.value.clone()));
        for (name, value) in &draft.set {
            set.entry(name.clone()).or_insert_with(|| value.value.clone());
        }
    }
    syscalls.allow.retain(|name| !syscalls.deny.contains(name));
    Process { limits, syscalls, pass, set }
}

/// The nearest limit, but no more than the managed one: that is a ceiling, and others may be lower.
fn nearest<T: Ord>(drafts: &[Draft], of: impl Fn(&ProcessLimits) -> Option<T>) -> Option<T> {
    let first = |managed: bool| {
        drafts
            .iter()
            .filter(|draft| (draft.origin.layer == Layer::Managed) == managed)
            .find_map(|draft| of(&draft.limits.value))
    };
    match (first(true), first(false)) {
        (Some(ceiling), Some(nearest)) => Some(ceiling.min(nearest)),
        (ceiling, nearest) => ceiling.or(nearest),
    }
}

fn inference(drafts: &[Draft], found: &mut Vec<Diagnostic>) -> Option<Inference> {
    let mut credentials: BTreeMap<&str, &Option<HeaderCredential>> = BTreeMap::new();
    for draft in drafts {
        for (name, credential) in &draft.credentials {
            credentials.entry(name).or_insert(&credential.value);
        }
    }
    for draft in drafts {
        for name in draft.uses.iter().filter(|name| !credentials.contains_key(&*name.value)) {
            found.push(draft.wrong(
                name.place,
                format!("there is no credential `{}`", crate::draft::shown(&name.value)),
                "add it to `credentials`, or correct the name",
            ));
        }
    }
    let mut providers = BTreeMap::new();
    let mut routes = Vec::new();
    for draft in drafts {
        for (name, provider) in &draft.providers {
            let mut resolved = provider.value.provider.clone();
            let credential = provider.value.credential.as_ref();
            resolved.credential = credential
                .and_then(|name| credentials.get(&*name.value))
                .and_then(|credential| (*credential).clone())
                .map(|credential| with_header(credential, resolved.api));
            providers.entry(name.clone()).or_insert(resolved);
        }
        routes.extend(draft.routes.iter().map(|route| (draft, route)));
    }
    for (draft, route) in &routes {
        if !providers.contains_key(&route.value.to) {
            found.push(draft.wrong(
                route.place,
                format!("there is no provider `{}`", crate::draft::shown(&route.value.to)),
                "add it to `inference.providers`, or correct the name",
            ));
        }
    }
    let routes: Vec<_> = routes.into_iter().map(|(_, route)| route.value.clone()).collect();
    (!providers.is_empty() || !routes.is_empty()).then_some(Inference { providers, routes })
}

/// The header that each API takes a key in, if the policy names none.
fn with_header(mut credential: HeaderCredential, api: Api) -> HeaderCredential {
    if credential.header.is_empty() {
        credential.header = match api {
            Api::Anthropic => "x-api-key: {secret}".to_owned(),
            Api::OpenAi => "authorization: Bearer {secret}".to_owned(),
        };
    }
    credential
}

/// A variable that a credential reads must not be passed as well: the key would be inside.
fn keys_stay_outside(drafts: &[Draft], found: &mut Vec<Diagnostic>) {
    let secrets: Vec<(&str, &str)> = drafts
        .iter()
        .flat_map(|draft| &draft.credentials)
        .filter_map(|(name, credential)| match &credential.value.as_ref()?.from {
            crate::policy::SecretSource::Env(variable) => Some((name.as_str(), variable.as_str())),
            _ => None,
        })
        .collect();
    for draft in drafts {
        for passed in &draft.pass {
            let passes = |variable: &str| match passed.value.strip_suffix('*') {
                Some(start) => variable.starts_with(start),
                None => passed.value == variable,
            };
            for (name, variable) in secrets.iter().filter(|(_, variable)| passes(variable)) {
                found.push(draft.wrong(
                    passed.place,
                    format!("this passes {variable}, the secret of the credential `{name}`"),
                    "do not pass it; inside, `expose` gives a placeholder",
                ));
            }
        }
    }
}

fn not_built(drafts: &[Draft]) -> Vec<NotBuilt> {
    drafts.iter().flat_map(|draft| draft.not_built.iter().cloned()).collect()
}

/// The place of a value that may have none.
pub(crate) fn place_of<T>(value: Option<&At<T>>) -> Place {
    value.map(|value| value.place).unwrap_or_default()
}
