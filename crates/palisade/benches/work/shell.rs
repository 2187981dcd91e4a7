use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use crate::stage::Outcome;

/// What starts a shell, and what is said to it first.
pub(crate) struct Setting {
    pub(crate) command: Command,
    pub(crate) setting: String,
}

/// A shell that stands and does what it is told, one job after the other.
#[derive(Debug)]
pub(crate) struct Shell {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Shell {
    pub(crate) fn start(setting: Setting) -> Outcome<Self> {
        let Setting { mut command, setting } = setting;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut shell = Self { child, orders, answers };
        // Not in a shell of its own: it is to stay.
        shell.ask(&format!("{setting}; echo $?\n"))?;
        Ok(shell)
    }

    /// How long the script takes. What it prints is not looked at.
    pub(crate) fn run(&mut self, script: &str) -> Outcome<Duration> {
        let start = Instant::now();
        self.ask(&format!("( set -e\n{script}\n) >/dev/null </dev/null; echo $?\n"))?;
        Ok(start.elapsed())
    }

    /// Processor time of all that it had done until now, to a hundredth of a second.
    pub(crate) fn processor_time(&mut self) -> Outcome<Duration> {
        // The first line is the shell's own.
        self.orders.write_all(b"times\n")?;
        let mut lines = String::new();
        for _ in 0..2 {
            self.answers.read_line(&mut lines)?;
        }
        let of_children = lines.lines().nth(1).ok_or("`times` says nothing of children")?;
        let seconds = |word: &str| {
            let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
            Some(60.0 * minutes.parse::<f64>().ok()? + seconds.parse::<f64>().ok()?)
        };
        let both = of_children.split_ascii_whitespace().map(seconds).sum::<Option<f64>>();
        Ok(Duration::from_secs_f64(both.ok_or("`times` is not as POSIX has it")?))
    }

    fn ask(&mut self, words: &str) -> Outcome<()> {
        self.orders.write_all(words.as_bytes())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        match answer.trim() {
            "0" => Ok(()),
            other => Err(format!("the shell answers `{other}` to:\n{words}").into()),
        }
    }

    pub(crate) fn end(self) -> Outcome<()> {
        let Self { mut child, orders, answers } = self;
        drop((orders, answers));
        let status = child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a shell ended with {status}").into()) }
    }
}
