//! OpenClaw, which is installed on its own: `tests/agents/install.sh DIR openclaw`.

use palisade_testkit::Turn;
use serde_json::{Value, json};

use crate::stage::{Stage, agents};

#[test]
fn openclaw_works_in_its_workspace_and_nowhere_else() {
    let Some(mut stage) = stage() else { return };
    let secret = stage.private.join("secret.txt");
    let outside = stage.outside.join("from-shell.txt");
    let forbidden = format!("cat '{}'; echo x >'{}'", secret.display(), outside.display());
    stage.says(vec![
        Turn::tool("exec", json!({"command": "echo made-by-agent >from-shell.txt"})),
        Turn::tool("write", json!({"path": "from-tool.txt", "content": "made-by-agent\n"})),
        Turn::tool("exec", json!({"command": forbidden})),
        Turn::text("Done."),
    ]);
    let model = "anthropic/claude-sonnet-4-6";
    let ran = stage.run(&["openclaw", "agent", "exec", "Do it.", "--model", model, "--json"]);
    assert_eq!(ran.exit, 0, "{ran}");
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["final"], "Done.");
    assert_eq!(stage.file("from-shell.txt"), "made-by-agent\n");
    assert_eq!(stage.file("from-tool.txt"), "made-by-agent\n");
    assert!(!outside.exists());
    let talk = stage.server.requests().last().unwrap().json().to_string();
    assert!(talk.contains("secret.txt: No such file or directory"), "{talk}");
    assert!(talk.contains("from-shell.txt: Read-only file system"), "{talk}");
    stage.was_confined(&ran, "anthropic", 4);
    assert_eq!(stage.refused(), [""; 0]);
}

/// With OpenClaw and its Node.js to be found.
pub(crate) fn stage() -> Option<Stage> {
    let modules = agents()?.join("openclaw/node_modules");
    if !modules.join(".bin/openclaw").exists() {
        assert!(std::env::var_os("CI").is_none(), "run tests/agents/install.sh DIR openclaw first");
        println!("skipped: run tests/agents/install.sh DIR openclaw to confine OpenClaw");
        return None;
    }
    let mut stage = Stage::new("openclaw");
    stage.add_to_path(&modules.join(".bin"));
    stage.add_to_path(&modules.join(node()).join("bin"));
    Some(stage)
}

/// The package that holds its Node.js, a newer one than distributions have.
fn node() -> String {
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    format!("node-linux-{processor}")
}
