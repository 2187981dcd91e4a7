use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::{
    io,
    termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr},
};

use super::Terminal;

/// The terminal's modes, and whose they are.
///
/// Whoever holds it can give the operator's back: the relay's thread in the ordinary case, and
/// the relay's drop on every other way out.
#[derive(Debug)]
pub(super) struct Mode {
    terminal: Terminal,
    now: Mutex<Now>,
}

#[derive(Debug)]
enum Now {
    /// The operator's.
    Theirs,
    /// Raw; the operator's are remembered.
    Ours(Box<Termios>),
    /// The operator's, for good: nobody takes the terminal any more.
    Over,
}

impl Mode {
    pub(super) fn new(terminal: Terminal) -> Self {
        Self { terminal, now: Mutex::new(Now::Theirs) }
    }

    pub(super) fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    pub(super) fn is_raw(&self) -> bool {
        matches!(*self.now(), Now::Ours(_))
    }

    /// Whether lines are read, and not keys: no other program has taken the keyboard.
    pub(super) fn is_lines(&self) -> bool {
        tcgetattr(&self.terminal).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON))
    }

    /// Raw mode, with the operator's modes remembered.
    pub(super) fn raw(&self) -> io::Result<()> {
        let mut now = self.now();
        if let Now::Theirs = *now {
            let theirs = tcgetattr(&self.terminal)?;
            let mut raw = theirs.clone();
            raw.make_raw();
            tcsetattr(&self.terminal, OptionalActions::Now, &raw)?;
            *now = Now::Ours(Box::new(theirs));
        }
        Ok(())
    }

    /// The operator's modes again. Keys that nobody has read are thrown away: among them may be
    /// the terminal's answer to a question that the command printed last, and the operator's
    /// shell must not take it for a command line.
    pub(super) fn restore(&self) {
        self.give_back(&mut self.now());
    }

    /// The operator's modes again, and for good.
    pub(super) fn end(&self) {
        let mut now = self.now();
        self.give_back(&mut now);
        *now = Now::Over;
    }

    /// After a stop that was not ours: if somebody has set the terminal's modes meanwhile, those
    /// are the operator's now.
    pub(super) fn look_again(&self) {
        let mut now = self.now();
        let still_raw = tcgetattr(&self.terminal)
            .is_ok_and(|modes| !modes.local_modes.contains(LocalModes::ICANON));
        if matches!(*now, Now::Ours(_)) && !still_raw {
            *now = Now::Theirs;
        }
    }

    fn give_back(&self, now: &mut Now) {
        if let Now::Ours(theirs) = &*now {
            if self.terminal.is_foreground() {
                // Not `Flush`, which waits for a terminal that may be stuck. Nothing is left to
                // do about one that is gone.
                tcflush(&self.terminal, QueueSelector::IFlush).ok();
                tcsetattr(&self.terminal, OptionalActions::Now, theirs).ok();
            }
            *now = Now::Theirs;
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
