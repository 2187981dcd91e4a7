//! `palisade integrate`, and then the real agent without a sandbox.

use std::fs;

use palisade_testkit::Turn;
use serde_json::json;

use crate::{
    openclaw,
    ran::{Ran, run},
    stage::Stage,
};

const POLICY: &str = "palisade: 1\nextends: [shell]\npermissions: {allow: [\"Bash(echo *)\", \"Edit(made.txt)\"], deny: [\"Bash(touch *)\"]}\n";

fn integrate(stage: &Stage, arguments: &[&str]) -> Ran {
    fs::write(stage.home.join("p.yaml"), POLICY).unwrap();
    let ran = run(stage.palisade().arg("integrate").args(arguments).arg("--yes"));
    assert_eq!(ran.exit, 0, "{ran}");
    ran
}

/// Real Claude Code, all its own questions off, keeps to the policy that its settings lead to; and does not any
/// more once they are as they were.
#[test]
fn claude_code_is_decided_without_a_sandbox() {
    let Some(mut stage) = Stage::with_agents("claude-code") else { return };
    let policy = stage.home.join("p.yaml");
    let policy = policy.to_str().unwrap();
    let settings = stage.home.join(".claude/settings.json");
    fs::create_dir(settings.parent().unwrap()).unwrap();
    fs::write(&settings, "{\"model\": \"claude-theirs-1\"}").unwrap();
    let bash = |command: &str| Turn::tool("Bash", json!({"command": command, "description": "x"}));
    let turns = || {
        vec![bash("echo made > made.txt"), bash("true && touch denied.txt"), Turn::text("Done.")]
    };
    let agent = |stage: &Stage| {
        let mut command = stage.of_operator("claude");
        command
            .args(["-p", "Do it.", "--dangerously-skip-permissions"])
            .env("IS_SANDBOX", "1")
            .env("ANTHROPIC_BASE_URL", stage.server.url())
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        run(&mut command)
    };
    stage.says(turns());
    integrate(&stage, &["claude-code", "--policy", policy]);
    let ran = agent(&stage);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.file("made.txt"), "made\n", "{ran}");
    assert!(!stage.workspace.join("denied.txt").exists(), "{ran}");
    let talk = stage.talk();
    assert!(talk.contains("permissions.deny") || talk.contains("Bash(touch *)"), "{talk}");
    let calls: Vec<_> =
        stage.journal().into_iter().filter(|event| event["kind"] == "tool_call").collect();
    assert_eq!(calls.len(), 2, "{calls:#?}");
    assert_eq!((&calls[0]["decision"], &calls[1]["decision"]), (&json!("allow"), &json!("deny")));
    assert_eq!(calls[0]["session"], calls[1]["session"]);
    stage.journal_is_whole();

    integrate(&stage, &["claude-code", "--remove"]);
    assert_eq!(fs::read_to_string(&settings).unwrap(), "{\"model\": \"claude-theirs-1\"}");
    stage.says(turns());
    agent(&stage);
    assert!(stage.workspace.join("denied.txt").exists());
}

/// Real Codex, told not to wait for a person who trusts its hooks.
#[test]
fn codex_is_decided_without_a_sandbox() {
    let Some(mut stage) = Stage::with_agents("codex") else { return };
    let policy = stage.home.join("p.yaml");
    let ran = integrate(&stage, &["codex", "--policy", policy.to_str().unwrap()]);
    assert!(ran.stderr.contains("/hooks"), "{ran}");
    stage.says(vec![
        Turn::tool("exec_command", json!({"cmd": "echo made > made.txt"})),
        Turn::tool("exec_command", json!({"cmd": "touch denied.txt"})),
        Turn::text("Done."),
    ]);
    let config = format!(
        "model = \"gpt-theirs\"\nmodel_provider = \"own\"\napproval_policy = \"never\"\n\
         sandbox_mode = \"danger-full-access\"\ncheck_for_update_on_startup = false\n\
         [model_providers.own]\nname = \"own\"\nbase_url = \"{}/v1\"\nwire_api = \"responses\"\n\
         env_key = \"OPENAI_API_KEY\"\n",
        stage.server.url()
    );
    fs::write(stage.home.join(".codex/config.toml"), config).unwrap();
    let mut command = stage.of_operator("codex");
    command.args(["exec", "--skip-git-repo-check", "--dangerously-bypass-hook-trust", "Do it."]);
    let ran = run(&mut command);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.file("made.txt"), "made\n", "{ran}");
    assert!(!stage.workspace.join("denied.txt").exists(), "{ran}");
    let calls: Vec<_> =
        stage.journal().into_iter().filter(|event| event["kind"] == "tool_call").collect();
    assert_eq!(calls.len(), 2, "{calls:#?}");
    assert_eq!(calls[1]["decision"], "deny");
}

/// Real OpenClaw, told by a plugin; relative paths are those of its own workspace.
#[test]
fn openclaw_is_decided_without_a_sandbox() {
    let Some(mut stage) = openclaw::stage() else { return };
    let policy = stage.home.join("p.yaml");
    stage.says(vec![
        Turn::tool("write", json!({"path": "made.txt", "content": "made\n"})),
        Turn::tool("exec", json!({"command": "true && touch denied.txt"})),
        Turn::tool("write", json!({"path": "other.txt", "content": "made\n"})),
        Turn::text("Done."),
    ]);
    let settings = json!({"models": {"providers": {"anthropic": {"baseUrl": stage.server.url(), "models": []}}}});
    fs::create_dir(stage.home.join(".openclaw")).unwrap();
    fs::write(stage.home.join(".openclaw/openclaw.json"), settings.to_string()).unwrap();
    integrate(&stage, &["openclaw", "--policy", policy.to_str().unwrap()]);
    let mut command = stage.of_operator("openclaw");
    command.args(["agent", "--local", "--agent", "main", "-m", "Do it.", "--json"]);
    let ran = run(command.args(["--model", "anthropic/claude-sonnet-4-6"]));
    assert_eq!(ran.exit, 0, "{ran}");
    let calls: Vec<_> =
        stage.journal().into_iter().filter(|event| event["kind"] == "tool_call").collect();
    let decisions: Vec<_> = calls.iter().map(|call| call["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["allow", "deny", "ask"], "{calls:#?}");
    let workspace = stage.home.join(".openclaw/workspace");
    assert_eq!(fs::read_to_string(workspace.join("made.txt")).unwrap(), "made\n", "{ran}");
    for name in ["denied.txt", "other.txt"] {
        assert!(!workspace.join(name).exists(), "{name}: {ran}");
    }
    stage.journal_is_whole();
    integrate(&stage, &["openclaw", "--remove"]);
    assert!(!stage.home.join(".openclaw/extensions").exists());
}
