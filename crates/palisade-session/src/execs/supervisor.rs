mod arrivals;
mod attempts;
mod described;
mod marked;
mod questions;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use described::{counts, text, unreadable};
use palisade_core::{Action, Authority, Decision, Event, Exec, Lineage, Verdict};
use palisade_journal::Admitted;
use palisade_sandbox::linux::{
    callers::{Executable, Lineages},
    execs::{Arguments, Tracing, View},
    seccomp::{Executes, Heard, Listener},
};
use rustix::{io::Errno, process::Pid};
use tokio::runtime::Handle;

use super::{
    known::{Known, Places, Starts},
    origins::Origins,
    seen::{Begun, Seen},
};
use crate::{callers::Digests, pipeline::Pipeline};

/// How long a new listener may wait for this thread.
const ALONE: Duration = Duration::from_millis(10);

/// Decides about what is executed, at two places: where it is asked for, so that it can be refused in the way that programs
/// know, and where it has become what it is, so that nothing can have been exchanged.
pub(super) struct Supervisor {
    pipeline: Arc<Pipeline>,
    view: View,
    places: Places,
    /// Under the policy of this number.
    known: RefCell<(u64, Rc<Known>)>,
    digests: Digests,
    starts: Starts,
    /// The files of skills that have a policy of their own.
    origins: Origins,
    /// The names of those, in the order of their marks.
    names: Arc<[String]>,
    tracing: Tracing,
    lineages: Arc<Lineages>,
    /// Where questions are asked.
    elsewhere: Handle,
    /// By thread.
    begun: RefCell<HashMap<i32, Begun>>,
    /// Those that have to wait for another thread of their process.
    waiting: RefCell<Vec<(Rc<Listener>, Executes, Begun)>>,
    /// Can be read when something that was held may have changed.
    changes: OwnedFd,
    /// Since when nothing else of this thread had its turn.
    alone: Cell<Option<Instant>>,
    /// Listeners that are served. It is counted by who holds the other ends.
    served: Rc<()>,
    /// What else this thread does at the moment, counted alike.
    tasks: Rc<()>,
}

impl Supervisor {
    pub(super) fn new(
        pipeline: Arc<Pipeline>,
        view: View,
        places: Places,
        (origins, names): (Origins, Arc<[String]>),
        (lineages, elsewhere, changes): (Arc<Lineages>, Handle, OwnedFd),
    ) -> Self {
        let known = Rc::new(Known::find(&pipeline.programs(), &places, &view));
        Self {
            known: RefCell::new((pipeline.generation(), known)),
            pipeline,
            view,
            places,
            digests: Digests::default(),
            starts: Starts::default(),
            origins,
            names,
            tracing: Tracing::of_this_thread(),
            lineages,
            elsewhere,
            begun: RefCell::default(),
            waiting: RefCell::default(),
            changes,
            alone: Cell::default(),
            served: Rc::default(),
            tasks: Rc::default(),
        }
    }

    /// A listener is served for as long as this is kept.
    pub(super) fn serving(&self) -> Rc<()> {
        Rc::clone(&self.served)
    }

    /// What there is to be heard. What is held changes within no time, and one program follows another: so that is waited for
    /// here, without the runtime in between, unless something else has to have its turn.
    pub(super) fn hear(self: &Rc<Self>, listener: &Listener) -> Result<Heard, Errno> {
        let began = self.alone.get().unwrap_or_else(Instant::now);
        self.alone.set(Some(began));
        loop {
            // Programs that are refused or asked about are tasks, and wait for their turn.
            let is_only = Rc::strong_count(&self.served) <= 2 && Rc::strong_count(&self.tasks) == 1;
            let left = match is_only {
                true => ALONE.saturating_sub(began.elapsed()),
                false => Duration::ZERO,
            };
            let (heard, changed) = listener.hear_beside(self.changes.as_fd(), left)?;
            if changed {
                let mut notice = [0_u8; 1024];
                // It says nothing but that something has changed.
                rustix::io::read(&self.changes, &mut notice).map(drop).unwrap_or_default();
                self.changed();
            }
            match heard {
                Heard::Nobody if changed && !left.is_zero() => {}
                Heard::Nobody => {
                    self.alone.set(None);
                    return Ok(Heard::Nobody);
                }
                heard => return Ok(heard),
            }
        }
    }

    /// What rules say. What has to be asked, of the operator or of hooks (`guarded`), is looked at wholly: its file,
    /// and the variables that it is given.
    fn considered(
        &self,
        exec: Exec,
        file: Option<&Executable>,
        given: impl FnOnce() -> Result<Arguments, Errno>,
        guarded: bool,
    ) -> (Exec, io::Result<Decision>) {
        let (mut exec, decision) = self.decision(exec);
        let asked = decision.verdict == Verdict::Ask || (guarded && decision.is_allowed());
        if !asked {
            return (exec, Ok(decision));
        }
        let digest = match file {
            Some(file) if file.is_regular() => self.digests.of(file),
            _ => Err(io::Error::other("its file cannot be found")),
        };
        match digest {
            Ok(digest) => exec.digest = Some(digest),
            Err(error) => return (exec, Err(error)),
        }
        match given() {
            Ok(given) => {
                exec.whole &= given.whole;
                let words = given.words.iter().filter(|word| counts(word));
                exec.unreadable.extend(unreadable(words.clone()));
                exec.environment = words.map(|word| text(word)).collect();
            }
            Err(error) => return (exec, Err(error.into())),
        }
        let (exec, decision) = self.decision(exec);
        (exec, Ok(decision))
    }

    fn decision(&self, exec: Exec) -> (Exec, Decision) {
        let action = Action::Exec(Box::new(exec));
        let decision = self.pipeline.consider(&action);
        match action {
            Action::Exec(exec) => (*exec, decision),
            // It was made above.
            _ => (Exec::default(), Decision::deny("it is no execution")),
        }
    }

    /// By which policy, and which programs that it names, it is decided now, if that will be the same until there are others.
    fn policies(&self) -> Option<(u64, u64)> {
        Some((self.pipeline.steady_execs()?, self.pipeline.generation()))
    }

    /// Do this as well, when this thread has its turn for it.
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let counted = Rc::clone(&self.tasks);
        tokio::task::spawn_local(async move {
            task.await;
            drop(counted);
        });
    }

    fn lineage(&self, pid: Pid) -> Lineage {
        Lineage::of(self.lineages.of_thread(pid.as_raw_nonzero().get().cast_unsigned()))
    }

    /// Record what is not waited for. It is on its way when this returns, behind what was recorded before.
    fn record(&self, event: Event, admitted: Option<Admitted>) {
        let pipeline = Arc::clone(&self.pipeline);
        let mut recorded = Box::pin(async move { pipeline.record_admitted(event, admitted).await });
        let mut once = Context::from_waker(Waker::noop());
        if recorded.as_mut().poll(&mut once).is_pending() {
            // Nobody waits for it.
            tokio::task::spawn_local(async move {
                recorded.await;
            });
        }
    }

    /// What rules name, under the policy in force.
    fn known(&self) -> Rc<Known> {
        let now = self.pipeline.generation();
        let (generation, known) = {
            let known = self.known.borrow();
            (known.0, Rc::clone(&known.1))
        };
        if generation == now {
            return known;
        }
        let known = Rc::new(Known::find(&self.pipeline.programs(), &self.places, &self.view));
        *self.known.borrow_mut() = (now, Rc::clone(&known));
        known
    }
}
