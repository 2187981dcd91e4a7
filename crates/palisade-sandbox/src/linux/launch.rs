//! The supervisor's side of a launch: fork, map, hear, let go.

use std::{
    collections::HashMap,
    fmt, fs,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, waitpid},
};

use super::{
    callers::{Callers, Diagnosis, Lineages},
    cgroup::{self, Group, Grouped, Processes},
    control::{Control, Message},
    execs::View,
    guest::{Guest, GuestReport},
    handover, identity,
    idmap::OwnerMaps,
    init, mounts,
    net::NetSockets,
    seccomp::{Filter, Listener},
    sys::clone::{Forked, Sleeper, end_child, exit_now, fork_into_group},
    variables,
};
use crate::{
    plan::{Ground, Identity, Plan},
    step::{Step, StepError},
};

/// In which init is born. The others it makes itself, while the plan is made.
pub(crate) const NAMESPACES: i32 = libc::CLONE_NEWUSER | libc::CLONE_NEWPID;

/// How much more of the machine's memory than it has everything inside counts as having, in
/// thousandths, when the kernel looks for what to kill. The supervisor's own is 0, or as it was.
const OOM_SCORE_ADJUST: i32 = 500;

/// Why a command does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// A layer could not be put up. Nothing ran.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The sandbox stands, but the command is not in it (ENOENT), may not be executed (EACCES),
    /// or is no program.
    #[error("exec: {0}")]
    Exec(Errno),
    /// Init ended without a word.
    #[error("the sandbox's init ended before it was ready")]
    Gone,
    /// Everything inside stands, and nothing is started beside it.
    #[error("the sandbox is frozen")]
    Frozen,
}

/// A sandbox that stands and whose agent has not started.
#[derive(Debug)]
pub struct Standing {
    inner: Running,
    /// The sockets made inside: listeners of the proxy and of the resolver.
    pub sockets: Option<NetSockets>,
    /// The controlling side of the sandbox's terminal.
    pub terminal: Option<OwnedFd>,
    /// The plan's unix socket ([`Content::Socket`](crate::Content::Socket)), which listens.
    pub socket: Option<OwnedFd>,
    /// Numbers of mounts of the plan, each a [`Content::Cover`](crate::Content::Cover): what was to be covered was not at
    /// its path any more. Either it exists no longer, or it has another name, by which it is shown: then nothing may
    /// start.
    pub changed: Vec<usize>,
    grouped: Grouped,
}

/// A sandbox whose agent runs. Dropping it ends everything inside.
#[derive(Debug)]
pub struct Running {
    control: Control,
    pidfd: OwnedFd,
    pid: Pid,
    guests: Mutex<Guests>,
    dials: Mutex<Dials>,
    covers: Mutex<Covering>,
    group: Option<Arc<Group>>,
    filters: Filters,
    /// Whether everything inside stands.
    frozen: AtomicBool,
}

/// The filters that processes inside may have: as in [`Plan`].
#[derive(Debug)]
struct Filters {
    usual: Option<Arc<Filter>>,
    pinned: Option<Arc<Filter>>,
    may_be_missing: bool,
}

/// Who hears of each guest.
#[derive(Default)]
struct Guests {
    last: u32,
    listeners: HashMap<u32, Box<dyn Fn(GuestReport) + Send>>,
}

/// Who waits for a connection to a port inside.
#[derive(Default)]
struct Dials {
    last: u32,
    waiting: HashMap<u32, Hear>,
}

/// Who waits to hear that something is covered.
#[derive(Default)]
struct Covering {
    last: u32,
    waiting: HashMap<u32, HearCovered>,
}

type HearCovered = Box<dyn FnOnce(Result<(), Errno>) + Send>;
type Hear = Box<dyn FnOnce(Result<OwnedFd, Errno>) + Send>;

/// What init reports.
#[derive(Debug)]
pub enum Report {
    /// The agent or a guest is about to run: here is told what its filter refuses.
    Listener(Listener),
    /// The same, but its filter has no listener: what it refuses is not told.
    NoListener(Errno),
    /// The agent's first process was stopped by this signal.
    Stopped(i32),
    /// It ended with this exit code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// Init is gone without a report: ended from outside, or by the kernel.
    Lost,
}

