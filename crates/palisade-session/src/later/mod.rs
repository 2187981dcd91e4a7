//! What appears while the session runs, by whoever's hand: at a protected name it is moved aside, at a denied
//! one it is covered inside.
//!
//! Mounts are about what is there at the launch. A thread of the supervisor's sleeps until the kernel tells of a name
//! that is new (`inotify(7)`, which needs no privilege), and acts then. It cannot act before whoever made the name goes
//! on: the time in between is a window, which docs/security.md tells the length of. The end of the session looks
//! at everything once more, see [`sweep`](crate::sweep).
//!
//! It begins a moment after the launch, with what has appeared by then: to stop watching takes the kernel 10 to 20 ms
//! (it waits until nobody can look at the watches any more), as long as all else of a session that is over at once.
//!
//! # Trust
//! The folders are the agent's: what is told of a name is a hint to look there, by descriptor and without
//! links. Who makes such names without end is ended.

mod denied;
mod protected;
mod watches;

use std::{
    mem::Discriminant,
    os::fd::OwnedFd,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use palisade_core::{Authority, Event, Layer, Verdict};
use palisade_sandbox::{Running, linux::execs::View};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use self::{
    denied::Denied,
    protected::Protected,
    watches::{Seen, Watches},
};
use crate::{
    pipeline::Pipeline,
    plan::Appearing,
    supervise::Cause,
    sweep::{Found, Turns, Watched},
};

/// What was made at protected names so often is no mistake any more.
const MOST_MOVED: u32 = 100;
/// Lines for the operator at the end.
const MOST_NOTICES: usize = 20;
/// From the launch until folders are watched. What appears before is seen then, or at the end if that is earlier.
const BEGINS: Duration = Duration::from_millis(100);
/// Until what could not be done, or was lost, is looked at again.
const PAUSE: Duration = Duration::from_secs(1);
/// The thread's own stack, in bytes; nothing here is deep.
const STACK: usize = 256 * 1024;

/// What the thread has done.
#[derive(Debug)]
enum Note {
    /// It has moved this aside, or could not.
    Found(Found),
    /// It has had this covered, or made read-only.
    Covered { path: PathBuf, what: What },
    /// It cannot hold this, and the operator is to know.
    Weaker(String),
    /// The session is to end, for this reason.
    End(String),
}

/// What something is that appeared.
#[derive(Debug)]
enum What {
    /// Denied by this rule, and hidden.
    Denied(String),
    /// A socket of a program of the host's, and hidden.
    Socket,
    /// A protected file, and read-only.
    Held,
}

/// A note on its way to the journal. It is kept whole: were the writing dropped and begun anew, the journal might have
/// it twice.
struct Recording {
    kind: Discriminant<Note>,
    /// What the operator is told of it.
    told: String,
    /// Whether the journal has it.
    kept: Pin<Box<dyn Future<Output = bool> + Send>>,
}

/// The thread's side.
#[derive(Debug)]
struct Guard {
    watches: Watches,
    protected: Protected,
    denied: Option<Denied>,
    view: Option<Arc<View>>,
    notes: UnboundedSender<Note>,
    moved: u32,
    weaker: bool,
    /// When everything is to be looked at again, if the kernel has lost something.
    again: Option<Instant>,
    /// When it was last tried what could not be done.
    tried: Instant,
}

/// What is watched for. It becomes a [`Guard`].
#[derive(Debug)]
struct Wanted {
    protected: Protected,
    denied: Option<(Appearing, Arc<Running>)>,
    view: Option<View>,
}

/// What is watched in a session.
pub(crate) struct Later {
    notes: UnboundedReceiver<Note>,
    /// The note that is being recorded.
    recording: Option<Recording>,
    /// Not watched for yet.
    wanted: Option<Wanted>,
    sender: UnboundedSender<Note>,
    running: Option<(OwnedFd, JoinHandle<()>)>,
    /// Which kinds of notes the operator was told of.
    told: Vec<Discriminant<Note>>,
    notices: Vec<String>,
    /// Beyond those.
    more: usize,
}

impl Later {
    /// Watch for these names, and for denied ones, once [`Later::until_ended`] has been waited for a moment. `view` is
    /// what the sandbox sees; something is moved when `turns` says.
    pub(crate) fn new(
        names: Vec<Watched>,
        turns: Option<Turns>,
        denied: Option<(Appearing, Arc<Running>)>,
        view: Option<View>,
    ) -> Self {
        let (sender, notes) = unbounded_channel();
        let any = Self::is_needed(&names, denied.is_some());
        let protected = Protected::new(names, turns);
        Self {
            notes,
            recording: None,
            wanted: any.then_some(Wanted { protected, denied, view }),
            sender,
            running: None,
            told: Vec::new(),
            notices: Vec::new(),
            more: 0,
        }
    }

    /// Whether there is anything to watch for.
    pub(crate) fn is_needed(names: &[Watched], denied: bool) -> bool {
        !names.is_empty() || denied
    }

    /// Act on what appears from now on, and on what has appeared, until [`Later::finish`].
    fn run(&mut self) {
        let Some(wanted) = self.wanted.take() else { return };
        let notes = self.sender.clone();
        let started = pipe_with(PipeFlags::CLOEXEC).and_then(|(over, stop)| {
            let thread = std::thread::Builder::new().name("later".into()).stack_size(STACK);
            let thread = thread.spawn(move || match Watches::new() {
                Ok(watches) => Guard::new(wanted, watches, notes).work(&over),
                Err(errno) => weaker(&notes, errno),
            });
            thread
                .map(|thread| (stop, thread))
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))
        });
        match started {
            Ok(running) => self.running = Some(running),
            Err(errno) => weaker(&self.sender, errno),
        }
    }

    /// Record what is done, and tell the operator once, until the session is to end for it. Can be cancelled:
    /// [`Later::finish`] goes on where it was.
    pub(crate) async fn until_ended(
        &mut self,
        pipeline: &Arc<Pipeline>,
        tell: &dyn Fn(&str),
    ) -> Cause {
        if self.wanted.is_some() {
            tokio::time::sleep(BEGINS).await;
            self.run();
        }
        loop {
            self.recorded(Some(tell)).await;
            // There is a sender: this one's own.
            let Some(note) = self.notes.recv().await else { std::future::pending().await };
            match Recording::begin(note, pipeline) {
                Ok(recording) => self.recording = Some(recording),
                Err(why) => return Cause::Later(why),
            }
        }
    }

    /// Stop, and return what the operator was not told of.
    pub(crate) async fn finish(mut self, pipeline: &Arc<Pipeline>) -> Vec<String> {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            thread.join().unwrap_or_default();
        }
        loop {
            self.recorded(None).await;
            let Ok(note) = self.notes.try_recv() else { break };
            // It ends already.
            self.recording = Recording::begin(note, pipeline).ok();
        }
        if self.more > 0 {
            let more =
                format!("{} more names appeared; palisade audit query shows them", self.more);
            self.notices.push(more);
        }
        self.notices
    }

    /// Until what is being recorded is, and the operator told or to be told.
    async fn recorded(&mut self, tell: Option<&dyn Fn(&str)>) {
        let Some(recording) = &mut self.recording else { return };
        let unrecorded =
            if recording.kept.as_mut().await { "" } else { " (this could not be recorded)" };
        let Some(Recording { kind, told, .. }) = self.recording.take() else { return };
        let told = format!("{told}{unrecorded}");
        match tell.filter(|_| !self.told.contains(&kind)) {
            // Whoever makes one makes more; the others are told at the end.
            Some(tell) => tell(&told),
            None if self.notices.contains(&told) => {}
            None if self.notices.len() < MOST_NOTICES => self.notices.push(told),
            None => self.more = self.more.saturating_add(1),
        }
        if !self.told.contains(&kind) {
            self.told.push(kind);
        }
    }
}

