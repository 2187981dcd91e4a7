//! The hooks in `hooks/`, as Claude Code runs them and as a policy does.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use http::StatusCode;
use palisade_testkit::{Recorded, Upstream, answer};
use serde_json::{Value, json};

use crate::ran::{Ran, palisade};

struct Work(tempfile::TempDir);

impl Work {
    /// A repository, and the hooks beside it.
    fn new() -> Self {
        let work = Self(tempfile::tempdir().unwrap());
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hooks");
        fs::create_dir(work.at("hooks")).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = work.at("hooks").join(entry.file_name());
            if entry.path().is_file() {
                palisade_testkit::copy_program(entry.path(), to);
            }
        }
        fs::create_dir(work.at("repo")).unwrap();
        work.sh("git init -q -b main; git config user.name Ada; git config user.email ada@x.test; git commit -q --allow-empty -m one; git switch -q -c feature");
        work
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn command(&self, program: &Path) -> Command {
        let own = Path::new(env!("CARGO_BIN_EXE_palisade")).parent().unwrap();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", own.display()))
            .env("HOME", self.at(""))
            .env("PALISADE_STATE", self.at("state"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(self.at("repo"));
        command
    }

    fn sh(&self, script: &str) {
        let ran = told(self.command(Path::new("/bin/sh")).args(["-ec", script]), "");
        assert_eq!(ran.exit, 0, "{script} {ran}");
    }

    /// As Claude Code runs it.
    fn hook(&self, name: &str, arguments: &[&str], event: &Value) -> Ran {
        let hook = self.at("hooks").join(name);
        told(self.command(&hook).args(arguments), &event.to_string())
    }

    fn bash(&self, command: &str) -> Value {
        json!({"session_id": "s", "hook_event_name": "PreToolUse", "cwd": self.at("repo"),
            "tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": "t"})
    }

    /// Whether it lets each go by.
    fn compare(&self, name: &str, arguments: &[&str], rows: &[(&str, bool)]) {
        for (command, passes) in rows {
            let ran = self.hook(name, arguments, &self.bash(command));
            assert_eq!(ran.exit, if *passes { 0 } else { 2 }, "{command:?} {ran}");
            assert_eq!(ran.stderr.is_empty(), *passes, "{command:?} {ran}");
        }
    }
}

fn told(command: &mut Command, text: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap_or_default();
    let output = child.wait_with_output().unwrap();
    Ran {
        exit: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn protected_branches_are_not_pushed_to() {
    let work = Work::new();
    let rows = [
        ("ls", true),
        ("git push origin feature", true),
        ("git push", true),
        ("git commit -m x", true),
        ("echo 'git push origin feature'", true),
        ("git push origin main", false),
        ("git push origin HEAD:main", false),
        ("git push origin feature:refs/heads/release/2", false),
        ("git push -f origin feature", false),
        ("git push origin +feature", false),
        ("git push --force-with-lease origin feature", false),
        ("git push origin --delete feature", false),
        ("git push --all origin", false),
        ("git push origin $BRANCH", false),
        ("bash -c 'git push origin main'", false),
        ("true && /usr/bin/git -c a=b push origin main", false),
        ("echo $(git push origin main)", false),
        ("echo `git push origin main`", false),
        ("git -C /elsewhere push", false),
        ("git -c alias.p=push p origin main", false),
        ("git -c remote.origin.push=HEAD:main push origin feature", false),
        ("git --shallow-file f push origin main", false),
        ("git send-pack origin main", false),
        ("git branch -D main", false),
        ("git push origin 'main", false),
    ];
    work.compare("protected-branches.py", &[], &rows);
    work.compare(
        "protected-branches.py",
        &["feature"],
        &[("git push", false), ("git push origin main", true)],
    );
    work.sh("git switch -q main");
    work.compare("protected-branches.py", &[], &[("git commit -m x", false), ("git push", false)]);
}

#[test]
fn secrets_are_not_committed() {
    let work = Work::new();
    let hook = "secrets-in-commit.py";
    work.sh("echo fine > a.txt; git add a.txt");
    work.compare(
        hook,
        &[],
        &[
            ("ls", true),
            ("git commit -m 'add a'", true),
            ("git commit -am x", false),
            ("git commit -m x a.txt", false),
            ("git add . && git commit -m x", false),
            ("git -C /elsewhere commit -m x", false),
        ],
    );
    let key = ["-----BEGIN OPENSSH ", "PRIVATE KEY-----"].concat();
    let token = ["ghp_", &"a1B2".repeat(9)].concat();
    for text in [
        key.as_str(),
        token.as_str(),
        "api_key = \"q9Zx7Lm2Vb8Nc4Rt6Yp1\"",
        "url: postgres://ada:hunter2hunter2@db/x",
    ] {
        fs::write(work.at("repo/a.txt"), format!("{text}\n")).unwrap();
        work.sh("git add a.txt");
        work.compare(hook, &[], &[("git commit -m x", false)]);
    }
    work.sh("echo fine > a.txt; echo A=1 > .env; git add a.txt .env");
    work.compare(hook, &[], &[("git commit -m x", false)]);
    work.sh("git reset -q; git add a.txt");
    work.compare(hook, &[], &[("git commit -m x", true)]);
}

/// The repository is the agent's: nothing that its settings name is run outside.
#[test]
fn a_repository_runs_nothing_by_way_of_the_hook() {
    let work = Work::new();
    let mark = work.at("ran");
    palisade_testkit::write_program(
        work.at("repo/evil.sh"),
        format!("#!/bin/sh\ntouch '{}'\ncat\n", mark.display()),
    );
    work.sh("echo '* diff=x filter=x' > .gitattributes
         git config core.fsmonitor ./evil.sh; git config diff.external ./evil.sh
         git config diff.x.textconv ./evil.sh; git config diff.x.command ./evil.sh
         git config core.pager ./evil.sh; git config core.hooksPath .");
    // Staged without the filter, which is seen to run otherwise.
    work.sh("echo fine > a.txt; git -c core.fsmonitor=false add a.txt; rm -f ../ran; git config filter.x.clean ./evil.sh");
    let ran = work.hook("secrets-in-commit.py", &[], &work.bash("git commit -m x"));
    assert!(!mark.exists(), "{ran}");
    work.sh("git diff HEAD > ../shown 2>&1 || true");
    assert!(mark.exists(), "unhardened, it runs");
}

#[test]
fn young_and_misspelt_packages_are_not_installed() {
    let work = Work::new();
    let hook = "package-check.py";
    work.compare(
        hook,
        &["--offline"],
        &[
            ("npm install react left-pad", true),
            ("npm ci", true),
            ("pip install requests==2.31", true),
            ("cargo add serde --features derive", true),
            ("npm install lodahs", false),
            ("npm i --save-dev expresss", false),
            ("pnpm add loadsh", false),
            ("pip install reqeusts", false),
            ("python3 -m pip install python_dateutill", false),
            ("uv add numpi", false),
            ("cargo add serd", false),
            ("pip install -r requirements.txt", false),
            ("pip install --index-url http://x.test y", false),
            ("npm i ./local", false),
            ("npm i x@npm:y", false),
            ("npm i $NAME", false),
            ("npx expresss", false),
            ("npx --yes expresss", false),
            ("npx --no expresss", true),
        ],
    );
    let server = Upstream::start(|request: Recorded| async move {
        let body = match request.uri.path() {
            "/old-package" => json!({"time": {"created": "2015-01-01T00:00:00.000Z"}}),
            "/new-package" => json!({"time": {"created": "2999-01-01T00:00:00.000Z"}}),
            _ => return answer(StatusCode::NOT_FOUND, "text/plain", "no"),
        };
        answer(StatusCode::OK, "application/json", body.to_string())
    })
    .unwrap();
    let registry = format!("npm={}", server.url());
    work.compare(
        hook,
        &["--registry", &registry],
        &[("npm i old-package", true), ("npm i new-package", false), ("npm i not-there", false)],
    );
}

#[test]
fn an_agent_is_sent_back_once_while_tests_fail() {
    let work = Work::new();
    let stop = |again: bool| json!({"session_id": "s", "hook_event_name": "Stop", "cwd": work.at("repo"), "stop_hook_active": again});
    let hook = "tests-before-stop.sh";
    let ran = work.hook(hook, &["true"], &stop(false));
    assert_eq!(ran.exit, 0, "{ran}");
    let ran = work.hook(hook, &["sh", "-c", "echo 3 of 4 failed; exit 1"], &stop(false));
    assert!(ran.exit == 2 && ran.stderr.contains("3 of 4 failed"), "{ran}");
    assert_eq!(work.hook(hook, &["false"], &stop(true)).exit, 0);
    assert_eq!(work.hook(hook, &[], &stop(false)).exit, 2);
    // They see nothing of the operator's.
    fs::write(work.at("secret"), "the operator's").unwrap();
    let ran = work.hook(hook, &["cat", work.at("secret").to_str().unwrap()], &stop(false));
    assert!(ran.exit == 2 && !ran.stderr.contains("the operator's"), "{ran}");
}

#[test]
fn a_file_is_formatted_after_an_edit() {
    let work = Work::new();
    let edit = |file: &Path| {
        json!({"session_id": "s", "hook_event_name": "PostToolUse", "cwd": work.at("repo"),
            "tool_name": "Write", "tool_input": {"file_path": file}, "tool_response": {}})
    };
    let hook = "format-after-edit.sh";
    let file = work.at("repo/a.json");
    fs::write(&file, "{\"a\":1}").unwrap();
    let ran = work.hook(hook, &[], &edit(&file));
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\n  \"a\": 1\n}\n");
    fs::write(&file, "{").unwrap();
    let ran = work.hook(hook, &[], &edit(&file));
    assert!(ran.exit == 2 && ran.stderr.contains("the formatter fails"), "{ran}");
    // Not what lies elsewhere, nor through a link.
    let outside = work.at("b.json");
    fs::write(&outside, "{\"b\":1}").unwrap();
    std::os::unix::fs::symlink(&outside, work.at("repo/link.json")).unwrap();
    for file in [outside.clone(), work.at("repo/link.json"), work.at("repo/none.json")] {
        assert_eq!(work.hook(hook, &[], &edit(&file)).exit, 0);
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "{\"b\":1}");
}

/// What cannot be read is refused.
#[test]
fn nonsense_is_not_waved_through() {
    let work = Work::new();
    for hook in ["protected-branches.py", "secrets-in-commit.py", "package-check.py"] {
        let script = work.at("hooks").join(hook);
        for text in
            ["", "[]", "{", "\u{0}", "{\"tool_input\": {\"command\": 7}}", "{\"tool_input\": []}"]
        {
            let ran = told(&mut work.command(&script), text);
            assert_eq!(ran.exit, 2, "{hook} {text:?} {ran}");
        }
        let long = work.bash(&"x ".repeat(60_000));
        assert_eq!(work.hook(hook, &[], &long).exit, 2, "{hook}");
    }
}

/// By a policy, as `palisade hook` runs them.
#[test]
fn a_policy_has_them_too() {
    let work = Work::new();
    fs::write(
        work.at("p.yaml"),
        "palisade: 1\nextends: [shell]\nhooks: {PreToolUse: [{matcher: Bash, hooks: [{type: command, command: ./hooks/protected-branches.py, args: [main]}]}]}\n",
    )
    .unwrap();
    let tell = |command: &str| {
        let mut hook = palisade(&work.at(""));
        hook.current_dir(work.at("repo")).args(["hook", "--agent", "claude-code", "--policy"]);
        told(hook.arg(work.at("p.yaml")), &work.bash(command).to_string())
    };
    let ran = tell("git push origin main");
    assert!(ran.exit == 0 && ran.stdout.contains("main is protected"), "{ran}");
    let ran = tell("git push origin feature");
    assert!(ran.exit == 0 && ran.stdout.is_empty(), "{ran}");
}
