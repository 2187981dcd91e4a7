//! Many documents to one policy: lists add up, the nearest scalar wins, a deny always wins, and
//! nothing goes beyond what a managed document says.

mod alarms;
mod audit;
mod permissions;
mod taint;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use palisade_core::SkillPolicy;
use palisade_hooks::{Config, Hook};

use crate::{
    at::At,
    ceiling,
    diagnostic::{Diagnostic, Diagnostics},
    digest::{self, Meant},
    draft::{Draft, DraftHook, DraftLimits, DraftRoute, DraftRule, same, shown},
    load::Asked,
    near::nearest,
    policy::{
        Access, Api, Approvals, AwsKey, Credential, Deny, Filesystem, Grant, HeaderCredential,
        Hosting, Inference, LocalOnly, Network, NotBuilt, Place, Policy, Process, ProcessLimits,
        Provider, SecretSource, Skills, Source, SshKeys, Syscalls, TRACING, Upstream, Workspace,
    },
    taint::Taint,
};

pub(crate) use permissions::rank;

/// Join documents, the nearest first, and what the command line asks for besides.
pub(crate) fn merge(drafts: &[Draft], asked: &Asked) -> Result<Policy, Diagnostics> {
    let drafts = &in_order(drafts);
    let mut found = ceiling::check(drafts, asked);
    let inference = inference(drafts, &mut found);
    let carried = carried(drafts, &mut found);
    let upstream = upstream(drafts, &mut found);
    keys_stay_outside(drafts, &mut found);
    alone(drafts, &mut found);
    let alarms = alarms::merged(drafts, &mut found);
    Diagnostics::unless_empty(std::mem::take(&mut found))?;
    let filesystem = filesystem(drafts, asked.access);
    let mut network =
        Network { credentials: carried, ssh: ssh(drafts), upstream, ..network(drafts) };
    network.expose.extend(&asked.expose);
    network.ask |= asked.ask;
    let process = process(drafts);
    let timeout = drafts.iter().find_map(|draft| draft.approval_timeout);
    let approvals = Approvals {
        timeout: timeout.unwrap_or_else(|| Approvals::default().timeout),
        desktop: drafts.iter().any(|draft| draft.tells.desktop.is_some()),
        webhook: drafts
            .iter()
            .find_map(|draft| draft.tells.webhook.as_ref())
            .map(|at| at.value.clone()),
    };
    let hooks = hooks(drafts);
    let permissions = permissions::merged(drafts);
    let taint = taint::merged(drafts, &network, permissions.as_ref());
    no_tracing(drafts, (&hooks, taint.as_ref()), &mut found);
    let skills = Skills {
        require: drafts.iter().map(|draft| draft.skills.require).max().unwrap_or_default(),
        block: drafts.iter().filter_map(|draft| draft.skills.block).min(),
        policies: of_skills(drafts),
    };
    let audit = audit::merged(drafts, &mut found);
    audit::kept_from_inside(drafts, (&filesystem, &network), &mut found);
    Diagnostics::unless_empty(found)?;
    let not_built: Vec<NotBuilt> = drafts
        .iter()
        .flat_map(|draft| draft.later.iter().map(|later| later.asked.clone()))
        .collect();
    Ok(Policy {
        digest: digest::of(&Meant {
            filesystem: &filesystem,
            network: &network,
            process: &process,
            inference: inference.as_ref(),
            approvals: &approvals,
            hooks: &hooks,
            permissions: permissions.as_ref(),
            audit: &audit,
            alarms: alarms.as_ref(),
            taint: taint.as_ref(),
            skills: &skills,
            not_built: &not_built,
        }),
        sources: sources(drafts),
        filesystem,
        network,
        process,
        inference,
        approvals,
        hooks,
        permissions,
        skills,
        audit,
        alarms,
        taint,
        not_built,
        led: BTreeMap::new(),
    })
}

