use std::{io, time::Duration};

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

/// The signals that a session answers. As long as the process lives they have no default effect
/// any more, so whoever makes this must take them.
#[derive(Debug)]
pub struct Signals {
    resized: Stream,
    continued: Stream,
    interrupt: Stream,
    quit: Stream,
    terminate: Stream,
    hangup: Stream,
}

impl Signals {
    /// Begin to catch. Must be called in a tokio runtime.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            continued: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one. Can be cancelled without losing any.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::End(Number::TERM.as_raw()),
            _ = self.hangup.recv() => Signal::End(Number::HUP.as_raw()),
            _ = self.interrupt.recv() => Signal::End(Number::INT.as_raw()),
            _ = self.quit.recv() => Signal::End(Number::QUIT.as_raw()),
            _ = self.continued.recv() => Signal::Continued,
            _ = self.resized.recv() => Signal::Resized,
        }
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
