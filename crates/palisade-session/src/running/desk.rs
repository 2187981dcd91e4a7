use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use palisade_core::{Authority, Event, Layer, UNRECORDED, Verdict};
use palisade_sandbox::{Guest, GuestReport, LaunchError, Running, Stdio, linux::sys::peer::Peer};
use rustix::process::{Signal, geteuid};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    Entry, Registry,
    registry::Held,
    socket::{Listener, Socket},
    wire::{Reply, Request},
};
use crate::{
    live::{Live, Wanted},
    order::Order,
    refusal::{self, Exit, Refusal, Refuse},
    streams,
};

/// Connections at one time; with more, one waits to be taken.
const MOST: usize = 32;
/// How long a connection may stay without a word.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a command may take to end once whoever started it has gone.
const GRACE: Duration = Duration::from_secs(2);
/// How long connections may take once the sandbox is gone.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long to wait when the kernel has no descriptor for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// The supervisor's side: an entry among the running sandboxes, and the socket beside it.
#[derive(Debug)]
pub(crate) struct Desk {
    held: Held,
    listener: Listener,
}

/// A desk that is served. Dropping it takes the entry out and cuts every connection.
#[derive(Debug)]
pub(crate) struct Open {
    serving: Option<JoinHandle<()>>,
    asked: Option<oneshot::Receiver<u32>>,
    close: Option<oneshot::Sender<()>>,
    held: Option<Held>,
}

/// What every connection needs.
struct Orders {
    running: Weak<Running>,
    authority: Arc<dyn Authority>,
    live: Arc<Live>,
    end: Mutex<Option<oneshot::Sender<u32>>>,
}

impl Desk {
    /// Enter the sandbox whose init this is, and which is without these layers.
    pub(crate) fn set_up(
        order: &Order,
        session: &palisade_core::SessionId,
        init: i32,
        degraded: Vec<&'static str>,
    ) -> Result<Self, Refusal> {
        let entry = Entry::new(order, session, init, degraded);
        let held = Registry::enter(&order.operator.state_dir, &entry)?;
        let bound = held.address().map_err(io::Error::from).and_then(|address| {
            let listener = Listener::bind(&address)?;
            held.make_socket_private()?;
            Ok(listener)
        });
        let listener = bound.refuse(
            "the socket that `palisade kill` and `palisade exec` speak to",
            "see that the state folder (PALISADE_STATE) is on a disk that can hold sockets",
        )?;
        Ok(Self { held, listener })
    }

    /// Take orders about `running`, as long as it is there.
    pub(crate) fn serve(
        self,
        running: &Arc<Running>,
        authority: Arc<dyn Authority>,
        live: Arc<Live>,
    ) -> Open {
        let Self { held, listener } = self;
        let (end, asked) = oneshot::channel();
        let orders = Arc::new(Orders {
            running: Arc::downgrade(running),
            authority,
            live,
            end: Mutex::new(Some(end)),
        });
        let (close, closing) = oneshot::channel();
        let serving = Some(tokio::spawn(serve(listener, orders, closing)));
        Open { serving, asked: Some(asked), close: Some(close), held: Some(held) }
    }
}

impl Open {
    /// Resolves when the operator wants the sandbox to end, with the user's number.
    pub(crate) fn asked_to_end(&mut self) -> impl Future<Output = u32> + use<> {
        let asked = self.asked.take();
        async {
            let answer = match asked {
                Some(asked) => asked.await.ok(),
                None => None,
            };
            match answer {
                Some(user) => user,
                None => std::future::pending().await,
            }
        }
    }
}

impl Open {
    /// The sandbox is gone: let every connection say so, to the journal too. The entry stays
    /// until what is returned is dropped.
    pub(crate) async fn close(mut self) -> Option<Held> {
        self.close.take();
        if let Some(serving) = &mut self.serving {
            timeout(LAST_WORDS, serving).await.ok();
        }
        self.held.take()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }
}

async fn serve(listener: Listener, orders: Arc<Orders>, mut closing: oneshot::Receiver<()>) {
    let room = Arc::new(Semaphore::new(MOST));
    // Its tasks end with it.
    let mut connections = JoinSet::new();
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit,
            _ = &mut closing => break,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut closing => break,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((socket, peer)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let orders = Arc::clone(&orders);
        connections.spawn(async move {
            // Somebody who goes away in the middle is told nothing.
            orders.hear(socket, peer).await.unwrap_or_default();
            drop(permit);
        });
    }
    while connections.join_next().await.is_some() {}
}

