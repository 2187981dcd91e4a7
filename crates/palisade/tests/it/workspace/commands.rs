use std::fs;

use insta::assert_snapshot;

use super::place::Place;
use crate::ran::{Ran, run};

fn plain(place: &Place, ran: Ran) -> String {
    let folder = place.path("");
    let ran = ran.with(folder.to_str().unwrap().trim_end_matches('/'), "[HOME]");
    let session = ran
        .stdout
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .chain(ran.stderr.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'))
        .find(|word| word.starts_with("s-") && word.len() == 34)
        .map(str::to_owned);
    match session {
        Some(session) => ran.with(&session, "[SESSION]").to_string(),
        None => ran.to_string(),
    }
}

#[test]
fn nothing_to_list_or_take() {
    let place = Place::with(&[]);
    assert_eq!(
        place.workspace(&["list"]).to_string(),
        "exit: 0\n----- stdout -----\n\n----- stderr -----\n"
    );
    assert_snapshot!(place.workspace(&["apply"]), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: there is no overlay
      try: palisade run --workspace overlay -- COMMAND, which makes one
    "#);
    // A session without changes leaves nothing.
    place.sh("true");
    assert_eq!(place.workspace(&["list"]).stdout, "");
}

#[test]
fn shows_a_change_and_takes_it() {
    let place = Place::with(&[("a.txt", "one\ntwo\n"), ("gone", "x\n"), ("tool", "#!/bin/sh\n")]);
    place.sh("echo three >> a.txt; rm gone; chmod +x tool; ln -s a.txt link; head -c 9000 /dev/zero > blob; mkdir empty");
    assert_snapshot!(plain(&place, place.workspace(&["diff"])), @r#"
    exit: 0
    ----- stdout -----
    diff --git a/a.txt b/a.txt
    --- a/a.txt
    +++ b/a.txt
    @@ -1,2 +1,3 @@
     one
     two
    +three
    diff --git a/blob b/blob
    new file mode 100644
    Binary files /dev/null and b/blob differ
    diff --git a/gone b/gone
    deleted file mode 100644
    --- a/gone
    +++ /dev/null
    @@ -1 +0,0 @@
    -x
    diff --git a/link b/link
    new file mode 120000
    --- /dev/null
    +++ b/link
    @@ -0,0 +1 @@
    +a.txt
    \ No newline at end of file
    diff --git a/tool b/tool
    old mode 100644
    new mode 100755

    ----- stderr -----
    6 changes: 3 added, 2 changed, 1 deleted, 1 of them folders, 9 KiB
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["diff", "--json", "--", "tool", "blob"])), @r#"
    exit: 0
    ----- stdout -----
    {"path":"blob","what":"added","folder":false,"size":9000,"sensitive":false,"unfit":null,"conflict":null}
    {"path":"tool","what":"changed","folder":false,"size":10,"sensitive":false,"unfit":null,"conflict":null}

    ----- stderr -----
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["apply"])), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    6 changes: 3 added, 2 changed, 1 deleted, 1 of them folders, 9 KiB
    palisade: this has to be confirmed, and there is no terminal
      try: --yes
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["apply", "--yes", "--", "a.txt"])), @r#"
    exit: 0
    ----- stdout -----
    applied 1 change (14 B) to [HOME]/work
    still in the overlay [SESSION]: 5 changes

    ----- stderr -----
    1 change: 1 changed, 14 B
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["apply", "--yes", "--", "nothing"])), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: nothing was changed at nothing
      try: palisade workspace diff
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["apply", "--yes", "--", "../x"])), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: ../x is no path in the workspace
      try: name paths as `palisade workspace diff` shows them
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["apply", "--yes"])), @r#"
    exit: 0
    ----- stdout -----
    applied 5 changes (9 KiB) to [HOME]/work

    ----- stderr -----
    5 changes: 3 added, 1 changed, 1 deleted, 1 of them folders, 9 KiB
    "#);
    assert_eq!(place.read("a.txt"), "one\ntwo\nthree\n");
}

