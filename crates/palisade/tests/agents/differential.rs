//! The same calls through real Claude Code with its own rules, and through Palisade with the same rules: Palisade permits
//! nothing that Claude Code does not, and where it refuses more, the row says so.

use std::{fs, io::Write, process::Stdio};

use palisade_testkit::Turn;
use serde_json::{Value, json};

use crate::{
    ran::{Ran, run},
    stage::Stage,
};

/// Whether both decide the same, or Palisade is stricter (docs/permissions.md, "Where this is stricter").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Same,
    Stricter,
}

use Row::{Same, Stricter};

/// Under `allow`, in the mode `default`.
const ALLOW: &[&str] = &["Bash(node -e *)", "Bash(git log *)", "Edit(src/*.js)"];
const ALLOWED: &[(&str, Row)] = &[
    ("node -e 1", Same),
    ("node -e", Same),
    ("node -e1", Same),
    ("node  -e 1", Same),
    ("node -p 1", Same),
    ("node -e 1 && node -e 2", Same),
    ("node -e 1\nnode -e 2", Same),
    ("node -e 1 && touch q", Same),
    ("node -e 1; node -p 1", Same),
    ("node -e 1 | cat", Same),
    ("node -e 1 || touch q", Same),
    ("node -e \"$(touch q)\"", Same),
    ("node -e `touch q`", Same),
    ("node -e 1 <(touch q)", Same),
    ("FOO=1 node -e 1", Same),
    ("PATH=/x node -e 1", Same),
    ("NODE_OPTIONS=--inspect node -e 1", Same),
    ("timeout 5 node -e 1", Same),
    ("nohup node -e 1", Same),
    ("nice node -e 1", Same),
    ("time node -e 1", Same),
    ("env node -e 1", Same),
    ("bash -c \"node -e 1\"", Same),
    ("/usr/bin/env node -e 1", Same),
    ("/usr/bin/node -e 1", Same),
    ("eval node -e 1", Same),
    ("(node -e 1)", Same),
    ("{ node -e 1; }", Same),
    ("if true; then node -e 1; fi", Same),
    ("for x in 1; do node -e 1; done", Same),
    ("\\node -e 1", Same),
    ("\"node\" -e 1", Same),
    ("! node -e 1", Same),
    ("node -e 1 # x", Same),
    ("node -e 1 2>&1", Same),
    ("node -e 1 2>/dev/null", Same),
    ("node -e 1 > /etc/zzz-differential", Same),
    ("ls", Same),
    ("pwd", Same),
    ("cat here.txt", Same),
    ("grep -n here here.txt", Same),
    ("wc -l here.txt", Same),
    ("head -1 here.txt", Same),
    ("echo hi", Same),
    ("echo hi | wc -c", Same),
    ("git status", Same),
    ("git log -1", Same),
    ("git push", Same),
    ("sort -o x here.txt", Same),
    ("find . -name x", Same),
    ("find . -delete", Same),
    ("touch q", Same),
    ("rm here.txt", Same),
    ("cat ../outside/o.txt", Same),
    ("echo hi > z.txt", Same),
    ("npm -v", Same),
];

/// Under `deny`, in the mode `bypassPermissions`.
const DENY: &[&str] = &["Bash(node *)", "Read(.env)"];
const DENIED: &[(&str, Row)] = &[
    ("echo fine", Same),
    ("node x", Same),
    ("true && node x", Same),
    ("n'o'de x", Same),
    ("\\node x", Same),
    ("timeout 5 node x", Same),
    ("env node x", Same),
    ("FOO=1 node x", Same),
    ("cat .env", Same),
    ("head -1 .env", Same),
    ("echo $(node x)", Same),
    ("(node x)", Same),
    ("/usr/bin/node x", Same),
    ("cat < .env", Same),
    ("cp .env x", Same),
    ("/usr/bin/env node x", Same),
    ("cat <<E\n$(node x)\nE", Same),
    ("f(){ node x; }; f", Same),
    ("node<<<1", Same),
    ("A=$(id) node x", Same),
    ("cat <(node x)", Same),
    ("X=node; $X x", Same),
    ("bash -c \"node x\"", Stricter),
    ("eval \"node x\"", Stricter),
    ("echo x | xargs -n1 node", Stricter),
    ("find . -maxdepth 0 -exec node x ';'", Stricter),
    ("`which node` x", Stricter),
    ("cat .e*", Stricter),
];

