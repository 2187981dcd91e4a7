//! Refused system calls: each is in the journal, and nothing that is done to the way there lets one
//! through.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    attempts::{
        Seen::{IfBuilt, IfBuiltRooted, Never, Works, WorksForRoot, WorksRooted},
        refused,
    },
    world::{Ran, World, end_of, finish, flood},
};

/// Far longer than it takes, for machines under load.
const PATIENCE: Duration = Duration::from_secs(120);

/// Python that makes calls: `call("mount")` is 0 or the errno.
const CALLS: &str = r#"
import ctypes, os, platform, sys, time
libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NUMBERS = {"mount": 165 if X86 else 40, "bpf": 321 if X86 else 280, "unshare": 272 if X86 else 97}
def call(name, *arguments):
    wide = [ctypes.c_long(argument) for argument in arguments]
    return 0 if libc.syscall(NUMBERS[name], *wide) >= 0 else ctypes.get_errno()
def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.005)
"#;

pub(crate) fn python(program: &str) -> String {
    format!("{CALLS}\n{program}")
}

pub(crate) fn start(world: &World, program: &str) -> Child {
    let mut run = world.run(&["/usr/bin/python3", "-c", &python(program)]);
    run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// The state of a process or thread: the letter behind its name.
fn state(pid: u32) -> Option<char> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.trim().chars().next()
}

/// Stop the supervisor: what is told now waits.
fn stop(supervisor: &Child) {
    signal(supervisor, Signal::STOP);
    wait_for("the supervisor to stop", || state(supervisor.id()) == Some('T'));
}

pub(crate) fn denied(world: &World) -> Vec<Value> {
    let events = world.events().into_iter();
    events.filter(|event| event["decision"] == "deny").collect()
}

/// How many were refused, those that were only counted too.
pub(crate) fn count(events: &[Value], subject: &str) -> u64 {
    let of_subject = events.iter().filter(|event| event["subject"] == subject);
    of_subject.map(|event| event["detail"]["count"].as_u64().unwrap_or(1)).sum()
}

#[test]
fn makes_calls_that_the_filter_refuses() {
    let Some(world) = World::plain() else { return };
    refused(
        &world,
        &[
            ("mount", "EPERM", WorksRooted),
            ("bpf", "EPERM", WorksForRoot),
            ("socket-packet", "EAFNOSUPPORT", IfBuiltRooted),
            ("socket-raw", "EPERM", WorksRooted),
            ("socket-udplite", "EPROTONOSUPPORT", IfBuilt),
            ("clone-user", "EPERM", Works),
            ("unshare-user", "EPERM", Works),
            ("keyctl", "EPERM", IfBuilt),
            ("perf", "EPERM", IfBuilt),
            ("userfaultfd", "EPERM", IfBuilt),
            ("personality", "EPERM", Works),
            ("tiocsti", "EPERM", Never),
            ("handle", "EPERM", Works),
            ("listener", "EPERM", Works),
            ("kexec", "EPERM", Never),
            // Node.js tries it at each start.
            ("io-uring", "EPERM", IfBuilt),
            // These say that there is no such call, which programs ask for all the time.
            ("clone3-user", "ENOSYS", Works),
            ("listmount", "ENOSYS", IfBuilt),
        ],
    );
    world.assert_denials(&[
        ("syscall", "mount"),
        ("syscall", "bpf(0)"),
        ("syscall", "socket(AF_PACKET, SOCK_RAW, 768)"),
        ("syscall", "socket(AF_INET, SOCK_RAW, 1)"),
        ("syscall", "socket(AF_INET, SOCK_DGRAM, 136)"),
        ("syscall", "clone(CLONE_NEWUSER)"),
        ("syscall", "unshare(CLONE_NEWUSER)"),
        ("syscall", "keyctl(0)"),
        ("syscall", "perf_event_open"),
        ("syscall", "userfaultfd"),
        ("syscall", "personality(0x400000)"),
        ("syscall", "ioctl(TIOCSTI)"),
        ("syscall", "name_to_handle_at"),
        ("syscall", "seccomp(1, flags 0x8)"),
        ("syscall", "kexec_load"),
    ]);
    for event in denied(&world) {
        assert_eq!(event["layer"], "process", "{event}");
        assert_eq!(event["rule"], "process.syscalls.profile", "{event}");
        assert!(event["session"].as_str().unwrap().starts_with("s-"), "{event}");
        assert!(!event["reason"].as_str().unwrap().is_empty(), "{event}");
    }
}

