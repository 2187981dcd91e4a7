//! PID 1 of the sandbox: builds it, starts the agent, gives up every privilege, reaps.
//!
//! It is a fork of the supervisor, taken before that holds any secret and before there is a plan:
//! what is the same in every sandbox it builds while the plan is made. It forgets the
//! operator's arguments and environment first of all. It cannot be dumped or traced from inside, and it ends,
//! and with it everything inside, when the supervisor's end of the control socket closes.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{
        DumpableBehavior, Pid, Signal, WaitOptions, ioctl_tiocsctty, kill_process_group,
        set_dumpable_behavior, set_parent_process_death_signal, setsid, wait,
    },
    pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt},
};

use super::{
    agent,
    cgroup::{Entry, HeldByGroup},
    control::{Control, Message},
    frozen::Frozen,
    guest::Guests,
    handover, identity,
    mounts::{self, Covers},
    net, privileges,
    sys::{
        clone::{Forked, exit_now, fork_into, fork_until_exec},
        exec::forget_start,
        memory,
        probe::unshare,
        signal,
    },
    variables,
};
use crate::{
    plan::{Ground, Plan, Stdio},
    step::{Step, StepError},
};

/// What the supervisor hands to the child it has just forked.
#[derive(Debug)]
pub(crate) struct Inheritance {
    pub(crate) ground: Ground,
    pub(crate) control: Control,
    pub(crate) privileged: bool,
    pub(crate) entry: Entry,
}

/// What init makes for itself first. A cgroup namespace is made later: its root is the group that
/// its maker is in.
pub(crate) const NAMESPACES: i32 =
    libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;

/// The whole life of init. Never returns into the supervisor's code.
pub(crate) fn live(inheritance: Inheritance) -> ! {
    let Inheritance { ground, control, privileged, entry } = inheritance;
    let ran = enter(entry).and_then(|()| build_and_run(&ground, &control, privileged));
    if let Err(error) = ran {
        let _ = control.send(&Message::Failed(error));
    }
    exit_now(125)
}

/// Go where all that follows is counted. The group is the supervisor's to remove, not ours.
fn enter(entry: Entry) -> Result<(), StepError> {
    entry.enter()?;
    std::mem::forget(entry.into);
    Ok(())
}

fn build_and_run(ground: &Ground, control: &Control, privileged: bool) -> Result<(), StepError> {
    forget_start().step("forget the operator's arguments and environment")?;
    memory::overwrite(&ground.forget).step("forget the operator's secrets")?;
    die_with_supervisor()?;
    signal::block_all().step("block signals")?;
    signal::default_all();
    expect(control, &Message::Mapped)?;
    identity::take_on(&ground.identity, privileged)?;
    // Changing ids clears it, and that the supervisor may look at what is seen here, for which it has no privilege
    // later. Nothing hostile is there yet.
    die_with_supervisor()?;
    set_dumpable_behavior(DumpableBehavior::Dumpable).step("let the supervisor look at init")?;
    unshare(NAMESPACES).step("make namespaces")?;
    if ground.network {
        let sockets = net::set_up()?;
        control
            .send_with(&Message::Sockets, &sockets.as_fds())
            .step("hand out the network's sockets")?;
    }
    let tree = mounts::Tree::begin(ground.scratch_bytes, ground.degraded.landlock)?;

    // The supervisor makes the plan meanwhile.
    let (plan, trees) = hear_plan(control, privileged)?;
    rustix::system::sethostname(plan.hostname.as_bytes()).step("set the host name")?;
    let mounts::Finished { rules, socket, covers, changed } = tree.finish(&plan.mounts, trees)?;
    let covers = covers.filter(|_| plan.covers_later);
    let rules = rules.told_to_audit(plan.tell_audit);
    for mount in changed {
        control.send(&Message::Changed(mount)).step("tell what was not there")?;
    }
    if let Some(socket) = socket {
        control.send_with(&Message::Socket, &[socket.as_fd()]).step("hand out the socket")?;
    }
    setsid().step("start a session")?;
    let terminal = open_terminal(&plan, control)?;
    let mut agent = agent::Prepared::new(plan, ground, terminal, rules)?;
    privileges::rule_out()?;
    control.send(&Message::Ready).step("report to the supervisor")?;
    let held = go(control, &mut agent)?;
    agent.set_held(held);
    // Inside, the group that it is in now is the root.
    unshare(libc::CLONE_NEWCGROUP).step("make a cgroup namespace")?;

    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("make init not dumpable")?;
    let agent_pid = if agent.is_looked_into() {
        // In a memory of its own: this one must not be looked into.
        match fork_into(0).step("fork the agent")? {
            Forked::Child => agent.become_it(control),
            Forked::Parent { pid, .. } => pid,
        }
    } else {
        fork_until_exec(|| agent.become_it(control)).step("fork the agent")?
    };
    let guests = Guests::of(agent.into_confinement());
    match &covers {
        Some(_) => privileges::give_up_but_mounting()?,
        None => privileges::give_up()?,
    }
    serve(control, agent_pid, guests, covers.as_ref())
}

