//! What appears while the session runs, by whoever's hand: at a protected name it is moved aside.
//!
//! Mounts are about what is there at the launch. A thread of the supervisor's sleeps until the kernel tells of a name
//! that is new (`inotify(7)`, which needs no privilege), and acts then. It cannot act before whoever made the name goes
//! on: the time in between is a window, which docs/security.md tells the length of. The end of the session looks
//! at everything once more, see [`sweep`](crate::sweep).
//!
//! # Trust
//! The folders are the agent's: what is told of a name is a hint to look there, by descriptor and without
//! links. Who makes such names without end is ended.

mod protected;
mod watches;

use std::{os::fd::OwnedFd, thread::JoinHandle};

use palisade_core::{Authority, Event, Layer};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use self::{
    protected::Protected,
    watches::{Seen, Watches},
};
use crate::{
    pipeline::Pipeline,
    supervise::Cause,
    sweep::{Found, Watched},
};

/// What was made at protected names so often is no mistake any more.
const MOST_MOVED: u32 = 100;
/// The thread's own stack, in bytes; nothing here is deep.
const STACK: usize = 256 * 1024;

/// What the thread has done.
#[derive(Debug)]
enum Note {
    /// It has moved this aside, or could not.
    Found(Found),
    /// It cannot hold this, and the operator is to know.
    Weaker(String),
    /// The session is to end, for this reason.
    End(String),
}

/// The thread's side.
#[derive(Debug)]
struct Guard {
    watches: Watches,
    protected: Protected,
    notes: UnboundedSender<Note>,
    moved: u32,
    weaker: bool,
}

/// What is watched in a session.
#[derive(Debug)]
pub(crate) struct Later {
    notes: UnboundedReceiver<Note>,
    /// It is not recorded yet.
    pending: Option<Note>,
    waiting: Option<Guard>,
    running: Option<(OwnedFd, JoinHandle<()>)>,
    told: bool,
    notices: Vec<String>,
}

impl Later {
    /// Watch for these names from now on. Nothing has run inside.
    pub(crate) fn begin(names: Vec<Watched>) -> Self {
        let (sender, notes) = unbounded_channel();
        let protected = Protected::new(names);
        let mut waiting = None;
        if !protected.is_empty() {
            match Watches::new() {
                Ok(watches) => {
                    let notes = sender.clone();
                    let mut guard = Guard { watches, protected, notes, moved: 0, weaker: false };
                    guard.look_at_all();
                    waiting = Some(guard);
                }
                Err(errno) => weaker(&sender, errno),
            }
        }
        Self { notes, pending: None, waiting, running: None, told: false, notices: Vec::new() }
    }

    /// The agent runs: act on what appears, until [`Later::finish`].
    pub(crate) fn start(&mut self) {
        let Some(guard) = self.waiting.take() else { return };
        let notes = guard.notes.clone();
        let started = pipe_with(PipeFlags::CLOEXEC).and_then(|(over, stop)| {
            let thread = std::thread::Builder::new().name("later".into()).stack_size(STACK);
            let thread = thread.spawn(move || guard.work(&over));
            thread
                .map(|thread| (stop, thread))
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))
        });
        match started {
            Ok(running) => self.running = Some(running),
            Err(errno) => weaker(&notes, errno),
        }
    }

    /// Record what is done, and tell the operator once, until the session is to end for it.
    pub(crate) async fn until_ended(&mut self, pipeline: &Pipeline, tell: &dyn Fn(&str)) -> Cause {
        loop {
            if self.pending.is_none() {
                // Nobody may be there to send any.
                match self.notes.recv().await {
                    Some(note) => self.pending = Some(note),
                    None => std::future::pending().await,
                }
            }
            if let Some(why) = self.record(pipeline, Some(tell)).await {
                return Cause::Later(why);
            }
        }
    }

    /// Stop, and return what the operator was not told of.
    pub(crate) async fn finish(mut self, pipeline: &Pipeline) -> Vec<String> {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            thread.join().unwrap_or_default();
        }
        drop(self.waiting.take());
        loop {
            if self.pending.is_none() {
                self.pending = self.notes.try_recv().ok();
            }
            if self.pending.is_none() {
                return self.notices;
            }
            self.record(pipeline, None).await;
        }
    }

    /// Record what is pending. Can be cancelled; then it is recorded once more.
    async fn record(&mut self, pipeline: &Pipeline, tell: Option<&dyn Fn(&str)>) -> Option<String> {
        let (event, told) = match self.pending.as_ref()? {
            Note::Found(found) => (found.event(), found.told()),
            Note::Weaker(why) => {
                let mut event = Event::observed("sweep", Layer::Supervisor, "protected names");
                event.reason.clone_from(why);
                (event, why.clone())
            }
            Note::End(why) => {
                let why = why.clone();
                self.pending = None;
                return Some(why);
            }
        };
        let recorded = pipeline.record(event).await;
        let unrecorded = if recorded { "" } else { " (this could not be recorded)" };
        let told = format!("{told}{unrecorded}");
        match tell.filter(|_| !self.told) {
            // Whoever makes one makes more; the others are told at the end.
            Some(tell) => tell(&told),
            None => self.notices.push(told),
        }
        self.told = true;
        self.pending = None;
        None
    }
}

impl Guard {
    /// Until the other end of `over` is closed.
    fn work(mut self, over: &OwnedFd) {
        loop {
            let mut ready =
                [PollFd::new(&self.watches, PollFlags::IN), PollFd::new(over, PollFlags::IN)];
            if rustix::io::retry_on_intr(|| poll(&mut ready, None)).is_err() {
                return;
            }
            let [_, ended] = ready.map(|entry| !entry.revents().is_empty());
            if ended {
                return;
            }
            for seen in self.watches.taken() {
                match seen {
                    Seen::Name { path, .. } => {
                        let (found, watched) = self.protected.see(&path, &mut self.watches);
                        self.tell(found, watched);
                    }
                    Seen::Lost => self.look_at_all(),
                }
            }
        }
    }

    fn look_at_all(&mut self) {
        let (found, watched) = self.protected.look_at_all(&mut self.watches);
        self.tell(found, watched);
    }

    fn tell(&mut self, found: Vec<Found>, watched: Result<(), Errno>) {
        for one in found {
            self.moved = self.moved.saturating_add(1);
            if self.moved > MOST_MOVED {
                continue;
            }
            send(&self.notes, Note::Found(one));
            if self.moved == MOST_MOVED {
                let why = format!(
                    "protected names were made {MOST_MOVED} times, and moved aside each time"
                );
                send(&self.notes, Note::End(why));
            }
        }
        if let Err(errno) = watched
            && !self.weaker
        {
            self.weaker = true;
            weaker(&self.notes, errno);
        }
    }
}

/// Say that something is looked at when the session ends, and not before.
fn weaker(notes: &UnboundedSender<Note>, errno: Errno) {
    let limit = match errno {
        Errno::NOSPC => "; raise fs.inotify.max_user_watches",
        Errno::MFILE => "; raise fs.inotify.max_user_instances",
        _ => "",
    };
    let why = format!(
        "what appears at protected names is moved aside at the end of the session only: the folders cannot be watched ({errno}){limit}"
    );
    send(notes, Note::Weaker(why));
}

/// Nobody hears it any more when the session is over.
fn send(notes: &UnboundedSender<Note>, note: Note) {
    notes.send(note).unwrap_or_default();
}

#[cfg(test)]
mod tests;
