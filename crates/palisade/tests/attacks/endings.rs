//! What outlives a session: nothing.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::world::{World, end_of};

/// Far longer than it takes, for machines under load.
const SOON: Duration = Duration::from_secs(20);

/// The host's processes that have this text in their command line or environment.
fn alive(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
        let told = [read("cmdline"), read("environ")].concat();
        let has = told.windows(mark.len()).any(|part| part == mark.as_bytes());
        // One that has ended and is not waited for yet has no command line any more.
        if has && pid != std::process::id() {
            found.push(format!("{pid} {}", String::from_utf8_lossy(&read("cmdline"))));
        }
    }
    found
}

/// A word that no other process has.
fn mark(name: &str) -> String {
    format!("palisade-mark-{name}-{}", std::process::id())
}

fn gone(mark: &str) {
    let began = Instant::now();
    loop {
        let left = alive(mark);
        if left.is_empty() {
            return;
        }
        assert!(began.elapsed() < SOON, "still there: {left:?}");
        sleep(Duration::from_millis(10));
    }
}

/// End them, those as well that they start meanwhile. Whether there were any.
fn killed(mark: &str) -> bool {
    let (began, mut found) = (Instant::now(), false);
    while began.elapsed() < SOON {
        let left = alive(mark);
        if left.is_empty() && found {
            return true;
        }
        for process in left {
            found = true;
            let pid = process.split(' ').next().unwrap().parse().unwrap();
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap_or_default();
        }
        sleep(Duration::from_millis(10));
    }
    found
}

/// A process of the host: its number and when it started, which no other has.
type Process = (i32, String);

/// The fields of `/proc/PID/stat` behind the name: the parent is the second, the start the 20th.
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// All that came from this process, init too, which hides what it was started with.
fn descendants(of: i32) -> Vec<Process> {
    let all: Vec<(i32, Vec<String>)> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .collect();
    let mut found: Vec<Process> = Vec::new();
    let mut next = vec![of.to_string()];
    while let Some(parent) = next.pop() {
        for (pid, fields) in all.iter().filter(|(_, fields)| fields[1] == parent) {
            found.push((*pid, fields[19].clone()));
            next.push(pid.to_string());
        }
    }
    found
}

/// Stop it where it is, see what it has made, kill it, and see all of that end.
fn kill_at_this_moment(mut supervisor: Child) -> usize {
    let number = i32::try_from(supervisor.id()).unwrap();
    let pid = rustix::process::Pid::from_raw(number).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let began = Instant::now();
    while stat(number).unwrap()[0] != "T" && began.elapsed() < SOON {
        sleep(Duration::from_millis(1));
    }
    let made = descendants(number);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    for (pid, start) in &made {
        let began = Instant::now();
        // What has ended and waits to be reaped by the host's init has ended.
        while stat(*pid).is_some_and(|now| now[19] == *start && now[0] != "Z") {
            assert!(began.elapsed() < SOON, "{pid} is still there: {:?}", stat(*pid));
            sleep(Duration::from_millis(5));
        }
    }
    made.len()
}

fn started(world: &World, script: &str) -> Child {
    let mut run = world.run(&["/bin/sh", "-c", script]);
    let mut child = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    child
}

#[test]
fn leaves_a_daemon_behind() {
    let Some(world) = World::plain() else { return };
    let mark = mark("daemon");
    let script = format!(
        "MARK={mark} setsid sh -c 'trap \"\" HUP TERM INT; sleep 600 & sleep 600' >/dev/null 2>&1 & \
         sleep 0.2; echo done"
    );
    assert_eq!(world.outside_sh(&script).good(), "done");
    assert!(killed(&mark), "unconfined it outlives the shell");
    gone(&mark);
    assert_eq!(world.inside_sh(&script).good(), "done");
    gone(&mark);
}

/// Whatever holds the standard streams open, the end of the command is the end.
#[test]
fn holds_the_streams_open_with_a_daemon() {
    let Some(world) = World::plain() else { return };
    let inside = world.inside_sh("(trap '' HUP; sleep 600) & echo done");
    assert_eq!(inside.good(), "done");
}