impl Orders {
    async fn hear(&self, socket: Socket, peer: Peer) -> io::Result<()> {
        if peer.uid != geteuid().as_raw() {
            let mut event = by("control", peer, "its socket");
            event.decision = Verdict::Deny;
            event.reason = "only the user who started a sandbox may give it orders".into();
            self.authority.record(event).await;
            return Ok(());
        }
        let Ok(first) = timeout(PATIENCE, socket.receive()).await else { return Ok(()) };
        let Some((bytes, descriptors)) = first? else { return Ok(()) };
        match Request::decode(&bytes) {
            Some(Request::End) => {
                let event = by("kill", peer, "the sandbox");
                let reply = if self.authority.record(event).await {
                    self.ask_to_end(peer.uid);
                    Reply::Ending
                } else {
                    Reply::Refused(Refusal::new(UNRECORDED, "palisade kill --force"))
                };
                socket.send(&reply.encode(), &[]).await
            }
            Some(Request::Freeze(stop)) => {
                let reply = self.freeze(stop, peer).await.unwrap_or_else(Reply::Refused);
                socket.send(&reply.encode(), &[]).await
            }
            Some(Request::Apply { file, watched }) => {
                let wanted = Wanted { file, watched, principal: principal(peer) };
                let reply = match self.live.apply(wanted).await {
                    Ok(digest) => Reply::Applied(digest.as_str().to_owned()),
                    Err(refusal) => Reply::Refused(refusal),
                };
                socket.send(&reply.encode(), &[]).await
            }
            Some(Request::Pending) => {
                let questions = self.live.approvals().pending();
                socket.send(&Reply::Pending(questions).encode(), &[]).await
            }
            Some(Request::Answer { id, allow, scope }) => {
                let reply = match self.live.answer(id, allow, scope, &principal(peer)).await {
                    Ok(subject) => Reply::Answered(subject),
                    Err(refusal) => Reply::Refused(refusal),
                };
                socket.send(&reply.encode(), &[]).await
            }
            Some(Request::Call(id)) => {
                let reply = match self.live.call(id) {
                    Ok((digest, tool, input)) => Reply::Call { digest, tool, input },
                    Err(refusal) => Reply::Refused(refusal),
                };
                socket.send(&reply.encode(), &[]).await
            }
            Some(Request::Edit { id, digest, input }) => {
                let reply = match self.live.edit(id, &digest, &input, &principal(peer)).await {
                    Ok(subject) => Reply::Answered(subject),
                    Err(refusal) => Reply::Refused(refusal),
                };
                socket.send(&reply.encode(), &[]).await
            }
            Some(Request::Exec { argv, terminal }) => {
                let streams = Streams { terminal, descriptors };
                match self.exec(&socket, peer, argv, streams).await {
                    Ok(done) => done,
                    Err(refusal) => socket.send(&Reply::Refused(refusal).encode(), &[]).await,
                }
            }
            Some(Request::Signal(_)) | None => {
                let refusal = Refusal::new(
                    "the supervisor does not understand this",
                    "use the `palisade` that started the sandbox",
                );
                socket.send(&Reply::Refused(refusal).encode(), &[]).await
            }
        }
    }

    /// Stop all that is inside, or let it go on.
    async fn freeze(&self, stop: bool, peer: Peer) -> Result<Reply, Refusal> {
        let gone = || Refusal::new("the sandbox is ending", "palisade ps lists those that run");
        let event = by(if stop { "freeze" } else { "thaw" }, peer, "the sandbox");
        if !self.authority.record(event).await {
            return Err(Refusal::new(UNRECORDED, "palisade audit verify"));
        }
        let running = self.running.upgrade().ok_or_else(gone)?;
        running.freeze(stop).refuse("speak to the sandbox", "palisade kill --force")?;
        Ok(Reply::Frozen(stop))
    }

    fn ask_to_end(&self, user: u32) {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Nobody hears it any more when it is ending already.
        end.map(|end| end.send(user));
    }

