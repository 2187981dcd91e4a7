//! What is reached by a descriptor, without a name: one that was given, sent, or opened again.

use std::{
    io::{Read, Write},
    os::{
        fd::OwnedFd,
        unix::{fs::symlink, net::UnixListener},
    },
    process::{Command, Stdio},
    thread,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::world::{Ran, World, end_of};

/// Starts what is behind its first argument with a standard input that can do more than be read: what
/// that is is the first argument.
const GIVES: &str = "import os, socket, subprocess, sys\n\
     kind, command = sys.argv[1], sys.argv[2:]\n\
     if kind == 'process':\n\
     \x20   child = subprocess.Popen(['/bin/sleep', '60'])\n\
     \x20   given = os.pidfd_open(child.pid)\n\
     elif kind == 'socket':\n\
     \x20   ours, given = socket.socketpair()\n\
     \x20   folder = os.open(os.environ['HOME'], os.O_RDONLY)\n\
     \x20   socket.send_fds(ours, [b'x'], [folder])\n\
     elif kind == 'namespace':\n\
     \x20   given = os.open('/proc/self/ns/net', os.O_RDONLY)\n\
     elif kind == 'folder':\n\
     \x20   given = os.open(os.environ['HOME'], os.O_RDONLY)\n\
     elif kind == 'named':\n\
     \x20   given = os.open(os.environ['HOME'], os.O_PATH)\n\
     ran = subprocess.run(command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)\n\
     print(ran.stdout, end='')\n\
     print(ran.stderr, end='', file=sys.stderr)\n\
     if kind == 'process':\n\
     \x20   try: print('killed', child.wait(0.5))\n\
     \x20   except subprocess.TimeoutExpired: child.kill()\n";

/// What each of them is good for, by the number 0.
const USES: [(&str, &str); 5] = [
    ("process", "exec python3 -c 'import signal; signal.pidfd_send_signal(0, signal.SIGKILL)'"),
    (
        "socket",
        "exec python3 -c 'import os, socket; \
         _, (sent,), _, _ = socket.recv_fds(socket.socket(fileno=0), 1, 1); \
         print(open(os.open(\"notes.txt\", os.O_RDONLY, dir_fd=sent)).read())'",
    ),
    ("namespace", "exec python3 -c 'import fcntl; fcntl.ioctl(0, 0xb702); print(\"its owner\")'"),
    ("folder", "cat /proc/self/fd/0/notes.txt"),
    ("named", "cat /proc/self/fd/0/notes.txt"),
];

/// The operator may start Palisade with anything; it is a stream that gets inside, or nothing.
#[test]
fn uses_a_standard_stream_that_is_more_than_a_stream() {
    let Some(world) = World::plain() else { return };
    let policy = world.at("config/attack.yaml").display().to_string();
    let start = |kind: &str, command: &[&str]| -> Ran {
        let mut argv = vec!["/usr/bin/python3", "-c", GIVES, kind];
        argv.extend(command);
        world.outside(&argv)
    };
    for (kind, program) in USES {
        let shell = ["/bin/sh", "-c", program];
        let mut inside = vec![env!("CARGO_BIN_EXE_palisade"), "run", "--policy", &policy, "--"];
        inside.extend(shell);
        let worked = |ran: &Ran| {
            ["operator's notes", "its owner", "killed"].iter().any(|said| ran.out.contains(said))
        };
        // The owner of the machine's own namespace is nobody's to find.
        if kind != "namespace" {
            let outside = start(kind, &shell);
            assert!(worked(&outside), "{kind} unconfined: {outside}");
        }
        let inside = start(kind, &inside);
        assert!(!worked(&inside), "{kind}: {inside}");
        assert!(!inside.err.is_empty(), "{kind}: {inside}");
    }
}

/// A new terminal of the host: the controlling side and the one for a program.
fn terminal() -> (OwnedFd, OwnedFd) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let inner = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (controller, inner)
}

/// Whichever of the three streams is the operator's terminal: inside it is another, or a pipe. A
/// terminal that is held can be typed into, hung up, locked and read.
#[test]
fn holds_the_operators_terminal() {
    let Some(world) = World::plain() else { return };
    let program = "import os, sys\n\
         def of(number):\n\
         \x20   found = os.fstat(number)\n\
         \x20   return f'{found.st_dev}:{found.st_ino}'\n\
         open('told', 'w').write(' '.join(map(of, (0, 1, 2))))\n";
    let argv = ["/usr/bin/python3", "-c", program];
    let mut plain = Command::new(argv[0]);
    plain.args(&argv[1..]).current_dir(world.workspace());
    for mut command in [plain, world.run(&argv)] {
        let confined = command.get_program() != argv[0];
        for which in [&[0, 1, 2][..], &[0], &[1], &[2], &[1, 2]] {
            let (controller, inner) = terminal();
            let found = rustix::fs::fstat(&inner).unwrap();
            let outer = format!("{}:{}", found.st_dev, found.st_ino);
            let stream = |number: i32| match which.contains(&number) {
                true => Stdio::from(inner.try_clone().unwrap()),
                false => Stdio::null(),
            };
            let spawned = command.stdin(stream(0)).stdout(stream(1)).stderr(stream(2)).spawn();
            // Ours and the command's copies, or reading below does not end.
            drop(inner);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let reader = thread::spawn(move || {
                let mut said = Vec::new();
                std::fs::File::from(controller).read_to_end(&mut said).unwrap_or_default();
                String::from_utf8_lossy(&said).into_owned()
            });
            let ran = end_of(spawned.unwrap());
            let said = reader.join().unwrap();
            assert_eq!(ran.code, Some(0), "{which:?}: {ran}{said}");
            let told = world.read("work/told");
            assert_eq!(
                told.contains(&outer),
                !confined,
                "{which:?}: {told}, the terminal is {outer}"
            );
            std::fs::remove_file(world.at("work/told")).unwrap();
        }
    }
}

