//! Memory, in every form that a program can have it in.

use crate::{
    holding::{By, worlds},
    world::{Ran, World},
};

/// `bomb.py KIND MIB SECONDS`: take so much and no more, hold it for so long, say so.
const BOMB: &str = r#"
import ctypes, mmap, os, resource, socket, sys, time

kind, most, long = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
MIB = 1 << 20
hold, taken = [], 0

def touch(area):
    for at in range(0, len(area), 4096):
        area[at] = 1

def descriptors(number):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))

def file_in(folder):
    name = f"{folder}/bomb.{os.getpid()}"
    file = os.open(name, os.O_CREAT | os.O_WRONLY)
    os.unlink(name)
    return file

def fill(a, b):
    for end in (a, b):
        end.setblocking(False)
    taken = 0
    try:
        while True:
            taken += a.send(b"x" * 65536)
    except BlockingIOError:
        pass
    hold.append((a, b))
    return taken

try:
    if kind == "heap":
        while taken < most * MIB:
            hold.append(bytearray(MIB)); touch(hold[-1]); taken += MIB
    elif kind == "children":
        # Each has little; together they have too much.
        part = most * MIB // 8
        for _ in range(8):
            if os.fork() == 0:
                area = bytearray(part); touch(area); time.sleep(long + 2); os._exit(0)
        time.sleep(1); taken = most * MIB
    elif kind == "shared":
        while taken < most * MIB:
            area = mmap.mmap(-1, 8 * MIB, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
            touch(area); hold.append(area); taken += 8 * MIB
    elif kind == "system-v":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        while taken < most * MIB:
            segment = libc.shmget(0, 8 * MIB, 0o1600)
            assert segment >= 0, "shmget"
            at = libc.shmat(segment, None, 0)
            libc.shmctl(segment, 0, None)
            ctypes.memset(at, 1, 8 * MIB); taken += 8 * MIB
    elif kind == "memfd":
        file = os.memfd_create("bomb")
        while taken < most * MIB:
            os.write(file, b"x" * MIB); taken += MIB
    elif kind in ("tmp", "shm"):
        file = file_in("/tmp" if kind == "tmp" else "/dev/shm")
        while taken < most * MIB:
            taken += os.write(file, b"x" * MIB)
    elif kind == "pipes":
        descriptors(4000)
        while taken < most * MIB:
            out, into = os.pipe(); os.set_blocking(into, False); hold.append((out, into))
            try:
                import fcntl; fcntl.fcntl(into, 1031, MIB)
            except OSError: pass
            try:
                while True: taken += os.write(into, b"x" * 65536)
            except BlockingIOError: pass
    elif kind == "unix":
        descriptors(4000)
        while taken < most * MIB:
            taken += fill(*socket.socketpair())
    elif kind == "tables":
        # What is only read is one page of zeros; the tables that say so are not.
        step, flags = 2 * MIB, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
        area = mmap.mmap(-1, (most * 256 + 8) * step, flags=flags, prot=mmap.PROT_READ)
        hold.append(area)
        for at in range(0, most * 256 * step, step):
            area[at]; taken += 4096
    elif kind == "epoll":
        import select
        descriptors(4000)
        watched = [os.eventfd(0) for _ in range(1500)]
        while taken < most * MIB:
            hold.append(select.epoll())
            for one in watched:
                hold[-1].register(one); taken += 200
    elif kind == "tcp":
        server = socket.create_server(("127.0.0.1", 0), backlog=4)
        for _ in range(most):
            a = socket.create_connection(server.getsockname())
            taken += fill(a, server.accept()[0])
    print("TOOK", taken // MIB, flush=True)
    time.sleep(long)
    print("HELD", flush=True)
except (OSError, MemoryError) as error:
    print("STOPPED", type(error).__name__, error)
"#;

/// The limit in MiB, and what bombs try to have.
const LIMIT: &str = "64";
const MOST: &str = "256";

fn policy() -> String {
    format!("process: {{limits: {{memory: {LIMIT}MiB, open_files: 4096}}}}")
}

impl World {
    fn bomb(&self, kind: &str, most: &str) -> Ran {
        self.write("work/bomb.py", BOMB);
        // Longer than between two looks, where looking is what holds the limit.
        self.inside(&["/usr/bin/python3", "bomb.py", kind, most, "3"])
    }

    fn bomb_outside(&self, kind: &str, most: &str) -> Ran {
        self.write("work/bomb.py", BOMB);
        self.outside(&["/usr/bin/python3", "bomb.py", kind, most, "0"])
    }
}

/// Nothing of the agent's holds what it took, and the limit is named. The bomb may be told by an
/// error first; then it was not ended.
fn assert_stopped(world: &World, ran: &Ran) {
    assert!(!ran.out.contains("HELD"), "{ran}");
    if ran.out.contains("STOPPED") {
        world.end();
    } else {
        world.assert_ended_by(ran, "memory");
    }
}

fn takes(kind: &str) {
    for (by, world) in worlds(&policy()) {
        let outside = world.bomb_outside(kind, MOST);
        assert!(outside.out.contains("HELD"), "{kind}: {outside}");
        let inside = world.bomb(kind, MOST);
        println!("{kind} by {by:?}: {}", inside.out.trim());
        assert_stopped(&world, &inside);
        // With room enough it is no bomb.
        let permitted = world.bomb(kind, "8");
        assert!(permitted.out.contains("HELD"), "{kind} by {by:?}: {permitted}");
    }
}

#[test]
fn takes_memory_on_the_heap() {
    takes("heap");
}

#[test]
fn takes_memory_in_many_children() {
    takes("children");
}

#[test]
fn takes_memory_in_shared_mappings() {
    takes("shared");
}

#[test]
fn takes_memory_in_system_v_segments() {
    takes("system-v");
}

#[test]
fn takes_memory_in_tmp() {
    takes("tmp");
}

#[test]
fn takes_memory_in_dev_shm() {
    takes("shm");
}

/// What is in no process: only a group counts it. That it is weaker without one is said there
/// (`the_journal_says_which_limits_are_weaker`) and shown here.
fn takes_in_no_process(kind: &str, most: &str) {
    for (by, world) in worlds("process: {limits: {memory: 32MiB, open_files: 4096}}") {
        let outside = world.bomb_outside(kind, most);
        assert!(outside.out.contains("HELD"), "{kind}: {outside}");
        let inside = world.bomb(kind, most);
        println!("{kind} by {by:?}: {}", inside.out.trim());
        if by == By::Group {
            assert_stopped(&world, &inside);
        }
        world.end();
        assert!(world.bomb(kind, "4").out.contains("HELD"), "{kind} by {by:?}");
    }
}

#[test]
fn takes_memory_in_a_file_without_a_name() {
    takes_in_no_process("memfd", MOST);
}

/// An ordinary user may have 64 MiB in pipes, all of them together, before each is given two pages.
#[test]
fn takes_memory_in_pipes() {
    takes_in_no_process("pipes", "56");
}

#[test]
fn takes_memory_in_unix_sockets() {
    takes_in_no_process("unix", "100");
}

#[test]
fn takes_memory_in_page_tables() {
    takes_in_no_process("tables", "100");
}

#[test]
fn takes_memory_in_watched_descriptors() {
    takes_in_no_process("epoll", "60");
}

/// Buffers of TCP are made smaller when there is too much in them, so nothing is ended: a few
/// connections have little.
#[test]
fn takes_memory_in_tcp_sockets() {
    for (by, world) in worlds("process: {limits: {memory: 32MiB}}") {
        let took = |ran: &Ran| -> Option<u64> {
            ran.out.lines().find_map(|line| line.strip_prefix("TOOK "))?.parse().ok()
        };
        let outside = world.bomb_outside("tcp", "16");
        assert!(took(&outside).unwrap() > 48, "{outside}");
        let inside = world.bomb("tcp", "16");
        println!("tcp by {by:?}: {}", inside.out.trim());
        if by == By::Group {
            assert!(took(&inside).is_none_or(|took| took < 32), "{inside}");
        }
        world.end();
    }
}

/// The kernel looks inside for what to kill before it looks at the supervisor, and the agent
/// cannot change that.
#[test]
fn offers_the_supervisor_to_be_killed_first() {
    let Some(world) = World::plain() else { return };
    let look = "cat /proc/self/oom_score_adj /proc/1/oom_score_adj; \
                for score in -500 0; do echo $score > /proc/self/oom_score_adj; done 2>/dev/null; \
                sh -c 'cat /proc/self/oom_score_adj'";
    let outside = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    let outside: i32 = outside.trim().parse().unwrap();
    let inside = world.inside_sh(look);
    let scores: Vec<i32> = inside.good().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(scores.len(), 3, "{inside}");
    assert!(scores.iter().all(|score| *score >= 500 && *score > outside), "{inside}");
}
