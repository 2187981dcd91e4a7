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
    index 0000000000000000000000000000000000000000..cea9fc34716314e6e36e544c2e127463a9c1e276
    GIT binary patch
    literal 9000
    ec%1FQ0Sy2E0K%a6Pi+qe6aWAK000000CaC7C;$Nf

    literal 0
    Hc$@<O00001

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
    let mut command = place.with_mounts(&script);
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

/// A person at the terminal is asked, for sensitive files by themselves, and Enter is a no.
#[test]
fn asks_at_the_terminal() {
    let place = Place::with(&[("a", "1"), ("Makefile", "1"), ("steer", "1")]);
    place.sh("echo 2 > a; echo 2 > Makefile; printf '\\033[2J' > steer");
    let answer = |args: &str, answers: &str| {
        let mut script = place.command_of("script");
        let line = format!("{} workspace {args}", env!("CARGO_BIN_EXE_palisade"));
        script.args(["-qec", &line, "/dev/null"]).stdin(std::process::Stdio::piped());
        script.stdout(std::process::Stdio::piped());
        let mut child = script.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), answers.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = answer("apply", "\n\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Take the sensitive ones too? [y/N]"), "{said}");
    assert!(said.contains("Apply 2 changes to "), "{said}");
    assert_eq!(place.read("a"), "1");
    let (code, said) = answer("discard", "no\n");
    assert_eq!(code, Some(1), "{said}");
    let (_, said) = answer("diff", "");
    assert!(said.contains("\\u{1b}[2J") && !said.contains('\u{1b}'), "{said}");
    let (code, said) = answer("apply", "n\ny\n");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!([place.read("a"), place.read("Makefile")], ["2\n", "1"]);
    let (code, said) = answer("apply", "y\ny\n");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(place.read("Makefile"), "2\n");
}

#[test]
fn a_command_that_is_not_started_leaves_no_overlay() {
    let place = Place::with(&[]);
    let ran = run(&mut place.inside(&["no-such-command"]));
    assert_eq!(ran.exit, 127, "{ran}");
    assert_eq!(fs::read_dir(place.path("state/workspaces")).unwrap().count(), 0);
}

/// An overlay shows no other file system that is mounted in the workspace, so there is none.
#[test]
fn a_file_system_in_the_workspace_is_refused() {
    let place = Place::with(&[]);
    fs::create_dir(place.work("inner")).unwrap();
    let script = "mount -t tmpfs tmpfs inner; exec \"$P\" run --policy \"$POLICY\" -- true";
    let ran = run(&mut place.with_mounts(script));
    assert_snapshot!(plain(&place, ran), @r#"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: [HOME]/work/inner is another file system in the workspace, which an overlay does not show
      try: unmount it, take a workspace without it, or use `rw`
    "#);
}

/// overlayfs copies no file whose group it cannot map (EOVERFLOW), and an ordinary user's sandbox maps one.
#[test]
fn a_workspace_of_another_group_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::with(&[("a", "1")]);
    let script = "set -e
chmod 755 ..; chown -R 47811:47811 ..; chgrp -R 47900 .
run() { setpriv --reuid 47811 --regid $1 --groups 47811,47900 \"$P\" run --quiet --policy \"$POLICY\" -- sh -c 'echo 2 > a; cat a'; }
setpriv --reuid 47811 --regid 47811 --clear-groups test -x \"$P\" || { echo 'skipped: others cannot reach palisade'; exit; }
run 47811 || echo \"exit $?\"
run 47900
";
    let ran = run(place
        .command_of("sh")
        .args(["-c", script])
        .env("P", env!("CARGO_BIN_EXE_palisade"))
        .env("POLICY", place.path("policy.yaml")));
    if ran.stdout.contains("skipped") {
        println!("{}", ran.stdout);
        return;
    }
    assert_snapshot!(plain(&place, ran), @r#"
    exit: 0
    ----- stdout -----
    exit 125
    2

    ----- stderr -----
    palisade: the workspace [HOME]/work belongs to user 47811 and group 47900, and an overlay of yours can only hold what is user 47811's and group 47811's
      try: if it is one of your groups: `sg GROUP -c 'palisade run …'`; else use `rw`
    "#);
}

/// In a container everything lies on an overlay. Below ours it may, unless owners have to be mapped;
/// what is changed cannot be kept on one.
#[test]
fn a_workspace_or_state_on_an_overlay() {
    let place = Place::with(&[("a", "1")]);
    let script = "set -e
mkdir ../up ../wk ../m; cd ..
mount -t overlay -o userxattr,lowerdir=work,upperdir=up,workdir=wk overlay m
sed 's,/work,/m,' policy.yaml > on.yaml
cd m; set +e
\"$P\" run --quiet --policy ../on.yaml -- sh -c 'echo 2 > a; cat a'; echo \"exit $?\"
\"$P\" workspace apply --yes 2>/dev/null; cat a
cd ../work
PALISADE_STATE=$PWD/../m/state \"$P\" run --quiet --policy ../policy.yaml -- true; echo \"exit $?\"
";
    let ran = plain(&place, run(&mut place.with_mounts(script)));
    if rustix::process::geteuid().is_root() {
        assert_snapshot!(ran, @r#"
        exit: 0
        ----- stdout -----
        exit 125
        1exit 125

        ----- stderr -----
        palisade: the workspace [HOME]/m lies on an overlay, as in a container, where the owner of files cannot be mapped to the user that root's sandboxes have
          try: start palisade as the ordinary user who owns the workspace, or put it on a volume
        palisade: the state folder [HOME]/work/../m/state lies on an overlay itself, as in a container, and no other overlay's changes can be kept there
          try: set PALISADE_STATE to a folder on a volume or on tmpfs, or use `rw`
        "#);
    } else {
        assert_snapshot!(ran, @r#"
        exit: 0
        ----- stdout -----
        2
        exit 0
        applied 1 change (2 B) to [HOME]/m
        2
        exit 125

        ----- stderr -----
        palisade: the state folder [HOME]/work/../m/state lies on an overlay itself, as in a container, and no other overlay's changes can be kept there
          try: set PALISADE_STATE to a folder on a volume or on tmpfs, or use `rw`
        "#);
    }
}
