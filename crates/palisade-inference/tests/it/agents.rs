//! Real agents through the gateway, if `tests/agents/install.sh` has installed them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use palisade_core::Action;
use palisade_inference::{GatewayConfig, KeySource};
use palisade_testkit::{ModelServer, Script};

use crate::bench::{Bench, KEY, Ledger, PLACEHOLDER, config};

/// The folder of the agents: `$PALISADE_AGENTS`, or where the script puts them.
fn agents() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/agents");
    let dir = std::env::var_os("PALISADE_AGENTS").map_or(default, PathBuf::from);
    if dir.join("installed.txt").exists() {
        return Some(dir);
    }
    assert!(std::env::var_os("CI").is_none(), "run tests/agents/install.sh first");
    println!("skipped: run tests/agents/install.sh to drive real agents");
    None
}

enum Key {
    Present,
    Missing,
}

struct Run {
    output: Output,
    workspace: PathBuf,
    bench: Bench,
    server: ModelServer,
    _folder: tempfile::TempDir,
}

/// Runs an agent, unconfined, with a gateway between it and a scripted model.
async fn drive(agent: &str, key: Key, extra: &[&str]) -> Option<Run> {
    drive_with(agent, key, extra, |_| {}, Ledger::default()).await
}

/// The same with another configuration, and another authority.
async fn drive_with(
    agent: &str,
    key: Key,
    extra: &[&str],
    change: impl FnOnce(&mut GatewayConfig),
    ledger: Ledger,
) -> Option<Run> {
    let agents = agents()?;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/agents");
    let folder = tempfile::tempdir().unwrap();
    let [workspace, home, outside] = ["workspace", "home", "outside"].map(|name| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    });
    let secret = outside.join("secret.txt");
    fs::write(&secret, "a file outside of the workspace\n").unwrap();
    let script = Script::read_with(
        &scripts.join(format!("scripts/{agent}.json")),
        &[("@WORKSPACE@", &workspace), ("@OUTSIDE@", &outside), ("@SECRET@", &secret)],
    );
    let server = ModelServer::start(script.unwrap().with_key(KEY)).unwrap();
    let mut config = config(&server.url(), &server.url());
    if let Key::Missing = key {
        for provider in config.providers.values_mut() {
            let why = "set THE_KEY where you run palisade".to_owned();
            provider.key = KeySource::Missing { why };
        }
    }
    change(&mut config);
    let bench = Bench::of(config, ledger).await;
    let url = format!("http://{}", bench.address);
    let output = tokio::process::Command::new(scripts.join("drive.sh"))
        .arg(agent)
        .arg(&agents)
        .arg(&url)
        .arg(&home)
        .arg("Write the files.")
        .args(extra.iter().map(|arg| arg.replace("@GATEWAY@", &url)))
        .current_dir(&workspace)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    Some(Run { output, workspace, bench, server, _folder: folder })
}

fn worked(run: &Run, endpoint: &str) {
    assert!(run.output.status.success(), "{:?}", run.output);
    for file in ["from-shell.txt", "from-tool.txt"] {
        assert_eq!(fs::read_to_string(run.workspace.join(file)).unwrap(), "made-by-agent\n");
    }
    // Unconfined, what the script tries outside of the workspace works: this is the twin of the
    // tests in which it must not.
    assert!(run.workspace.join("../outside/from-shell.txt").exists());
    let requests = run.server.requests();
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert!(request.contains(KEY) && !request.contains(PLACEHOLDER));
        assert!(!request.contains("palisade-placeholder"), "{:?}", request.headers);
    }
    for action in run.bench.ledger.actions.lock().unwrap().iter() {
        let known = match action {
            Action::ModelCall { endpoint: found, .. } => found == endpoint,
            Action::ToolCall(_) => true,
            _ => false,
        };
        assert!(known, "{action:?}");
    }
}

