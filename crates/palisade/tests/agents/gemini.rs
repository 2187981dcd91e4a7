//! gemini-cli, headless.

use std::fs;

use palisade_testkit::{Flaw, ModelServer, Script, TestAuthority, Tunnels, Turn};
use serde_json::{Value, json};

use crate::stage::{KEY, Stage, agents};

const PROFILE: &str = "gemini";
/// With its own questions off: what is refused, Palisade refuses. Its default model asks another one first, which
/// of its models is to answer.
const FREE: [&str; 6] = ["gemini", "-m", "gemini-2.5-pro", "-p", "Do it.", "--yolo"];

fn stage() -> Option<Stage> {
    let clients = agents()?.join("clients");
    if !clients.join("installed.txt").exists() {
        assert!(std::env::var_os("CI").is_none(), "run tests/agents/install.sh first");
        return None;
    }
    let mut stage = Stage::new(PROFILE);
    stage.add_to_path(&clients.join("node_modules/.bin"));
    Some(stage)
}

fn shell(command: &str) -> Turn {
    Turn::tool("run_shell_command", json!({"command": command, "description": "x"}))
}

#[test]
fn gemini_works_in_its_workspace_and_nowhere_else() {
    let Some(mut stage) = stage() else { return };
    let secret = stage.private.join("secret.txt");
    let outside = stage.outside.join("from-shell.txt");
    let forbidden = format!("cat '{}'; echo x >'{}'", secret.display(), outside.display());
    stage.says(vec![
        shell("echo made-by-agent >from-shell.txt"),
        Turn::tool(
            "write_file",
            json!({"file_path": "from-tool.txt", "content": "made-by-agent\n"}),
        ),
        shell(&forbidden),
        shell("echo forbidden >forbidden.txt"),
        Turn::tools(&[
            ("run_shell_command", json!({"command": "echo one >one.txt"})),
            ("run_shell_command", json!({"command": "rm one.txt"})),
            ("run_shell_command", json!({"command": "echo two >two.txt"})),
        ]),
        Turn::text("Done."),
    ]);
    // Rules name tools as Claude Code does, whatever the agent calls them.
    let rules =
        "permissions: {mode: bypassPermissions, deny: ['Bash(rm *)', 'Bash(echo forbidden*)']}\n";
    stage.write_policy(&stage.server.url(), rules);
    let ran = stage.run(&FREE);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.file("from-shell.txt"), "made-by-agent\n", "{ran}");
    assert_eq!(stage.file("from-tool.txt"), "made-by-agent\n");
    assert!(!outside.exists());
    let talk = stage.talk();
    assert!(talk.contains("secret.txt: No such file or directory"), "{talk}");
    assert!(talk.contains("from-shell.txt: Read-only file system"), "{talk}");
    // The denied call ends its turn: it is told so, and works on when it is asked again.
    assert!(ran.stdout.contains("was not permitted"), "{ran}");
    assert_eq!(stage.file("forbidden.txt"), "");
    let ran = stage.run(&FREE);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(ran.stdout.ends_with("Done.\n"), "{ran}");
    assert_eq!((stage.file("one.txt"), stage.file("two.txt")), ("one\n".into(), "two\n".into()));
    let refused = stage.refused();
    let denied =
        ["run_shell_command echo forbidden >forbidden.txt", "run_shell_command rm one.txt"];
    assert_eq!(refused, denied);
    for request in stage.server.requests() {
        assert!(request.contains(KEY) && !request.contains("palisade-placeholder"));
    }
    stage.journal_is_whole();
}

/// Events that only gemini-cli itself tells of reach the policy's hooks.
#[test]
fn gemini_tells_the_policys_hooks() {
    let Some(mut stage) = stage() else { return };
    stage.says(vec![shell("echo one"), Turn::text("Done.")]);
    let tell = "command: \"cat >> $HOME/told; echo >> $HOME/told\"";
    let hooks = format!(
        "hooks:
  SessionStart: [{{hooks: [{{type: command, {tell}}}]}}]
  UserPromptSubmit: [{{hooks: [{{type: command, {tell}}}]}}]
  PostToolUse: [{{matcher: Bash, hooks: [{{type: command, {tell}}}]}}]
  Stop: [{{hooks: [{{type: command, {tell}}}]}}]
"
    );
    stage.write_policy(&stage.server.url(), &hooks);
    let ran = stage.run(&FREE);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Done.\n"), "{ran}");
    let told = fs::read_to_string(stage.home.join("told")).unwrap_or_default();
    let events: Vec<Value> = told
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> =
        events.iter().map(|event| event["hook_event_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["SessionStart", "UserPromptSubmit", "PostToolUse", "Stop"], "{told}\n{ran}");
}

/// No base URL: its own host is the gateway's.
#[test]
fn gemini_finds_the_gateway_with_nothing_set() {
    let Some(mut stage) = stage() else { return };
    let authority = TestAuthority::new().unwrap();
    let host = "generativelanguage.googleapis.com";
    let tls = authority.server(host, Flaw::None, &["http/1.1"]).unwrap();
    let script = Script::new(vec![shell("echo made >made.txt"), Turn::text("Done.")]);
    let server = ModelServer::start_secure(tls, script.with_key(KEY)).unwrap();
    let tunnels = Tunnels::start(443, server.address().port()).unwrap();
    stage.write_whole_policy(&format!(
        "palisade: 1
extends: [gemini]
network: {{hosts: {{{host}: [203.0.113.7]}}, upstream: {{proxy: '{}'}}}}
process: {{environment: {{set: {{GOOGLE_GEMINI_BASE_URL: ''}}}}}}
",
        tunnels.url()
    ));
    let store = stage.home.join("store.pem");
    fs::write(&store, authority.pem()).unwrap();
    stage.set("SSL_CERT_FILE", store.to_str().unwrap());
    let ran = stage.run(&FREE);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Done.\n"), "{ran}");
    assert_eq!(stage.file("made.txt"), "made\n");
    let requests = server.requests();
    assert!(requests.len() == 2 && requests.iter().all(|request| request.contains(KEY)));
    assert_eq!(stage.refused(), [""; 0]);
}
