//! What hooks cost, from the event to the answer that is read.
//!
//! ```text
//! cargo bench -p palisade-hooks [-- --rounds 2000]
//! ```
//!
//! Workers and programs in `sh` and in Python are what people have.

#![allow(clippy::print_stdout, reason = "a bench tells")]

use std::{
    collections::BTreeMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use palisade_core::{BoxFuture, ToolCall, ToolInput, ToolSeen};
use palisade_hooks::{
    Common, Config, Event, Handler, Hook, Matcher, OnError, Post, Program, Runner, Setup,
    environment, may_match, of_tool_call,
};
use serde_json::json;

struct Nobody;

impl Post for Nobody {
    fn post<'a>(
        &'a self,
        _: &'a str,
        _: &'a [(String, String)],
        _: Arc<[u8]>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(u16, Vec<u8>), String>> {
        Box::pin(async { Err("there is no server".to_owned()) })
    }
}

const ANSWER: &str =
    r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::args().skip_while(|word| word != "--rounds").nth(1);
    let rounds: usize = rounds.map_or(Ok(2000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let read = format!("while read -r line; do echo '{ANSWER}'; done");
    let python = format!(
        "exec python3 -c 'import json,sys\nfor line in sys.stdin:\n  json.loads(line)\n  print({ANSWER:?}, flush=True)'"
    );
    let shell = format!("cat >/dev/null; echo '{ANSWER}'");
    let script = "exec python3 -c 'import json,sys; json.load(sys.stdin)'";
    let jq = "jq -e '.tool_input.command | test(\"curl\") | not' >/dev/null || exit 2";
    println!("{:28} {:>9} {:>9} {:>9}", "hook", "p50 us", "p99 us", "least us");
    for (name, worker, line, rounds) in [
        ("worker (sh)", true, read.as_str(), rounds),
        ("worker (python)", true, python.as_str(), rounds),
        ("command (sh)", false, shell.as_str(), rounds / 10),
        ("command (sh, jq)", false, jq, rounds / 10),
        ("command (python)", false, script, rounds / 40),
    ] {
        let program =
            Program { command: line.to_owned(), arguments: None, base: folder.path().to_owned() };
        let handler = if worker { Handler::Worker(program) } else { Handler::Command(program) };
        match measured(folder.path(), handler, rounds.max(10)) {
            Ok(times) => {
                let at =
                    |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
                let us = |time: Duration| time.as_secs_f64() * 1e6;
                println!("{name:28} {:9.1} {:9.1} {:9.1}", us(at(50)), us(at(99)), us(at(0)));
            }
            Err(why) => println!("{name:28} {why}"),
        }
    }
    Ok(())
}

fn measured(
    folder: &std::path::Path,
    handler: Handler,
    rounds: usize,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let hook = Hook {
        rule: "hooks.PreToolUse[0]".to_owned(),
        matcher: Matcher::default(),
        only_if: None,
        handler,
        timeout: Duration::from_secs(30),
        once: false,
        detached: false,
        on_error: OnError::Deny,
    };
    let operator: BTreeMap<_, _> = std::env::vars_os().collect();
    let runner = Runner::new(Setup {
        config: Config { events: BTreeMap::from([(Event::PRE_TOOL_USE, vec![hook])]) },
        environment: environment(&operator, &[], folder, "bench"),
        variables: BTreeMap::new(),
        state: Some(folder.to_owned()),
        directory: folder.to_owned(),
        post: Arc::new(Nobody),
        matches: Arc::new(may_match),
    })?;
    let input = json!({"command": "cargo test --workspace", "description": "Run the tests"});
    let call = ToolCall {
        name: "Bash".to_owned(),
        input: ToolInput::Object(input.as_object().cloned().unwrap_or_default()),
        id: Some("toolu_1".to_owned()),
        seen: ToolSeen::Answer,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut times = Vec::with_capacity(rounds);
        for round in 0..rounds + 5 {
            let begun = Instant::now();
            let fields = of_tool_call(Common::default().event(Event::PRE_TOOL_USE), &call);
            let outcome = runner.run(Event::PRE_TOOL_USE, &fields, Some(&call), &[]).await;
            let took = begun.elapsed();
            if let Some(why) = outcome.ran.iter().find_map(|ran| ran.failed.clone()) {
                return Err(why.into());
            }
            if outcome.answer.say.is_none() && outcome.ran.len() != 1 {
                return Err("it was not asked".into());
            }
            // The first start the worker and fill caches.
            if round >= 5 {
                times.push(took);
            }
        }
        times.sort();
        Ok(times)
    })
}
