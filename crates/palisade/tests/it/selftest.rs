use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::ran::{Ran, palisade, palisade_at, run};

/// A user's machine: a home, a project, a folder for temporary files.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for path in ["home/.ssh", "home/project/.git/hooks", "tmp"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for (path, text) in [
            ("home/.ssh/id_ed25519", "not a real key\n"),
            ("home/.bashrc", "alias ll='ls -l'\n"),
            ("home/.gitconfig", "[user]\n"),
            ("home/project/.env", "KEY=none\n"),
            ("home/project/.git/config", "[core]\n"),
        ] {
            fs::write(folder.path().join(path), text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn selftest(&self, arguments: &[&str]) -> Ran {
        self.selftest_by(&mut palisade(&self.path("home")), arguments)
    }

    /// By a program that whoever starts it owns, as one that a user has built.
    fn selftest_of_own(&self, arguments: &[&str]) -> Ran {
        let home = self.path("home");
        let own = self.path("palisade");
        fs::copy(env!("CARGO_BIN_EXE_palisade"), &own).unwrap();
        self.selftest_by(&mut palisade_at(&own, &home), arguments)
    }

    fn selftest_by(&self, palisade: &mut Command, arguments: &[&str]) -> Ran {
        run(palisade
            .env("PALISADE_STATE", self.path("state"))
            .env("PALISADE_CONFIG", self.path("config"))
            .env("TMPDIR", self.path("tmp"))
            .current_dir(self.path("home/project"))
            .arg("selftest")
            .args(arguments))
    }

    fn audit(&self, arguments: &[&str]) -> Ran {
        let mut command = palisade(&self.path("home"));
        run(command.env("PALISADE_STATE", self.path("state")).arg("audit").args(arguments))
    }
}

/// Each path with its content and what would show that it was touched.
fn all(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let text = if meta.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            if meta.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path, (text, meta.mode(), meta.mtime(), meta.mtime_nsec()));
        }
    }
    found
}

/// The reports by name.
fn reports(ran: &Ran) -> BTreeMap<String, Value> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|report| (report["name"].as_str().unwrap().to_owned(), report))
        .collect()
}

