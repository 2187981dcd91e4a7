use proptest::prelude::*;
use serde_json::json;

use super::*;

fn deny() -> ReplyTo {
    ReplyTo { say: Some(Say::Deny), reason: "not that".to_owned(), ..ReplyTo::default() }
}

fn read(agent: Agent, value: &Value) -> Announced {
    agent.read(value.to_string().as_bytes()).unwrap()
}

fn said(reply: &Reply) -> Value {
    serde_json::from_str(&reply.stdout).unwrap_or_default()
}

/// Rules name tools of servers in one way, whatever the agent does.
#[test]
fn a_servers_tool_of_gemini_has_the_name_of_rules() {
    let name = |tool: &str, more: Value| {
        let mut told =
            json!({"hook_event_name": "BeforeTool", "tool_name": tool, "tool_input": {}});
        told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Agent::Gemini.read(told.to_string().as_bytes()).unwrap().call.unwrap().name
    };
    let context = json!({"mcp_context": {"server_name": "a_b", "tool_name": "c"}});
    assert_eq!(name("mcp_a_b_c", context), "mcp__a_b__c");
    assert_eq!(name("mcp_a_b_c", json!({})), "mcp__unknown__a_b_c");
    assert_eq!(name("run_shell_command", json!({})), "run_shell_command");
    assert_eq!(name("ls", json!({"mcp_context": null})), "ls");
    // That it is a server's, and not of which in a form that is known, is no tool of its own.
    for context in [
        json!("x"),
        json!([]),
        json!({"server_name": "a"}),
        json!({"tool_name": "c"}),
        json!({"server_name": 1, "tool_name": "c"}),
        json!({"server_name": "", "tool_name": "c"}),
    ] {
        let told = json!({"hook_event_name": "BeforeTool", "tool_name": "ls", "tool_input": {},
            "mcp_context": context});
        let read = Agent::Gemini.read(told.to_string().as_bytes());
        assert!(matches!(read, Err(Unreadable::Field(_))), "{context} {read:?}");
    }
}

/// Completions of Cursor's look into files as well, and a server's tool has a name of its own there.
#[test]
fn what_cursor_looks_into_and_calls_is_told() {
    let file =
        json!({"hook_event_name": "beforeTabFileRead", "file_path": "/w/.env", "content": "x"});
    let announced = read(Agent::Cursor, &file);
    let call = announced.call.as_ref().unwrap();
    assert_eq!((call.name.as_str(), call.input.text("file_path")), ("Read", Some("/w/.env")));
    for say in [Say::Deny, Say::Ask] {
        let reply = announced.reply(&ReplyTo { say: Some(say), ..deny() });
        assert_eq!(said(&reply)["permission"], "deny");
    }
    assert!(Agent::Cursor.own_names(Event::PRE_TOOL_USE).contains(&"beforeTabFileRead"));
    let tool = json!({"hook_event_name": "preToolUse", "tool_name": "MCP:drop", "tool_input": {}});
    assert_eq!(read(Agent::Cursor, &tool).call.unwrap().name, "mcp__unknown__drop");
}

#[test]
fn each_agent_is_understood_and_refused() {
    let claude = json!({"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": "ls"}, "tool_use_id": "t1"});
    let gemini = json!({"session_id": "s", "hook_event_name": "BeforeTool", "timestamp": "now",
        "tool_name": "run_shell_command", "tool_input": {"command": "ls"}});
    let shell =
        json!({"hook_event_name": "beforeShellExecution", "conversation_id": "c", "command": "ls"});
    let cursor = json!({"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": {"command": "ls"}});
    let openclaw =
        json!({"hook": "before_tool_call", "toolName": "exec", "params": {"command": "ls"}});
    for (agent, said_by_agent, pointer, word) in [
        (Agent::ClaudeCode, &claude, "/hookSpecificOutput/permissionDecision", json!("deny")),
        (Agent::Codex, &claude, "/hookSpecificOutput/permissionDecision", json!("deny")),
        (Agent::Gemini, &gemini, "/decision", json!("deny")),
        (Agent::Cursor, &shell, "/permission", json!("deny")),
        (Agent::Cursor, &cursor, "/permission", json!("deny")),
        (Agent::OpenClaw, &openclaw, "/block", json!(true)),
    ] {
        let announced = read(agent, said_by_agent);
        assert_eq!(announced.event, Some(Event::PRE_TOOL_USE));
        let call = announced.call.as_ref().unwrap();
        assert_eq!(call.input.text("command"), Some("ls"));
        assert_eq!(call.seen, ToolSeen::Announced);
        let fields = crate::input::of_tool_call(announced.fields.clone(), call);
        assert_eq!(
            (&fields["tool_name"], &fields["tool_input"]["command"]),
            (&json!("Bash"), &json!("ls"))
        );
        let reply = announced.reply(&deny());
        assert_eq!((reply.exit, said(&reply).pointer(pointer)), (0, Some(&word)), "{agent:?}");
        assert!(reply.stdout.contains("not that"));
        // Nothing to say: nothing is permitted that the agent would have asked for.
        let reply = announced.reply(&ReplyTo::default());
        assert!(!reply.stdout.contains("allow"), "{agent:?} {reply:?}");
        assert_eq!(reply.exit, 0);
        // Whatever is wrong, the agent stops.
        let refusal = agent.refusal("no");
        assert!(refusal.exit == 2 || said(&refusal)["block"] == true);
    }
}

