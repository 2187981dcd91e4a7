//! The operator's terminal is played by a pseudo-terminal whose controller the test holds.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::fcntl_dupfd_cloexec,
    pipe::pipe,
    termios::{
        LocalModes, OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr,
        tcsetwinsize,
    },
};

use super::{Keyboard, Pty, Relay, Terminal};

const SIZE: Winsize = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
const PATIENCE: Duration = Duration::from_secs(5);

/// The operator with a terminal, and a command with its own.
struct Scene {
    operator: Pty,
    before: Termios,
    relay: Relay,
    command: OwnedFd,
}

fn scene() -> Scene {
    let operator = Pty::open(SIZE).unwrap();
    let before = tcgetattr(&operator.user).unwrap();
    let tty = operator.user.as_fd();
    let terminal = Terminal::among(tty, tty, tty).unwrap().unwrap();
    assert_eq!(terminal.keyboard(), Keyboard::Raw);
    let inner = Pty::open(terminal.size()).unwrap();
    let relay = Relay::start(terminal, inner.controller).unwrap();
    let scene = Scene { operator, before, relay, command: inner.user };
    until(|| is_raw(&scene.operator));
    scene
}

fn until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        thread::sleep(Duration::from_millis(2));
    }
}

fn is_raw(operator: &Pty) -> bool {
    !tcgetattr(&operator.user).unwrap().local_modes.contains(LocalModes::ICANON)
}

fn same(a: &Termios, b: &Termios) -> bool {
    a.input_modes == b.input_modes
        && a.output_modes == b.output_modes
        && a.control_modes == b.control_modes
        && a.local_modes == b.local_modes
}

fn file(fd: impl AsFd) -> File {
    File::from(fcntl_dupfd_cloexec(fd, 3).unwrap())
}

/// No line discipline in the way: bytes are bytes.
fn make_raw(fd: impl AsFd) {
    let mut modes = tcgetattr(&fd).unwrap();
    modes.make_raw();
    tcsetattr(&fd, OptionalActions::Now, &modes).unwrap();
}

fn binary(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from((n * 7 + n / 251) % 256).unwrap()).collect()
}

#[tokio::test]
async fn output_passes_and_the_modes_are_restored_at_the_end() {
    let scene = scene();
    file(&scene.command).write_all(b"hello\n").unwrap();
    drop(scene.command);
    let ended = scene.relay.finish(PATIENCE).await;
    assert!(ended.drained);
    let mut shown = [0; 7];
    file(&scene.operator.controller).read_exact(&mut shown).unwrap();
    assert_eq!(&shown, b"hello\r\n");
    assert!(same(&tcgetattr(&scene.operator.user).unwrap(), &scene.before));
}

#[tokio::test]
async fn a_megabyte_of_binary_reaches_a_slow_reader_unchanged() {
    let scene = scene();
    make_raw(&scene.command);
    let sent = binary(1 << 20);
    let (copy, mut command) = (sent.clone(), file(&scene.command));
    drop(scene.command);
    let writer = thread::spawn(move || command.write_all(&copy).unwrap());
    let mut reader = file(&scene.operator.controller);
    let seen = tokio::task::spawn_blocking(move || {
        let (mut seen, mut buffer) = (Vec::new(), [0; 3000]);
        while seen.len() < 1 << 20 {
            let read = reader.read(&mut buffer).unwrap();
            seen.extend_from_slice(&buffer[..read]);
            if seen.len() % 5 == 0 {
                thread::sleep(Duration::from_micros(300));
            }
        }
        seen
    });
    let seen = seen.await.unwrap();
    writer.join().unwrap();
    assert!(scene.relay.finish(PATIENCE).await.drained);
    assert!(seen == sent);
}

