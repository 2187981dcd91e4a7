//! `palisade hook` as an agent starts it, without a sandbox.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::ran::{Ran, palisade};

struct Home(tempfile::TempDir);

impl Home {
    /// With a policy that has this `hooks` section.
    fn new(hooks: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::write(home.at("p.yaml"), format!("palisade: 1\nextends: [shell]\n{hooks}\n"))
            .unwrap();
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn script(self, name: &str, text: &str) -> Self {
        palisade_testkit::write_program(self.at(name), text);
        self
    }

    fn command(&self, agent: &str) -> Command {
        let mut command = palisade(&self.at(""));
        command.args(["hook", "--agent", agent, "--policy"]).arg(self.at("p.yaml"));
        command
    }

    fn tell(&self, agent: &str, told: &[u8]) -> Ran {
        tell(&mut self.command(agent), told)
    }
}

fn tell(command: &mut Command, told: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who refuses early does not read all of it.
    child.stdin.take().unwrap().write_all(told).unwrap_or_default();
    let output = child.wait_with_output().unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn bash(command: &str) -> Vec<u8> {
    json!({"session_id": "s", "cwd": "/", "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}, "tool_use_id": "t"})
    .to_string()
    .into_bytes()
}

fn said(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

const GUARD: &str =
    "hooks: {PreToolUse: [{matcher: Bash, hooks: [{type: command, command: ./guard.sh}]}]}";
const NO_CURL: &str = "#!/bin/sh\ngrep -q curl && { echo 'no curl here' >&2; exit 2; }\nexit 0\n";

fn guarded() -> Home {
    Home::new(GUARD).script("guard.sh", NO_CURL)
}

#[test]
fn each_agent_gets_its_own_answer() {
    let home = guarded();
    let ran = home.tell("claude-code", &bash("curl x"));
    assert_eq!(ran.exit, 0, "{ran}");
    let specific = &said(&ran)["hookSpecificOutput"];
    assert_eq!(
        (&specific["permissionDecision"], &specific["permissionDecisionReason"]),
        (&json!("deny"), &json!("no curl here"))
    );
    assert_eq!(
        said(&home.tell("codex", &bash("curl x")))["hookSpecificOutput"]["permissionDecision"],
        "deny"
    );
    let gemini = json!({"hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": {"command": "curl x"}});
    assert_eq!(said(&home.tell("gemini", gemini.to_string().as_bytes()))["decision"], "deny");
    let cursor =
        json!({"hook_event_name": "beforeShellExecution", "command": "curl x", "cwd": "/"});
    assert_eq!(said(&home.tell("cursor", cursor.to_string().as_bytes()))["permission"], "deny");
    let openclaw =
        json!({"hook": "before_tool_call", "toolName": "exec", "params": {"command": "curl x"}});
    assert_eq!(said(&home.tell("openclaw", openclaw.to_string().as_bytes()))["block"], true);
}

/// A shell that stays where an earlier call has left it.
#[test]
fn names_count_from_where_the_agent_says_to_be() {
    let home = Home::new(
        "filesystem: {workspace: {path: .}}\n\
         permissions: {mode: bypassPermissions, deny: ['Edit(config/prod/**)', 'Read(keys/one)']}",
    );
    std::fs::create_dir_all(home.at("config/prod")).unwrap();
    let decided = |agent: &str, event: &str, folder: &str, tool: &str, input: Value| {
        let told = json!({"session_id": "s", "cwd": home.at(folder), "hook_event_name": event,
            "tool_name": tool, "tool_input": input, "tool_use_id": "t"});
        let mut command = home.command(agent);
        command.env("CLAUDE_PROJECT_DIR", home.at(""));
        let said = said(&tell(&mut command, told.to_string().as_bytes()));
        let specific = &said["hookSpecificOutput"]["permissionDecision"];
        specific.as_str().or(said["decision"].as_str()).unwrap_or_default().to_owned()
    };
    let claude = |folder: &str, tool: &str, input: Value| {
        decided("claude-code", "PreToolUse", folder, tool, input)
    };
    for command in ["rm key", "echo > ./key", "sed -i s/a/b/ key", "ls; cd ../prod && touch key"] {
        assert_eq!(claude("config/prod", "Bash", json!({"command": command})), "deny", "{command}");
    }
    assert_eq!(claude("keys", "Bash", json!({"command": "cat one"})), "deny");
    assert_eq!(claude("keys", "Read", json!({"file_path": "one"})), "deny");
    // What it is in the workspace counts all the same.
    assert_eq!(claude("keys", "Bash", json!({"command": "rm config/prod/key"})), "deny");
    assert_eq!(claude("", "Bash", json!({"command": "rm key"})), "allow");
    assert_eq!(claude("config", "Bash", json!({"command": "rm key"})), "allow");
    let gemini = |folder: &str| {
        let input = json!({"command": "rm key"});
        decided("gemini", "BeforeTool", folder, "run_shell_command", input)
    };
    assert_eq!(gemini("config/prod"), "deny");
}

/// What nobody has a word on is left to the agent's own rules: it is not permitted by silence.
#[test]
fn says_nothing_where_there_is_nothing_to_say() {
    let home = guarded();
    let ran = home.tell("claude-code", &bash("ls"));
    assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    for told in [
        json!({"hook_event_name": "SessionStart", "source": "startup"}),
        json!({"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {}, "tool_response": {}}),
        json!({"hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": {"command": "curl x"}}),
    ] {
        let ran = home.tell("claude-code", told.to_string().as_bytes());
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, ""), "{told} {ran}");
    }
}

#[test]
fn whatever_goes_wrong_is_a_refusal() {
    let home = guarded();
    for told in [
        &b""[..],
        b"{",
        b"[]",
        b"{\"hook_event_name\": \"PreToolUse\"}",
        b"{\"hook_event_name\": \"Unheard\"}",
        b"{\"hook_event_name\": \"PreToolUse\", \"tool_name\": \"Bash\", \"tool_input\": {\"command\": \"ls\", \"command\": \"curl\"}}",
        b"{\"hook_event_name\": \"PreToolUse\", \"tool_name\": \"\xff\", \"tool_input\": {}}",
    ] {
        let ran = home.tell("claude-code", told);
        assert_eq!(ran.exit, 2, "{ran}");
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("palisade: "), "{ran}");
    }
    let huge = bash(&"x".repeat(17 << 20));
    assert_eq!(home.tell("claude-code", &huge).exit, 2);
    std::fs::write(home.at("p.yaml"), "palisade: 1\nnetwrk: {}\n").unwrap();
    let ran = home.tell("claude-code", &bash("ls"));
    assert!(ran.exit == 2 && ran.stderr.contains("the policy is not valid"), "{ran}");
    std::fs::remove_file(home.at("p.yaml")).unwrap();
    assert_eq!(home.tell("claude-code", &bash("ls")).exit, 2);
}

#[test]
fn a_hook_that_fails_denies_unless_the_policy_says_otherwise() {
    for (on_error, expected) in
        [("deny", json!("deny")), ("ask", json!("ask")), ("allow", Value::Null)]
    {
        let home = Home::new(&format!(
            "hooks: {{on_error: {on_error}, PreToolUse: [{{hooks: [{{type: command, command: exit 7}}]}}]}}"
        ));
        let ran = home.tell("claude-code", &bash("ls"));
        let word = if ran.stdout.is_empty() {
            Value::Null
        } else {
            said(&ran)["hookSpecificOutput"]["permissionDecision"].clone()
        };
        assert_eq!(word, expected, "{on_error} {ran}");
    }
}

/// A hook that asks `palisade hook` would be asked by it again.
#[test]
fn a_hook_cannot_ask_again() {
    let exe = env!("CARGO_BIN_EXE_palisade");
    let home = Home::new(GUARD).script(
        "guard.sh",
        &format!("#!/bin/sh\nexec {exe} hook --agent claude-code --policy \"$HOME/p.yaml\"\n"),
    );
    let ran = home.tell("claude-code", &bash("ls"));
    let reason = &said(&ran)["hookSpecificOutput"]["permissionDecisionReason"];
    assert!(reason.as_str().unwrap().contains("cannot ask `palisade hook` again"), "{ran}");
}

/// A changed input is decided again: by the hooks that did not change it.
#[test]
fn a_changed_input_is_decided_again() {
    let change = |to: &str| {
        format!(
            "#!/bin/sh\ncat >/dev/null\necho '{{\"hookSpecificOutput\": {{\"hookEventName\": \"PreToolUse\", \"permissionDecision\": \"allow\", \
             \"updatedInput\": {{\"command\": \"{to}\"}}}}}}'\n"
        )
    };
    let both = "hooks: {PreToolUse: [{matcher: Bash, hooks: [{type: command, command: ./guard.sh}, {type: command, command: ./change.sh}]}]}";
    let home =
        Home::new(both).script("guard.sh", NO_CURL).script("change.sh", &change("timeout 9 ls"));
    let specific = said(&home.tell("claude-code", &bash("ls")))["hookSpecificOutput"].clone();
    assert_eq!(
        (&specific["permissionDecision"], &specific["updatedInput"]["command"]),
        (&json!("allow"), &json!("timeout 9 ls"))
    );
    let home = Home::new(both).script("guard.sh", NO_CURL).script("change.sh", &change("curl x"));
    let specific = said(&home.tell("claude-code", &bash("ls")))["hookSpecificOutput"].clone();
    assert_eq!(
        (&specific["permissionDecision"], &specific["updatedInput"]),
        (&json!("deny"), &Value::Null)
    );
}

/// Rules of the policy and hooks together: a deny rule stays, an ask rule stays, a question of the mode is answered.
#[test]
fn hooks_and_permission_rules_go_together() {
    let permit = r#"echo '{"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}'"#;
    let section = json!({
        "permissions": {"allow": ["Bash(make *)"], "ask": ["Bash(git push *)"], "deny": ["Bash(curl *)"]},
        "hooks": {"PreToolUse": [
            {"hooks": [{"type": "command", "command": permit, "if": "Bash(npm *)"}]},
            {"hooks": [{"type": "command", "command": permit, "if": "Bash(git *)"}]},
            {"hooks": [{"type": "command", "command": permit, "if": "Bash(curl *)"}]},
            {"hooks": [{"type": "command", "command": "echo no >&2; exit 2", "if": "Bash(make install *)"}]},
        ]},
    });
    let home = Home::new("");
    let mut document = section;
    document["palisade"] = json!(1);
    std::fs::write(home.at("p.yaml"), document.to_string()).unwrap();
    for (command, expected) in [
        ("make test", "allow"),
        ("make install x", "deny"),
        ("cd x && make install x", "deny"),
        ("npm test", "allow"),
        ("git push origin", "ask"),
        ("git commit -m x", "allow"),
        ("curl x", "deny"),
        ("npm test; curl x", "deny"),
        ("cargo test", "ask"),
    ] {
        let ran = home.tell("claude-code", &bash(command));
        let word = &said(&ran)["hookSpecificOutput"]["permissionDecision"];
        assert_eq!(word, expected, "{command} {ran}");
    }
}

#[test]
fn explain_shows_each_hook() {
    let home = guarded();
    let output =
        palisade(&home.at("")).args(["policy", "explain", "--json", "p.yaml"]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let hook = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let hook = hook.into_iter().find(|rule| rule["rule"] == "hooks.PreToolUse[0]").unwrap();
    // Without models in the policy only the agent itself tells of its calls.
    assert_eq!((&hook["advisory"], &hook["layers"]), (&json!(true), &json!(["tool"])));
    assert!(hook["says"].as_str().unwrap().contains("`./guard.sh`"), "{hook}");
}

/// Rules of the policy decide what an agent announces, without any hook.
#[test]
fn permission_rules_decide() {
    let home = Home::new(
        "permissions: {allow: [\"Bash(npm run *)\"], ask: [\"Bash(git push *)\"], deny: [\"Bash(curl *)\"]}",
    );
    for (command, decision) in [
        ("npm run build", "allow"),
        ("git push origin", "ask"),
        ("curl https://example.com", "deny"),
        ("echo $(c'u'rl https://example.com)", "deny"),
        ("bash -c 'curl x'", "deny"),
        ("npm run build && curl x", "deny"),
        ("unknown-program", "ask"),
    ] {
        let ran = home.tell("claude-code", &bash(command));
        let answer = &said(&ran)["hookSpecificOutput"];
        assert_eq!(answer["permissionDecision"], decision, "{command}: {ran}");
    }
}

/// Each event is decided by a process of its own; what came into the agent's session before it counts all the same.
#[test]
fn what_came_into_a_session_is_remembered() {
    let rules =
        "permissions: {mode: bypassPermissions}\ntaint: {by: [web], ask: [\"Bash(scp *)\"]}";
    let home = Home::new(rules);
    let call = |session: &str, name: &str, input: Value| {
        let told = json!({"session_id": session, "cwd": "/", "hook_event_name": "PreToolUse",
            "tool_name": name, "tool_input": input, "tool_use_id": "t"});
        let ran = home.tell("claude-code", told.to_string().as_bytes());
        assert_eq!(ran.exit, 0, "{ran}");
        said(&ran)["hookSpecificOutput"]["permissionDecision"].as_str().unwrap().to_owned()
    };
    let copy = || json!({"command": "scp a b:"});
    assert_eq!(call("one", "Bash", copy()), "allow");
    assert_eq!(
        call("one", "WebFetch", json!({"url": "https://a.example/", "prompt": "x"})),
        "allow"
    );
    assert_eq!(call("one", "Bash", copy()), "ask");
    assert_eq!(call("one", "Bash", json!({"command": "ls"})), "allow");
    // Of another session nothing is known.
    assert_eq!(call("two", "Bash", copy()), "allow");
}

/// A policy that is only about calls has no workspace. Its rules count from the folder that the agent is in all the same,
/// by absolute paths too: those are what agents name.
#[test]
fn rules_about_files_count_from_the_agents_folder_where_there_is_no_workspace() {
    let home = Home::new("");
    let rules = "palisade: 1\npermissions: {mode: bypassPermissions, deny: [\"Read(.env)\", \"Edit(config/**)\"]}\n";
    std::fs::write(home.at("p.yaml"), rules).unwrap();
    std::fs::create_dir_all(home.at("project/sub")).unwrap();
    let project = home.at("project");
    let told = |tool: &str, path: PathBuf| {
        let told = json!({"session_id": "s", "cwd": project, "hook_event_name": "PreToolUse",
            "tool_name": tool, "tool_input": {"file_path": path}, "tool_use_id": "t"});
        let mut command = home.command("claude-code");
        let ran = tell(command.current_dir(&project), told.to_string().as_bytes());
        said(&ran)["hookSpecificOutput"]["permissionDecision"].clone()
    };
    for (tool, path, expected) in [
        ("Read", project.join(".env"), "deny"),
        ("Read", project.join("sub/.env"), "deny"),
        ("Read", PathBuf::from("sub/.env"), "deny"),
        ("Read", project.join("sub/env"), "allow"),
        ("Edit", project.join("config/x"), "deny"),
        ("Edit", project.join("other/x"), "allow"),
        ("Read", home.at(".env"), "allow"),
    ] {
        assert_eq!(told(tool, path.clone()), expected, "{tool} {}", path.display());
    }
}