/// What each document says of a skill narrows it, whoever wrote it.
fn of_skills(drafts: &[&Draft]) -> BTreeMap<String, Vec<SkillPolicy>> {
    let mut all: BTreeMap<String, Vec<SkillPolicy>> = BTreeMap::new();
    for (name, policies) in drafts.iter().flat_map(|draft| &draft.skills.policies) {
        let known = all.entry(name.clone()).or_default();
        for policy in policies {
            if !known.contains(policy) {
                known.push(policy.clone());
            }
        }
    }
    all
}

/// The managed documents, the others, and last what came with Palisade, whoever builds on it: a
/// profile is what everybody starts from, so any written value is nearer. Each profile once.
fn in_order(drafts: &[Draft]) -> Vec<&Draft> {
    let mut ordered: Vec<&Draft> = drafts.iter().collect();
    ordered.sort_by_key(|draft| (!draft.is_managed(), draft.origin.profile));
    let mut seen = BTreeSet::new();
    ordered.retain(|draft| {
        let key = (draft.is_managed(), draft.narrowed, &draft.origin.file);
        !draft.origin.profile || seen.insert(key)
    });
    ordered
}

fn sources(drafts: &[&Draft]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for draft in drafts {
        let of_alarms = draft.alarms.iter().flat_map(|of| &of.sources);
        for source in std::iter::once(&draft.source).chain(of_alarms) {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
    }
    sources
}

fn filesystem(drafts: &[&Draft], over: Option<Access>) -> Filesystem {
    let named = drafts.iter().any(|draft| draft.workspace.is_some());
    let workspace = (named || over.is_some()).then(|| Workspace {
        path: ceiling::workspace(drafts).cloned().unwrap_or_else(|| {
            drafts.first().map(|draft| draft.origin.workspace_dir.clone()).unwrap_or_default()
        }),
        access: ceiling::access(drafts, over),
    });
    let mut grants: Vec<Grant> = Vec::new();
    for grant in drafts.iter().flat_map(|draft| &draft.grants) {
        match grants.iter_mut().find(|known| same(&known.path, &grant.value.path)) {
            Some(known) => {
                known.writable |= grant.value.writable;
                known.required |= grant.value.required;
            }
            None => grants.push(grant.value.clone()),
        }
    }
    let mut deny: Vec<Deny> = Vec::new();
    for entry in drafts.iter().flat_map(|draft| &draft.deny) {
        if !deny.iter().any(|known| known.pattern == entry.value.pattern) {
            deny.push(entry.value.clone());
        }
    }
    number(&mut grants, &mut deny);
    Filesystem { workspace, grants, deny }
}

/// Rules without a name are numbered over all documents, so that no two are called the same.
fn number(grants: &mut [Grant], deny: &mut [Deny]) {
    let (mut read, mut write) = (0.., 0..);
    for grant in grants {
        let (list, next) =
            if grant.writable { ("write", write.next()) } else { ("read", read.next()) };
        grant.rule = format!("filesystem.{list}[{}]", next.unwrap_or(0));
    }
    for (index, entry) in deny.iter_mut().enumerate() {
        entry.rule = format!("filesystem.deny[{index}]");
    }
}

fn network(drafts: &[&Draft]) -> Network {
    let mut network = Network { ask: ceiling::ask(drafts), ..Network::default() };
    let mut ids = BTreeSet::new();
    for draft in drafts {
        for (name, addresses) in &draft.hosts {
            network.hosts.entry(name.clone()).or_insert_with(|| addresses.value.clone());
        }
        network.expose.extend(draft.expose.iter().map(|port| port.value));
        for At { value, .. } in &draft.rules {
            let mut rule = value.rule.clone();
            let name = value.name.clone().unwrap_or_else(|| network.rules.len().to_string());
            rule.rule = fresh_id(&mut ids, &name);
            network.rules.push(rule);
        }
    }
    network
}

/// The id of a rule, which no other has: two documents may have the same name, and the credential and the limits
/// of the one are not the other's.
fn fresh_id(ids: &mut BTreeSet<String>, name: &str) -> String {
    let mut id = format!("network.rules[{name}]");
    let mut number = 2_usize;
    while !ids.insert(id.clone()) {
        id = format!("network.rules[{name}+{number}]");
        number = number.saturating_add(1);
    }
    id
}

fn process(drafts: &[&Draft]) -> Process {
    let mut syscalls = Syscalls::default();
    let (mut pass, mut set) = (BTreeSet::new(), BTreeMap::new());
    let value = |at: &At<String>| at.value.clone();
    for draft in drafts {
        syscalls.allow.extend(draft.calls.iter().map(value));
        syscalls.deny.extend(draft.no_calls.iter().map(value));
        pass.extend(draft.pass.iter().map(value));
        for (name, value) in &draft.set {
            set.entry(name.clone()).or_insert_with(|| value.value.clone());
        }
    }
    syscalls.allow.retain(|name| !syscalls.deny.contains(name));
    Process { limits: limits(drafts), syscalls, pass, set }
}

fn limits(drafts: &[&Draft]) -> ProcessLimits {
    ProcessLimits {
        memory: least(drafts, |limits| &limits.memory),
        processes: least(drafts, |limits| &limits.processes),
        cpu_thousandths: least(drafts, |limits| &limits.cpu_thousandths),
        open_files: least(drafts, |limits| &limits.open_files),
        disk: least(drafts, |limits| &limits.disk),
        scratch: least(drafts, |limits| &limits.scratch),
        wall_time: least(drafts, |limits| &limits.wall_time),
    }
}

/// The nearest limit, and at most the managed one.
fn least<T: Copy + Ord>(
    drafts: &[&Draft],
    get: impl Fn(&DraftLimits) -> &Option<At<T>>,
) -> Option<T> {
    let nearest = |managed: bool| {
        let mut of = drafts.iter().filter(|draft| draft.is_managed() == managed);
        of.find_map(|draft| get(&draft.limits).as_ref()).map(|limit| limit.value)
    };
    match (nearest(true), nearest(false)) {
        (Some(managed), Some(other)) => Some(managed.min(other)),
        (managed, other) => managed.or(other),
    }
}

/// All hooks, each that does the same once, numbered by event.
pub(crate) fn hooks(drafts: &[&Draft]) -> Config {
    let mut config = Config::default();
    for DraftHook { event, hook } in
        drafts.iter().flat_map(|draft| &draft.hooks).map(|at| &at.value)
    {
        let of = config.events.entry(*event).or_default();
        if !of.iter().any(|known| known.does_the_same(hook)) {
            let rule = format!("hooks.{event}[{}]", of.len());
            of.push(Hook { rule, ..hook.clone() });
        }
    }
    config
}

/// The nearest credential of each name.
pub(crate) fn credentials<'a>(drafts: &[&'a Draft]) -> BTreeMap<&'a str, &'a Option<Credential>> {
    let mut credentials = BTreeMap::new();
    for draft in drafts {
        for (name, credential) in &draft.credentials {
            credentials.entry(name.as_str()).or_insert(&credential.value);
        }
    }
    credentials
}

