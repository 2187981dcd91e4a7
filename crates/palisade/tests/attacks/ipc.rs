//! Memory, queues and semaphores that processes share by a name or a key.

use crate::world::World;

/// A System V segment, semaphore and queue by their key, a POSIX queue and a file of shared memory.
/// `make` leaves them, `find` says which are there, `remove` removes them.
const SHARED: &str = "import ctypes, os, sys\n\
     libc = ctypes.CDLL(None)\n\
     key, act = int(sys.argv[1]), sys.argv[2]\n\
     flags = 0o1666 if act == 'make' else 0\n\
     name = b'/palisade-%d' % key\n\
     segment, semaphore, queue = libc.shmget(key, 4096 * bool(flags), flags), libc.semget(key, bool(flags), flags), libc.msgget(key, flags)\n\
     mode = os.O_RDWR | (os.O_CREAT if act == 'make' else 0)\n\
     posix = libc.mq_open(name, mode, 0o666, None)\n\
     try: memory = os.open(b'/dev/shm' + name, mode, 0o666)\n\
     except OSError: memory = -1\n\
     for kind, got in ('segment', segment), ('semaphore', semaphore), ('queue', queue), ('posix', posix), ('memory', memory):\n\
     \x20   print(kind, 'there' if got >= 0 else 'not there')\n\
     if act == 'remove':\n\
     \x20   libc.shmctl(segment, 0, None); libc.semctl(semaphore, 0, 0); libc.msgctl(queue, 0, None)\n\
     \x20   libc.mq_unlink(name); os.unlink(b'/dev/shm' + name)\n";

#[test]
fn shares_memory_and_queues_with_the_host() {
    let Some(world) = World::plain() else { return };
    let key = (0x7000_0000 | std::process::id()).to_string();
    let outside =
        |act: &str| world.outside(&["/usr/bin/python3", "-c", SHARED, &key, act]).good().to_owned();
    let there = "segment there\nsemaphore there\nqueue there\nposix there\nmemory there";
    assert_eq!(outside("make"), there);
    let inside = world.inside_python_with(SHARED, &[&key, "find"]);
    assert_eq!(outside("find"), there);
    assert_eq!(outside("remove"), there);
    assert!(!inside.good().lines().any(|line| !line.ends_with("not there")), "{inside}");
    assert_eq!(inside.good().matches("not there").count(), 5, "{inside}");
    // The other way too: what it makes is nobody else's.
    let made = world.inside_python_with(SHARED, &[&key, "make"]);
    assert!(
        made.good().contains("segment there") && made.good().contains("memory there"),
        "{made}"
    );
    assert_eq!(outside("find").matches("not there").count(), 5);
}
