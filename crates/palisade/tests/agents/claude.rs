//! Claude Code.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    sync::Mutex,
};

use http::StatusCode;
use palisade_testkit::{Turn, Upstream, answer, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    ran::{all, run, spawn, wait},
    stage::{KEY, Stage},
};

const PROFILE: &str = "claude-code";
/// With its own questions off: what is refused, Palisade refuses.
const FREE: [&str; 4] = ["claude", "-p", "Do it.", "--dangerously-skip-permissions"];

fn bash(command: &str) -> Turn {
    Turn::tool("Bash", json!({"command": command, "description": "x"}))
}

#[test]
fn claude_code_works_in_its_workspace_and_nowhere_else() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    stage.says_script("claude");
    let ran = stage.run(&["claude", "-p", "Do it.", "--allowedTools", "Bash,Write,Edit,Read"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Done.\n"), "{ran}");
    assert_eq!(stage.file("from-shell.txt"), "made-by-agent\n");
    assert_eq!(stage.file("from-tool.txt"), "made-by-agent\n");
    assert!(!stage.outside.join("from-shell.txt").exists());
    let talk = stage.talk();
    assert!(talk.contains("secret.txt: No such file or directory"), "{talk}");
    assert!(talk.contains("from-shell.txt: Read-only file system"), "{talk}");
    stage.was_confined(&ran, "anthropic", 4);
    // It wants nothing that it is refused.
    assert_eq!(stage.refused(), [""; 0]);
}

/// The operator's hook denies it in the model's answer: the agent never has the call, ends its turn in order
/// and works on.
#[test]
fn claude_code_never_gets_a_call_that_is_denied() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let guard = stage.home.join("guard.sh");
    palisade_testkit::write_program(
        &guard,
        "#!/bin/sh\ngrep -q forbidden && { echo 'not this one' >&2; exit 2; }\nexit 0\n",
    );
    stage.says(vec![
        bash("echo forbidden > forbidden.txt"),
        bash("echo made > made.txt"),
        Turn::text("Done."),
    ]);
    let hooks = format!(
        "hooks: {{PreToolUse: [{{matcher: Bash, hooks: [{{type: command, command: \"{}\"}}]}}]}}\n",
        guard.display()
    );
    stage.write_policy(&stage.server.url(), &hooks);
    let ran = stage.run(&FREE);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(
        ran.stdout.contains("was not permitted") && ran.stdout.contains("not this one"),
        "{ran}"
    );
    assert_eq!(stage.file("forbidden.txt"), "");
    assert_eq!(
        stage.refused(),
        ["Bash echo forbidden > forbidden.txt", "PreToolUse Bash echo forbidden > forbidden.txt"]
    );
    let ran = stage.run(&FREE);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Done.\n"), "{ran}");
    assert_eq!(stage.file("made.txt"), "made\n");
    assert!(!stage.talk().contains("forbidden.txt\""), "{}", stage.talk());
    stage.journal_is_whole();
}

