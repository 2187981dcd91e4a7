//! Hooks that fail, hang, flood, lie or were exchanged: each is a denial, with a reason.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use palisade_hooks::{OnError, Say};
use serde_json::json;

use crate::stage::{Stage, ask, ask_bash};

/// A hook like this denies, for this reason.
async fn denies(stage: &Stage, why: &str) {
    let outcome = ask_bash(&stage.runner(), "ls").await;
    assert_eq!(outcome.answer.say, Some(Say::Deny), "{outcome:?}");
    assert!(outcome.answer.reason.contains(why), "{why}: {outcome:?}");
    assert!(outcome.ran[0].failed.is_some());
}

/// The twin of all others here.
#[tokio::test]
async fn a_hook_that_is_content_permits() {
    let mut stage = Stage::new();
    stage.command("cat >/dev/null");
    let outcome = ask_bash(&stage.runner(), "ls").await;
    assert_eq!((outcome.answer.say, outcome.ran[0].failed.clone()), (None, None));
}

#[tokio::test]
async fn fails_in_each_way() {
    for (line, why) in [
        ("exit 1", "exit code 1"),
        ("./none.sh", "there is no file"),
        ("no-such-program-anywhere", "not found"),
        ("kill -9 $$", "signal 9"),
        ("kill -15 $$", "signal 15"),
        ("echo '{'", "cannot be read"),
        ("echo '{} {}'", "cannot be read"),
        (
            "echo '{\"hookSpecificOutput\": {\"hookEventName\": \"PreToolUse\", \"permissionDecision\": \"sure\"}}'",
            "none of allow",
        ),
        ("printf '\\377\\376'", "UTF-8"),
        ("printf 'a\\000b'", "NUL"),
    ] {
        let mut stage = Stage::new();
        stage.command(line);
        denies(&stage, why).await;
    }
}

#[tokio::test]
async fn floods_its_output() {
    for to in ["", ">&2"] {
        let mut stage = Stage::new();
        stage.command(&format!("head -c 100000000 /dev/zero | tr '\\0' a {to}"));
        denies(&stage, "printed more than").await;
    }
}

#[tokio::test]
async fn hangs_with_children_and_all_are_ended() {
    let mut stage = Stage::new();
    stage.command("(sleep 612.5 & sleep 612.5) & sleep 612.5; sleep 612.5").timeout =
        Duration::from_millis(500);
    let begun = Instant::now();
    denies(&stage, "took longer than 0.5 s").await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(gone("612.5").await);
}

/// It has answered; what it left behind is not waited for.
#[tokio::test]
async fn leaves_a_daemon_that_holds_its_pipes() {
    for daemon in ["sleep 613.5 &", "setsid sleep 613.25 & sleep 0.05;"] {
        let mut stage = Stage::new();
        stage.command(&format!("{daemon} echo no >&2; exit 2"));
        let begun = Instant::now();
        let outcome = ask_bash(&stage.runner(), "ls").await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        assert_eq!((outcome.answer.say, outcome.answer.reason.as_str()), (Some(Say::Deny), "no"));
    }
    assert!(gone("613.5").await);
    // One that made itself a session of its own is outside of the group; the test ends it.
    for process in running("613.25") {
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    }
}

#[tokio::test]
async fn closes_its_input_and_its_output() {
    let mut stage = Stage::new();
    stage.command("exec <&- >&- 2>&-; exit 1");
    let runner = stage.runner();
    let outcome = ask(&runner, "Write", &json!({"content": "x".repeat(1 << 20)})).await;
    assert_eq!(outcome.answer.say, Some(Say::Deny), "{outcome:?}");
    let mut stage = Stage::new();
    stage.command("exec <&- >&- 2>&-; sleep 614.5").timeout = Duration::from_millis(300);
    denies(&stage, "took longer").await;
}