#[tokio::test]
async fn keys_pass_as_bytes_control_keys_too() {
    let scene = scene();
    make_raw(&scene.command);
    let sent: Vec<u8> = (0..=255).collect();
    file(&scene.operator.controller).write_all(&sent).unwrap();
    let mut seen = vec![0; sent.len()];
    file(&scene.command).read_exact(&mut seen).unwrap();
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn ctrl_c_interrupts_what_runs_inside_and_not_us() {
    let scene = scene();
    let stdio = || fcntl_dupfd_cloexec(&scene.command, 3).unwrap();
    let mut child = Command::new("setsid")
        .args([
            "--ctty",
            "--wait",
            "sh",
            "-c",
            "trap 'echo caught; exit 7' INT; echo ready; read x",
        ])
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio())
        .spawn()
        .unwrap();
    drop(scene.command);
    let mut screen = file(&scene.operator.controller);
    let mut shown = [0; 7];
    screen.read_exact(&mut shown).unwrap();
    assert_eq!(&shown, b"ready\r\n");
    screen.write_all(b"\x03").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert!(scene.relay.finish(PATIENCE).await.drained);
    let mut rest = [0; 10];
    screen.read_exact(&mut rest).unwrap();
    assert_eq!(&rest, b"^Ccaught\r\n");
}

#[tokio::test]
async fn a_continue_without_a_stop_does_not_take_raw_mode_for_the_operators() {
    let scene = scene();
    scene.relay.handle().resume().await;
    scene.relay.finish(Duration::from_millis(10)).await;
    assert!(same(&tcgetattr(&scene.operator.user).unwrap(), &scene.before));
}

#[tokio::test]
async fn nobody_waits_for_a_relay_that_is_gone() {
    let scene = scene();
    let handle = scene.relay.handle();
    scene.relay.finish(Duration::from_millis(10)).await;
    handle.suspend().await;
    handle.resume().await;
    handle.resize();
    assert!(same(&tcgetattr(&scene.operator.user).unwrap(), &scene.before));
}

#[tokio::test]
async fn a_paste_of_100_kb_waits_for_a_slow_command() {
    let scene = scene();
    make_raw(&scene.command);
    let sent = binary(100_000);
    let (copy, mut keys) = (sent.clone(), file(&scene.operator.controller));
    let typist = thread::spawn(move || keys.write_all(&copy).unwrap());
    let (mut seen, mut command) = (vec![0; sent.len()], file(&scene.command));
    thread::sleep(Duration::from_millis(50));
    command.read_exact(&mut seen).unwrap();
    typist.join().unwrap();
    assert!(seen == sent);
}

#[tokio::test]
async fn a_resize_reaches_the_command() {
    let scene = scene();
    assert_eq!(tcgetwinsize(&scene.command).unwrap().ws_col, 100);
    let size = Winsize { ws_row: 5, ws_col: 7, ws_xpixel: 1, ws_ypixel: 2 };
    tcsetwinsize(&scene.operator.controller, size).unwrap();
    scene.relay.handle().resize();
    until(|| tcgetwinsize(&scene.command).unwrap().ws_col == 7);
}

#[tokio::test]
async fn suspending_gives_the_terminal_back_and_resuming_takes_it_again() {
    let scene = scene();
    let handle = scene.relay.handle();
    file(&scene.command).write_all(b"before\n").unwrap();
    handle.suspend().await;
    assert!(same(&tcgetattr(&scene.operator.user).unwrap(), &scene.before));

    // While it is suspended the operator's shell gets the keys, and may set its own modes.
    let mut modes = scene.before.clone();
    modes.local_modes -= LocalModes::ECHO;
    tcsetattr(&scene.operator.user, OptionalActions::Now, &modes).unwrap();
    file(&scene.operator.controller).write_all(b"ls\n").unwrap();
    let mut line = [0; 3];
    file(&scene.operator.user).read_exact(&mut line).unwrap();
    assert_eq!(&line, b"ls\n");
    let size = Winsize { ws_col: 9, ..SIZE };
    tcsetwinsize(&scene.operator.controller, size).unwrap();

    handle.resume().await;
    assert!(is_raw(&scene.operator));
    assert_eq!(tcgetwinsize(&scene.command).unwrap().ws_col, 9);
    file(&scene.operator.controller).write_all(b"x\n").unwrap();
    let mut key = [0; 2];
    file(&scene.command).read_exact(&mut key).unwrap();
    assert_eq!(&key, b"x\n");
    scene.relay.finish(Duration::from_millis(50)).await;
    assert!(same(&tcgetattr(&scene.operator.user).unwrap(), &modes));
}