/// Whoever has settings of Claude Code: two commands, and they hold, by its own hooks and for programs that announce
/// nothing.
#[test]
fn settings_of_claude_code_hold_in_two_commands() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let own = stage.home.join(".claude/hooks");
    fs::create_dir_all(&own).unwrap();
    palisade_testkit::write_program(
        own.join("guard.sh"),
        "#!/bin/sh\ngrep -q forbidden && { echo 'not this one' >&2; exit 2; }\nexit 0\n",
    );
    let settings = json!({
        "env": {"SWITCHED": "1"},
        "permissions": {"allow": ["Bash(echo *)", "Bash(python3 *)"], "deny": ["Bash(touch *)", "Read(./.env)"],
            "defaultMode": "acceptEdits", "additionalDirectories": [stage.outside]},
        "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "~/.claude/hooks/guard.sh"}]}]},
    });
    fs::write(stage.home.join(".claude/settings.json"), settings.to_string()).unwrap();
    fs::write(stage.workspace.join(".env"), "A=1\n").unwrap();
    fs::write(stage.workspace.join("tool.py"), "import os, subprocess\nprint(os.getenv('SWITCHED'))\ntry: print(open('.env').read())\nexcept OSError as e: print(type(e).__name__)\nsubprocess.run(['touch', 'denied.txt'])\n").unwrap();
    let read = Turn::tool("Read", json!({"file_path": stage.outside.join("o.txt")}));
    fs::write(stage.outside.join("o.txt"), "from the other folder\n").unwrap();
    stage.says(vec![
        bash("echo made > made.txt"),
        bash("python3 tool.py"),
        read,
        bash("echo forbidden"),
        Turn::text("Done."),
    ]);
    let imported = stage.home.join("imported.yaml");
    let ran = run(stage
        .palisade()
        .args(["policy", "import", "--from", "claude-code", "--output"])
        .arg(&imported));
    assert_eq!(ran.exit, 0, "{ran}");
    // Where the model is, which the test alone has to say.
    stage.extend(&imported);
    let ran = stage.run(&["claude", "-p", "Do it."]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.file("made.txt"), "made\n", "{ran}");
    assert!(!stage.workspace.join("denied.txt").exists(), "{ran}");
    let talk = stage.talk();
    assert!(
        talk.contains("1\\\\nPermissionError") || talk.contains("1\\nPermissionError"),
        "{talk}"
    );
    assert!(talk.contains("from the other folder"), "{talk}");
    assert!(ran.stdout.contains("not this one"), "{ran}");
    let refused = stage.refused();
    assert!(refused.iter().any(|subject| subject.contains("touch denied.txt")), "{refused:?}");
    stage.journal_is_whole();
}

#[test]
fn claude_code_edits_files_but_no_hook_and_nothing_outside() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let git = stage.workspace.join(".git");
    fs::create_dir_all(git.join("hooks")).unwrap();
    let (own, theirs) = (stage.workspace.join("own.txt"), stage.outside.join("theirs.txt"));
    fs::write(&theirs, "theirs\n").unwrap();
    let write =
        |path: &Path| Turn::tool("Write", json!({"file_path": path, "content": "by the agent\n"}));
    let edit = |path: &Path, old: &str| {
        let input = json!({"file_path": path, "old_string": old, "new_string": "edited"});
        Turn::tool("Edit", input)
    };
    stage.says(vec![
        write(&own),
        edit(&own, "by the agent"),
        Turn::tool("Read", json!({"file_path": theirs})),
        edit(&theirs, "theirs"),
        write(&git.join("hooks/pre-commit")),
        Turn::text("Done."),
    ]);
    let ran = stage.run(&FREE);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.file("own.txt"), "edited\n");
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs\n");
    assert!(!git.join("hooks/pre-commit").exists());
    let talk = stage.talk();
    assert_eq!(talk.matches("EROFS").count(), 2, "{talk}");
    stage.was_confined(&ran, "anthropic", 6);
}

/// Events that only Claude Code itself tells of reach the policy's hooks, and their answers reach it.
#[test]
fn claude_code_tells_the_policys_hooks() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    stage.says(vec![bash("echo one"), Turn::text("Done.")]);
    let tell = "command: \"cat >> $HOME/told; echo >> $HOME/told\"";
    let context = "command: \"echo '{\\\"hookSpecificOutput\\\": {\\\"hookEventName\\\": \\\"UserPromptSubmit\\\", \\\"additionalContext\\\": \\\"the-branch-is-main\\\"}}'\"";
    let hooks = format!(
        "hooks:
  SessionStart: [{{hooks: [{{type: command, {tell}}}]}}]
  UserPromptSubmit: [{{hooks: [{{type: command, {tell}}}, {{type: command, {context}}}]}}]
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
    assert_eq!(names, ["SessionStart", "UserPromptSubmit", "PostToolUse", "Stop"], "{told}");
    assert_eq!(events[2]["tool_input"]["command"], "echo one");
    // Where the agent keeps its own record is nothing for a hook outside.
    assert_eq!(events[0]["transcript_path"], "");
    let talk = stage.talk();
    assert!(talk.contains("the-branch-is-main"), "{talk}");
}

/// The real one keeps to what `palisade hook` answers: a denial, also of a run that asks nothing, and a changed
/// input.
#[test]
fn claude_code_keeps_to_what_its_hook_is_told() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    // A denied call ends the turn: it is the last.
    stage.says(vec![bash("echo one >changed.txt"), bash("touch denied.txt"), Turn::text("Done.")]);
    let guard = stage.home.join("hooks/guard.py");
    fs::create_dir_all(guard.parent().unwrap()).unwrap();
    let script = "#!/usr/bin/env python3