#[tokio::test]
async fn is_exchanged_after_the_start() {
    let mut stage = Stage::new();
    stage.script("guard.sh", "#!/bin/sh\nexit 0\n");
    stage.command("./guard.sh");
    let runner = stage.runner();
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, None);
    // Only touched: it is the same.
    stage.script("guard.sh", "#!/bin/sh\nexit 0\n");
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, None);
    stage.script("guard.sh", "#!/bin/sh\n: anything\nexit 0\n");
    let outcome = ask_bash(&runner, "ls").await;
    assert_eq!(outcome.answer.say, Some(Say::Deny));
    assert!(outcome.answer.reason.contains("has changed since"), "{outcome:?}");
    fs::remove_file(stage.at("policy/guard.sh")).unwrap();
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, Some(Say::Deny));
}

/// Each way to name a script is seen.
#[tokio::test]
async fn is_exchanged_however_it_is_named() {
    let stage = Stage::new();
    let policy = stage.at("policy").display().to_string();
    for line in [
        "./guard.sh".to_owned(),
        "sh ./guard.sh".to_owned(),
        "sh guard.sh".to_owned(),
        format!("A=1 {policy}/guard.sh --flag"),
        format!("'{policy}/guard.sh' && true"),
        "exec \"./guard.sh\"".to_owned(),
        ". ./guard.sh".to_owned(),
    ] {
        let mut stage = Stage::new();
        let line = line.replace(&policy, &stage.at("policy").display().to_string());
        stage.script("guard.sh", "#!/bin/sh\ntrue\n");
        stage.command(&line);
        let runner = stage.runner();
        assert_eq!(ask_bash(&runner, "ls").await.answer.say, None, "{line}");
        stage.script("guard.sh", "#!/bin/sh\ntrue; true\n");
        let outcome = ask_bash(&runner, "ls").await;
        assert!(outcome.answer.reason.contains("has changed since"), "{line} {outcome:?}");
    }
}

#[tokio::test]
async fn its_interpreter_is_exchanged() {
    let mut stage = Stage::new();
    stage.script("interpreter", "#!/bin/sh\nexit 0\n");
    let interpreter = stage.at("policy/interpreter");
    stage.script("guard", &format!("#!{}\n", interpreter.display()));
    stage.command("./guard");
    let runner = stage.runner();
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, None);
    stage.script("interpreter", "#!/bin/sh\n# other\nexit 0\n");
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, Some(Say::Deny));
}

#[tokio::test]
async fn its_folder_is_exchanged_for_a_link() {
    let mut stage = Stage::new();
    stage.script("hooks/guard.sh", "#!/bin/sh\necho no >&2; exit 2\n");
    stage.script("evil/guard.sh", "#!/bin/sh\nexit 0\n");
    stage.command("./hooks/guard.sh");
    let runner = stage.runner();
    fs::rename(stage.at("policy/hooks"), stage.at("policy/old")).unwrap();
    std::os::unix::fs::symlink("evil", stage.at("policy/hooks")).unwrap();
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, Some(Say::Deny));
}

/// What the agent says is data on standard input, and nothing else.
#[tokio::test]
async fn is_told_hostile_text() {
    let mut stage = Stage::new();
    stage.script("count.sh", "#!/bin/sh\nwc -l > \"$CLAUDE_PROJECT_DIR/lines\"; echo $# > \"$CLAUDE_PROJECT_DIR/argc\"\n");
    stage.command("./count.sh");
    let runner = stage.runner();
    let text = "$(touch pwned) `touch pwned`\n; touch pwned\0\u{1b}]0;x\u{7}\u{202e}' \" --flag";
    let outcome = ask_bash(&runner, text).await;
    assert_eq!(outcome.ran[0].failed, None, "{outcome:?}");
    let read = |name: &str| fs::read_to_string(stage.at("work").join(name)).unwrap();
    assert_eq!((read("lines").trim(), read("argc").trim()), ("1", "0"));
    assert!(!stage.at("work/pwned").exists() && !stage.at("policy/pwned").exists());
}

