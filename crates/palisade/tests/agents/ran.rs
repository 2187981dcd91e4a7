use std::{
    fmt,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Longer than any agent takes on a busy machine; a test that waits this long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(150);

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "exit {}\n-- stdout\n{}", self.exit, self.stdout)?;
        write!(out, "-- stderr\n{}", self.stderr)
    }
}

/// Run it to its end, with nothing to read.
pub(crate) fn run(command: &mut Command) -> Ran {
    let mut child = spawn(command.stdin(Stdio::null()));
    let (stdout, stderr) = (all(child.stdout.take()), all(child.stderr.take()));
    let exit = wait(&mut child);
    Ran { exit, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Its exit status; -1 if it had to be killed.
pub(crate) fn wait(child: &mut Child) -> i32 {
    let until = Instant::now() + LONG;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    -1
}

/// All of a stream, read on a thread of its own.
pub(crate) fn all(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut stream = stream.unwrap();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Press keys until it ends.
pub(crate) fn press_until_end(child: &mut Child, keys: &[u8]) -> i32 {
    let mut stdin = child.stdin.take().unwrap();
    let until = Instant::now() + LONG;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        // It may end at any time, and close its input.
        drop(stdin.write_all(keys));
        thread::sleep(Duration::from_millis(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    -1
}
