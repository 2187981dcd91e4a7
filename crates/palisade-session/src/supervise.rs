//! While the command runs: its signals, its terminal, its time, its end.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use palisade_sandbox::{LaunchError, Report, Running, release_text};
use rustix::process::Signal as Number;
use tokio::{io::Interest, net::UnixStream};

use crate::{
    denials::Denials,
    limits::Breach,
    refusal::{Refusal, Refuse},
    terminal::{Relay, Signal, Signals, Terminal, Watch, stop_job},
};

/// How long a command may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long the last output may take to reach the terminal.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a command has run when most of what a launch needed is given back.
const SETTLED: Duration = Duration::from_secs(1);

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// The sandbox's init was ended from outside.
    Lost,
}

impl End {
    /// The exit status as a shell has it.
    pub(crate) fn status(self) -> u8 {
        let number = match self {
            End::Exited(code) => code,
            End::Killed(signal) => signal.saturating_add(128),
            End::Lost => 128 + Number::KILL.as_raw(),
        };
        u8::try_from(number & 0xff).unwrap_or(u8::MAX)
    }
}

/// What ended it, if not the command itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The command did.
    Itself,
    /// It ran longer than the policy lets it.
    WallTime(Duration),
    /// A limit was broken that ends the sandbox at once.
    Limit(Breach),
    /// An alarm ends it; by the name of its rule, and what it means.
    Alarm {
        /// The rule.
        rule: String,
        /// What it means.
        title: String,
    },
    /// What may not appear was made again and again, or can be held no longer.
    Later(String),
    /// The way out could not be served any more.
    Network(String),
    /// The operator ended it from elsewhere; the user's number.
    Operator(u32),
    /// The operator's terminal is gone, and the command did not end for that.
    Hangup,
}

impl Cause {
    /// Whether it was ended because it used too much.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(self, Cause::Limit(_))
    }
}

/// Join the operator's terminal and the sandbox's, if there is one.
pub(crate) fn relay(
    operator: Option<Terminal>,
    sandbox: Option<OwnedFd>,
    watch: Option<Box<dyn Watch>>,
) -> Result<Option<Relay>, Refusal> {
    let (Some(operator), Some(sandbox)) = (operator, sandbox) else { return Ok(None) };
    Relay::watched(operator, sandbox, watch)
        .refuse("the terminal", "start palisade from another terminal")
        .map(Some)
}