impl Recording {
    /// Hand it to the journal.
    ///
    /// # Errors
    /// Why the session is to end, if that is the note.
    fn begin(note: Note, pipeline: &Arc<Pipeline>) -> Result<Self, String> {
        let kind = std::mem::discriminant(&note);
        let (event, told) = match note {
            Note::Found(found) => (found.event(), found.told()),
            Note::Covered { path, what } => covered(&path.to_string_lossy(), what),
            Note::Weaker(why) => {
                let mut event = Event::observed("sweep", Layer::Supervisor, "names that appear");
                event.reason.clone_from(&why);
                (event, why)
            }
            Note::End(why) => return Err(why),
        };
        let pipeline = Arc::clone(pipeline);
        let kept = Box::pin(async move { pipeline.record(event).await });
        Ok(Self { kind, told, kept })
    }
}

/// What is recorded, and what the operator is told.
fn covered(path: &str, what: What) -> (Event, String) {
    let mut event = Event::observed("cover", Layer::Files, path);
    let path = palisade_core::shown(path, 1000);
    let told = match what {
        What::Denied(rule) => {
            event.decision = Verdict::Deny;
            event.reason = "it appeared after the launch, and is hidden inside from now on".into();
            let told =
                format!("{path} appeared, which the policy denies ({rule}), and is hidden inside");
            event.rule = Some(rule);
            told
        }
        What::Socket => {
            event.decision = Verdict::Deny;
            event.reason =
                "a program of the host has bound a socket there, which is hidden inside from now on"
                    .into();
            format!("{path} appeared, a socket of a program outside, and is hidden inside")
        }
        What::Held => {
            event.reason = "another file was put there, and is read-only inside from now on".into();
            format!("{path} is another file than before, and is read-only inside again")
        }
    };
    (event, told)
}

