//! `palisade run` at a terminal, which the test holds the other side of.

use std::{
    fs::File,
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize},
};

use crate::crashes::{PATIENCE, World, children, wait_for};

/// Prints what its own line, which the terminal echoes, does not have.
const UP: &str = "echo up$((1+1));";

/// A terminal, and the program at it.
struct Screen {
    keyboard: File,
    /// Kept open, so that its modes can be looked at.
    user: OwnedFd,
    before: Termios,
    shown: Vec<u8>,
    child: Child,
}

impl Screen {
    /// With the program as the leader of a session that has the terminal.
    fn of(command: &Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let controller = openpt(flags).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let user = ioctl_tiocgptpeer(&controller, flags).unwrap();
        let stdio = || Stdio::from(user.try_clone().unwrap());
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(command.get_current_dir().unwrap())
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .unwrap();
        let before = tcgetattr(&user).unwrap();
        Self { keyboard: controller.into(), user, before, shown: Vec::new(), child }
    }

    /// `palisade run` of this script.
    fn running(world: &World, script: &str) -> Self {
        let mut command = world.palisade();
        command.args(["run", "--policy"]).arg(world.path("policy.yaml"));
        Self::of(command.args(["--", "sh", "-c", script]))
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Read until the text is shown; what was shown before it counts no more.
    fn shows(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut at = self.shown.windows(text.len());
            if let Some(at) = at.position(|window| window == text.as_bytes()) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(self.read(left), "no {text:?} in {:?}", String::from_utf8_lossy(&self.shown));
        }
    }

