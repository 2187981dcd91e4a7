//! Everything may be killed at any moment, and nothing is left of it.
//!
//! `PALISADE_CRASHES=1000` makes more rounds of [`killed_at_any_moment_nothing_is_left`], and
//! `PALISADE_LEAKS=10000` of [`many_one_after_another_leave_only_journals`].

use std::{
    collections::BTreeSet,
    fs,
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal},
};

use crate::ran::{Ran, palisade, run};

const ROUNDS: usize = 60;
/// Longer than any death takes that comes at all, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Moments are chosen from the first of these, half of them from the second.
const WHOLE: Duration = Duration::from_millis(160);
const LAUNCH: Duration = Duration::from_millis(40);

/// What the agent does: children of all kinds, then an end by itself.
const AGENT: &str = "\
    sleep 100 & setsid sleep 100 & (setsid sh -c 'sleep 100 & sleep 100' &) & \
    touch running; getent hosts example.invalid; sleep 0.05; echo done >done";

pub(crate) struct World {
    folder: tempfile::TempDir,
    before: Host,
}

/// What of the host a sandbox could leave behind.
#[derive(Debug, PartialEq, Eq)]
struct Host {
    interfaces: BTreeSet<String>,
    mounts: BTreeSet<String>,
    sockets: BTreeSet<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mark = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let policy = format!(
            "palisade: 1\nextends: [shell]\nprocess: {{environment: {{set: {{MARK: \"{mark}\"}}}}}}\n"
        );
        fs::write(folder.path().join("policy.yaml"), policy).unwrap();
        let before = Host::now(&mark);
        Self { folder, before }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stands in the command line or in the environment of every process of ours, and of no other.
    fn mark(&self) -> String {
        self.folder.path().file_name().unwrap().to_str().unwrap().to_owned()
    }

