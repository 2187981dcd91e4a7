//! `taint`: all documents' add up, and it counts where a condition names it.

use palisade_condition::{Condition, Stage};
use palisade_core::Untrusted;

use crate::{draft::Draft, policy::Network, policy::Permissions, taint::Taint};

pub(super) fn merged(
    drafts: &[&Draft],
    network: &Network,
    permissions: Option<&Permissions>,
) -> Option<Taint> {
    let mut merged: Option<Taint> = None;
    for taint in drafts.iter().filter_map(|draft| draft.taint.as_ref()) {
        let Some(all) = &mut merged else {
            merged = Some(taint.clone());
            continue;
        };
        all.by.extend(&taint.by);
        all.acts.extend(&taint.acts);
        for host in &taint.hosts {
            if !all.hosts.contains(host) {
                all.hosts.push(host.clone());
            }
        }
        for rule in &taint.rules {
            if !all.rules.contains(rule) {
                all.rules.push(rule.clone());
            }
        }
    }
    // What an untrusted project counts must not be less than what conditions count without it.
    let of_operator = drafts.iter().any(|draft| draft.taint.is_some() && !draft.narrowed);
    if of_operator || !is_named(network, permissions) {
        return merged;
    }
    if let Some(all) = &mut merged {
        all.by.extend(Untrusted::ALL);
        return merged;
    }
    let home = drafts.first().map(|draft| draft.origin.home.clone()).unwrap_or_default();
    Some(Taint::counted(home))
}

/// Whether a condition asks for it.
fn is_named(network: &Network, permissions: Option<&Permissions>) -> bool {
    let names = |text: &str, stage: Stage| {
        text.contains("taint")
            && Condition::new(text, stage).is_ok_and(|condition| condition.names("taint"))
    };
    let rules = network.rules.iter().filter_map(|rule| {
        let stage = if rule.http.is_some() { Stage::Requests } else { Stage::Connections };
        Some((rule.when.as_deref()?, stage))
    });
    let calls = permissions.into_iter().flat_map(|permissions| {
        let all = [&permissions.deny, &permissions.ask, &permissions.allow];
        all.into_iter().flatten().filter_map(|rule| Some((rule.when.as_deref()?, Stage::Calls)))
    });
    rules.chain(calls).any(|(text, stage)| names(text, stage))
}