/// Two ways to notice that the supervisor is gone; the other is the control socket's end.
fn die_with_supervisor() -> Result<(), StepError> {
    set_parent_process_death_signal(Some(Signal::KILL)).step("ask to die with the supervisor")
}

fn expect(control: &Control, wanted: &Message) -> Result<(), StepError> {
    match control.receive().step("hear from the supervisor")? {
        Some((message, _)) if message == *wanted => Ok(()),
        // The supervisor is gone, or mad: nothing may run.
        _ => exit_now(125),
    }
}

fn hear_plan(
    control: &Control,
    detached: bool,
) -> Result<(Plan, mounts::DetachedTrees), StepError> {
    match control.receive().step("hear from the supervisor")? {
        Some((Message::Plan, descriptors)) => handover::receive(control, descriptors, detached),
        _ => exit_now(125),
    }
}

/// Wait until the agent may start, and take what it is given until then; which limits are held already.
fn go(control: &Control, agent: &mut agent::Prepared) -> Result<HeldByGroup, StepError> {
    loop {
        match control.receive().step("hear from the supervisor")? {
            Some((Message::Environment, descriptors)) => {
                agent.set_environment(variables::receive(descriptors)?);
            }
            Some((Message::Go(held), _)) => return Ok(held),
            _ => exit_now(125),
        }
    }
}

/// A terminal from the sandbox's own devpts, so that `tty` inside names it; the controlling
/// side goes to the supervisor.
fn open_terminal(plan: &Plan, control: &Control) -> Result<Option<OwnedFd>, StepError> {
    if !plan.stdio.iter().any(|stream| matches!(stream, Stdio::Terminal)) {
        return Ok(None);
    }
    let (controller, peer) = new_terminal()?;
    ioctl_tiocsctty(&peer).step("take the terminal")?;
    control.send_with(&Message::Terminal, &[controller.as_fd()]).step("hand out the terminal")?;
    Ok(Some(peer))
}

/// The controlling side, and the one for a program.
pub(super) fn new_terminal() -> Result<(OwnedFd, OwnedFd), StepError> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let controller = rustix::fs::open(
        "/dev/pts/ptmx",
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .step("open a terminal")?;
    unlockpt(&controller).step("unlock the terminal")?;
    let peer = ioctl_tiocgptpeer(&controller, flags).step("open the terminal's inner side")?;
    Ok((controller, peer))
}

