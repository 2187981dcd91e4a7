//! All destinations of one session, on a thread of their own; and what sessions before have left.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use palisade_core::{PolicyDigest, SecretString, SessionId};
use palisade_journal::Journal;
use palisade_policy::{Export, Transport};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    cursor::{self, Cursor, CursorError},
    lane::{Lane, Rest, Until},
    sink::{Client, Journald, OcsfFile, Otlp, SecretHeader, Server, Signal, Sink, Syslog, Webhook},
};

/// Between two looks for what other sessions have left.
const LEFT_EVERY: Duration = Duration::from_secs(30);
/// Before the first: a session that has just begun has other things to do.
const LEFT_FIRST: Duration = Duration::from_secs(2);
/// What the thread may take to end once its time is over.
pub(crate) const MARGIN: Duration = Duration::from_millis(500);

/// Where events go, and the secret for it.
#[derive(Clone)]
pub struct Destination {
    /// As the policy has it.
    pub export: Export,
    /// What its credential is, if it has one.
    pub secret: Option<SecretString>,
}

/// What a destination has not got.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Left {
    /// The destination.
    pub destination: String,
    /// The session.
    pub session: SessionId,
    /// Records that wait in the journal; 0 if it is not known how many.
    pub records: u64,
    /// Why.
    pub why: String,
}

impl Left {
    /// In one sentence.
    pub fn told(&self) -> String {
        let Self { destination, session, records, why } = self;
        let events = match records {
            // Whoever sends did not say in time.
            0 => format!("events of {session} may not have been sent"),
            records => format!("{records} events of {session} were not sent"),
        };
        format!(
            "{events} ({destination}: {why}); the next session with the same destination sends them, or \
             palisade audit export --flush"
        )
    }
}

/// One way out of a destination: a receiver may take several kinds of things.
#[derive(Clone)]
struct Way {
    /// The name of its folder.
    id: String,
    describe: String,
    destination: Destination,
    signal: Option<Signal>,
}

/// A session's exports, while it runs.
#[derive(Debug)]
pub struct Exporter {
    until: watch::Sender<Until>,
    ended: mpsc::Receiver<Vec<Left>>,
    ways: Vec<String>,
    session: SessionId,
    flush: Duration,
}

