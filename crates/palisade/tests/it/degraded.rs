//! `run --allow-degraded`: a layer that this system lacks, or that is made to fail for real.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use serde_json::Value;

use crate::ran::{Ran, palisade, run};

/// A home with a folder to work in, and a policy that shows nothing else of it.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("work")).unwrap();
    fs::write(home.path().join("outside"), "secret").unwrap();
    home
}

fn command(home: &Path, missing: &str, options: &[&str]) -> Command {
    let mut command = palisade(home);
    command
        .env("PALISADE_SIMULATE_MISSING", missing)
        .current_dir(home.join("work"))
        .arg("run")
        .args(options)
        .stdin(Stdio::null());
    command
}

fn events(home: &Path, kind: &str) -> Vec<Value> {
    let ran = run(palisade(home).args(["audit", "query", "--json", "--kind", kind]));
    assert_eq!(ran.exit, 0, "{ran}");
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn verifies(home: &Path) {
    let ran = run(palisade(home).args(["audit", "verify"]));
    assert_eq!(ran.exit, 0, "{ran}");
}

#[test]
fn a_missing_layer_stops_the_launch_and_its_flag_is_named() {
    let home = home();
    for (missing, options, named) in [
        ("landlock", &["--", "true"][..], "landlock"),
        // The flag of another layer is not its own.
        ("landlock", &["--allow-degraded", "seccomp", "--", "true"], "landlock"),
        ("landlock,seccomp", &["--allow-degraded", "seccomp", "--", "true"], "landlock"),
        ("landlock,seccomp", &["--allow-degraded", "landlock", "--", "true"], "seccomp"),
        ("nftables,landlock", &["--allow-degraded", "landlock", "--", "true"], "nftables"),
    ] {
        let ran = run(&mut command(home.path(), missing, options));
        assert_eq!((ran.exit, ran.stdout.as_str()), (125, ""), "{missing}: {ran}");
        assert!(ran.stderr.contains(&format!("lacks {named}")), "{missing}: {ran}");
        let told = ran.stderr.contains(&format!("`--allow-degraded {named}`"));
        assert_eq!(told, named != "nftables", "{ran}");
    }
    assert!(events(home.path(), "degraded").is_empty());
    assert_eq!(events(home.path(), "refusal").len(), 5);
    assert!(events(home.path(), "launch").is_empty());
}

#[test]
fn a_layer_that_may_be_missing_is_told_recorded_and_shown() {
    let home = home();
    let options = ["--allow-degraded", "landlock", "--name", "weak", "--", "sh", "-c"];
    let script = "touch up; while [ ! -e done ]; do sleep 0.01; done";
    let mut weak = command(home.path(), "landlock", &options);
    let child = weak.arg(script).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !home.path().join("work/up").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(5));
    }
    let listed = run(palisade(home.path()).arg("ps"));
    assert!(listed.stdout.contains("(without landlock) sh -c"), "{listed}");
    let listed = run(palisade(home.path()).args(["ps", "--json"]));
    let entry: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(entry["degraded"], serde_json::json!(["landlock"]));
    fs::write(home.path().join("work/done"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"palisade: without landlock, as --allow-degraded lets it be: files are held by the mount tree, and by what the kernel has of Landlock (simulated)");

    let recorded = events(home.path(), "degraded");
    assert_eq!(recorded.len(), 1);
    let event = &recorded[0];
    assert_eq!(event["subject"], "landlock");
    assert_eq!((&event["layer"], &event["decision"]), (&"files".into(), &"allow".into()));
    assert_eq!(event["rule"], "--allow-degraded landlock");
    assert_eq!(event["detail"]["found"], "simulated");
    // Before the command was started.
    let launch = &events(home.path(), "launch")[0];
    assert!(event["seq"].as_u64() < launch["seq"].as_u64());
    verifies(home.path());
}

#[test]
fn a_layer_that_stands_is_not_made_weaker() {
    let home = home();
    let options = ["--allow-degraded", "landlock", "--allow-degraded", "seccomp"];
    let look = "import os, sys\nstatus = open('/proc/self/status').read()\n\
        assert 'Seccomp:\\t2' in status\ntry: os.listdir('/')\nexcept PermissionError: print('held')";
    let mut strong = command(home.path(), "", &options);
    let ran = run(strong.args(["--", "python3", "-c", look]));
    assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.as_str()), (0, "held\n", ""), "{ran}");
    assert!(events(home.path(), "degraded").is_empty());
}

