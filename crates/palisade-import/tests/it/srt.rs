use palisade_import::{Outcome, Tool};
use palisade_policy::Access;

use crate::world::World;

const TOOL: Tool = Tool::Srt;

#[test]
fn domains_reach_no_further() {
    let world = World::new();
    world.write(
        "home/.srt-settings.json",
        r#"{"network": {
  "allowedDomains": ["a.test", "*.b.test", "*", "*.com", "localhost", "10.0.0.1", "a*b.test"],
  "deniedDomains": ["x.b.test"]
}}"#,
    );
    let came = world.import(TOOL, &[]);
    for (host, expected) in [
        ("a.test", true),
        ("y.b.test", true),
        ("z.y.b.test", true),
        ("x.b.test", false),
        ("b.test", false),
        ("q.com", false),
        ("localhost", false),
    ] {
        assert_eq!(came.reaches(host), expected, "{host}\n{}", came.text());
    }
    assert_eq!(came.outcome("allowedDomains: *.com").0, Outcome::Lost);
    assert_eq!(came.outcome("allowedDomains: a.test").1, Some(2));
    world.write(
        "home/.srt-settings.json",
        r#"{"network": {"allowedDomains": ["a.test"], "deniedDomains": ["*"]}}"#,
    );
    assert!(!world.import(TOOL, &[]).reaches("a.test"));
    world.write("home/.srt-settings.json", "{}");
    let came = world.import(TOOL, &[]);
    assert_eq!(came.outcome("allowedDomains").0, Outcome::Stricter);
    assert!(came.policy.network.rules.is_empty());
}

#[test]
fn the_workspace_is_writable_only_if_it_is_named() {
    let world = World::new();
    world.write("home/.srt-settings.json", r#"{"filesystem": {"allowWrite": []}}"#);
    let access =
        |came: &crate::world::Came| came.policy.filesystem.workspace.as_ref().unwrap().access;
    assert_eq!(access(&world.import(TOOL, &[])), Access::ReadOnly);
    world.write(
        "home/.srt-settings.json",
        r#"{"filesystem": {"allowWrite": [".", "/tmp", "/nowhere/x", "~", "/"]}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(access(&came), Access::ReadWrite);
    assert_eq!(came.outcome("allowWrite: /nowhere/x").0, Outcome::Lost);
    assert!(!came.text().contains("  write:"), "{}", came.text());
    world.write(
        "home/.srt-settings.json",
        r#"{"filesystem": {"allowWrite": ["."], "denyWrite": ["."]}}"#,
    );
    assert_eq!(access(&world.import(TOOL, &[])), Access::ReadOnly);
}

#[test]
fn a_hidden_home_hides_what_the_profile_would_show() {
    let world = World::new();
    world.write("home/.cargo/bin/x", "").write("home/ref/a", "").write(
        "home/.srt-settings.json",
        r#"{"filesystem": {"allowWrite": ["."], "denyRead": ["~", "~/project/secret", "~/ref/b"], "allowRead": ["~/ref", "."]}}"#,
    );
    let came = world.import(TOOL, &[]);
    let denied = |path: &str| {
        let path = world.path(path);
        came.policy.filesystem.deny.iter().any(|deny| !deny.glob && path.starts_with(&deny.pattern))
    };
    assert!(
        denied("home/.cargo/bin") && denied("home/project/secret") && denied("home/ref/b"),
        "{}",
        came.text()
    );
    assert!(!denied("home/project") && !denied("home/ref"), "{}", came.text());
    let shown = |path: &str| {
        came.policy.filesystem.grants.iter().any(|grant| grant.path == world.path(path))
    };
    assert!(shown("home/ref"));
}

#[test]
fn what_is_not_to_be_written_is_read_only() {
    let world = World::new();
    world.write("home/project/keep/deep/x", "").write(
        "home/.srt-settings.json",
        r#"{"filesystem": {"allowWrite": [".", "keep/deep"], "denyWrite": ["keep", "*.lock", "/usr"]}}"#,
    );
    let came = world.import(TOOL, &[]);
    let keep = came
        .policy
        .filesystem
        .grants
        .iter()
        .find(|grant| grant.path == world.path("home/project/keep"))
        .unwrap();
    assert!(!keep.writable);
    assert!(!came.policy.filesystem.grants.iter().any(|grant| grant.writable), "{}", came.text());
    assert_eq!(came.outcome("denyWrite: *.lock").0, Outcome::Lost);
    assert_eq!(came.rules("deny").len(), 1, "{}", came.text());
    assert_eq!(came.outcome("denyWrite: /usr").0, Outcome::Carried);
}

#[test]
fn what_does_not_exist_cannot_be_kept_from_being_made() {
    let world = World::new();
    world.write(
        "home/.srt-settings.json",
        "{\"filesystem\": {\"allowWrite\": [\".\"],\n\"denyWrite\": [\"later\"]}}",
    );
    let wrong = world.try_import(TOOL, &[]).err().unwrap().to_string();
    assert!(
        wrong.contains("srt-settings.json:2: filesystem.denyWrite: later cannot be said"),
        "{wrong}"
    );
    // Where nothing is written, it cannot be made.
    world.write("home/.srt-settings.json", r#"{"filesystem": {"denyWrite": ["/later"]}}"#);
    assert_eq!(world.import(TOOL, &[]).outcome("denyWrite: /later").0, Outcome::Carried);
}

/// A refusal counts whatever is permitted below it, and by whichever name the path is written.
#[test]
fn what_is_not_to_be_written_is_so_below_it_and_by_another_name() {
    let world = World::new();
    world.write("home/data/keep/x", "").write("home/data/sub/x", "");
    std::os::unix::fs::symlink(world.path("home/data"), world.path("home/link")).unwrap();
    let writable = |came: &crate::world::Came, name: &str| {
        let path = world.path(name);
        let mut grants: Vec<_> = came.policy.filesystem.grants.iter().collect();
        // The nearest grant decides.
        grants.retain(|grant| path.starts_with(&grant.path));
        let nearest = grants.iter().max_by_key(|grant| grant.path.components().count());
        nearest.is_some_and(|grant| grant.writable)
    };
    let import = |settings: &str| {
        world.write("home/.srt-settings.json", settings);
        world.import(TOOL, &[])
    };
    let came =
        import(r#"{"filesystem": {"allowWrite": ["~/data"], "denyWrite": ["~/link/keep"]}}"#);
    assert!(
        writable(&came, "home/data/sub") && !writable(&came, "home/data/keep"),
        "{}",
        came.text()
    );
    let came = import(r#"{"filesystem": {"allowWrite": ["~/link/sub"], "denyWrite": ["~/data"]}}"#);
    assert!(!came.text().contains("write:"), "{}", came.text());
    let came = import(r#"{"filesystem": {"allowWrite": ["~/data/sub"], "denyWrite": ["~/data"]}}"#);
    assert!(!writable(&came, "home/data/sub"), "{}", came.text());
    std::os::unix::fs::symlink(world.path("home/project"), world.path("home/here")).unwrap();
    let came = import(r#"{"filesystem": {"allowWrite": ["."], "denyWrite": ["~/here"]}}"#);
    let access = came.policy.filesystem.workspace.as_ref().unwrap().access;
    assert_eq!(access, Access::ReadOnly);
}
