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
    for profile in ["shell", "claude-code", "codex", "gemini", "openclaw"] {
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

/// The whole of what a person reads, but for digests.
#[test]
fn explain_is_a_table() {
    let home = Home::new();
    home.write(
        "good.yaml",
        &format!("{GOOD}approvals: {{notify: [desktop]}}\nskills: {{require: signed}}\naudit: {{retain: {{default: 365d, network: 90d}}, content: true}}\n"),
    );
    let mut ran = without_digests(home.policy(&["explain", "good.yaml"]));
    // Machines differ in how they hold a limit.
    ran.stdout =
        ran.stdout.split_inclusive('\n').filter(|line| !line.contains(" here: ")).collect();
    assert_snapshot!(ran, @r"
    exit: 0
    ----- stdout -----
    policy [DIGEST]
      command line  good.yaml

    filesystem.workspace      kernel             the workspace [HOME]: read only
    filesystem.read[0]        kernel             read /usr
    filesystem.deny[0]        kernel             hide what is at the launch like **/.env in the workspace and in what your own documents grant, but not in what only a profile grants for reading
    approvals.notify          supervisor         questions are told by the desktop's notifications (notify-send)
    network.rules[docs]       kernel, egress     connect to docs.rs on port 443
    process.limits.processes  kernel             64 processes and threads
    skills.require            kernel             the folders that agents load skills from hold those of the lock that a trusted publisher signed, as they were then, and cannot be changed
    audit.retain.default      supervisor         records of the class default are removed after 365 d, unless a hold forbids it
    audit.retain.network      supervisor         records of the class network are removed after 90 d, unless a hold forbids it
    audit.content             inference, supervisor what is said to models and what they answer is kept, sealed for the key of recordings

    What is not named is denied.

    ----- stderr -----
    ");
}

#[test]
fn trust_tells_what_it_takes() {
    let home = Home::new();
    home.write("more.yaml", "palisade: 1\nfilesystem: {read: [/srv]}\n");
    home.write(
        "palisade.yaml",
        "palisade: 1\nextends: [codex, ./more.yaml]\nhooks:\n  Stop: [{hooks: [{type: command, \
         command: ./x}]}]\n",
    );
    assert_snapshot!(without_digests(home.policy(&["trust"])), @r"
    exit: 0
    ----- stdout -----
    [HOME]/palisade.yaml adds to your policy:

      palisade.yaml:4:19: a hook for Stop, which runs outside: `./x`
      palisade.yaml:2:11: the profile codex, with reading /etc/codex/requirements.toml and 6 more
      [HOME]/more.yaml:2:21: reading /srv

    It builds on [HOME]/more.yaml, which is trusted with it.
    Trusted as it is now: [DIGEST]

    ----- stderr -----
    ");
    let ran = home.policy(&["trust", "--json"]);
    let taken: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&taken["was"], &taken["adds"][2]["line"]), (&"trusted".into(), &2.into()), "{ran}");
    assert!(taken["digest"].as_str().unwrap().starts_with("sha256:"), "{ran}");
}

#[test]
fn only_a_projects_policy_needs_trust() {
    let home = Home::new();
    home.write("ci.yaml", GOOD);
    assert_snapshot!(home.policy(&["trust", "ci.yaml"]), @r"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: ci.yaml is no project's policy
      try: name a palisade.yaml; a policy that you name with --policy counts as it is
    ");
    assert_snapshot!(home.policy(&["trust"]), @r"
    exit: 1
    ----- stdout -----

    ----- stderr -----
    palisade: the policy is not valid
    palisade.yaml: there is no such file
      help: correct its path
    ");
}

/// Names of files and folders are printed, and steer nothing.
#[test]
fn a_hostile_name_steers_no_terminal() {
    let home = Home::new();
    let name = "a\u{1b}[2J\nTrusted";
    fs::create_dir(home.path(name)).unwrap();
    let file = format!("{name}/palisade.yaml");
    home.write(&file, "palisade: 1\nfilesystem: {read: [./x, /srv]}\n");
    home.write(&format!("{name}/bad.yaml"), "palisade: 2\n");
    let bad = format!("{name}/bad.yaml");
    for arguments in [&["trust", &*file][..], &["explain", &file], &["check", &file, &bad]] {
        let ran = home.policy(arguments);
        assert!(!format!("{ran}").contains('\u{1b}'), "{ran}");
        assert!(!format!("{ran}").contains("\nTrusted/"), "{ran}");
    }
}

/// A command says how it is used.
#[test]
fn each_command_has_an_example() {
    let home = Home::new();
    for command in ["check", "explain", "schema", "show", "trust"] {
        let ran = home.policy(&[command, "--help"]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
        assert!(ran.stdout.contains(&format!("palisade policy {command}")), "{ran}");
        assert!(ran.stdout.contains("Example"), "{ran}");
    }
    for wrong in [&["explain", "--profile", "shell", "a.yaml"][..], &["trust", "a", "b"], &["no"]] {
        assert_eq!(home.policy(wrong).exit, 2, "{wrong:?}");
    }
}

fn without_digests(mut ran: Ran) -> Ran {
    let parts: Vec<&str> = ran.stdout.split("sha256:").collect();
    let shown = parts.iter().enumerate().map(|(index, part)| match index {
        0 => (*part).to_owned(),
        _ => format!("[DIGEST]{}", part.trim_start_matches(|c: char| c.is_ascii_hexdigit())),
    });
    ran.stdout = shown.collect();
    ran
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

#[test]
fn explain_says_whether_denied_calls_are_recorded() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("p.yaml");
    let explained = |denied: &str, missing: &str| {
        let text = format!("palisade: 1\nprocess: {{syscalls: {{deny: [{denied}]}}}}\n");
        fs::write(&file, text).unwrap();
        let mut command = palisade(home.path());
        command.env("PALISADE_SIMULATE_MISSING", missing);
        let ran = run(command.args(["policy", "explain", "--json"]).arg(&file));
        assert_eq!(ran.exit, 0, "{ran}");
        let mut rules = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap());
        let named = |rule: &serde_json::Value| rule["rule"] == "process.syscalls.deny[getpriority]";
        rules.find(named).unwrap()["held"].as_str().unwrap().to_owned()
    };
    assert_eq!(explained("getpriority", ""), "recorded each time");
    assert_eq!(explained("getpriority", "seccomp-listener"), "not recorded");
    assert_eq!(explained("getpriority, sendmsg", ""), "not recorded");
}

/// What the documents give to be copied is valid, and all of it is built.
#[test]
fn policies_in_the_documents_about_the_network_are_enforced_whole() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/network.md")).unwrap();
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut seen = 0;
    for block in blocks {
        let home = Home::new();
        home.write("document.yaml", block);
        let ran = home.policy(&["check", "document.yaml"]);
        assert_eq!(ran.stdout, "document.yaml: valid\n", "{ran}");
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran}");
        seen += 1;
    }
    assert!(seen >= 2, "only {seen} policies were found");
}

const TRIED: &str = "palisade: 1\nnetwork: {rules: [{name: docs, hosts: [docs.rs]}, {name: spare, hosts: [spare.rs]}]}\n\
    permissions: {allow: [\"Bash(npm run *)\"], deny: [\"Bash(curl *)\"]}\n";

#[test]
fn why_tells_the_decision_and_its_rule() {
    let home = Home::new();
    home.write("p.yaml", TRIED);
    let why = |kind: &str, what: &str| home.policy(&["why", "--policy", "p.yaml", kind, what]);
    assert_snapshot!(why("bash", "true; curl x"), @r"
    exit: 1
    ----- stdout -----
    deny: Bash true; curl x
      by   permissions.deny[Bash(curl *)]
      for  `Bash(curl *)` (p.yaml:3) refuses this: it may run `curl x`

    ----- stderr -----
    ");
    assert_eq!(why("bash", "npm run build").exit, 0);
    assert!(why("bash", "node x").stdout.starts_with("ask: "));
    assert_eq!(why("connect", "docs.rs:443").exit, 0);
    assert_eq!(why("connect", "evil.rs:443").exit, 1);
    assert_eq!(why("smash", "x").exit, 2);
    assert_eq!(why("connect", "x").exit, 2);
    let ran = home.policy(&["why", "--json", "--policy", "p.yaml", "resolve", "docs.rs"]);
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(said["decision"], "allow");
    assert_eq!(said["rule"], "network.rules[docs]");
}

#[test]
fn test_tries_each_case_and_names_unused_rules() {
    let home = Home::new();
    home.write("p.yaml", TRIED);
    home.write(
        "cases.yaml",
        "policy: p.yaml\ncases:\n  - {bash: \"curl x\", expect: deny}\n  \
         - {connect: \"docs.rs:443\", expect: allow, rule: \"network.rules[docs]\"}\n  \
         - {bash: \"npm run x | curl y\", expect: allow}\n",
    );
    let ran = home.policy(&["test", "cases.yaml"]);
    assert_eq!(ran.exit, 1, "{ran}");
    for expected in [
        "cases.yaml:5: Bash npm run x | curl y",
        "  expected  allow",
        "  decided   deny by permissions.deny[Bash(curl *)]",
        "2 of 3 cases are as expected",
        "rules that decided no case: network.rules[spare], permissions.allow[Bash(npm run *)]",
    ] {
        assert!(ran.stdout.contains(expected), "no `{expected}`: {ran}");
    }
    home.write("cases.yaml", "policy: p.yaml\ncases:\n  - {bash: \"curl x\", expect: deny}\n");
    assert_eq!(home.policy(&["test", "cases.yaml"]).exit, 0);
    assert_eq!(home.policy(&["test", "--json", "cases.yaml"]).stdout.lines().count(), 1);
    home.write("cases.yaml", "cases:\n  - {bash: 1}\n");
    let ran = home.policy(&["test", "cases.yaml"]);
    assert!(ran.exit == 1 && ran.stderr.contains("cases.yaml:2:5"), "{ran}");
}

#[test]
fn diff_says_what_is_permitted_more_and_less() {
    let home = Home::new();
    home.write("old.yaml", GOOD);
    let new = GOOD
        .replace("read: [/usr]", "read: [/opt, /usr]")
        .replace(", deny: [\"**/.env\"]", "")
        .replace("docs.rs", "docs.rs, crates.io")
        .replace("processes: 64", "processes: 64, wall_time: 1h");
    home.write("new.yaml", &new);
    assert_snapshot!(home.policy(&["diff", "old.yaml", "new.yaml"]), @r"
    exit: 1
    ----- stdout -----
    + filesystem.deny[0]: no longer: hide what is at the launch like **/.env in the workspace and in what your own documents grant, but not in what only a profile grants for reading
    + filesystem.read[0]: read /opt
    - process.limits.wall_time: ends after 1 h
    ~ network.rules[docs]: connect to docs.rs, crates.io on port 443
        before: connect to docs.rs on port 443

    ----- stderr -----
    ");
    let json = home.policy(&["diff", "--json", "new.yaml", "old.yaml"]);
    assert!(
        json.stdout.contains(r#""rule":"filesystem.deny[0]","direction":"narrower""#),
        "{json}"
    );
    let same = home.policy(&["diff", "old.yaml", "old.yaml"]);
    assert_eq!((same.exit, &*same.stdout), (0, "They mean the same.\n"));
    // A list of which the first that matches counts.
    let ordered = |first: &str, second: &str| {
        format!(
            "palisade: 1\nnetwork: {{rules: [{{name: a, hosts: [a.com], http: [{first}, {second}]}}]}}\n"
        )
    };
    let (allow, deny) = ("allow: {methods: [GET]}", "deny: {paths: [/x]}");
    let braced = |text: &str| format!("{{{text}}}");
    home.write("one.yaml", &ordered(&braced(allow), &braced(deny)));
    home.write("two.yaml", &ordered(&braced(deny), &braced(allow)));
    let ran = home.policy(&["diff", "one.yaml", "two.yaml"]);
    assert_eq!(ran.exit, 1, "{ran}");
    assert!(
        ran.stdout.starts_with("~ network.rules[a].http: deny any method of /x; allow GET"),
        "{ran}"
    );
    assert_eq!(home.policy(&["diff", "shell", "shell"]).exit, 0);
    assert_eq!(home.policy(&["diff", "none.yaml", "shell"]).exit, 1);
    assert_eq!(home.policy(&["diff", "shell"]).exit, 2);
}

#[test]
fn init_writes_a_policy_that_takes_away_and_overwrites_none() {
    let home = Home::new();
    let root = home.path("");
    let init = |words: &[&str]| {
        let ran = run(palisade(&root).arg("init").args(words).current_dir(&root));
        ran.with(root.to_str().unwrap().trim_end_matches('/'), "[HOME]")
    };
    let ran = init(&["--profile", "codex"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(
        ran.stdout.starts_with("[HOME]/palisade.yaml: written, on the profile codex\n"),
        "{ran}"
    );
    // It is a project's that nobody trusts yet: all of it counts.
    assert_eq!(home.policy(&["check", "palisade.yaml"]).exit, 0);
    home.write("palisade.yaml", "mine");
    let ran = init(&[]);
    assert_eq!(
        (ran.exit, fs::read_to_string(home.path("palisade.yaml")).unwrap().as_str()),
        (1, "mine")
    );
    assert_eq!(init(&["--user", "--profile", "shell"]).exit, 0);
    assert_eq!(init(&["--user"]).exit, 1);
    assert_eq!(init(&["--profile", "none"]).exit, 2);
}
