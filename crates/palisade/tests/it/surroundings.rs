//! Hostile surroundings: many files, odd names, file systems that are full, read-only or strange.
//!
//! What has to be mounted is mounted in a namespace of the test's own: by root as it is, by an ordinary user
//! in a user namespace, in which it is then an ordinary user again.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    net::TcpListener,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use rustix::process::{getgid, getuid};

use crate::ran::{Ran, palisade, run};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        for name in ["work", "home", "state"] {
            fs::create_dir(place.at(name)).unwrap();
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn command(&self) -> Command {
        let mut command = palisade(&self.at(""));
        command.env("HOME", self.at("home")).current_dir(self.at("work")).stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str) -> Ran {
        run(self.command().args(["run", "--", "sh", "-c", script]))
    }

    fn verifies(&self) {
        let ran = run(self.command().args(["audit", "verify"]));
        assert_eq!(ran.exit, 0, "{ran}");
    }

    /// Run `then` with these mounts; `palisade` and the folders are `$P`, `$WORK`, `$STATE`, `$HOME`, and `$AT`
    /// has them all. `None` if this system lets nobody mount, which is said.
    fn among(&self, mounts: &str, then: &str) -> Option<Ran> {
        let mut command = Command::new("unshare");
        let set_up = format!("set -e; mount --make-rprivate /; {mounts}; cd \"$WORK\"");
        if getuid().is_root() {
            command.args(["--mount", "sh", "-c"]).arg(format!("{set_up}; set +e; {then}"));
        } else {
            // Root in there, then this user again.
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]).arg(format!(
                "{set_up}; exec unshare --user --map-user={} --map-group={} sh -c \"$THEN\"",
                getuid().as_raw(),
                getgid().as_raw()
            ));
        }
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("P", env!("CARGO_BIN_EXE_palisade"))
            .env("THEN", then)
            .env("AT", self.at(""))
            .env("WORK", self.at("work"))
            .env("STATE", self.at("state"))
            .env("HOME", self.at("home"))
            .env("PALISADE_STATE", self.at("state"))
            .env("PALISADE_CONFIG", self.at("config"))
            .stdin(Stdio::null());
        let trial = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "true"])
            .stderr(Stdio::null())
            .status();
        if !getuid().is_root() && !trial.is_ok_and(|status| status.success()) {
            assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped");
            println!(
                "skipped: mounts of the test's own, which this system does not let users make"
            );
            return None;
        }
        Some(run(&mut command))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = Command::new("chmod");
        all.args(["-R", "u+rwX"]).arg(self.folder.path());
        all.stderr(Stdio::null()).status().map(drop).unwrap_or_default();
    }
}

/// A refusal that tells what, where and what to do.
fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!((ran.exit, ran.stdout.as_str()), (125, ""), "{ran}");
    for word in words.iter().chain(&["palisade: ", "\n  try: "]) {
        assert!(ran.stderr.contains(word), "{word}: {ran}");
    }
}

#[test]
fn a_workspace_of_a_hundred_thousand_files() {
    let place = Place::new();
    for folder in 0..1000 {
        let below = place.at("work").join(format!("{}/{}/{folder}", folder % 7, folder % 90));
        fs::create_dir_all(&below).unwrap();
        // One file with many names is as many entries, and quickly made.
        fs::write(below.join("0.c"), "text\n").unwrap();
        for file in 1..100 {
            fs::hard_link(below.join("0.c"), below.join(format!("{file}.c"))).unwrap();
        }
    }
    let ran = place
        .run("find . -name '*.c' | wc -l; rm 3/3/3/5.c; mkdir -p new/.git/hooks; touch .envrc");
    assert_eq!((ran.exit, ran.stdout.trim()), (0, "100000"), "{ran}");
    assert!(ran.stderr.contains(".envrc appeared and is now .envrc.palisade-moved"), "{ran}");
    assert!(!place.at("work/3/3/3/5.c").exists());
    place.verifies();
}

