//! A journal with records, and what waits for something to happen.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use palisade_core::{Event, Layer, PolicyDigest, SecretString, SessionId, Verdict};
use palisade_export::{Destination, Exporter, Progress};
use palisade_journal::{
    Durability, Journal, Record,
    follow::{Follow, Position},
};
use palisade_policy::{Export, Otlp};
use tempfile::TempDir;

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) journal: Journal,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = session(folder.path(), 1);
        Self { folder, journal }
    }

    pub(crate) fn state(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn record(&self, event: Event) {
        self.journal.record_blocking(event, Durability::Written).unwrap();
    }

    pub(crate) fn connect(&self, host: &str) {
        self.record(denied("connect", Layer::Egress, host));
    }

    pub(crate) fn end(&self) {
        let last = Event::observed("end", Layer::Process, "exit 0").with("status", 0);
        self.journal.close_blocking(last, Durability::Written).unwrap();
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        records(self.state(), self.journal.session())
    }

    pub(crate) fn export(&self, to: Export) -> Exporter {
        self.export_with(to, None, Duration::from_secs(20))
    }

    pub(crate) fn export_with(
        &self,
        export: Export,
        secret: Option<&str>,
        flush: Duration,
    ) -> Exporter {
        let secret = secret.map(SecretString::from);
        let to = vec![Destination { export, secret }];
        Exporter::start(self.state(), &self.journal, to, flush).unwrap()
    }

    /// How far the only destination is with the only session.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let states = palisade_export::states(self.state(), true).ok()?;
        states.into_iter().next()?.1.into_iter().next()
    }
}

pub(crate) fn session(state: &Path, number: u8) -> Journal {
    let policy = PolicyDigest::of(b"policy");
    Journal::open(state, &SessionId::from_random([number; 16]), None, &policy).unwrap()
}

pub(crate) fn records(state: &Path, session: &SessionId) -> Vec<Record> {
    let mut follow = Follow::open(state, session, Position::default()).unwrap();
    follow.take(100_000).unwrap().records
}

pub(crate) fn denied(kind: &str, layer: Layer, subject: &str) -> Event {
    let mut event = Event::observed(kind, layer, subject);
    event.decision = Verdict::Deny;
    event.rule = Some("network.rules[x]".into());
    event.reason = "no rule permits it".into();
    event
}

pub(crate) fn logs_to(url: String) -> Export {
    Export::Otlp(Otlp {
        url,
        grpc: false,
        logs: true,
        traces: false,
        metrics: false,
        credential: None,
        ca: None,
    })
}

pub(crate) fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !there() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}
