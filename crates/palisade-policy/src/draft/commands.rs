//! `commands`: what one program alone gets besides.

use palisade_core::ProgramPattern;

use super::{Check, DraftRule, audit, network::is_name, shown};
use crate::{at::At, document::Document, merge::known};

/// Limit the rules that programs have for themselves to those programs and what the rules' `binaries` name, and
/// list the credentials that they have so.
pub(super) fn check(
    check: &mut Check<'_>,
    document: &Document,
    rules: &mut [At<DraftRule>],
) -> Vec<At<String>> {
    let mut alone = Vec::new();
    let Some(commands) = &document.commands else { return alone };
    for (name, grant) in &commands.value {
        let pattern = is_name(name).then(|| format!("/**/{name}").parse().ok()).flatten();
        let Some(pattern): Option<ProgramPattern> = pattern else {
            check.wrong(
                grant.place,
                format!("`{}` is no name of a program", shown(name)),
                "write the name of its file alone, such as `git`",
            );
            continue;
        };
        if grant.value.network.is_empty() && grant.value.credentials.is_empty() {
            check.wrong(
                grant.place,
                format!("`{}` gets nothing by this", shown(name)),
                "name a rule in `network` or a credential in `credentials`, or remove it",
            );
        }
        for rule in &grant.value.network {
            give(check, rule, &pattern, rules);
        }
        alone.extend(grant.value.credentials.iter().cloned());
    }
    alone
}

fn give(
    check: &mut Check<'_>,
    name: &At<String>,
    program: &ProgramPattern,
    rules: &mut [At<DraftRule>],
) {
    let is_named = |rule: &&mut At<DraftRule>| rule.value.name.as_ref() == Some(&name.value);
    let Some(found) = rules.iter_mut().find(is_named) else {
        let names = rules.iter().filter_map(|rule| rule.value.name.as_deref());
        check.wrong(
            name.place,
            format!("this document has no network rule named `{}`", shown(&name.value)),
            known(&name.value, "network.rules", names),
        );
        return;
    };
    let binaries = &mut found.value.rule.binaries;
    if !binaries.iter().any(|known| known.covers(program)) {
        binaries.push(program.clone());
    }
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
    let by_audit = audit::credentials(document);
    by_rules.chain(by_upstream).chain(by_providers).chain(by_commands).chain(by_audit).collect()
}
