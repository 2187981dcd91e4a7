//! The relay's thread: one `poll` loop, two bounded buffers. A side is read only while nothing
//! read from it waits to be written, so whoever writes too fast has to wait.

use std::{
    sync::{Arc, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{self, Errno},
    termios::{SpecialCodeIndex, tcgetattr, tcsetwinsize},
};
use tokio::sync::oneshot;

use super::{
    Keyboard, Watch,
    relay::{Ended, Shared, Word},
};

const BUFFER: usize = 32 * 1024;
/// How often to look whether the keyboard is ours again.
const LOOK: Duration = Duration::from_millis(100);

struct Pump<'a> {
    shared: &'a Shared,
    watch: Option<Box<dyn Watch>>,
    keyboard: Keyboard,
    suspended: bool,
    keys: Vec<u8>,
    output: Vec<u8>,
    /// Whether the user side is closed.
    closed: bool,
    /// Whether the operator's terminal takes no more output.
    gone: bool,
    finish: Option<(Instant, oneshot::Sender<Ended>)>,
}

/// What to wait for.
#[derive(Debug, Default, Clone, Copy)]
struct Wants {
    keys: bool,
    show: bool,
    hear: bool,
    tell: bool,
}

/// However the thread ends, nobody waits for an answer that does not come.
struct Silence<'a>(&'a Shared);

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        self.0.mode.end();
        self.0.words.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

pub(super) fn run(shared: &Arc<Shared>, watch: Option<Box<dyn Watch>>) {
    let _silence = Silence(shared);
    let mut pump = Pump {
        shared,
        watch,
        keyboard: shared.mode.terminal().keyboard(),
        suspended: false,
        keys: Vec::new(),
        output: Vec::new(),
        closed: false,
        gone: false,
        finish: None,
    };
    pump.run();
    shared.mode.end();
    // It has seen all before anybody hears of the end.
    drop(pump.watch.take());
    let drained = pump.closed && pump.output.is_empty();
    let answer = match pump.finish.take() {
        Some((_, answer)) => Some(answer),
        None => pump.wait_for_finish(),
    };
    if let Some(answer) = answer {
        // Nobody may wait any more.
        answer.send(Ended { drained }).ok();
    }
}

