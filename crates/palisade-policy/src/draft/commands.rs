//! `commands`: what one program alone gets besides.

use super::{Check, network::is_name, shown};
use crate::{at::At, document::Document};

pub(super) fn check(check: &mut Check<'_>, document: &Document) {
    let Some(commands) = &document.commands else { return };
    for (name, grant) in &commands.value {
        if !is_name(name) {
            check.wrong(
                grant.place,
                format!("`{}` is no name of a program", shown(name)),
                "write the name of its file alone, such as `git`",
            );
        }
        if grant.value.network.is_empty() && grant.value.credentials.is_empty() {
            check.wrong(
                grant.place,
                format!("`{}` gets nothing by this", shown(name)),
                "name a rule in `network` or a credential in `credentials`, or remove it",
            );
        }
    }
    check.not_built_and_widens("commands", commands.place, commands);
}

/// Names of credentials that a document uses.
pub(super) fn credentials_of(document: &Document) -> Vec<At<String>> {
    let rules = document.network.iter().flat_map(|network| network.rules.iter());
    let by_rules = rules.flat_map(|rule| {
        let rule = &rule.value;
        rule.credential.iter().chain(&rule.client_certificate).cloned()
    });
    let upstream = document.network.iter().filter_map(|network| network.upstream.as_ref());
    let by_upstream = upstream.filter_map(|at| at.value.credential.clone());
    let providers = document.inference.iter().flat_map(|inference| inference.providers.values());
    let by_providers = providers.filter_map(|provider| provider.value.credential.clone());
    let commands = document.commands.iter().flat_map(|commands| commands.value.values());
    let by_commands = commands.flat_map(|command| command.value.credentials.clone());
    by_rules.chain(by_upstream).chain(by_providers).chain(by_commands).collect()
}

/// Names of network rules that a document uses.
pub(super) fn rules_of(document: &Document) -> Vec<At<String>> {
    let commands = document.commands.iter().flat_map(|commands| commands.value.values());
    commands.flat_map(|command| command.value.network.clone()).collect()
}