/// Reap, pass on signals, report; end when the agent or the supervisor does.
fn serve(
    control: &Control,
    agent: Pid,
    mut guests: Guests,
    covers: Option<&Covers>,
) -> Result<(), StepError> {
    let children = signal::child_descriptor().step("watch for ended children")?;
    // A command that is over at once shall not wait for it.
    let mut settles = Some(Timespec { tv_sec: 1, tv_nsec: 0 });
    let mut frozen: Option<Frozen> = None;
    loop {
        let rest = frozen.as_ref().map(|frozen| Timespec::try_from(frozen.rest()));
        let rest = rest.transpose().unwrap_or_default();
        let mut ready =
            [PollFd::new(control, PollFlags::IN), PollFd::new(&children, PollFlags::IN)];
        let some =
            rustix::io::retry_on_intr(|| poll(&mut ready, rest.as_ref().or(settles.as_ref())));
        let some = some.step("wait for events")?;
        if let Some(frozen) = &mut frozen {
            frozen.look();
        }
        if some == 0 && rest.is_none() {
            memory::release_text();
            settles = None;
            continue;
        }
        let [from_supervisor, from_children] = ready.map(|entry| !entry.revents().is_empty());
        if from_children {
            let mut notice = [0_u8; 128];
            let _ = rustix::io::read(&children, &mut notice);
            reap(control, agent, &mut guests)?;
        }
        if from_supervisor {
            match control.receive() {
                Ok(Some((Message::Signal(number), _))) => {
                    if let Some(signal) = Signal::from_named_raw(number) {
                        let _ = kill_process_group(agent, signal);
                    }
                }
                Ok(Some((Message::Freeze(stop), _))) => match (stop, frozen.take()) {
                    (true, already) => frozen = already.or_else(|| Some(Frozen::all())),
                    (false, frozen) => frozen.into_iter().for_each(Frozen::thaw),
                },
                Ok(Some((Message::Of(number, about), descriptors))) => {
                    if let Message::Dial(port, v6) = *about {
                        dial(control, number, net::to_loopback(port, v6));
                        continue;
                    }
                    if let Message::Cover(hide) = *about {
                        let covered = cover(covers, hide, descriptors)?;
                        let answer = Message::Of(number, Box::new(Message::Covered(covered)));
                        control.send(&answer).unwrap_or_default();
                        continue;
                    }
                    guests.hear(number, &about, descriptors, control);
                }
                Ok(Some(_)) | Err(Errno::AGAIN) => {}
                Ok(None) | Err(_) => exit_now(137),
            }
        }
    }
}

/// Hand out a connection to a port inside. Nobody inside has it: this process cannot be looked into, and
/// starts others only with what they are to have.
fn dial(control: &Control, number: u32, dialled: Result<OwnedFd, Errno>) {
    let answer = |said| Message::Of(number, Box::new(Message::Dialled(said)));
    let sent = match &dialled {
        Ok(socket) => control.send_with(&answer(Ok(())), &[socket.as_fd()]),
        Err(errno) => control.send(&answer(Err(*errno))),
    };
    // A supervisor that is gone is heard of elsewhere.
    sent.unwrap_or_default();
}

/// Put a cover over this object, or make it read-only. Only then is the capability in force that it takes.
fn cover(
    covers: Option<&Covers>,
    hide: bool,
    descriptors: Vec<OwnedFd>,
) -> Result<Result<(), Errno>, StepError> {
    // Without the descriptor, this process has no room for more.
    let (covers, target) = match (covers, descriptors.into_iter().next()) {
        (Some(covers), Some(target)) => (covers, target),
        (None, _) => return Ok(Err(Errno::NOSYS)),
        (_, None) => return Ok(Err(Errno::MFILE)),
    };
    privileges::mounting(|| if hide { covers.cover(&target) } else { Covers::hold(&target) })
}

fn reap(control: &Control, agent: Pid, guests: &mut Guests) -> Result<(), StepError> {
    loop {
        match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            Ok(Some((pid, status))) if pid == agent => {
                let message = if let Some(code) = status.exit_status() {
                    Message::Exited(code)
                } else if let Some(signal) = status.terminating_signal() {
                    Message::Killed(signal)
                } else if let Some(signal) = status.stopping_signal() {
                    Message::Stopped(signal)
                } else {
                    continue;
                };
                let ended = !matches!(message, Message::Stopped(_));
                control.send(&message).step("report the agent's state")?;
                if ended {
                    // The kernel ends everything else in this pid namespace with its PID 1.
                    exit_now(0);
                }
            }
            Ok(Some((pid, status))) => guests.reap(pid, status, control),
            Ok(None) | Err(Errno::CHILD) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).step("reap"),
        }
    }
}
