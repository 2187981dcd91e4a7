//! `palisade run` as a script sees it: exit status, streams, and what it says when it refuses.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions, Permissions},
    io::{Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::PathBuf,
    process::{Command, Stdio},
};

use insta::assert_snapshot;

use crate::ran::{Ran, palisade, run};

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// `palisade run` in the workspace.
    fn command(&self) -> Command {
        let mut command = palisade(&self.path(""));
        command.env("HOME", self.path("home")).current_dir(self.path("work")).arg("run");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command().args(arguments))
    }

    /// What it says, with the folder's name taken out.
    fn says(&self, arguments: &[&str]) -> String {
        self.told(self.run(arguments))
    }

    fn told(&self, ran: Ran) -> String {
        ran.with(self.path("").to_str().unwrap().trim_end_matches('/'), "[FOLDER]").to_string()
    }

    fn audit(&self, arguments: &[&str]) -> Ran {
        run(palisade(&self.path("")).arg("audit").args(arguments))
    }
}

#[test]
fn the_exit_status_is_the_commands() {
    let world = World::new();
    for (script, status) in [("exit 0", 0), ("exit 77", 77), ("kill -9 $$", 137), ("kill $$", 143)]
    {
        assert_eq!(world.run(&["--", "sh", "-c", script]).exit, status, "{script}");
    }
}