/// See the command to its end. `denials` hears what its filter refuses, `outward` is what serves its network, for as long; `asked`
/// resolves when the operator wants an end, `questions` shows the operator what is asked, `broken` what else ends it at once.
pub(crate) async fn until_end(
    running: Arc<Running>,
    relay: Option<Relay>,
    signals: &mut Signals,
    denials: &mut Denials,
    (asked, questions): (impl Future<Output = u32>, impl Future<Output = ()>),
    outward: impl Future<Output = String>,
    (wall_time, broken): (Option<Duration>, impl Future<Output = Cause>),
) -> Result<(Result<End, LaunchError>, Cause), Refusal> {
    let reports = Reports::of(&running)?;
    let mut cause = Cause::Itself;
    let limit = async {
        match wall_time {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    let settled = tokio::time::sleep(SETTLED);
    let mut settling = true;
    tokio::pin!(limit, asked, questions, outward, broken, settled);
    let mut last_call: Option<tokio::time::Instant> = None;
    let end = loop {
        let late = async {
            match last_call {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            report = reports.next() => match report {
                Ok(Report::Stopped(signal)) => {
                    stopped(signal, relay.as_ref(), &running, signals).await;
                }
                Ok(Report::Listener(listener)) => denials.listen(listener),
                Ok(Report::NoListener(errno)) => denials.none(errno),
                Ok(Report::Exited(code)) => break Ok(End::Exited(code)),
                Ok(Report::Killed(signal)) => break Ok(End::Killed(signal)),
                Ok(Report::Lost) => break Ok(End::Lost),
                Err(error) => break Err(error),
            },
            signal = signals.next() => {
                pass_on(signal, relay.as_ref(), &running).await;
                // Who closes a terminal is to find nothing that goes on behind it. `nohup` is for that.
                if signal == Signal::End(Number::HUP.as_raw()) && relay.is_some() {
                    last_call.get_or_insert_with(|| tokio::time::Instant::now() + GRACE);
                }
            }
            // Each of these ends once; a future that has ended must not be asked again.
            () = &mut limit, if cause == Cause::Itself => {
                cause = Cause::WallTime(wall_time.unwrap_or_default());
                last_call = Some(ask_to_end(&running));
            }
            user = &mut asked, if cause == Cause::Itself => {
                cause = Cause::Operator(user);
                last_call = Some(ask_to_end(&running));
            }
            why = &mut outward, if cause == Cause::Itself => {
                cause = Cause::Network(why);
                last_call = Some(ask_to_end(&running));
            }
            why = &mut broken, if cause == Cause::Itself => {
                cause = why;
                running.kill();
            }
            // It never ends.
            () = &mut questions => {}
            () = &mut settled, if settling => {
                settling = false;
                release_text();
            }
            () = late => {
                last_call = None;
                if cause == Cause::Itself {
                    cause = Cause::Hangup;
                }
                running.kill();
            }
        }
    };
    if let Some(relay) = relay {
        relay.finish(DRAIN).await;
    }
    Ok((end, cause))
}

/// What init says of the command.
struct Reports {
    running: Arc<Running>,
    /// A copy of the descriptor, by which the runtime knows when there is something. Its socket keeps
    /// packets apart, and to wait there is no difference.
    readable: UnixStream,
}

impl Reports {
    fn of(running: &Arc<Running>) -> Result<Self, Refusal> {
        const WHAT: &str = "hear from the sandbox's init";
        let copy = running.as_fd().try_clone_to_owned().refuse(WHAT, "report this")?;
        let copy = std::os::unix::net::UnixStream::from(copy);
        copy.set_nonblocking(true).refuse(WHAT, "report this")?;
        let readable = UnixStream::from_std(copy).refuse(WHAT, "report this")?;
        Ok(Self { running: Arc::clone(running), readable })
    }

    /// The next one. Can be cancelled without losing any.
    async fn next(&self) -> Result<Report, LaunchError> {
        let look = || match self.running.report() {
            Ok(Some(report)) => Ok(Ok(report)),
            Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => Ok(Err(error)),
        };
        self.readable.async_io(Interest::READABLE, look).await.unwrap_or(Ok(Report::Lost))
    }
}

async fn pass_on(signal: Signal, relay: Option<&Relay>, running: &Running) {
    match (signal, relay) {
        (Signal::Resized, Some(relay)) => relay.handle().resize(),
        (Signal::Continued, Some(relay)) => relay.handle().resume().await,
        // An init that is gone has reported its end already.
        (Signal::End(number), _) => running.signal(number).unwrap_or_default(),
        (Signal::Resized | Signal::Continued, None) => {}
    }
}

/// The command was stopped, by Ctrl-Z or by itself: so are we, until the shell goes on with us.
///
/// Not without a terminal: nobody pressed a key then, and whoever is stopped watches over nothing.
async fn stopped(signal: i32, relay: Option<&Relay>, running: &Running, signals: &mut Signals) {
    let by_keyboard = [Number::TSTP, Number::TTIN, Number::TTOU].map(Number::as_raw);
    if !by_keyboard.contains(&signal) {
        return;
    }
    if let Some(relay) = relay {
        relay.handle().suspend().await;
        stop_job(signals).await;
        relay.handle().resume().await;
    }
    running.signal(Number::CONT.as_raw()).unwrap_or_default();
}

fn ask_to_end(running: &Running) -> tokio::time::Instant {
    running.signal(Number::TERM.as_raw()).unwrap_or_default();
    tokio::time::Instant::now() + GRACE
}