impl Pump<'_> {
    fn run(&mut self) {
        loop {
            while let Some(word) = self.word() {
                if !self.obey(word) {
                    return;
                }
            }
            if self.closed && self.output.is_empty() {
                return;
            }
            let now = Instant::now();
            let mut timeout = None;
            if let Some((until, _)) = &self.finish {
                if *until <= now {
                    return;
                }
                timeout = Some(until.saturating_duration_since(now));
            }
            let takes_keys = self.takes_keys();
            if self.keyboard != Keyboard::Off && !takes_keys && !self.suspended {
                timeout = Some(timeout.map_or(LOOK, |t| t.min(LOOK)));
            }
            let wants = Wants {
                keys: takes_keys && self.keys.is_empty() && !self.closed,
                show: !self.output.is_empty() && !self.suspended,
                hear: self.output.is_empty() && !self.closed,
                tell: !self.keys.is_empty() && !self.closed,
            };
            if let Some((on_terminal, on_controller)) = self.wait(wants, timeout) {
                self.work(wants, on_terminal, on_controller);
            }
        }
    }

    /// Whether keys are ours to read; takes raw mode when they are and it is due.
    fn takes_keys(&mut self) -> bool {
        let mode = &self.shared.mode;
        if self.suspended || self.finish.is_some() || !mode.terminal().is_foreground() {
            return false;
        }
        match self.keyboard {
            Keyboard::Off => false,
            Keyboard::Lines => mode.is_lines(),
            Keyboard::Raw => mode.is_raw() || mode.raw().is_ok(),
        }
    }

    fn wait(&self, wants: Wants, timeout: Option<Duration>) -> Option<(PollFlags, PollFlags)> {
        let flags = |read, write| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, read);
            flags.set(PollFlags::OUT, write);
            flags
        };
        let terminal = flags(wants.keys, wants.show);
        let controller = flags(wants.hear, wants.tell);
        // One that is not waited for would still report its hang-up, again and again.
        let mut set = vec![PollFd::new(&self.shared.bell, PollFlags::IN)];
        if !terminal.is_empty() {
            set.push(PollFd::new(self.shared.mode.terminal(), terminal));
        }
        if !controller.is_empty() {
            set.push(PollFd::new(&self.shared.controller, controller));
        }
        let timeout = timeout.map(|t| Timespec {
            tv_sec: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: t.subsec_nanos().into(),
        });
        match poll(&mut set, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return None,
            Err(_) => {
                thread::sleep(LOOK);
                return None;
            }
        }
        let mut found = set.iter().map(PollFd::revents);
        if found.next().is_some_and(|bell| !bell.is_empty()) {
            // Empties the counter; the words are read in any case.
            io::read(&self.shared.bell, &mut [0_u8; 8]).ok();
        }
        let none = PollFlags::empty();
        let on_terminal = if terminal.is_empty() { none } else { found.next().unwrap_or(none) };
        let on_controller = if controller.is_empty() { none } else { found.next().unwrap_or(none) };
        Some((on_terminal, on_controller))
    }

    fn work(&mut self, wants: Wants, on_terminal: PollFlags, on_controller: PollFlags) {
        let broken = PollFlags::HUP | PollFlags::ERR;
        if wants.hear && on_controller.intersects(PollFlags::IN | broken) {
            self.hear();
        }
        if wants.tell && on_controller.intersects(PollFlags::OUT | broken) {
            self.tell();
        }
        let ended = on_terminal.intersects(broken);
        // A pager may have taken the keyboard since the wait for a key began, and then it is the pager's.
        if wants.keys && (ended || (on_terminal.contains(PollFlags::IN) && self.takes_keys())) {
            self.read_keys(ended);
        }
        if wants.show && on_terminal.intersects(PollFlags::OUT | broken) || self.gone {
            self.show();
        }
    }

    /// Read what the command printed.
    fn hear(&mut self) {
        self.output.resize(BUFFER, 0);
        let read = io::read(&self.shared.controller, &mut self.output);
        self.output.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(n) if n > 0 => {
                if let Some(watch) = &mut self.watch {
                    watch.output(&self.output);
                }
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            // Linux says EIO when the user side is closed by all.
            Ok(_) | Err(_) => self.closed = true,
        }
    }

    /// Write what the command printed to the terminal.
    fn show(&mut self) {
        if self.gone {
            self.output.clear();
            return;
        }
        match io::write(self.shared.mode.terminal(), &self.output) {
            Ok(n) => drop(self.output.drain(..n)),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => thread::sleep(Duration::from_millis(1)),
            Err(_) => {
                // The command must not block on a terminal that is gone.
                self.gone = true;
                self.output.clear();
            }
        }
    }

    fn read_keys(&mut self, broken: bool) {
        self.keys.resize(BUFFER, 0);
        let read = io::read(self.shared.mode.terminal(), &mut self.keys);
        self.keys.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(n) if n > 0 => {}
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(_) | Err(_) => {
                // A terminal has no half-close: its end of input is a character.
                self.keys.push(self.end_of_input());
                if broken || self.keyboard == Keyboard::Raw {
                    self.keyboard = Keyboard::Off;
                }
            }
        }
    }

    /// Write the operator's keys to the command.
    fn tell(&mut self) {
        match io::write(&self.shared.controller, &self.keys) {
            Ok(n) => drop(self.keys.drain(..n)),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => thread::sleep(Duration::from_millis(1)),
            Err(_) => self.keys.clear(),
        }
    }

    fn end_of_input(&self) -> u8 {
        tcgetattr(&self.shared.controller)
            .map_or(4, |modes| modes.special_codes[SpecialCodeIndex::VEOF])
    }

    fn word(&self) -> Option<Word> {
        self.shared.words.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.pop_front()
    }

    fn obey(&mut self, word: Word) -> bool {
        match word {
            Word::Resize => self.resize(),
            Word::Redraw => self.redraw(),
            Word::Suspend(answer) => {
                self.flush(Duration::from_millis(200));
                self.suspended = true;
                self.shared.mode.restore();
                answer.send(()).ok();
            }
            Word::Resume(answer) => {
                self.shared.mode.look_again();
                self.suspended = false;
                self.takes_keys();
                self.resize();
                answer.send(()).ok();
            }
            Word::Finish(until, answer) => {
                // A question that nobody answered any more holds nothing back.
                self.suspended = false;
                self.finish = Some((until, answer));
            }
            Word::Quit => return false,
        }
        true
    }

    fn resize(&mut self) {
        let size = self.shared.mode.terminal().size();
        if let Some(watch) = &mut self.watch {
            watch.resized(size);
        }
        // Fails only when the user side is gone, and then there is nobody to tell.
        tcsetwinsize(&self.shared.controller, size).ok();
    }

    /// A size that changes has a program draw all of its screen.
    fn redraw(&mut self) {
        let mut size = self.shared.mode.terminal().size();
        size.ws_row = size.ws_row.saturating_sub(1);
        tcsetwinsize(&self.shared.controller, size).ok();
        self.resize();
    }

    /// What was read already belongs before the shell's prompt.
    fn flush(&mut self, patience: Duration) {
        let until = Instant::now() + patience;
        while !self.output.is_empty() && Instant::now() < until {
            self.show();
        }
    }

    /// The user side is closed and the terminal restored; somebody may still ask how it ended.
    fn wait_for_finish(&self) -> Option<oneshot::Sender<Ended>> {
        loop {
            match self.word() {
                Some(Word::Finish(_, answer)) => return Some(answer),
                Some(Word::Quit) => return None,
                Some(Word::Suspend(answer) | Word::Resume(answer)) => drop(answer.send(())),
                Some(Word::Resize | Word::Redraw) => {}
                None => drop(self.wait(Wants::default(), None)),
            }
        }
    }
}
