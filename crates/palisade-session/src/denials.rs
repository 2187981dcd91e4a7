//! System calls that the filter refuses: each waits until it is in the journal, and then fails.
//!
//! Only a denial is ever the answer, so a journal that is slow or broken lets nothing through. A
//! flood is counted by the journal, and costs whoever makes it more than it costs here.

use std::{
    collections::BTreeSet,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use palisade_core::{Authority, Event, Layer, Lineage, Verdict};
use palisade_sandbox::linux::{
    callers::{Callers, Lineages, TICK},
    seccomp::{Executes, Heard, Listener, Refused},
};
use rustix::io::Errno;
use tokio::{
    io::Interest,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{execs::Execs, wants::Wants};

/// How long the last denials may take to reach the journal once everything inside is gone.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Refused calls of a second of which it is looked who makes them.
const MOST_LOOKED: u32 = 50;

/// Who hears of refused calls: one listener for the agent, and one for each command beside it.
pub(crate) struct Denials {
    rules: Arc<Rules>,
    /// They end with this.
    listeners: JoinSet<()>,
    /// Where it is decided what is executed.
    execs: Option<Arc<Execs>>,
}

/// What a denial is recorded with.
pub(crate) struct Rules {
    authority: Arc<dyn Authority>,
    denied: BTreeSet<String>,
    /// Where it is watched who connects.
    callers: Option<Arc<Callers>>,
    /// Where it is learned which files are wanted.
    wants: Option<Wants>,
    /// Which processes one comes from.
    lineages: Arc<Lineages>,
    /// Since when calls are counted, and how many there were.
    looked: Mutex<(Instant, u32)>,
}

impl Denials {
    /// `denied` are the calls that the policy denies by name; `callers` are shown what connects, `execs` what is
    /// executed, `wants` which files are named.
    pub(crate) fn new(
        authority: Arc<dyn Authority>,
        denied: BTreeSet<String>,
        callers: Option<Arc<Callers>>,
        execs: Option<Execs>,
        wants: Option<Wants>,
        lineages: Arc<Lineages>,
    ) -> Self {
        let rules = Arc::new(Rules {
            authority,
            denied,
            callers,
            wants,
            lineages,
            looked: Mutex::new((Instant::now(), 0)),
        });
        Self { rules, listeners: JoinSet::new(), execs: execs.map(Arc::new) }
    }

    /// Answer what is told here, until no process is left that could make a call.
    pub(crate) fn listen(&mut self, listener: Listener) {
        let rules = Arc::clone(&self.rules);
        while self.listeners.try_join_next().is_some() {}
        let execs = self.execs.clone();
        self.listeners.spawn(async move {
            let served = match execs {
                Some(execs) => execs.serve(listener, Arc::clone(&rules)).await,
                // What nobody decides about does not happen.
                None => {
                    let refuse = |call| listener.refuse_exec(&call, Errno::ACCESS);
                    serve(&listener, &rules, || listener.hear(), refuse).await
                }
            };
            if let Err(error) = served {
                rules.authority.record(unrecorded(&format!("its listener failed: {error}"))).await;
            }
        });
    }

    /// A filter has no listener: that much goes into the journal.
    pub(crate) fn none(&mut self, errno: Errno) {
        let why = match errno {
            Errno::BUSY => "another supervisor outside listens already".to_owned(),
            other => format!("there is no listener: {other}"),
        };
        self.record(unrecorded(&why));
    }

    /// No filter of this session is to have one.
    pub(crate) fn never(&mut self) {
        let why = if self.rules.denied.contains("sendmsg") {
            "the policy denies sendmsg, by which a listener is handed out"
        } else {
            "this system has no listeners"
        };
        self.record(unrecorded(why));
    }

    fn record(&mut self, event: Event) {
        let rules = Arc::clone(&self.rules);
        self.listeners.spawn(async move {
            rules.authority.record(event).await;
        });
    }

    /// Everything inside is gone: wait until what was told is in the journal.
    pub(crate) async fn finish(mut self) {
        let all = async { while self.listeners.join_next().await.is_some() {} };
        timeout(LAST_WORDS, all).await.unwrap_or_default();
        for event in self.rules.wants.iter().flat_map(Wants::events) {
            self.rules.authority.record(event).await;
        }
    }
}

/// Answer what is told here. `hear` looks for it, and `executes` answers what is to be executed.
pub(crate) async fn serve(
    listener: &Listener,
    rules: &Rules,
    hear: impl Fn() -> Result<Heard, Errno>,
    executes: impl Fn(Executes),
) -> io::Result<()> {
    // A copy, by which the runtime knows when there is something. It is no stream, and to wait
    // there is no difference.
    let copy = UnixStream::from(listener.as_fd().try_clone_to_owned()?);
    copy.set_nonblocking(true)?;
    let readable = tokio::net::UnixStream::from_std(copy)?;
    let look = || match hear()? {
        Heard::Nobody => Err(io::ErrorKind::WouldBlock.into()),
        heard => Ok(heard),
    };
    // Others have their turn in between: the runtime lets nobody do this for ever.
    loop {
        match readable.async_io(Interest::READABLE, look).await? {
            Heard::Call(call) => {
                // Whether it could be recorded or not.
                rules.authority.record(rules.event(&call)).await;
                listener.refuse(&call);
            }
            Heard::Connects(call) => {
                if let Some(callers) = &rules.callers {
                    let still = || listener.waits(&call);
                    if !callers.connecting(call.thread, call.descriptor, still) {
                        // While it waits, nobody writes over its program.
                        sleep(TICK).await;
                    }
                }
                // What was not seen is nobody's: where a rule names a program, it is denied.
                listener.proceed(&call);
            }
            Heard::Names(call) => {
                if let Some(wants) = &rules.wants {
                    wants.look(&call);
                }
                listener.proceed(&call);
            }
            Heard::Executes(call) => executes(call),
            Heard::Nobody => {}
            Heard::Gone => return Ok(()),
        }
    }
}

impl Rules {
    /// Whether it is looked who makes this call. It costs many times what a refusal does, so in a flood it is
    /// not.
    fn has_time(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.0.elapsed() >= Duration::from_secs(1) {
            *looked = (Instant::now(), 0);
        }
        looked.1 = looked.1.saturating_add(1);
        looked.1 <= MOST_LOOKED
    }

    fn event(&self, refused: &Refused) -> Event {
        let Refused { call, shown, errno, reason, .. } = refused;
        let mut event = Event::observed("syscall", Layer::Process, shown.as_str());
        event.decision = Verdict::Deny;
        let by_name = self.denied.contains(*call);
        let (rule, reason) = match (refused.by_policy, by_name) {
            (true, true) => {
                (format!("process.syscalls.deny[{call}]"), "the policy denies it".to_owned())
            }
            // The supervisor's own addition to what the policy denies.
            (true, false) => {
                ("process.limits.cpus".to_owned(), "it would undo the limit of processors".into())
            }
            (false, _) => {
                let text = match refused.by_arguments {
                    true => format!("inside, {call} is for: {reason}"),
                    false => format!("{call} is refused inside: {reason}"),
                };
                ("process.syscalls.profile".to_owned(), text)
            }
        };
        event.rule = Some(rule);
        event.reason = reason;
        let lineage = if self.has_time() {
            Lineage::of(self.lineages.of_thread(refused.thread))
        } else {
            Lineage::default()
        };
        event.with("errno", named(*errno)).with("thread", refused.thread).by(&lineage)
    }
}

fn named(errno: Errno) -> String {
    match errno {
        Errno::PERM => "EPERM".to_owned(),
        Errno::ACCESS => "EACCES".to_owned(),
        Errno::AFNOSUPPORT => "EAFNOSUPPORT".to_owned(),
        Errno::PROTONOSUPPORT => "EPROTONOSUPPORT".to_owned(),
        other => other.raw_os_error().to_string(),
    }
}

fn unrecorded(why: &str) -> Event {
    let subject = "refused system calls are not recorded";
    let mut event = Event::observed("unrecorded", Layer::Process, subject);
    event.reason = format!("they are refused all the same; {why}");
    event
}
