//! What is asked once untrusted content has come in.

use palisade_core::Untrusted;
use palisade_policy::TaintedAct;

use crate::world::World;

#[test]
fn everything_counts_where_nothing_is_named() {
    let world = World::new();
    world.user("taint: {ask: [push, 'Bash(scp *)', message]}");
    let taint = world.policy().taint.unwrap();
    assert_eq!(taint.by, Untrusted::ALL.into());
    assert_eq!(taint.acts, [TaintedAct::Push].into());
    let rules: Vec<&str> = taint.rules.iter().map(|rule| rule.text.as_str()).collect();
    assert_eq!(rules, ["Bash(scp *)", "message"]);
    assert!(world.policy().holds_execs());
}

#[test]
fn all_documents_add_up_and_a_project_may_ask_for_more() {
    let world = World::new();
    world
        .user("taint: {by: [web], ask: [push]}")
        .project("taint: {by: [mcp], hosts: ['**.example.com'], ask: [secrets]}");
    let taint = world.policy().taint.unwrap();
    assert_eq!(taint.by, [Untrusted::Web, Untrusted::Mcp, Untrusted::Hosts].into());
    assert_eq!(taint.acts, [TaintedAct::Push, TaintedAct::Secrets].into());
    assert_eq!(taint.hosts.len(), 1);
}

#[test]
fn a_condition_that_names_it_has_it_counted() {
    let world = World::new();
    world.user("network: {rules: [{hosts: [a.example], when: size(taint) == 0}]}");
    let taint = world.policy().taint.unwrap();
    assert!(taint.acts.is_empty() && taint.by == Untrusted::ALL.into());
    let other = World::new();
    other.user("network: {rules: [{hosts: [a.example], when: host != 'taint'}]}");
    assert!(other.policy().taint.is_none());
}

/// A repository that counts one thing cannot have the operator's conditions count nothing else.
#[test]
fn a_project_takes_nothing_from_conditions() {
    let world = World::new();
    world
        .user("network: {rules: [{hosts: [a.example], when: size(taint) == 0}]}")
        .project("taint: {by: [mcp], ask: [push]}");
    let taint = world.policy().taint.unwrap();
    assert_eq!(taint.by, Untrusted::ALL.into());
    assert_eq!(taint.acts, [TaintedAct::Push].into());
}

#[test]
fn what_is_wrong_is_told() {
    for (taint, message) in [
        ("{ask: [puhs]}", "`puhs` is no word of `taint.ask`"),
        ("{ask: ['Bash(']}", "is no permission rule"),
        ("{by: []}", "`by` is empty"),
        ("{by: [rumours]}", "rumours"),
        ("{hosts: ['a b']}", "a b"),
    ] {
        let world = World::new();
        world.user(&format!("taint: {taint}"));
        let error = world.wrong();
        assert!(error.contains(message), "{taint}: {error}");
    }
}

#[test]
fn what_is_kept_local_adds_up_and_is_checked() {
    let world = World::new();
    let provider = "providers: {own: {api: openai, url: 'http://127.0.0.1:8000/v1'}}, routes: [{model: '*', to: own}]";
    world
        .user(&format!(
            "inference: {{{provider}, local_only: {{find: [secrets], texts: [Falcon]}}}}"
        ))
        .project("inference: {local_only: {find: [cards], patterns: ['PF-[0-9]+']}}");
    let of = world.policy().inference.unwrap().local_only.unwrap();
    assert!(of.secrets && of.cards && of.texts.len() == 1 && of.patterns.len() == 1);
    for (marks, message) in [
        ("{patterns: ['(']}", "is no regular expression"),
        ("{patterns: ['x*']}", "is in every text"),
        ("{texts: [a]}", "would be found everywhere"),
        ("{find: [thoughts]}", "thoughts"),
    ] {
        let world = World::new();
        world.user(&format!("inference: {{{provider}, local_only: {marks}}}"));
        assert!(world.wrong().contains(message), "{marks}: {}", world.wrong());
    }
}