#[test]
fn names_that_are_no_names() {
    let place = Place::new();
    let names: [&[u8]; 9] = [
        b"new\nline",
        b"\xff\xfe not text \x80",
        b"-rf",
        b"...",
        b".. ",
        b"\x1b[31m\x07",
        b"*?[x]{a,b}",
        b"'\"$(id)`id`",
        &[b'n'; 255],
    ];
    for name in names {
        let at = place.at("work").join(OsStr::from_bytes(name));
        fs::create_dir(&at).unwrap();
        fs::write(at.join(OsStr::from_bytes(name)), "text\n").unwrap();
        // Looked for by `**/.env`, and by the sweep.
        fs::write(at.join(".env"), "key\n").unwrap();
        fs::create_dir_all(at.join(".git/hooks")).unwrap();
    }
    fs::write(
        place.at("policy.yaml"),
        "palisade: 1\nextends: [shell]\nfilesystem: {deny: [\"**/.env\"]}\n",
    )
    .unwrap();
    let script = "find . -type f -name '*' ! -name .env -print0 | xargs -0 cat -- | sort | uniq -c; \
                  cat ./*/.env 2>/dev/null; for d in ./*/ ./.*/; do echo x >\"$d/.git/hooks/x\"; \
                  echo '[core] pager = x' >\"$d/.git/config\"; done 2>/dev/null; true";
    let mut command = place.command();
    // The script is the policy's own matter too: the workspace is where palisade was started.
    let policy = fs::read_to_string(place.at("policy.yaml")).unwrap();
    fs::create_dir_all(place.at("config")).unwrap();
    fs::write(place.at("config/policy.yaml"), policy).unwrap();
    let ran = run(command.args(["run", "--", "sh", "-c", script]));
    assert_eq!((ran.exit, ran.stdout.trim()), (0, "9 text"), "{ran}");
    for name in names {
        let git = place.at("work").join(OsStr::from_bytes(name)).join(".git");
        assert!(!git.join("hooks/x").exists() && !git.join("config").exists(), "{name:?}");
        assert!(git.join("config.palisade-moved").exists(), "{name:?}");
    }
    place.verifies();
    // As the name of the workspace itself.
    for name in names {
        let mut command = place.command();
        command.current_dir(place.at("work").join(OsStr::from_bytes(name)));
        let ran =
            run(command.args(["run", "--", "sh", "-c", "cat -- ./*t* 2>/dev/null; echo ran"]));
        assert!(
            ran.exit == 125 && ran.stderr.contains("try: ") || ran.stdout.ends_with("ran\n"),
            "{ran}"
        );
    }
    place.verifies();
}

#[test]
fn a_path_of_four_thousand_bytes() {
    let place = Place::new();
    let script = "i=0; while [ $i -lt 19 ]; do mkdir $1 && cd $1 || exit 1; i=$((i+1)); done; echo text >file; pwd | wc -c";
    let name = "d".repeat(200);
    let ran = run(place.command().args(["run", "--", "sh", "-c", script, "sh", &name]));
    assert_eq!(ran.exit, 0, "{ran}");
    assert!(ran.stdout.trim().parse::<usize>().unwrap() > 3800, "{ran}");
    assert_eq!(ran.stderr, "");
    let again = place.run("find . -type f | wc -l");
    assert_eq!((again.exit, again.stdout.trim()), (0, "1"), "{again}");
    // And as the workspace.
    let deep = place.at("work").join(vec![name; 19].join("/"));
    let ran = run(place.command().current_dir(deep).args(["run", "--", "cat", "file"]));
    assert!(ran.stdout == "text\n" || ran.exit == 125 && ran.stderr.contains("try: "), "{ran}");
}

#[test]
fn links_that_lead_nowhere_or_in_circles() {
    let place = Place::new();
    let work = place.at("work");
    symlink("loop", work.join("loop")).unwrap();
    symlink(&work, work.join("self")).unwrap();
    symlink("/nonexistent", work.join(".git")).unwrap();
    symlink(".envrc", work.join(".envrc")).unwrap();
    symlink("/", work.join(".vscode")).unwrap();
    let ran = place.run("ls -A | wc -l; ln -sfn /tmp .vscode");
    assert_eq!((ran.exit, ran.stdout.trim()), (1, "5"), "{ran}");
    assert_eq!(work.join(".vscode").read_link().unwrap(), std::path::Path::new("/"));
    assert!(work.join(".git").is_symlink() && work.join(".envrc").is_symlink());
}

