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
