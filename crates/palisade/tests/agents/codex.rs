//! Codex, with the two sets of tools that its models have.

use std::fs;

use palisade_testkit::Turn;
use serde_json::{Value, json};

use crate::{ran::Ran, stage::Stage};

const PROFILE: &str = "codex";

/// A program for the tool `exec` of newer models, which runs JavaScript.
fn script(program: &str) -> Turn {
    Turn::custom_tool("exec", program)
}

fn shell(command: &str) -> Turn {
    let arguments = json!({ "cmd": command });
    script(&format!("text(await tools.exec_command({arguments}))"))
}

#[test]
fn codex_works_in_its_workspace_and_nowhere_else() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    stage.says_script("codex");
    let exec = ["codex", "exec", "--skip-git-repo-check", "-m", "gpt-5.5", "Do it."];
    let ran = stage.run(&exec);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Done.\n"), "{ran}");
    assert_eq!(stage.file("from-shell.txt"), "made-by-agent\n");
    assert_eq!(stage.file("from-tool.txt"), "made-by-agent\n");
    assert!(!stage.outside.join("from-shell.txt").exists());
    let talk = stage.talk();
    assert!(talk.contains("secret.txt: No such file or directory"), "{talk}");
    assert!(talk.contains("from-shell.txt: Read-only file system"), "{talk}");
    stage.was_confined(&ran, "openai", 4);
    assert_eq!(stage.refused(), [""; 0]);
}

#[test]
fn codex_with_its_own_model_works_as_well() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let theirs = stage.outside.join("theirs.txt");
    fs::write(&theirs, "theirs\n").unwrap();
    let patch = |text: &str| script(&format!("text(await tools.apply_patch({}))", json!(text)));
    stage.says(vec![
        shell("echo made-by-agent >from-shell.txt; tty"),
        script("text(await tools.exec_command({cmd: 'tty', tty: true}))"),
        patch("*** Begin Patch\n*** Add File: from-tool.txt\n+made-by-agent\n*** End Patch\n"),
        patch(&format!(
            "*** Begin Patch\n*** Update File: {}\n@@\n-theirs\n+mine\n*** End Patch\n",
            theirs.display()
        )),
        shell("curl -sS -m 60 https://denied.example/; echo \"name $?\""),
        Turn::text("Done."),
    ]);
    let ran = stage.run(&["codex", "exec", "--skip-git-repo-check", "Do it."]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Done.\n"), "{ran}");
    assert_eq!(stage.file("from-shell.txt"), "made-by-agent\n");
    assert_eq!(stage.file("from-tool.txt"), "made-by-agent\n");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs\n");
    let talk = stage.talk();
    for said in ["not a tty", "/dev/pts/", "Failed to write file", "name 6"] {
        assert!(talk.contains(said), "no `{said}` in {talk}");
    }
    stage.was_confined(&ran, "openai", 6);
    assert_eq!(stage.refused(), ["denied.example"]);
}

#[test]
fn settings_that_the_operator_grants_are_left_as_they_are() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let settings = stage.home.join(".codex/config.toml");
    fs::create_dir(stage.home.join(".codex")).unwrap();
    // Its own sandbox cannot be put up inside: that this asks for it must not matter.
    let theirs = "model = \"gpt-theirs\"\nsandbox_mode = \"workspace-write\"\n";
    fs::write(&settings, theirs).unwrap();
    stage.says(vec![
        Turn::tool("exec_command", json!({"cmd": "echo made-by-agent >from-shell.txt"})),
        Turn::text("Done."),
    ]);
    stage.grant_writing("~/.codex");
    let ran = stage.run(&["codex", "exec", "--skip-git-repo-check", "Do it."]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.server.requests()[0].json()["model"], "gpt-theirs");
    assert_eq!(stage.file("from-shell.txt"), "made-by-agent\n");
    assert_eq!(fs::read_to_string(&settings).unwrap(), theirs);
    assert!(stage.home.join(".codex/sessions").exists());
}

/// Its own provider is spoken to over a WebSocket, which the gateway takes. The server here speaks none, and need not.
fn over_websocket(stage: &Stage) -> Ran {
    let own = "openai_base_url=\"http://inference.local/v1\"";
    let exec = ["codex", "exec", "--skip-git-repo-check", "-c", "model_provider=\"openai\""];
    stage.run(&[&exec[..], &["-c", own, "-m", "gpt-theirs", "Do it."]].concat())
}

/// How often the journal has this kind.
fn events(journal: &[Value], kind: &str) -> usize {
    journal.iter().filter(|event| event["kind"] == kind).count()
}

#[test]
fn codex_speaks_over_a_websocket() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    stage.says(vec![
        Turn::tool("exec_command", json!({"cmd": "echo made-by-agent >from-shell.txt"})),
        Turn::tool("exec_command", json!({"cmd": "cat from-shell.txt"})),
        Turn::text("Done."),
    ]);
    let ran = over_websocket(&stage);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Done.\n"), "{ran}");
    assert_eq!(stage.file("from-shell.txt"), "made-by-agent\n");
    let journal = stage.journal();
    // One connection for all of it, and nothing over plain HTTP or refused.
    assert_eq!(events(&journal, "websocket"), 1, "{journal:#?}");
    assert_eq!(stage.refused(), [""; 0], "{journal:#?}");
    assert_eq!(events(&journal, "tool_call"), 2, "{journal:#?}");
    stage.was_confined(&ran, "openai", 3);
    // Codex says only what is new, and the provider is told all.
    let requests = stage.server.requests();
    let lengths: Vec<usize> =
        requests.iter().map(|it| it.json()["input"].as_array().unwrap().len()).collect();
    assert!(lengths.is_sorted_by(|a, b| a < b), "{lengths:?}");
    assert!(requests.iter().all(|it| it.json().get("previous_response_id").is_none()));
    assert!(stage.talk().contains("made-by-agent"), "{}", stage.talk());
}

#[test]
fn a_call_that_is_denied_never_reaches_codex_over_a_websocket() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    stage.says(vec![
        Turn::tool("exec_command", json!({"cmd": "touch forbidden.txt"})),
        Turn::text("Done."),
    ]);
    let url = stage.server.url();
    stage.write_policy(&url, "permissions: {deny: [\"Bash(touch forbidden.txt)\"]}\n");
    let ran = over_websocket(&stage);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(events(&stage.journal(), "websocket"), 1);
    assert!(!stage.workspace.join("forbidden.txt").exists());
    let refused = stage.refused();
    assert!(refused.iter().any(|it| it.contains("forbidden")), "{refused:?}");
}