#[test]
fn a_root_that_is_read_only() {
    let place = Place::new();
    let mounts =
        "mount -t tmpfs w \"$WORK\"; mount -t tmpfs s \"$STATE\"; mount -o remount,bind,ro /";
    let then = "\"$P\" run -- sh -c 'echo text >file && cat file && touch /tmp/x ~/x && echo home'; \
                \"$P\" audit verify >/dev/null && echo whole";
    let Some(ran) = place.among(mounts, then) else { return };
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "text\nhome\nwhole\n"), "{ran}");
    // Its state too.
    let Some(ran) = place.among(
        "mount --bind \"$STATE\" \"$STATE\"; mount -o remount,bind,ro \"$STATE\"",
        "\"$P\" run -- echo ran",
    ) else {
        return;
    };
    refused(&ran, &["Read-only file system", "PALISADE_STATE"]);
}

#[test]
fn a_tmp_that_holds_nothing() {
    let place = Place::new();
    let Some(ran) = place.among(
        // The folders of the test are in it, and the program may be.
        ": >\"$AT/p\"; mount --bind \"$P\" \"$AT/p\"; mount --rbind \"$AT\" /mnt; \
         mount -t tmpfs -o size=64k,mode=1777 t /tmp; mkdir -p \"$AT\"; mount --rbind /mnt \"$AT\"; \
         [ -e \"$P\" ] || { mkdir -p \"${P%/*}\"; : >\"$P\"; mount --bind \"$AT/p\" \"$P\"; }; \
         head -c 60000 /dev/zero >/tmp/full",
        "\"$P\" run -- sh -c 'head -c 500000 /dev/zero >/tmp/big && wc -c </tmp/big'",
    ) else {
        return;
    };
    assert_eq!((ran.exit, ran.stdout.trim()), (0, "500000"), "{ran}");
    place.verifies();
}

/// The kernel would end the supervisor by a signal, without a word.
#[test]
fn a_limit_of_the_size_of_files() {
    let place = Place::new();
    let palisade = place.command();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -f 0; exec \"$0\" run -- echo ran"])
        .arg(palisade.get_program())
        .env_clear()
        .envs(palisade.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(place.at("work"))
        .stdin(Stdio::null());
    refused(&run(&mut command), &["File too large"]);
}

/// The journal would be there, unreadable to its owner, and count as damaged for ever.
#[test]
fn a_umask_that_takes_the_owner_s_rights() {
    for mask in ["0777", "0277", "0477"] {
        let place = Place::new();
        let palisade = place.command();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("umask {mask}; exec \"$0\" run --workspace overlay -- sh -c 'umask; echo x >new'")])
            .arg(palisade.get_program())
            .env_clear()
            .envs(palisade.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(place.at("work"))
            .stdin(Stdio::null());
        let ran = run(&mut command);
        assert_eq!((ran.exit, ran.stdout.trim()), (0, "0022"), "{mask}: {ran}");
        place.verifies();
        let mut apply = place.command();
        apply.args(["workspace", "apply", "--yes"]).current_dir(place.at("work"));
        let ran = run(&mut apply);
        assert_eq!(ran.exit, 0, "{mask}: {ran}");
        assert_eq!(fs::read_to_string(place.at("work").join("new")).unwrap(), "x\n");
    }
}

#[test]
fn a_limit_of_the_size_of_files_while_changes_are_taken() {
    let place = Place::new();
    let mut first = place.command();
    first.args(["run", "--workspace", "overlay", "--", "sh", "-c", "echo x >new"]);
    let ran = run(first.current_dir(place.at("work")).stdin(Stdio::null()));
    assert_eq!(ran.exit, 0, "{ran}");
    let palisade = place.command();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -f 0; exec \"$0\" workspace apply --yes"])
        .arg(palisade.get_program())
        .env_clear()
        .envs(palisade.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(place.at("work"))
        .stdin(Stdio::null());
    let ran = run(&mut command);
    assert_eq!(ran.exit, 3, "{ran}");
    assert!(ran.stderr.contains("File too large"), "{ran}");
    assert!(!place.at("work").join("new").exists());
    let mut again = place.command();
    again.args(["workspace", "apply", "--yes"]).current_dir(place.at("work"));
    let ran = run(&mut again);
    assert_eq!(ran.exit, 0, "{ran}");
    place.verifies();
}