#[test]
fn ordinary_programs_are_refused_nothing() {
    let Some(world) = World::plain() else { return };
    let script = "python3 -c 'import threading, subprocess, socket, tempfile, multiprocessing\n\
        t = threading.Thread(target=print); t.start(); t.join()\n\
        p = multiprocessing.Process(target=print); p.start(); p.join()\n\
        subprocess.run([\"ls\", \"-l\", \"/\"], stdout=subprocess.DEVNULL)' && \
        echo 'int main(void){return 0;}' > h.c && gcc h.c -o h && ./h && \
        cp -a h g && tar cf x.tar h g && tar xf x.tar && echo done";
    assert!(world.inside_sh(script).good().ends_with("done"));
    world.assert_denials(&[]);
}

#[test]
fn makes_calls_that_the_policy_denies() {
    let policy = "process: {syscalls: {deny: [getpriority, sendmsg, bpf]}}";
    let Some(world) = World::new(policy) else { return };
    // Without `sendmsg` there is no listener: it is refused all the same, and said.
    let program = python("print(call('bpf', 5, 0, 0))");
    assert_eq!(world.inside_python(&program).good(), "1");
    assert!(denied(&world).is_empty());
    let events = world.events();
    let said = events.iter().find(|event| event["kind"] == "unrecorded").unwrap();
    assert!(said["reason"].as_str().unwrap().contains("sendmsg"), "{said}");

    let Some(world) = World::new(&policy.replace("sendmsg, ", "")) else { return };
    let program = python(
        "print(call('bpf', 5, 0, 0))\ntry: os.getpriority(0, 0)\nexcept OSError as e: print(e.errno)",
    );
    assert_eq!(world.inside_python(&program).good(), "1\n1");
    world.assert_denials(&[("syscall", "bpf(5)"), ("syscall", "getpriority")]);
    let rules: BTreeSet<_> =
        denied(&world).iter().map(|event| event["rule"].as_str().unwrap().to_owned()).collect();
    let expected = ["process.syscalls.deny[bpf]", "process.syscalls.deny[getpriority]"];
    assert_eq!(rules, expected.map(str::to_owned).into());
    assert!(world.events().iter().all(|event| event["kind"] != "unrecorded"));
}

#[test]
fn floods_the_journal_with_refused_calls() {
    let calls = flood();
    let Some(world) = World::plain() else { return };
    // From two processes, with other calls between them.
    let program = python(&format!(
        "bad = 0\nchild = os.fork()\nfor n in range({}):\n    bad += call('bpf', 5, 0, 0) != 1\n\
         if child == 0: os._exit(bad != 0)\n\
         assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\nprint(bad)",
        calls / 2
    ));
    assert_eq!(world.inside_python(&program).good(), "0");
    let events = denied(&world);
    assert_eq!(count(&events, "bpf(5)"), calls);
    assert!(events.len() < 1000, "{} records", events.len());
    assert_eq!(world.events().last().unwrap()["subject"], "exit 0");
    world.verify();
}

/// Numbers that differ each time: more subjects than are told apart.
#[test]
fn floods_the_journal_with_many_kinds_of_refused_calls() {
    const CALLS: u64 = 20_000;
    let Some(world) = World::plain() else { return };
    let program = python(&format!(
        "print(sum(call('bpf', n, 0, 0) != 1 for n in range(1000, 1000 + {CALLS})))"
    ));
    assert_eq!(world.inside_python(&program).good(), "0");
    let events = denied(&world);
    let all: u64 = events.iter().map(|one| one["detail"]["count"].as_u64().unwrap_or(1)).sum();
    assert_eq!(all, CALLS);
    assert!(events.len() < 4000, "{} records", events.len());
    world.verify();
}

