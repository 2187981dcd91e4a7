//! `palisade policy` as a script sees it.

use std::{fs, path::PathBuf};

use insta::assert_snapshot;

use crate::ran::{Ran, palisade, run};

const GOOD: &str = "palisade: 1\n\
    filesystem: {workspace: {access: ro}, read: [/usr], deny: [\"**/.env\"]}\n\
    network: {rules: [{name: docs, hosts: [docs.rs]}]}\n\
    process: {limits: {processes: 64}}\n";

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn policy(&self, arguments: &[&str]) -> Ran {
        let home = self.path("");
        run(palisade(&home).arg("policy").args(arguments))
            .with(home.to_str().unwrap().trim_end_matches('/'), "[HOME]")
    }
}

#[test]
fn check_says_valid_or_what_is_wrong_and_where() {
    let home = Home::new();
    home.write("good.yaml", GOOD);
    home.write("bad.yaml", "palisade: 1\nnetwrk: {}\nprocess: {limits: {memory: lots}}\n");
    assert_snapshot!(home.policy(&["check", "good.yaml"]), @r"
    exit: 0
    ----- stdout -----
    good.yaml: valid

    ----- stderr -----
    ");
    let ran = home.policy(&["check", "good.yaml", "bad.yaml"]);
    assert_eq!(ran.exit, 1, "{ran}");
    assert_eq!(ran.stdout, "good.yaml: valid\n", "{ran}");
    for expected in
        ["bad.yaml:2:1: ", "2 | netwrk: {}", "did you mean `network`?", "bad.yaml:3:28: "]
    {
        assert!(ran.stderr.contains(expected), "no `{expected}`: {ran}");
    }
    assert_eq!(home.policy(&["check"]).exit, 2);
    assert_eq!(home.policy(&["check", "none.yaml"]).exit, 1);
}

#[test]
fn check_tells_what_a_launch_would_refuse() {
    let home = Home::new();
    home.write("p.yaml", "palisade: 1\nskills: {require: signed}\n");
    assert_snapshot!(home.policy(&["check", "p.yaml"]), @r"
    exit: 0
    ----- stdout -----
    p.yaml: valid
      not built yet, a launch refuses it: skills (p.yaml:2:9)

    ----- stderr -----
    ");
}

#[test]
fn json_is_an_object_a_line() {
    let home = Home::new();
    home.write("good.yaml", GOOD);
    home.write("bad.yaml", "palisade: 2\n");
    let ran = home.policy(&["check", "--json", "good.yaml", "bad.yaml"]);
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((ran.exit, lines.len()), (1, 2), "{ran}");
    assert_eq!((&lines[0]["valid"], &lines[1]["valid"]), (&true.into(), &false.into()));
    assert_eq!(lines[1]["errors"][0]["line"], 1);
    let ran = home.policy(&["explain", "--json", "good.yaml"]);
    let rules: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |rule: &str| rules.iter().find(|one| one["rule"] == rule).unwrap();
    assert_eq!(of("filesystem.read[0]")["layers"], serde_json::json!(["kernel"]));
    assert_eq!(of("network.rules[docs]")["layers"], serde_json::json!(["kernel", "egress"]));
    assert!(rules.iter().all(|rule| rule["advisory"] == false), "{ran}");
    assert!(of("process.limits.processes")["held"].is_string(), "{ran}");
}

#[test]
fn explain_is_what_a_run_here_would_use() {
    let home = Home::new();
    fs::create_dir(home.path("config")).unwrap();
    home.write("config/policy.yaml", GOOD);
    let ran = home.policy(&["explain"]);
    assert_eq!(ran.exit, 0, "{ran}");
    for expected in
        ["policy sha256:", "  user          [HOME]/config/policy.yaml", "network.rules[docs]"]
    {
        assert!(ran.stdout.contains(expected), "no `{expected}`: {ran}");
    }
    for profile in ["shell", "claude-code", "codex", "openclaw"] {
        assert_eq!(home.policy(&["explain", "--profile", profile]).exit, 0, "{profile}");
        assert!(home.policy(&["show", profile]).stdout.contains("palisade: 1"), "{profile}");
    }
    assert_eq!(home.policy(&["explain", "--profile", "none"]).exit, 1);
    assert_eq!(home.policy(&["show", "none"]).exit, 2);
}

#[test]
fn trust_is_in_these_bytes() {
    let home = Home::new();
    home.write("palisade.yaml", "palisade: 1\nnetwork: {rules: [{name: x, hosts: [docs.rs]}]}\n");
    let untrusted = home.policy(&["explain"]);
    assert_eq!(untrusted.exit, 1, "{untrusted}");
    assert!(untrusted.stderr.contains("palisade policy trust"), "{untrusted}");
    let ran = home.policy(&["trust"]);
    assert!(ran.stdout.contains("palisade.yaml:2:19: the network rule network.rules[x]"), "{ran}");
    assert!(ran.stdout.contains("Trusted as it is now: sha256:"), "{ran}");
    assert_eq!(home.policy(&["explain"]).exit, 0);
    home.write("palisade.yaml", "palisade: 1\nnetwork: {rules: [{name: x, hosts: [evil.rs]}]}\n");
    assert_eq!(home.policy(&["explain"]).exit, 1);
    assert!(home.policy(&["trust"]).stdout.contains("has changed since it was trusted"));
    assert!(home.policy(&["trust", "--remove"]).stdout.contains("is not trusted any more"));
    assert_eq!(home.policy(&["explain"]).exit, 1);
}

#[test]
fn the_schema_is_the_one_that_is_checked_in() {
    let home = Home::new();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy.schema.json");
    let schema = home.policy(&["schema"]).stdout;
    assert!(
        fs::read_to_string(kept).unwrap_or_default() == schema,
        "stale: cargo run -- policy schema > docs/policy.schema.json"
    );
}