fn inference(drafts: &[&Draft], found: &mut Vec<Diagnostic>) -> Option<Inference> {
    let credentials = credentials(drafts);
    for draft in drafts {
        for name in draft.uses.iter().filter(|name| !credentials.contains_key(&*name.value)) {
            found.push(draft.wrong(
                name.place,
                format!("there is no credential `{}`", shown(&name.value)),
                known(&name.value, "credentials", credentials.keys().copied()),
            ));
        }
    }
    let mut providers = BTreeMap::new();
    let mut routes = Vec::new();
    for draft in drafts {
        for (name, provider) in &draft.providers {
            let mut resolved = provider.value.provider.clone();
            let named = provider.value.credential.as_ref();
            let known = named.and_then(|name| Some((name, credentials.get(&*name.value)?)));
            if let Some((name, Some(credential))) = known {
                resolved.credential = with_header(credential, &resolved);
                if resolved.credential.is_none() {
                    found.push(draft.wrong(
                        name.place,
                        format!(
                            "the credential `{}` goes into a query, is encoded, or signs",
                            shown(&name.value)
                        ),
                        "models are called with a plain header: use another one",
                    ));
                }
            }
            providers.entry(name.clone()).or_insert(resolved);
        }
        routes.extend(draft.routes.iter().map(|route| (draft, route)));
    }
    for (draft, route) in &routes {
        let DraftRoute { route, to, others } = &route.value;
        let others = route.fallback.iter().map(|other| &other.to).zip(others);
        for (name, place) in std::iter::once((&route.to, to)).chain(others) {
            if !providers.contains_key(name) {
                found.push(draft.wrong(
                    *place,
                    format!("there is no provider `{}`", shown(name)),
                    known(name, "inference.providers", providers.keys().map(String::as_str)),
                ));
            }
        }
    }
    let routes: Vec<_> = routes.into_iter().map(|(_, route)| route.value.route.clone()).collect();
    (!providers.is_empty() || !routes.is_empty()).then(|| Inference {
        providers,
        routes,
        limits: drafts.iter().filter_map(|draft| draft.held.limits.clone()).collect(),
        server_tools: drafts
            .iter()
            .flat_map(|draft| &draft.server_tools)
            .map(|at| at.value)
            .collect(),
        block_results: drafts.iter().any(|draft| draft.held.block_results),
        redact: drafts.iter().any(|draft| draft.held.redact),
        restore: drafts.iter().find_map(|draft| draft.restore.as_ref()).is_some_and(|at| at.value),
        guard: drafts.iter().filter_map(|draft| draft.held.guard).max(),
        local_only: local_only(drafts),
    })
}