#[test]
fn a_state_disk_that_is_full_at_the_launch() {
    let place = Place::new();
    let Some(ran) = place.among(
        "mount -t tmpfs -o size=64k,mode=777 s \"$STATE\"",
        "head -c 70000 /dev/zero >\"$STATE/fill\" 2>/dev/null; \"$P\" run -- echo ran; code=$?; \
         rm \"$STATE/fill\"; \"$P\" audit verify >&2; echo \"verify $?\" >&2; exit $code",
    ) else {
        return;
    };
    refused(&ran, &["No space left", "PALISADE_STATE", "verify 0"]);
}

/// What may not be done without a record is not done, and what was recorded before stays.
#[test]
fn a_state_disk_that_fills_while_a_session_runs() {
    let place = Place::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in server.incoming().flatten() {
            stream.write_all(b"hello").unwrap_or_default();
        }
    });
    fs::create_dir(place.at("config")).unwrap();
    fs::write(
        place.at("config/policy.yaml"),
        format!(
            "palisade: 1\nextends: [shell]\nnetwork:\n  hosts: {{served.test: [127.0.0.1]}}\n  \
             rules:\n    - {{hosts: [served.test], ports: [{port}], addresses: [127.0.0.1]}}\n"
        ),
    )
    .unwrap();
    fs::write(
        place.at("work/agent.py"),
        format!(
            "import os, socket, time
def call():
    try:
        with socket.create_connection(('served.test', {port}), 60) as s:
            return s.recv(5) == b'hello'
    except OSError:
        return False
print('before', call(), flush=True)
open('up', 'w').close()
while not os.path.exists('full'):
    time.sleep(0.02)
# There is some room in the last page of the journal.
for _ in range(500):
    if not call():
        break
print('after', [call() for _ in range(5)], flush=True)
"
        ),
    )
    .unwrap();
    let Some(ran) = place.among(
        "mount -t tmpfs -o size=1m,mode=777 s \"$STATE\"",
        "\"$P\" run -- python3 agent.py & pid=$!; \
         while [ ! -e up ] && kill -0 $pid; do sleep 0.05; done; \
         head -c 2000000 /dev/zero >\"$STATE/fill\" 2>/dev/null; touch full; wait $pid; echo \"exit $?\"; \
         rm \"$STATE/fill\"; \"$P\" audit verify; echo \"verify $?\"; \
         \"$P\" audit query --json | grep -c '\"kind\":\"connect\"'; \"$P\" run -- echo again",
    ) else {
        return;
    };
    let out = &ran.stdout;
    assert!(out.contains("before True\nafter [False, False, False, False, False]\n"), "{ran}");
    assert!(out.contains("verify 0\n") && out.ends_with("\nagain\n"), "{ran}");
    assert!(ran.stderr.contains("could not be written to the journal"), "{ran}");
    let connections = out.lines().rev().nth(1).unwrap();
    assert!(connections.parse::<u32>().is_ok_and(|count| count > 0), "{ran}");
}

#[test]
fn a_workspace_on_an_overlay() {
    let place = Place::new();
    fs::create_dir(place.at("layers")).unwrap();
    let mounts = "mount -t tmpfs l \"$AT/layers\"; cd \"$AT/layers\"; mkdir lower upper under; \
                  echo text >lower/file; chmod 777 lower upper; \
                  mount -t overlay o -o lowerdir=lower,upperdir=upper,workdir=under \"$WORK\"";
    let Some(ran) = place.among(mounts, "\"$P\" run -- sh -c 'cat file; echo x >new; cat new'")
    else {
        return;
    };
    if getuid().is_root() {
        refused(&ran, &["an overlay, as in a container", "ordinary user"]);
    } else {
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, "text\nx\n"), "{ran}");
    }
}

#[test]
fn a_workspace_in_memory_without_exec() {
    let place = Place::new();
    let Some(ran) = place.among(
        "mount -t tmpfs -o nosuid,nodev,noexec,mode=777 w \"$WORK\"",
        "printf '#!/bin/sh\\necho ran' >x; chmod 755 x; \"$P\" run -- sh -c 'echo y >y; cat y; ./x'",
    ) else {
        return;
    };
    assert_eq!((ran.exit, ran.stdout.as_str()), (126, "y\n"), "{ran}");
    assert!(ran.stderr.contains("Permission denied"), "{ran}");
}

