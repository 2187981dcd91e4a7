use std::fs;

use palisade_import::{Outcome, Tool};
use palisade_policy::{Access, PermissionMode};

use crate::world::{Came, World};

const TOOL: Tool = Tool::Codex;

fn access(came: &Came) -> Access {
    came.policy.filesystem.workspace.as_ref().unwrap().access
}

fn mode(came: &Came) -> PermissionMode {
    came.policy.permissions.as_ref().unwrap().mode
}

#[test]
fn modes_and_writable_folders() {
    let world = World::new();
    world.write("home/cache/x", "").write(
        "home/.codex/config.toml",
        "model = \"m\"\napproval_policy = \"never\"\nsandbox_mode = \"workspace-write\"\n\
         [sandbox_workspace_write]\nwritable_roots = [\n  \"~/cache\",\n]\nnetwork_access = true\n\
         [mcp_servers.a]\ncommand = \"x\"\ndisabled_tools = [\"rm\"]\n",
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(
        (access(&came), mode(&came)),
        (Access::ReadWrite, PermissionMode::BypassPermissions)
    );
    let cache = came
        .policy
        .filesystem
        .grants
        .iter()
        .find(|grant| grant.path == world.path("home/cache"))
        .unwrap();
    assert!(cache.writable);
    assert_eq!(came.outcome("writable_roots").1, Some(6));
    assert_eq!(
        came.outcome("network_access"),
        (Outcome::Lost, Some(8), came.outcome("network_access").2)
    );
    assert!(came.policy.network.rules.is_empty());
    assert_eq!(came.rules("deny"), ["mcp__a__rm"]);
}

#[test]
fn what_is_not_said_is_the_strictest() {
    let world = World::new();
    world.write("home/.codex/config.toml", "");
    let came = world.import(TOOL, &[]);
    assert_eq!((access(&came), mode(&came)), (Access::ReadOnly, PermissionMode::Default));
}

#[test]
fn a_profile_that_is_in_force_counts() {
    let world = World::new();
    world.write(
        "home/.codex/config.toml",
        "profile = \"p\"\nsandbox_mode = \"danger-full-access\"\napproval_policy = \"never\"\n\
         [profiles.p]\nsandbox_mode = \"read-only\"\napproval_policy = \"untrusted\"\n",
    );
    let came = world.import(TOOL, &[]);
    assert_eq!((access(&came), mode(&came)), (Access::ReadOnly, PermissionMode::Default));
}

#[test]
fn profiles_of_permissions() {
    let world = World::new();
    world.write("home/project/docs/x", "").write(
        "home/.codex/config.toml",
        "default_permissions = \"edit\"\n[permissions.edit]\nextends = \":workspace\"\n\
         [permissions.edit.filesystem]\n\":minimal\" = \"read\"\n\"~/.ssh\" = \"deny\"\n\
         [permissions.edit.filesystem.\":workspace_roots\"]\n\".\" = \"write\"\n\"docs\" = \"read\"\n\"**/*.env\" = \"deny\"\n\
         [permissions.edit.network]\nenabled = true\n\
         [permissions.edit.network.domains]\n\"a.test\" = \"allow\"\n\"*.b.test\" = \"allow\"\n\"x.b.test\" = \"deny\"\n",
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(access(&came), Access::ReadWrite);
    assert!(came.reaches("a.test") && came.reaches("y.b.test") && !came.reaches("x.b.test"));
    let docs = came
        .policy
        .filesystem
        .grants
        .iter()
        .find(|grant| grant.path == world.path("home/project/docs"))
        .unwrap();
    assert!(!docs.writable);
    assert!(
        came.text().contains("\"~/.ssh\"") && came.text().contains("**/*.env"),
        "{}",
        came.text()
    );

    world.write(
        "home/.codex/config.toml",
        "default_permissions = \"x\"\n[permissions.x.filesystem]\n\":new_kind\" = \"deny\"\n",
    );
    assert!(world.try_import(TOOL, &[]).is_err());
    world.write("home/.codex/config.toml", "default_permissions = \"none\"\n");
    assert!(world.try_import(TOOL, &[]).is_err());
}

#[test]
fn a_repository_permits_nothing_until_it_is_trusted() {
    let world = World::new();
    let project = world.path("home/project").display().to_string();
    world.write("home/.codex/config.toml", "approval_policy = \"untrusted\"\n").write(
        "home/project/.codex/config.toml",
        "approval_policy = \"never\"\nsandbox_mode = \"workspace-write\"\n[[hooks.PreToolUse]]\nmatcher = \"Bash\"\n\
         [[hooks.PreToolUse.hooks]]\ntype = \"command\"\ncommand = \"./x\"\n",
    );
    let came = world.import(TOOL, &[]);
    assert_eq!((access(&came), mode(&came)), (Access::ReadOnly, PermissionMode::Default));
    assert!(came.policy.hooks.is_empty());
    assert_eq!(came.rules("ask"), ["Bash"]);
    world.write(
        "home/.codex/config.toml",
        format!(
            "approval_policy = \"untrusted\"\n[projects.\"{project}\"]\ntrust_level = \"trusted\"\n"
        ),
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(
        (access(&came), mode(&came)),
        (Access::ReadWrite, PermissionMode::BypassPermissions)
    );
    assert_eq!(came.policy.hooks.iter().count(), 1);
}

#[test]
fn rules_for_commands_are_asked() {
    let world = World::new();
    world.write("home/.codex/config.toml", "approval_policy = \"never\"\n").write(
        "home/.codex/rules/default.rules",
        "prefix_rule(pattern=[\"git\"], decision=\"forbidden\")\n",
    );
    assert_eq!(world.import(TOOL, &[]).rules("ask"), ["Bash"]);
    world.write(
        "home/.codex/hooks.json",
        r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}"#,
    );
    assert_eq!(world.import(TOOL, &[]).policy.hooks.iter().count(), 1);
    fs::remove_file(world.path("home/.codex/config.toml")).unwrap();
    assert!(world.try_import(TOOL, &[]).is_err());
}

/// What a profile says counts before what any file says outside of it, and a list is the nearest file's alone.
#[test]
fn files_lie_over_each_other_as_they_do_there() {
    let world = World::new();
    let project = world.path("home/project").display().to_string();
    for folder in ["home/one/x", "home/two/x"] {
        world.write(folder, "");
    }
    world
        .write(
            "home/.codex/config.toml",
            format!(
                "profile = \"p\"\n[profiles.p]\nsandbox_mode = \"read-only\"\napproval_policy = \"untrusted\"\n\
                 [sandbox_workspace_write]\nwritable_roots = [\"~/one\", \"~/two\"]\n\
                 [projects.\"{project}\"]\ntrust_level = \"trusted\"\n"
            ),
        )
        .write(
            "home/project/.codex/config.toml",
            "sandbox_mode = \"workspace-write\"\napproval_policy = \"never\"\n\
             [sandbox_workspace_write]\nwritable_roots = [\"~/one\"]\n",
        );
    let came = world.import(TOOL, &[]);
    assert_eq!((access(&came), mode(&came)), (Access::ReadOnly, PermissionMode::Default));
    let writable = |came: &Came, name: &str| {
        let mut grants = came.policy.filesystem.grants.iter();
        grants.any(|grant| grant.writable && grant.path == world.path(name))
    };
    // Without the profile the project's file is the nearer one, and its list stands in place of the user's.
    let text = fs::read_to_string(world.path("home/.codex/config.toml")).unwrap();
    let text = text.replace("profile = \"p\"\n", "");
    world.write("home/.codex/config.toml", text.as_bytes());
    let came = world.import(TOOL, &[]);
    assert_eq!(access(&came), Access::ReadWrite);
    assert!(writable(&came, "home/one") && !writable(&came, "home/two"), "{}", came.text());
    world.write("home/.codex/config.toml", "profile = \"q\"\n");
    assert!(world.try_import(TOOL, &[]).is_err());
}

#[test]
fn the_machine_has_the_last_word() {
    let world = World::new();
    world.write("home/cache/x", "").write(
        "home/.codex/config.toml",
        "sandbox_mode = \"workspace-write\"\napproval_policy = \"never\"\n\
         [sandbox_workspace_write]\nwritable_roots = [\"~/cache\"]\n",
    );
    let (free, bypass) = (Access::ReadWrite, PermissionMode::BypassPermissions);
    let came = world.import(TOOL, &[]);
    assert_eq!((access(&came), mode(&came)), (free, bypass));
    // What it starts with.
    world.write("etc/codex/managed_config.toml", "sandbox_mode = \"read-only\"\n");
    assert_eq!(access(&world.import(TOOL, &[])), Access::ReadOnly);
    fs::remove_file(world.path("etc/codex/managed_config.toml")).unwrap();
    // What it requires.
    let requires = |text: &str| {
        world.write("etc/codex/requirements.toml", text);
        world.try_import(TOOL, &[])
    };
    let came = requires(
        "allowed_sandbox_modes = [\"read-only\"]\nallowed_approval_policies = [\"untrusted\", \"on-request\"]\n",
    );
    let came = came.unwrap();
    assert_eq!((access(&came), mode(&came)), (Access::ReadOnly, PermissionMode::Default));
    assert!(came.policy.filesystem.grants.iter().all(|grant| !grant.path.ends_with("cache")));
    let came = requires(
        "allowed_sandbox_modes = [\"read-only\", \"workspace-write\"]\nallowed_approval_policies = [\"never\"]\n\
         [mcp_servers.docs]\n[rules]\nprefix_rules = []\n[permissions.filesystem]\ndeny_read = [\"~/secret\"]\n",
    );
    let came = came.unwrap();
    assert_eq!((access(&came), mode(&came)), (free, bypass));
    assert_eq!(came.rules("ask"), ["mcp__*", "Bash"]);
    assert!(came.text().contains("~/secret"), "{}", came.text());
    for text in
        ["new_requirement = true\n", "[permissions.new]\nx = 1\n", "allowed_sandbox_modes = 1\n"]
    {
        assert!(requires(text).is_err(), "{text}");
    }
}
