use std::{
    collections::VecDeque,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{EventfdFlags, eventfd},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{self, fcntl_dupfd_cloexec},
    termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr, tcsetwinsize},
};
use tokio::{io::Interest, net::UnixStream, sync::oneshot};

use super::{Keyboard, Terminal, Watch, mode::Mode, pump};

/// The most of an answer that is read.
const LONGEST_LINE: usize = 256;

/// Copies between the operator's terminal and a pseudo-terminal's controller, in a thread of its
/// own. Ends by itself when the user side is closed by all.
///
/// The operator's modes are restored by [`Relay::finish`], and by dropping it. A process that
/// ends without either (by a signal it does not handle, or `exit`) leaves the terminal raw: a
/// session answers [`Signals`](super::Signals).
#[derive(Debug)]
pub struct Relay {
    handle: Handle,
}

/// A way to speak to a relay from anywhere.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// How a relay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// All that the command printed is on the terminal.
    pub drained: bool,
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Word {
    Resize,
    /// Have the command draw anew what it shows.
    Redraw,
    Suspend(oneshot::Sender<()>),
    Resume(oneshot::Sender<()>),
    Finish(Instant, oneshot::Sender<Ended>),
    Quit,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) mode: Mode,
    pub(super) controller: OwnedFd,
    pub(super) bell: OwnedFd,
    /// `None` once nobody reads them any more.
    pub(super) words: Mutex<Option<VecDeque<Word>>>,
}

impl Relay {
    /// Take the terminal and begin to copy. The controller may be of a pair made here or inside
    /// a sandbox; it gets the terminal's modes and size.
    pub fn start(terminal: Terminal, controller: OwnedFd) -> io::Result<Self> {
        Self::watched(terminal, controller, None)
    }

    /// The same, and `watch` sees what is shown.
    pub fn watched(
        terminal: Terminal,
        controller: OwnedFd,
        watch: Option<Box<dyn Watch>>,
    ) -> io::Result<Self> {
        let keyboard = terminal.keyboard();
        fcntl_setfl(&controller, fcntl_getfl(&controller)? | OFlags::NONBLOCK)?;
        let mut modes = tcgetattr(&terminal)?;
        if keyboard == Keyboard::Lines {
            // The operator's terminal echoes what is typed; once is enough.
            modes.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        }
        tcsetattr(&controller, OptionalActions::Now, &modes)?;
        tcsetwinsize(&controller, terminal.size())?;
        let shared = Arc::new(Shared {
            mode: Mode::new(terminal),
            controller,
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            words: Mutex::new(Some(VecDeque::new())),
        });
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("terminal".into())
            .spawn(move || pump::run(&theirs, watch))
            .map_err(|_| io::Errno::AGAIN)?;
        Ok(Self { handle: Handle { shared } })
    }

    /// A way to speak to it from elsewhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The command has ended: take no more keys, bring what it printed to the terminal, for as
    /// long as `patience`, and restore the terminal.
    pub async fn finish(self, patience: Duration) -> Ended {
        let (answer, ended) = oneshot::channel();
        let until = Instant::now().checked_add(patience).unwrap_or_else(Instant::now);
        self.handle.shared.say(Word::Finish(until, answer));
        // The thread keeps to the time itself, unless the terminal blocks it.
        let grace = patience.saturating_add(Duration::from_millis(500));
        let ended = tokio::time::timeout(grace, ended).await;
        self.handle.shared.mode.end();
        ended.ok().and_then(Result::ok).unwrap_or(Ended { drained: false })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.handle.shared.say(Word::Quit);
        self.handle.shared.mode.end();
    }
}

impl Handle {
    /// The window's size has changed: pass it on. The kernel tells the inner foreground group.
    pub fn resize(&self) {
        self.shared.say(Word::Resize);
    }

    /// Whether the operator has each key go to the command, and so can be asked nothing otherwise.
    pub(crate) fn is_raw(&self) -> bool {
        let terminal = self.shared.mode.terminal();
        terminal.keyboard() == Keyboard::Raw && terminal.is_stdout()
    }

    /// Take the terminal from the command for a question, and return the line that is typed. What the
    /// command prints meanwhile waits. Dropping this gives the terminal back to the command.
    pub(crate) async fn ask(&self, question: &str) -> std::io::Result<String> {
        let _back = Back(self);
        self.suspend().await;
        let terminal = fcntl_dupfd_cloexec(self.shared.mode.terminal(), 3)?;
        if !fcntl_getfl(&terminal)?.contains(OFlags::NONBLOCK) {
            return Err(io::Errno::AGAIN.into());
        }
        // A copy, by which the runtime knows when there is something. It is no stream, and to wait
        // there is no difference.
        let copy = std::os::unix::net::UnixStream::from(terminal.try_clone()?);
        let waits = UnixStream::from_std(copy)?;
        let mut rest = question.as_bytes();
        while !rest.is_empty() {
            let write = || Ok(io::write(&terminal, rest)?);
            let written = waits.async_io(Interest::WRITABLE, write).await?;
            rest = rest.get(written..).unwrap_or_default();
        }
        let mut line = vec![0_u8; LONGEST_LINE];
        let read = || Ok(io::read(&terminal, &mut *line)?);
        let read = waits.async_io(Interest::READABLE, read).await?;
        line.truncate(read);
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// Give the terminal back to the operator, until [`Handle::resume`]. Resolves when its modes
    /// are restored.
    pub async fn suspend(&self) {
        let (answer, done) = oneshot::channel();
        self.shared.say(Word::Suspend(answer));
        // An error means that the relay has ended, and restored the terminal.
        done.await.ok();
    }

    /// Take the terminal again, as soon as we are in its foreground, and pass its size on.
    pub async fn resume(&self) {
        let (answer, done) = oneshot::channel();
        self.shared.say(Word::Resume(answer));
        done.await.ok();
    }
}

/// The terminal is the command's again when this goes.
struct Back<'a>(&'a Handle);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        // Nobody waits for the answer.
        let (answer, _) = oneshot::channel();
        self.0.shared.say(Word::Resume(answer));
        self.0.shared.say(Word::Redraw);
    }
}

impl Shared {
    fn say(&self, word: Word) {
        match &mut *self.words.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(words) => words.push_back(word),
            // Who waits for its answer learns from its drop.
            None => return,
        }
        // A full counter rings as well.
        io::write(&self.bell, &1_u64.to_ne_bytes()).ok();
    }
}