#[test]
fn kills_threads_whose_refused_calls_wait() {
    let Some(world) = World::plain() else { return };
    let program = "open('up', 'w').close()\nwait_for('stopped')\nchildren = []\n\
        for n in range(20):\n    child = os.fork()\n    \
            if child == 0:\n        call('mount', 0, 0, 0, 0, 0)\n        os._exit(7)\n    \
            children.append(child)\n\
        time.sleep(0.5)\nfor child in children: os.kill(child, 9)\n\
        print({os.waitpid(child, 0)[1] for child in children})\n\
        open('killed', 'w').close()\nprint(call('mount', 0, 0, 0, 0, 0))";
    let child = start(&world, program);
    let work = world.workspace();
    wait_for("the agent", || work.join("up").exists());
    stop(&child);
    fs::write(work.join("stopped"), "").unwrap();
    // While nobody answers, each waits, and a deadly signal ends it.
    wait_for("the calls to be given up", || work.join("killed").exists());
    signal(&child, Signal::CONT);
    let ran = end_of(child);
    assert_eq!(ran.good(), "{9}\n1");
    // Those that were killed before they were heard of leave nothing to tell.
    let told = count(&denied(&world), "mount");
    assert!((1..=21).contains(&told), "{told}");
    world.verify();
}

#[test]
fn kills_the_supervisor_while_a_refused_call_waits() {
    let Some(world) = World::plain() else { return };
    let program = "open('up', 'w').close()\nwait_for('stopped')\n\
        open('calling', 'w').close()\nanswer = call('unshare', 0x10000000)\n\
        open('answer', 'w').write(str(answer))\ntime.sleep(600)";
    let mark = format!("palisade-waiting-{}", std::process::id());
    let mut child = start(&world, &format!("# {mark}\n{program}"));
    let work = world.workspace();
    wait_for("the agent", || work.join("up").exists());
    stop(&child);
    fs::write(work.join("stopped"), "").unwrap();
    wait_for("the call", || work.join("calling").exists());
    sleep(Duration::from_millis(200));
    assert!(!work.join("answer").exists(), "nobody is there to answer, so it waits");
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("everything to be gone", || running(&mark).is_empty());
    // In the moment between, the call may have failed. It has not succeeded.
    let answer = fs::read_to_string(work.join("answer")).unwrap_or_default();
    assert!(["", "1", "38"].contains(&answer.as_str()), "{answer}");
}

/// Processes with this in their command line.
fn running(mark: &str) -> Vec<String> {
    let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let pids =
        all.filter(|path| path.file_name().unwrap().to_string_lossy().parse::<u32>().is_ok());
    pids.filter(|path| {
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        line.windows(mark.len()).any(|part| part == mark.as_bytes())
    })
    .map(|path| path.display().to_string())
    .collect()
}

/// The listener is nowhere inside, so nobody there can answer a call, or hear of one.
#[test]
fn looks_for_the_listener_in_every_process() {
    let Some(world) = World::plain() else { return };
    let program = "import glob, subprocess\n\
        child = subprocess.Popen(['sleep', '600'])\n\
        found = [os.readlink(f) for f in glob.glob('/proc/*/fd/*') if os.path.lexists(f)]\n\
        print(len(found) > 3, [f for f in found if 'seccomp' in f])\nsys.stdout.flush()\n\
        open('up', 'w').close()\nwait_for('done')\nchild.kill()";
    let child = start(&world, program);
    wait_for("the agent", || world.workspace().join("up").exists());
    // From outside: init too, where we may look.
    let (mut holders, mut looked) = (Vec::new(), 0);
    for pid in tree(child.id()) {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { continue };
        looked += 1;
        let links = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        if links.into_iter().any(|link| link == Path::new("anon_inode:seccomp notify")) {
            holders.push(pid);
        }
    }
    if rustix::process::geteuid().is_root() {
        assert!(looked >= 4, "supervisor, init, python and sleep");
        assert_eq!(holders, [child.id()], "the supervisor alone has it");
    } else {
        assert!(holders.is_empty(), "{holders:?}");
    }
    fs::write(world.workspace().join("done"), "").unwrap();
    assert_eq!(end_of(child).good(), "True []");
}

