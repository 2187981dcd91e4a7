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

#[test]
fn a_condition_is_read_with_the_policy_and_changes_what_is_held() {
    let world = World::new();
    let rule = "network: {rules: [{name: a, hosts: [a.example], when: now.hour < 18}]}";
    world.user(&format!(
        "{rule}\npermissions: {{deny: [{{rule: 'Read(./.env)', when: mode == \"plan\"}}, 'Read(./b)'], allow: ['Read(./.env)']}}"
    ));
    let policy = world.load().unwrap();
    assert_eq!(policy.network.rules[0].when.as_deref(), Some("now.hour < 18"));
    let permissions = policy.permissions.as_ref().unwrap();
    assert_eq!(permissions.deny[0].when.as_deref(), Some("mode == \"plan\""));
    // What is mounted cannot change with the mode.
    assert_eq!((permissions.deny[0].hidden, permissions.deny[1].hidden), (false, true));
    let says = |name: &str| explain(&policy).into_iter().find(|one| one.rule == name).unwrap().says;
    assert!(says("network.rules[a]").ends_with("only when `now.hour < 18`"));
    assert!(says("permissions.deny[Read(./.env)]").ends_with("only when `mode == \"plan\"`"));
    for wrong in [
        "network: {rules: [{hosts: [a.example], when: method == 'GET'}]}",
        "network: {rules: [{hosts: [a.example], when: now.hours < 18}]}",
        "network: {rules: [{hosts: [a.example], when: 5}]}",
        "network: {rules: [{hosts: [a.example], credential: c, when: now.hour < 18}]}\ncredentials: {c: {env: X, header: 'authorization: Bearer {secret}'}}",
        "permissions: {deny: [{rule: 'Bash(x)', when: host == 'a'}]}",
        "permissions: {deny: [{rule: 'Bash(x)'}]}",
        "permissions: {deny: [{rule: 'Bash(x)', when: 'true', why: x}]}",
        "permissions: {deny: [{rule: 'Bash(', when: 'true'}]}",
    ] {
        world.user(wrong);
        assert!(world.load().is_err(), "{wrong}");
    }
}

#[test]
fn what_a_managed_policy_permits_under_a_condition_nobody_permits_without() {
    let world = World::new();
    let rule = |when: &str| format!("network: {{rules: [{{hosts: [a.example]{when}}}]}}");
    let allow = |entry: &str| format!("permissions: {{allow: [{entry}]}}");
    let conditional = "{rule: 'Bash(git push *)', when: 'now.hour < 18'}";
    for (managed, user, good) in [
        (rule(", when: now.hour < 18"), rule(", when: now.hour < 18"), true),
        (rule(""), rule(", when: now.hour < 18"), true),
        (rule(", when: now.hour < 18"), rule(""), false),
        (rule(", when: now.hour < 18"), rule(", when: now.hour < 19"), false),
        (allow(conditional), allow(conditional), true),
        (allow("'Bash(git push *)'"), allow(conditional), true),
        (allow(conditional), allow("'Bash(git push *)'"), false),
    ] {
        world.managed(&managed);
        world.user(&user);
        assert_eq!(world.load().is_ok(), good, "{managed} {user}");
    }
}