#[test]
fn a_dropped_relay_restores_the_modes() {
    let scene = scene();
    let Scene { relay, operator, before, .. } = scene;
    drop(relay);
    assert!(same(&tcgetattr(&operator.user).unwrap(), &before));
}

#[test]
fn a_panic_restores_the_modes() {
    let scene = scene();
    let Scene { relay, operator, before, command } = scene;
    let panicked = thread::spawn(move || {
        let _relay = relay;
        panic!("on purpose");
    });
    assert!(panicked.join().is_err());
    assert!(same(&tcgetattr(&operator.user).unwrap(), &before));
    drop(command);
}

#[tokio::test]
async fn the_end_does_not_wait_for_one_that_keeps_the_terminal_open() {
    let scene = scene();
    let start = Instant::now();
    let ended = scene.relay.finish(Duration::from_millis(100)).await;
    assert!(!ended.drained && start.elapsed() < Duration::from_secs(2));
    assert!(same(&tcgetattr(&scene.operator.user).unwrap(), &scene.before));
}

#[tokio::test]
async fn a_terminal_that_takes_nothing_does_not_hold_the_end_up() {
    let scene = scene();
    let mut command = file(&scene.command);
    drop(scene.command);
    thread::spawn(move || command.write_all(&binary(1 << 20)));
    thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    assert!(!scene.relay.finish(Duration::from_millis(200)).await.drained);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_terminal_that_hangs_up_does_not_block_the_command() {
    let scene = scene();
    drop(scene.operator);
    let mut command = file(&scene.command);
    let mut end = [0; 1];
    tokio::task::spawn_blocking(move || {
        // The end of input comes as its character; output goes nowhere and still goes.
        assert_eq!(command.read(&mut end).unwrap(), 0);
        command.write_all(&binary(1 << 20)).unwrap();
    })
    .await
    .unwrap();
    drop(scene.command);
    scene.relay.finish(PATIENCE).await;
}

#[test]
fn which_streams_are_the_terminal_decides_how_keys_pass() {
    let operator = Pty::open(SIZE).unwrap();
    let (read, write) = pipe().unwrap();
    let (tty, read, write) = (operator.user.as_fd(), read.as_fd(), write.as_fd());
    let null = File::options().read(true).write(true).open("/dev/null").unwrap();
    let keyboard =
        |input, output, error| Terminal::among(input, output, error).unwrap().map(|t| t.keyboard());
    assert_eq!(keyboard(tty, tty, tty), Some(Keyboard::Raw));
    assert_eq!(keyboard(read, tty, tty), Some(Keyboard::Raw));
    assert_eq!(keyboard(tty, null.as_fd(), tty), Some(Keyboard::Raw));
    assert_eq!(keyboard(tty, write, tty), Some(Keyboard::Lines));
    assert_eq!(keyboard(read, write, tty), Some(Keyboard::Off));
    assert_eq!(keyboard(read, write, write), None);
    let some = Terminal::among(tty, write, tty).unwrap().unwrap();
    assert!(some.is_stdin() && !some.is_stdout() && some.is_stderr());
}

#[tokio::test]
async fn in_a_pipeline_lines_pass_until_a_pager_takes_the_keyboard() {
    let operator = Pty::open(SIZE).unwrap();
    let (_read, write) = pipe().unwrap();
    let tty = operator.user.as_fd();
    let terminal = Terminal::among(tty, write.as_fd(), tty).unwrap().unwrap();
    let inner = Pty::open(terminal.size()).unwrap();
    let relay = Relay::start(terminal, inner.controller).unwrap();
    file(&operator.controller).write_all(b"line\n").unwrap();
    let mut line = [0; 5];
    file(&inner.user).read_exact(&mut line).unwrap();
    assert_eq!(&line, b"line\n");
    assert!(!is_raw(&operator));

    make_raw(&operator.user);
    thread::sleep(Duration::from_millis(150));
    file(&operator.controller).write_all(b"q").unwrap();
    let mut key = [0; 1];
    file(&operator.user).read_exact(&mut key).unwrap();
    assert_eq!(&key, b"q");
    relay.finish(Duration::from_millis(10)).await;
}