/// What any document keeps for local providers.
fn local_only(drafts: &[&Draft]) -> Option<LocalOnly> {
    drafts.iter().filter_map(|draft| draft.held.local_only.clone()).reduce(|mut all, more| {
        all.secrets |= more.secrets;
        all.cards |= more.cards;
        all.texts.extend(more.texts);
        all.patterns.extend(more.patterns);
        all
    })
}

/// What to do about a name that is not there.
pub(crate) fn known<'a>(
    missing: &str,
    section: &str,
    names: impl Iterator<Item = &'a str>,
) -> String {
    let names: Vec<&str> = names.collect();
    match (nearest(missing, &names), names.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`? Or add it to `{section}`"),
        (None, []) => format!("add it to `{section}`"),
        (None, names) => format!("add it to `{section}`, or write one of {}", names.join(", ")),
    }
}

/// How often keys of AWS with a session token are read anew, where the policy does not say.
const OF_SESSION: Duration = Duration::from_secs(10 * 60);

/// The credential in its header: the one that the API takes a key in, if the policy names none.
fn with_header(credential: &Credential, provider: &Provider) -> Option<HeaderCredential> {
    if credential.certificate.is_some() {
        return None;
    }
    let (api, hosting) = (provider.api, provider.hosting.as_ref());
    let mut aws = None;
    let header = match (&credential.place, api) {
        (Some(Place::Header(header)), _) if !header.contains("base64(") => header.clone(),
        (Some(Place::Aws(key)), _) if matches!(hosting, Some(Hosting::Bedrock { .. })) => {
            aws = Some(key.clone());
            String::new()
        }
        // Tokens, and keys of Bedrock's own.
        (None, _) if hosting.is_some() || matches!(credential.from, SecretSource::OAuth2(_)) => {
            "authorization: Bearer {secret}".to_owned()
        }
        (Some(Place::Header(_) | Place::Query(_) | Place::Aws(_)), _) => return None,
        (None, Api::Anthropic) => "x-api-key: {secret}".to_owned(),
        (None, Api::Gemini) => "x-goog-api-key: {secret}".to_owned(),
        (None, Api::OpenAi) => "authorization: Bearer {secret}".to_owned(),
    };
    let Credential { name, from, expose, mut refresh, .. } = credential.clone();
    // Keys with a session token end, after an hour or less where nobody says more.
    if aws == Some(AwsKey::Printed) && !matches!(from, SecretSource::Env(_)) {
        refresh = refresh.or(Some(OF_SESSION));
    }
    Some(HeaderCredential { name, from, header, expose, aws, refresh })
}

/// The nearest keys of each name.
fn ssh(drafts: &[&Draft]) -> BTreeMap<String, SshKeys> {
    let mut seen = BTreeSet::new();
    let mut all = BTreeMap::new();
    for draft in drafts {
        for name in draft.credentials.keys().filter(|name| seen.insert(name.as_str())) {
            if let Some(keys) = draft.ssh.get(name) {
                all.insert(name.clone(), keys.clone());
            }
        }
    }
    all
}

/// The credentials that network rules name.
fn carried(drafts: &[&Draft], found: &mut Vec<Diagnostic>) -> BTreeMap<String, Credential> {
    let credentials = credentials(drafts);
    let mut carried = BTreeMap::new();
    for draft in drafts {
        for DraftRule { rule, client_certificate, .. } in draft.rules.iter().map(|at| &at.value) {
            let Some((name, place)) = rule.client_certificate.as_ref().zip(*client_certificate)
            else {
                continue;
            };
            // One that is not there is told elsewhere.
            let Some(credential) = credentials.get(name.as_str()) else { continue };
            match credential {
                Some(credential) if credential.certificate.is_some() => {
                    carried.insert(name.clone(), credential.clone());
                }
                _ => found.push(draft.wrong(
                    place,
                    format!("the credential `{name}` has no certificate"),
                    "add `certificate: FILE` to it; its `from` is then the certificate's key",
                )),
            }
        }
        for DraftRule { rule, credential, .. } in draft.rules.iter().map(|rule| &rule.value) {
            let Some((name, place)) = rule.credential.as_ref().zip(*credential) else { continue };
            // One that is not there is told elsewhere.
            let Some(credential) = credentials.get(name.as_str()) else { continue };
            let Some(credential) = credential else {
                found.push(draft.wrong(
                    place,
                    format!("the credential `{name}` is ssh keys, which no request carries"),
                    "remove `credential`: the keys are used wherever the rule leads to their hosts",
                ));
                continue;
            };
            if credential.certificate.is_some() {
                found.push(draft.wrong(
                    place,
                    format!(
                        "the credential `{name}` is a certificate's key, which no request carries"
                    ),
                    "write `client_certificate` in place of `credential`",
                ));
            } else if credential.place == Some(Place::Aws(AwsKey::Printed)) {
                found.push(draft.wrong(
                    place,
                    format!("the credential `{name}` names no access key"),
                    "write `aws: {access_key: AKIA…}`: keys with a session token are for providers of models only",
                ));
            } else if credential.place.is_none() {
                found.push(draft.wrong(
                    place,
                    format!("nothing says where a request carries the credential `{name}`"),
                    "add `header: \"authorization: Bearer {secret}\"` or `query: \"key={secret}\"` to it",
                ));
            }
            carried.insert(name.clone(), credential.clone());
        }
    }
    carried
}