    /// Read what there is, for as long at most; whether there was something.
    fn read(&mut self, patience: Duration) -> bool {
        let timeout = Timespec {
            tv_sec: patience.as_secs().cast_signed(),
            tv_nsec: i64::from(patience.subsec_nanos()),
        };
        let mut set = [PollFd::from_borrowed_fd(self.keyboard.as_fd(), PollFlags::IN)];
        if poll(&mut set, Some(&timeout)) != Ok(1) {
            return false;
        }
        let mut some = [0; 4096];
        let read = self.keyboard.read(&mut some).unwrap();
        self.shown.extend_from_slice(&some[..read]);
        read > 0
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.user).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    fn becomes(&self, raw: bool) {
        let until = Instant::now() + PATIENCE;
        while self.is_raw() != raw {
            assert!(Instant::now() < until, "raw: {}", !raw);
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Wait for the end, reading all the while; the exit status, and what the screen showed last.
    fn ends(mut self) -> (Option<i32>, String) {
        while self.child.try_wait().unwrap().is_none() {
            self.read(Duration::from_millis(10));
        }
        while self.read(Duration::ZERO) {}
        let status = self.child.wait().unwrap().code();
        self.has_its_modes();
        (status, String::from_utf8_lossy(&self.shown).into_owned())
    }

    fn has_its_modes(&self) {
        let now = tcgetattr(&self.user).unwrap();
        assert_eq!(
            (now.input_modes, now.output_modes, now.control_modes, now.local_modes),
            (
                self.before.input_modes,
                self.before.output_modes,
                self.before.control_modes,
                self.before.local_modes
            )
        );
    }
}

#[test]
fn a_shell_works_as_at_any_terminal() {
    let world = World::new();
    let mut command = world.palisade();
    let mut screen = Screen::of(command.args(["run", "--", "sh", "-i"]));
    screen.becomes(true);
    screen.types("echo one$((1+1))\r");
    screen.shows("echo one$((1+1))\r\n");
    screen.shows("one2\r\n");

    // The window's size.
    let size = Winsize { ws_row: 33, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&screen.keyboard, size).unwrap();
    screen.types("until [ \"$(stty size)\" = '33 101' ]; do sleep 0.01; done; echo size$((1+1))\r");
    screen.shows("size2\r\n");

    // Ctrl-C is the command's.
    screen.types(&format!("sh -c '{UP} exec sleep 1000'\r"));
    screen.shows("up2\r\n");
    screen.types("\x03");
    screen.shows("^C");
    screen.types("echo three$((1+2))\r");
    screen.shows("three3\r\n");
    assert!(screen.child.try_wait().unwrap().is_none());

    // So is Ctrl-Z, while a shell inside has jobs.
    screen.types(&format!("sh -c '{UP} read x; echo got-$x'\r"));
    screen.shows("up2\r\n");
    screen.types("\x1a");
    screen.shows("Stopped");
    screen.types("echo four$((1+3))\r");
    screen.shows("four4\r\n");
    screen.types("fg\r");
    screen.shows("fg\r\n");
    screen.types("word\r");
    screen.shows("got-word\r\n");

    screen.types("exit 7\r");
    assert_eq!(screen.ends().0, Some(7));
    world.is_clean("after a shell");
}

/// Under a shell with job control, whose `fg` goes on with it.
#[test]
fn a_stop_gives_the_terminal_back_and_fg_takes_it() {
    let world = World::new();
    let palisade = world.palisade();
    let mut shell = Command::new("bash");
    shell
        .args(["--norc", "--noprofile", "--noediting", "-i"])
        .envs(palisade.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PS1", "$ ")
        .current_dir(world.path("work"));
    let mut screen = Screen::of(&shell);
    let line = format!(
        "{} run -- sh -c '{UP} read x; echo got-$x; read x; echo got-$x; exit 5'; echo ended-$?\r",
        env!("CARGO_BIN_EXE_palisade")
    );
    screen.types(&line);
    screen.shows("up2\r\n");
    screen.becomes(true);

    // By the key: the command is stopped, and Palisade stops with it.
    screen.types("\x1a");
    screen.shows("Stopped");
    screen.becomes(false);
    screen.types("echo mine$((1+1))\r");
    screen.shows("mine2\r\n");
    screen.types("fg\r");
    screen.becomes(true);
    screen.types("one\r");
    screen.shows("got-one\r\n");

    // From outside, without a word to Palisade.
    let job = children(screen.child.id().cast_signed());
    assert_eq!(job.len(), 1, "{job:?}");
    kill_process(Pid::from_raw(job[0]).unwrap(), Signal::STOP).unwrap();
    screen.shows("Stopped");
    screen.becomes(false);
    screen.types("fg\r");
    screen.becomes(true);
    screen.types("two\r");
    screen.shows("got-two\r\n");
    screen.becomes(false);
    screen.types("echo status$?; exit 3\r");
    screen.shows("status5\r\n");
    assert_eq!(screen.ends().0, Some(3));
    world.is_clean("after stops");
}

#[test]
fn the_terminal_is_as_it_was_however_it_ends() {
    let world = World::new();
    let sleeps = format!("{UP} exec sleep 1000");
    let mut screen = Screen::running(&world, &sleeps);
    screen.shows("up2\r\n");
    screen.becomes(true);
    screen.signal(Signal::TERM);
    assert_eq!(screen.ends().0, Some(143));

    // The agent, and then init.
    for below in [2, 1] {
        let mut screen = Screen::running(&world, &sleeps);
        screen.shows("up2\r\n");
        screen.becomes(true);
        let mut pid = screen.child.id().cast_signed();
        for _ in 0..below {
            pid = children(pid)[0];
        }
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        assert_eq!(screen.ends().0, Some(137), "{below}");
    }

    // A command that changes the modes changes its own.
    let mut screen = Screen::running(&world, &format!("stty raw -echo; {UP} exit 4"));
    screen.shows("up2");
    assert_eq!(screen.ends().0, Some(4));
    world.is_clean("after ends");
}

#[test]
fn a_terminal_that_hangs_up_ends_it() {
    let world = World::new();
    let script = format!("{UP} touch running; setsid sleep 1000 & sleep 1000");
    let mut screen = Screen::running(&world, &script);
    screen.shows("up2\r\n");
    wait_for(&world.path("work/running"));
    let Screen { mut child, keyboard, user, .. } = screen;
    drop((keyboard, user));
    assert_eq!(child.wait().unwrap().code(), Some(129));
    world.is_clean("after a hangup of the terminal");
}

/// It cannot stay behind a window that the operator has closed.
#[test]
fn a_command_that_ignores_the_hangup_is_ended() {
    let world = World::new();
    let script = "trap '' HUP TERM; touch running; while :; do sleep 0.1; done";
    let screen = Screen::running(&world, script);
    wait_for(&world.path("work/running"));
    let Screen { mut child, keyboard, user, .. } = screen;
    drop((keyboard, user));
    assert_eq!(child.wait().unwrap().code(), Some(137));
    let ended = world.run(&["audit", "query", "--kind", "end", "--json"]);
    assert!(ended.stdout.contains("its terminal is gone"), "{ended}");
    world.is_clean("after a hangup that was ignored inside");
}

/// Nobody reads it: what is shown stops, and the end does not, although there is something to say.
#[test]
fn a_terminal_that_is_stuck_does_not_hold_the_end_up() {
    let world = World::new();
    let screen = Screen::running(&world, "mkdir .vscode; touch running; exec yes");
    wait_for(&world.path("work/running"));
    // Until nothing goes on: a terminal holds a few kilobytes.
    thread::sleep(Duration::from_millis(500));
    screen.signal(Signal::TERM);
    let mut child = screen.child;
    let until = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it goes on");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let now = tcgetattr(&screen.user).unwrap();
    assert_eq!(now.local_modes, screen.before.local_modes);
    world.is_clean("after a terminal that was stuck");
}

/// A socket is copied to. The first signal ends the command, the next one the wait for its output.
#[test]
fn a_reader_that_is_stuck_does_not_hold_the_end_up() {
    let world = World::new();
    let (_reader, writer) = UnixStream::pair().unwrap();
    let mut command = world.palisade();
    command.args(["run", "--", "sh", "-c", "touch running; exec yes"]);
    let mut child = command.stdout(OwnedFd::from(writer)).spawn().unwrap();
    drop(command);
    wait_for(&world.path("work/running"));
    let until = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it goes on");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        thread::sleep(Duration::from_millis(300));
    }
    // One more may come when all is done but the exit.
    let status = child.wait().unwrap();
    assert!(status.code() == Some(143) || status.signal() == Some(15), "{status}");
    world.is_clean("after a reader that was stuck");
}

/// What no rule names is asked at the terminal that the command has, and the command has it again
/// afterwards.
#[test]
fn a_question_takes_the_terminal_and_gives_it_back() {
    const DIAL: &str = "import socket
for port in (81, 82, 81):
    try: socket.create_connection(('nowhere.invalid', port), 60).recv(1)
    except OSError as error: print('end', port, type(error).__name__)
print('typed', input())
";
    let world = World::new();
    let text = std::fs::read_to_string(world.path("policy.yaml")).unwrap();
    std::fs::write(world.path("policy.yaml"), format!("{text}network: {{unknown: ask}}\n"))
        .unwrap();
    let mut command = world.palisade();
    command.args(["run", "--policy"]).arg(world.path("policy.yaml"));
    let mut screen = Screen::of(command.args(["--", "python3", "-c", DIAL]));
    screen.shows(" wants nowhere.invalid:81, which no rule names");
    screen.shows("? ");
    screen.becomes(false);
    // What is no answer is none.
    screen.types("yes\r");
    screen.shows(" wants nowhere.invalid:81, which no rule names");
    screen.shows("? ");
    screen.types("never\r");
    screen.shows("end 81 ConnectionResetError\r\n");
    screen.shows(" wants nowhere.invalid:82, which no rule names");
    screen.shows("? ");
    screen.types("once\r");
    // It is permitted, and has no address.
    screen.shows("end 82 ConnectionResetError\r\n");
    screen.shows("end 81 ConnectionResetError\r\n");
    screen.becomes(true);
    screen.types("word\r");
    screen.shows("typed word\r\n");
    assert_eq!(screen.ends().0, Some(0));
    let answers = world.run(&["audit", "query", "--json", "--kind", "approval"]);
    let decisions: Vec<String> = answers
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| {
            format!("{} {} {}", event["decision"], event["subject"], event["detail"]["scope"])
        })
        .collect();
    assert_eq!(
        decisions,
        [r#""deny" "nowhere.invalid:81" "session""#, r#""allow" "nowhere.invalid:82" "once""#]
    );
    world.is_clean("after questions");
}

/// One that is answered elsewhere, or whose command ends, holds nothing back.
#[test]
fn a_question_that_nobody_answers_at_the_terminal_is_no_obstacle() {
    let world = World::new();
    let text = std::fs::read_to_string(world.path("policy.yaml")).unwrap();
    std::fs::write(world.path("policy.yaml"), format!("{text}network: {{unknown: ask}}\n"))
        .unwrap();
    let dial = "import socket
try: socket.create_connection(('nowhere.invalid', 81), 60).recv(1)
except OSError as error: print('end', type(error).__name__)";
    let script =
        format!("python3 -c \"{dial}\"; (python3 -c \"{dial}\" &) ; sleep 4; echo last; exit 3");
    let mut command = world.palisade();
    command.args(["run", "--name", "q", "--policy"]).arg(world.path("policy.yaml"));
    let mut screen = Screen::of(command.args(["--", "sh", "-c", &script]));
    screen.shows("? ");
    let listed = world.run(&["approvals", "list", "--json"]);
    let question: serde_json::Value = serde_json::from_str(listed.stdout.trim()).unwrap();
    let which = format!("q/{}", question["id"]);
    let answered = world.run(&["approvals", "deny", &which]);
    assert_eq!(answered.exit, 0, "{answered}");
    screen.shows("end ConnectionResetError\r\n");
    screen.shows("which no rule names");
    // The command ends while the question is open; what it printed is shown.
    screen.shows("last");
    assert_eq!(screen.ends().0, Some(3));
    world.is_clean("after a question that was open");
}

/// A command that gives up its question and asks another one at once, as the operator is about to answer.
#[test]
fn an_answer_that_is_being_typed_is_not_for_the_next_question() {
    let world = World::new();
    let text = std::fs::read_to_string(world.path("policy.yaml")).unwrap();
    std::fs::write(world.path("policy.yaml"), format!("{text}network: {{unknown: ask}}\n"))
        .unwrap();
    let dial = "import socket, time
for port, patience in (81, 1), (82, 8):
    stream = socket.create_connection(('nowhere.invalid', port), 20)
    time.sleep(patience)
    stream.close()
    print('left', port, flush=True)";
    let mut command = world.palisade();
    command.args(["run", "--name", "q", "--policy"]).arg(world.path("policy.yaml"));
    let mut screen = Screen::of(command.args(["--", "python3", "-c", dial]));
    screen.shows("nowhere.invalid:81, which no rule names");
    screen.shows("left 81");
    thread::sleep(Duration::from_millis(700));
    screen.types("session\r");
    screen.shows("nowhere.invalid:82, which no rule names");
    screen.shows("? ");
    let listed = world.run(&["approvals", "list"]);
    assert!(listed.stdout.contains("nowhere.invalid:82"), "{listed}");
    screen.shows("left 82");
    assert_eq!(screen.ends().0, Some(0));
}

/// `palisade run --record` of this script at a terminal.
fn recorded(world: &World, script: &str) -> Screen {
    let mut command = world.palisade();
    command.args(["run", "--record", "--name", "film", "--policy"]).arg(world.path("policy.yaml"));
    Screen::of(command.args(["--", "sh", "-c", script]))
}

#[test]
fn what_the_terminal_shows_is_recorded_for_the_key_alone_and_played_back_tamed() {
    let world = World::new();
    let made = world.run(&["audit", "recording-key"]);
    assert_eq!(made.exit, 0, "{made}");
    let script = "printf 'seen\\033[1mbold\\033[6n\\033]0;owned\\007 é'; read x; echo got-$x; \
         until stty size | grep -q '33 101'; do sleep 0.05; done";
    let mut screen = recorded(&world, script);
    screen.shows("seen");
    let size = Winsize { ws_row: 33, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&screen.keyboard, size).unwrap();
    screen.types("typed\r");
    screen.shows("got-typed");
    let (status, _) = screen.ends();
    assert_eq!(status, Some(0));

    let folder = world.path("state").join("recordings");
    let mut files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.extension().is_some_and(|it| it == "sealed")).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("seen"));

