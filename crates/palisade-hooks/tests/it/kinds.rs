//! Workers, servers, and how several hooks go together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use palisade_core::BoxFuture;
use palisade_hooks::{Event, Handler, Http, Post, Say};
use serde_json::json;

use crate::stage::{Stage, ask, ask_bash};

const WORKER: &str = "import json, sys, os
open(os.environ['CLAUDE_PROJECT_DIR'] + '/started', 'a').write('x')
for line in sys.stdin:
    command = json.loads(line)['tool_input'].get('command', '')
    if command == 'die': os._exit(3)
    if command == 'hang':
        import time; time.sleep(600)
    if command == 'two': print('{}')
    if command == 'half':
        sys.stdout.write('{\"decision\"'); sys.stdout.flush(); os._exit(0)
    say = 'deny' if 'rm' in command else 'allow'
    print(json.dumps({'hookSpecificOutput': {'hookEventName': 'PreToolUse',
        'permissionDecision': say, 'permissionDecisionReason': command}}), flush=True)
";

fn worker() -> Stage {
    let mut stage = Stage::new();
    stage.script("worker.py", WORKER);
    let program = stage.program("exec python3 ./worker.py");
    stage.hook(Event::PRE_TOOL_USE, Handler::Worker(program)).timeout = Duration::from_secs(10);
    stage
}

fn started(stage: &Stage) -> usize {
    std::fs::read_to_string(stage.at("work/started")).unwrap_or_default().len()
}

#[tokio::test]
async fn a_worker_answers_again_and_again() {
    let stage = worker();
    let runner = stage.runner();
    for number in 0..200 {
        let command = if number % 3 == 0 { format!("rm {number}") } else { format!("ls {number}") };
        let outcome = ask_bash(&runner, &command).await;
        let say = if number % 3 == 0 { Say::Deny } else { Say::Allow };
        assert_eq!((outcome.answer.say, outcome.answer.reason), (Some(say), command));
    }
    assert_eq!(started(&stage), 1);
}

#[tokio::test]
async fn a_worker_that_dies_is_started_again_but_not_for_ever() {
    let stage = worker();
    let runner = stage.runner();
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, Some(Say::Allow));
    // It dies, another is asked once more, and dies too.
    let outcome = ask_bash(&runner, "die").await;
    assert_eq!(outcome.answer.say, Some(Say::Deny));
    assert!(outcome.answer.reason.contains("ended without an answer"), "{outcome:?}");
    assert_eq!(ask_bash(&runner, "ls").await.answer.say, Some(Say::Allow));
    for _ in 0..6 {
        assert_eq!(ask_bash(&runner, "die").await.answer.say, Some(Say::Deny));
    }
    let outcome = ask_bash(&runner, "ls").await;
    assert!(outcome.answer.reason.contains("is not started again"), "{outcome:?}");
    assert_eq!(started(&stage), 5);
}

#[tokio::test]
async fn a_worker_that_is_odd_is_denied_and_replaced() {
    let mut stage = worker();
    stage.hooks[0].1.timeout = Duration::from_secs(2);
    let runner = stage.runner();
    for (command, why) in
        [("two", "more than one line"), ("half", "ended within a line"), ("hang", "took longer")]
    {
        let outcome = ask_bash(&runner, command).await;
        assert_eq!(outcome.answer.say, Some(Say::Deny), "{command}");
        assert!(outcome.answer.reason.contains(why), "{command} {outcome:?}");
        // The next question is answered by another, and with its own answer.
        let outcome = ask_bash(&runner, "ls").await;
        assert_eq!((outcome.answer.say, outcome.answer.reason.as_str()), (Some(Say::Allow), "ls"));
    }
}

struct Server(AtomicU32);

impl Post for Server {
    fn post<'a>(
        &'a self,
        url: &'a str,
        headers: &'a [(String, String)],
        body: Arc<[u8]>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(u16, Vec<u8>), String>> {
        Box::pin(async move {
            self.0.fetch_add(1, Ordering::Relaxed);
            assert_eq!(headers[0].0, "authorization");
            assert!(String::from_utf8_lossy(&body).contains("\"hook_event_name\":\"PreToolUse\""));
            match url {
                "http://127.0.0.1/deny" => {
                    Ok((200, br#"{"decision": "block", "reason": "r"}"#.to_vec()))
                }
                "http://127.0.0.1/none" => Ok((204, Vec::new())),
                "http://127.0.0.1/broken" => Ok((200, b"<html>".to_vec())),
                "http://127.0.0.1/500" => Ok((500, br#"{}"#.to_vec())),
                _ => Err("refused".to_owned()),
            }
        })
    }
}

#[tokio::test]
async fn a_server_decides() {
    for (path, say, why) in [
        ("deny", Some(Say::Deny), "r"),
        ("none", None, ""),
        ("broken", Some(Say::Deny), "cannot be read"),
        ("500", Some(Say::Deny), "status 500"),
        ("down", Some(Say::Deny), "refused"),
    ] {
        let mut stage = Stage::new();
        stage.post = Arc::new(Server(AtomicU32::new(0)));
        let http = Http {
            url: format!("http://127.0.0.1/{path}"),
            headers: [("authorization".to_owned(), "Bearer $HOME".to_owned())].into(),
            variables: vec!["HOME".to_owned()],
        };
        stage.hook(Event::PRE_TOOL_USE, Handler::Http(http));
        let outcome = ask_bash(&stage.runner(), "ls").await;
        assert_eq!(outcome.answer.say, say, "{path}");
        assert!(outcome.answer.reason.contains(why), "{path} {outcome:?}");
    }
}

#[tokio::test]
async fn hooks_run_side_by_side_and_the_strictest_counts() {
    let mut stage = Stage::new();
    let word = |word: &str| {
        format!(
            "sleep 0.5; echo '{{\"hookSpecificOutput\": {{\"hookEventName\": \"PreToolUse\", \
             \"permissionDecision\": \"{word}\", \"permissionDecisionReason\": \"{word}\"}}}}'"
        )
    };
    for one in ["allow", "deny", "ask", "allow"] {
        stage.command(&word(one));
    }
    let begun = Instant::now();
    let outcome = ask_bash(&stage.runner(), "ls").await;
    assert!(begun.elapsed() < Duration::from_millis(1400), "{:?}", begun.elapsed());
    assert_eq!((outcome.answer.say, outcome.answer.reason.as_str()), (Some(Say::Deny), "deny"));
    assert_eq!(outcome.answer.by.as_deref(), Some("hooks.PreToolUse[1]"));
    // The two that are alike run once.
    assert_eq!(outcome.ran.len(), 3);
}

#[tokio::test]
async fn once_is_once_and_detached_decides_nothing() {
    let mut stage = Stage::new();
    stage.command("exit 2").once = true;
    stage.command("sleep 0.3; touch \"$CLAUDE_PROJECT_DIR/detached\"; exit 2").detached = true;
    let runner = stage.runner();
    let begun = Instant::now();
    assert_eq!(ask(&runner, "Bash", &json!({})).await.answer.say, Some(Say::Deny));
    let outcome = ask(&runner, "Bash", &json!({})).await;
    assert_eq!((outcome.answer.say, outcome.ran.len()), (None, 1));
    assert!(outcome.ran[0].detached);
    if begun.elapsed() < Duration::from_millis(250) {
        assert!(!stage.at("work/detached").exists());
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(stage.at("work/detached").exists());
}