    /// Run a command beside the agent and speak for it until it ends.
    async fn exec(
        &self,
        socket: &Socket,
        peer: Peer,
        argv: Vec<std::ffi::OsString>,
        streams: Streams,
    ) -> Result<io::Result<()>, Refusal> {
        let gone = || Refusal::new("the sandbox is ending", "palisade ps lists those that run");
        let stdio = streams.checked()?;
        let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into()).collect();
        let shown = words.join(" ");
        let name = words.first().cloned().unwrap_or_default();
        let event = by("exec", peer, shown.clone()).with("command", words);
        if !self.authority.record(event).await {
            return Err(Refusal::new(UNRECORDED, "palisade audit verify"));
        }
        let (tell, mut reports) = mpsc::unbounded_channel();
        let hear = move |report| {
            // Nobody wants to know after the connection has gone.
            tell.send(report).unwrap_or_default();
        };
        let guest = Guest { argv, stdio };
        let number = {
            let running = self.running.upgrade().ok_or_else(gone)?;
            running.admit(&guest, hear).map_err(|error| not_started(&name, &error))?
        };
        drop(guest);
        let spoken = self.speak_for(number, socket, &mut reports).await;
        let how = match &spoken {
            Spoken::Ended(Reply::Exited(code)) => format!("exit {code}"),
            Spoken::Ended(Reply::Killed(signal)) => format!("signal {signal}"),
            Spoken::NotStarted(error) => format!("not started: {error}"),
            Spoken::Ended(_) | Spoken::Left => "left by whoever started it".to_owned(),
            Spoken::Lost => "ended with the sandbox".to_owned(),
        };
        let mut event = Event::observed("exec_end", Layer::Process, shown);
        event.reason = how;
        self.authority.record(event).await;
        match spoken {
            Spoken::Ended(reply) => Ok(socket.send(&reply.encode(), &[]).await),
            Spoken::NotStarted(error) => Err(not_started(&name, &error)),
            Spoken::Left | Spoken::Lost => Ok(Ok(())),
        }
    }

    async fn speak_for(
        &self,
        number: u32,
        socket: &Socket,
        reports: &mut mpsc::UnboundedReceiver<GuestReport>,
    ) -> Spoken {
        loop {
            tokio::select! {
                report = reports.recv() => match report {
                    Some(GuestReport::Terminal(controller)) => {
                        let (message, terminal) = (Reply::Terminal.encode(), controller.as_fd());
                        if socket.send(&message, &[terminal]).await.is_err() {
                            break;
                        }
                    }
                    Some(GuestReport::Exited(code)) => return Spoken::Ended(Reply::Exited(code)),
                    Some(GuestReport::Killed(signal)) => {
                        return Spoken::Ended(Reply::Killed(signal));
                    }
                    Some(GuestReport::Refused(error)) => return Spoken::NotStarted(error),
                    None => return Spoken::Lost,
                },
                request = socket.receive() => match request {
                    Ok(Some((bytes, _))) => match Request::decode(&bytes) {
                        Some(Request::Signal(signal)) => self.signal(number, signal),
                        Some(_) | None => break,
                    },
                    Ok(None) | Err(_) => break,
                },
            }
        }
        // Whoever started it is gone, as when a terminal hangs up.
        self.signal(number, Signal::HUP.as_raw());
        let ended = async { while reports.recv().await.is_some_and(|report| !last(&report)) {} };
        if timeout(GRACE, ended).await.is_err() {
            self.signal(number, Signal::KILL.as_raw());
        }
        Spoken::Left
    }

    fn signal(&self, number: u32, signal: i32) {
        if let Some(running) = self.running.upgrade() {
            running.signal_guest(number, signal).unwrap_or_default();
        }
    }
}

/// How it went with a command.
enum Spoken {
    Ended(Reply),
    NotStarted(LaunchError),
    Left,
    Lost,
}

/// A command's standard streams as they came.
struct Streams {
    terminal: [bool; 3],
    descriptors: Vec<OwnedFd>,
}

impl Streams {
    /// Nothing that would be more than a stream inside: no folder, no socket, no device.
    fn checked(self) -> Result<[Stdio; 3], Refusal> {
        const WHAT: &str = "the command's standard streams";
        const REMEDY: &str = "use the `palisade` that started the sandbox";
        let mut descriptors = self.descriptors.into_iter();
        let mut stream = |terminal: bool| -> Result<Stdio, Refusal> {
            if terminal {
                return Ok(Stdio::Terminal);
            }
            let given = descriptors.next().ok_or("one is missing").refuse(WHAT, REMEDY)?;
            if streams::is_plain(given.as_fd()).refuse(WHAT, REMEDY)? {
                Ok(Stdio::Given(given))
            } else {
                Err(Refusal::new(format!("{WHAT}: one is no pipe and no file"), REMEDY))
            }
        };
        let [input, output, error] = self.terminal;
        let all = [stream(input)?, stream(output)?, stream(error)?];
        match descriptors.next() {
            None => Ok(all),
            Some(_) => Err(Refusal::new(format!("{WHAT}: there are too many"), REMEDY)),
        }
    }
}

fn last(report: &GuestReport) -> bool {
    !matches!(report, GuestReport::Terminal(_))
}

fn principal(peer: Peer) -> String {
    format!("uid {}", peer.uid)
}

/// Something that the operator did.
fn by(kind: &str, peer: Peer, subject: impl Into<String>) -> Event {
    let mut event = Event::observed(kind, Layer::Supervisor, subject);
    event.decision = Verdict::Allow;
    event.reason = "the operator asked for it".into();
    event.with("principal", principal(peer)).with("pid", peer.pid)
}

fn not_started(name: &str, error: &LaunchError) -> Refusal {
    match error {
        LaunchError::Exec(errno) => refusal::of_exec(name, *errno),
        other => Refusal::new(
            format!("{name} cannot be run in the sandbox: {other}"),
            "if it is not a limit of the sandbox, report this",
        )
        .with_exit(Exit::Refused),
    }
}
