//! `palisade exec` into a sandbox that runs: whoever enters is confined like the agent, and the agent gains
//! nothing by it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use crate::{
    attempts,
    world::{Ran, World, finish},
};

/// A sandbox that runs until it is dropped.
struct Running<'a> {
    world: &'a World,
    agent: Child,
}

impl<'a> Running<'a> {
    fn start(world: &'a World, script: &str) -> Self {
        let mut run = world.palisade();
        run.args(["run", "--name", "one", "--policy"]).arg(world.at("config/attack.yaml"));
        run.args(["--", "/bin/sh", "-c", &format!("{script}\necho up\nexec sleep 600")]);
        let mut agent = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(agent.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "up\n");
        Self { world, agent }
    }

    fn exec(&self, argv: &[&str]) -> Ran {
        finish(self.world.palisade().args(["exec", "one", "--"]).args(argv))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.agent.kill().unwrap_or_default();
        self.agent.wait().map(drop).unwrap_or_default();
    }
}

/// A selection of what is tried in `palisade run`, each shown there to work unconfined.
#[test]
fn enters_and_tries_what_the_agent_may_not() {
    let Some(world) = World::plain() else { return };
    let key = world.home().join(".ssh/id_ed25519").display().to_string();
    let host = std::process::id();
    let words: Vec<(String, &[&str])> = vec![
        (format!("read={key}"), &["ENOENT"]),
        (format!("read=/proc/self/root{key}"), &["ENOENT"]),
        ("list=/proc/1/root".into(), &["EACCES"]),
        ("open=/proc/1/environ".into(), &["EACCES"]),
        ("open-write=/proc/sys/kernel/hostname".into(), &["EROFS", "EACCES"]),
        ("open-write=/usr/bin/env".into(), &["EROFS", "EACCES"]),
        (format!("kill0={host}"), &["ESRCH"]),
        (format!("sigio={host}"), &["ESRCH"]),
        ("ptrace".into(), &["EPERM"]),
        ("readv".into(), &["EPERM"]),
        ("prlimit".into(), &["EPERM"]),
        ("clone-user".into(), &["EPERM"]),
        ("clone3-user".into(), &["ENOSYS"]),
        ("unshare-user".into(), &["EPERM"]),
        ("setns".into(), &["EPERM"]),
        ("mount".into(), &["EPERM"]),
        ("umount".into(), &["EPERM"]),
        ("chroot".into(), &["EPERM"]),
        ("open-tree".into(), &["EPERM"]),
        ("open-handle".into(), &["EPERM"]),
        ("io-uring".into(), &["EPERM"]),
        ("bpf".into(), &["EPERM"]),
        ("keyctl".into(), &["EPERM"]),
        ("socket-raw".into(), &["EPERM"]),
        ("socket-mptcp".into(), &["EPROTONOSUPPORT"]),
        ("socket-netlink-netfilter".into(), &["EPROTONOSUPPORT"]),
        ("tiocsti".into(), &["EPERM"]),
        ("tiocsti-high".into(), &["EPERM"]),
        ("mknod-mem".into(), &["EPERM"]),
        ("personality".into(), &["EPERM"]),
        ("fifo".into(), &["EPERM"]),
        ("listener".into(), &["EPERM"]),
        ("unknown-calls".into(), &["ENOSYS"]),
        #[cfg(target_arch = "x86_64")]
        ("int80".into(), &["killed 31"]),
        #[cfg(target_arch = "x86_64")]
        ("x32".into(), &["killed 31"]),
    ];
    let running = Running::start(&world, "true");
    let argv = attempts::argv(&words.iter().map(|(word, _)| word).collect::<Vec<_>>());
    let ran = running.exec(&argv.iter().map(String::as_str).collect::<Vec<_>>());
    let outcomes = attempts::read(&ran, words.len());
    for (word, expected) in words {
        assert!(expected.contains(&outcomes[&word].as_str()), "{word}: {}", outcomes[&word]);
    }
}

