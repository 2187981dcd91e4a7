use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::Path,
    process::Command,
};

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

use super::place::Place;

/// The agent writes overlayfs' own notes, to delete or redirect what it may not touch.
#[test]
fn forges_notes_of_overlayfs() {
    let place = Place::with(&[("d/a", "1"), ("e/b", "1"), ("f", "1")]);
    fs::write(place.path("outside/secret"), "secret").unwrap();
    let script = "
import os
def attempt(what, *args):
    try:
        what(*args)
    except OSError as error:
        print(what.__name__, args[0], error.strerror)
os.mkdir('n')
open('z', 'w').close()
for path in ('d', 'n', 'f', 'z'):
    for name, value in (('opaque', b'y'), ('opaque', b'x'), ('redirect', b'/../../outside'),
                        ('metacopy', b''), ('whiteout', b'y'), ('origin', b'x'), ('impure', b'y')):
        for space in ('user.overlay.', 'trusted.overlay.', 'user.overlay.overlay.'):
            attempt(os.setxattr, path, space + name, value)
attempt(os.mknod, 'e/b2', 0o020000, 0)
attempt(os.mknod, 'null', 0o020666, os.makedev(1, 3))
os.unlink('e/b')
attempt(os.mknod, 'e/b', 0o020000, 0)
print(sorted(os.listdir('d')), open('f').read())
";
    let ran = place.python(script);
    assert!(ran.stdout.ends_with("['a'] 1\n"), "{ran}");
    assert!(ran.stdout.contains("mknod e/b2 "), "{ran}");
    assert!(ran.stdout.contains("mknod null "), "{ran}");
    // All that is left is what it did openly.
    let diff = place.workspace(&["diff", "--json"]);
    let paths: Vec<_> = diff.stdout.lines().map(|line| line.split('"').nth(3).unwrap()).collect();
    assert_eq!(paths, ["e/b", "n", "z"], "{diff}");
    assert!(!place.read("d/a").is_empty());

    // The same from outside, where nothing escapes the names, does what it hoped for.
    let upper = place.upper();
    setxattr(upper.join("d"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    mknodat(CWD, upper.join("d/a2"), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    let diff = place.workspace(&["diff", "--json"]);
    assert!(diff.stdout.contains(r#"{"path":"d/a","what":"deleted""#), "{diff}");
}

/// Lower layers are written to by agents too, in other sandboxes.
#[test]
fn notes_in_the_hosts_folder_lead_nowhere() {
    let place = Place::with(&[("d/a", "1"), ("f", "1")]);
    fs::write(place.path("outside/secret"), "secret").unwrap();
    let set = |path: &str, name: &str, value: &[u8]| {
        setxattr(place.work(path), format!("user.overlay.{name}"), value, XattrFlags::empty())
            .unwrap();
    };
    set("d", "redirect", b"/../outside");
    set("d", "opaque", b"y");
    set("f", "metacopy", b"");
    set("f", "redirect", b"/../outside/secret");
    let ran = place.sh(
        "cat f; ls d; cat d/secret 2>/dev/null; echo x >> f; echo x > d/new; ls d; cat f; true",
    );
    assert!(!ran.stdout.contains("secret"), "{ran}");
}

#[test]
fn leaves_links_pipes_sockets_and_set_id_bits() {
    let place = Place::with(&[("a", "1"), ("bin/x", "1")]);
    fs::write(place.path("outside/secret"), "secret").unwrap();
    let outside = place.path("outside/secret");
    place.python(&format!(
        "import os, socket
os.symlink('{}', 'absolute')
os.symlink('../outside/secret', 'relative')
os.mkfifo('pipe')
socket.socket(socket.AF_UNIX).bind('socket')
for name, bits in (('a', 0o4755), ('bin/x', 0o6755)):
    try:
        os.chmod(name, bits)
        raise SystemExit('the system call filter let a set-id bit through')
    except PermissionError:
        pass
os.link('a', 'second')
open('fine', 'w').write('fine')
",
        outside.display()
    ));
    let diff = place.workspace(&["diff"]);
    assert!(diff.stderr.contains("4 can never be applied"), "{diff}");
    for args in [vec!["apply", "--yes"], vec!["apply", "--yes", "--overwrite", "--sensitive"]] {
        let refused = place.workspace(&args);
        assert_eq!(refused.exit, 1, "{refused}");
        assert!(refused.stderr.contains("nothing was applied"), "{refused}");
        assert!(!place.work("fine").exists());
    }
    let ran = place.workspace(&["apply", "--yes", "--skip"]);
    assert_eq!(ran.exit, 0, "{ran}");
    let mut names: Vec<_> =
        fs::read_dir(place.work("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a", "bin", "fine", "second"]);
    assert_eq!(fs::read_to_string(outside).unwrap(), "secret");
}

/// Nothing that the agent names may steer a terminal, forge a line of the diff, or break git.
#[test]
fn names_files_to_deceive() {
    let names: [&[u8]; 8] = [
        b"line\n+++ b\\innocent",
        b"esc\x1b]52;c;cm0gLXJm\x07\x1b[2J",
        b"\xff\xfe not utf-8 \x80",
        "bidi \u{202e}txt.exe".as_bytes(),
        b"-rf",
        b"quote\" and \\ backslash\ttab",
        b" leading and trailing ",
        b"a -> b => c",
    ];
    let place = Place::with(&[]);
    let list: Vec<String> = names.iter().map(|name| format!("bytes({name:?})")).collect();
    place.python(&format!(
        "import os\nfor name in ({},):\n    open(name, 'w').write('x\\n')\n    os.mkdir(b'd' + name)\n    open(b'd' + name + b'/' + name, 'w').write('y\\n')\n",
        list.join(", ")
    ));
    for args in [vec!["diff"], vec!["diff", "--json"], vec!["list"], vec!["list", "--json"]] {
        let ran = place.command().arg("workspace").args(&args).output().unwrap();
        for text in [&ran.stdout, &ran.stderr] {
            let odd = text.iter().find(|b| !matches!(b, b'\n' | b'\t' | 0x20..=0x7e));
            assert_eq!(odd, None, "{}", String::from_utf8_lossy(text));
        }
    }
    let diff = place.command().args(["workspace", "diff"]).output().unwrap().stdout;
    fs::write(place.path("patch"), &diff).unwrap();
    let copy = place.path("copy");
    fs::create_dir(&copy).unwrap();
    let git = Command::new("git").args(["apply", "../patch"]).current_dir(&copy).status().unwrap();
    assert!(git.success());
    place.apply();
    for name in names {
        let name = std::ffi::OsStr::from_bytes(name);
        for root in [&copy, &place.work("")] {
            assert_eq!(fs::read_to_string(root.join(name)).unwrap(), "x\n");
        }
    }
}

#[test]
fn nests_folders_deeper_than_a_path() {
    let place = Place::with(&[]);
    place.python(
        "import os
open('fine', 'w').close()
for i in range(3000):
    os.mkdir('folder'); os.chdir('folder')
open('bottom', 'w').close()
",
    );
    let ran = place.workspace(&["apply", "--yes", "--skip"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(ran.stderr.contains("its path is too long"), "{ran}");
    assert!(place.work("fine").exists());
    let ran = place.workspace(&["discard", "--yes"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(fs::read_dir(place.path("state/workspaces")).unwrap().count(), 0);
}

/// Between `diff` and `apply` somebody exchanges what was shown.
#[test]
fn swaps_what_was_shown() {
    let place = Place::with(&[("a", "1")]);
    fs::write(place.path("outside/secret"), "secret").unwrap();
    place.sh("echo agent > a; mkdir d; echo agent > d/b");
    let upper = place.upper();
    fs::remove_file(upper.join("a")).unwrap();
    symlink(place.path("outside/secret"), upper.join("a")).unwrap();
    fs::remove_dir_all(upper.join("d")).unwrap();
    symlink(place.path("outside"), upper.join("d")).unwrap();
    let ran = place.workspace(&["apply", "--yes"]);
    assert_eq!(ran.exit, 1, "{ran}");
    assert_eq!(place.read("a"), "1");
    assert!(!place.work("d").exists());
    // Reading by name would have got it.
    assert_eq!(fs::read_to_string(upper.join("d/secret")).unwrap(), "secret");
}

/// What git, an editor or a shell of the host runs by itself.
#[test]
fn plants_what_the_host_runs() {
    let place = Place::with(&[(".git/config", "[core]\n"), (".git/HEAD", "x"), ("src/a", "1")]);
    place.sh(
        "mkdir -p .git/hooks .vscode sub/.git; echo x > .git/hooks/post-checkout; echo x >> .git/config; \
         echo x > .vscode/tasks.json; echo x > .envrc; echo x > sub/.git/config; echo 2 > src/a; mv .git/HEAD .git/HEAD2",
    );
    assert_eq!(place.read(".git/config"), "[core]\n");
    let diff = place.workspace(&["diff"]);
    let first: Vec<_> =
        diff.stdout.lines().filter(|line| line.starts_with("diff")).take(5).collect();
    assert_eq!(
        first,
        [
            "diff --git a/.envrc b/.envrc",
            "diff --git a/.git/config b/.git/config",
            "diff --git a/.git/hooks/post-checkout b/.git/hooks/post-checkout",
            "diff --git a/.vscode/tasks.json b/.vscode/tasks.json",
            "diff --git a/sub/.git/config b/sub/.git/config",
        ],
        "{diff}"
    );
    assert!(diff.stderr.starts_with("8 sensitive: "), "{diff}");
    let refused = place.workspace(&["apply", "--yes"]);
    assert_eq!(refused.exit, 1, "{refused}");
    assert_eq!(place.read("src/a"), "1");
    let ran = place.workspace(&["apply", "--yes", "--skip"]);
    assert_eq!(ran.exit, 0, "{ran}");
    assert_eq!(place.read("src/a"), "2\n");
    assert_eq!(place.read(".git/config"), "[core]\n");
    for path in [".git/hooks", ".vscode", ".envrc", "sub/.git"] {
        assert!(!Path::new(&place.work(path)).exists(), "{path}");
    }
    // With a word they are taken, and the journal says so.
    place.apply();
    assert_eq!(place.read(".envrc"), "x\n");
    assert!(place.journal("workspace_file").contains(r#""subject":".envrc""#));
}