fn with<'a>(reports: &'a BTreeMap<String, Value>, outcome: &str) -> Vec<&'a str> {
    let found = reports.iter().filter(|(_, report)| report["outcome"] == outcome);
    found.map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_sandbox_of_a_kernel_without_landlock_can_be_tried_as_well() {
    let machine = Machine::new();
    let without = |arguments: &[&str]| {
        let mut palisade = palisade(&machine.path("home"));
        machine.selftest_by(palisade.env("PALISADE_SIMULATE_MISSING", "landlock"), arguments)
    };
    let refused = without(&["--profile", "shell"]);
    assert_eq!((refused.exit, refused.stdout.as_str()), (3, ""), "{refused}");
    let ran = without(&["--profile", "shell", "--allow-degraded", "landlock", "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran}");
    let reports = reports(&ran);
    assert!(with(&reports, "hole").is_empty() && with(&reports, "broken").is_empty(), "{ran}");
    assert!(with(&reports, "stopped").len() >= 400, "{ran}");
}

#[test]
fn the_shell_profile_lets_nothing_through_and_nothing_is_changed() {
    let machine = Machine::new();
    let before = all(&machine.path("home"));
    let ran = machine.selftest_of_own(&["--profile", "shell", "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran}");
    let reports = reports(&ran);
    assert!(with(&reports, "hole").is_empty() && with(&reports, "broken").is_empty(), "{ran}");
    let stopped = with(&reports, "stopped");
    assert!(stopped.len() >= 400, "only {} were stopped: {ran}", stopped.len());
    for name in [
        "reads_secret",
        "reads_ssh_key",
        "writes_startup_file",
        "moves_repository",
        "reads_denied_by_link",
        "uses_io_uring",
        "calls_by_32_bit_entry",
        "opens_mptcp_socket",
        "reaches_host_loopback",
        "asks_for_text",
        "leaves_daemon",
        "finds_control_socket",
    ] {
        assert!(stopped.contains(&name), "{name}: {}", reports[name]);
    }
    assert_eq!(with(&reports, "works"), ["runs_program", "writes_in_workspace"]);

    // Nothing of the user's was touched, and nothing is left but the journal, its key and the policy that it names.
    assert!(all(&machine.path("home")) == before);
    assert!(machine.path("tmp").read_dir().unwrap().next().is_none());
    let state = all(&machine.path("state"));
    let (journal, policies) = (machine.path("state/journal"), machine.path("state/policies"));
    let odd = |path: &&PathBuf| !path.starts_with(&journal) && !path.starts_with(&policies);
    let left: Vec<_> = state.keys().filter(odd).collect();
    let kept = ["journal.key", "running", "sweeps"].map(|name| machine.path("state").join(name));
    assert_eq!(left, kept.iter().collect::<Vec<_>>());
    let verified = machine.audit(&["verify"]);
    assert_eq!(verified.exit, 0, "{verified}");
    let denied = machine.audit(&["query", "--decision", "deny", "--kind", "connect"]);
    assert!(denied.stdout.contains("169.254.169.254:80"), "{denied}");
}

#[test]
fn what_the_policy_permits_is_no_hole_and_its_rule_is_shown() {
    let machine = Machine::new();
    let policy = machine.path("home/policy.yaml");
    let text = "\
        palisade: 1\n\
        filesystem:\n\
        \x20 workspace: {access: ro}\n\
        \x20 read: [/usr, /bin, /lib, /lib64, /etc/ld.so.cache, ~/.ssh]\n\
        \x20 write: [~/.gitconfig]\n\
        network:\n\
        \x20 rules:\n\
        \x20   - {name: test, hosts: [\"*.example\"], ports: [443]}\n\
        process:\n\
        \x20 syscalls: {allow: [keyctl]}\n\
        \x20 limits: {open_files: 200, processes: 64}\n";
    fs::write(&policy, text).unwrap();
    let before = all(&machine.path("home"));
    let ran = machine.selftest(&["--policy", policy.to_str().unwrap(), "--json"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran}");
    let reports = reports(&ran);
    assert_eq!(reports["reads_ssh_key"]["rule"], "filesystem.read[5]");
    assert_eq!(reports["writes_git_settings"]["rule"], "filesystem.write[0]");
    assert_eq!(reports["uses_keyring"]["rule"], "process.syscalls.allow[keyctl]");
    assert_eq!(reports["resolves_unlisted_name"]["rule"], "network.rules[test]");
    assert_eq!(reports["resolves_by_tcp"]["rule"], "network.rules[test]");
    let permitted = with(&reports, "permitted");
    for name in ["reads_ssh_key", "writes_git_settings", "uses_keyring"] {
        assert!(permitted.contains(&name), "{permitted:?}");
    }
    // The rest holds, limits as well.
    let stopped = with(&reports, "stopped");
    for name in [
        "reads_secret",
        "writes_startup_file",
        "writes_read_only_workspace",
        "opens_endless_files",
        "has_no_process_limit",
        "traces_init",
    ] {
        assert!(stopped.contains(&name), "{name}: {}", reports[name]);
    }
    assert_eq!(with(&reports, "works"), ["runs_program"]);
    assert!(all(&machine.path("home")) == before);
    // Resolving was permitted, connecting nowhere: nothing was asked of another machine.
    let allowed = machine.audit(&["query", "--decision", "allow", "--kind", "connect"]);
    assert_eq!(allowed.stdout, "", "{allowed}");

    let table = machine.selftest(&["--policy", policy.to_str().unwrap()]);
    let line =
        "read ~/.ssh                                  -           permitted by filesystem.read[5]";
    assert!(table.stdout.lines().any(|row| row == line), "{table}");
    assert!(table.stdout.contains(" permitted by the policy, 0 got through; "), "{table}");
}

#[test]
fn without_a_sandbox_nothing_was_tested() {
    let machine = Machine::new();
    assert_snapshot!(machine.selftest(&["--policy", "/nonexistent/policy.yaml"]), @"
    exit: 3
    ----- stdout -----

    ----- stderr -----
    palisade: nothing was started, because of the policy
    /nonexistent/policy.yaml: there is no such file
      help: correct its path
    ");
    let broken = machine.path("home/broken.yaml");
    // The program that is started needs its libraries, which this does not grant.
    fs::write(&broken, "palisade: 1\nfilesystem: {read: [/etc/hostname]}\n").unwrap();
    let ran = machine.selftest(&["--policy", broken.to_str().unwrap()]);
    assert_eq!(ran.exit, 3, "{ran}");
    assert!(ran.stderr.starts_with("palisade: the agent did not run to its end ("), "{ran}");
    assert!(machine.path("tmp").read_dir().unwrap().next().is_none());
}
