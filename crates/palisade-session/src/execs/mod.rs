//! What is executed inside: each program is decided about before any of it runs.
//!
//! On a thread of its own, for the kernel knows who traces by thread; and so nobody's connections wait for it. It is there
//! only where the policy has rules for commands or hooks for `PreExec`, or a skill has a policy of its own.

mod known;
mod origins;
mod seen;
mod supervisor;

use std::{io, path::Path, rc::Rc, sync::Arc, thread};

use palisade_sandbox::linux::{
    callers::Lineages,
    execs::View,
    seccomp::Listener,
    sys::{signal, turns},
};
use tokio::{
    io::Interest,
    runtime::{Builder, Handle},
    sync::{mpsc, oneshot},
    task::LocalSet,
};

pub(crate) use self::origins::Origins;
use self::{known::Places, supervisor::Supervisor};
use crate::{
    denials::{self, Rules},
    pipeline::Pipeline,
};

/// Who decides what is executed.
#[derive(Debug)]
pub(crate) struct Execs {
    listeners: mpsc::UnboundedSender<Served>,
}

/// A listener, and who is told when nobody speaks there any more.
struct Served {
    listener: Listener,
    rules: Arc<Rules>,
    done: oneshot::Sender<io::Result<()>>,
}

/// To be called before any thread is started where there will be [`Execs`]: the news of what is traced is for theirs alone.
pub(crate) fn prepare() -> io::Result<()> {
    Ok(signal::block_child()?)
}

impl Execs {
    /// From now on; called in the runtime where questions are asked. `search` is the variable `PATH` inside.
    pub(crate) fn start(
        pipeline: Arc<Pipeline>,
        view: View,
        search: &str,
        workspace: &Path,
        lineages: Arc<Lineages>,
        skills: (Origins, Arc<[String]>),
    ) -> io::Result<Self> {
        let (listeners, mut served) = mpsc::unbounded_channel::<Served>();
        let places = Places::new(search, workspace);
        let elsewhere = Handle::current();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // A handler would run on whichever thread the kernel takes, which has to be woken for that.
        let changes = signal::child_descriptor()?;
        let same = changes.try_clone()?;
        let changes = {
            let _in = runtime.enter();
            // It is no stream, and to wait there is no difference.
            let changes = std::os::unix::net::UnixStream::from(changes);
            changes.set_nonblocking(true)?;
            tokio::net::UnixStream::from_std(changes)?
        };
        let run = move || {
            turns::take_short();
            let with = (lineages, elsewhere, same);
            let supervisor = Rc::new(Supervisor::new(pipeline, view, places, skills, with));
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, async {
                loop {
                    tokio::select! {
                        read = changes.async_io(Interest::READABLE, || {
                            let mut notice = [0_u8; 1024];
                            Ok(rustix::io::read(&changes, &mut notice)?)
                        }) => {
                            // It says nothing but that something has changed.
                            read.map(drop).unwrap_or_default();
                            supervisor.changed();
                        }
                        next = served.recv() => match next {
                            Some(next) => {
                                tokio::task::spawn_local(serve(Rc::clone(&supervisor), next));
                            }
                            None => return,
                        },
                    }
                }
            });
        };
        thread::Builder::new().name("execs".into()).spawn(run)?;
        Ok(Self { listeners })
    }

    /// Answer what is told here, until no process is left that could make a call.
    pub(crate) async fn serve(&self, listener: Listener, rules: Arc<Rules>) -> io::Result<()> {
        let gone = || io::Error::other("who decides what is executed is gone");
        let (done, ended) = oneshot::channel();
        self.listeners.send(Served { listener, rules, done }).map_err(|_| gone())?;
        ended.await.unwrap_or_else(|_| Err(gone()))
    }
}

async fn serve(supervisor: Rc<Supervisor>, served: Served) {
    let Served { listener, rules, done } = served;
    let listener = Rc::new(listener);
    let _one = supervisor.serving();
    let hear = || supervisor.hear(&listener);
    let executes = |call| supervisor.executes(&listener, call);
    let ended = denials::serve(&listener, &rules, hear, executes).await;
    done.send(ended).unwrap_or_default();
}
