use palisade_policy::explain;

use crate::world::World;

/// What is held where programs are executed is not only the agent's word.
#[test]
fn rules_for_commands_are_held_where_programs_are_executed() {
    let world = World::new();
    world.user("permissions: {deny: ['Bash(curl *)', Bash, 'mcp__x'], ask: ['Bash(git push *)'], allow: ['Bash(ls *)']}");
    let policy = world.load().unwrap();
    assert!(policy.holds_execs());
    let all = explain(&policy);
    for (rule, layers, advisory) in [
        ("permissions.deny[Bash(curl *)]", &["exec", "inference", "tool"][..], false),
        ("permissions.ask[Bash(git push *)]", &["exec", "inference", "tool"], false),
        ("permissions.deny[Bash]", &["inference", "tool"], true),
        ("permissions.deny[mcp__x]", &["inference", "tool"], true),
        ("permissions.allow[Bash(ls *)]", &["inference", "tool"], false),
    ] {
        let found = all.iter().find(|one| one.rule == rule).unwrap();
        assert_eq!((found.layers.as_slice(), found.advisory), (layers, advisory), "{rule}");
    }
    world.user("permissions: {deny: [Bash, 'Read(./.env)'], allow: ['Bash(ls *)']}");
    assert!(!world.load().unwrap().holds_execs());
}
