//! The same calls through real Claude Code with its own settings, and through Palisade with the policy that it makes of
//! these settings: Palisade permits nothing that Claude Code does not, and where it refuses more, the row says so.
//!
//! The calls are in `calls.json`, group by group: the settings of each layer, the mode, and rows of a tool, what it is
//! called with (its main field, or the whole input) and, where Palisade is stricter, that word.

use std::{
    cmp::Ordering,
    fmt, fs,
    io::Write,
    path::Path,
    process::Stdio,
    sync::atomic::{self, AtomicUsize},
    thread,
};

use palisade_testkit::Turn;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{ran::run, stage::Stage};

/// Calls with the same settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    mode: String,
    /// Whether the user has trusted the folder in Claude Code.
    #[serde(default = "yes")]
    trusted: bool,
    /// `~/.claude/settings.json`, and the project's own two.
    #[serde(default)]
    user: Map<String, Value>,
    #[serde(default)]
    project: Option<Value>,
    #[serde(default)]
    local: Option<Value>,
    calls: Vec<Row>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Row {
    Same(String, Value),
    Other(String, Value, Palisade),
}

/// That Palisade is stricter (docs/permissions.md, "Where this is stricter").
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Palisade {
    Stricter,
}

/// What becomes of a call, the most permitted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Allowed,
    Asked,
    Denied,
}

impl Row {
    fn tool(&self) -> &str {
        let (Row::Same(tool, _) | Row::Other(tool, ..)) = self;
        tool
    }

    fn is_stricter(&self) -> bool {
        matches!(self, Row::Other(.., Palisade::Stricter))
    }

    /// The call's whole input.
    fn input(&self, stage: &Stage) -> Value {
        let (Row::Same(tool, main) | Row::Other(tool, main, _)) = self;
        let places = |text: &str| {
            let text = text.replace("@WORK@", &stage.workspace.display().to_string());
            let text = text.replace("@OUT@", &stage.outside.display().to_string());
            text.replace("@HOME@", &stage.home.display().to_string())
        };
        let Some(main) = main.as_str() else {
            return serde_json::from_str(&places(&main.to_string())).unwrap();
        };
        let main = places(main);
        // Claude Code has its models name files by whole paths.
        let path = stage.workspace.join(&main);
        match tool.as_str() {
            "Bash" => json!({"command": main, "description": "x"}),
            "Read" => json!({"file_path": path}),
            "Write" => json!({"file_path": path, "content": "written\n"}),
            "Edit" => json!({"file_path": path, "old_string": "", "new_string": "edited\n"}),
            "NotebookEdit" => {
                json!({"notebook_path": path, "new_source": "1", "edit_mode": "insert", "cell_type": "code"})
            }
            "Glob" | "Grep" => json!({"pattern": main}),
            "WebFetch" => json!({"url": main, "prompt": "x"}),
            "WebSearch" => json!({"query": main}),
            "Skill" => json!({"skill": main}),
            "Agent" => json!({"subagent_type": main, "description": "x", "prompt": "SUBAGENT"}),
            _ => panic!("{tool} has no main field"),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Row::Same(tool, main) | Row::Other(tool, main, _)) = self;
        write!(f, "{tool} {main}")
    }
}

/// Some of these it offers only where they are named.
const TOOLS: &str = "Agent,Bash,Edit,Glob,Grep,NotebookEdit,Read,Skill,WebFetch,WebSearch,Write";