/// The nearest proxy, with the credential that opens it.
fn upstream(drafts: &[&Draft], found: &mut Vec<Diagnostic>) -> Option<Upstream> {
    let (draft, at) = drafts.iter().find_map(|draft| Some((draft, draft.upstream.as_ref()?)))?;
    let mut upstream = at.value.upstream.clone();
    let Some(name) = &at.value.credential else { return Some(upstream) };
    // One that is not there is told elsewhere.
    let credential = credentials(drafts).get(name.value.as_str()).copied()?;
    match credential {
        Some(Credential { place: None, certificate: None, expose: None, .. }) => {
            upstream.credential.clone_from(credential);
        }
        _ => found.push(draft.wrong(
            name.place,
            format!("the credential `{}` is no proxy's password", shown(&name.value)),
            "use one that has `from` and nothing else",
        )),
    }
    Some(upstream)
}

/// A variable that a credential reads must not be passed as well: the key would be inside.
fn keys_stay_outside(drafts: &[&Draft], found: &mut Vec<Diagnostic>) {
    let secrets: Vec<(&str, &str)> = drafts
        .iter()
        .flat_map(|draft| &draft.credentials)
        .flat_map(|(name, credential)| {
            let from = credential.value.iter().flat_map(|credential| credential.from.variables());
            from.map(|variable| (name.as_str(), variable))
        })
        .collect();
    for draft in drafts {
        for passed in &draft.pass {
            let passes = |variable: &str| crate::cover::variable(&passed.value, variable);
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

/// Where something is for certain programs, commands or skills, others must not be able to speak through them.
fn no_tracing(
    drafts: &[&Draft],
    (hooks, taint): (&Config, Option<&Taint>),
    found: &mut Vec<Diagnostic>,
) {
    let mut rules = drafts.iter().flat_map(|draft| &draft.rules);
    let by_program = rules.find(|rule| !rule.value.rule.binaries.is_empty());
    let by_command = permissions::merged(drafts)
        .and_then(|permissions| permissions.of_commands().next().map(|rule| rule.text.clone()));
    let by_skill = drafts.iter().flat_map(|draft| draft.skills.policies.keys()).next();
    let (why, help) = if let Some(rule) = by_program {
        (
            format!("{} is for certain programs", rule.value.rule.rule),
            "remove the call, or `binaries` and `commands`",
        )
    } else if let Some(rule) = by_command {
        (
            format!("the permission rule `{rule}` is held where programs are executed"),
            "remove the call, or the rules for commands in `permissions.deny` and `permissions.ask`",
        )
    } else if let Some(name) = by_skill {
        (
            format!("the skill `{}` has a policy of its own", shown(name)),
            "remove the call, or `skills.policies`",
        )
    } else if !hooks.of(palisade_hooks::Event::PRE_EXEC).is_empty() {
        (
            "a hook for `PreExec` is asked about programs".to_owned(),
            "remove the call, or the hooks for `PreExec`",
        )
    } else if taint.is_some_and(Taint::holds_execs) {
        (
            "a rule of `taint` is held where programs are executed".to_owned(),
            "remove the call, or the rules for commands in `taint`",
        )
    } else {
        return;
    };
    for draft in drafts {
        for call in draft.calls.iter().filter(|call| TRACING.contains(&call.value.as_str())) {
            found.push(draft.wrong(
                call.place,
                format!("{why}, and with `{}` any other could speak through them", call.value),
                help,
            ));
        }
    }
}

/// A credential that a program has for itself is carried by rules for certain programs alone.
fn alone(drafts: &[&Draft], found: &mut Vec<Diagnostic>) {
    let credentials = credentials(drafts);
    let rules = || drafts.iter().flat_map(|draft| &draft.rules).map(|rule| &rule.value.rule);
    for draft in drafts {
        for name in &draft.alone {
            let Some(credential) = credentials.get(name.value.as_str()) else { continue };
            let mut say =
                |what: String, help: &str| found.push(draft.wrong(name.place, what, help));
            let shown = shown(&name.value);
            if credential.is_none() {
                let what = format!("`{shown}` is ssh keys, which no program has for itself");
                say(what, "remove it here; the keys are used for their hosts alone");
                continue;
            }
            let providers = drafts.iter().flat_map(|draft| draft.providers.values());
            let mut of_providers =
                providers.filter_map(|provider| provider.value.credential.as_ref());
            if of_providers.any(|other| other.value == name.value) {
                let what = format!("`{shown}` is a model provider's, whoever calls the model");
                say(what, "remove it here, or give the provider another one");
            }
            let carrying: Vec<_> =
                rules().filter(|rule| rule.credential.as_ref() == Some(&name.value)).collect();
            if carrying.is_empty() {
                let what = format!("no network rule carries the credential `{shown}`");
                say(what, "write `credential` in the rule that the program gets");
            }
            if let Some(rule) = carrying.iter().find(|rule| rule.binaries.is_empty()) {
                let what =
                    format!("`{shown}` is for one program, and {} gives it to any", rule.rule);
                say(what, "add that rule to the program's `network` here");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rules_have_one_id() {
        let mut ids = BTreeSet::new();
        let given: Vec<_> =
            ["api", "1", "api", "1", "api"].map(|name| fresh_id(&mut ids, name)).to_vec();
        let expected = ["api", "1", "api+2", "1+2", "api+3"];
        assert_eq!(given, expected.map(|name| format!("network.rules[{name}]")));
    }
}