/// A forked init that builds what no plan changes.
#[derive(Debug)]
pub struct Begun {
    running: Running,
    wanted: cgroup::Wanted,
    identity: Identity,
    privileged: bool,
}

/// A forked init that builds by a plan, while the supervisor does other things.
#[derive(Debug)]
pub struct Building {
    running: Running,
    wanted: cgroup::Wanted,
    /// They have ended when init has built.
    _sleepers: Vec<Sleeper>,
}

/// Start to build a sandbox. The calling process must have one thread, and must keep the calling
/// thread alive: the sandbox dies with it.
///
/// # Errors
/// The step that failed; nothing is left then.
pub fn begin(ground: Ground) -> Result<Begun, LaunchError> {
    let privileged = rustix::process::geteuid().is_root();
    let (identity, degraded) = (ground.identity.clone(), ground.degraded);
    let (wanted, entry) = cgroup::prepare(&ground.limits, ground.groups);
    let (ours, theirs) = Control::pair().step("make the control socket")?;
    let namespaces = u64::from(NAMESPACES.unsigned_abs());
    let forked = fork_into_group(namespaces, entry.descriptor());
    match forked.step("clone into new namespaces")? {
        Forked::Child => {
            drop(ours);
            let inheritance = init::Inheritance { ground, control: theirs, privileged, entry };
            // Neither init nor the agent's process, its fork, may unwind into what is the supervisor's.
            let lived = std::panic::catch_unwind(AssertUnwindSafe(|| init::live(inheritance)));
            match lived {
                Ok(never) => never,
                Err(_) => exit_now(125),
            }
        }
        Forked::Parent { pid, pidfd } => {
            // Before `running`, so that on failure the group is empty when it is removed.
            let wanted = wanted.ask_for(pid);
            let guests = Mutex::default();
            let may_be_missing = degraded.seccomp;
            let filters = Filters { usual: None, pinned: None, may_be_missing };
            let (dials, covers) = (Mutex::default(), Mutex::default());
            let frozen = AtomicBool::new(false);
            let running = Running {
                control: ours,
                pidfd,
                pid,
                guests,
                dials,
                covers,
                group: None,
                filters,
                frozen,
            };
            prefer_to_kill(pid)?;
            identity::write_maps(
                pid,
                (identity.uid, identity.gid),
                (identity.host_uid, identity.host_gid),
                privileged,
            )?;
            running.control.send(&Message::Mapped).step("speak to init")?;
            Ok(Begun { running, wanted, identity, privileged })
        }
    }
}

impl Begun {
    /// Go on by this plan.
    ///
    /// # Errors
    /// The step that failed; nothing is left then.
    pub fn build(self, plan: &Plan) -> Result<Building, LaunchError> {
        let Self { mut running, wanted, identity, privileged } = self;
        running.filters.usual = Some(Arc::new(plan.filter.clone()));
        running.filters.pinned = plan.pinned_filter.clone().map(Arc::new);
        let mut maps = OwnerMaps::new(&identity);
        let trees = if privileged {
            mounts::detach_as_root(&plan.mounts, &mut maps)?
        } else {
            plan.mounts.iter().map(|_| None).collect()
        };
        match handover::send(&running.control, plan, &trees) {
            Ok(()) => Ok(Building { running, wanted, _sleepers: maps.into_sleepers() }),
            Err(error) => Err(running.last_words().unwrap_or_else(|| error.into())),
        }
    }
}

/// Have the kernel look here first when the machine is out of memory. Inside it cannot be taken
/// back: `/proc` is read-only.
fn prefer_to_kill(pid: Pid) -> Result<(), StepError> {
    let file = format!("/proc/{}/oom_score_adj", pid.as_raw_nonzero());
    let present = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    if present.is_some_and(|present: i32| present >= OOM_SCORE_ADJUST) {
        return Ok(());
    }
    fs::write(file, OOM_SCORE_ADJUST.to_string())
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .step("write oom_score_adj of the sandbox")
}