#[test]
fn who_cannot_ask_denies() {
    let claude = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}});
    let ask = ReplyTo { say: Some(Say::Ask), reason: "sure?".to_owned(), ..ReplyTo::default() };
    let word = |agent: Agent| {
        let reply = read(agent, &claude).reply(&ask);
        said(&reply)["hookSpecificOutput"]["permissionDecision"].clone()
    };
    assert_eq!(word(Agent::ClaudeCode), "ask");
    assert_eq!(word(Agent::Codex), "deny");
}

#[test]
fn a_changed_input_is_said_or_refused() {
    let change = |input: Value| ReplyTo {
        input: input.as_object().cloned().map(ToolInput::Object),
        ..ReplyTo::default()
    };
    let claude = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": "ls", "timeout": 5}});
    let changed = change(json!({"command": "ls -l"}));
    let reply = read(Agent::ClaudeCode, &claude).reply(&changed);
    assert_eq!(said(&reply)["hookSpecificOutput"]["updatedInput"], json!({"command": "ls -l"}));
    assert_eq!(read(Agent::Codex, &claude).reply(&changed).exit, 2);
    let gemini = json!({"hook_event_name": "BeforeTool", "tool_name": "run_shell_command",
        "tool_input": {"command": "ls", "directory": "x"}});
    assert_eq!(read(Agent::Gemini, &gemini).reply(&changed).exit, 2);
    let whole = change(json!({"command": "ls -l", "directory": "x"}));
    let reply = read(Agent::Gemini, &gemini).reply(&whole);
    assert_eq!(said(&reply)["hookSpecificOutput"]["tool_input"]["command"], "ls -l");
}

#[test]
fn what_cannot_be_understood_is_an_error() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"hook_event_name": "Unheard"}"#,
        r#"{"hook_event_name": "PreConnect"}"#,
        r#"{"hook_event_name": "PreToolUse"}"#,
        r#"{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": "ls"}"#,
        r#"{"hook_event_name": "PreToolUse", "tool_name": 1, "tool_input": {}}"#,
        r#"{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls", "command": "rm"}}"#,
    ] {
        assert!(Agent::ClaudeCode.read(text.as_bytes()).is_err(), "{text}");
    }
    for agent in Agent::ALL {
        assert!(agent.read(b"{\"hook_event_name\": \"\xff\"}").is_err());
        assert!(Agent::named(agent.name()) == Some(agent));
    }
}

#[test]
fn other_events_are_blocked_in_their_own_way() {
    for (name, block) in [("UserPromptSubmit", true), ("Stop", true), ("TaskCreated", false)] {
        let announced = read(Agent::ClaudeCode, &json!({"hook_event_name": name}));
        let reply = announced.reply(&deny());
        assert_eq!(said(&reply)["decision"] == "block", block, "{name}");
        assert_eq!(reply.exit == 2, !block, "{name}");
    }
}

proptest! {
    /// Any bytes are read or refused, and whatever is read can be refused.
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for agent in Agent::ALL {
            if let Ok(announced) = agent.read(&bytes) {
                prop_assert!(!announced.reply(&deny()).stdout.contains("allow"));
            }
        }
    }
}