#[test]
fn a_command_that_cannot_be_started_is_126_or_127() {
    let world = World::new();
    fs::write(world.path("work/plain"), "").unwrap();
    let script = world.path("work/script");
    palisade_testkit::write_program(&script, "#!/nonexistent/interpreter\n");
    assert_snapshot!(world.says(&["--", "no-such-command"]), @r"
    exit: 127
    ----- stdout -----

    ----- stderr -----
    palisade: no-such-command: there is no such command
      try: check its name; it is looked for where palisade is started
    ");
    assert_eq!(world.run(&["--", ""]).exit, 127);
    assert_eq!(world.run(&["--", "./missing"]).exit, 127);
    assert_snapshot!(world.says(&["--", "./plain"]), @r"
    exit: 126
    ----- stdout -----

    ----- stderr -----
    palisade: [FOLDER]/work/./plain is not an executable file
      try: make it executable (chmod +x), or name another
    ");
    assert_eq!(world.run(&["--", "/usr"]).exit, 126);
    assert_snapshot!(world.says(&["--", "./script"]), @r"
    exit: 127
    ----- stdout -----

    ----- stderr -----
    palisade: ./script: there is no such command in the sandbox, or what it needs to start
      try: grant its folder in `filesystem.read`
    ");
}

#[test]
fn usage_errors_are_2() {
    let world = World::new();
    for arguments in [
        &[][..],
        &["--"],
        &["--no-such-option", "--", "true"],
        &["--policy", "a", "--profile", "b", "--", "true"],
        &["--name", "a b", "--", "true"],
        &["--name", "-x", "--", "true"],
        &["--workspace", "rwx", "--", "true"],
    ] {
        let ran = world.run(arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{arguments:?}: {ran}");
    }
}

#[test]
fn what_is_refused_says_what_and_what_to_do() {
    let world = World::new();
    fs::write(world.path("work/file"), "").unwrap();
    assert_snapshot!(world.says(&["--profile", "nope", "--", "true"]), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: nothing was started, because of the policy
    --profile: there is no profile `nope`
      help: known: shell, claude-code, codex, gemini, openclaw
    ");
    assert_snapshot!(world.says(&["--policy", "nope.yaml", "--", "true"]), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: nothing was started, because of the policy
    nope.yaml: there is no such file
      help: correct its path
    ");
}

#[test]
fn a_workspace_must_be_a_folder_of_work() {
    let world = World::new();
    fs::create_dir(world.path("home")).unwrap();
    fs::write(world.path("work/file"), "").unwrap();
    let with = |path: &str| {
        let text =
            format!("palisade: 1\nextends: [shell]\nfilesystem: {{workspace: {{path: {path}}}}}\n");
        fs::write(world.path("work/p.yaml"), text).unwrap();
        world.says(&["--policy", "p.yaml", "--", "true"])
    };
    assert_snapshot!(with("file"), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: the workspace [FOLDER]/work/file is not a folder
      try: start palisade in the folder to work on, or name it in `filesystem.workspace`
    ");
    assert_snapshot!(with("gone"), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: the workspace [FOLDER]/work/gone: No such file or directory (os error 2)
      try: start palisade in the folder to work on, or name it in `filesystem.workspace`
    ");
    let home =
        world.told(run(world.command().args(["--", "true"]).current_dir(world.path("home"))));
    assert_snapshot!(home, @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: the workspace would be [FOLDER]/home, which holds your whole home and its keys
      try: start palisade in a project's folder below it
    ");
    let root = world.told(run(world.command().args(["--", "true"]).current_dir("/")));
    assert!(root.starts_with("exit: 125"), "{root}");
}

#[test]
fn what_is_granted_and_missing_is_told() {
    let world = World::new();
    let with = |list: &str| {
        let text = format!("palisade: 1\nextends: [shell]\nfilesystem: {{{list}: [~/.gone]}}\n");
        fs::write(world.path("work/p.yaml"), text).unwrap();
        world.says(&["--policy", "p.yaml", "--", "sh", "-c", "ls ~/.gone || echo started"])
    };
    let read = with("read");
    assert!(read.starts_with("exit: 0") && read.contains("\nstarted\n"), "{read}");
    let told =
        "filesystem.read[0]: [FOLDER]/home/.gone: it does not exist, so nothing of it is shown";
    assert!(read.contains(told), "{read}");
    let events = world.audit(&["query", "--kind", "ungranted", "--json"]).stdout;
    assert!(events.contains(r#""rule":"filesystem.read[0]""#), "{events}");
    // What an agent would keep there would be lost.
    assert_snapshot!(with("write"), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: filesystem.write[0]: [FOLDER]/home/.gone: No such file or directory (os error 2)
      try: make it, or take it out of the policy
    ");
}

#[test]
fn a_folder_that_is_gone_is_refused() {
    let world = World::new();
    let script = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" run -- true";
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script, env!("CARGO_BIN_EXE_palisade")])
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("HOME", world.path("home").to_str().unwrap())])
        .current_dir(world.path("work"));
    assert_snapshot!(world.told(run(&mut shell)), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: the folder that palisade was started in cannot be found: No such file or directory (os error 2)
      try: change to a folder that exists, then try again
    ");
}

#[test]
fn an_environment_that_leads_nowhere_is_refused() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    let with = |name: &str, value: Option<&OsStr>| {
        let mut command = world.command();
        command.args(["--", "true"]);
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
        world.told(run(&mut command))
    };
    assert_snapshot!(with("HOME", None), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: there is no home: HOME is not an absolute path
      try: set HOME to your home folder
    ");
    assert_eq!(with("HOME", Some(OsStr::new("relative"))), with("HOME", None));
    assert_snapshot!(with("PALISADE_STATE", Some(OsStr::new("relative"))), @r"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: `PALISADE_STATE` is `relative`, which is not an absolute path
      try: set HOME, or PALISADE_STATE and PALISADE_CONFIG
    ");
    for place in [world.path("file"), PathBuf::from("/proc/nowhere")] {
        let told = with("PALISADE_STATE", Some(place.as_os_str()));
        assert!(told.starts_with("exit: 125"), "{told}");
        assert!(told.contains("try: see that the state folder (PALISADE_STATE)"), "{told}");
    }
}

#[test]
fn an_unreadable_home_is_no_obstacle() {
    let world = World::new();
    fs::create_dir(world.path("home")).unwrap();
    fs::set_permissions(world.path("home"), Permissions::from_mode(0o000)).unwrap();
    let ran = world.run(&["--", "sh", "-c", "touch ~/mine && ls ~"]);
    fs::set_permissions(world.path("home"), Permissions::from_mode(0o755)).unwrap();
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "mine\n"), "{ran}");
}

#[test]
fn a_system_that_lacks_something_refuses_and_names_it() {
    let world = World::new();
    for ability in ["user-namespace", "landlock", "seccomp", "nftables", "network-namespace"] {
        let mut command = world.command();
        command.args(["--", "touch", "ran"]).env("PALISADE_SIMULATE_MISSING", ability);
        let ran = run(&mut command);
        assert_eq!((ran.exit, ran.stdout.as_str()), (125, ""), "{ability}: {ran}");
        let lacks = format!("this system lacks {ability}");
        assert!(ran.stderr.contains(&lacks) && ran.stderr.contains("\n  try: "), "{ran}");
        assert!(!world.path("work/ran").exists(), "{ability}");
    }
    let ran = world.audit(&["query", "--kind", "refusal", "--json"]);
    assert_eq!(ran.stdout.lines().count(), 5, "{ran}");
}

#[test]
fn too_few_descriptors_are_refused_and_nothing_runs() {
    let world = World::new();
    for files in [6, 8, 12, 16, 24, 32] {
        let script = format!("ulimit -n {files} && exec \"$0\" run -- touch ran");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script, env!("CARGO_BIN_EXE_palisade")])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", world.path("home"))
            .env("PALISADE_STATE", world.path("state"))
            .current_dir(world.path("work"));
        let ran = run(&mut shell);
        // Either all of it stands, or nothing runs.
        assert_eq!(ran.exit == 0, world.path("work/ran").exists(), "{files}: {ran}");
        assert!([0, 125].contains(&ran.exit) && !ran.stderr.contains("panicked"), "{files}: {ran}");
        fs::remove_file(world.path("work/ran")).unwrap_or_default();
    }
}

#[test]
fn streams_are_the_commands_own() {
    let world = World::new();
    let ran = world.run(&["--", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((ran.exit, ran.stdout.as_str(), ran.stderr.as_str()), (0, "out\n", "err\n"));
    // Bytes pass both ways as they are.
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut child = world
        .command()
        .args(["--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let expected = bytes.clone();
    let writer = std::thread::spawn(move || input.write_all(&bytes).unwrap());
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(output == expected);
}

#[test]
fn a_file_is_read_and_appended_to_as_outside() {
    let world = World::new();
    fs::write(world.path("in"), "abcdef").unwrap();
    fs::write(world.path("out"), "before\n").unwrap();
    let input = fs::File::open(world.path("in")).unwrap();
    let output = OpenOptions::new().append(true).open(world.path("out")).unwrap();
    // The command stops in the middle of the file; whoever has it next goes on there.
    let status = world
        .command()
        .args(["--", "dd", "bs=1", "count=2", "status=none"])
        .stdin(input.try_clone().unwrap())
        .stdout(output)
        .status()
        .unwrap();
    assert!(status.success());
    let mut rest = String::new();
    (&input).read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "cdef");
    assert_eq!(fs::read_to_string(world.path("out")).unwrap(), "before\nab");
}

#[test]
fn a_reader_that_goes_away_ends_the_command() {
    let world = World::new();
    let mut child = world.command().args(["--", "yes"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0_u8; 2];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(128 + 13), "SIGPIPE, as the shell has it");
    assert_eq!(status.signal(), None);
}

#[test]
fn the_command_learns_of_an_output_that_is_full() {
    let world = World::new();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = world.command();
    command.args(["--", "sh", "-c", "echo x || exit 9"]).stdout(full());
    let ran = run(command.stderr(Stdio::piped()));
    assert_eq!(ran.exit, 9, "{ran}");
    let mut command = world.command();
    command.args(["--", "sh", "-c", "echo x >&2 || exit 9"]).stderr(full());
    assert_eq!(run(command.stdout(Stdio::piped())).exit, 9);
}

/// Nobody reads what it says: that changes no exit status.
#[test]
fn messages_that_cannot_be_written_change_nothing() {
    let world = World::new();
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let gone = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let swept = ["--", "sh", "-c", "mkdir .vscode; exit 7"];
    for (arguments, status) in [(&["--policy", "none", "--", "true"][..], 125), (&swept, 7)] {
        let said = world.run(arguments);
        assert!(said.exit == status && said.stderr.starts_with("palisade: "), "{said}");
        for stderr in [full(), gone()] {
            let unheard = world.command().args(arguments).stderr(stderr).status().unwrap();
            assert_eq!(unheard.code(), Some(status), "{arguments:?}");
        }
    }
}

#[test]
fn its_messages_steer_no_terminal() {
    let world = World::new();
    let ran = world.run(&["--policy", "p\u{1b}]0;title\u{7}\u{9b}31m", "--", "true"]);
    assert_eq!(ran.exit, 125, "{ran}");
    assert!(ran.stderr.contains("title") && !ran.stderr.contains(['\u{1b}', '\u{7}', '\u{9b}']));
    // By what the agent has named.
    let script = "d=$(printf 'a\\033]0;title\\007'); mkdir \"$d\" && cd \"$d\" && git init -q . \
                  && echo evil >.git/hooks/pre-commit";
    let ran = world.run(&["--", "sh", "-c", script]);
    assert!(ran.exit == 0 && ran.stderr.contains("title"), "{ran}");
    assert!(!ran.stderr.contains(['\u{1b}', '\u{7}']), "{ran}");
}

#[test]
fn closed_streams_are_no_way_in() {
    let world = World::new();
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let script =
            format!("exec \"$0\" run -- sh -c 'ls -l /proc/self/fd > fds; exit 7' {closed}");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script, env!("CARGO_BIN_EXE_palisade")])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", world.path("home"))
            .env("PALISADE_STATE", world.path("state"))
            .current_dir(world.path("work"));
        assert_eq!(shell.status().unwrap().code(), Some(7), "{closed}");
        let held = fs::read_to_string(world.path("work/fds")).unwrap();
        for word in ["journal", "socket:[", world.path("state").to_str().unwrap()] {
            assert!(!held.contains(word), "{closed}: {held}");
        }
    }
}

#[test]
fn odd_bytes_reach_the_command_and_are_escaped_in_the_record() {
    let world = World::new();
    let odd = OsStr::from_bytes(b"\xff\x1b[31m\n{\"a\":1}");
    let ran =
        world.command().args(["--name", "odd", "--", "printf", "%s"]).arg(odd).output().unwrap();
    assert_eq!(ran.stdout, odd.as_bytes());
    let told = world.audit(&["query", "--session", "odd", "--kind", "launch"]);
    assert_eq!(told.stdout.lines().count(), 1, "{told}");
    assert!(!told.stdout.contains('\u{1b}') && told.stdout.contains(r"\u{1b}[31m"), "{told}");
    assert_eq!(world.audit(&["verify"]).exit, 0);
}

#[test]
fn the_projects_policy_counts_once_it_is_trusted() {
    let world = World::new();
    fs::write(
        world.path("work/palisade.yaml"),
        "palisade: 1\nprocess: {environment: {set: {FROM: project}}}\n",
    )
    .unwrap();
    let ran = world.run(&["--", "sh", "-c", "echo $FROM"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (125, ""), "{ran}");
    assert!(
        ran.stderr.contains("palisade.yaml:2:") && ran.stderr.contains("policy trust"),
        "{ran}"
    );
    // A profile that is named stands in its place.
    assert_eq!(world.run(&["--profile", "shell", "--", "true"]).exit, 0);
}

#[test]
fn a_state_folder_is_not_seen_although_it_lies_in_the_workspace() {
    let world = World::new();
    let state = world.path("work/state");
    let mut command = world.command();
    command.args(["--", "sh", "-c", "ls state; echo x > state/x"]).env("PALISADE_STATE", &state);
    let ran = run(&mut command);
    assert!(ran.exit != 0 && ran.stdout.is_empty(), "{ran}");
    assert!(state.join("journal").exists() && !state.join("x").exists());
}

#[test]
fn what_appears_at_a_protected_name_is_moved_aside_and_recorded() {
    let world = World::new();
    symlink("elsewhere", world.path("work/.envrc")).unwrap();
    let script = "git init -q . && rm .envrc && echo evil > .envrc && mkdir .vscode \
                  && echo evil > .git/hooks/pre-commit && echo mine > fine";
    let ran = world.run(&["--name", "swept", "--", "sh", "-c", script]);
    assert_eq!(ran.exit, 0, "{ran}");
    let gone = [".envrc", ".vscode", ".git/hooks"];
    for name in gone {
        let path = world.path("work").join(name);
        assert!(path.symlink_metadata().is_err(), "{name}");
        assert!(
            path.with_file_name(format!(
                "{}.palisade-moved",
                path.file_name().unwrap().to_str().unwrap()
            ))
            .exists()
        );
    }
    assert!(world.path("work/fine").exists() && world.path("work/.git/config").exists());
    let told = world.audit(&["query", "--session", "swept", "--kind", "sweep"]);
    assert_eq!(told.stdout.lines().count(), gone.len(), "{told}");
}

#[test]
fn the_supervisors_memory_is_nobodys() {
    let world = World::new();
    let mut child = world
        .command()
        .args(["--", "sh", "-c", "echo up; read line"])
        .env("A_SECRET", "in-the-environment")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
    let of = |file: &str| fs::read(format!("/proc/{}/{file}", child.id()));
    let limits = String::from_utf8(of("limits").unwrap()).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    // One byte is no dump in a file, and keeps the kernel from starting a program for one.
    let least = rustix::process::getrlimit(rustix::process::Resource::Core).maximum == Some(0);
    assert_eq!(core.split_whitespace().nth(4), Some(if least { "0" } else { "1" }), "{core}");
    // Another process of the same user, as this test is. Root may read everybody.
    if !rustix::process::geteuid().is_root() {
        for file in ["environ", "maps", "mem", "auxv"] {
            let kind = of(file).map_err(|error| error.kind());
            assert_eq!(kind, Err(std::io::ErrorKind::PermissionDenied), "{file}");
        }
    }
    drop(child.stdin.take());
    child.wait().unwrap();
}
