use std::collections::BTreeMap;

use crate::{
    at::At,
    draft::{
        Draft, DraftAlarms, DraftAudit, DraftLimits, DraftPermissions, DraftRule, DraftTells,
        GivenLists,
    },
    http::Effect,
};

/// What an untrusted document may do: narrow. Everything in it that gives something is taken out,
/// whatever was found about it before, so that nothing forgotten there can widen a sandbox. Each
/// part is named here, so that a new one is not forgotten.
pub(crate) fn narrowed(draft: Draft) -> Draft {
    let Draft {
        origin,
        mut source,
        text,
        extends,
        given: _,
        workspace,
        workspace_path,
        access,
        grants: _,
        deny,
        hosts: _,
        rules,
        ask,
        approval_timeout: _,
        // Who is told of a question learns what is done, and may answer.
        tells: _,
        expose: _,
        credentials: _,
        ssh: _,
        upstream: _,
        providers: _,
        routes: _,
        server_tools: _,
        held,
        restore,
        limits,
        calls: _,
        no_calls,
        pass: _,
        set: _,
        // They are programs from a repository, and would run outside.
        hooks: _,
        permissions,
        skills,
        // Whoever has the events knows what was done.
        audit: _,
        alarms,
        taint,
        later,
        uses: _,
        alone: _,
        narrowed: _,
    } = draft;
    if !origin.profile {
        source.layer = "untrusted project";
    }
    // A profile's own values are the last in any case; here they would come before the user's.
    let own = !origin.profile;
    Draft {
        source,
        text,
        extends,
        given: GivenLists::default(),
        workspace: workspace.filter(|_| own),
        workspace_path: workspace_path.filter(|_| own),
        access: access.filter(|_| own),
        grants: Vec::new(),
        deny,
        hosts: BTreeMap::new(),
        rules: rules.into_iter().filter_map(denies).collect(),
        ask: ask.filter(|ask| own && !ask.value),
        approval_timeout: None,
        tells: DraftTells::default(),
        expose: Vec::new(),
        credentials: BTreeMap::new(),
        ssh: BTreeMap::new(),
        upstream: None,
        providers: BTreeMap::new(),
        routes: Vec::new(),
        server_tools: Vec::new(),
        held,
        restore: restore.filter(|at| own && !at.value),
        limits: if own { limits } else { DraftLimits::default() },
        calls: Vec::new(),
        no_calls,
        pass: Vec::new(),
        set: BTreeMap::new(),
        hooks: Vec::new(),
        permissions: permissions.map(DraftPermissions::narrowed),
        skills,
        audit: DraftAudit::default(),
        // Rules only watch, and stop what they watch. Decoys are put where others look for something.
        alarms: alarms.map(|alarms| DraftAlarms { canaries: None, ..alarms }),
        // It only ever asks.
        taint,
        later,
        uses: Vec::new(),
        alone: Vec::new(),
        narrowed: true,
        origin,
    }
}

/// A rule as far as it refuses or limits, if it does.
fn denies(mut rule: At<DraftRule>) -> Option<At<DraftRule>> {
    let refused = rule.value.rule.http.iter().flatten();
    let any = refused.filter(|entry| entry.effect == Effect::Deny).count() > 0;
    rule.value.rule.only_denies = true;
    rule.value.rule.credential = None;
    rule.value.rule.client_certificate = None;
    (any || rule.value.rule.limits.is_some()).then_some(rule)
}