impl Exporter {
    /// Begin to send what the session's journal has. `flush` is how long [`Exporter::finish`] may take.
    ///
    /// # Errors
    /// There can be no further thread.
    pub fn start(
        state_dir: &Path,
        journal: &Journal,
        destinations: Vec<Destination>,
        flush: Duration,
    ) -> io::Result<Self> {
        let (until, told) = watch::channel(None);
        let (tell, ended) = mpsc::channel();
        let ways = ways(&destinations);
        let described = ways.iter().map(|way| way.describe.clone()).collect();
        let session = journal.session().clone();
        let (state_dir, journal) = (state_dir.to_owned(), journal.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("export".into()).spawn(move || {
            let left = runtime.block_on(live(&state_dir, &journal, ways, told));
            // Whoever waits may have gone.
            tell.send(left).ok();
            runtime.shutdown_background();
        })?;
        Ok(Self { until, ended, ways: described, session, flush })
    }

    /// The journal has its last record. Wait for what is not sent yet, as long as the policy says, and
    /// tell what is left then.
    pub fn finish(self) -> Vec<Left> {
        self.until.send_replace(Some(Instant::now() + self.flush));
        let ended = self.ended.recv_timeout(self.flush.saturating_add(MARGIN));
        let unknown = |describe: &String| Left {
            destination: describe.clone(),
            session: self.session.clone(),
            records: 0,
            why: "it did not end in time".to_owned(),
        };
        ended.unwrap_or_else(|_| self.ways.iter().map(unknown).collect())
    }
}

/// Note that these destinations have nothing of a session yet: the next one that sends sends it too.
///
/// # Errors
/// That cannot be kept.
pub fn owe(state_dir: &Path, exports: &[Export], session: &SessionId) -> Result<(), CursorError> {
    let to = exports.iter().map(|export| Destination { export: export.clone(), secret: None });
    for way in ways(&to.collect::<Vec<_>>()) {
        Cursor::take(state_dir, (&way.id, &way.describe), session)?;
    }
    Ok(())
}

/// Send what sessions that have ended have left, until all is sent or the time is over.
///
/// # Errors
/// There can be no runtime.
pub fn flush(
    state_dir: &Path,
    destinations: &[Destination],
    within: Duration,
) -> io::Result<(u64, Vec<Left>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (_until, told) = watch::channel(Some(Instant::now() + within));
    let done = runtime.block_on(async {
        let (mut sessions, mut left) = (0_u64, Vec::new());
        for way in ways(destinations) {
            for session in cursor::pending(state_dir, &way.id) {
                let sent = behind(state_dir, &way, &session, told.clone()).await;
                match sent {
                    Some(None) => sessions = sessions.saturating_add(1),
                    Some(Some(rest)) => left.push(rest),
                    None => {}
                }
            }
        }
        (sessions, left)
    });
    runtime.shutdown_background();
    Ok(done)
}

async fn live(
    state_dir: &Path,
    journal: &Journal,
    ways: Vec<Way>,
    until: watch::Receiver<Until>,
) -> Vec<Left> {
    let session = journal.session().clone();
    let mut lanes: JoinSet<Option<Left>> = JoinSet::new();
    for way in &ways {
        let lane = lane(state_dir, way, &session, Some(journal.clone()));
        let describe = way.describe.clone();
        let (until, session) = (until.clone(), session.clone());
        lanes.spawn(async move {
            let rest = match lane {
                Ok(Some(lane)) => lane.run(until, true).await?,
                Ok(None) => return None,
                Err(why) => Rest { records: 0, why },
            };
            Some(left(describe, &session, rest))
        });
    }
    // Each for itself: one that is away must not keep the others back.
    let mut before: JoinSet<()> = JoinSet::new();
    for way in ways {
        before.spawn(others(state_dir.to_owned(), way, session.clone(), until.clone()));
    }
    let mut all = Vec::new();
    while let Some(ended) = lanes.join_next().await {
        match ended {
            Ok(ended) => all.extend(ended),
            // A fault of ours is not silent either.
            Err(error) => {
                let rest = Rest { records: 0, why: error.to_string() };
                all.push(left("an export".to_owned(), &session, rest));
            }
        }
    }
    all
}

/// Send what sessions before have left, one after the other. Never ends; it is over when the own
/// session is sent.
async fn others(state_dir: PathBuf, way: Way, own: SessionId, until: watch::Receiver<Until>) {
    tokio::time::sleep(LEFT_FIRST).await;
    loop {
        for session in cursor::pending(&state_dir, &way.id) {
            if session != own {
                // What cannot be sent now is tried again later.
                behind(&state_dir, &way, &session, until.clone()).await;
            }
        }
        tokio::time::sleep(LEFT_EVERY).await;
    }
}

/// A session that has ended. `None`: somebody else sends it, or it runs.
async fn behind(
    state_dir: &Path,
    way: &Way,
    session: &SessionId,
    until: watch::Receiver<Until>,
) -> Option<Option<Left>> {
    let lane = match lane(state_dir, way, session, None) {
        Ok(lane) => lane?,
        Err(why) => {
            let rest = Rest { records: 0, why };
            return Some(Some(left(way.describe.clone(), session, rest)));
        }
    };
    let rest = lane.run(until, false).await;
    Some(rest.map(|rest| left(way.describe.clone(), session, rest)))
}

fn left(destination: String, session: &SessionId, rest: Rest) -> Left {
    Left { destination, session: session.clone(), records: rest.records, why: rest.why }
}

fn lane(
    state_dir: &Path,
    way: &Way,
    session: &SessionId,
    journal: Option<Journal>,
) -> Result<Option<Lane>, String> {
    let named = (way.id.as_str(), way.describe.as_str());
    let taken = Cursor::take(state_dir, named, session).map_err(|error| error.to_string())?;
    let Some(cursor) = taken else { return Ok(None) };
    let sink = way.sink(state_dir, session)?;
    Lane::new((state_dir, session), &way.describe, sink, cursor, journal).map(Some)
}

fn ways(destinations: &[Destination]) -> Vec<Way> {
    let mut all = Vec::new();
    for destination in destinations {
        let signals: Vec<Option<Signal>> = match &destination.export {
            Export::Otlp(otlp) => [
                (otlp.logs, Signal::Logs),
                (otlp.traces, Signal::Traces),
                (otlp.metrics, Signal::Metrics),
            ]
            .into_iter()
            .filter_map(|(wanted, signal)| wanted.then_some(Some(signal)))
            .collect(),
            _ => vec![None],
        };
        for signal in signals {
            let (export, key) = (&destination.export, destination.export.key());
            let mut what = key.to_owned();
            if let Export::Otlp(otlp) = export {
                let by = if otlp.grpc { "grpc" } else { "http" };
                let name = signal.map_or("", Signal::name);
                what = format!("otlp {name} by {by}");
            }
            let describe = format!("{what} to {}", export.place());
            // Another receiver is another folder, whatever its credential is.
            let digest = PolicyDigest::of(describe.as_bytes());
            let digits = digest.as_str().strip_prefix("sha256:").and_then(|it| it.get(..12));
            let word = signal.map_or(key.to_owned(), |signal| format!("{key}-{}", signal.name()));
            let id = format!("{word}-{}", digits.unwrap_or_default());
            all.push(Way { id, describe, destination: destination.clone(), signal });
        }
    }
    all
}

impl Way {
    fn sink(&self, state_dir: &Path, session: &SessionId) -> Result<Sink, String> {
        let secret = self.destination.secret.clone();
        let server = |url: &str, ca: Option<&PathBuf>| {
            Server::of(url, ca).ok_or_else(|| format!("`{url}` is no URL"))
        };
        Ok(match &self.destination.export {
            Export::Ocsf(Some(path)) => Sink::Ocsf(OcsfFile::new(path.clone())),
            Export::Ocsf(None) => {
                let folder = cursor::folder(state_dir).join("ocsf");
                Sink::Ocsf(OcsfFile::new(folder.join(format!("{session}.jsonl"))))
            }
            Export::Otlp(otlp) => {
                let server = server(&otlp.url, otlp.ca.as_ref())?;
                let header = match (&otlp.credential, secret) {
                    (None, _) => None,
                    (Some(credential), Some(secret)) => {
                        Some(SecretHeader { template: credential.header.clone(), secret })
                    }
                    (Some(credential), None) => {
                        return Err(format!("the credential `{}` is missing", credential.name));
                    }
                };
                let client = Client::new(server, otlp.grpc, header);
                let signal = self.signal.unwrap_or(Signal::Logs);
                Sink::Otlp(Box::new(Otlp::new(client, signal, otlp.grpc)))
            }
            Export::Syslog(syslog) => {
                let server = Server {
                    secure: syslog.transport == Transport::Tls,
                    host: syslog.host.clone(),
                    port: syslog.port,
                    path: String::new(),
                    ca: syslog.ca.clone(),
                };
                Sink::Syslog(Syslog::new(server, syslog.transport, syslog.facility))
            }
            Export::Journald(path) => Sink::Journald(Journald::new(path.clone())),
            Export::Webhook(webhook) => {
                let server = server(&webhook.url, webhook.ca.as_ref())?;
                let secret = secret
                    .ok_or_else(|| format!("the credential `{}` is missing", webhook.secret))?;
                Sink::Webhook(Box::new(Webhook::new(server, secret)))
            }
            other => return Err(format!("`audit.{}` is not built", other.key())),
        })
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("export", &self.export).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_sent_is_not_said_to_be_nothing() {
        let left = |records| Left {
            destination: "syslog".into(),
            session: "one".parse().unwrap(),
            records,
            why: "it did not end in time".into(),
        };
        assert!(left(3).told().starts_with("3 events of one were not sent (syslog: "));
        assert!(left(0).told().starts_with("events of one may not have been sent (syslog: "));
    }
}