/// The supervisor cannot clean up: the kernel does.
#[test]
fn outlives_a_supervisor_that_is_killed() {
    let Some(world) = World::plain() else { return };
    let mark = mark("killed");
    let script = format!(
        "export MARK={mark}; trap '' HUP TERM INT; setsid sleep 600 & (setsid sleep 600 &) ; \
         sleep 600 & sleep 0.1; echo up; while :; do sleep 0.05; done"
    );
    let child = started(&world, &script);
    // The three that sleep, the shell, init.
    assert!(kill_at_this_moment(child) >= 5);
    gone(&mark);
    world.verify();
    assert_eq!(world.inside_sh("echo again").good(), "again");
    world.verify();
}

/// At any moment of the launch too.
#[test]
fn outlives_a_supervisor_that_is_killed_while_it_builds() {
    let Some(world) = World::plain() else { return };
    world.inside_sh("true").good();
    let mut made = 0;
    for moment in [0, 1, 2, 3, 5, 7, 10, 13, 16, 20, 25, 30, 40, 50, 70, 100, 400, 1600] {
        // A loaded machine needs the last ones to come so far.
        if moment > 100 && made > 0 {
            break;
        }
        let mark = mark(&format!("moment-{moment}"));
        let script = format!("export MARK={mark}; setsid sleep 600 & sleep 600");
        let mut run = world.run(&["/bin/sh", "-c", script.as_str()]);
        let child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(moment));
        made += kill_at_this_moment(child);
        gone(&mark);
        world.verify();
    }
    assert!(made > 0);
    let listing = world.outside_sh("ls -A . ../home");
    assert!(!listing.good().contains("palisade"), "{listing}");
    assert_eq!(world.inside_sh("echo again").good(), "again");
    world.verify();
}

#[test]
fn ignores_the_signal_that_asks_it_to_end() {
    let Some(world) = World::plain() else { return };
    let mark = mark("asked");
    let script =
        format!("export MARK={mark}; trap '' TERM INT HUP; echo up; while :; do sleep 0.1; done");
    let child = started(&world, &script);
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    sleep(Duration::from_millis(100));
    // It was asked, and stays: that is its right. Who asks twice with SIGKILL is heard.
    assert!(!alive(&mark).is_empty());
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    end_of(child);
    gone(&mark);
}

#[test]
fn runs_longer_than_it_may() {
    let Some(world) = World::new("process: {limits: {wall_time: 1s}}") else { return };
    let mark = mark("late");
    let began = Instant::now();
    let inside =
        world.inside_sh(&format!("export MARK={mark}; trap '' TERM; while :; do sleep 0.1; done"));
    assert_eq!(inside.code, Some(137), "{inside}");
    assert!(began.elapsed() < SOON);
    gone(&mark);
    let events = world.events();
    let end = events.iter().find(|event| event["kind"] == "end").unwrap();
    assert_eq!(end["rule"], "process.limits.wall_time", "{end}");
    world.verify();
}

/// Ctrl-Z stops the whole job. Without a terminal nobody pressed it, and a supervisor that is stopped
/// watches nothing: the time of the session would not end.
#[test]
fn stops_its_supervisor_by_stopping_itself() {
    use std::os::unix::process::CommandExt;
    let Some(world) = World::plain() else { return };
    let mut run = world.run(&["/bin/sh", "-c", "kill -TSTP $$; kill -STOP $$; echo went on"]);
    // A job of its own in a session that goes on, as a runner of CI starts it.
    let child = run.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let watch = std::thread::spawn(move || end_of(child));
    let began = Instant::now();
    // SIGSTOP by its own hand stops the command for good; what matters is who is not stopped.
    while began.elapsed() < Duration::from_secs(2) && !watch.is_finished() {
        assert_ne!(stat(pid).map(|fields| fields[0].clone()).as_deref(), Some("T"));
        sleep(Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap_or_default();
    watch.join().unwrap();
}

#[test]
fn kills_all_that_it_can_name() {
    let Some(world) = World::plain() else { return };
    let inside = world.inside_sh("sleep 600 & kill -9 -1; echo not reached");
    assert!([Some(137), Some(0)].contains(&inside.code), "{inside}");
    world.verify();
    let events = world.events();
    assert!(events.iter().any(|event| event["kind"] == "end"), "{events:?}");
}

#[test]
fn ends_as_its_command_does() {
    let Some(world) = World::plain() else { return };
    for (script, code) in
        [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 143), ("kill -SEGV $$", 139)]
    {
        assert_eq!(world.inside_sh(script).code, Some(code), "{script}");
    }
}
