use palisade_import::{Outcome, Tool};
use palisade_policy::PermissionMode;

use crate::world::World;

const TOOL: Tool = Tool::ClaudeCode;

#[test]
fn each_rule_carries_over_with_its_line() {
    let world = World::new();
    world.write(
        "home/.claude/settings.json",
        r#"{
  // mine
  "permissions": {
    "allow": ["Bash(npm run *)", "Read(/notes/**)",
              "WebFetch(domain:*.docs.test)"],
    "ask": ["Bash(git push *)"],
    "deny": [
      "Read(.env)",
      "Write(src/gen/**)",
    ],
    "defaultMode": "acceptEdits"
  },
  "model": "x"
}"#,
    );
    let came = world.import(TOOL, &[]);
    let notes = format!("Read(/{}/notes/**)", world.path("home/.claude").display());
    assert_eq!(came.rules("allow"), ["Bash(npm run *)", &notes, "WebFetch(domain:*.docs.test)"]);
    assert_eq!(came.rules("ask"), ["Bash(git push *)"]);
    assert_eq!(came.rules("deny"), ["Read(.env)", "Edit(src/gen/**)"]);
    assert_eq!(came.policy.permissions.as_ref().unwrap().mode, PermissionMode::AcceptEdits);
    assert_eq!(came.outcome("allow: Bash(npm run *)"), (Outcome::Carried, Some(4), ""));
    assert_eq!(came.outcome("allow: WebFetch").1, Some(5));
    assert_eq!(came.outcome("deny: Read(.env)").1, Some(8));
    assert_eq!(came.outcome("deny: Write(src/gen/**)").0, Outcome::Stricter);
    assert_eq!(came.outcome("model").0, Outcome::Lost);
    assert!(came.text().contains("\"Read(.env)\" # ~/.claude/settings.json:8"), "{}", came.text());
    // Fetching only reads, and so do programs there.
    assert!(came.reaches("a.docs.test") && !came.reaches("docs.test") && !came.reaches("b.test"));
}

#[test]
fn a_repository_permits_nothing_until_it_is_trusted() {
    let settings = r#"{
  "permissions": {"allow": ["Bash"], "deny": ["Bash(curl *)"], "defaultMode": "bypassPermissions",
    "additionalDirectories": ["/usr"]},
  "hooks": {"PreToolUse": [{"matcher": "Bash|Write", "hooks": [{"type": "command", "command": "./x.sh"}]}]},
  "sandbox": {"enabled": true, "network": {"allowedDomains": ["evil.test"]}, "filesystem": {"allowWrite": ["/usr"]}},
  "disableAllHooks": true,
  "enableAllProjectMcpServers": true
}"#;
    let world = World::new();
    world.write("home/project/.claude/settings.json", settings).write(
        "home/.claude/settings.json",
        r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert!(came.rules("allow").is_empty(), "{}", came.text());
    assert_eq!(came.rules("deny"), ["Bash(curl *)"]);
    assert_eq!(came.rules("ask"), ["Bash", "Write"]);
    assert_eq!(came.policy.permissions.as_ref().unwrap().mode, PermissionMode::Default);
    assert!(!came.reaches("evil.test"));
    assert!(!came.text().contains("write:"), "{}", came.text());
    let hooks: Vec<&str> = came.policy.hooks.iter().map(|(event, _)| event.name()).collect();
    assert_eq!(hooks, ["Stop"]);

    world.trusted();
    let came = world.import(TOOL, &[]);
    assert_eq!(came.rules("allow"), ["Bash", "Read(//usr)"]);
    assert_eq!(came.policy.permissions.as_ref().unwrap().mode, PermissionMode::Default);
    assert!(came.reaches("evil.test"));
    // It may switch hooks off then, as there.
    assert!(came.policy.hooks.is_empty());
}

#[test]
fn what_is_managed_has_the_only_word() {
    let world = World::new();
    world
        .trusted()
        .write(
            "etc/claude-code/managed-settings.json",
            r#"{"allowManagedPermissionRulesOnly": true, "allowManagedHooksOnly": true,
                "permissions": {"allow": ["Bash(ls)"], "disableBypassPermissionsMode": "disable"},
                "sandbox": {"network": {"allowManagedDomainsOnly": true, "allowedDomains": ["ok.test"]}}}"#,
        )
        .write(
            "etc/claude-code/managed-settings.d/10.json",
            r#"{"permissions": {"deny": ["WebSearch"]}}"#,
        )
        .write(
            "home/.claude/settings.json",
            r#"{"permissions": {"allow": ["Bash", "WebFetch(domain:a.test)"], "deny": ["Bash(rm *)"], "defaultMode": "bypassPermissions"},
                "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]},
                "sandbox": {"network": {"allowedDomains": ["b.test"]}}}"#,
        );
    let came = world.import(TOOL, &[]);
    assert_eq!(came.rules("allow"), ["Bash(ls)"]);
    assert_eq!(came.rules("deny"), ["WebSearch", "Bash(rm *)"]);
    assert_eq!(came.policy.permissions.as_ref().unwrap().mode, PermissionMode::Default);
    assert!(came.reaches("ok.test") && !came.reaches("a.test") && !came.reaches("b.test"));
    assert!(came.policy.hooks.is_empty());
}

