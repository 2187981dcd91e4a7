use palisade_import::{Outcome, Tool};
use palisade_policy::PermissionMode;

use crate::world::World;

const TOOL: Tool = Tool::Gemini;

#[test]
fn tools_and_servers() {
    let world = World::new();
    world.write(
        "home/.gemini/settings.json",
        r#"{"general": {"defaultApprovalMode": "auto_edit"},
  "tools": {"allowed": ["run_shell_command(git status)", "read_file", "ShellTool(npm)", "x(y)"],
    "exclude": ["run_shell_command(rm -rf)", "WebFetchTool"], "sandbox": true},
  "mcp": {"excluded": ["bad"], "allowed": ["good"]},
  "mcpServers": {"good": {"command": "x", "trust": true, "excludeTools": ["drop"], "includeTools": ["read"]}},
  "hooks": {"BeforeTool": [{"matcher": "write_file", "hooks": [{"type": "command", "command": "x"}]}],
    "AfterAgent": [{"hooks": [{"type": "command", "command": "x"}]}]}}"#,
    );
    let came = world.import(TOOL, &[]);
    assert_eq!(came.policy.permissions.as_ref().unwrap().mode, PermissionMode::AcceptEdits);
    assert_eq!(
        came.rules("allow"),
        ["Bash(git status:*)", "read_file", "Bash(npm:*)", "mcp__good__*"]
    );
    assert_eq!(
        came.rules("deny"),
        ["Bash(rm -rf*)", "web_fetch", "mcp__bad__*", "mcp__good__drop"]
    );
    assert_eq!(came.rules("ask"), ["mcp__*", "mcp__good__*", "write_file"]);
    assert!(came.policy.hooks.is_empty());
    assert_eq!(came.outcome("tools.allowed: run_shell_command").1, Some(2));
    assert_eq!(came.outcome("hooks.AfterAgent").0, Outcome::Lost);
}

#[test]
fn a_list_of_all_tools_refuses_the_others() {
    let world = World::new();
    world.write(
        "home/.gemini/settings.json",
        r#"{"coreTools": ["ReadFileTool", "run_shell_command(ls)"]}"#,
    );
    let came = world.import(TOOL, &[]);
    let denied = came.rules("deny");
    assert!(
        denied.contains(&"run_shell_command")
            && denied.contains(&"replace")
            && denied.contains(&"mcp__*")
    );
    assert!(!denied.contains(&"read_file"));
    assert_eq!(came.rules("ask"), ["*"]);
}

#[test]
fn a_repository_permits_nothing_until_it_is_trusted() {
    let world = World::new();
    let settings = r#"{"allowedTools": ["run_shell_command"], "excludeTools": ["web_fetch"],
        "mcpServers": {"x": {"trust": true}}, "general": {"defaultApprovalMode": "auto_edit"}}"#;
    world.write("home/project/.gemini/settings.json", settings);
    let came = world.import(TOOL, &[]);
    assert!(came.rules("allow").is_empty());
    assert_eq!(came.rules("deny"), ["web_fetch"]);
    assert_eq!(came.policy.permissions.as_ref().unwrap().mode, PermissionMode::Default);
    let project = world.path("home/project").display().to_string();
    let trusted = serde_json::json!({project: "TRUST_FOLDER"}).to_string();
    world.write("home/.gemini/trustedFolders.json", trusted);
    assert_eq!(world.import(TOOL, &[]).rules("allow"), ["run_shell_command", "mcp__x__*"]);
}
