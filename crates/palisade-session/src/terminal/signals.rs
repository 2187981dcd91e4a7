use std::{io, time::Duration};

use palisade_sandbox::linux::sys::signal::{give_default, is_ignored};
use rustix::process::{Signal as Number, kill_current_process_group};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A signal that a session answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// The window's size changed: [`Handle::resize`](super::Handle::resize).
    Resized,
    /// We go on after a stop: [`Handle::resume`](super::Handle::resume).
    Continued,
    /// The operator or the system wants an end (`SIGINT`, `SIGQUIT`, `SIGTERM`, `SIGHUP`): pass
    /// it on to the command, and restore the terminal. The number is the signal's.
    End(i32),
}

/// The signals that a session answers. As long as this lives they have no default effect, so whoever
/// makes it must take them.
///
/// One that asks for an end and that whoever started us has had ignored stays so: of a hangup under
/// `nohup`, and of a key of the terminal behind `&`, neither we nor the command hear.
#[derive(Debug)]
pub struct Signals {
    resized: Stream,
    continued: Stream,
    interrupt: Option<Stream>,
    quit: Option<Stream>,
    terminate: Option<Stream>,
    hangup: Option<Stream>,
}

impl Signals {
    /// Begin to catch. Must be called in a tokio runtime.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
            interrupt: unless_ignored(SignalKind::interrupt())?,
            quit: unless_ignored(SignalKind::quit())?,
            terminate: unless_ignored(SignalKind::terminate())?,
            hangup: unless_ignored(SignalKind::hangup())?,
        })
    }

    /// Resolves when somebody wants an end.
    pub async fn end(&mut self) {
        while !matches!(self.next().await, Signal::End(_)) {}
    }

    /// The next one. Can be cancelled without losing any.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            () = next(&mut self.terminate) => Signal::End(Number::TERM.as_raw()),
            () = next(&mut self.hangup) => Signal::End(Number::HUP.as_raw()),
            () = next(&mut self.interrupt) => Signal::End(Number::INT.as_raw()),
            () = next(&mut self.quit) => Signal::End(Number::QUIT.as_raw()),
            _ = self.continued.recv() => Signal::Continued,
            _ = self.resized.recv() => Signal::Resized,
        }
    }
}

/// Whatever is still to be done can be ended by them: to write to a pipe that nobody reads, say.
impl Drop for Signals {
    fn drop(&mut self) {
        let caught = [
            (Number::INT, &self.interrupt),
            (Number::QUIT, &self.quit),
            (Number::TERM, &self.terminate),
            (Number::HUP, &self.hangup),
        ];
        for (signal, stream) in caught {
            if stream.is_some() {
                give_default(signal.as_raw());
            }
        }
    }
}

fn unless_ignored(kind: SignalKind) -> io::Result<Option<Stream>> {
    if is_ignored(kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

async fn next(stream: &mut Option<Stream>) {
    match stream {
        Some(stream) => {
            stream.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Stop this process's whole job, as Ctrl-Z does, and resolve when it goes on. The terminal must
/// have been given back by [`Handle::suspend`](super::Handle::suspend).
///
/// Where no shell could continue us the kernel ignores the stop, and so this resolves at once.
pub async fn stop_job(signals: &mut Signals) {
    // One from before says nothing about this stop.
    tokio::time::timeout(Duration::ZERO, signals.continued.recv()).await.ok();
    if kill_current_process_group(Number::TSTP).is_ok() {
        // The stop may take another thread first; only the signal that ends it, or time that
        // passes while we run, says that it is over.
        tokio::time::timeout(Duration::from_millis(200), signals.continued.recv()).await.ok();
    }
}
