//! What is decided of a call where the agent says to be in another folder than the workspace.

use std::time::Duration;

use palisade_core::SessionId;
use palisade_engine::Scope as Rules;
use palisade_permissions::{Mode, Place, Settings, Written};
use serde_json::json;

use super::*;
use crate::{approvals::Scope, skills::Skills};

const ELSEWHERE: &str = "/work/config/prod";

fn rules(deny: &[&str], ask: &[&str]) -> Rules {
    let written = |text: &&str| Written { text: (*text).to_owned(), at: None, base: "/".into() };
    let settings = Settings {
        mode: Mode::BypassPermissions,
        allow: vec![],
        ask: ask.iter().map(written).collect(),
        deny: deny.iter().map(written).collect(),
        place: Place { workspace: "/work".into(), additional: vec![], home: None },
    };
    Rules { permissions: Some(settings), ..Rules::default() }
}

/// `held`: whether models may ask for skills of the lock alone, of which there are none.
fn pipeline(folder: &Path, rules: Rules, held: bool) -> Arc<Pipeline> {
    let digest = PolicyDigest::of(b"");
    let journal = Journal::open(folder, &SessionId::from_random([7; 16]), None, &digest).unwrap();
    let named = Named::of(&Skills { only: held, ..Skills::default() });
    let (alarms, _) = Alarms::new(None, None);
    let approvals = Approvals::new(Duration::from_secs(60), false);
    let unwritten = Arc::new(Unwritten::default());
    Pipeline::new(Engine::new(rules), journal, approvals, None, (named, alarms), unwritten)
}

fn call(name: &str, input: Value) -> Action {
    let Value::Object(input) = input else { unreachable!() };
    let (name, input) = (name.to_owned(), ToolInput::Object(input));
    let seen = palisade_core::ToolSeen::Announced;
    Action::ToolCall(Box::new(ToolCall { name, input, id: None, seen }))
}

fn edit(path: &str) -> Action {
    call("Write", json!({"file_path": path, "content": "x"}))
}

/// What the operator answers to this, for the session.
async fn answer(pipeline: &Arc<Pipeline>, action: &Action, allowed: bool) {
    let (asks, asked) = (Arc::clone(pipeline), action.clone());
    let waits = tokio::spawn(async move { asks.approvals.ask(&asked, None).await });
    while pipeline.approvals.pending().is_empty() {
        tokio::task::yield_now().await;
    }
    let id = pipeline.approvals.pending()[0].id;
    assert!(pipeline.approvals.answer(id, allowed, Scope::Session, "uid 7"));
    assert_eq!(waits.await.unwrap().is_allowed(), allowed);
}

#[tokio::test]
async fn the_stricter_of_both_folders_counts() {
    use Verdict::{Allow, Ask, Deny};
    let both = ["Edit(config/prod/refused)", "Edit(here)"];
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), rules(&both, &["Edit(config/prod/asked)"]), false);
    for (path, here, there) in [
        ("free", Allow, Allow),
        ("refused", Allow, Deny),
        ("asked", Allow, Ask),
        ("here", Deny, Deny),
        ("config/prod/asked", Ask, Ask),
        ("config/prod/refused", Deny, Deny),
        ("/work/config/prod/asked", Ask, Ask),
    ] {
        let action = edit(path);
        let of = |directory: Option<&str>| {
            pipeline.considered(&action, directory.map(Path::new)).strictest().verdict
        };
        assert_eq!((of(None), of(Some(ELSEWHERE))), (here, there), "{path}");
        assert_eq!(of(Some("/work")), here, "{path}");
        assert_eq!(pipeline.consider(&action).verdict, here, "{path}");
    }
}

#[tokio::test]
async fn an_answer_permits_nothing_that_is_refused_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let rules = rules(&["Edit(config/prod/**)"], &["Edit(//work/**)"]);
    let pipeline = pipeline(folder.path(), rules, false);
    let of = |action: &Action, directory: Option<&str>| {
        pipeline.considered(action, directory.map(Path::new)).strictest().verdict
    };
    let (permitted, refused) = (edit("a"), edit("b"));
    assert_eq!(of(&permitted, None), Verdict::Ask);
    answer(&pipeline, &permitted, true).await;
    assert_eq!(of(&permitted, None), Verdict::Allow);
    // The same question is answered there as well, and what refuses it is no question.
    assert_eq!(of(&permitted, Some("/work/src")), Verdict::Allow);
    assert_eq!(of(&permitted, Some(ELSEWHERE)), Verdict::Deny);
    answer(&pipeline, &refused, false).await;
    for directory in [None, Some("/work/src"), Some(ELSEWHERE)] {
        assert_eq!(of(&refused, directory), Verdict::Deny, "{directory:?}");
    }
}

#[tokio::test]
async fn what_the_lock_of_skills_refuses_is_refused_in_each_folder() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), rules(&[], &["Edit(config/prod/**)"]), true);
    let action = call("Skill", json!({"skill": "evil"}));
    assert!(pipeline.engine.decide(&action).is_allowed());
    for directory in [None, Some("/work/src"), Some(ELSEWHERE)] {
        let decision = pipeline.considered(&action, directory.map(Path::new)).strictest();
        assert_eq!(decision.rule.as_deref(), Some("skills.require"), "{directory:?}");
        assert_eq!(decision.verdict, Verdict::Deny, "{directory:?}");
    }
}

/// What a model's answer was let through with was decided in the workspace.
#[tokio::test]
async fn a_call_that_was_passed_on_is_decided_anew_where_another_folder_is_stricter() {
    let folder = tempfile::tempdir().unwrap();
    let asks = ["Edit(config/prod/asked)"];
    let pipeline = pipeline(folder.path(), rules(&["Edit(config/prod/refused)"], &asks), false);
    for (path, directory, goes_on) in [
        ("free", "/work", true),
        ("free", ELSEWHERE, true),
        ("refused", "/work", true),
        ("refused", ELSEWHERE, false),
        ("asked", ELSEWHERE, false),
        ("config/prod/asked", "/work", true),
        ("config/prod/asked", "/work/src", true),
        ("config/prod/refused", "/work", false),
    ] {
        let Action::ToolCall(call) = edit(path) else { unreachable!() };
        pipeline.passed.add(&call);
        let told = json!({
            "hook_event_name": "PreToolUse", "session_id": "s", "cwd": directory,
            "tool_name": "Write", "tool_input": {"file_path": path, "content": "x"},
        });
        let agent = Agent::ClaudeCode;
        let announced = agent.read(told.to_string().as_bytes()).unwrap();
        let reply = pipeline.passed(&announced, Some(Path::new(directory))).await;
        assert_eq!(reply.is_some(), goes_on, "{path} {directory}");
    }
}
