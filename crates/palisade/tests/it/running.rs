//! `ps`, `exec`, `kill` and `logs`, on sandboxes that run.

use std::{
    fs,
    io::{IoSlice, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use palisade_sandbox::linux::landlock::landlock_abi;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, connect, recv, sendmsg, socket_with,
};

use crate::ran::{Ran, palisade, run};

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sandbox with a long command, and a state of its own.
struct Sandbox {
    home: tempfile::TempDir,
    child: Child,
}

impl Sandbox {
    fn start(name: &str) -> Self {
        Self::running(name, "sleep 1000")
    }

    /// Runs `script` until it makes the file `ready` and beyond.
    fn running(name: &str, script: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("work")).unwrap();
        let script = format!("touch ready; {script}");
        let child = palisade(home.path())
            .args(["run", "--name", name, "--", "sh", "-c", &script])
            .current_dir(home.path().join("work"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let this = Self { home, child };
        wait_for("the agent to start", || this.work().join("ready").exists());
        this
    }

    fn work(&self) -> PathBuf {
        self.home.path().join("work")
    }

    fn palisade(&self, arguments: &[&str]) -> Command {
        let mut command = palisade(self.home.path());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(&mut self.palisade(arguments))
    }

    fn entry(&self) -> serde_json::Value {
        let ran = self.run(&["ps", "--json"]);
        assert_eq!((ran.exit, ran.stdout.lines().count()), (0, 1), "{ran}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let ran = self.run(&["audit", "query", "--json", "--kind", kind]);
        assert_eq!(ran.exit, 0, "{ran}");
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Nothing is left of it but its journal, which is whole.
    fn ends_whole(mut self) {
        self.child.wait().unwrap();
        assert!(files(&self.home.path().join("state/running")).is_empty());
        let verified = self.run(&["audit", "verify"]);
        assert_eq!(verified.exit, 0, "{verified}");
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn files(folder: &Path) -> Vec<String> {
    let listed = folder.read_dir().unwrap();
    listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_sandbox_is_listed_while_it_runs() {
    let sandbox = Sandbox::start("long");
    let entry = sandbox.entry();
    assert_eq!(entry["name"], "long");
    assert_eq!(entry["supervisor"], sandbox.child.id());
    assert_eq!(entry["command"][0], "sh");
    assert_eq!(entry["workspace"], sandbox.work().canonicalize().unwrap().to_str().unwrap());
    let session = entry["session"].as_str().unwrap();
    let table = sandbox.run(&["ps"]);
    let lines: Vec<_> = table.stdout.lines().collect();
    assert!(lines[0].starts_with("SESSION     NAME "), "{table}");
    assert!(lines[1].starts_with(&session[..10]) && lines[1].contains("  long "), "{table}");

    // By the beginning of its id.
    let killed = sandbox.run(&["kill", &session[..12]]);
    assert_eq!(killed.to_string(), "exit: 0\n----- stdout -----\n\n----- stderr -----\n");
    assert_eq!(sandbox.run(&["ps", "--json"]).stdout, "");
    let [end] = &sandbox.events("end")[..] else { panic!("not one end") };
    assert!(end["reason"].as_str().unwrap().starts_with("ended by palisade kill, of uid "));
    let [kill] = &sandbox.events("kill")[..] else { panic!("not one kill") };
    assert_eq!(kill["decision"], "allow");
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(kill["detail"]["principal"], format!("uid {uid}"));
    sandbox.ends_whole();
}

#[test]
fn there_is_nothing_to_list_kill_or_show() {
    let home = tempfile::tempdir().unwrap();
    let ran = |arguments: &[&str]| run(palisade(home.path()).args(arguments));
    insta::assert_snapshot!(ran(&["ps"]), @"
    exit: 0
    ----- stdout -----
    SESSION     NAME              PID  STARTED              COMMAND

    ----- stderr -----
    ");
    insta::assert_snapshot!(ran(&["kill", "a\u{1b}[2J"]), @r"
    exit: 1
    ----- stdout -----

    ----- stderr -----
    palisade: no running sandbox is called a\u{1b}[2J
      try: palisade ps lists those that run
    ");
    insta::assert_snapshot!(ran(&["exec", "one", "--", "true"]), @"
    exit: 125
    ----- stdout -----

    ----- stderr -----
    palisade: no running sandbox is called one
      try: palisade ps lists those that run
    ");
    insta::assert_snapshot!(ran(&["logs", "one"]), @"
    exit: 1
    ----- stdout -----

    ----- stderr -----
    palisade: no session is called one
      try: palisade ps lists those that run, palisade audit tail shows all
    ");
    // Looking made nothing.
    assert!(!home.path().join("state").exists());
}

#[test]
fn a_stubborn_sandbox_is_killed_by_force() {
    let sandbox = Sandbox::running("stubborn", "trap '' TERM; while :; do sleep 1; done");
    let supervisor = sandbox.child.id();
    // A supervisor that is stopped answers nothing.
    let stop = rustix::process::Pid::from_raw(supervisor.cast_signed()).unwrap();
    rustix::process::kill_process(stop, rustix::process::Signal::STOP).unwrap();
    let killed = sandbox.run(&["kill", "--force", "stubborn"]);
    assert_eq!(killed.exit, 0, "{killed}");
    assert!(killed.stderr.starts_with("palisade: killed; palisade audit recover s-"), "{killed}");
    assert_eq!(sandbox.run(&["ps", "--json"]).stdout, "");
    assert_eq!(sandbox.run(&["audit", "recover"]).exit, 0);
    sandbox.ends_whole();
}

/// All that confines a process, as it sees it itself.
const CONFINEMENT: &str = "\
    grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|Cpus_allowed):' \
        /proc/self/status; \
    for n in user mnt pid net ipc uts cgroup time; do readlink /proc/self/ns/$n; done; \
    cat /proc/self/mountinfo /proc/self/cgroup /proc/self/limits /proc/self/oom_score_adj; \
    umask; pwd; ls /proc/self/fd; env | grep -v ^_= | sort";

#[test]
fn a_command_is_confined_like_the_agent() {
    let script = format!(
        "sh -c '{CONFINEMENT}' >agent; sleep 1000",
        CONFINEMENT = { CONFINEMENT.replace('\'', "'\\''") }
    );
    let sandbox = Sandbox::running("one", &script);
    wait_for("the agent's word", || {
        fs::read_to_string(sandbox.work().join("agent")).is_ok_and(|text| text.contains("PATH="))
    });
    let agent = fs::read_to_string(sandbox.work().join("agent")).unwrap();
    let guest = sandbox.run(&["exec", "one", "--", "sh", "-c", CONFINEMENT]);
    // A terminal makes no difference to it.
    assert_eq!((guest.exit, guest.stderr.as_str()), (0, ""));
    assert_eq!(guest.stdout, agent);
    assert!(agent.contains("NoNewPrivs:\t1") && agent.contains("Seccomp:\t2"), "{agent}");

    // Landlock cannot be seen in /proc: it holds a file that another name of the same mount grants
    // only to be read.
    let secret = sandbox.home.path().join("secret");
    fs::write(&secret, "a secret").unwrap();
    let secret = secret.to_str().unwrap();
    assert_eq!(run(Command::new("cat").arg(secret)).stdout, "a secret");
    let denied = sandbox.run(&["exec", "one", "--", "cat", secret]);
    assert_eq!((denied.exit, denied.stdout.as_str()), (1, ""), "{denied}");
    // The scope of signals is Landlock's alone: init is in the same namespace, of the same user.
    if landlock_abi().is_some_and(|abi| abi >= 6) {
        let signal = sandbox.run(&["exec", "one", "--", "sh", "-c", "kill -0 1"]);
        assert!(signal.exit != 0 && signal.stderr.contains("ermitted"), "{signal}");
    } else {
        assert!(std::env::var_os("CI").is_none(), "this kernel's Landlock has no scope of signals");
        println!("skipped: the scope of signals, which this kernel's Landlock does not have");
    }
    let unshare = sandbox.run(&["exec", "one", "--", "unshare", "-U", "true"]);
    assert_ne!(unshare.exit, 0, "{unshare}");
    assert_eq!(sandbox.run(&["kill", "one"]).exit, 0);
    sandbox.ends_whole();
}

#[test]
fn a_command_has_its_streams_and_its_exit_status() {
    let sandbox = Sandbox::start("one");
    let shell = |script: &str| sandbox.run(&["exec", "one", "--", "sh", "-c", script]);
    let ran = shell("echo out; echo err >&2; exit 7");
    assert_eq!((ran.exit, &*ran.stdout, &*ran.stderr), (7, "out\n", "err\n"));
    assert_eq!(shell("kill -KILL $$").exit, 137);
    insta::assert_snapshot!(sandbox.run(&["exec", "one", "--", "nothere"]), @"
    exit: 127
    ----- stdout -----

    ----- stderr -----
    palisade: nothere: there is no such command in the sandbox, or what it needs to start
      try: grant its folder in `filesystem.read`
    ");
    insta::assert_snapshot!(sandbox.run(&["exec", "one", "--", "/etc/hosts"]), @"
    exit: 126
    ----- stdout -----

    ----- stderr -----
    palisade: /etc/hosts cannot be executed: Permission denied (os error 13)
      try: see that it is a program for this system, and that no rule of `permissions` refuses it
    ");
    let mut cat = sandbox
        .palisade(&["exec", "one", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = vec![b'x'; 300_000];
    let mut input = cat.stdin.take().unwrap();
    let sent = text.clone();
    let writer = thread::spawn(move || input.write_all(&sent).unwrap());
    assert!(cat.wait_with_output().unwrap().stdout == text);
    writer.join().unwrap();

    let event = &sandbox.events("exec")[0];
    assert_eq!((&event["decision"], &event["layer"]), (&"allow".into(), &"supervisor".into()));
    assert_eq!(event["detail"]["command"][2], "echo out; echo err >&2; exit 7");
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(event["detail"]["principal"], format!("uid {uid}"));
    let ends = sandbox.events("exec_end");
    let how: Vec<_> = ends.iter().map(|event| event["reason"].as_str().unwrap()).collect();
    assert_eq!(&how[..2], ["exit 7", "signal 9"]);
    assert!(how[2].starts_with("not started: "), "{how:?}");
    assert_eq!(how[4], "exit 0");
    assert_eq!(sandbox.run(&["kill", "one"]).exit, 0);
    sandbox.ends_whole();
}

#[test]
fn a_command_on_a_terminal_gets_one_of_its_own() {
    let sandbox = Sandbox::start("one");
    // The size arrives with the first look at the operator's terminal, which may be a moment later.
    let inner = "tty; while [ \"$(stty size)\" = \"0 0\" ]; do :; done; stty size; echo from $0 >/dev/tty; exit 3";
    let command = format!("stty rows 33 cols 77; {} exec one -- sh -c '{inner}'", program());
    let home = sandbox.home.path();
    let mut script = Command::new("script");
    script
        .args(["-qec", &command, "/dev/null"])
        .env("HOME", home)
        .env("PALISADE_STATE", home.join("state"))
        .stdin(Stdio::null());
    let ran = run(&mut script);
    assert_eq!(ran.exit, 3, "{ran}");
    // `script` sends the end of its empty input as a key, whose echo may come anywhere.
    let told = ran.stdout.replace(['\r', '\0', '\x04', '\x08'], "");
    let told = told.replace("^@", "").replace("^D", "");
    assert!(told.contains("/dev/pts/0\n33 77\nfrom sh\n"), "{ran}");
    assert_eq!(sandbox.run(&["kill", "one"]).exit, 0);
    sandbox.ends_whole();
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_palisade")
}

#[test]
fn a_command_ends_with_whoever_started_it_and_with_the_sandbox() {
    let sandbox = Sandbox::start("one");
    let mut left = sandbox
        .palisade(&[
            "exec",
            "one",
            "--",
            "sh",
            "-c",
            "trap 'echo >hup; exit' HUP; touch up; \
             while :; do sleep 0.05; done",
        ])
        .spawn()
        .unwrap();
    wait_for("the command", || sandbox.work().join("up").exists());
    left.kill().unwrap();
    left.wait().unwrap();
    wait_for("its SIGHUP", || sandbox.work().join("hup").exists());
    wait_for("its record", || !sandbox.events("exec_end").is_empty());
    assert_eq!(sandbox.events("exec_end")[0]["reason"], "left by whoever started it");

    let stays = sandbox.palisade(&["exec", "one", "--", "sh", "-c", "touch on; sleep 1000"]);
    let mut stays = stays;
    let stays = stays.stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the command", || sandbox.work().join("on").exists());
    assert_eq!(sandbox.run(&["kill", "one"]).exit, 0);
    let output = stays.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(125), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the sandbox ended"), "{output:?}");
    assert_eq!(sandbox.events("exec_end")[1]["reason"], "ended with the sandbox");
    sandbox.ends_whole();
}

#[test]
fn logs_follow_a_session_to_its_end() {
    let sandbox = Sandbox::start("one");
    let follow =
        sandbox.palisade(&["logs", "one", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(sandbox.run(&["exec", "one", "--", "true"]).exit, 0);
    assert_eq!(sandbox.run(&["kill", "one"]).exit, 0);
    let output = follow.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for kind in ["journal_open", "launch", "exec", "exec_end", "kill", "end"] {
        let kind = format!("  {kind} ");
        assert!(text.contains(&kind), "no{kind}in\n{text}");
    }
    // Afterwards as well, and the same.
    let after = sandbox.run(&["logs", "one"]);
    assert_eq!((after.exit, after.stdout), (0, text));
    sandbox.ends_whole();
}

/// A socket to the supervisor, as a program of its own would make it.
fn dial(sandbox: &Sandbox) -> OwnedFd {
    let session = sandbox.entry()["session"].as_str().unwrap().to_owned();
    let folder = fs::File::open(sandbox.home.path().join("state/running")).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&folder);
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{number}/{session}.sock")).unwrap();
    let kind = SocketType::SEQPACKET;
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    connect(&socket, &address).unwrap();
    socket
}

fn say(socket: &OwnedFd, bytes: &[u8], descriptors: &[&OwnedFd]) -> Vec<u8> {
    let descriptors: Vec<_> = descriptors.iter().map(|fd| fd.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(
        descriptors.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(&descriptors))
    );
    sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
    let mut answer = vec![0; 1024];
    let (read, _) = recv(socket, answer.as_mut_slice(), RecvFlags::empty()).unwrap();
    answer.truncate(read);
    answer
}

#[test]
fn no_descriptor_that_is_more_than_a_stream_gets_in() {
    let sandbox = Sandbox::start("one");
    let null = OwnedFd::from(fs::File::open("/dev/null").unwrap());
    let folder = OwnedFd::from(fs::File::open("/").unwrap());
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let socket = OwnedFd::from(socket);
    let device = OwnedFd::from(fs::File::open("/dev/zero").unwrap());
    let order = b"X\0\0\0sh\0-c\0ls /proc/self/fd/0/ >&2\0";
    for bad in [&folder, &socket, &device] {
        let answer = say(&dial(&sandbox), order, &[bad, &null, &null]);
        assert!(answer.starts_with(b"R\x7d") && answer.ends_with(b"started the sandbox"));
    }
    for wrong in [&[&null, &null][..], &[&null, &null, &null, &folder], &[]] {
        assert!(say(&dial(&sandbox), order, wrong).starts_with(b"R\x7d"));
    }
    // The twin: with three streams that are no more than that it runs.
    assert_eq!(say(&dial(&sandbox), order, &[&null, &null, &null]), b"X\x02\0\0\0");
    // The command's own side: what is no stream is copied through a pipe, or refused.
    let mut exec = sandbox.palisade(&["exec", "one", "--", "cat"]);
    let ran = run(exec.stdin(fs::File::open("/").unwrap()));
    assert_eq!(ran.exit, 125, "{ran}");
    assert!(ran.stderr.contains("a standard stream is a folder"), "{ran}");
}

#[test]
fn what_is_no_message_harms_nobody() {
    let sandbox = Sandbox::start("one");
    let mut long = b"X\0\0\0".to_vec();
    long.extend(vec![b'a'; 140_000]);
    long.push(0);
    for bytes in [&b"Z"[..], b"X", b"X\0\0\0", b"X\x02\0\0sh\0", b"S\x01\0\0\0", b"E!", &long] {
        let answer = say(&dial(&sandbox), bytes, &[]);
        assert!(answer.starts_with(b"R\x7d"), "{answer:?}");
    }
    // Silent ones take up room, but not from `--force`.
    let silent: Vec<_> = (0..40).map(|_| dial(&sandbox)).collect();
    assert_eq!(sandbox.run(&["kill", "--force", "one"]).exit, 0);
    drop(silent);
    assert_eq!(sandbox.run(&["audit", "recover"]).exit, 0);
    sandbox.ends_whole();
}

/// For root: the folder is opened up on purpose, and still another user gets nothing.
#[test]
fn another_user_gives_no_orders() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: another user's order, which only root can try");
        return;
    }
    let sandbox = Sandbox::start("one");
    let socket = {
        let running = sandbox.home.path().join("state/running");
        for folder in [sandbox.home.path(), &sandbox.home.path().join("state"), &running] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let names = files(&running);
        running.join(names.iter().find(|name| name.ends_with(".sock")).unwrap())
    };
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).unwrap();
    let python = "import socket, sys\n\
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n\
        s.connect(sys.argv[1])\n\
        try: s.send(b'E'); print(s.recv(100))\n\
        except (BrokenPipeError, ConnectionResetError): print(b'')\n";
    let order = |uid: &str| {
        run(Command::new("setpriv")
            .args(["--reuid", uid, "--regid", uid, "--clear-groups", "python3", "-c", python])
            .arg(&socket)
            .env("PATH", "/usr/bin:/bin"))
    };
    let other = order("65534");
    assert_eq!(other.stdout.trim(), "b''", "{other}");
    let [denied] = &sandbox.events("control")[..] else { panic!("no event: {other}") };
    assert_eq!(
        (&denied["decision"], &denied["detail"]["principal"]),
        (&"deny".into(), &"uid 65534".into())
    );
    fs::set_permissions(socket.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(sandbox.entry()["name"], "one");
    // The twin: root itself.
    assert_eq!(order("0").stdout.trim(), "b'E'");
    sandbox.ends_whole();
}

/// `FDSize` of `proc_pid_status(5)`.
fn table_size(pid: &serde_json::Value) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("FDSize:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn many_commands_leave_no_descriptor_behind() {
    let sandbox = Sandbox::start("one");
    let open = || {
        let entry = sandbox.entry();
        // Only root may look into either; everybody may know how large their tables have grown.
        let count = |who: &str| match fs::read_dir(format!("/proc/{}/fd", entry[who])) {
            Ok(open) => open.count(),
            Err(_) => table_size(&entry[who]),
        };
        (count("supervisor"), count("init"))
    };
    assert_eq!(sandbox.run(&["exec", "one", "--", "true"]).exit, 0);
    // Folders are watched a moment after the launch, each by descriptors.
    thread::sleep(Duration::from_secs(1));
    let before = open();
    for _ in 0..30 {
        assert_eq!(sandbox.run(&["exec", "one", "--", "true"]).exit, 0);
        assert_eq!(sandbox.run(&["exec", "one", "--", "nothere"]).exit, 127);
    }
    let mut after = open();
    wait_for("descriptors to be closed", || {
        after = open();
        after <= before
    });
    assert_eq!(sandbox.run(&["kill", "one"]).exit, 0);
    sandbox.ends_whole();
}
