use std::{collections::BTreeMap, fs, path::Path};

use palisade_core::{Action, Decision, ToolCall, ToolInput, ToolSeen, Verdict};
use palisade_hooks::Say;
use serde_json::{Value, json};

use super::{Decided, Hooks, Pinned, tool_call};
use crate::order::Operator;

/// Decide `ls` by rules that look at the command, and by hooks that are these lines for the shell.
async fn decided(lines: &[String], rules: impl Fn(&str) -> Decision + Send + Sync) -> Decided {
    let folder = tempfile::tempdir().unwrap();
    let hooks: Vec<Value> =
        lines.iter().map(|line| json!({"type": "command", "command": line})).collect();
    let document = json!({"palisade": 1, "hooks": {"PreToolUse": [{"hooks": hooks}]}});
    let file = folder.path().join("p.yaml");
    fs::write(&file, document.to_string()).unwrap();
    let policy = palisade_policy::check_file(&file, Path::new("/home/nobody")).unwrap();
    let operator = Operator {
        home: folder.path().to_owned(),
        directory: folder.path().to_owned(),
        state_dir: folder.path().join("state"),
        config_dir: folder.path().join("config"),
        environment: BTreeMap::new(),
    };
    let hooks = Hooks::new(&policy, &operator, "s", Pinned::Yes).unwrap();
    let call = ToolCall {
        name: "Bash".to_owned(),
        input: ToolInput::Object(json!({"command": "ls"}).as_object().unwrap().clone()),
        id: None,
        seen: ToolSeen::Answer,
    };
    let rules = |action: &Action| match action {
        Action::ToolCall(call) => rules(call.input.text("command").unwrap_or_default()),
        _ => Decision::deny("not asked here"),
    };
    tool_call(Some(&hooks), &call, None, &rules).await
}

fn says(specific: Value) -> String {
    let mut specific = specific;
    specific["hookEventName"] = json!("PreToolUse");
    format!("cat >/dev/null; echo '{}'", json!({"hookSpecificOutput": specific}))
}

fn permits() -> String {
    says(json!({"permissionDecision": "allow", "permissionDecisionReason": "of the hook"}))
}

/// A hook that puts a word before the command.
fn puts(word: &str) -> String {
    let answer =
        r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","updatedInput":{"command":"%s"}}}"#;
    format!(
        "sed -n 's/.*\"command\":\"\\([^\"]*\\)\".*/{word} \\1/p' | {{ read -r line; printf '{answer}' \"$line\"; }}"
    )
}

#[tokio::test]
async fn an_allow_of_a_hook_undoes_no_rule() {
    let by = |rule: &'static str, verdict: Verdict| {
        move |_: &str| Decision {
            verdict,
            rule: Some(rule.to_owned()),
            reason: "of the rules".to_owned(),
        }
    };
    for (rule, verdict, expected) in [
        ("permissions.deny[0]", Verdict::Deny, Verdict::Deny),
        ("permissions.mode", Verdict::Deny, Verdict::Deny),
        ("permissions.ask[1]", Verdict::Ask, Verdict::Ask),
        // It may be about this call, which cannot be told.
        ("permissions.deny[Bash(curl *)]", Verdict::Ask, Verdict::Ask),
        ("taint.ask[mcp__slack__post]", Verdict::Ask, Verdict::Ask),
        ("permissions.mode", Verdict::Ask, Verdict::Allow),
        ("permissions.allow[0]", Verdict::Allow, Verdict::Allow),
        ("permissions", Verdict::Allow, Verdict::Allow),
    ] {
        let decided = decided(&[permits()], by(rule, verdict)).await;
        assert_eq!(decided.decision.verdict, expected, "{rule}");
        // Whom a rule has refused, no hook is asked about.
        assert_eq!(decided.ran.len(), usize::from(verdict != Verdict::Deny), "{rule}");
    }
}

#[tokio::test]
async fn a_hook_narrows_what_rules_permit() {
    let permit = |_: &str| Decision::allow("permissions.allow[0]", "");
    for (word, verdict, say) in [
        ("deny", Verdict::Deny, Say::Deny),
        ("defer", Verdict::Deny, Say::Defer),
        ("ask", Verdict::Ask, Say::Ask),
    ] {
        let hook = says(json!({"permissionDecision": word}));
        let decided = decided(&[hook, permits()], permit).await;
        assert_eq!((decided.decision.verdict, decided.say), (verdict, Some(say)), "{word}");
        assert_eq!(decided.decision.rule.as_deref(), Some("hooks.PreToolUse[0]"));
    }
    // A failure is a denial.
    let decided = decided(&["exit 3".to_owned(), permits()], permit).await;
    assert_eq!(decided.decision.verdict, Verdict::Deny);
}

#[tokio::test]
async fn silence_permits_nothing_by_itself() {
    let without = |_: &str| Decision::allow("permissions", "the policy has no permission rules");
    let decided = decided(&["true".to_owned()], without).await;
    assert_eq!((decided.decision.verdict, decided.say), (Verdict::Allow, None));
}

#[tokio::test]
async fn rules_see_what_a_hook_makes_of_the_input() {
    let no_sudo = |command: &str| match command.starts_with("sudo") {
        true => Decision::deny_by("permissions.deny[0]", "no sudo"),
        false => Decision::allow("permissions", ""),
    };
    let changed = decided(&[puts("nice")], no_sudo).await;
    assert_eq!(changed.decision.verdict, Verdict::Allow);
    assert_eq!(changed.input().unwrap().text("command"), Some("nice ls"));
    let refused = decided(&[puts("sudo")], no_sudo).await;
    assert_eq!(refused.decision.rule.as_deref(), Some("permissions.deny[0]"));
    assert_eq!(refused.input(), None);
}

/// Each hook changes the input once; the others are asked about what came of it.
#[tokio::test]
async fn the_other_hooks_see_what_a_hook_makes_of_the_input() {
    let permit = |_: &str| Decision::allow("permissions", "");
    let guard = "grep -q nice && { echo seen >&2; exit 2; }; exit 0".to_owned();
    let refused = decided(&[guard, puts("nice")], permit).await;
    assert_eq!(
        (refused.decision.verdict, refused.decision.reason.as_str()),
        (Verdict::Deny, "seen")
    );
    // An allow for what was there before is none for what is there now.
    let first = "grep -q '\"ls\"' && echo '{\"decision\": \"approve\"}'; exit 0".to_owned();
    let asks = |_: &str| Decision::ask("permissions.mode", "");
    let asked = decided(&[first, puts("nice")], asks).await;
    assert_eq!(asked.decision.verdict, Verdict::Ask);
}