    let played = world.run(&["audit", "replay", "film", "--speed", "1000"]);
    assert_eq!(played.exit, 0, "{played}");
    assert!(played.stdout.contains("seen\u{1b}[1mbold é"), "{:?}", played.stdout);
    assert!(played.stdout.contains("got-typed"), "{:?}", played.stdout);
    assert!(!played.stdout.contains("[6n") && !played.stdout.contains("owned"));
    let cast = world.run(&["audit", "replay", "film", "--cast"]);
    assert!(cast.stdout.starts_with("{\"version\":2,\"width\":"), "{cast}");
    assert!(cast.stdout.lines().any(|line| line.ends_with("\"r\",\"101x33\"]")), "{cast}");
    assert!(cast.stdout.is_ascii() && cast.stdout.contains("\\u001b[6n"), "{cast}");

    // The journal has which file it is.
    let events = world.run(&["audit", "query", "--json", "--where", "kind~record"]);
    let kinds: Vec<serde_json::Value> =
        events.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(kinds.len(), 2, "{events}");
    assert_eq!((&kinds[0]["kind"], &kinds[1]["kind"]), (&"recording".into(), &"recorded".into()));
    assert_eq!(kinds[1]["detail"]["bytes"], bytes.len());
    let digest = Command::new("sha256sum").arg(&file).output().unwrap().stdout;
    let digest = String::from_utf8(digest).unwrap();
    assert_eq!(kinds[1]["detail"]["sha256"], digest.split(' ').next().unwrap());