    pub(crate) fn palisade(&self) -> Command {
        let mut command = palisade(self.folder.path());
        command
            .env("TMPDIR", self.path("tmp"))
            .current_dir(self.path("work"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn start(&self, script: &str) -> Child {
        let mut command = self.palisade();
        command.args(["run", "--quiet", "--name", "crash", "--policy"]);
        command.arg(self.path("policy.yaml")).args(["--", "sh", "-c", script]).spawn().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.palisade().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Every process of ours that is not a zombie.
    fn processes(&self) -> Vec<i32> {
        let mark = self.mark();
        let ours = |pid: i32| {
            ["cmdline", "environ"].iter().any(|file| {
                let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                text.windows(mark.len()).any(|window| window == mark.as_bytes())
            })
        };
        let listed = fs::read_dir("/proc").unwrap().flatten();
        let pids = listed.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| ours(*pid)).collect()
    }

    fn wait_until_dead(&self, when: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            let shown = || {
                let line = |pid| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let lines = left.iter().map(|pid| String::from_utf8_lossy(&line(pid)).into_owned());
                lines.collect::<Vec<_>>()
            };
            assert!(Instant::now() < until, "{when}: still there: {left:?} {:?}", shown());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Nothing is left but the journal, which is whole once it is recovered, and the next run works.
    pub(crate) fn is_clean(&self, when: &str) {
        self.wait_until_dead(when);
        let listed = self.run(&["ps", "--json"]);
        assert_eq!((listed.exit, listed.stdout.as_str()), (0, ""), "{when}: {listed}");
        assert_eq!(names(&self.path("state/running")), [""; 0], "{when}");
        assert_eq!(names(&self.path("tmp")), [""; 0], "{when}");
        let mut state = names(&self.path("state"));
        // There since the first run, and empty once another run has done what a killed one left.
        state.retain(|name| name != "sweeps");
        assert_eq!(state, ["journal", "journal.key", "policies", "running"], "{when}");
        let sessions = names(&self.path("state/journal"));
        let groups = control_groups();
        for session in sessions.iter().filter(|name| name.starts_with("s-")) {
            assert!(!groups.iter().any(|group| group.contains(session)), "{when}: {session}");
        }
        assert_eq!(Host::now(&self.mark()), self.before, "{when}");
        assert_eq!(self.owned_by_a_sandbox(), [""; 0], "{when}");
        let recovered = self.run(&["audit", "recover"]);
        assert_eq!(recovered.exit, 0, "{when}: {recovered}");
        let verified = self.run(&["audit", "verify"]);
        assert_eq!(verified.exit, 0, "{when}: {verified}");
        assert!(verified.stdout.contains("(0 open, 0 ended hard)"), "{when}: {verified}");
        let next = self.run(&["run", "--profile", "shell", "--", "echo", "it works"]);
        assert_eq!((next.exit, next.stdout.as_str()), (0, "it works\n"), "{when}: {next}");
        assert_eq!(names(&self.path("state/sweeps")), [""; 0], "{when}");
    }

    /// Files whose owner is one of those that sandboxes of root have: nobody would know whose they are.
    fn owned_by_a_sandbox(&self) -> Vec<String> {
        let mut find = Command::new("find");
        let found = run(find.arg(self.folder.path()).args(["-uid", "+1610612735"]));
        assert_eq!(found.exit, 0, "{found}");
        found.stdout.lines().map(str::to_owned).collect()
    }
}

impl Host {
    /// Other tests make mounts and sockets as well; ours would name our folder.
    fn now(mark: &str) -> Self {
        let ours = |file: &str| {
            let lines = fs::read_to_string(file).unwrap();
            lines.lines().filter(|line| line.contains(mark)).map(str::to_owned).collect()
        };
        Self {
            interfaces: names("/sys/class/net".as_ref()).into_iter().collect(),
            mounts: ours("/proc/self/mountinfo"),
            sockets: ours("/proc/net/unix"),
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let listed = folder.read_dir().into_iter().flatten();
    let mut names: Vec<String> =
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The paths of all control groups.
fn control_groups() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                found.push(entry.path().display().to_string());
                folders.push(entry.path());
            }
        }
    }
    found
}

/// The children of a process, as the kernel counts.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// All that descends from a process now; itself first.
fn tree(pid: i32) -> Vec<i32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(next) = all.get(at) {
        all.extend(children(*next));
        at += 1;
    }
    all
}

fn hold(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

/// Wait until a process has ended.
fn ended(process: &OwnedFd, until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut set = [PollFd::new(process, PollFlags::IN)];
        match poll(&mut set, Some(&timeout)) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => panic!("poll: {errno}"),
        }
    }
}

/// Small and known, so that a round can be told from another.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let mut seed = [0; 8];
        rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty()).unwrap();
        Self(u64::from_ne_bytes(seed) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn moment(&mut self, within: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(within.as_micros()).unwrap()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Supervisor,
    Init,
    Agent,
    Guest,
}

/// One sandbox, of which one process is killed. How long the others lived on, if any did.
fn round(world: &World, random: &mut Random) -> (Victim, Duration, Option<Duration>) {
    let victims = [Victim::Supervisor, Victim::Init, Victim::Agent, Victim::Guest];
    let victim = victims[usize::try_from(random.below(4)).unwrap()];
    let within = if random.below(2) == 0 { LAUNCH } else { WHOLE };
    let moment = random.moment(within);
    let mut supervisor = world.start(AGENT);
    let pid = supervisor.id().cast_signed();
    let mut guest = None;
    if victim == Victim::Guest {
        let half = moment / 2;
        thread::sleep(half);
        let mut exec = world.palisade();
        exec.args(["exec", "crash", "--", "sh", "-c", "sleep 100 & sleep 100"]);
        guest = Some(exec.spawn().unwrap());
        thread::sleep(moment - half);
    } else {
        thread::sleep(moment);
    }

    let init = children(pid).first().copied();
    let number = match victim {
        Victim::Supervisor => Some(pid),
        Victim::Init => init,
        Victim::Agent => init.and_then(|init| children(init).first().copied()),
        Victim::Guest => guest.as_ref().map(|guest| guest.id().cast_signed()),
    };
    let inside: Vec<OwnedFd> = init.into_iter().flat_map(tree).filter_map(hold).collect();
    let killed = Instant::now();
    let hit = number.and_then(hold).is_some_and(|it| pidfd_send_signal(&it, Signal::KILL).is_ok());
    let until = killed + PATIENCE;
    let lived = if victim == Victim::Guest {
        // A guest's end is no reason for the sandbox to end.
        None
    } else {
        assert!(inside.iter().all(|process| ended(process, until)), "{victim:?} at {moment:?}");
        (hit && !inside.is_empty()).then(|| killed.elapsed())
    };
    if !hit || victim == Victim::Guest {
        // It was not there yet, or any more: the agent is left to its end, a guest is in the way of it.
        run(world.palisade().args(["kill", "--force", "crash"]).stdout(Stdio::piped()));
    }
    for child in [Some(&mut supervisor), guest.as_mut()].into_iter().flatten() {
        let process = hold(child.id().cast_signed()).unwrap();
        assert!(ended(&process, until), "{victim:?} at {moment:?}: {} goes on", child.id());
        child.wait().unwrap();
    }
    world.wait_until_dead(&format!("{victim:?} killed at {moment:?}"));
    (victim, moment, lived)
}

#[test]
fn killed_at_any_moment_nothing_is_left() {
    let rounds = std::env::var("PALISADE_CRASHES").ok().and_then(|text| text.parse().ok());
    let rounds: usize = rounds.unwrap_or(ROUNDS);
    let world = World::new();
    let mut random = Random::new();
    println!("the seed is {}", random.0);
    let mut lives = Vec::new();
    for number in 0..rounds {
        let (victim, moment, lived) = round(&world, &mut random);
        println!("{number}: {victim:?} at {moment:?}: {lived:?}");
        lives.extend(lived);
        if number % 10 == 9 {
            world.is_clean(&format!("after round {number}"));
        }
    }
    world.is_clean("at the end");
    lives.sort();
    assert!(lives.len() > rounds / 8, "only {} of {rounds} rounds hit", lives.len());
    let at = |share: usize| lives[(lives.len() - 1) * share / 100];
    println!(
        "note: after {} of {rounds} kills the sandbox was dead within {:?} (half of them), {:?} (99 %), {:?} (all)",
        lives.len(),
        at(50),
        at(99),
        at(100),
    );
}

/// Not at a moment but at a system call: the launch is short, and chance leaves some of it out. Each
/// 23rd call of the supervisor, of init and of the agent's process, or each (`PALISADE_CRASHES`).
#[test]
fn killed_at_any_call_nothing_is_left() {
    let step = if std::env::var_os("PALISADE_CRASHES").is_some() { 1 } else { 23 };
    let world = World::new();
    let first = Random::new().below(step) + 1;
    assert_eq!(world.run(&["run", "--profile", "shell", "--", "true"]).exit, 0);
    for (depth, victim) in ["supervisor", "init", "agent"].iter().enumerate() {
        let mut count = first;
        while killed_at(&world, depth, count) {
            world.wait_until_dead(&format!("{victim} killed at its call {count}"));
            if count.is_multiple_of(5) {
                world.is_clean(&format!("{victim} killed at its call {count}"));
            }
            count += step;
        }
        println!("note: {victim} was killed at calls {first} to {count}, by {step}");
        assert!(count > 50, "{victim} makes more than {count} calls");
        world.is_clean(&format!("{victim} was killed at its calls"));
    }
}

/// Whether the process came to that call.
fn killed_at(world: &World, depth: usize, count: u64) -> bool {
    let palisade = world.palisade();
    let mut command = Command::new("python3");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kill_at_call.py"))
        .args([depth.to_string(), count.to_string()])
        .arg(palisade.get_program())
        .args(["run", "--quiet", "--policy"])
        .arg(world.path("policy.yaml"))
        .args(["--", "sh", "-c", "sleep 100 & setsid sleep 100 & echo x >x"])
        .env_clear()
        .envs(palisade.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(world.path("work"));
    let ran = run(&mut command);
    assert!(matches!(ran.exit, 0 | 99), "{ran}");
    ran.exit == 99
}

#[test]
fn a_hangup_ends_it() {
    let world = World::new();
    let mut supervisor = world.start("touch running; sleep 1000");
    wait_for(&world.path("work/running"));
    let pid = Pid::from_raw(supervisor.id().cast_signed()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    assert_eq!(supervisor.wait().unwrap().code(), Some(129));
    world.is_clean("after a hangup");
}

/// Nor does the command hear of it.
#[test]
fn a_hangup_under_nohup_ends_nothing() {
    let world = World::new();
    let script = "touch running; while [ ! -e go ]; do sleep 0.01; done; exit 7";
    let palisade = world.palisade();
    let mut command = Command::new("nohup");
    command
        .arg(palisade.get_program())
        .args(["run", "--profile", "shell", "--", "sh", "-c", script])
        .env_clear()
        .envs(palisade.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(world.path("work"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut supervisor = command.spawn().unwrap();
    wait_for(&world.path("work/running"));
    let pid = Pid::from_raw(supervisor.id().cast_signed()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    fs::write(world.path("work/go"), "").unwrap();
    assert_eq!(supervisor.wait().unwrap().code(), Some(7));
    world.is_clean("after a hangup that was ignored");
}

#[test]
fn a_supervisor_that_is_stopped_goes_on() {
    let world = World::new();
    let mut supervisor =
        world.start("touch running; while [ ! -e go ]; do sleep 0.01; done; exit 7");
    wait_for(&world.path("work/running"));
    let pid = Pid::from_raw(supervisor.id().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    fs::write(world.path("work/go"), "").unwrap();
    // The agent ends meanwhile, and nobody is told.
    let agents = || tree(pid.as_raw_nonzero().get()).len();
    let until = Instant::now() + PATIENCE;
    while agents() > 2 && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(supervisor.try_wait().unwrap().is_none());
    kill_process(pid, Signal::CONT).unwrap();
    assert_eq!(supervisor.wait().unwrap().code(), Some(7));
    world.is_clean("after a stop");

    // Stopped for good: it can be killed, and takes the sandbox with it.
    let mut supervisor = world.start("touch again; sleep 1000");
    wait_for(&world.path("work/again"));
    let pid = Pid::from_raw(supervisor.id().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    assert_eq!(supervisor.wait().unwrap().signal(), Some(9));
    world.is_clean("after a stop for good");
}

pub(crate) fn wait_for(path: &Path) {
    let until = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < until, "{} was not made", path.display());
        thread::sleep(Duration::from_millis(2));
    }
}

/// A size limit that `write` fails at, as on a disk that is full. The first is before the launch is in
/// the journal, the second while the agent runs: its denials fill it.
#[test]
fn a_full_disk_starts_nothing_and_leaves_nothing() {
    for (blocks, starts) in [(1, false), (60, true)] {
        let world = World::new();
        let agent = "touch running; i=0; while [ $i -lt 100 ]; do \
            getent hosts name-$i.invalid; i=$((i+1)); done; exit 5";
        let mut limited = Command::new("sh");
        let palisade = world.palisade();
        let environment = palisade.get_envs().filter_map(|(name, value)| Some((name, value?)));
        limited.env_clear().envs(environment);
        // The blocks of ulimit are of 512 bytes in some shells, and of 1024 in others.
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec {} run --name full --policy {} -- sh -c '{agent}'",
            env!("CARGO_BIN_EXE_palisade"),
            world.path("policy.yaml").display(),
        );
        limited.args(["-c", &script]).current_dir(world.path("work")).stdin(Stdio::null());
        let ran = run(&mut limited);
        assert_eq!(world.path("work/running").exists(), starts, "{ran}");
        assert_eq!(ran.exit, if starts { 5 } else { 125 }, "{ran}");
        let told = if starts { "journal" } else { "File too large" };
        assert!(ran.stderr.contains(told), "{ran}");
        if starts {
            world.is_clean("after a disk was full");
        } else {
            world.wait_until_dead("after a full disk");
            assert_eq!(names(&world.path("state/running")), [""; 0]);
        }
    }
}

#[test]
fn many_one_after_another_leave_only_journals() {
    let many = std::env::var("PALISADE_LEAKS").ok().and_then(|text| text.parse().ok());
    let many: usize = many.unwrap_or(200);
    let world = World::new();
    for _ in 0..many {
        let status = world.start("exit 3").wait().unwrap();
        assert_eq!(status.code(), Some(3));
    }
    let sessions = names(&world.path("state/journal"));
    assert_eq!(sessions.iter().filter(|name| name.starts_with("s-")).count(), many);
    world.is_clean("after many");
}

/// Not a moment later: whoever waits for `palisade run` may rely on it.
#[test]
fn nothing_runs_any_more_when_it_returns() {
    let world = World::new();
    for round in 0..40 {
        let script = "for i in 1 2 3 4 5 6 7 8; do setsid sleep 100 & done; exit 3";
        let status = world.start(script).wait().unwrap();
        assert_eq!((status.code(), world.processes()), (Some(3), Vec::new()), "round {round}");
    }
}
