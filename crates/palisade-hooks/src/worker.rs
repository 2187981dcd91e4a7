use std::{
    collections::VecDeque,
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout},
    sync::Mutex,
    time::timeout,
};

use crate::process::{Group, MOST_BYTES, Order, too_long, too_much};

/// How often a worker may be started in `WINDOW`.
const MOST_STARTS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);

/// A program that stays: it reads a line of JSON and writes one, again and again. One question at a time.
#[derive(Debug)]
pub(crate) struct Worker {
    order: Order,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<Running>,
    starts: VecDeque<Instant>,
}

/// Dropped, it is killed with all that it started.
#[derive(Debug)]
struct Running {
    // Before the child: its number is the group's, as long as it is not reaped.
    _group: Group,
    _child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// Why there is no answer.
enum Failed {
    /// It has ended: another one could answer.
    Gone,
    Why(String),
}

impl Worker {
    pub(crate) fn new(order: Order) -> Self {
        Self { order, state: Mutex::default() }
    }

    /// Ask. One that fails in any way is ended; the next question starts another, if it was not too often.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(crate) async fn ask(&self, line: &[u8], within: Duration) -> Result<Vec<u8>, String> {
        timeout(within, self.asked(line)).await.unwrap_or_else(|_| Err(too_long(within)))
    }

    async fn asked(&self, line: &[u8]) -> Result<Vec<u8>, String> {
        let mut state = self.state.lock().await;
        // Not put back unless it answers: whatever happens then, also that nobody waits any more.
        if let Some(mut running) = state.running.take() {
            match running.exchange(line).await {
                Ok(answer) => {
                    state.running = Some(running);
                    return Ok(answer);
                }
                Err(Failed::Why(why)) => return Err(why),
                Err(Failed::Gone) => {}
            }
        }
        let mut running = state.start(&self.order)?;
        match running.exchange(line).await {
            Ok(answer) => {
                state.running = Some(running);
                Ok(answer)
            }
            Err(Failed::Why(why)) => Err(why),
            Err(Failed::Gone) => Err("it ended without an answer".to_owned()),
        }
    }
}

impl State {
    fn start(&mut self, order: &Order) -> Result<Running, String> {
        self.starts.retain(|start| start.elapsed() < WINDOW);
        if self.starts.len() >= MOST_STARTS {
            return Err(format!(
                "it was started {MOST_STARTS} times within {} s, and is not started again",
                WINDOW.as_secs()
            ));
        }
        self.starts.push_back(Instant::now());
        let (mut child, group) = order.start(Stdio::null())?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no pipes".to_owned());
        };
        Ok(Running { _group: group, _child: child, stdin, stdout: BufReader::new(stdout) })
    }
}

impl Running {
    async fn exchange(&mut self, line: &[u8]) -> Result<Vec<u8>, Failed> {
        self.nothing_waits().await?;
        if self.stdin.write_all(line).await.is_err() {
            return Err(Failed::Gone);
        }
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let mut answer = Vec::new();
        let read = (&mut self.stdout).take(most).read_until(b'\n', &mut answer).await;
        match read {
            Ok(0) => Err(Failed::Gone),
            Err(error) => Err(Failed::Why(error.to_string())),
            Ok(_) if answer.last() != Some(&b'\n') => {
                Err(Failed::Why(if answer.len() > MOST_BYTES {
                    too_much()
                } else {
                    "it ended within a line".to_owned()
                }))
            }
            Ok(_) if !self.stdout.buffer().is_empty() => Err(unasked()),
            Ok(_) => Ok(answer),
        }
    }

    /// What it has printed before it is asked would be taken for the answer.
    async fn nothing_waits(&mut self) -> Result<(), Failed> {
        let waits = tokio::select! {
            biased;
            waits = self.stdout.fill_buf() => waits.map(<[u8]>::len),
            () = std::future::ready(()) => return Ok(()),
        };
        match waits {
            Ok(0) | Err(_) => Err(Failed::Gone),
            Ok(_) => Err(unasked()),
        }
    }
}

fn unasked() -> Failed {
    Failed::Why("it printed more than one line for a question".to_owned())
}
