use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;

use crate::ran::{Ran, palisade, run};

fn doctor(home: &Path, missing: &str, args: &[&str]) -> Ran {
    run(palisade(home).env("PALISADE_SIMULATE_MISSING", missing).arg("doctor").args(args))
}

/// The lines about one ability.
fn block<'a>(table: &'a str, ability: &str) -> Vec<&'a str> {
    let mut lines = table.lines().skip_while(|line| !line.starts_with(ability));
    let first: Vec<_> = lines.by_ref().take(1).collect();
    first.into_iter().chain(lines.take_while(|line| line.starts_with(' '))).collect()
}

/// A machine of CI must be able to launch; else no other test means anything.
#[test]
fn this_machine_has_all_that_a_launch_needs() {
    let home = tempfile::tempdir().unwrap();
    let ran = doctor(home.path(), "", &[]);
    if ran.exit == 3 && std::env::var_os("CI").is_none() {
        println!("skipped: this system lacks what a launch needs\n{ran}");
        return;
    }
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran}");
    assert!(!ran.stdout.contains("MISSING"), "{ran}");
    assert!(ran.stdout.contains("\nA launch has all that it needs."), "{ran}");
    assert_snapshot!(block(&ran.stdout, "seccomp").join("\n"), @r#"
    seccomp            ok        put the filter on a process and saw it refused
    "#);
}

#[test]
fn a_kernel_without_landlock_is_refused_with_the_remedy() {
    let home = tempfile::tempdir().unwrap();
    let ran = doctor(home.path(), "landlock", &[]);
    assert_snapshot!(block(&ran.stdout, "landlock").join("\n"), @r#"
    landlock           MISSING   tried: confined a process and saw it refused
                                 found: simulated
                                 to do: Use Linux 6.2 or later, with Landlock
                                 switched on: `landlock` must be in the list of
                                 `/sys/kernel/security/lsm`. If it is not, add
                                 `lsm=landlock,` and the present list to the
                                 kernel's command line (GRUB: `GRUB_CMDLINE_LINUX`
                                 in `/etc/default/grub`, then `sudo update-grub`, or
                                 `grub2-mkconfig` on Fedora) and start anew.
                                 or: `palisade run --allow-degraded landlock`, a
                                 weaker sandbox without it
    "#);
    assert!(ran.stdout.ends_with("\nA launch is not possible.\n"), "{ran}");
    let ran = Ran { stdout: String::new(), ..ran };
    assert_snapshot!(ran, @r#"
    exit: 3
    ----- stdout -----

    ----- stderr -----
    palisade: nothing can be launched here without landlock
      try: what is given as its remedy, then `palisade doctor` again
    "#);
}

#[test]
fn what_only_some_policies_need_is_degraded_and_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let ran = doctor(home.path(), "overlay", &[]);
    assert!(!ran.stderr.contains("overlay"), "{ran}");
    assert_snapshot!(block(&ran.stdout, "overlay").join("\n"), @r#"
    overlay            degraded  tried: mounted one in a user namespace and wrote to
                                 it
                                 found: simulated
                                 to do: `workspace: overlay` is not possible here.
                                 Use Linux 5.13 or later with overlayfs (`sudo
                                 modprobe overlay`).
    "#);
}

#[test]
fn one_of_the_two_cgroup_versions_is_enough_to_need_no_other() {
    let home = tempfile::tempdir().unwrap();
    let ran = doctor(home.path(), "cgroup-v1,cgroup-v2", &["--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    for row in report["abilities"].as_array().unwrap() {
        if row["name"].as_str().unwrap().starts_with("cgroup") {
            assert_eq!(row["state"], "degraded", "{row}");
            assert!(row["remedy"].is_string(), "{row}");
        }
    }
}

#[test]
fn the_table_fits_a_terminal_whatever_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let names = names(home.path());
    let ran = doctor(home.path(), &names.join(","), &[]);
    assert_eq!(ran.exit, 3);
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert_eq!(line, line.trim_end());
    }
    assert_eq!(ran.stdout.matches("to do: ").count(), names.len(), "{ran}");
}

#[test]
fn json_has_a_row_an_ability_and_says_what_a_launch_lacks() {
    let home = tempfile::tempdir().unwrap();
    let ran = doctor(home.path(), "user-namespace, nftables", &["--json"]);
    assert_snapshot!(ran.stderr, @r#"
    palisade: nothing can be launched here without user-namespace, nftables
      try: what is given as its remedy, then `palisade doctor` again
    "#);
    assert_eq!((ran.exit, ran.stdout.lines().count()), (3, 1));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["ready"], false);
    let missing: Vec<_> = report["abilities"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["state"] == "missing")
        .inspect(|row| assert!(row["remedy"].is_string(), "{row}"))
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    assert_eq!(missing, ["user-namespace", "nftables"]);
    let landlock =
        report["abilities"].as_array().unwrap().iter().find(|row| row["name"] == "landlock");
    let keys: Vec<_> = landlock.unwrap().as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["name", "need", "state", "tried", "found", "remedy", "may_be_missing"]);
}

#[test]
fn an_unknown_ability_is_a_usage_error() {
    let home = tempfile::tempdir().unwrap();
    let ran = doctor(home.path(), "landlock,apparmor", &[]);
    assert_snapshot!(ran, @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: PALISADE_SIMULATE_MISSING: there is no ability `apparmor`
      try: one of user-namespace, mount-namespace, mount-api, pid-namespace, proc-mount, network-namespace, any-ip, nftables, ipv6, landlock, seccomp, seccomp-listener, supervisor, audit-records, pidfd, close-range, openat2, memfd, overlay, idmapped-mount, cgroup-v2, cgroup-v1
    "#);
}

fn names(home: &Path) -> Vec<String> {
    let ran = doctor(home, "", &["--json"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = report["abilities"].as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}
