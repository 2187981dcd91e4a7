//! With a terminal, at the first start: no question stands before the work.

use std::process::Stdio;

use palisade_testkit::Turn;
use serde_json::json;

use crate::{
    ran::{LONG, all, press_until_end, spawn},
    stage::Stage,
};

/// Run it at a terminal, until it has made `from-shell.txt`; then press Ctrl-C until it ends.
fn at_a_terminal(stage: &Stage, command: &str) {
    let line = format!("stty cols 100 rows 40; exec {}", stage.line(command));
    let mut script = stage.of_operator("script");
    script.args(["-qec", &line, "/dev/null"]).env("SHELL", "/bin/sh");
    let mut child = spawn(script.stdin(Stdio::piped()));
    let screen = (all(child.stdout.take()), all(child.stderr.take()));
    let until = std::time::Instant::now() + LONG;
    while stage.file("from-shell.txt").is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let made = stage.file("from-shell.txt");
    press_until_end(&mut child, b"\x03");
    let screen = screen.0.join().unwrap();
    assert_eq!(made, "made-by-agent\n", "{screen}");
    stage.journal_is_whole();
}

#[test]
fn claude_code_begins_at_once() {
    let Some(mut stage) = Stage::with_agents("claude-code") else { return };
    let input = json!({"command": "echo made-by-agent >from-shell.txt", "description": "x"});
    stage.says(vec![Turn::tool("Bash", input), Turn::text("Done.")]);
    at_a_terminal(&stage, "claude --dangerously-skip-permissions 'Do it.'");
    assert_eq!(stage.refused(), [""; 0]);
}

#[test]
fn codex_begins_at_once() {
    let Some(mut stage) = Stage::with_agents("codex") else { return };
    let program = "text(await tools.exec_command({cmd: 'echo made-by-agent >from-shell.txt'}))";
    stage.says(vec![Turn::custom_tool("exec", program), Turn::text("Done.")]);
    at_a_terminal(&stage, "codex 'Do it.'");
    // Its tip of the day, which no setting turns off.
    let refused = stage.refused();
    assert!(refused.iter().all(|name| name == "raw.githubusercontent.com"), "{refused:?}");
}