/// What real Claude Code did with each call, one session for all. Nobody is there whom it could ask.
fn of_claude(stage: &mut Stage, group: &Group) -> Vec<(Option<Said>, String)> {
    let mut turns = vec![Turn::text("From a subagent.").when("SUBAGENT"); group.calls.len()];
    for row in &group.calls {
        turns.push(Turn::tool(row.tool(), row.input(stage)));
    }
    turns.push(Turn::text("Done."));
    stage.says(turns);
    let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mcp_server.py");
    let server = json!({"command": "python3", "args": [server]});
    let servers = json!({"mcpServers": {"sums": server, "prod": server}});
    let mut command = stage.of_operator("claude");
    command
        .args(["-p", "Do it.", "--permission-mode", &group.mode, "--strict-mcp-config"])
        .args(["--tools", TOOLS])
        .args(["--mcp-config", &servers.to_string()])
        .env("IS_SANDBOX", "1")
        .env("ANTHROPIC_BASE_URL", stage.server.url())
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
    let ran = run(&mut command);
    // The longest talk has all of it.
    let talks = stage.server.requests().into_iter().map(|request| request.json());
    let talk = talks.max_by_key(|body| body["messages"].as_array().map_or(0, Vec::len)).unwrap();
    let messages = talk["messages"].as_array().into_iter().flatten();
    let results: Vec<&Value> = messages
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .filter(|part| part["type"] == "tool_result")
        .collect();
    assert_eq!(results.len(), group.calls.len(), "{}: {ran}\n{results:#?}", group.name);
    results.into_iter().map(became).collect()
}

/// What the model is told of a call that a rule or a mode refuses.
const DENIED: [&str; 7] = [
    "has been denied",
    "denied by your permission settings",
    "covered by a Read deny rule",
    "WebFetch denied access to",
    "blocked by permission rules",
    "while in plan mode",
    "No such tool available",
];
/// And of one that would be asked, with nobody there.
const ASKED: [&str; 13] = [
    "you haven't granted it yet",
    "which is a sensitive file",
    "undergoes shell expansion",
    "was blocked. For security",
    "require explicit approval",
    "require approval",
    "requires approval",
    "needs approval",
    "before it runs",
    "arguments as shell code",
    "cannot be auto-allowed",
    "defers execution past approval-time safety checks",
    "Auto mode is unavailable",
];
/// And of one that was made, and failed.
const FAILED: [&str; 6] = [
    "Exit code",
    "ENOTFOUND",
    "ECONNREFUSED",
    "Invalid URL",
    "unknown certificate",
    "File has not been read yet",
];

/// By what the model is told; `None` if that is none of the above.
fn became(result: &Value) -> (Option<Said>, String) {
    let text = result["content"].to_string();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let said = match result["is_error"] == true {
        false => Some(Said::Allowed),
        true if has(&DENIED) => Some(Said::Denied),
        true if has(&ASKED) => Some(Said::Asked),
        true if has(&FAILED) => Some(Said::Allowed),
        true => None,
    };
    (said, text)
}