impl Building {
    /// The pid of init, as this process counts.
    pub fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// Wait until the sandbox stands.
    ///
    /// # Errors
    /// The step that failed inside.
    pub fn wait(self) -> Result<Standing, LaunchError> {
        let (mut sockets, mut terminal, mut socket) = (None, None, None);
        let mut changed = Vec::new();
        loop {
            let received = self.running.control.receive().step("hear from init")?;
            let Some((message, descriptors)) = received else { return Err(LaunchError::Gone) };
            match message {
                Message::Sockets => sockets = Some(NetSockets::from_fds(descriptors)?),
                Message::Terminal => terminal = descriptors.into_iter().next(),
                Message::Socket => socket = descriptors.into_iter().next(),
                Message::Changed(mount) => {
                    changed.push(usize::try_from(mount).map_err(|_| LaunchError::Gone)?);
                }
                Message::Ready => break,
                Message::Failed(error) => return Err(error.into()),
                _ => return Err(LaunchError::Gone),
            }
        }
        let (mut inner, grouped) = (self.running, self.wanted.settle());
        inner.group = grouped.group().cloned();
        Ok(Standing { inner, sockets, terminal, socket, changed, grouped })
    }
}

impl Standing {
    /// The control group, if it has one, and else why not.
    pub fn grouped(&self) -> &Grouped {
        &self.grouped
    }

    /// Its processes, seen from outside.
    ///
    /// # Errors
    /// If init is gone, or may not be looked at.
    pub fn processes(&self) -> Result<Processes, LaunchError> {
        Ok(Processes::of(self.inner.pid)?)
    }

    /// What is inside, as those inside see it. To be called before [`Standing::go`].
    ///
    /// # Errors
    /// If init is gone, or may not be looked at.
    pub fn view(&self) -> Result<View, LaunchError> {
        Ok(View::of(self.inner.pid)?)
    }

    /// Who tells which processes another comes from. To be called before [`Standing::go`].
    ///
    /// # Errors
    /// If init is gone, or has no `/proc` to look at.
    pub fn lineages(&self) -> Result<Lineages, LaunchError> {
        Ok(Lineages::of(self.inner.pid)?)
    }

    /// Who finds out who connects inside. `None`: the sandbox has no network, or the kernel does not tell. To be
    /// called before [`Standing::go`], and once.
    ///
    /// # Errors
    /// If init is gone, or may not be looked at.
    pub fn callers(&mut self) -> Result<Option<Callers>, LaunchError> {
        let diagnosis = self.sockets.as_mut().and_then(|sockets| sockets.diagnosis.take());
        let callers = diagnosis.map(|it| Callers::of(self.inner.pid, Diagnosis::new(it)));
        Ok(callers.transpose()?)
    }

    /// Set variables of the environment that the plan does not have: of the agent, and of every
    /// command that joins it. None of them is `PATH`.
    ///
    /// # Errors
    /// They cannot be variables, or init is gone.
    pub fn set_environment(&self, variables: &[(String, String)]) -> Result<(), LaunchError> {
        let file = variables::written(variables)?;
        let sent = self.inner.control.send_with(&Message::Environment, &[file.as_fd()]);
        Ok(sent.step("speak to init")?)
    }

    /// Let the agent start.
    ///
    /// # Errors
    /// Only if init is gone; a failed exec is told by [`Running::report`].
    pub fn go(self) -> Result<Running, LaunchError> {
        self.inner.control.send(&Message::Go(self.grouped.held())).step("let the agent start")?;
        Ok(self.inner)
    }
}