    // What was changed or cut is not played to its end.
    std::fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    let cut = world.run(&["audit", "replay", "film", "--speed", "1000"]);
    assert_eq!(cut.exit, 1, "{cut}");
    let mut changed = bytes;
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&file, changed).unwrap();
    let refused = world.run(&["audit", "replay", "film", "--cast"]);
    assert_eq!(refused.exit, 1, "{refused}");
    assert!(refused.stderr.contains("was changed"), "{refused}");
}

#[test]
fn without_a_key_or_a_terminal_nothing_that_is_to_be_recorded_starts() {
    let world = World::new();
    let (status, shown) = recorded(&world, "echo ran").ends();
    assert_eq!(status, Some(125), "{shown}");
    assert!(shown.contains("palisade audit recording-key") && !shown.contains("ran\r"), "{shown}");
    let made = world.run(&["audit", "recording-key"]);
    assert_eq!(made.exit, 0, "{made}");
    let again = world.run(&["audit", "recording-key"]);
    assert_eq!(again.exit, 1, "{again}");
    let ran = world.run(&["run", "--record", "--", "sh", "-c", "echo ran"]);
    assert_eq!(ran.exit, 125, "{ran}");
    assert!(
        ran.stderr.contains("there is no terminal to record") && ran.stdout.is_empty(),
        "{ran}"
    );
}