import json, sys
command = json.load(sys.stdin)['tool_input']['command']
if command.startswith('touch'):
    print('nothing is touched here', file=sys.stderr)
    sys.exit(2)
print(json.dumps({'hookSpecificOutput': {'hookEventName': 'PreToolUse', 'permissionDecision': 'allow',
    'updatedInput': {'command': command.replace('one', 'two')}}}))
";
    palisade_testkit::write_program(&guard, script);
    let exe = env!("CARGO_BIN_EXE_palisade");
    // For an event of its own, so that the program is shown inside.
    let hooks = format!(
        "hooks:
  PreToolUse: [{{matcher: Bash, hooks: [{{type: command, command: \"{}\"}}]}}]
  SessionEnd: [{{hooks: [{{type: command, command: \"true\"}}]}}]
",
        guard.display()
    );
    stage.write_policy(&stage.server.url(), &hooks);
    let settings = json!({"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [
        {"type": "command", "command": format!("{exe} hook --agent claude-code")}]}]}});
    let settings = settings.to_string();
    let mut command = FREE.to_vec();
    command.extend(["--settings", settings.as_str()]);
    let ran = stage.run(&command);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(!stage.workspace.join("denied.txt").exists());
    assert_eq!(stage.file("changed.txt"), "two\n");
    assert!(ran.stdout.contains("nothing is touched here"), "{ran}");
}

/// Looks for the key wherever a process inside can look without privileges. The pattern does not
/// match itself, so that the command, which is in transcripts, is not found.
const HUNT: &str = "grep -lsar -D skip 'agents-test-[k]ey' /proc/[0-9]*/environ \
                    /proc/[0-9]*/cmdline /run/palisade /etc/claude-code /tmp /var/tmp /dev/shm ~ . \
                    >found.txt; env >environment.txt";

#[test]
fn the_key_is_nowhere_inside() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    stage.says(vec![bash(HUNT), Turn::text("Done.")]);
    let ran = stage.run(&FREE);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.file("found.txt"), "");
    let environment = stage.file("environment.txt");
    assert!(environment.contains("\nANTHROPIC_API_KEY=palisade-placeholder-"), "{environment}");
    stage.was_confined(&ran, "anthropic", 2);
}

#[test]
fn a_key_that_a_policy_lets_in_would_be_found() {
    let stage = Stage::new("shell");
    stage.write_policy("", "process: {environment: {pass: [ANTHROPIC_API_KEY]}}\n");
    let ran = stage.run(&["sh", "-c", HUNT]);
    assert!(stage.file("found.txt").contains("/environ\n"), "{ran}");
    assert!(stage.file("environment.txt").contains(KEY), "{ran}");
}

/// A server of the operator's machine that says `hello from outside`.
fn neighbour() -> Upstream {
    Upstream::start(|_| async { answer(StatusCode::OK, "text/plain", "hello from outside") })
        .unwrap()
}

#[test]
fn a_host_that_no_rule_names_fails_at_once() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let neighbour = neighbour();
    // Unconfined it is there.
    assert!(
        run(stage.of_operator("curl").args(["-sS", &neighbour.url()])).stdout.starts_with("hello")
    );
    // 6 is curl's word for a name that does not resolve, 7 for a refused connection; 28 would be
    // its patience at its end.
    stage.says(vec![
        bash("curl -sS -m 60 https://denied.example/; echo \"name $?\""),
        bash(&format!("curl -sS -m 60 {}; echo \"address $?\"", neighbour.url())),
        Turn::tool("WebFetch", json!({"url": "https://denied.example/", "prompt": "x"})),
        Turn::text("Done."),
    ]);
    let ran = stage.run(&FREE);
    assert_eq!(ran.exit, 0, "{ran}");
    let talk = stage.talk();
    for said in ["name 6", "address 7", "ENOTFOUND denied.example"] {
        assert!(talk.contains(said), "no `{said}` in {talk}");
    }
    // The one from outside.
    assert_eq!(neighbour.requests().len(), 1);
    assert_eq!(stage.refused(), ["denied.example"]);
    stage.was_confined(&ran, "anthropic", 4);
}

#[test]
fn a_host_that_a_rule_names_is_reached() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let neighbour = neighbour();
    let port = neighbour.address().port();
    stage.says(vec![
        bash(&format!("curl -sS -m 60 http://neighbour.test:{port}/")),
        Turn::text("Done."),
    ]);
    stage.write_policy(
        &stage.server.url(),
        &format!(
            "network:\n  hosts: {{neighbour.test: [127.0.0.1]}}\n  rules:\n    \
             - {{name: near, hosts: [neighbour.test], ports: [{port}], addresses: [127.0.0.1/32]}}\n"
        ),
    );
    let ran = stage.run(&FREE);
    assert!(stage.talk().contains("hello from outside"), "{ran}");
    assert_eq!(neighbour.requests().len(), 1);
    stage.was_confined(&ran, "anthropic", 2);
}

#[test]
fn words_of_the_model_arrive_as_they_come() {
    let Some(stage) = Stage::with_agents(PROFILE) else { return };
    let (parts, receiver) = mpsc::channel(16);
    let receiver = Mutex::new(Some(receiver));
    let server = Upstream::start(move |_| {
        let parts = receiver.lock().unwrap().take();
        async move {
            match parts {
                Some(parts) => stream("text/event-stream", parts),
                None => answer(StatusCode::BAD_REQUEST, "text/plain", "one call was expected"),
            }
        }
    })
    .unwrap();
    stage.write_policy(&server.url(), "");
    let say = |events: &[Value]| {
        for event in events {
            let name = event["type"].as_str().unwrap();
            let text = format!("event: {name}\ndata: {event}\n\n");
            parts.try_send(Ok(text.into())).unwrap();
        }
    };
    let delta = |text: &str| {
        json!({"type": "content_block_delta", "index": 0,
               "delta": {"type": "text_delta", "text": text}})
    };
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant",
                         "model": "claude-x", "content": [], "stop_reason": null,
                         "stop_sequence": null, "usage": usage});
    say(&[
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0,
               "content_block": {"type": "text", "text": ""}}),
        delta("The beginning"),
    ]);
    let mut command = stage.confined(&["claude", "-p", "Talk.", "--verbose"]);
    command.args(["--output-format", "stream-json", "--include-partial-messages"]);
    let mut child = spawn(command.stdin(Stdio::null()));
    let stderr = all(child.stderr.take());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // The end is said only once the beginning is here: an answer that is held back never is.
    assert!(lines.any(|line| line.contains("The beginning")), "{}", stderr.join().unwrap());
    say(&[
        delta(" and the end."),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "usage": usage,
               "delta": {"stop_reason": "end_turn", "stop_sequence": null}}),
        json!({"type": "message_stop"}),
    ]);
    drop(parts);
    assert!(lines.any(|line| line.contains("The beginning and the end.")));
    for _ in lines {}
    assert_eq!(wait(&mut child), 0);
}

