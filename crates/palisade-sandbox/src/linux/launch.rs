//! The supervisor's side of a launch: fork, map, hear, let go.

use std::{
    fs,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, pidfd_send_signal, waitpid},
};

use super::{
    cgroup::{self, Group, Grouped, Processes},
    control::{Control, Message},
    identity, init, mounts,
    net::NetSockets,
    sys::clone::{Forked, fork_into_group},
};
use crate::{
    plan::Plan,
    step::{Step, StepError},
};

/// A cgroup namespace is made later: its root is the group that its maker is in.
const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS;

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
}

/// A sandbox that stands and whose agent has not started.
#[derive(Debug)]
pub struct Standing {
    inner: Running,
    /// The sockets made inside: listeners of the proxy and of the resolver.
    pub sockets: Option<NetSockets>,
    /// The controlling side of the sandbox's terminal.
    pub terminal: Option<OwnedFd>,
    grouped: Grouped,
}

/// A sandbox whose agent runs. Dropping it ends everything inside.
#[derive(Debug)]
pub struct Running {
    control: Control,
    pidfd: OwnedFd,
    pid: Pid,
    group: Option<Arc<Group>>,
}

/// What init reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The agent's first process was stopped by this signal.
    Stopped(i32),
    /// It ended with this exit code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// Init is gone without a report: ended from outside, or by the kernel.
    Lost,
}

/// A forked init that builds while the supervisor does other things.
#[derive(Debug)]
pub struct Building {
    running: Running,
    wanted: cgroup::Wanted,
}

/// Start to build a sandbox. The calling process must have one thread, and must keep the calling
/// thread alive: the sandbox dies with it.
///
/// # Errors
/// The step that failed; nothing is left then.
pub fn launch(plan: Plan) -> Result<Building, LaunchError> {
    let privileged = rustix::process::geteuid().is_root();
    let trees = if privileged {
        mounts::detach_as_root(&plan.mounts, &plan.identity)?
    } else {
        plan.mounts.iter().map(|_| None).collect()
    };
    let identity = plan.identity.clone();
    let (wanted, entry) = cgroup::prepare(&plan.limits);
    let (ours, theirs) = Control::pair().step("make the control socket")?;
    let namespaces = u64::from(NAMESPACES.unsigned_abs());
    let forked = fork_into_group(namespaces, entry.descriptor());
    match forked.step("clone into new namespaces")? {
        Forked::Child => {
            drop(ours);
            init::live(init::Inheritance { plan, control: theirs, trees, privileged, entry })
        }
        Forked::Parent { pid, pidfd } => {
            // Before `running`, so that on failure the group is empty when it is removed.
            let wanted = wanted.ask_for(pid);
            let running = Running { control: ours, pidfd, pid, group: None };
            prefer_to_kill(pid)?;
            identity::write_maps(
                pid,
                (identity.uid, identity.gid),
                (identity.host_uid, identity.host_gid),
                privileged,
            )?;
            running.control.send(&Message::Mapped).step("speak to init")?;
            Ok(Building { running, wanted })
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
    /// Wait until the sandbox stands.
    ///
    /// # Errors
    /// The step that failed inside.
    pub fn wait(self) -> Result<Standing, LaunchError> {
        let (mut sockets, mut terminal) = (None, None);
        loop {
            let received = self.running.control.receive().step("hear from init")?;
            let Some((message, descriptors)) = received else { return Err(LaunchError::Gone) };
            match message {
                Message::Sockets => sockets = Some(NetSockets::from_fds(descriptors)?),
                Message::Terminal => terminal = descriptors.into_iter().next(),
                Message::Ready => break,
                Message::Failed(error) => return Err(error.into()),
                _ => return Err(LaunchError::Gone),
            }
        }
        let (mut inner, grouped) = (self.running, self.wanted.settle());
        inner.group = grouped.group().cloned();
        Ok(Standing { inner, sockets, terminal, grouped })
    }
}

impl Standing {
    /// The pid of init, as this process counts.
    pub fn pid(&self) -> i32 {
        self.inner.pid()
    }

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

    /// Wait for the next report.
    ///
    /// # Errors
    /// A failed step or exec of the agent's process: it never ran.
    pub fn report(&self) -> Result<Report, LaunchError> {
        loop {
            let received = self.control.receive().unwrap_or_default();
            return match received {
                None => Ok(Report::Lost),
                Some((Message::Stopped(signal), _)) => Ok(Report::Stopped(signal)),
                Some((Message::Exited(code), _)) => Ok(Report::Exited(code)),
                Some((Message::Killed(signal), _)) => Ok(Report::Killed(signal)),
                Some((Message::Failed(error), _)) => Err(error.into()),
                Some((Message::ExecFailed(errno), _)) => Err(LaunchError::Exec(errno)),
                Some(_) => continue,
            };
        }
    }

    /// Send a signal to the agent's process group.
    ///
    /// # Errors
    /// If init is gone.
    pub fn signal(&self, signal: i32) -> Result<(), LaunchError> {
        Ok(self.control.send(&Message::Signal(signal)).step("speak to init")?)
    }

    /// End everything inside, at once. Returns when it is gone.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        if let Some(group) = &self.group {
            group.kill();
        }
        let _ = rustix::io::retry_on_intr(|| waitpid(Some(self.pid), WaitOptions::empty()));
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
