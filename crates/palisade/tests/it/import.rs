//! `palisade policy import` as a script sees it, and that its policies hold.

use std::{fs, path::PathBuf};

use insta::assert_snapshot;

use crate::ran::{Ran, palisade, run};

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(home.path("work")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `palisade` in the folder `work`.
    fn palisade(&self, arguments: &[&str]) -> Ran {
        let home = self.path("");
        let ran = run(palisade(&home).current_dir(self.path("work")).args(arguments));
        ran.with(home.to_str().unwrap().trim_end_matches('/'), "[HOME]")
    }

    fn import(&self, arguments: &[&str]) -> Ran {
        self.palisade(&[&["policy", "import"], arguments].concat())
    }
}

const SETTINGS: &str = r#"{
  "permissions": {
    "allow": ["Bash(npm run *)", "Foo(x y)"],
    "deny": ["Read(.env)", "Bash(curl *)"]
  },
  "env": {"FOO": "1"}
}"#;

#[test]
fn settings_come_out_as_a_policy_and_notes() {
    let home = Home::new();
    home.write("settings.json", SETTINGS);
    assert_snapshot!(home.import(&["--from", "claude-code", "../settings.json"]), @r#"
    exit: 0
    ----- stdout -----
    # Imported. Behind each entry stands where it is from; `palisade policy explain` says what it means.
    palisade: 1
    extends: [claude-code]

    process:
      environment:
        set:
          "FOO": "1" # ~/settings.json:6

    permissions:
      mode: default # ~/settings.json
      allow:
        - "Bash(npm run *)" # ~/settings.json:3
      deny:
        - "Read(.env)" # ~/settings.json:4
        - "Bash(curl *)" # ~/settings.json:4

    ----- stderr -----
    [HOME]/settings.json:3: carried: permissions.allow: Bash(npm run *)
    [HOME]/settings.json:3: not said: permissions.allow: Foo(x y): nothing is known of what `Foo` takes
    [HOME]/settings.json:4: carried: permissions.deny: Read(.env)
    [HOME]/settings.json:4: carried: permissions.deny: Bash(curl *)
    [HOME]/settings.json:6: carried: env.FOO: process.environment.set
    palisade: 4 carried over, 0 stricter, 1 not said
    "#);
}

#[test]
fn the_file_is_whole_and_not_written_over() {
    let home = Home::new();
    home.write(".claude/settings.json", SETTINGS);
    let ran = home.import(&["--from", "claude-code", "--output", "palisade.yaml"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, ""), "{ran}");
    let checked = home.palisade(&["policy", "check", "palisade.yaml"]);
    assert_eq!(checked.exit, 0, "{checked}");
    assert!(checked.stdout.starts_with("palisade.yaml: valid"), "{checked}");
    let before = fs::read(home.path("work/palisade.yaml")).unwrap();

    home.write(".claude/settings.json", "{}");
    let ran = home.import(&["--from", "claude-code", "--output", "palisade.yaml"]);
    assert_eq!(ran.exit, 2, "{ran}");
    assert!(ran.stderr.contains("is there already") && ran.stderr.contains("--force"), "{ran}");
    assert_eq!(fs::read(home.path("work/palisade.yaml")).unwrap(), before);
    let ran = home.import(&["--from", "claude-code", "--output", "palisade.yaml", "--force"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_ne!(fs::read(home.path("work/palisade.yaml")).unwrap(), before);
    let left: Vec<_> = fs::read_dir(home.path("work")).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn notes_are_lines_for_scripts_too() {
    let home = Home::new();
    home.write(".claude/settings.json", SETTINGS);
    let ran = home.import(&["--from", "claude-code", "--json"]);
    assert_eq!(ran.exit, 0, "{ran}");
    let notes: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |what: &str| notes.iter().find(|note| note["what"] == what).unwrap();
    assert_eq!(of("permissions.deny: Read(.env)")["outcome"], "carried");
    assert_eq!(of("permissions.deny: Read(.env)")["line"], 4);
    assert_eq!(of("permissions.allow: Foo(x y)")["outcome"], "lost");
    assert_eq!(of("env.FOO")["file"], "[HOME]/.claude/settings.json");
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let home = Home::new();
    let ran = home.import(&["--from", "srt"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""), "{ran}");
    assert!(ran.stderr.contains("none of [HOME]/.srt-settings.json exists"), "{ran}");
    home.write(".srt-settings.json", "{\n\"network\": {\n\"allowedDomains\": [1]}}");
    let ran = home.import(&["--from", "srt", "--output", "out.yaml"]);
    assert_eq!(ran.exit, 1, "{ran}");
    assert!(
        ran.stderr.contains(".srt-settings.json:3: `network.allowedDomains` is a list of texts"),
        "{ran}"
    );
    assert!(!home.path("work/out.yaml").exists());
    assert_eq!(home.import(&["--from", "nobody"]).exit, 2);
    assert_eq!(home.import(&[]).exit, 2);
    assert_eq!(home.import(&["--from", "srt", "--output", "none/out.yaml"]).exit, 2);
}

#[test]
fn what_sandbox_runtime_holds_is_held() {
    let home = Home::new();
    home.write("work/keep/file", "kept\n");
    home.write("work/secret/key", "a secret\n");
    home.write(
        ".srt-settings.json",
        r#"{"filesystem": {"allowWrite": ["."], "denyWrite": ["keep"], "denyRead": ["secret"]}}"#,
    );
    let ran = home.import(&["--from", "srt", "--output", "../policy.yaml"]);
    assert_eq!(ran.exit, 0, "{ran}");
    let script = "echo new > made && cat keep/file; echo bad > keep/file; mv keep kept; cat secret/key; rm -r secret; true";
    let ran =
        home.palisade(&["run", "--quiet", "--policy", "../policy.yaml", "--", "sh", "-c", script]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "kept\n"), "{ran}");
    let read = |name: &str| fs::read_to_string(home.path(name)).unwrap();
    assert_eq!(read("work/made"), "new\n");
    assert_eq!(read("work/keep/file"), "kept\n");
    assert_eq!(read("work/secret/key"), "a secret\n");

    // Without `.` nothing in it is writable.
    home.write(".srt-settings.json", "{}");
    home.import(&["--from", "srt", "--output", "../policy.yaml", "--force"]);
    let ran = home.palisade(&[
        "run",
        "--quiet",
        "--policy",
        "../policy.yaml",
        "--",
        "sh",
        "-c",
        "echo x > made2",
    ]);
    assert_ne!(ran.exit, 0, "{ran}");
    assert!(!home.path("work/made2").exists());
}

#[test]
fn a_policy_of_openshell_starts() {
    let home = Home::new();
    home.write(
        "p.yaml",
        "version: 1\nfilesystem_policy:\n  include_workdir: true\n  read_only: [/usr, /lib, /proc, /etc]\n  read_write: [/tmp, /dev/null]\n",
    );
    let ran = home.import(&["--from", "openshell", "../p.yaml", "--output", "../policy.yaml"]);
    assert_eq!(ran.exit, 0, "{ran}");
    let ran = home.palisade(&[
        "run",
        "--quiet",
        "--policy",
        "../policy.yaml",
        "--",
        "/bin/sh",
        "-c",
        "echo started > out; echo started",
    ]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "started\n"), "{ran}");
}

/// The same calls as there, by `palisade policy test`.
fn decides(home: &Home, arguments: &[&str], cases: &str) {
    let ran = home.import(&[arguments, &["--output", "p.yaml", "--force"]].concat());
    assert_eq!(ran.exit, 0, "{ran}");
    // No program makes what is tried.
    let policy = fs::read_to_string(home.path("work/p.yaml")).unwrap();
    home.write("work/p.yaml", &policy.replace(", binaries: [\"/**\"]", ""));
    home.write("work/cases.yaml", &format!("policy: p.yaml\ncases:\n{cases}"));
    let ran = home.palisade(&["policy", "test", "cases.yaml"]);
    assert_eq!(ran.exit, 0, "{ran}");
}

#[test]
fn calls_of_claude_code_are_decided_as_there() {
    let home = Home::new();
    home.write(
        ".claude/settings.json",
        r#"{"permissions": {"allow": ["Bash(npm run *)", "Edit(src/**)"], "ask": ["Bash(npm run publish)"],
            "deny": ["Bash(curl *)", "Read(.env)", "WebFetch(domain:evil.test)"]},
            "sandbox": {"network": {"allowedDomains": ["*.ok.test"], "deniedDomains": ["not.ok.test"]}}}"#,
    );
    decides(
        &home,
        &["--from", "claude-code"],
        "- {bash: npm run build, expect: allow}\n\
           - {bash: npm run publish, expect: ask}\n\
           - {bash: \"npm run build && curl x\", expect: deny}\n\
           - {bash: make, expect: ask}\n\
           - {read: sub/.env, expect: deny}\n\
           - {edit: src/a/b.js, expect: allow}\n\
           - {edit: other.js, expect: ask}\n\
           - {fetch: \"https://evil.test/x\", expect: deny}\n\
           - {connect: \"a.b.ok.test:443\", expect: allow}\n\
           - {connect: \"a.b.ok.test:22\", expect: deny}\n\
           - {connect: \"ok.test:443\", expect: deny}\n\
           - {request: \"GET https://not.ok.test/\", expect: deny}\n\
           - {request: \"GET https://evil.test/\", expect: deny}\n",
    );
}