#[test]
fn commands_of_a_sandbox_are_not_asked_but_those_that_leave_it_are() {
    let world = World::new();
    world.write(
        "home/.claude/settings.json",
        r#"{"sandbox": {"enabled": true, "excludedCommands": ["docker *"]}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(came.rules("allow"), ["Bash"]);
    assert_eq!(came.rules("ask"), ["Bash(docker *)", "Bash(dangerouslyDisableSandbox:true)"]);

    world.write(
        "home/.claude/settings.json",
        r#"{"sandbox": {"enabled": true, "autoAllowBashIfSandboxed": false, "allowUnsandboxedCommands": true}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert!(came.rules("allow").is_empty());
    assert_eq!(came.outcome("allowUnsandboxedCommands").0, Outcome::Stricter);

    world.write("home/.claude/settings.json", r#"{"sandbox": {"enabled": false}}"#);
    assert!(world.import(TOOL, &[]).rules("allow").is_empty());
}

#[test]
fn hooks_carry_over_or_become_questions() {
    let world = World::new();
    world.write(
        "home/.claude/settings.json",
        r#"{"hooks": {
  "PreToolUse": [
    {"matcher": "Bash", "hooks": [
      {"type": "command", "command": "~/.claude/hooks/a.sh", "timeout": 5.5, "if": "Bash(git *)"},
      {"type": "prompt", "prompt": "is it good?"}]},
    {"matcher": "(?=x)mcp__.*", "hooks": [{"type": "command", "command": "b"}]},
    {"matcher": "mcp__a__.*", "hooks": [{"type": "agent"}]},
    {"matcher": "Edit, Write", "hooks": [{"type": "http", "url": "http://hooks.test/x"}]}],
  "PostToolUse": [{"hooks": [{"type": "command", "command": "c", "shell": "bash", "asyncRewake": true}]}],
  "Stop": [{"matcher": "x", "hooks": [{"command": "d", "timeout": 1e9}]}],
  "WorktreeCreate": [{"hooks": [{"type": "command", "command": "e"}]}]
}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(came.policy.hooks.iter().count(), 4, "{}", came.text());
    assert!(came.text().contains("timeout: 6, if: \"Bash(git *)\""), "{}", came.text());
    // Of one that cannot run, the tools are asked; of an expression, all.
    assert_eq!(came.rules("ask"), ["Bash", "*", "Edit", "Write"]);
    assert_eq!(came.outcome("hooks.PreToolUse (Bash)").0, Outcome::Stricter);
    assert_eq!(came.outcome("WorktreeCreate").0, Outcome::Lost);
    assert_eq!(came.outcome("timeout").0, Outcome::Stricter);
}

#[test]
fn servers_that_are_refused_stay_refused() {
    let world = World::new();
    world.write(
        "home/.claude/settings.json",
        r#"{"disabledMcpjsonServers": ["a"], "deniedMcpServers": [{"serverName": "b"}, {"serverUrl": "https://c.test/*"}],
            "allowedMcpServers": [{"serverName": "d"}], "permissions": {"allow": ["mcp__a__read"]}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(came.rules("deny"), ["mcp__a__*", "mcp__b__*"]);
    assert_eq!(came.rules("ask"), ["mcp__*"]);
    world.write("home/.claude/settings.json", r#"{"allowedMcpServers": []}"#);
    assert_eq!(world.import(TOOL, &[]).rules("deny"), ["mcp__*"]);
}

#[test]
fn an_edit_that_is_refused_is_refused_to_programs_too() {
    let world = World::new();
    world
        .write("home/project/gen/x", "")
        .write("home/.claude/settings.json", r#"{"permissions": {"deny": ["Edit(gen/**)"]}}"#);
    let came = world.import(TOOL, &[]);
    let gen_folder = world.path("home/project/gen");
    let grant =
        came.policy.filesystem.grants.iter().find(|grant| grant.path == gen_folder).unwrap();
    assert!(!grant.writable);
}

#[test]
fn values_of_variables_are_never_shown() {
    let world = World::new();
    world.write(
        "home/.claude/settings.json",
        r#"{"env": {"TOKEN": "s3cret", "DISABLE_TELEMETRY": "1", "LD_DEBUG": "1"}, "apiKeyHelper": "get s3cret"}"#,
    );
    let came = world.import(TOOL, &[]);
    assert!(!came.text().contains("s3cret"));
    assert!(!format!("{:?}", came.imported.notes).contains("s3cret"));
    assert_eq!(came.outcome("env.TOKEN").0, Outcome::Lost);
    assert_eq!(came.outcome("env.LD_DEBUG").0, Outcome::Lost);
    assert_eq!(came.outcome("env.DISABLE_TELEMETRY").0, Outcome::Carried);
    assert!(came.text().contains("      \"DISABLE_TELEMETRY\": \"1\""), "{}", came.text());
}

#[test]
fn a_deny_of_the_same_and_every_odd_rule() {
    let world = World::new();
    world.write(
        "home/.claude/settings.json",
        r#"{"permissions": {"allow": ["Bash(x)", "Foo(a b)", "mcp__*", "Bash(", "Write(a)", "", "WebFetch(domain:*)", "Edit({)"],
            "deny": ["Bash(x)", "Foo(a b)", "Read(!x)", "Read(file_path:x)", "WebFetch(x)", "Bash(", "Edit({)"]}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(came.rules("allow"), ["WebFetch(domain:*)"]);
    assert_eq!(came.rules("deny"), ["Bash(x)", "Foo", "Read", "WebFetch", "Edit"]);
    assert_eq!(came.outcome("deny: Bash(").0, Outcome::Carried);
}

/// There `Bash()` is all of `Bash`.
#[test]
fn a_refusal_with_nothing_in_its_parentheses_is_of_the_whole_tool() {
    let world = World::new();
    world.write(
        "home/.claude/settings.json",
        r#"{"permissions": {"allow": ["Bash()"], "ask": ["WebFetch( )"], "deny": ["Read()", "Write()"]}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(came.rules("allow"), [""; 0]);
    assert_eq!(came.rules("ask"), ["WebFetch"]);
    assert_eq!(came.rules("deny"), ["Read", "Write"]);
    assert_eq!(came.outcome("deny: Read()").0, Outcome::Stricter);
}