impl Running {
    /// The pid of init, as this process counts.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The next report, if there is one; `None` until this is readable again. Those of guests go to
    /// their listeners.
    ///
    /// # Errors
    /// A failed step or exec of the agent's process: it never ran.
    pub fn report(&self) -> Result<Option<Report>, LaunchError> {
        let report = loop {
            let received = match self.control.receive_now() {
                Err(Errno::AGAIN) => return Ok(None),
                received => received.unwrap_or_default(),
            };
            break match received {
                None => Ok(Report::Lost),
                Some((Message::Of(number, message), descriptors)) => {
                    if let Message::Dialled(said) = *message {
                        self.dialled(number, said, descriptors);
                        continue;
                    }
                    if let Message::Covered(said) = *message {
                        let hear = self.covering().waiting.remove(&number);
                        hear.into_iter().for_each(|hear| hear(said));
                        continue;
                    }
                    let of_filter =
                        matches!(*message, Message::Listener { .. } | Message::NoListener(_));
                    if of_filter {
                        return Ok(Some(self.of_filter(&message, descriptors)));
                    }
                    self.tell_of(number, *message, descriptors);
                    continue;
                }
                Some((
                    message @ (Message::Listener { .. } | Message::NoListener(_)),
                    descriptors,
                )) => return Ok(Some(self.of_filter(&message, descriptors))),
                Some((Message::Stopped(signal), _)) => return Ok(Some(Report::Stopped(signal))),
                Some((Message::Exited(code), _)) => Ok(Report::Exited(code)),
                Some((Message::Killed(signal), _)) => Ok(Report::Killed(signal)),
                Some((Message::Failed(error), _)) => Err(error.into()),
                Some((Message::ExecFailed(errno), _)) => Err(LaunchError::Exec(errno)),
                Some(_) => continue,
            };
        };
        // Every guest ends with the agent.
        self.guests().listeners.clear();
        self.dials().waiting.clear();
        self.covering().waiting.clear();
        report.map(Some)
    }

    /// Whether filters inside are to have a listener. If not, no [`Report`] says so.
    pub fn tells(&self) -> bool {
        self.filters.usual.as_ref().is_some_and(|filter| filter.can_tell())
            && !self.filters.may_be_missing
    }

    /// Send a signal to the agent's process group.
    ///
    /// # Errors
    /// If init is gone.
    pub fn signal(&self, signal: i32) -> Result<(), LaunchError> {
        Ok(self.control.send(&Message::Signal(signal)).step("speak to init")?)
    }

    /// Stop all processes inside where they are, or let them go on. While they stand no guest is admitted.
    /// Whoever could send a signal stands too, and one that had the kernel send it is ended.
    ///
    /// # Errors
    /// If init is gone.
    pub fn freeze(&self, stop: bool) -> Result<(), LaunchError> {
        self.frozen.store(stop, Ordering::Release);
        Ok(self.control.send(&Message::Freeze(stop)).step("speak to init")?)
    }