/// One thread exchanges a folder for a link that leads out, the other opens a file in it: no check of
/// ours lies between them.
#[test]
fn exchanges_a_folder_for_a_link_while_it_is_opened() {
    let Some(world) = World::plain() else { return };
    world.write("work/one/file", "mine\n");
    world.write("elsewhere/file", "the operator's\n");
    symlink("../elsewhere", world.at("work/two")).unwrap();
    // Until both have been met often, however the machine runs the two.
    let program = "import ctypes, os, signal, time\n\
         libc = ctypes.CDLL(None)\n\
         swapper = os.fork()\n\
         while swapper == 0: libc.renameat2(-100, b'one', -100, b'two', 2)\n\
         seen, until = {}, time.monotonic() + 30\n\
         while (len(seen) < 2 or min(seen.values()) < 500) and time.monotonic() < until:\n\
         \x20   try: said = open('one/file').read()\n\
         \x20   except OSError: said = 'nothing'\n\
         \x20   seen[said] = seen.get(said, 0) + 1\n\
         os.kill(swapper, signal.SIGKILL)\n\
         print(*sorted(seen), end='')\n";
    assert!(world.outside_python(program).good().contains("operator's"));
    assert_eq!(world.inside_python(program).good(), "mine\n nothing");
}

/// The program that starts all others has the host's binary for its own: CVE-2019-5736.
#[test]
fn reaches_palisades_own_program_through_proc() {
    let Some(world) = World::plain() else { return };
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_palisade"));
    let before = std::fs::metadata(own).unwrap();
    // Where a process runs the binary itself, its exe leads to it.
    let outside = world.outside_sh("sleep 60 & exec 3</proc/$!/exe; kill $!; head -c 4 <&3");
    assert!(outside.good().ends_with("ELF"), "{outside}");
    for script in [
        "exec 3>>/proc/1/exe",
        "cat /proc/1/exe",
        "for p in /proc/[0-9]*; do readlink $p/exe; done | grep palisade",
        &format!("cat {}", own.display()),
    ] {
        let inside = world.inside_sh(script);
        assert_ne!(inside.code, Some(0), "{script}: {inside}");
        assert!(
            !inside.out.contains("palisade") && !inside.out.contains("ELF"),
            "{script}: {inside}"
        );
    }
    let after = std::fs::metadata(own).unwrap();
    assert_eq!(
        (before.len(), before.modified().unwrap()),
        (after.len(), after.modified().unwrap())
    );
}

/// A program of the host that begins to listen in the workspace while the sandbox runs, and would send
/// a descriptor to whoever comes. In an overlay the socket is another file, and nobody listens there.
#[test]
fn receives_a_descriptor_from_a_later_program_of_the_host() {
    let Some(world) = World::plain() else { return };
    let script = "echo up; read line; exec python3 -c 'import socket; \
                  s = socket.socket(socket.AF_UNIX); s.connect(\"late.sock\"); print(\"came\")'";
    let comes = |mut command: Command| -> (Ran, bool) {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        let late = UnixListener::bind(world.at("work/late.sock")).unwrap();
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        let ran = end_of(child);
        late.set_nonblocking(true).unwrap();
        std::fs::remove_file(world.at("work/late.sock")).unwrap();
        (ran, late.accept().is_ok())
    };
    let mut plain = Command::new("/bin/sh");
    plain.args(["-c", script]).current_dir(world.workspace());
    let (ran, came) = comes(plain);
    assert!(came && ran.out == "came\n", "{ran}");
    for access in ["overlay", "rw"] {
        if access == "rw" && palisade_sandbox::linux::landlock::landlock_abi() < Some(9) {
            println!("not held by this kernel: sockets that the host binds later (Landlock 9)");
            continue;
        }
        let mut run = world.palisade();
        run.args(["run", "--workspace", access, "--policy"]).arg(world.at("config/attack.yaml"));
        run.args(["--", "/bin/sh", "-c", script]);
        let (ran, came) = comes(run);
        assert!(!came && ran.out.is_empty(), "{access}: {ran}");
        assert!(ran.err.contains("ConnectionRefused") || ran.err.contains("Permission"), "{ran}");
    }
}
