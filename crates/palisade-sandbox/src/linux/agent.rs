//! The last steps before the command runs: everything that can be made beforehand is, then
//! limits, privileges, Landlock and the system call filter, in that order, then exec.
//!
//! [`Confinement`] is what the agent has in common with every command that joins it later.

use std::{
    ffi::{CString, OsStr, OsString},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
};

use rustix::{
    io::Errno,
    process::{
        DumpableBehavior, Resource, Rlimit, getpid, set_dumpable_behavior, setpgid, setrlimit,
    },
    rand::{GetRandomFlags, getrandom},
    termios::tcsetpgrp,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use super::{
    cgroup::HeldByGroup,
    control::{Control, Message},
    landlock, privileges,
    seccomp::Filter,
    sys::{
        clone::{close_from, exit_now},
        exec::{StringArray, exec},
        signal,
    },
};
use crate::{
    plan::{Ground, Limits, Plan, Stdio},
    step::{Step, StepError},
};

/// A core dump of one byte is none. Where dumps go to a program of the host's (a pipe in
/// `kernel.core_pattern`) no other limit counts, and this one means that it is not started
/// (`fs/coredump.c`); what crashes inside must not choose what that program works on. Where whoever
/// started us may have no dumps at all it is zero.
const NO_DUMP: u64 = 1;

/// Timers and queued signals, of the whole sandbox: they count for whoever started it as well, whose
/// own programs would find nothing left.
const MOST_PENDING: u64 = 1024;

/// All that the agent's process needs to confine itself and exec, in memory.
#[derive(Debug)]
pub(crate) struct Prepared {
    candidates: Vec<CString>,
    argv: StringArray,
    stdio: [Stdio; 3],
    terminal: Option<OwnedFd>,
    confinement: Confinement,
}

/// What holds for each process that init starts, whoever asked for it.
#[derive(Debug)]
pub(crate) struct Confinement {
    environment: StringArray,
    /// The variable `PATH` of that environment.
    search: OsString,
    working_directory: CString,
    limits: Limits,
    /// The limits that a control group holds already.
    held: HeldByGroup,
    rules: landlock::Prepared,
    filter: Filter,
    /// Whether the filter may be missing.
    without_filter: bool,
    /// Where no group holds processor time: these processors, and a filter that keeps to them.
    pinned: Option<(CpuSet, Filter)>,
}

impl Prepared {
    pub(crate) fn new(
        plan: Plan,
        ground: &Ground,
        terminal: Option<OwnedFd>,
        rules: landlock::Prepared,
    ) -> Result<Self, StepError> {
        let text = |text: OsString| CString::new(text.into_vec()).map_err(|_| Errno::INVAL);
        let search = plan.environment.iter().find(|(name, _)| name == "PATH");
        let search = search.map(|(_, value)| value.clone()).unwrap_or_default();
        let candidates = plan.command.candidates.into_iter().map(|path| text(path.into()));
        let argv = plan.command.argv.into_iter().map(text);
        let environment = plan.environment.into_iter().map(|(name, value)| {
            let mut entry = name;
            entry.push("=");
            entry.push(value);
            text(entry)
        });
        let pinned = ground.limits.cpu_thousandths.zip(plan.pinned_filter);
        let pinned = pinned.map(|(most, filter)| Ok((some_processors(most)?, filter)));
        Ok(Self {
            candidates: candidates.collect::<Result<_, _>>().step("read the command")?,
            argv: StringArray::new(argv.collect::<Result<_, _>>().step("read the command")?),
            stdio: plan.stdio,
            terminal,
            confinement: Confinement {
                environment: StringArray::new(
                    environment.collect::<Result<_, _>>().step("read the environment")?,
                ),
                search,
                working_directory: text(plan.working_directory.into())
                    .step("read the working directory")?,
                limits: ground.limits,
                held: HeldByGroup::default(),
                rules,
                filter: plan.filter,
                without_filter: ground.degraded.seccomp,
                pinned: pinned.transpose().step("choose processors")?,
            },
        })
    }

    /// What turned out to be held by a group.
    pub(crate) fn set_held(&mut self, held: HeldByGroup) {
        self.confinement.held = held;
    }

    /// Set variables that were not known when the plan was made. None of them is `PATH`.
    pub(crate) fn set_environment(&mut self, entries: Vec<CString>) {
        self.confinement.environment.set(entries);
    }

    /// Become the command, or report why not. No allocation before exec, but for a message.
    pub(crate) fn become_it(&self, control: &Control) -> ! {
        let message = match self.confine(control) {
            Ok(()) => Message::ExecFailed(self.confinement.exec(&self.candidates, &self.argv)),
            Err(error) => Message::Failed(error),
        };
        let _ = control.send(&message);
        exit_now(125)
    }

    /// Whether the supervisor decides about each program, and has to look into this process before its first.
    pub(crate) fn is_looked_into(&self) -> bool {
        self.confinement.filter.holds_exec()
    }

    /// What is left for those that come after the agent. Its streams and terminal are closed.
    pub(crate) fn into_confinement(self) -> Confinement {
        self.confinement
    }

    fn confine(&self, control: &Control) -> Result<(), StepError> {
        self.lead_a_process_group()?;
        redirect(&self.stdio, self.terminal.as_ref())?;
        let tell =
            |message, descriptors: &[BorrowedFd<'_>]| control.send_with(&message, descriptors);
        self.confinement.put_on(privileges::give_up, tell)
    }

    /// A group of its own, in the foreground of the terminal. The session stays init's: a group
    /// whose parents are all outside its session is orphaned, and Ctrl-Z does not stop it.
    fn lead_a_process_group(&self) -> Result<(), StepError> {
        setpgid(None, None).step("lead a process group")?;
        match &self.terminal {
            // SIGTTOU, which this gives to a background process, is blocked until later.
            Some(terminal) => tcsetpgrp(terminal, getpid()).step("come to the foreground"),
            None => Ok(()),
        }
    }
}

impl Confinement {
    /// Confine this process, which has one thread. `privileges` sees to it that it has none;
    /// nothing after that needs any. `tell` speaks to the supervisor.
    pub(crate) fn put_on(
        &self,
        privileges: fn() -> Result<(), StepError>,
        tell: impl FnOnce(Message, &[BorrowedFd<'_>]) -> Result<(), Errno>,
    ) -> Result<(), StepError> {
        rustix::process::chdir(self.working_directory.as_c_str())
            .step("enter the working directory")?;
        self.limit()?;
        // Init has given each its default action.
        signal::unblock_all().step("unblock signals")?;
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        close_from(3, true).step("close inherited descriptors")?;
        privileges()?;
        self.rules.restrict_self()?;
        self.rules.require_in_force()?;
        let (filter, pinned) = match &self.pinned {
            Some((_, filter)) if !self.held.processors => (filter, true),
            _ => (&self.filter, false),
        };
        // Before it runs a program it is in nobody's domain but its own, so only the supervisor may look into it.
        if filter.holds_exec() {
            set_dumpable_behavior(DumpableBehavior::Dumpable)
                .step("let the supervisor look at it")?;
        }
        if self.without_filter {
            // As far as the system goes, be it not at all: the operator lets it be missing.
            filter.install().unwrap_or_default();
            return Ok(());
        }
        install(filter, pinned, tell)?;
        Filter::require_in_force()
    }

    /// The limits of each process, and of the whole what no group holds.
    fn limit(&self) -> Result<(), StepError> {
        let (limits, held) = (&self.limits, self.held);
        lower(Resource::Core, NO_DUMP).step("forbid core dumps")?;
        // Whoever started us may have been given these.
        limit(Resource::Nice, Some(0)).step("forbid a higher priority")?;
        limit(Resource::Rtprio, Some(0)).step("forbid real-time priority")?;
        lower(Resource::Sigpending, MOST_PENDING).step("limit timers and queued signals")?;
        if !held.memory {
            limit(Resource::Data, limits.memory).step("limit memory")?;
        }
        // One more than the group's, which counts what it refuses.
        let more = u64::from(held.processes);
        let processes = limits.processes.map(|processes| processes.saturating_add(more));
        limit(Resource::Nproc, processes).step("limit processes")?;
        limit(Resource::Nofile, limits.open_files).step("limit open files")?;
        limit(Resource::Fsize, limits.file_bytes).step("limit the size of files")?;
        match &self.pinned {
            Some((processors, _)) if !held.processors => {
                sched_setaffinity(None, processors).step("limit processors")
            }
            _ => Ok(()),
        }
    }

    /// As `execvp(3)` searches: what cannot be executed is remembered, what is missing skipped.
    pub(crate) fn exec(&self, candidates: &[CString], argv: &StringArray) -> Errno {
        let mut worst = Errno::NOENT;
        for candidate in candidates {
            match exec(candidate, argv, &self.environment) {
                Errno::NOENT | Errno::NOTDIR => {}
                Errno::ACCESS => worst = Errno::ACCESS,
                other => return other,
            }
        }
        worst
    }

    /// Where programs are looked for.
    pub(crate) fn search(&self) -> &OsStr {
        &self.search
    }
}

/// Put the filter on, with a listener that the supervisor gets where that can be.
fn install(
    filter: &Filter,
    pinned: bool,
    tell: impl FnOnce(Message, &[BorrowedFd<'_>]) -> Result<(), Errno>,
) -> Result<(), StepError> {
    if !filter.can_tell() {
        return filter.install();
    }
    let told = match filter.install_telling() {
        // Ours is closed in this line, and by exec: nobody inside may answer.
        Ok(listener) => tell(Message::Listener { pinned }, &[listener.as_fd()]),
        Err(error) if filter.holds_exec() => return Err(error),
        Err(error) => {
            filter.install()?;
            tell(Message::NoListener(error.errno), &[])
        }
    };
    told.step("hand out the listener of refused calls")
}

/// Put the standard streams in their places.
pub(crate) fn redirect(stdio: &[Stdio; 3], terminal: Option<&OwnedFd>) -> Result<(), StepError> {
    let source = |stream: &Stdio| -> Result<OwnedFd, StepError> {
        let from: BorrowedFd<'_> = match stream {
            Stdio::Given(descriptor) => descriptor.as_fd(),
            Stdio::Terminal => terminal.ok_or(Errno::NOTTY).step("find the terminal")?.as_fd(),
        };
        // Above 2, so that no later dup2 closes it.
        rustix::io::fcntl_dupfd_cloexec(from, 3).step("copy a standard stream")
    };
    let [input, output, error] = stdio;
    let (input, output, error) = (source(input)?, source(output)?, source(error)?);
    rustix::stdio::dup2_stdin(input).step("place standard input")?;
    rustix::stdio::dup2_stdout(output).step("place standard output")?;
    rustix::stdio::dup2_stderr(error).step("place standard error")
}

/// As many of the processors that may be used as hold this much time, beginning anywhere: many
/// sandboxes must not sit on the same ones.
fn some_processors(thousandths: u64) -> Result<CpuSet, Errno> {
    let usable = sched_getaffinity(None)?;
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| usable.is_set(*cpu)).collect();
    let mut bits = [0_u8; 8];
    getrandom(&mut bits, GetRandomFlags::empty())?;
    let start = usize::from_le_bytes(bits) % usable.len().max(1);
    let most = usize::try_from(thousandths.div_ceil(1000)).unwrap_or(usize::MAX);
    let mut chosen = CpuSet::new();
    for cpu in usable.iter().cycle().skip(start).take(most.min(usable.len())) {
        chosen.set(*cpu);
    }
    Ok(chosen)
}

/// To this much, or less where less is allowed already: nothing may be raised.
fn lower(resource: Resource, most: u64) -> Result<(), Errno> {
    match limit(resource, Some(most)) {
        Err(Errno::PERM) if most > 0 => lower(resource, most / 2),
        other => other,
    }
}

fn limit(resource: Resource, value: Option<u64>) -> Result<(), Errno> {
    match value {
        None => Ok(()),
        Some(value) => setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) }),
    }
}
