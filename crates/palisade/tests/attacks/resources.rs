//! Using up what the machine has.

use crate::world::World;

#[test]
fn forks_without_end() {
    let Some(world) = World::new("process: {limits: {processes: 60}}") else { return };
    // Each child waits, so that all live at a time; the count is what could be had.
    let program = "import os, signal, sys\n\
         most = int(sys.argv[1])\n\
         children = []\n\
         try:\n\
         \x20   for _ in range(most):\n\
         \x20       pid = os.fork()\n\
         \x20       if pid == 0: signal.pause()\n\
         \x20       children.append(pid)\n\
         except BlockingIOError: pass\n\
         print(len(children))\n\
         for pid in children: os.kill(pid, signal.SIGKILL)\n";
    let outside = world.outside(&["/usr/bin/python3", "-c", program, "200"]);
    assert_eq!(outside.good(), "200");
    let inside = world.inside_python_with(program, &["200"]);
    let had: u32 = inside.good().parse().unwrap();
    assert!((40..60).contains(&had), "{had} of at most 60");
    world.verify();
}

#[test]
fn starts_threads_without_end() {
    let Some(world) = World::new("process: {limits: {processes: 60}}") else { return };
    let program = "import threading\n\
         stop, count = threading.Event(), 0\n\
         try:\n\
         \x20   for _ in range(200):\n\
         \x20       threading.Thread(target=stop.wait, daemon=True).start(); count += 1\n\
         except RuntimeError: pass\n\
         stop.set(); print(count)\n";
    assert_eq!(world.outside_python(program).good(), "200");
    let had: u32 = world.inside_python(program).good().parse().unwrap();
    assert!((40..60).contains(&had), "{had} of at most 60");
}

/// A classic: it ends when the session does, and the session ends.
#[test]
fn bombs_and_lets_the_bomb_run_on() {
    let Some(world) = World::new("process: {limits: {processes: 60}}") else { return };
    let script = "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 0.5; exit 7";
    let inside = world.inside(&["/bin/bash", "-c", script]);
    assert_eq!(inside.code, Some(7), "{inside}");
    world.verify();
}

/// More than the limit of one sandbox is another sandbox's.
#[test]
fn takes_the_processes_of_another_sandbox() {
    let Some(world) = World::new("process: {limits: {processes: 60}}") else { return };
    let hold = "for i in $(seq 40); do sleep 30 & done; echo up; wait";
    let mut first = world.run(&["/bin/sh", "-c", hold]);
    let mut first = first.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(first.stdout.as_mut().unwrap()),
        &mut line,
    )
    .unwrap();
    let second = world.inside_sh("for i in $(seq 40); do sleep 0.1 & done; wait; echo all");
    assert_eq!((line.as_str(), second.good()), ("up\n", "all"));
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn takes_memory_without_end() {
    let Some(world) = World::new("process: {limits: {memory: 256MiB}}") else { return };
    let program = "blocks = []\n\
         try:\n\
         \x20   for _ in range(40): blocks.append(b'x' * (16 << 20))\n\
         except MemoryError: pass\n\
         print(len(blocks))\n";
    assert_eq!(world.outside_python(program).good(), "40");
    let inside = world.inside_python(program);
    // A limit by control group ends the sandbox instead.
    let ended = inside.code == Some(137);
    let had = || inside.good().parse::<u32>().unwrap();
    assert!(ended || had() < 16, "{inside}");
}

#[test]
fn opens_files_without_end() {
    let Some(world) = World::new("process: {limits: {open_files: 64}}") else { return };
    let program = "import resource\n\
         files = []\n\
         try: resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))\n\
         except (ValueError, PermissionError): pass\n\
         try:\n\
         \x20   for _ in range(200): files.append(open('/dev/null'))\n\
         except OSError: pass\n\
         print(len(files))\n";
    assert_eq!(world.outside_python(program).good(), "200");
    let had: u32 = world.inside_python(program).good().parse().unwrap();
    assert!((50..64).contains(&had), "{had} of at most 64");
}

