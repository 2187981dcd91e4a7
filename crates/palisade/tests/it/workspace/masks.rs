use std::fs;

use super::place::Place;

/// What is denied cannot be read through the overlay, by whatever is done to the folders around it.
#[test]
fn reads_denied_files_through_the_overlay() {
    let place = Place::with(&[
        ("conf/.env", "SECRET"),
        ("conf/other", "1"),
        ("keys/a/id_rsa", "SECRET"),
        ("private/x", "SECRET"),
    ]);
    fs::hard_link(place.work("conf/.env"), place.work("second name")).unwrap();
    let policy = fs::read_to_string(place.path("policy.yaml")).unwrap();
    fs::write(
        place.path("policy.yaml"),
        format!("{policy}  deny: [{}]\n", place.work("private").display()),
    )
    .unwrap();
    let ran = place.python(
        "import os, shutil, subprocess
def attempt(what, *args):
    try:
        return what(*args)
    except Exception as error:
        return error
read = lambda path: open(path).read()
for path in ('conf/.env', 'keys/a/id_rsa', 'second name', 'private/x', '/proc/self/root/' + os.getcwd() + '/conf/.env'):
    print('read', attempt(read, path))
attempt(os.link, 'conf/.env', 'link')
attempt(os.rename, 'conf/.env', 'moved')
attempt(os.unlink, 'conf/.env')
attempt(os.rename, 'conf', 'conf2')
attempt(os.rename, 'keys/a', 'keys/b')
attempt(shutil.rmtree, 'keys')
attempt(shutil.rmtree, 'private')
attempt(os.chmod, 'conf/.env', 0o777)
attempt(os.setxattr, 'conf', 'user.overlay.opaque', b'y')
os.mkdir('new'); attempt(os.rename, 'new', 'conf')
subprocess.run('cp -a . /tmp/copy; grep -rs SECRET . /tmp/copy && echo FOUND; cat /proc/self/mountinfo', shell=True)
",
    );
    assert!(!ran.stdout.contains("SECRET") && !ran.stdout.contains("FOUND"), "{ran}");
    // Neither the host's paths nor another layer is told.
    let state = place.path("state").display().to_string();
    assert!(!ran.stdout.contains(&state), "{ran}");
    // And applying takes nothing of it away.
    place.workspace(&["apply", "--yes", "--skip", "--overwrite"]);
    for path in ["conf/.env", "keys/a/id_rsa", "private/x", "second name"] {
        assert_eq!(place.read(path), "SECRET", "{path}");
    }
    // Without the rules it is there to be read.
    let policy = fs::read_to_string(place.path("policy.yaml")).unwrap();
    let open = policy
        .replace("extends: [shell]\n", "")
        .lines()
        .filter(|l| !l.contains("deny:"))
        .collect::<Vec<_>>()
        .join("\n");
    fs::write(
        place.path("policy.yaml"),
        format!("{open}\n  read: [/usr, /bin, /lib, /lib64, /etc/ld.so.cache]\n"),
    )
    .unwrap();
    assert_eq!(place.sh("cat conf/.env private/x").stdout, "SECRETSECRET");
}

/// Named exactly, a folder in the workspace is the host's own, also in an overlay.
#[test]
fn a_grant_in_the_overlay_is_what_it_says() {
    let place = Place::with(&[("data/a", "1"), ("docs/b", "1"), ("c", "1")]);
    let policy = fs::read_to_string(place.path("policy.yaml")).unwrap();
    let grants = format!(
        "{policy}  write: [{}]\n  read: [{}]\n",
        place.work("data").display(),
        place.work("docs").display()
    );
    fs::write(place.path("policy.yaml"), grants).unwrap();
    let ran = place.sh("echo 2 > data/a; echo 2 > docs/b || echo refused; echo 2 > c");
    assert!(ran.stdout.contains("refused"), "{ran}");
    assert_eq!([place.read("data/a"), place.read("docs/b"), place.read("c")], ["2\n", "1", "1"]);
    let grants = format!("{policy}  write: [{}]\n", place.work("").display());
    fs::write(place.path("policy.yaml"), grants).unwrap();
    let refused = crate::ran::run(&mut place.inside(&["true"]));
    assert_eq!(refused.exit, 125, "{refused}");
    assert!(refused.stderr.contains("which is the workspace in overlay"), "{refused}");
}

#[test]
fn a_state_folder_in_the_workspace_is_refused() {
    let place = Place::with(&[]);
    let mut command = place.inside(&["true"]);
    let refused = crate::ran::run(command.env("PALISADE_STATE", place.work("state")));
    assert_eq!(refused.exit, 125, "{refused}");
    assert!(refused.stderr.contains("an overlay would lie in itself"), "{refused}");
    assert!(!place.work("state/workspaces").exists());
}