#[test]
fn what_can_never_be_missing_is_a_usage_error() {
    let home = home();
    let refused = |layer: &str| {
        let ran = run(&mut command(home.path(), "", &["--allow-degraded", layer, "--", "true"]));
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{ran}");
        ran.stderr.lines().next().unwrap().to_owned()
    };
    assert_snapshot!(refused("mount-namespace"), @"error: invalid value 'mount-namespace' for '--allow-degraded <LAYER>': there is no sandbox without it; only landlock or seccomp may be missing");
    for layer in ["user-namespace", "network-namespace", "pid-namespace", "nftables"] {
        assert!(refused(layer).contains("no sandbox without it"), "{layer}");
    }
    assert!(refused("overlay").contains("goes on without it anyway"));
    assert!(refused("everything").contains("no such layer"));
}

/// Prints what of a layer is missing, if the others hold.
const LOOK: &str = r#"
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
assert not os.path.exists(os.environ["OUTSIDE"])
assert os.getuid() != 0 and os.getpid() < 10
assert len(open("/proc/net/dev").read().splitlines()) == 3, "no network namespace"
try:
    open("/usr/planted", "w")
    raise SystemExit("not read-only")
except OSError:
    pass
try:
    os.listdir("/")
    print("no Landlock")
except PermissionError:
    pass
keyctl = {"x86_64": 250, "aarch64": 219}[platform.machine()]
if libc.syscall(keyctl, 0, -3, 0, 0, 0) != -1 or ctypes.get_errno() != 1:
    print("no filter")
"#;

/// Run with a system call of the set-up failing, as on a kernel without it.
fn with_fault(home: &Path, number: i64, errno: i32, options: &[&str]) -> Ran {
    let policy = format!(
        "palisade: 1\nextends: [shell]\nprocess: {{environment: {{set: {{OUTSIDE: \"{}\"}}}}}}\n",
        home.join("outside").display()
    );
    fs::write(home.join("p.yaml"), policy).unwrap();
    let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fail_call.py");
    let mut command = Command::new("python3");
    command
        .arg(helper)
        .args([number.to_string(), errno.to_string()])
        .args([env!("CARGO_BIN_EXE_palisade"), "run", "--policy", "../p.yaml"])
        .args(options)
        .args(["--", "python3", "-c", LOOK])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("PALISADE_STATE", home.join("state"))
        .env("PALISADE_CONFIG", home.join("config"))
        .current_dir(home.join("work"));
    run(&mut command)
}

#[test]
fn a_layer_that_fails_for_real_may_be_missing_and_the_others_hold() {
    for (layer, number, errno, lacks) in [
        ("landlock", libc::SYS_landlock_create_ruleset, libc::ENOSYS, "no Landlock\n"),
        ("landlock", libc::SYS_landlock_create_ruleset, libc::EOPNOTSUPP, "no Landlock\n"),
        ("landlock", libc::SYS_landlock_restrict_self, libc::EPERM, "no Landlock\n"),
        ("seccomp", libc::SYS_seccomp, libc::ENOSYS, "no filter\n"),
    ] {
        let home = home();
        let home = home.path();
        let other = if layer == "landlock" { "seccomp" } else { "landlock" };
        for options in [&[][..], &["--allow-degraded", other]] {
            let ran = with_fault(home, number, errno, options);
            assert_eq!((ran.exit, ran.stdout.as_str()), (125, ""), "{layer}: {ran}");
            assert!(ran.stderr.contains(&format!("lacks {layer}")), "{ran}");
            assert!(ran.stderr.contains(&format!("--allow-degraded {layer}")), "{ran}");
        }
        let ran = with_fault(home, number, errno, &["--allow-degraded", layer]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, lacks), "{layer} {errno}: {ran}");
        assert_eq!(events(home, "degraded").len(), 1);
        verifies(home);
    }
}

#[test]
fn a_managed_policy_lets_no_layer_be_missing() {
    let home = home();
    // In a mount namespace of its own, where the file can be made without harm.
    let script = format!(
        "mkdir -p {etc}/palisade && printf 'palisade: 1\\n' > {etc}/palisade/managed.yaml && \
         mount --bind {etc} /etc && exec {palisade} run --allow-degraded landlock -- true",
        etc = home.path().join("etc").display(),
        palisade = env!("CARGO_BIN_EXE_palisade"),
    );
    let ran = run(Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home.path())
        .env("PALISADE_STATE", home.path().join("state"))
        .env("PALISADE_CONFIG", home.path().join("config"))
        .current_dir(home.path().join("work")));
    assert_eq!((ran.exit, ran.stdout.as_str()), (125, ""), "{ran}");
    assert_snapshot!(ran.stderr, @r#"
    palisade: /etc/palisade/managed.yaml is in force, so no layer may be missing
      try: run it without --allow-degraded, or ask whoever manages this machine
    "#);
}