/// CVE-2019-5736: what enters is, for a moment, a program of the host's. The agent has it run its own exe
/// again, by a name or as an interpreter, and would write to it.
#[test]
fn has_whoever_enters_run_palisade_again() {
    let Some(world) = World::plain() else { return };
    for (name, text) in [("script", "#!/proc/self/exe\n"), ("other", "#!/proc/1/exe\n")] {
        let path = format!("work/{name}");
        world.program(&path, text);
    }
    std::os::unix::fs::symlink("/proc/self/exe", world.at("work/link")).unwrap();
    let running = Running::start(&world, "true");
    for program in ["/proc/self/exe", "./script", "./other", "./link", "/proc/1/exe"] {
        let ran = running.exec(&[program, "--version"]);
        assert_eq!(ran.out, "", "{program}: {ran}");
        assert_eq!(ran.code, Some(126), "{program}: {ran}");
    }
    // Unconfined, each runs what ran it.
    let outside = world.outside(&["/usr/bin/env", "/proc/self/exe", "--version"]);
    assert!(outside.good().contains("env"), "{outside}");
}

/// The agent waits for whoever enters, to take it while it still is a program of the host's.
const WATCH: &str = "\
import os, signal, sys
own, seen, said = os.getpid(), set(), set()
print('up', flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
try:
    while True:
        for pid in filter(str.isdigit, os.listdir('/proc')):
            if int(pid) in (1, own): continue
            for name, to in ('exe', seen), ('cwd', seen), ('fd/3', seen):
                try: to.add(os.readlink(f'/proc/{pid}/{name}'))
                except OSError: pass
            for name in 'environ', 'cmdline':
                try: said.add(open(f'/proc/{pid}/{name}').read())
                except OSError: pass
            try: memory = os.open(f'/proc/{pid}/mem', os.O_RDWR); seen.add('memory to write')
            except OSError: pass
finally:
    open('caught', 'w').write(repr((seen, said)))
";

#[test]
fn waits_for_whoever_enters() {
    let Some(world) = World::plain() else { return };
    world.write("work/watch.py", WATCH);
    let mut running = Running::start(&world, "exec python3 watch.py");
    for long in std::iter::repeat_n("0.01", 20).chain(["1"]) {
        running.exec(&["/bin/sleep", long]).good();
    }
    finish(world.palisade().args(["kill", "one"])).good();
    running.agent.wait().unwrap();
    let caught = world.read("work/caught");
    // It was watched, once it was a program of the sandbox's.
    assert!(caught.contains("/bin/sleep"), "{caught}");
    for never in ["palisade'", "OPERATORS_KEY", "attack.yaml", "memory to write", "exec one"] {
        assert!(!caught.contains(never), "{never}: {caught}");
    }
}

/// A filter of the agent's own tells whoever is under it that `mount(2)` succeeds. It does not, and nobody
/// else is told so.
const LIES: &str = "\
import ctypes, struct, subprocess, sys
libc = ctypes.CDLL(None)
rows = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (6, 0, 0, 0x50000), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *row) for row in rows))
program = struct.pack('=HxxxxxxQ', len(rows), ctypes.addressof(code))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.create_string_buffer(program), 0, 0) == 0
print(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), flush=True)
subprocess.run(sys.argv[2:])
sys.exit(7)
";

#[test]
fn answers_calls_with_lies() {
    let Some(world) = World::plain() else { return };
    let number = libc::SYS_mount.to_string();
    let look = ["/usr/bin/grep", "-c", " /tmp ", "/proc/self/mountinfo"];
    let mut arguments = vec![number.as_str()];
    arguments.extend(look);
    let inside = world.inside_python_with(LIES, &arguments);
    // The end is what it was, too.
    assert_eq!((inside.out.as_str(), inside.code), ("0\n1\n", Some(7)), "{inside}");
    let events = world.events();
    let end = events.iter().find(|event| event["kind"] == "end").unwrap();
    assert_eq!(end["subject"], "exit 7", "{end}");
    world.write("work/lies.py", LIES);
    let running = Running::start(&world, &format!("python3 lies.py {number} true >/dev/null"));
    let argv = attempts::argv(&["mount"]);
    let ran = running.exec(&argv.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(attempts::read(&ran, 1)["mount"], "EPERM");
}
