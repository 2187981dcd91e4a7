//! Destinations that no rule names, and the operator who is asked for them.

use std::process::{Command, Stdio};

use rustix::process::{getgid, getuid};

use crate::ran::run;

/// On a network of its own, because an answer permits nothing that is private or this host's own.
#[test]
fn what_no_rule_names_is_asked_for_and_an_answer_is_for_what_was_asked() {
    let home = tempfile::tempdir().unwrap();
    let work = home.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let set_up = "ip link set lo up && ip route add local 93.184.216.0/24 dev lo";
    let then = "exec python3 -c \"$DRIVER\" \"$P\"";
    let mut command = Command::new("unshare");
    if getuid().is_root() {
        command.args(["--net", "sh", "-c"]).arg(format!("{set_up} && {then}"));
    } else {
        // Root in there, then this user again.
        command.args(["--user", "--map-root-user", "--net", "sh", "-c"]).arg(format!(
            "{set_up} && exec unshare --user --map-user={} --map-group={} sh -c '{then}'",
            getuid().as_raw(),
            getgid().as_raw()
        ));
    }
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("P", env!("CARGO_BIN_EXE_palisade"))
        .env("DRIVER", include_str!("approvals.py"))
        .env("HOME", home.path())
        .env("PALISADE_STATE", home.path().join("state"))
        .env("PALISADE_CONFIG", home.path().join("config"))
        .current_dir(&work)
        .stdin(Stdio::null());
    let ran = run(&mut command);
    assert_eq!((ran.exit, ran.stdout.trim()), (0, "all as it should be"), "{ran}");
}
