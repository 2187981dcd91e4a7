//! What the managed policy names is the most that any other document may grant.

use crate::{
    diagnostic::Diagnostic,
    draft::{Draft, Layer, covers},
    policy::{Access, NetworkRule, ProcessLimits},
};

const HELP: &str = "remove it, or have the managed policy changed by whoever keeps it";

/// Everything in other documents that goes beyond the managed ones. What a profile names beyond
/// them counts as well: a profile is chosen by the user.
pub(crate) fn check(drafts: &[Draft]) -> Vec<Diagnostic> {
    let (managed, others): (Vec<&Draft>, Vec<&Draft>) =
        drafts.iter().partition(|draft| draft.origin.layer == Layer::Managed);
    let mut found = Vec::new();
    if managed.is_empty() {
        return found;
    }
    let files = managed.iter().any(|draft| !draft.grants.is_empty());
    let network = managed.iter().any(|draft| !draft.rules.is_empty() || !draft.hosts.is_empty());
    let models = managed.iter().any(|draft| !draft.providers.is_empty());
    let calls = managed.iter().any(|draft| !draft.syscalls.value.allow.is_empty());
    let passed = managed.iter().any(|draft| !draft.pass.is_empty());
    let read_only = managed
        .iter()
        .any(|draft| draft.access.as_ref().is_some_and(|at| at.value == Access::ReadOnly));
    for draft in others {
        let mut beyond = |place, what: String| {
            let message = format!("{what} goes beyond the managed policy");
            found.push(draft.wrong(place, message, HELP));
        };
        if let Some(access) = draft
            .access
            .as_ref()
            .filter(|access| read_only && access.value != Access::ReadOnly && !draft.is_profile())
        {
            beyond(access.place, "write access to the workspace".to_owned());
        }
        for grant in draft.grants.iter().filter(|_| files) {
            let within = managed.iter().flat_map(|draft| &draft.grants).any(|most| {
                covers(&most.value.path, &grant.value.path)
                    && (most.value.writable || !grant.value.writable)
            });
            if !within {
                beyond(grant.place, grant.value.path.display().to_string());
            }
        }
        if network {
            for (name, addresses) in &draft.hosts {
                let same = managed.iter().any(|draft| {
                    draft.hosts.get(name).is_some_and(|most| most.value == addresses.value)
                });
                if !same {
                    beyond(addresses.place, format!("an address for {name}"));
                }
            }
            for rule in &draft.rules {
                let within = managed
                    .iter()
                    .flat_map(|draft| &draft.rules)
                    .any(|most| within(&rule.value, &most.value));
                if !within {
                    beyond(rule.place, rule.value.rule.clone());
                }
            }
        }
        for (name, provider) in draft.providers.iter().filter(|_| models) {
            let same = managed.iter().any(|draft| {
                draft.providers.get(name).is_some_and(|most| most.value == provider.value)
            });
            if !same {
                beyond(provider.place, format!("the provider `{name}`"));
            }
        }
        for (name, get) in ProcessLimits::NUMBERS {
            let most = managed.iter().find_map(|draft| get(&draft.limits.value));
            // What a profile names is lowered to it without a word.
            let named = get(&draft.limits.value).filter(|_| !draft.is_profile());
            if most.zip(named).is_some_and(|(most, named)| named > most) {
                beyond(draft.limits.place, format!("the limit of {name}"));
            }
        }
        for name in draft.syscalls.value.allow.iter().filter(|_| calls) {
            if !managed.iter().any(|draft| draft.syscalls.value.allow.contains(name)) {
                beyond(draft.syscalls.place, format!("the system call {name}"));
            }
        }
        for name in draft.pass.iter().filter(|_| passed) {
            let same =
                managed.iter().any(|draft| draft.pass.iter().any(|most| most.value == name.value));
            if !same {
                beyond(name.place, format!("the variable {}", name.value));
            }
        }
    }
    found
}

/// Whether one managed rule permits all that this one does.
fn within(rule: &NetworkRule, most: &NetworkRule) -> bool {
    let hosts = rule.hosts.iter().all(|host| most.hosts.contains(host));
    let bare = !rule.hosts.is_empty() || most.hosts.is_empty();
    hosts
        && bare
        && rule.ports.iter().all(|port| most.ports.contains(port))
        && rule.addresses.iter().all(|network| most.addresses.iter().any(|m| m.contains(network)))
}