/// Private folders are memory: they have a size and a number of files.
#[test]
fn fills_its_private_folders() {
    let Some(world) = World::plain() else { return };
    let program = "import os\n\
         for path in ('/tmp', '/dev/shm', '/var/tmp', os.environ['HOME']):\n\
         \x20   found = os.statvfs(path)\n\
         \x20   print(found.f_frsize * found.f_blocks, found.f_files)\n\
         \x20   if not hasattr(os, 'posix_fallocate'): continue\n\
         \x20   file = os.open(f'{path}/x', os.O_CREAT | os.O_RDWR)\n\
         \x20   try: os.posix_fallocate(file, 0, found.f_frsize * (found.f_blocks + 1))\n\
         \x20   except OSError as error: print(error.strerror)\n\
         \x20   else: print('filled')\n\
         \x20   os.close(file)\n";
    let memory = {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = text.lines().next().unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    };
    let inside = world.inside_python(program);
    let lines: Vec<&str> = inside.good().lines().collect();
    for pair in lines.chunks(2) {
        let (size, files) = pair[0].split_once(' ').unwrap();
        assert!(size.parse::<u64>().unwrap() <= memory / 2, "{inside}");
        assert!((1..=1 << 20).contains(&files.parse::<u64>().unwrap()), "{inside}");
        assert_eq!(pair[1], "No space left on device", "{inside}");
    }
    assert_eq!(lines.len(), 8, "{inside}");
}

/// Children that nobody waits for are init's, and it does.
#[test]
fn leaves_zombies() {
    let Some(world) = World::new("process: {limits: {processes: 40}}") else { return };
    let script = "for i in $(seq 200); do (sh -c 'true' & exit) ; done; sleep 0.3; \
                  grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
    let inside = world.inside_sh(script);
    assert_eq!(inside.good(), "0", "{inside}");
}

/// A million lines to its standard error are its own; the journal has none of them.
#[test]
fn floods_what_the_operator_keeps() {
    let Some(world) = World::plain() else { return };
    let before = world.outside_sh("mkdir -p ../state; du -sk ../state | cut -f1");
    let flood = "for i in $(seq 300); do cat /root/x; done 2>&1 | wc -l; yes | head -c 5000000";
    world.inside_sh(flood).good();
    let after = world.outside_sh("du -sk ../state | cut -f1");
    let size = |ran: &crate::world::Ran| ran.good().parse::<u64>().unwrap();
    assert!(size(&after) < size(&before) + 200, "{after}");
    world.verify();
}

/// The kernel counts these for a user of the host, whatever namespace they are in: who takes all leaves
/// the operator's own programs none.
#[test]
fn takes_what_the_host_counts_for_each_user() {
    let Some(world) = World::plain() else { return };
    let count =
        |path: &str| -> u32 { std::fs::read_to_string(path).unwrap().trim().parse().unwrap() };
    let inotify = count("/proc/sys/fs/inotify/max_user_instances") / 4;
    let timers = 1024;
    // No more than a little beyond the share: the tests of others need some as well.
    let program = "import ctypes, sys\n\
         libc = ctypes.CDLL(None)\n\
         def count(most, take):\n\
         \x20   for n in range(int(most)):\n\
         \x20       if take() < 0: return n\n\
         \x20   return int(most)\n\
         print(count(sys.argv[1], libc.inotify_init))\n\
         timer = ctypes.c_void_p()\n\
         print(count(sys.argv[2], lambda: libc.timer_create(1, None, ctypes.byref(timer))))\n";
    let most = [(inotify + 2).to_string(), (timers + 2).to_string()];
    let outside = world.outside(&["/usr/bin/python3", "-c", program, &most[0], &most[1]]);
    assert_eq!(outside.good(), format!("{}\n{}", most[0], most[1]));
    let inside = world.inside_python_with(program, &[&most[0], &most[1]]);
    let had: Vec<u32> = inside.good().lines().map(|line| line.parse().unwrap()).collect();
    assert!((4..=inotify).contains(&had[0]) && (100..=timers).contains(&had[1]), "{inside}");
    // Watches of files likewise.
    let watches = world.inside_sh("cat /proc/sys/user/max_inotify_watches");
    assert_eq!(watches.good(), (count("/proc/sys/fs/inotify/max_user_watches") / 4).to_string());
}

/// All sandboxes and containers share what the machine may have.
#[test]
fn takes_the_terminals_of_the_machine() {
    let Some(world) = World::plain() else { return };
    let program = "import os\n\
         had = []\n\
         try:\n\
         \x20   while len(had) < 300: had.append(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))\n\
         except OSError: pass\n\
         print(len(had))\n";
    assert_eq!(world.outside_python(program).good(), "300");
    let had: u32 = world.inside_python(program).good().parse().unwrap();
    assert!((100..=256).contains(&had), "{had}");
}
