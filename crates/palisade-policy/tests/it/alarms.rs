use palisade_alarms::{Action, builtin};
use palisade_policy::{explain, fixed_parts};

use crate::world::World;

const RULE: &str = "palisade-alarms: 1\nrules: [{id: own, title: Own, match: {kind: connect}}]\n";

fn ids(world: &World) -> Vec<String> {
    world.policy().alarms.unwrap().rules.into_iter().map(|rule| rule.id).collect()
}

fn actions(world: &World, id: &str) -> Vec<Action> {
    let alarms = world.policy().alarms.unwrap();
    alarms.rules.into_iter().find(|rule| rule.id == id).unwrap().actions
}

#[test]
fn without_the_section_nothing_is_looked_at_and_with_it_what_comes_with_palisade() {
    let world = World::new();
    world.user("");
    let without = world.policy();
    assert_eq!(without.alarms, None);
    world.user("alarms: {}");
    let with = world.policy();
    assert_eq!(ids(&world).len(), builtin().len());
    assert_ne!(with.digest, without.digest);
    assert!(explain(&with).iter().any(|one| one.rule == "alarms.rules[canary-touched]"));
    assert_eq!(fixed_parts(&without, &with), [""; 0], "rules are live");
}

#[test]
fn a_file_of_rules_counts_as_it_is_and_is_part_of_the_digest() {
    let world = World::new();
    world.file("config/alarms.yaml", RULE).user("alarms: {rules: [./alarms.yaml]}");
    assert_eq!(ids(&world), ["own"]);
    let before = world.policy();
    assert!(before.sources.iter().any(|source| source.name.ends_with("config/alarms.yaml")));
    world.file("config/alarms.yaml", &RULE.replace("connect", "resolve"));
    assert_ne!(world.policy().digest, before.digest);
    for (text, expected) in [
        ("palisade-alarms: 1\nrules: [{id: own, title: Own}]", "no `match`"),
        ("palisade-alarms: 2\nrules: []", "this is version 2"),
    ] {
        world.file("config/alarms.yaml", text);
        assert!(world.wrong().contains(expected), "{}", world.wrong());
    }
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let world = World::new();
    for (alarms, expected) in [
        ("{rules: [./none.yaml]}", "there is no such file"),
        ("{rules: [everything]}", "there are no rules called `everything`"),
        ("{except: [nonsense]}", "none of these rules is called `nonsense`"),
        ("{actions: {nonsense: [freeze]}}", "there is no alarm rule `nonsense`"),
        ("{canaries: {files: [/etc/passwd]}}", "cannot be a decoy"),
        ("{canaries: {variables: [PATH]}}", "cannot be a decoy's variable"),
        ("{canaries: {variables: ['A B']}}", "cannot be a decoy's variable"),
        ("{canaries: {hosts: ['a b']}}", "no name of a host"),
        ("{canaries: {actions: [shout]}}", "shout"),
    ] {
        world.user(&format!("alarms: {alarms}"));
        let wrong = world.wrong();
        assert!(wrong.contains(expected), "{alarms}\n{wrong}");
        assert!(wrong.contains("policy.yaml:2:"), "{wrong}");
    }
}

#[test]
fn no_document_takes_an_alarm_or_an_action_from_another() {
    let world = World::new();
    world.file("work/quiet.yaml", &RULE.replace("own", "denial-burst"));
    world
        .managed("alarms: {actions: {denial-burst: [freeze]}}")
        .user("alarms: {except: [denial-burst]}")
        .project("alarms: {rules: [./quiet.yaml]}");
    // Not even one of a project that is not trusted, by a rule of its name.
    let all = ids(&world);
    assert!(all.contains(&"denial-burst".to_owned()) && all.contains(&"denial-burst+2".to_owned()));
    assert_eq!(all.len(), builtin().len() + 1);
    assert_eq!(actions(&world, "denial-burst"), [Action::Notify, Action::Freeze]);
    let alarms = world.policy().alarms.unwrap();
    let first = alarms.rules.iter().find(|rule| rule.id == "denial-burst").unwrap();
    assert!(first.threshold.is_some(), "the managed one has its name");
}

#[test]
fn decoys_have_their_rule_and_a_project_has_none() {
    let world = World::new();
    world.file("config/alarms.yaml", RULE).user(
        "alarms: {rules: [./alarms.yaml], canaries: {variables: [PROD_TOKEN], actions: [freeze]}}",
    );
    assert_eq!(ids(&world), ["own", "canary-touched"]);
    assert_eq!(actions(&world, "canary-touched"), [Action::Notify, Action::Freeze]);
    let with = world.policy();
    assert!(with.alarms.as_ref().unwrap().canaries.as_ref().unwrap().files.is_empty());
    world.user("alarms: {canaries: {}}");
    let other = world.policy();
    let canaries = other.alarms.as_ref().unwrap().canaries.as_ref().unwrap();
    assert_eq!(canaries.files.len(), 3);
    assert_eq!(fixed_parts(&with, &other), ["alarms.canaries"]);

    let world = World::new();
    world.user("").project("alarms: {canaries: {variables: [GIT_DIR]}}");
    assert!(world.wrong().contains("it adds decoys"), "{}", world.wrong());
}
