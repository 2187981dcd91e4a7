use std::collections::BTreeSet;

use palisade_alarms::{Action, MOST_RULES, Rule};

use crate::{
    diagnostic::Diagnostic,
    draft::{Draft, shown},
    merge::known,
    policy::{Alarms, Canaries},
};

/// The rule that decoys raise.
const CANARY: &str = "canary-touched";

/// The rules of all documents. Of two that have one id and are not the same both count, the second as
/// `id+2`: no document takes an alarm from another. What any document has a rule do it does.
pub(super) fn merged(drafts: &[&Draft], found: &mut Vec<Diagnostic>) -> Option<Alarms> {
    let mut alarms: Option<Alarms> = None;
    let mut written: Vec<&Rule> = Vec::new();
    for of in drafts.iter().filter_map(|draft| draft.alarms.as_ref()) {
        let all = alarms.get_or_insert_default();
        for rule in &of.rules {
            // What came with Palisade and what was written are still as they were.
            if !written.contains(&rule) {
                written.push(rule);
                let id = fresh(&all.rules, &rule.id);
                let mut rule = rule.clone();
                rule.id = id;
                all.rules.push(rule);
            }
        }
        if let Some(canaries) = &of.canaries {
            add(all.canaries.get_or_insert_default(), canaries);
        }
    }
    let mut alarms = alarms?;
    if let Some(canaries) = &alarms.canaries {
        let actions: Vec<Action> = canaries.actions.iter().copied().collect();
        let builtin = palisade_alarms::builtin().iter().find(|rule| rule.id == CANARY);
        if let Some(builtin) = builtin.filter(|builtin| !written.contains(builtin)) {
            let id = fresh(&alarms.rules, CANARY);
            let mut rule = builtin.clone();
            rule.id = id;
            alarms.rules.push(rule);
        }
        does(&mut alarms.rules, CANARY, &actions);
    }
    for draft in drafts {
        for (id, actions) in draft.alarms.iter().flat_map(|of| &of.actions) {
            if !does(&mut alarms.rules, id, &actions.value) {
                let ids = alarms.rules.iter().map(|rule| rule.id.as_str());
                found.push(draft.wrong(
                    actions.place,
                    format!("there is no alarm rule `{}`", shown(id)),
                    known(id, "alarms.rules", ids),
                ));
            }
        }
    }
    if alarms.rules.len() > MOST_RULES {
        let draft = drafts.iter().find(|draft| draft.alarms.is_some());
        found.extend(draft.map(|draft| {
            draft.wrong(
                crate::at::Place::default(),
                format!("{} alarm rules, and {MOST_RULES} are the most", alarms.rules.len()),
                "each event is compared with each of them: keep those that somebody looks at",
            )
        }));
    }
    Some(alarms)
}

fn add(all: &mut Canaries, more: &Canaries) {
    all.files.extend(more.files.iter().cloned());
    all.variables.extend(more.variables.iter().cloned());
    all.hosts.extend(more.hosts.iter().cloned());
    all.actions.extend(&more.actions);
}

/// An id that no other rule has.
fn fresh(rules: &[Rule], id: &str) -> String {
    let taken = |id: &str| rules.iter().any(|rule| rule.id == id);
    let mut fresh = id.to_owned();
    let mut number = 2_usize;
    while taken(&fresh) {
        fresh = format!("{id}+{number}");
        number = number.saturating_add(1);
    }
    fresh
}

/// The id as a document has it, which has no `+`.
fn written_as(id: &str) -> &str {
    id.split_once('+').map_or(id, |(id, _)| id)
}

/// Have the rules of this id do these as well; false when there is none.
fn does(rules: &mut [Rule], id: &str, actions: &[Action]) -> bool {
    let mut any = false;
    for rule in rules.iter_mut().filter(|rule| written_as(&rule.id) == id) {
        let all: BTreeSet<Action> = rule.actions.iter().chain(actions).copied().collect();
        rule.actions = all.into_iter().collect();
        any = true;
    }
    any
}