#[test]
fn calls_of_gemini_cli_are_decided_by_its_own_names() {
    let home = Home::new();
    home.write(
        ".gemini/settings.json",
        r#"{"tools": {"exclude": ["web_fetch", "run_shell_command(rm -rf)"], "allowed": ["replace", "run_shell_command(git log)"]}}"#,
    );
    decides(
        &home,
        &["--from", "gemini"],
        "- {tool: web_fetch, input: {prompt: \"see https://a.test\"}, expect: deny}\n\
           - {tool: replace, input: {file_path: a.txt, old_string: a, new_string: b}, expect: allow}\n\
           - {tool: write_file, input: {file_path: a.txt, content: b}, expect: ask}\n\
           - {tool: run_shell_command, input: {command: \"rm -rf /x\"}, expect: deny}\n\
           - {tool: run_shell_command, input: {command: git log -1}, expect: allow}\n\
           - {tool: run_shell_command, input: {command: git log -1; make}, expect: ask}\n",
    );
}

#[test]
fn requests_of_openshell_are_decided_as_its_programs_do() {
    let home = Home::new();
    home.write(
        "p.yaml",
        "version: 1\nnetwork_policies:\n  a:\n    endpoints:\n      - host: api.test\n        port: 443\n        protocol: rest\n        enforcement: enforce\n        rules:\n          - allow: {method: GET, path: /v1/**}\n        deny_rules:\n          - {method: '*', path: /v1/secret/*}\n    binaries: [{path: /**}]\n",
    );
    decides(
        &home,
        &["--from", "openshell", "../p.yaml"],
        "- {request: \"GET https://api.test/v1/a/b\", expect: allow}\n\
           - {request: \"HEAD https://api.test/v1/a\", expect: allow}\n\
           - {request: \"GET https://api.test/v1\", expect: deny}\n\
           - {request: \"POST https://api.test/v1/a\", expect: deny}\n\
           - {request: \"GET https://api.test/v1/secret/a\", expect: deny}\n\
           - {request: \"GET https://api.test/v1/x/../secret/a\", expect: deny}\n\
           - {request: \"GET https://other.test/v1/a\", expect: deny}\n",
    );
}