#[test]
fn what_the_host_changed_stays() {
    let place = Place::with(&[("a", "1\n"), ("b", "1\n")]);
    place.sh("echo 2 > a; echo 2 > b");
    fs::write(place.work("a"), "mine\n").unwrap();
    assert_snapshot!(plain(&place, place.workspace(&["apply", "--yes"])), @r#"
    exit: 1
    ----- stdout -----

    ----- stderr -----
    2 changes: 2 changed, 4 B
    1 left out
      a: it was changed on the host since the sandbox was started
    palisade: nothing was applied, because of 1 change left out
      try: --skip to take the rest, --overwrite to write over what the host changed
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["apply", "--yes", "--skip"])), @r#"
    exit: 0
    ----- stdout -----
    applied 1 change (2 B) to [HOME]/work
    still in the overlay [SESSION]: 1 change

    ----- stderr -----
    2 changes: 2 changed, 4 B
    1 left out
      a: it was changed on the host since the sandbox was started
    "#);
    assert_eq!([place.read("a"), place.read("b")], ["mine\n", "2\n"]);
    assert_snapshot!(plain(&place, place.workspace(&["discard"])), @r#"
    exit: 2
    ----- stdout -----

    ----- stderr -----
    palisade: this has to be confirmed, and there is no terminal
      try: --yes
    "#);
    assert_snapshot!(plain(&place, place.workspace(&["discard", "--yes"])), @r#"
    exit: 0
    ----- stdout -----
    threw away the overlay [SESSION]

    ----- stderr -----
    "#);
    assert!(place.journal("workspace_discard").contains("by the operator"));
    place.journal_is_whole();
}

#[test]
fn finds_an_overlay_by_name() {
    let place = Place::with(&[("a", "1")]);
    for name in ["one", "two"] {
        let mut command = place.command();
        command.args(["run", "--workspace", "overlay", "--profile", "shell", "--name", name, "--"]);
        let ran = run(command.args(["sh", "-c", "echo $PALISADE_SESSION > a"]));
        assert_eq!(ran.exit, 0, "{ran}");
    }
    assert_eq!(place.workspace(&["diff"]).exit, 2);
    assert_eq!(place.workspace(&["diff", "three"]).exit, 2);
    let listed = place.workspace(&["list"]);
    assert!(listed.stdout.contains("  one           ended  "), "{listed}");
    let ran = place.workspace(&["apply", "two", "--yes"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(place.read("a").starts_with("s-"));
    let second = place.workspace(&["apply", "one", "--yes"]);
    assert_eq!(second.exit, 1, "{second}");
}

/// A full disk stops an apply; with room the same command does the rest.
#[test]
fn a_full_disk_is_survived() {
    let place = Place::with(&[]);
    let script = format!(
        r#"set -e
mount -t tmpfs -o size=256k,mode=755 tmpfs "{work}"
cd "{work}"; echo 1 > first; echo 1 > second
{run} sh -c 'echo 2 > first; head -c 100000 /dev/urandom > big; head -c 100000 /dev/urandom > bigger; echo 2 > second'
head -c 100000 /dev/zero > filler
set +e; "$P" workspace apply --yes; echo "exit $?"; set -e
ls -A; cat second
rm filler
"$P" workspace apply --yes
ls -A; cat first second; wc -c big bigger
"#,
        work = place.work("").display(),
        run =
            format_args!("\"$P\" run --quiet --policy {} --", place.path("policy.yaml").display()),
    );
    let mut command = std::process::Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command
        .args(["sh", "-c", &script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", place.path(""))
        .env("PALISADE_STATE", place.path("state"))
        .env("PALISADE_CONFIG", place.path("config"))
        .env("P", env!("CARGO_BIN_EXE_palisade"));
    let ran = run(&mut command);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_snapshot!(plain(&place, ran), @r#"
    exit: 0
    ----- stdout -----
    exit 3
    big
    filler
    first
    second
    1
    applied 3 changes (98 KiB) to [HOME]/work
    big
    bigger
    first
    second
    2
    2
    100000 big
    100000 bigger
    200000 total

    ----- stderr -----
    4 changes: 2 added, 2 changed, 196 KiB
    palisade: write bigger: No space left on device (os error 28)
      try: make room, then do the same again: what is done stays, the rest follows
    3 changes: 1 added, 2 changed, 98 KiB
    "#);
}
