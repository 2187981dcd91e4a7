//! What the operator's other commands say to a supervisor.

use std::{
    ffi::OsString,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use palisade_sandbox::Stdio;
use rustix::process::{Pid, PidfdFlags, Signal as Number, pidfd_open, pidfd_send_signal};

use super::{
    Entry, Registry, find,
    socket::Socket,
    wire::{Reply, Request},
};
use crate::{
    approvals::{Pending, Scope},
    refusal::{Refusal, Refuse},
    streams::{self, Copies},
    terminal::{Relay, Signal, Signals, Terminal},
};

/// How long a sandbox may take to end: longer than what it is given after `SIGTERM`.
const END: Duration = Duration::from_secs(20);
/// How long the last output may take to arrive.
const DRAIN: Duration = Duration::from_secs(5);
const UNREACHABLE: &str = "palisade kill --force ends a sandbox whose supervisor does not answer";

/// End a running sandbox and return when it is gone. `force`: kill its supervisor, and the
/// kernel ends the rest.
///
/// # Errors
/// There is no such sandbox, or it does not end.
pub fn end(state_dir: &Path, which: &str, force: bool) -> Result<Entry, Refusal> {
    let (registry, entry) = find(state_dir, which)?;
    let runtime = runtime()?;
    if force {
        let _guard = runtime.enter();
        kill(&registry, &entry)?;
    } else {
        runtime.block_on(ask_to_end(&registry, &entry))?;
    }
    let until = Instant::now() + END;
    while registry.is_live(&entry.session) {
        if Instant::now() > until {
            return Err(Refusal::new(format!("{} does not end", entry.session), UNREACHABLE));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(entry)
}

async fn ask_to_end(registry: &Registry, entry: &Entry) -> Result<(), Refusal> {
    let what = || format!("ask the supervisor of {} to end it", entry.session);
    let socket = connect(registry, entry)?;
    socket.send(&Request::End.encode(), &[]).await.refuse(what(), UNREACHABLE)?;
    let answer = tokio::time::timeout(END, socket.receive()).await;
    match answer.refuse(what(), UNREACHABLE)?.refuse(what(), UNREACHABLE)? {
        // Gone already is what was wanted.
        None => Ok(()),
        Some((bytes, _)) => match Reply::decode(&bytes) {
            Some(Reply::Refused(refusal)) => Err(refusal),
            _ => Ok(()),
        },
    }
}

/// Stop all processes of a running sandbox where they are (`stop`), or let them go on.
///
/// # Errors
/// There is no such sandbox, or its supervisor does not do it.
pub fn freeze(state_dir: &Path, which: &str, stop: bool) -> Result<Entry, Refusal> {
    let (registry, entry) = find(state_dir, which)?;
    let word = if stop { "freeze" } else { "thaw" };
    let what = || format!("{word} {}", entry.session);
    match asked(&registry, &entry, &Request::Freeze(stop), what)? {
        Reply::Frozen(done) if done == stop => Ok(entry),
        _ => Err(Refusal::new(what(), "use the `palisade` that started it")),
    }
}

/// Put another policy in force in a running sandbox: `file` as it would be named with `--policy`,
/// or what it was started with, read anew. The supervisor reads it. `watched` says that each change
/// of the file comes here by itself. Returns the sandbox and the digest of the policy.
///
/// # Errors
/// There is no such sandbox, or the policy cannot come into force there; the one before stays.
pub fn apply(
    state_dir: &Path,
    which: &str,
    file: Option<&Path>,
    watched: bool,
) -> Result<(Entry, String), Refusal> {
    let (registry, entry) = find(state_dir, which)?;
    let what = || format!("give {} another policy", entry.session);
    let file = match file {
        Some(file) => Some(std::path::absolute(file).refuse(what(), "name a file")?),
        None => None,
    };
    let request = Request::Apply { file, watched };
    match asked(&registry, &entry, &request, what)? {
        Reply::Applied(digest) => Ok((entry, digest)),
        _ => Err(Refusal::new(what(), "use the `palisade` that started it")),
    }
}

/// What waits for an answer of the operator in a running sandbox.
///
/// # Errors
/// Its supervisor does not answer.
pub fn pending(registry: &Registry, entry: &Entry) -> Result<Vec<Pending>, Refusal> {
    let what = || format!("ask the supervisor of {} what waits", entry.session);
    match asked(registry, entry, &Request::Pending, what)? {
        Reply::Pending(questions) => Ok(questions),
        _ => Err(Refusal::new(what(), "use the `palisade` that started it")),
    }
}

/// Answer question `id` of a running sandbox. Returns what it was about.
///
/// # Errors
/// There is no such sandbox or question, or the answer could not be recorded.
pub fn answer(
    state_dir: &Path,
    which: &str,
    id: u32,
    allow: bool,
    scope: Scope,
) -> Result<String, Refusal> {
    let (registry, entry) = find(state_dir, which)?;
    let what = || format!("answer a question of {}", entry.session);
    match asked(&registry, &entry, &Request::Answer { id, allow, scope }, what)? {
        Reply::Answered(subject) => Ok(subject),
        _ => Err(Refusal::new(what(), "use the `palisade` that started it")),
    }
}

/// A tool call that waits for an answer: what may be changed before it is permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The digest of what is asked, which a change is for.
    pub digest: String,
    /// The tool.
    pub tool: String,
    /// What it is given: a JSON object.
    pub input: String,
}

/// The tool call that question `id` of a running sandbox is about.
///
/// # Errors
/// There is no such sandbox or question, or it is about something that cannot be changed.
pub fn call(state_dir: &Path, which: &str, id: u32) -> Result<Asked, Refusal> {
    let (registry, entry) = find(state_dir, which)?;
    let what = || format!("ask what question {id} of {} is about", entry.session);
    match asked(&registry, &entry, &Request::Call(id), what)? {
        Reply::Call { digest, tool, input } => Ok(Asked { digest, tool, input }),
        _ => Err(Refusal::new(what(), "use the `palisade` that started it")),
    }
}

/// Permit, for once, another input than the one that was asked (`asked`), in its place. Returns what it was about.
///
/// # Errors
/// There is no such sandbox or question, a rule refuses the changed call, or it could not be recorded.
pub fn edit(
    state_dir: &Path,
    which: &str,
    id: u32,
    digest: &str,
    input: &str,
) -> Result<String, Refusal> {
    let (registry, entry) = find(state_dir, which)?;
    let what = || format!("answer a question of {}", entry.session);
    let request = Request::Edit { id, digest: digest.to_owned(), input: input.to_owned() };
    match asked(&registry, &entry, &request, what)? {
        Reply::Answered(subject) => Ok(subject),
        _ => Err(Refusal::new(what(), "use the `palisade` that started it")),
    }
}

/// Say one thing to a supervisor and hear its reply, which is no refusal.
fn asked(
    registry: &Registry,
    entry: &Entry,
    request: &Request,
    what: impl Fn() -> String,
) -> Result<Reply, Refusal> {
    let reply = runtime()?.block_on(async {
        let socket = connect(registry, entry)?;
        socket.send(&request.encode(), &[]).await.refuse(what(), UNREACHABLE)?;
        let answer = tokio::time::timeout(END, socket.receive()).await;
        answer.refuse(what(), UNREACHABLE)?.refuse(what(), UNREACHABLE)
    })?;
    match reply.map(|(bytes, _)| Reply::decode(&bytes)) {
        None => Err(Refusal::new("the sandbox ended", "palisade logs says why")),
        Some(Some(Reply::Refused(refusal))) => Err(refusal),
        Some(Some(reply)) => Ok(reply),
        Some(None) => Err(Refusal::new(what(), "use the `palisade` that started it")),
    }
}

/// Kill the process that holds the entry. Its number alone could be another process's by now, but
/// not if the entry is still locked after a descriptor of the process was had. That the number
/// is of this pid namespace is asked of the socket, unless too many are waiting there.
fn kill(registry: &Registry, entry: &Entry) -> Result<(), Refusal> {
    let what = || format!("kill the supervisor of {}", entry.session);
    let remedy = "palisade ps lists those that run";
    let address = registry.address(&entry.session).refuse(what(), remedy)?;
    match Socket::connect(&address, entry.supervisor) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        connected => drop(connected.refuse(what(), remedy)?),
    }
    let pid = Pid::from_raw(entry.supervisor).ok_or("it has no process").refuse(what(), remedy)?;
    let supervisor = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        opened => opened.refuse(what(), remedy)?,
    };
    if !registry.is_live(&entry.session) {
        return Ok(());
    }
    match pidfd_send_signal(&supervisor, Number::KILL) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        sent => sent.refuse(what(), remedy),
    }
}