#[test]
fn settings_that_the_operator_grants_are_left_as_they_are() {
    let Some(mut stage) = Stage::with_agents(PROFILE) else { return };
    let settings = stage.home.join(".claude");
    fs::create_dir(&settings).unwrap();
    fs::write(settings.join("settings.json"), "{\"model\": \"claude-theirs-1\"}\n").unwrap();
    fs::write(stage.home.join(".claude.json"), "{\"numStartups\": 7}\n").unwrap();
    stage.says(vec![Turn::text("Done.")]);
    stage.grant_writing("~/.claude, ~/.claude.json");
    let ran = stage.run(&FREE);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(stage.server.requests()[0].json()["model"], "claude-theirs-1");
    let kept = fs::read_to_string(settings.join("settings.json")).unwrap();
    assert_eq!(kept, "{\"model\": \"claude-theirs-1\"}\n");
    let state: Value =
        serde_json::from_slice(&fs::read(stage.home.join(".claude.json")).unwrap()).unwrap();
    assert_eq!(state["numStartups"].as_u64().unwrap() / 7, 1, "{state}");
    assert!(state["hasCompletedOnboarding"].is_null(), "{state}");
    // What it remembers of this folder is kept.
    assert!(settings.join("projects").read_dir().unwrap().next().is_some());
}