impl Guard {
    /// Watch everything, and look at what has appeared by now.
    fn new(wanted: Wanted, watches: Watches, notes: UnboundedSender<Note>) -> Self {
        let Wanted { protected, denied, view } = wanted;
        let view = view.map(Arc::new);
        let denied = denied.zip(view.clone()).map(|((appearing, running), view)| {
            Denied::new(appearing, view, running, notes.clone())
        });
        let mut guard = Self {
            watches,
            protected,
            denied,
            view,
            notes,
            moved: 0,
            weaker: false,
            again: None,
            tried: Instant::now(),
        };
        guard.look_at_all();
        guard
    }

    /// Until the other end of `over` is closed.
    fn work(mut self, over: &OwnedFd) {
        loop {
            let rest = self.rest();
            let mut ready =
                [PollFd::new(&self.watches, PollFlags::IN), PollFd::new(over, PollFlags::IN)];
            if rustix::io::retry_on_intr(|| poll(&mut ready, rest.as_ref())).is_err() {
                return;
            }
            let [_, ended] = ready.map(|entry| !entry.revents().is_empty());
            if ended {
                return;
            }
            if self.again.is_some_and(|again| again <= Instant::now()) {
                self.again = None;
                self.look_at_all();
                self.denied.iter_mut().for_each(Denied::look_at_all);
            }
            for seen in self.watches.taken() {
                match seen {
                    Seen::Name { path, folder } => {
                        let (found, watched) =
                            self.protected.see(&path, self.view.as_deref(), &mut self.watches);
                        self.tell(found, watched);
                        if let Some(denied) = &mut self.denied {
                            denied.see(path, folder);
                        }
                    }
                    // Not at once: to look at everything takes a while, in which more is lost.
                    Seen::Lost => {
                        self.again.get_or_insert_with(|| Instant::now() + PAUSE);
                    }
                }
            }
            if let Some(denied) = &mut self.denied {
                denied.look(&mut self.watches);
                if self.tried.elapsed() >= PAUSE && denied.is_waiting() {
                    self.tried = Instant::now();
                    denied.look_again();
                }
            }
        }
    }

    /// How long there is nothing to do unless the kernel tells of something. `None`: for ever.
    fn rest(&self) -> Option<Timespec> {
        let denied = self.denied.as_ref().and_then(Denied::rest);
        let rest = denied.into_iter().chain(self.again.map(|_| PAUSE)).min()?;
        Timespec::try_from(rest).ok()
    }

    fn look_at_all(&mut self) {
        let (found, watched) = self.protected.look_at_all(self.view.as_deref(), &mut self.watches);
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
        "what appears at protected names is moved aside at the end of the session only, and what appears at denied ones is seen inside until then: the folders cannot be watched ({errno}){limit}"
    );
    send(notes, Note::Weaker(why));
}

/// Nobody hears it any more when the session is over.
fn send(notes: &UnboundedSender<Note>, note: Note) {
    notes.send(note).unwrap_or_default();
}

#[cfg(test)]
mod tests;