/// Run a command in a running sandbox, under its confinement, and return its exit status as a
/// shell has it. The process must have one thread.
///
/// # Errors
/// There is no such sandbox, or the command does not start in it.
pub fn exec(state_dir: &Path, which: &str, command: Vec<OsString>) -> Result<u8, Refusal> {
    let (registry, entry) = find(state_dir, which)?;
    let (stdio, copies) = streams::of_caller()?;
    let terminal =
        Terminal::detect().refuse("the terminal", "start palisade from another terminal")?;
    let runtime = runtime()?;
    let result = runtime.block_on(join(&registry, &entry, command, stdio, copies, terminal));
    // A read of standard input that hangs must not keep us.
    runtime.shutdown_background();
    result
}

async fn join(
    registry: &Registry,
    entry: &Entry,
    argv: Vec<OsString>,
    stdio: [Stdio; 3],
    mut copies: Copies,
    mut terminal: Option<Terminal>,
) -> Result<u8, Refusal> {
    let what = || format!("run a command in {}", entry.session);
    let mut signals = Signals::catch().refuse("catch signals", "report this")?;
    let socket = connect(registry, entry)?;
    let flags = [0, 1, 2].map(|index: usize| matches!(stdio.get(index), Some(Stdio::Terminal)));
    let given: Vec<BorrowedFd<'_>> = stdio.iter().filter_map(given).collect();
    let request = Request::Exec { argv, terminal: flags }.encode();
    socket.send(&request, &given).await.refuse(what(), "use a shorter command")?;
    // The command's copies are what counts: a pipe ends when they are closed.
    drop((given, request));
    drop(stdio);
    copies.start()?;
    let mut relay: Option<Relay> = None;
    let status = loop {
        tokio::select! {
            reply = socket.receive() => {
                let Some((bytes, descriptors)) = reply.refuse(what(), UNREACHABLE)? else {
                    break Err(Refusal::new("the sandbox ended", "palisade logs says why"));
                };
                match Reply::decode(&bytes) {
                    Some(Reply::Terminal) => {
                        relay = start(terminal.take(), descriptors).refuse(
                            "the terminal",
                            "start palisade from another terminal",
                        )?;
                    }
                    Some(Reply::Exited(code)) => break Ok(code),
                    Some(Reply::Killed(signal)) => break Ok(signal.saturating_add(128)),
                    Some(Reply::Refused(refusal)) => break Err(refusal),
                    Some(_) | None => {
                        break Err(Refusal::new(what(), "use the `palisade` that started it"));
                    }
                }
            },
            signal = signals.next() => match (signal, &relay) {
                (Signal::Resized, Some(relay)) => relay.handle().resize(),
                (Signal::Continued, Some(relay)) => relay.handle().resume().await,
                (Signal::End(number), _) => {
                    // A supervisor that is gone is noticed above.
                    socket.send(&Request::Signal(number).encode(), &[]).await.unwrap_or_default();
                }
                (Signal::Resized | Signal::Continued, None) => {}
            },
        }
    };
    if let Some(relay) = relay {
        relay.finish(DRAIN).await;
    }
    // What it left running may hold its output for ever.
    tokio::time::timeout(DRAIN, copies.finish()).await.ok();
    status.map(|status| u8::try_from(status & 0xff).unwrap_or(u8::MAX))
}

fn given(stream: &Stdio) -> Option<BorrowedFd<'_>> {
    match stream {
        Stdio::Given(descriptor) => Some(descriptor.as_fd()),
        Stdio::Terminal => None,
    }
}

fn start(terminal: Option<Terminal>, descriptors: Vec<OwnedFd>) -> io::Result<Option<Relay>> {
    match (terminal, descriptors.into_iter().next()) {
        (Some(terminal), Some(controller)) => Ok(Some(Relay::start(terminal, controller)?)),
        _ => Ok(None),
    }
}

fn connect(registry: &Registry, entry: &Entry) -> Result<Socket, Refusal> {
    let address = registry.address(&entry.session).map_err(io::Error::from);
    address.and_then(|address| Socket::connect(&address, entry.supervisor)).refuse(
        format!("speak to the supervisor of {}", entry.session),
        "try again; palisade ps lists those that run",
    )
}

fn runtime() -> Result<tokio::runtime::Runtime, Refusal> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .refuse("start threads", "see the limits of this user (ulimit -u)")
}
