//! Processes and threads, and what is left of them.

use crate::{
    holding::{By, worlds},
    world::{Ran, World},
};

const POLICY: &str = "process: {limits: {processes: 40, memory: 512MiB}}";

/// `tree.py MOST`: every process starts two, until there are so many; all wait. The first counts
/// those that could be started, by the bytes that each writes.
const TREE: &str = r#"
import os, signal, sys, time
most = int(sys.argv[1])
out, into = os.pipe()
os.set_blocking(out, False)
def grow(depth):
    for _ in range(2):
        try:
            if os.fork() == 0:
                os.write(into, b"x")
                if depth: grow(depth - 1)
                time.sleep(5)
                os._exit(0)
        except BlockingIOError:
            pass
grow(most.bit_length() - 2)
time.sleep(2)
print(len(os.read(out, 65536)))
"#;

const THREADS: &str = r#"
import sys, threading
stop, count = threading.Event(), 0
try:
    for _ in range(int(sys.argv[1])):
        threading.Thread(target=stop.wait, daemon=True).start()
        count += 1
except RuntimeError:
    pass
stop.set()
print(count)
"#;

/// Children that ended and are not waited for.
const ZOMBIES: &str = r#"
import os, sys
count = 0
try:
    for _ in range(int(sys.argv[1])):
        if os.fork() == 0: os._exit(0)
        count += 1
except BlockingIOError:
    pass
print(count)
"#;

fn starts_too_many(program: &str) {
    for (by, world) in worlds(POLICY) {
        let run = |ran: Ran| -> u32 { ran.good().parse().unwrap() };
        let outside = run(world.outside(&["/usr/bin/python3", "-c", program, "126"]));
        assert_eq!(outside, 126);
        let inside = world.inside_python_with(program, &["126"]);
        // Fewer than that have not begun yet when they are counted, on a machine with much to do.
        assert!((10..40).contains(&run_of(&inside)), "{by:?}: {inside}");
        assert_refused(by, &world, &inside);
        // There is no limit but this one.
        assert!(run(world.inside_python_with(program, &["14"])) >= 14);
    }
}

fn run_of(ran: &Ran) -> u32 {
    ran.good().parse().unwrap()
}

/// Where a group counts what it refuses, that is told. It ends nothing.
fn assert_refused(by: By, world: &World, ran: &Ran) {
    let end = world.end();
    assert_eq!((&end["rule"], &end["detail"]["status"]), (&serde_json::Value::Null, &0.into()));
    if by == By::Group {
        assert!(end["detail"]["refused_processes"].as_u64().unwrap() > 0, "{end}");
        assert!(ran.err.contains("(process.limits.processes)"), "{ran}");
    }
}

#[test]
fn forks_as_a_tree_without_end() {
    starts_too_many(TREE);
}

#[test]
fn starts_threads_without_end() {
    starts_too_many(THREADS);
}

#[test]
fn leaves_children_unwaited() {
    starts_too_many(ZOMBIES);
}