fn quoted(rules: &[&str]) -> String {
    let all: Vec<String> = rules.iter().map(|rule| json!(rule).to_string()).collect();
    format!("[{}]", all.join(", "))
}

/// Which calls real Claude Code makes, one session for all.
fn of_claude(stage: &mut Stage, rows: &[(&str, Row)], settings: &Value, free: bool) -> Vec<bool> {
    let folder = stage.home.join(".claude");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
    let mut turns: Vec<Turn> = rows
        .iter()
        .map(|(command, _)| Turn::tool("Bash", json!({"command": command, "description": "x"})))
        .collect();
    turns.push(Turn::text("Done."));
    stage.says(turns);
    let mut command = stage.of_operator("claude");
    command
        .args(["-p", "Do it."])
        .env("IS_SANDBOX", "1")
        .env("ANTHROPIC_BASE_URL", stage.server.url())
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    if free {
        command.arg("--dangerously-skip-permissions");
    }
    let ran: Ran = run(&mut command);
    let requests = stage.server.requests();
    // The result of the last call of each request, as the model is told.
    let mut results = Vec::new();
    for request in requests.iter().skip(1) {
        let body = request.json();
        let last = body["messages"].as_array().and_then(|all| {
            let parts = all.iter().rev().filter_map(|message| message["content"].as_array());
            parts.flatten().find(|part| part["type"] == "tool_result").cloned()
        });
        let Some(last) = last else { continue };
        let text = last["content"].to_string();
        let refused = last["is_error"] == true && !text.contains("Exit code");
        results.push((last["tool_use_id"].to_string(), !refused, text));
    }
    assert_eq!(results.len(), rows.len(), "{ran}\n{results:#?}");
    results.into_iter().map(|(_, done, _)| done).collect()
}

/// What Palisade says to the same calls. A question is no permission: nobody is there.
fn of_palisade(stage: &Stage, rows: &[(&str, Row)], permissions: &str) -> Vec<bool> {
    let policy = stage.home.join("differential.yaml");
    fs::write(&policy, format!("palisade: 1\nextends: [shell]\npermissions: {permissions}\n"))
        .unwrap();
    let decide = |command: &str| {
        let event = json!({"session_id": "s", "cwd": stage.workspace, "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "t"});
        let mut child = stage
            .palisade()
            .args(["hook", "--agent", "claude-code", "--policy"])
            .arg(&policy)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(event.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        said["hookSpecificOutput"]["permissionDecision"] == "allow"
    };
    rows.iter().map(|(command, _)| decide(command)).collect()
}

fn compare(rows: &[(&str, Row)], claude: &[bool], palisade: &[bool]) {
    let mut wrong = Vec::new();
    for (((command, row), claude), palisade) in rows.iter().zip(claude).zip(palisade) {
        let found = match (claude, palisade) {
            (false, true) => "laxer",
            (true, false) => "stricter",
            _ => "same",
        };
        let expected = if *row == Same { "same" } else { "stricter" };
        if found != expected {
            wrong.push(format!("{command:?}: {found}, and not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn prepared() -> Option<Stage> {
    let stage = Stage::with_agents("claude-code")?;
    fs::write(stage.workspace.join("here.txt"), "here\n").unwrap();
    fs::write(stage.workspace.join(".env"), "A=1\n").unwrap();
    fs::write(stage.outside.join("o.txt"), "outside\n").unwrap();
    let git =
        "git init -q && git -c user.name=a -c user.email=a@b.test commit -q --allow-empty -m one";
    let ran = run(stage.of_operator("sh").args(["-c", git]));
    assert_eq!(ran.exit, 0, "{ran}");
    Some(stage)
}

#[test]
fn claude_code_and_palisade_permit_the_same() {
    let Some(mut stage) = prepared() else { return };
    let palisade =
        of_palisade(&stage, ALLOWED, &format!("{{mode: default, allow: {}}}", quoted(ALLOW)));
    let settings = json!({"permissions": {"allow": ALLOW}});
    let claude = of_claude(&mut stage, ALLOWED, &settings, false);
    compare(ALLOWED, &claude, &palisade);
}

#[test]
fn claude_code_and_palisade_refuse_the_same() {
    let Some(mut stage) = prepared() else { return };
    let palisade = of_palisade(
        &stage,
        DENIED,
        &format!("{{mode: bypassPermissions, deny: {}}}", quoted(DENY)),
    );
    let settings = json!({"permissions": {"deny": DENY}});
    let claude = of_claude(&mut stage, DENIED, &settings, true);
    compare(DENIED, &claude, &palisade);
}
