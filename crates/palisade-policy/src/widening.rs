//! What a project's file asks for beyond everybody else's: code from a repository must not
//! widen its own sandbox before a person has read it.

use crate::{
    at::Place,
    diagnostic::Diagnostic,
    draft::{Draft, covers},
    policy::{Access, ProcessLimits},
};

const HELP: &str = "read the file; `palisade policy trust` takes it as it is now. Or run without \
                    it: `palisade run --profile NAME`";

/// Each thing by which `project` widens what `others` give.
pub(crate) fn find(project: &Draft, others: &[Draft]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut widens = |place: Place, what: String| {
        let message = format!("this project's policy is not trusted, and it adds {what}");
        found.push(project.wrong(place, message, HELP));
    };
    workspace(project, others, &mut widens);
    for grant in &project.grants {
        let known = others.iter().flat_map(|draft| &draft.grants).any(|other| {
            covers(&other.value.path, &grant.value.path)
                && (other.value.writable || !grant.value.writable)
        });
        if !known {
            let how = if grant.value.writable { "writing to" } else { "reading" };
            widens(grant.place, format!("{how} {}", grant.value.path.display()));
        }
    }
    for (name, addresses) in &project.hosts {
        let same = |draft: &Draft| {
            draft.hosts.get(name).is_some_and(|other| other.value == addresses.value)
        };
        if !others.iter().any(same) {
            widens(addresses.place, format!("fixed addresses for {name}"));
        }
    }
    for rule in &project.rules {
        let known = others.iter().flat_map(|draft| &draft.rules).any(|other| {
            let (one, two) = (&rule.value, &other.value);
            (&one.hosts, &one.ports, &one.addresses) == (&two.hosts, &two.ports, &two.addresses)
        });
        if !known {
            widens(rule.place, format!("the network rule {}", rule.value.rule));
        }
    }
    for (name, credential) in &project.credentials {
        let same = |draft: &Draft| {
            draft.credentials.get(name).is_some_and(|other| other.value == credential.value)
        };
        if !others.iter().any(same) {
            widens(credential.place, format!("the credential `{name}`"));
        }
    }
    models(project, others, &mut widens);
    process(project, others, &mut widens);
    found
}

fn workspace(project: &Draft, others: &[Draft], widens: &mut impl FnMut(Place, String)) {
    if let Some(path) = &project.workspace
        && path.value != project.origin.workspace_dir
        && !covers(&project.origin.workspace_dir, &path.value)
    {
        widens(path.place, format!("{} as the workspace", path.value.display()));
    }
    let given = others.iter().find_map(|draft| draft.access.as_ref()).map(|access| access.value);
    if let Some(access) = &project.access
        && access.value == Access::ReadWrite
        && given != Some(Access::ReadWrite)
    {
        widens(access.place, "write access to the workspace".to_owned());
    }
}

fn models(project: &Draft, others: &[Draft], widens: &mut impl FnMut(Place, String)) {
    for (name, provider) in &project.providers {
        let same = |draft: &Draft| {
            draft.providers.get(name).is_some_and(|other| {
                other.value.provider == provider.value.provider
                    && other.value.credential.as_ref().map(|at| &at.value)
                        == provider.value.credential.as_ref().map(|at| &at.value)
            })
        };
        if !others.iter().any(same) {
            widens(provider.place, format!("the model provider `{name}`"));
        }
    }
    for route in &project.routes {
        let known = others.iter().flat_map(|draft| &draft.routes);
        if !known.into_iter().any(|other| other.value == route.value) {
            widens(route.place, format!("a route for the models `{}`", route.value.model));
        }
    }
}

fn process(project: &Draft, others: &[Draft], widens: &mut impl FnMut(Place, String)) {
    let given = |get: fn(&ProcessLimits) -> Option<u64>| {
        others.iter().find_map(|draft| get(&draft.limits.value))
    };
    for (name, get) in ProcessLimits::NUMBERS {
        let (Some(asked), Some(given)) = (get(&project.limits.value), given(get)) else { continue };
        if asked > given {
            widens(project.limits.place, format!("a higher limit of {name}"));
        }
    }
    for name in &project.syscalls.value.allow {
        if !others.iter().any(|draft| draft.syscalls.value.allow.contains(name)) {
            widens(project.syscalls.place, format!("the system call {name}"));
        }
    }
    for name in &project.pass {
        let known = others.iter().flat_map(|draft| &draft.pass);
        if !known.into_iter().any(|other| other.value == name.value) {
            widens(name.place, format!("the variable {} of your environment", name.value));
        }
    }
    for (name, value) in &project.set {
        let same =
            |draft: &Draft| draft.set.get(name).is_some_and(|other| other.value == value.value);
        if !others.iter().any(same) {
            widens(value.place, format!("a value for the variable {name}"));
        }
    }
}