#[test]
fn a_workspace_that_is_mounted_read_only() {
    let place = Place::new();
    fs::write(place.at("work/file"), "text\n").unwrap();
    let mounts = "mount --bind \"$WORK\" \"$WORK\"; mount -o remount,bind,ro \"$WORK\"";
    let Some(ran) = place.among(mounts, "\"$P\" run -- cat file") else { return };
    refused(&ran, &["which is mounted read-only", "--workspace ro"]);
    let ran = place.among(mounts, "\"$P\" run --workspace ro -- cat file").unwrap();
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "text\n"), "{ran}");
    let ran = place
        .among(mounts, "\"$P\" run --workspace overlay -- sh -c 'cat file; echo x >new; cat new'")
        .unwrap();
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "text\nx\n"), "{ran}");
}

/// As NFS without root's rights shows it: the folder cannot be looked into by who starts it.
#[test]
fn a_workspace_without_rights() {
    if getuid().is_root() {
        println!("skipped: a folder without rights, which root can enter");
        return;
    }
    let place = Place::new();
    let inner = place.at("work/shut/inner");
    fs::create_dir_all(&inner).unwrap();
    let named = place.at("policy.yaml");
    let write = |path: &str| {
        let path = place.at(path);
        let text = format!(
            "palisade: 1\nextends: [shell]\nfilesystem: {{workspace: {{path: {}, access: rw}}}}\n",
            path.display()
        );
        fs::write(&named, text).unwrap();
    };
    let mode = |mode: u32| {
        fs::set_permissions(place.at("work/shut"), fs::Permissions::from_mode(mode)).unwrap();
    };
    let ran = || run(place.command().args(["run", "--policy", "../policy.yaml", "--", "ls", "-A"]));
    write("work/shut/inner");
    mode(0o000);
    let refusal = ran();
    refused(&refusal, &["Permission denied", "work/shut/inner"]);
    // Entered, and not listed.
    mode(0o111);
    assert_eq!(ran().exit, 0);
    // A part of it that is shut keeps nobody from the rest.
    write("work");
    mode(0o000);
    let rest = ran();
    assert_eq!((rest.exit, rest.stdout.as_str()), (0, "shut\n"), "{rest}");
    place.verifies();
}

/// A file system of a program (FUSE), as network file systems are: it maps no owners, and cannot rename to a
/// new name only.
#[test]
fn a_workspace_that_a_program_serves() {
    let usable = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !getuid().is_root() || !usable("bindfs") || fs::File::open("/dev/fuse").is_err() {
        println!("skipped: a FUSE workspace, for which root, bindfs and /dev/fuse are needed");
        return;
    }
    let place = Place::new();
    let user = 47811;
    fs::create_dir(place.at("under")).unwrap();
    fs::write(place.at("under/file"), "text\n").unwrap();
    let give = |path: PathBuf| std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
    for name in ["under", "under/file", "work", "home", "state"] {
        give(place.at(name));
    }
    fs::set_permissions(place.at(""), fs::Permissions::from_mode(0o755)).unwrap();
    let as_user = format!("setpriv --reuid {user} --regid {user} --clear-groups");
    let mounts = "bindfs -f -o allow_other \"$AT/under\" \"$WORK\" & server=$!; \
                  while ! mountpoint -q \"$WORK\"; do kill -0 $server; sleep 0.05; done";
    let end = "code=$?; cd /; umount \"$WORK\"; wait; exit $code";
    let ran = place.among(mounts, &format!("\"$P\" run -- cat file; {end}")).unwrap();
    refused(&ran, &["one of the network", "ordinary user"]);
    fs::remove_dir_all(place.at("state")).unwrap();
    fs::create_dir(place.at("state")).unwrap();
    give(place.at("state"));
    let script = "cat file && echo new >new && cat new && mkdir -p sub/.git/hooks && \
                  echo x >sub/.git/hooks/post-commit && echo x >.envrc";
    let then = format!(
        "if {as_user} test -x \"$P\"; then {as_user} \"$P\" run -- sh -c '{script}'; \
         else echo unreachable; fi; {end}"
    );
    let ran = place.among(mounts, &then).unwrap();
    if ran.stdout == "unreachable\n" {
        println!("skipped: a FUSE workspace of a user who cannot reach the program");
        return;
    }
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "text\nnew\n"), "{ran}");
    assert!(ran.stderr.contains(".envrc appeared and is now .envrc.palisade-moved"), "{ran}");
    assert!(place.at("under/sub/.git/hooks.palisade-moved/post-commit").exists(), "{ran}");
    assert!(!place.at("under/.envrc").exists() && place.at("under/new").exists());
}