/// A process and all that came from it.
fn tree(of: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter_map(|pid: u32| {
            let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let parent = text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect();
    let mut found = vec![of];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

/// A command beside the agent is told of like the agent.
#[test]
fn makes_refused_calls_beside_the_agent() {
    let Some(world) = World::plain() else { return };
    let child = start(&world, "open('up', 'w').close()\nwait_for('done')");
    wait_for("the agent", || world.workspace().join("up").exists());
    let exec = |program: &str| -> Ran {
        let session = world.events()[0]["session"].as_str().unwrap().to_owned();
        let mut command = world.palisade();
        command.args(["exec", &session, "--", "/usr/bin/python3", "-c", &python(program)]);
        finish(&mut command)
    };
    assert_eq!(exec("print(call('mount', 0, 0, 0, 0, 0))").good(), "1");
    assert_eq!(exec("print(call('unshare', 0x20000000))").good(), "1");
    let holds = "links = [os.readlink(f.path) for f in os.scandir('/proc/self/fd') \
                 if os.path.lexists(f.path)]\nprint(len(links) > 2, [f for f in links if 'seccomp' in f])";
    assert_eq!(exec(holds).good(), "True []");
    fs::write(world.workspace().join("done"), "").unwrap();
    end_of(child).good();
    world.assert_denials(&[("syscall", "mount"), ("syscall", "unshare(CLONE_NEWPID)")]);
}

/// A journal that takes nothing more records no denial; the denial stands.
#[test]
fn makes_refused_calls_when_the_journal_is_broken() {
    let Some(world) = World::plain() else { return };
    let program = "open('up', 'w').close()\nwait_for('broken')\n\
        print(call('mount', 0, 0, 0, 0, 0), call('unshare', 0x10000000), call('bpf', 5, 0, 0))";
    let child = start(&world, program);
    wait_for("the agent", || world.workspace().join("up").exists());
    let session = world.events()[0]["session"].as_str().unwrap().to_owned();
    let folder = world.at("state/journal").join(session);
    let segments = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    for segment in segments.filter(|path| path.is_file()) {
        fs::OpenOptions::new()
            .append(true)
            .open(segment)
            .and_then(|mut file| std::io::Write::write_all(&mut file, b"not of the journal\n"))
            .unwrap();
    }
    fs::write(world.workspace().join("broken"), "").unwrap();
    let ran = end_of(child);
    assert_eq!(ran.out.trim_end(), "1 1 1", "{ran}");
}

/// Puts a filter on that allows all, with a listener, and then runs a program: as in a container whose
/// runtime listens itself.
const LISTENING: &str = r#"
import ctypes, os, platform, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
code = struct.pack("HBBI", 6, 0, 0, 0x7FFF_0000)
buffer = ctypes.create_string_buffer(code, len(code))
program = struct.pack("HxxxxxxP", 1, ctypes.addressof(buffer))
seccomp = 317 if platform.machine() == "x86_64" else 277
listener = libc.syscall(seccomp, 1, 8, program)
assert listener >= 0, ctypes.get_errno()
os.set_inheritable(listener, True)
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// Without a listener, the kernel alone refuses, with the same errno; that much is recorded.
#[test]
fn makes_refused_calls_where_nobody_can_listen() {
    let program = python("print(call('mount', 0, 0, 0, 0, 0), call('unshare', 0x10000000))");
    let told = |world: &World, why: &str| {
        assert!(denied(world).is_empty());
        let events = world.events();
        let said: Vec<_> = events.iter().filter(|event| event["kind"] == "unrecorded").collect();
        assert_eq!(said.len(), 1, "{events:?}");
        assert!(said[0]["reason"].as_str().unwrap().contains(why), "{said:?}");
        world.verify();
    };
    let Some(world) = World::plain() else { return };
    let world = world.with_variable("PALISADE_SIMULATE_MISSING", "seccomp-listener");
    assert_eq!(world.inside_python(&program).good(), "1 1");
    told(&world, "no listeners");

    let Some(world) = World::plain() else { return };
    let run = world.run(&["/usr/bin/python3", "-c", &program]);
    let mut argv = vec!["/usr/bin/python3".as_ref(), "-c".as_ref(), LISTENING.as_ref()];
    argv.push(run.get_program());
    argv.extend(run.get_args());
    assert_eq!(world.outside(&argv).good(), "1 1");
    told(&world, "another supervisor outside listens");
}
