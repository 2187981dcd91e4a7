use std::{fs, process::Command};

use super::place::Place;

fn host(place: &Place, script: &str) -> String {
    let done = Command::new("sh")
        .args(["-ec", script])
        .current_dir(place.work(""))
        .env("HOME", place.path(""))
        .output()
        .unwrap();
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn commits_in_an_overlay_and_the_host_has_the_commit() {
    let place = Place::with(&[("src/a.txt", "one\n"), ("src/b.txt", "two\n")]);
    fs::write(place.path(".gitconfig"), "[user]\n\tname = a\n\temail = a@example.org\n").unwrap();
    host(&place, "git init -q -b main && git add . && git commit -qm first");
    place.sh(
        "set -e; echo more >> src/a.txt; git mv src/b.txt src/c.txt; echo new > new.txt; git add -A; \
         git commit -qm second; git status --porcelain",
    );
    assert_eq!(
        host(&place, "git log --format=%s; git --no-optional-locks status --porcelain"),
        "first\n"
    );
    let diff = place.workspace(&["diff", "--", "src"]);
    assert!(diff.stdout.contains("diff --git a/src/c.txt b/src/c.txt\nnew file mode"), "{diff}");
    let all = place.workspace(&["diff", "--json"]);
    assert!(!all.stdout.contains(r#""sensitive":true"#), "{all}");
    let applied = place.workspace(&["apply", "--yes"]);
    assert_eq!(applied.exit, 0, "{applied}");
    assert_eq!(
        host(
            &place,
            "git log --format=%s; git fsck --strict 2>&1; git status --porcelain; cat src/a.txt"
        ),
        "second\nfirst\none\nmore\n"
    );
    assert_eq!(place.workspace(&["list"]).stdout, "");
    let journal = place.journal("workspace_file");
    assert!(journal.contains(r#""subject":"src/a.txt""#), "{journal}");
    place.journal_is_whole();
}

/// overlayfs cannot rename a folder of the host's (EXDEV): tools then copy.
#[test]
fn folders_of_the_host_are_moved_by_copying() {
    let place = Place::with(&[("d/a", "1"), ("e/b", "1"), ("f/c", "1")]);
    let ran = place.python(
        "import os, shutil, errno
try:
    os.rename('d', 'renamed')
    print('renamed')
except OSError as error:
    print(errno.errorcode[error.errno])
shutil.move('e', 'moved')
os.mkdir('own'); open('own/x', 'w').close(); os.rename('own', 'own2')
",
    );
    assert_eq!(ran.stdout, "EXDEV\n");
    place.sh("mv f g && mv g h");
    let all = place.workspace(&["list", "--json"]);
    assert_eq!(all.stdout.lines().count(), 2, "{all}");
    for line in all.stdout.lines() {
        let session = line.split('"').nth(3).unwrap();
        let ran = place.workspace(&["apply", session, "--yes"]);
        assert_eq!(ran.exit, 0, "{ran}");
    }
    assert!(place.work("moved/b").exists() && !place.work("e").exists());
    assert!(place.work("own2/x").exists() && !place.work("own").exists());
    assert!(place.work("h/c").exists() && !place.work("f").exists());
}

#[test]
fn npm_replaces_a_package_of_the_hosts() {
    let npm = ["/usr/bin/npm", "/usr/local/bin/npm"].iter().find(|npm| fs::exists(npm).unwrap());
    let Some(npm) = npm else {
        println!("skipped: npm is not in /usr");
        return;
    };
    let place = Place::with(&[("package.json", r#"{"name":"app","version":"1.0.0"}"#)]);
    for version in ["1.0.0", "2.0.0"] {
        let folder = place.path("outside").join(version);
        fs::create_dir(&folder).unwrap();
        fs::write(
            folder.join("package.json"),
            format!(r#"{{"name":"dep","version":"{version}","main":"index.js"}}"#),
        )
        .unwrap();
        fs::write(folder.join("index.js"), format!("module.exports = '{version}'")).unwrap();
        host(
            &place,
            &format!(
                "cd ../outside/{version} && {npm} pack --silent >/dev/null && mv *.tgz ../../work"
            ),
        );
    }
    host(&place, &format!("{npm} install --silent --offline --no-audit --no-fund ./dep-1.0.0.tgz"));
    assert!(place.read("node_modules/dep/index.js").contains("1.0.0"));
    place.sh(&format!(
        "{npm} install --offline --no-audit --no-fund ./dep-2.0.0.tgz && node -e 'process.exit(require(\"dep\") === \"2.0.0\" ? 0 : 1)'"
    ));
    assert!(place.read("node_modules/dep/index.js").contains("1.0.0"));
    place.apply();
    assert!(place.read("node_modules/dep/index.js").contains("2.0.0"));
    assert!(place.read("package.json").contains("dep-2.0.0"));
}

#[test]
fn ten_thousand_files() {
    let place = Place::with(&[]);
    place.python(
        "import os
for i in range(100):
    os.mkdir(f'd{i}')
    for j in range(100):
        open(f'd{i}/f{j}', 'w').write(str(i * j))
",
    );
    let diff = place.workspace(&["diff"]);
    assert_eq!(diff.stdout.matches("\nnew file mode 100644\n").count(), 10_000);
    place.apply();
    let count = (0..100).map(|i| fs::read_dir(place.work(&format!("d{i}"))).unwrap().count());
    assert_eq!(count.sum::<usize>(), 10_000);
    assert_eq!(place.read("d99/f99"), "9801");
    place.journal_is_whole();
}

#[test]
fn names_that_differ_only_in_case_are_two_files() {
    let place = Place::with(&[("Makefile.txt", "1"), ("keep", "1")]);
    place.sh("echo a > README; echo b > readme; mkdir Dir dir; echo c > Dir/x; echo d > dir/x");
    place.apply();
    let texts = ["README", "readme", "Dir/x", "dir/x"].map(|name| place.read(name));
    assert_eq!(texts, ["a\n", "b\n", "c\n", "d\n"]);
}

/// Root's sandboxes have a host user of their own; what is applied belongs to whom the workspace does.
#[test]
fn what_is_applied_belongs_to_the_owner_of_the_workspace() {
    use std::os::unix::fs::{MetadataExt, chown};
    let root = rustix::process::geteuid().is_root();
    let me = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let owner = if root { (1234, 1235) } else { me };
    let place = Place::with(&[("d/a", "1"), ("d/b", "1")]);
    for path in ["", "d", "d/a", "d/b"] {
        chown(place.work(path), Some(owner.0), Some(owner.1)).unwrap();
    }
    place.sh("echo 2 > d/a; chmod 600 d/b; mkdir e; echo 3 > e/c; ln -s c e/l; stat -c %U d/a e/c | sort -u | wc -l");
    let inner = fs::metadata(place.upper().join("d/a")).unwrap();
    if root {
        assert!(inner.uid() >= 0x6000_0000, "not the caller's, nor the owner's: {}", inner.uid());
    }
    place.apply();
    for path in ["d/a", "d/b", "e", "e/c", "e/l"] {
        let found = place.work(path).symlink_metadata().unwrap();
        assert_eq!((found.uid(), found.gid()), owner, "{path}");
    }
    assert_eq!(fs::metadata(place.work("d/b")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn two_sandboxes_at_once_see_nothing_of_each_other() {
    let place = Place::with(&[("a", "1\n"), ("b", "1\n")]);
    let mut first = place
        .inside(&["sh", "-c", "echo first > a; echo ready; read line; cat a b"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(first.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let second = place.sh("cat a b; echo second > b; cat a b");
    assert_eq!(second.stdout, "1\n1\n1\nsecond\n");
    std::io::Write::write_all(first.stdin.as_mut().unwrap(), b"go on\n").unwrap();
    let output = first.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "first\n1\n");
    for line in place.workspace(&["list", "--json"]).stdout.lines() {
        let ran = place.workspace(&["apply", line.split('"').nth(3).unwrap(), "--yes"]);
        assert_eq!(ran.exit, 0, "{ran}");
    }
    assert_eq!([place.read("a"), place.read("b")], ["first\n", "second\n"]);
}
