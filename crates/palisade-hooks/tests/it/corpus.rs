//! Hooks as people write them for Claude Code: shell with `sed`, with `jq`, Python; each with what it is
//! to permit and to refuse.

use palisade_hooks::{Event, Handler, Say};
use serde_json::{Value, json};

use crate::stage::{Stage, ask, ask_bash, call, fields};

/// Run a script of the corpus, with what it is to say to each call.
async fn says(script: &str, needs: &str, cases: &[(&str, Value, Option<Say>)]) {
    if std::process::Command::new("sh")
        .args(["-c", &format!("command -v {needs}")])
        .output()
        .is_ok_and(|it| !it.status.success())
    {
        assert!(std::env::var_os("CI").is_none(), "there is no {needs}");
        println!("skipped: there is no {needs}");
        return;
    }
    let mut stage = Stage::new();
    let text =
        std::fs::read_to_string(format!("{}/tests/corpus/{script}", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
    stage.script(script, &text);
    stage.command(&format!("./{script}"));
    let runner = stage.runner();
    for (tool, input, say) in cases {
        let outcome = ask(&runner, tool, input).await;
        assert_eq!(outcome.answer.say, *say, "{script} {tool} {input}: {outcome:?}");
        assert_eq!(outcome.ran.len(), 1);
        assert_eq!(outcome.ran[0].failed, None, "{script} {input}");
    }
}

#[tokio::test]
async fn a_shell_script_that_reads_with_sed() {
    let bash = |command: &str| json!({"command": command});
    says(
        "no-force-push.sh",
        "sed",
        &[
            ("Bash", bash("git push"), None),
            ("Bash", bash("git push --force origin main"), Some(Say::Deny)),
            ("Bash", bash("git push -f"), Some(Say::Deny)),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_shell_script_that_reads_with_jq() {
    let file = |path: &str| json!({"file_path": path, "content": "x"});
    says(
        "protected-files.sh",
        "jq",
        &[
            ("Write", file("/work/src/main.rs"), None),
            ("Write", file("/work/.env"), Some(Say::Deny)),
            ("Edit", file("/work/package-lock.json"), Some(Say::Deny)),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_python_script_that_answers_json() {
    let bash = |command: &str| json!({"command": command});
    says(
        "review.py",
        "python3",
        &[
            ("Bash", bash("ls"), Some(Say::Allow)),
            ("Bash", bash("terraform apply"), Some(Say::Ask)),
            ("Bash", bash("rm -rf /"), Some(Say::Deny)),
            ("Read", json!({"file_path": "/x"}), None),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_python_script_of_the_old_form() {
    says(
        "old-form.py",
        "python3",
        &[
            ("Bash", json!({"command": "grep x"}), Some(Say::Deny)),
            ("Bash", json!({"command": "rg x"}), Some(Say::Allow)),
        ],
    )
    .await;
}

/// `source "$(dirname "$0")/lib.sh"` finds its library beside the copy.
#[tokio::test]
async fn a_script_with_a_library_beside_it() {
    let mut stage = Stage::new();
    stage.script("hooks/lib.sh", "deny() { echo \"$1\" >&2; exit 2; }\n");
    stage.script(
        "hooks/main.sh",
        "#!/bin/bash\nsource \"$(dirname \"$0\")/lib.sh\"\ngrep -q curl && deny 'no curl'\nexit 0\n",
    );
    stage.command("./hooks/main.sh");
    let runner = stage.runner();
    // What is beside it is what was there at the start.
    stage.script("hooks/lib.sh", "deny() { exit 0; }\n");
    let outcome = ask_bash(&runner, "curl x").await;
    assert_eq!((outcome.answer.say, outcome.answer.reason.as_str()), (Some(Say::Deny), "no curl"));
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, None);
}

#[tokio::test]
async fn a_script_that_changes_the_command() {
    let mut stage = Stage::new();
    let text = include_str!("../corpus/rewrite.py");
    stage.script("rewrite.py", text);
    stage.command("python3 ./rewrite.py");
    let outcome = ask_bash(&stage.runner(), "npm test").await;
    assert_eq!(outcome.answer.input.unwrap()["command"], "timeout 60 npm test");
}

/// The input has all that hooks of Claude Code read, and the environment what they are told.
#[tokio::test]
async fn the_input_and_the_environment_are_claude_codes() {
    let mut stage = Stage::new();
    stage.script(
        "show.sh",
        "#!/bin/sh\nmkdir -p \"$OUT\" 2>/dev/null; cat > \"$CLAUDE_PROJECT_DIR/input\"; env > \"$CLAUDE_PROJECT_DIR/env\"; pwd > \"$CLAUDE_PROJECT_DIR/pwd\"\n",
    );
    stage.command("./show.sh");
    let runner = stage.runner();
    ask_bash(&runner, "ls\n\u{1b}[2J'\"$(x)").await;
    let read = |name: &str| std::fs::read_to_string(stage.at("work").join(name)).unwrap();
    let input: Value = serde_json::from_str(&read("input")).unwrap();
    assert_eq!(
        input,
        json!({"session_id": "session-1", "transcript_path": "", "cwd": "/work",
            "permission_mode": "default", "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": {"command": "ls\n\u{1b}[2J'\"$(x)"}, "tool_use_id": "toolu_1"})
    );
    assert!(
        read("env").contains("PALISADE_HOOK=1")
            && read("env").contains("CLAUDE_CODE_SESSION_ID=session-1")
    );
    assert!(!read("env").contains("CARGO"), "{}", read("env"));
    let pwd = read("pwd");
    assert!(!pwd.contains("/work") && pwd.contains("/state/hooks/"), "{pwd}");
}

#[tokio::test]
async fn matchers_and_conditions_choose() {
    let mut stage = Stage::new();
    stage.command("exit 2").matcher = palisade_hooks::Matcher::new("Write|Edit").unwrap();
    stage.command("echo if >&2; exit 2").only_if = Some("Bash(git *)".into());
    let runner = stage.runner();
    assert_eq!(ask(&runner, "Write", &json!({})).await.ran.len(), 1);
    assert_eq!(ask(&runner, "Read", &json!({})).await.ran.len(), 0);
    assert_eq!(ask_bash(&runner, "ls").await.answer.reason, "if");
}

/// Hooks that were written for Claude Code's names see those, whatever the agent calls its tools.
#[tokio::test]
async fn tools_of_other_agents_have_claude_codes_names() {
    let mut stage = Stage::new();
    stage.command("grep -q '\"command\":\"rm' && exit 2; exit 0").matcher =
        palisade_hooks::Matcher::new("Bash").unwrap();
    let runner = stage.runner();
    for (tool, input) in [
        ("exec_command", json!({"cmd": "rm x"})),
        ("shell", json!({"command": ["bash", "-lc", "rm x"]})),
        ("shell", json!({"command": ["rm", "x"]})),
        ("run_shell_command", json!({"command": "rm x"})),
        ("exec", json!({"command": "rm x"})),
    ] {
        assert_eq!(ask(&runner, tool, &input).await.answer.say, Some(Say::Deny), "{tool}");
    }
}

#[tokio::test]
async fn events_without_a_tool_are_told_too() {
    let mut stage = Stage::new();
    let event = Event::named("UserPromptSubmit").unwrap();
    let handler = Handler::Command(stage.program("echo the branch is main"));
    stage.hook(event, handler);
    let runner = stage.runner();
    let some = call("Bash", &json!({}));
    let outcome =
        runner.run(event, &fields(event, &some, std::path::Path::new("/w")), None, &[]).await;
    assert_eq!(outcome.answer.context, ["the branch is main"]);
}
