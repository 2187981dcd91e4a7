//! What a sandbox leaves of its control groups: nothing.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    holding::{By, worlds},
    world::World,
};

const POLICY: &str = "process: {limits: {memory: 512MiB, processes: 200, cpus: 1}}";

/// The groups of ours that the sandbox's process with this argument is in, as folders.
fn groups_of(marker: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let arguments = std::fs::read(path.join("cmdline")).unwrap_or_default();
        let mut words = arguments.split(|byte| *byte == 0);
        if words.next() != Some(b"sleep") || words.next() != Some(marker.as_bytes()) {
            continue;
        }
        let text = std::fs::read_to_string(path.join("cgroup")).unwrap_or_default();
        for group in text.lines().filter_map(|line| line.splitn(3, ':').nth(2)) {
            let name = Path::new(group).file_name().unwrap_or_default().to_owned();
            if name.to_string_lossy().starts_with("palisade-") {
                found.extend(folders_named(&name.to_string_lossy()));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn folders_named(name: &str) -> Vec<PathBuf> {
    let found = Command::new("find").args(["/sys/fs/cgroup", "-type", "d", "-name", name]).output();
    String::from_utf8(found.unwrap().stdout).unwrap().lines().map(PathBuf::from).collect()
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn group_world() -> Option<World> {
    worlds(POLICY).into_iter().find(|(by, _)| *by == By::Group).map(|(_, world)| world)
}

#[test]
fn the_groups_are_gone_with_the_sandbox() {
    let Some(world) = group_world() else { return };
    let mut command = world.run(&["sleep", "4243.5"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    until("the sandbox stands", || !groups_of("4243.5").is_empty());
    let groups = groups_of("4243.5");
    assert!(groups.iter().all(|group| group.is_dir()), "{groups:?}");
    // SIGTERM to the supervisor is for the agent.
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    child.wait().unwrap();
    assert!(groups.iter().all(|group| !group.exists()), "{groups:?}");
}

/// Killed, the supervisor cannot clean up: the next one does, and leaves those that live.
#[test]
fn the_next_run_removes_the_groups_of_a_killed_supervisor() {
    let Some(world) = group_world() else { return };
    let start = |marker: &str| {
        let child = world.run(&["sleep", marker]).stdout(Stdio::null()).spawn().unwrap();
        until("the sandbox stands", || !groups_of(marker).is_empty());
        (child, groups_of(marker))
    };
    let (mut killed, left) = start("4244.5");
    let (mut living, kept) = start("4245.5");
    killed.kill().unwrap();
    killed.wait().unwrap();
    until("the agent is gone", || groups_of("4244.5").is_empty());
    world.inside_sh("true").good();
    until("the group is removed", || left.iter().all(|group| !group.exists()));
    assert!(kept.iter().all(|group| group.is_dir()), "{kept:?}");
    living.kill().unwrap();
    living.wait().unwrap();
    until("the agent is gone", || groups_of("4245.5").is_empty());
    world.inside_sh("true").good();
    until("the group is removed", || kept.iter().all(|group| !group.exists()));
}

/// From inside, the group is the root, and there is nothing to see of its place.
#[test]
fn looks_for_its_place_among_groups() {
    for (_, world) in worlds(POLICY) {
        let inside = world.inside_sh(
            "cat /proc/self/cgroup | cut -d: -f3 | grep palisade; ls /sys/fs/cgroup 2>&1",
        );
        assert!(!inside.out.contains("palisade"), "{inside}");
        assert!(inside.out.contains("No such file"), "{inside}");
    }
}