#[tokio::test]
async fn claude_code_works_with_a_placeholder() {
    let Some(run) = drive("claude", Key::Present, &[]).await else { return };
    worked(&run, "anthropic/messages");
    assert!(String::from_utf8_lossy(&run.output.stdout).contains("\"result\":\"Done.\""));
}

/// Its model speaks Chat Completions, as local servers do.
#[tokio::test]
async fn claude_code_works_on_a_model_of_the_other_format() {
    let elsewhere = |config: &mut GatewayConfig| {
        config.routes[0].to = "openai".into();
        config.routes[0].rename = Some("local-model".into());
    };
    let run = drive_with("claude", Key::Present, &[], elsewhere, Ledger::default()).await;
    let Some(run) = run else { return };
    worked(&run, "anthropic/messages");
    for request in run.server.requests() {
        assert_eq!(request.uri.path(), "/v1/chat/completions");
        assert_eq!(request.json()["model"], "local-model");
    }
}

/// It gets a text in place of each call, and goes on to the end of its turn.
#[tokio::test]
async fn agents_do_without_a_call_that_is_denied() {
    for (agent, tool) in [("claude", "Bash"), ("codex", "exec_command")] {
        let ledger = Ledger { denied_tool: Some(tool), ..Ledger::default() };
        let run = drive_with(agent, Key::Present, &[], |_| {}, ledger).await;
        let Some(run) = run else { return };
        assert!(run.output.status.success(), "{:?}", run.output);
        assert!(!run.workspace.join("from-shell.txt").exists(), "the call was made");
        let said = String::from_utf8_lossy(&run.output.stdout).into_owned();
        assert!(said.contains("no such calls here"), "{agent}: {said}");
    }
}

#[tokio::test]
async fn codex_works_with_a_placeholder() {
    let Some(run) = drive("codex", Key::Present, &[]).await else { return };
    worked(&run, "openai/responses");
    assert!(String::from_utf8_lossy(&run.output.stdout).contains("Done."));
}

#[tokio::test]
async fn codex_speaks_over_its_websocket() {
    let extra = ["-c", "model_provider=openai", "-c", "openai_base_url=@GATEWAY@/v1"];
    let Some(run) = drive("codex", Key::Present, &extra).await else { return };
    assert!(run.output.status.success(), "{:?}", run.output);
    assert!(run.bench.refusals().is_empty(), "{:?}", run.bench.refusals());
    assert_eq!(run.server.requests().len(), 4);
    let events = run.bench.ledger.events.lock().unwrap();
    assert_eq!(events.iter().filter(|event| event.kind == "websocket").count(), 1);
}

/// Where no provider speaks to it, it is told so in a way that it knows, and goes on over plain HTTP.
#[tokio::test]
async fn codex_does_without_its_websocket() {
    let extra = ["-c", "model_provider=openai", "-c", "openai_base_url=@GATEWAY@/v1"];
    let elsewhere = |config: &mut GatewayConfig| config.routes.retain(|it| it.to != "openai");
    let run = drive_with("codex", Key::Present, &extra, elsewhere, Ledger::default()).await;
    let Some(run) = run else { return };
    let refusals = run.bench.refusals();
    assert!(refusals.iter().any(|why| why.contains("no provider in the policy")), "{refusals:?}");
    assert!(refusals.iter().any(|why| why.contains("no route takes the model")), "{refusals:?}");
    assert!(run.server.requests().is_empty());
}

#[tokio::test]
async fn agents_tell_their_user_what_to_set_when_the_key_is_missing() {
    for agent in ["claude", "codex"] {
        let Some(run) = drive(agent, Key::Missing, &[]).await else { return };
        let said = String::from_utf8_lossy(&run.output.stdout).into_owned();
        assert!(!run.output.status.success(), "{said}");
        assert!(said.contains("set THE_KEY where you run palisade"), "{said}");
        assert!(run.server.requests().is_empty());
        // Claude Code takes the answer for final; Codex tries five times more.
        let most = if agent == "claude" { 1 } else { 6 };
        assert!(run.bench.refusals().len() <= most, "{:?}", run.bench.refusals());
    }
}
