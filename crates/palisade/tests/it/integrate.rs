//! `palisade integrate`: an agent's settings with the hook, and then again as they were.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::ran::{Ran, palisade};

/// Odd on purpose: an end without a line end, mixed indents.
const SETTINGS: &str = "{\n   \"model\": \"opus\",\n\t\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\",\n  \"hooks\": [ {\"type\":\"command\",\"command\":\"./mine.sh\"} ]}] }}";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::write(
            home.at("p.yaml"),
            "palisade: 1\nextends: [shell]\npermissions: {deny: [\"Bash(curl *)\"]}\n\
             hooks: {Stop: [{hooks: [{type: command, command: \"true\"}]}]}\n",
        )
        .unwrap();
        home
    }

    /// With settings of Claude Code.
    fn with(settings: &str) -> Self {
        let home = Self::new();
        fs::create_dir(home.at(".claude")).unwrap();
        fs::write(home.settings(), settings).unwrap();
        fs::set_permissions(home.settings(), fs::Permissions::from_mode(0o640)).unwrap();
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn settings(&self) -> PathBuf {
        self.at(".claude/settings.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.settings()).unwrap()
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = palisade(&self.at(""))
            .current_dir(self.at(""))
            .arg("integrate")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ran {
            exit: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn install(&self) -> Ran {
        self.run(&["claude-code", "--policy", "p.yaml", "--yes"])
    }

    fn remove(&self) -> Ran {
        self.run(&["claude-code", "--remove", "--yes"])
    }
}

#[test]
fn is_put_in_and_taken_out_again_byte_for_byte() {
    let home = Home::with(SETTINGS);
    let ran = home.install();
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(
        ran.stderr.contains("+") && ran.stderr.contains("hook --agent claude-code --record"),
        "{ran}"
    );
    assert!(ran.stderr.contains("confines nothing"), "{ran}");
    let value = home.value();
    let of = |event: &str, group: usize| {
        value["hooks"][event][group]["hooks"][0]["command"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(of("PreToolUse", 0), "./mine.sh");
    assert_eq!(value["model"], "opus");
    let policy = home.at("p.yaml");
    assert!(of("PreToolUse", 1).ends_with(&format!("--record --policy '{}'", policy.display())));
    assert_eq!(of("PreToolUse", 1), of("Stop", 0));
    let mode = fs::metadata(home.settings()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    let once = home.text();
    let again = home.install();
    assert!(again.exit == 0 && again.stderr.contains("already"), "{again}");
    assert_eq!(home.text(), once);

    let ran = home.remove();
    assert_eq!((ran.exit, home.text().as_str()), (0, SETTINGS), "{ran}");
    let again = home.remove();
    assert_eq!((again.exit, home.text().as_str()), (0, SETTINGS), "{again}");
}

#[test]
fn another_policy_takes_the_place_of_the_first() {
    let home = Home::with(SETTINGS);
    assert_eq!(home.install().exit, 0);
    fs::copy(home.at("p.yaml"), home.at("q.yaml")).unwrap();
    let ran = home.run(&["claude-code", "--policy", "q.yaml", "--yes"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(home.text().contains("q.yaml") && !home.text().contains("p.yaml"));
    assert_eq!((home.remove().exit, home.text().as_str()), (0, SETTINGS));
}

#[test]
fn what_came_since_stays() {
    let home = Home::with(SETTINGS);
    assert_eq!(home.install().exit, 0);
    fs::write(home.settings(), home.text().replace("\"opus\"", "\"sonnet\"")).unwrap();
    let ran = home.remove();
    assert!(ran.exit == 0 && ran.stderr.contains("changed since"), "{ran}");
    let theirs: Value = serde_json::from_str(&SETTINGS.replace("opus", "sonnet")).unwrap();
    assert_eq!(home.value(), theirs);
}

#[test]
fn settings_that_were_not_there_are_gone_again() {
    let home = Home::new();
    assert_eq!(home.install().exit, 0);
    assert_eq!(home.value()["hooks"]["PreToolUse"].as_array().unwrap().len(), 1);
    assert_eq!(home.remove().exit, 0);
    assert!(!home.settings().exists());
    assert_eq!(home.remove().exit, 0);
}

#[test]
fn a_project_has_settings_of_its_own() {
    let home = Home::new();
    fs::create_dir(home.at(".claude")).unwrap();
    let ran = home.run(&["claude-code", "--project", "--yes"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(home.at(".claude/settings.local.json").exists() && !home.settings().exists());
    let ran = home.run(&["codex", "--project", "--yes"]);
    assert_eq!(ran.exit, 2, "{ran}");
    let ran = home.run(&["codex", "--yes"]);
    assert!(ran.exit == 0 && ran.stderr.contains("/hooks"), "{ran}");
    assert!(home.at(".codex/hooks.json").exists());
}

/// In the form that each has, for its own names of the events.
#[test]
fn gemini_and_cursor_are_told_in_their_own_words() {
    let home = Home::new();
    let before = "{\n  \"theme\": \"x\"\n}";
    for (agent, folder, file) in
        [("gemini", ".gemini", "settings.json"), ("cursor", ".cursor", "hooks.json")]
    {
        fs::create_dir(home.at(folder)).unwrap();
        let settings = home.at(folder).join(file);
        fs::write(&settings, before).unwrap();
        let ran = home.run(&[agent, "--policy", "p.yaml", "--yes"]);
        assert_eq!(
            (ran.exit, ran.stderr.contains("was not tried")),
            (0, agent == "cursor"),
            "{ran}"
        );
        let value: Value = serde_json::from_str(&fs::read_to_string(&settings).unwrap()).unwrap();
        let hook = match agent {
            "gemini" => {
                assert_eq!(value["hooks"]["AfterAgent"].as_array().unwrap().len(), 1, "{value}");
                let hook = &value["hooks"]["BeforeTool"][0]["hooks"][0];
                assert_eq!(hook["timeout"], 3_600_000, "{value}");
                hook
            }
            _ => {
                assert_eq!((&value["version"], &value["theme"]), (&json!(1), &json!("x")));
                assert_eq!(value["hooks"]["stop"].as_array().unwrap().len(), 1, "{value}");
                for event in [
                    "preToolUse",
                    "beforeShellExecution",
                    "beforeMCPExecution",
                    "beforeReadFile",
                    "beforeTabFileRead",
                ] {
                    assert_eq!(value["hooks"][event][0]["failClosed"], true, "{value}");
                }
                &value["hooks"]["preToolUse"][0]
            }
        };
        let command = hook["command"].as_str().unwrap();
        assert!(command.contains(&format!("hook --agent {agent} --record")), "{command}");
        assert_eq!(home.run(&[agent, "--remove", "--yes"]).exit, 0);
        assert_eq!(fs::read_to_string(&settings).unwrap(), before);
    }
}

/// Settings that run no hook would have it for nothing; and a second time changes nothing, however they are written.
#[test]
fn settings_that_run_no_hook_are_told_and_others_are_written_once() {
    for (agent, file, off) in [
        ("claude-code", ".claude/settings.json", "{\"disableAllHooks\": true}"),
        ("gemini", ".gemini/settings.json", "{\"hooksConfig\": {\"enabled\": false}}"),
    ] {
        let home = Home::new();
        fs::create_dir_all(home.at(file).parent().unwrap()).unwrap();
        fs::write(home.at(file), off).unwrap();
        let ran = home.run(&[agent, "--policy", "p.yaml", "--yes"]);
        assert!(ran.exit == 1 && ran.stderr.contains("would not be run"), "{ran}");
        assert_eq!(fs::read_to_string(home.at(file)).unwrap(), off);
        // To take it out is no question of that.
        assert_eq!(home.run(&[agent, "--remove", "--yes"]).exit, 0);
        for before in ["{\"model\":\"x\",\"hooks\":{}}\n", "{\"h\\u006foks\":{}}"] {
            fs::write(home.at(file), before).unwrap();
            assert_eq!(home.run(&[agent, "--policy", "p.yaml", "--yes"]).exit, 0, "{before}");
            let once = fs::read_to_string(home.at(file)).unwrap();
            let ran = home.run(&[agent, "--policy", "p.yaml", "--yes"]);
            assert!(ran.exit == 0 && ran.stderr.contains("has it already"), "{ran}");
            assert_eq!(fs::read_to_string(home.at(file)).unwrap(), once);
            assert_eq!(home.run(&[agent, "--remove", "--yes"]).exit, 0);
            assert_eq!(fs::read_to_string(home.at(file)).unwrap(), before);
        }
    }
}

#[test]
fn nothing_changes_without_a_yes() {
    let home = Home::with(SETTINGS);
    let ran = home.run(&["claude-code", "--policy", "p.yaml"]);
    assert!(ran.exit == 2 && ran.stderr.contains("--yes"), "{ran}");
    assert_eq!(home.text(), SETTINGS);
    let fresh = Home::new();
    assert_eq!(fresh.run(&["claude-code"]).exit, 2);
    assert!(!fresh.at(".claude").exists());
}

#[test]
fn a_policy_that_is_not_valid_is_refused() {
    let home = Home::new();
    fs::write(home.at("p.yaml"), "palisade: 1\npermissions: {deny: [\"Nonsense(\"]}\n").unwrap();
    let ran = home.install();
    assert!(ran.exit == 1 && ran.stderr.contains("not valid"), "{ran}");
    assert!(!home.at(".claude").exists());
}

/// Whoever prepares the settings' place has nothing else written.
#[test]
fn writes_through_no_link_and_over_nothing_odd() {
    let home = Home::with(SETTINGS);
    let victim = home.at("victim");
    fs::write(&victim, "{}").unwrap();
    fs::remove_file(home.settings()).unwrap();
    symlink(&victim, home.settings()).unwrap();
    let ran = home.install();
    assert!(ran.exit == 1 && ran.stderr.contains("symbolic link"), "{ran}");
    fs::remove_file(home.settings()).unwrap();
    fs::hard_link(&victim, home.settings()).unwrap();
    let ran = home.install();
    assert!(ran.exit == 1 && ran.stderr.contains("second name"), "{ran}");
    fs::remove_file(home.settings()).unwrap();
    fs::create_dir(home.settings()).unwrap();
    assert_eq!(home.install().exit, 3);
    fs::remove_dir(home.settings()).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "{}");
    for text in ["[]", "{\"hooks\": 1}", "{\"a\": 1, \"a\": 2}", "{} // said", "\0"] {
        fs::write(home.settings(), text).unwrap();
        let ran = home.install();
        assert!(ran.exit == 1 && ran.stderr.contains("is not changed"), "{text} {ran}");
        assert_eq!(home.text(), text);
    }
    fs::write(home.settings(), "x".repeat(2 << 20)).unwrap();
    assert_eq!(home.install().exit, 1);
    fs::remove_dir_all(home.at(".claude")).unwrap();
    fs::create_dir(home.at("elsewhere")).unwrap();
    symlink(home.at("elsewhere"), home.at(".claude")).unwrap();
    assert_eq!(home.install().exit, 3);
    assert!(fs::read_dir(home.at("elsewhere")).unwrap().next().is_none());
}

/// What the settings say is run as an agent runs it: it decides, and the journal has it.
#[test]
fn the_line_that_is_written_decides_and_records() {
    let home = Home::with("{}");
    assert_eq!(home.install().exit, 0);
    let value = home.value();
    let line = value["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().unwrap();
    let tell = |command: &str| {
        let event = json!({"session_id": "4f", "cwd": "/", "hook_event_name": "PreToolUse",
            "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "t"});
        let event = event.to_string();
        let home = home.at("");
        let line = line.to_owned();
        std::thread::spawn(move || {
            let mut shell = Command::new("sh");
            shell
                .env_clear()
                .envs(palisade(&home).get_envs().filter_map(|(key, value)| Some((key, value?))));
            let mut child = shell
                .args(["-c", &line])
                .current_dir(&home)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), event.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        })
    };
    // Several at once, as an agent calls its tools.
    let all: Vec<_> = ["curl x", "ls", "true && curl y", "curl z"].into_iter().map(tell).collect();
    let answers: Vec<String> = all.into_iter().map(|one| one.join().unwrap()).collect();
    assert!(answers[0].contains("\"deny\"") && answers[2].contains("\"deny\""), "{answers:?}");
    assert!(!answers[1].contains("\"deny\""), "{answers:?}");
    let audit = |arguments: &[&str]| {
        let output = palisade(&home.at("")).arg("audit").args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (_, events) = audit(&["query", "--json"]);
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let calls: Vec<&Value> = events.iter().filter(|event| event["kind"] == "tool_call").collect();
    assert_eq!(calls.len(), 4, "{events:#?}");
    assert_eq!(calls.iter().filter(|event| event["decision"] == "deny").count(), 3);
    assert!(calls.iter().all(|event| event["detail"]["confined"] == false), "{calls:#?}");
    assert_eq!(calls[0]["detail"]["agent_session"], "4f");
    assert_eq!(audit(&["verify"]).0, 0);
}

/// What cannot be recorded is not permitted.
#[test]
fn without_a_journal_nothing_is_permitted() {
    let home = Home::with("{}");
    fs::write(home.at("state"), "no folder").unwrap();
    let mut child = palisade(&home.at(""))
        .env("PALISADE_STATE", home.at("state"))
        .args(["hook", "--agent", "claude-code", "--record", "--policy"])
        .arg(home.at("p.yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let event = json!({"session_id": "4f", "cwd": "/", "hook_event_name": "PreToolUse",
        "tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_use_id": "t"});
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), event.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("recorded"), "{output:?}");
}

/// OpenClaw's hooks are functions: a plugin of our own is put among its plugins, and nothing of another's is touched.
#[test]
fn openclaw_gets_a_plugin_of_its_own() {
    let home = Home::new();
    let folder = home.at(".openclaw/extensions/palisade");
    let ran = home.run(&["openclaw", "--policy", "p.yaml"]);
    assert!(ran.exit == 2 && ran.stderr.contains("--yes") && !folder.exists(), "{ran}");
    let install = || home.run(&["openclaw", "--policy", "p.yaml", "--yes"]);
    let ran = install();
    assert!(ran.exit == 0 && ran.stderr.contains("confines nothing"), "{ran}");
    let program = fs::read_to_string(folder.join("index.js")).unwrap();
    let named = format!("\"--policy\",\"{}\"", home.at("p.yaml").display());
    assert!(program.contains(&named) && program.contains("[\"before_tool_call\"]"), "{program}");
    let settings = || fs::read_to_string(home.at(".openclaw/openclaw.json")).unwrap();
    assert!(settings().contains("palisade"), "{}", settings());
    let ran = install();
    assert!(ran.exit == 0 && ran.stderr.contains("has it already"), "{ran}");
    let ran = home.run(&["openclaw", "--yes"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(!fs::read_to_string(folder.join("index.js")).unwrap().contains("--policy"));
    fs::write(folder.join("more.js"), "theirs").unwrap();
    assert_eq!(home.run(&["openclaw", "--remove", "--yes"]).exit, 0);
    // Its settings were not there before.
    assert!(!home.at(".openclaw/openclaw.json").exists());
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|at| at.unwrap().file_name()).collect();
    assert_eq!(left, ["more.js"]);
    fs::remove_file(folder.join("more.js")).unwrap();
    let ran = home.run(&["openclaw", "--remove", "--yes"]);
    assert!(ran.exit == 0 && ran.stderr.contains("has it not"), "{ran}");

    // What was there comes back byte for byte, unless something else has changed it since.
    for before in
        ["", "{}", "{\"model\":\"x\", \"plugins\":{} }\n", "{\n  // theirs\n  a: 'b',\n}\n"]
    {
        fs::write(home.at(".openclaw/openclaw.json"), before).unwrap();
        assert_eq!((install().exit, install().exit), (0, 0), "{before}");
        assert!(settings().contains("palisade"), "{}", settings());
        assert_eq!(home.run(&["openclaw", "--remove", "--yes"]).exit, 0, "{before}");
        assert_eq!(settings(), before);
    }
    assert_eq!(install().exit, 0);
    let since = settings().replace("'b'", "'c'");
    fs::write(home.at(".openclaw/openclaw.json"), since).unwrap();
    assert_eq!(home.run(&["openclaw", "--remove", "--yes"]).exit, 0);
    assert!(settings().contains("'c'") && !settings().contains("palisade"), "{}", settings());

    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("package.json"), "{\"name\": \"theirs\"}").unwrap();
    for arguments in [&["openclaw", "--yes"][..], &["openclaw", "--remove", "--yes"]] {
        let ran = home.run(arguments);
        assert!(ran.exit == 1 && ran.stderr.contains("not written by this command"), "{ran}");
    }
    fs::remove_dir_all(&folder).unwrap();
    symlink(home.at(".openclaw"), &folder).unwrap();
    assert_eq!(install().exit, 1);
    fs::remove_file(&folder).unwrap();
    fs::write(home.at(".openclaw/openclaw.json"), "{plugins: {allow: ['theirs']}}").unwrap();
    let ran = install();
    assert!(ran.exit == 1 && ran.stderr.contains("`plugins.allow` does not name it"), "{ran}");
    assert!(!folder.exists());
}