    /// Whether they stand.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Acquire)
    }

    /// Run a command beside the agent, under the same confinement, and return its number. `hear`
    /// is called by whoever asks for a [`Running::report`], and dropped after the last report; with
    /// the sandbox it is dropped without one.
    ///
    /// # Errors
    /// A command that is too long or has a NUL, or an init that is gone.
    pub fn admit(
        &self,
        guest: &Guest,
        hear: impl Fn(GuestReport) + Send + 'static,
    ) -> Result<u32, LaunchError> {
        if self.is_frozen() {
            return Err(LaunchError::Frozen);
        }
        let file = guest.write()?;
        let mut descriptors = vec![file.as_fd()];
        descriptors.extend(guest.given());
        let number = {
            let mut guests = self.guests();
            guests.last = guests.last.wrapping_add(1);
            let number = guests.last;
            guests.listeners.insert(number, Box::new(hear));
            number
        };
        let message = Message::Of(number, Box::new(Message::Admit));
        let sent = self.control.send_with(&message, &descriptors).step("speak to init");
        if sent.is_err() {
            self.guests().listeners.remove(&number);
        }
        sent.map(|()| number).map_err(Into::into)
    }

    /// Send a signal to a guest's process group. One that has ended gets none.
    ///
    /// # Errors
    /// If init is gone.
    pub fn signal_guest(&self, number: u32, signal: i32) -> Result<(), LaunchError> {
        let message = Message::Of(number, Box::new(Message::Signal(signal)));
        Ok(self.control.send(&message).step("speak to init")?)
    }

    /// Connect to a port of the sandbox's loopback, 127.0.0.1 or (`v6`) `::1`. `hear` is called by whoever
    /// asks for a [`Running::report`], with a non-blocking socket that may still be connecting; with the
    /// sandbox's end it is dropped.
    ///
    /// # Errors
    /// If init is gone.
    pub fn dial(
        &self,
        port: u16,
        v6: bool,
        hear: impl FnOnce(Result<OwnedFd, Errno>) + Send + 'static,
    ) -> Result<(), LaunchError> {
        let number = {
            let mut dials = self.dials();
            dials.last = dials.last.wrapping_add(1);
            let number = dials.last;
            dials.waiting.insert(number, Box::new(hear));
            number
        };
        let message = Message::Of(number, Box::new(Message::Dial(port, v6)));
        let sent = self.control.send(&message).step("speak to init");
        if sent.is_err() {
            self.dials().waiting.remove(&number);
        }
        sent.map_err(Into::into)
    }

    /// Put an empty file or folder over an object inside, which was opened by a [`View`]; or, unless `hide`, make that
    /// one file read-only. Only if the plan has `covers_later`. `hear` is called by whoever asks for a [`Running::report`]: `EEXIST` says that it is
    /// so already, `ENOENT` that it is gone; with the sandbox's end it is dropped.
    ///
    /// # Errors
    /// If init is gone.
    pub fn cover(
        &self,
        object: BorrowedFd<'_>,
        hide: bool,
        hear: impl FnOnce(Result<(), Errno>) + Send + 'static,
    ) -> Result<(), LaunchError> {
        let number = {
            let mut covers = self.covering();
            covers.last = covers.last.wrapping_add(1);
            let number = covers.last;
            covers.waiting.insert(number, Box::new(hear));
            number
        };
        let message = Message::Of(number, Box::new(Message::Cover(hide)));
        let sent = self.control.send_with(&message, &[object]).step("speak to init");
        if sent.is_err() {
            self.covering().waiting.remove(&number);
        }
        sent.map_err(Into::into)
    }

    fn covering(&self) -> MutexGuard<'_, Covering> {
        self.covers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dialled(&self, number: u32, said: Result<(), Errno>, descriptors: Vec<OwnedFd>) {
        let Some(hear) = self.dials().waiting.remove(&number) else { return };
        // Without one, this process has no room for more.
        let socket = || descriptors.into_iter().next().ok_or(Errno::MFILE);
        hear(said.and_then(|()| socket()));
    }

    fn dials(&self) -> MutexGuard<'_, Dials> {
        self.dials.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_filter(&self, message: &Message, descriptors: Vec<OwnedFd>) -> Report {
        let pinned = match message {
            Message::NoListener(errno) => return Report::NoListener(*errno),
            message => *message == Message::Listener { pinned: true },
        };
        let usual = self.filters.usual.as_ref();
        let filter = self.filters.pinned.as_ref().filter(|_| pinned).or(usual);
        match descriptors.into_iter().next().zip(filter) {
            Some((descriptor, filter)) => {
                Report::Listener(Listener::new(descriptor, Arc::clone(filter)))
            }
            // This process has no room for one more. What would be told fails with ENOSYS then.
            None => Report::NoListener(Errno::MFILE),
        }
    }

    fn tell_of(&self, number: u32, message: Message, descriptors: Vec<OwnedFd>) {
        let Some(report) = GuestReport::of(message, descriptors) else { return };
        let mut guests = self.guests();
        let last = report.is_last();
        if let Some(hear) = guests.listeners.get(&number) {
            hear(report);
        }
        if last {
            guests.listeners.remove(&number);
        }
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why init ended before it had heard all, if it did.
    fn last_words(&self) -> Option<LaunchError> {
        loop {
            match self.control.receive_now() {
                Ok(Some((Message::Failed(error), _))) => return Some(error.into()),
                Ok(Some(_)) => {}
                Ok(None) => return Some(LaunchError::Gone),
                // It lives.
                Err(_) => return None,
            }
        }
    }

    /// End everything inside, at once. Returns when it is gone.
    pub fn kill(&self) {
        end_child(&self.pidfd, self.pid);
        if let Some(group) = &self.group {
            group.kill();
        }
        let _ = rustix::io::retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
    }
}

impl fmt::Debug for Guests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guests").field("listeners", &self.listeners.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Dials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dials").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Covering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Covering").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