/// The policy that `palisade policy import` makes of the settings, and what `palisade hook` says by it.
fn of_palisade(stage: &Stage, group: &Group) -> Vec<(Said, String)> {
    let policy = stage.home.join("differential.yaml");
    let imported = run(stage
        .palisade()
        .args(["policy", "import", "--from", "claude-code", "--force", "--output"])
        .arg(&policy));
    assert_eq!(imported.exit, 0, "{}: {imported}", group.name);
    let decide = |row: &Row| {
        let event = json!({"session_id": "s", "cwd": stage.workspace, "hook_event_name": "PreToolUse",
            "tool_name": row.tool(), "tool_input": row.input(stage), "tool_use_id": "t"});
        let mut child = stage
            .palisade()
            .args(["hook", "--agent", "claude-code", "--policy"])
            .arg(&policy)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(event.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{row}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let said = &said["hookSpecificOutput"];
        let word = match said["permissionDecision"].as_str() {
            Some("allow") => Said::Allowed,
            Some("deny") => Said::Denied,
            _ => Said::Asked,
        };
        (word, said["permissionDecisionReason"].to_string())
    };
    // A process each.
    let half = group.calls.len().div_ceil(2);
    thread::scope(|scope| {
        let halves: Vec<_> = group
            .calls
            .chunks(half)
            .map(|rows| scope.spawn(|| rows.iter().map(decide).collect::<Vec<_>>()))
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    })
}

fn prepared(group: &Group) -> Option<Stage> {
    let stage = Stage::with_agents("claude-code")?;
    let put = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let work = &stage.workspace;
    for (file, text) in [
        ("here.txt", "here\n"),
        (".env", "A=1\n"),
        ("sub/.env", "A=1\n"),
        ("src/a.js", "a\n"),
        ("src/deep/b.js", "b\n"),
        ("sub/src/c.js", "c\n"),
        ("secrets/key.pem", "k\n"),
        ("nb.ipynb", r#"{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}"#),
        (
            ".claude/skills/review/SKILL.md",
            "---\nname: review\ndescription: Reviews.\n---\nReview.\n",
        ),
        (
            ".claude/skills/deploy/SKILL.md",
            "---\nname: deploy\ndescription: Deploys.\n---\nDeploy.\n",
        ),
    ] {
        put(&work.join(file), text);
    }
    put(&stage.outside.join("o.txt"), "outside\n");
    put(&stage.home.join("home.txt"), "home\n");
    std::os::unix::fs::symlink(stage.outside.join("o.txt"), work.join("link.txt")).unwrap();
    std::os::unix::fs::symlink(work.join(".env"), work.join("env-link")).unwrap();
    let git =
        "git init -q && git -c user.name=a -c user.email=a@b.test commit -q --allow-empty -m one";
    let ran = run(stage.of_operator("sh").args(["-c", git]));
    assert_eq!(ran.exit, 0, "{ran}");
    let mut user = group.user.clone();
    user.insert("skipWebFetchPreflight".into(), true.into());
    let permissions = user.entry("permissions").or_insert_with(|| json!({}));
    permissions["defaultMode"] = group.mode.clone().into();
    let own = |value: &Value| {
        let text = value.to_string();
        text.replace("@OUT@", &stage.outside.display().to_string())
    };
    put(&stage.home.join(".claude/settings.json"), &own(&user.into()));
    for (name, settings) in
        [("settings.json", &group.project), ("settings.local.json", &group.local)]
    {
        if let Some(settings) = settings {
            put(&work.join(".claude").join(name), &own(settings));
        }
    }
    let trust =
        json!({"projects": {work.to_str().unwrap(): {"hasTrustDialogAccepted": group.trusted}}});
    put(&stage.home.join(".claude.json"), &trust.to_string());
    Some(stage)
}

/// What is not as the row says.
fn compared(group: &Group) -> Option<Vec<String>> {
    let mut stage = prepared(group)?;
    // Before anything is run that changes files.
    let palisade = of_palisade(&stage, group);
    let claude = of_claude(&mut stage, group);
    let mut wrong = Vec::new();
    for ((row, claude), palisade) in group.calls.iter().zip(claude).zip(palisade) {
        let found = match claude.0.map(|claude| palisade.0.cmp(&claude)) {
            None => "not understood",
            Some(Ordering::Less) => "laxer",
            Some(Ordering::Equal) => "same",
            Some(Ordering::Greater) => "stricter",
        };
        let expected = if row.is_stricter() { "stricter" } else { "same" };
        if found != expected {
            wrong.push(format!(
                "{}: {row}: {found}, and not {expected}\n  claude: {:?} {}\n  palisade: {:?} {}",
                group.name, claude.0, claude.1, palisade.0, palisade.1
            ));
        }
    }
    Some(wrong)
}

#[test]
fn claude_code_and_palisade_permit_and_refuse_the_same() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/calls.json");
    let groups: Vec<Group> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let calls: usize = groups.iter().map(|group| group.calls.len()).sum();
    assert!(calls >= 300, "{calls} calls");
    // Most of the time one waits for the other.
    let next = AtomicUsize::new(0);
    let of_one = || {
        let mut wrong = Vec::new();
        while let Some(group) = groups.get(next.fetch_add(1, atomic::Ordering::Relaxed)) {
            wrong.extend(compared(group).unwrap_or_default());
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let both = [scope.spawn(of_one), scope.spawn(of_one)];
        both.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