#[tokio::test]
async fn is_told_more_than_is_told() {
    let mut stage = Stage::new();
    stage.command("exit 0");
    let runner = stage.runner();
    let outcome = ask(&runner, "Write", &json!({"content": "x".repeat(17 << 20)})).await;
    assert!(outcome.answer.reason.contains("more than"), "{:?}", outcome.answer);
    assert_eq!(outcome.answer.say, Some(Say::Deny));
}

#[tokio::test]
async fn two_hooks_change_the_input_differently() {
    let change = |to: &str| {
        format!(
            "echo '{{\"hookSpecificOutput\": {{\"hookEventName\": \"PreToolUse\", \
             \"updatedInput\": {{\"command\": \"{to}\"}}}}}}'"
        )
    };
    let mut stage = Stage::new();
    stage.command(&change("a"));
    stage.command(&change("b"));
    let outcome = ask_bash(&stage.runner(), "ls").await;
    assert_eq!(outcome.answer.say, Some(Say::Deny));
    assert!(outcome.answer.reason.contains("two hooks"));
}

/// As with Claude Code, where the policy asks for it; it is told all the same.
#[tokio::test]
async fn a_failure_means_what_the_policy_says() {
    for (on_error, line, say) in [
        (OnError::Deny, "exit 1", Some(Say::Deny)),
        (OnError::Ask, "exit 1", Some(Say::Ask)),
        (OnError::Allow, "exit 1", None),
        (OnError::Allow, "echo '{\"decision\": \"block\"}'; exit 1", Some(Say::Deny)),
        (OnError::Ask, "echo '{\"decision\": \"block\"}'; exit 1", Some(Say::Deny)),
        (OnError::Ask, "echo '{\"decision\": \"approve\"}'; exit 1", Some(Say::Ask)),
    ] {
        let mut stage = Stage::new();
        stage.command(line).on_error = on_error;
        let outcome = ask_bash(&stage.runner(), "ls").await;
        assert_eq!(outcome.answer.say, say, "{on_error:?} {line}");
        assert!(outcome.ran[0].failed.is_some());
    }
}

#[tokio::test]
async fn a_flood_of_events_starts_few_programs_at_a_time() {
    let mut stage = Stage::new();
    stage.command("echo x >> \"$CLAUDE_PROJECT_DIR/now\"; sleep 0.1; exit 0");
    let runner = std::sync::Arc::new(stage.runner());
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let runner = std::sync::Arc::clone(&runner);
        all.spawn(async move { ask_bash(&runner, "ls").await.answer.say });
    }
    tokio::time::sleep(Duration::from_millis(90)).await;
    let begun = fs::read_to_string(stage.at("work/now")).unwrap_or_default().lines().count();
    assert!(begun <= 32, "{begun}");
    while let Some(say) = all.join_next().await {
        assert_eq!(say.unwrap(), None);
    }
}

#[tokio::test]
async fn copies_are_private_and_go_with_the_session() {
    use std::os::unix::fs::PermissionsExt;
    let mut stage = Stage::new();
    stage.script("guard.sh", "#!/bin/sh\nexit 0\n");
    stage.command("./guard.sh");
    fs::create_dir_all(stage.at("state/hooks/999999999.0/0")).unwrap();
    let runner = stage.runner();
    let left: Vec<_> = fs::read_dir(stage.at("state/hooks")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "what a killed session left is swept");
    let mode = left[0].metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(runner);
    assert_eq!(fs::read_dir(stage.at("state/hooks")).unwrap().count(), 0);
}

/// Processes that sleep for so long.
fn running(seconds: &str) -> Vec<rustix::process::Pid> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter(|entry| {
        let line = fs::read_to_string(Path::new("/proc").join(entry.file_name()).join("cmdline"));
        line.is_ok_and(|line| line == format!("sleep\0{seconds}\0"))
    })
    .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    .filter_map(rustix::process::Pid::from_raw)
    .collect()
}

async fn gone(seconds: &str) -> bool {
    for _ in 0..50 {
        if running(seconds).is_empty() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}
