//! Proof that a journal is whole, or the first bad record and what happened to it.
//!
//! Every file is read once, line by line; memory grows with the number of sessions, not of
//! records. A session that is being written is verified as far as it has come.

mod batch;
pub(crate) mod chain;
mod clock;
mod copy;
mod damage;
pub(crate) mod ledger;
mod resume;
pub(crate) mod seen;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use palisade_core::SessionId;
use serde::Serialize;

use crate::{
    Hash, JournalError, keys,
    ledger::parts::PARTS,
    note::{Checkpoint, NamedKey, PublicKey},
    ship::Lacking,
    store::{Folder, LEDGER},
};

pub use clock::ClockStep;
pub use damage::{Damage, Kind};
pub use resume::{Point, Resume};

/// What to verify.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only this session, and the ledger.
    pub only: Option<SessionId>,
    /// A key of this journal, had from elsewhere. The ledger's own keys have to go back to it.
    pub key: Option<NamedKey>,
    /// Checkpoints that were seen elsewhere, with signatures already checked. This ledger has to be their continuation.
    pub checkpoints: Vec<Checkpoint>,
    /// Where an earlier verification came to ([`Report::reached`]): records before are not read again.
    pub resume: Option<Resume>,
}

/// What verification found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The journal's folder.
    pub journal: PathBuf,
    /// Entries in the ledger that hold together.
    pub ledger_entries: u64,
    /// The first thing wrong with the ledger.
    pub ledger_damage: Option<Damage>,
    /// The first key that signed it; `None` in a journal of before there were signatures.
    pub signed: Option<NamedKey>,
    /// Whether a given key was found among those that signed.
    pub pinned: bool,
    /// Keys that are not to be believed, and for what.
    pub revoked: Vec<Revoked>,
    /// Nothing of any session may be removed: why.
    pub hold: Option<String>,
    /// It is a copy that was shipped.
    pub copy: bool,
    /// In a copy: sessions that its ledger knows and that are not in it, or not all of them. By the ledger they need not be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<SessionId>,
    /// In a copy: what records name and did not go with them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<(SessionId, Lacking)>,
    /// Each session, sorted by id.
    pub sessions: Vec<Session>,
}

/// A key that was revoked: what it signed in these entries proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Revoked {
    /// The key.
    pub key: PublicKey,
    /// Behind this entry of the ledger,
    pub since: u64,
    /// and before this one, which revoked it.
    pub until: u64,
    /// Why.
    pub why: String,
}

/// What verification found of one session.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Session {
    /// The session.
    pub session: SessionId,
    /// The name that its operator gave it.
    pub name: Option<String>,
    /// How far its life has come.
    pub state: State,
    /// Records that hold together, from the first.
    pub records: u64,
    /// Records under a signed root, from the first. Those behind are held by the chain only.
    pub proved: u64,
    /// Records that were removed by a rule for keeping, which the ledger has under its signature.
    pub dropped: u64,
    /// The rules.
    pub dropped_by: Vec<String>,
    /// Nothing of it may be removed: why.
    pub hold: Option<String>,
    /// Its key was destroyed: why.
    pub erased: Option<String>,
    #[serde(skip)]
    reached: Option<Point>,
    /// Where the machine's clock was set, the first hundred.
    pub clock_steps: Vec<ClockStep>,
    /// The hash of the last of them.
    pub head: Option<Hash>,
    /// The first thing wrong.
    pub damage: Option<Damage>,
}

/// How far a session's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// A process is writing it.
    Open,
    /// Its end is in the ledger.
    Ended,
    /// Nobody writes it, and its end was never entered: its supervisor was killed, or the end
    /// was cut off together with the ledger's last entries.
    EndedHard,
}

impl Report {
    /// Where this verification came to, for the next one. Only of sessions that are whole.
    pub fn reached(&self) -> Resume {
        let one = |s: &Session| Some((s.session.clone(), s.reached.clone()?));
        Resume { sessions: self.sessions.iter().filter_map(one).collect() }
    }

    /// True when nothing is damaged.
    pub fn is_whole(&self) -> bool {
        self.damages().next().is_none()
    }

    /// Everything that is wrong, the ledger first.
    pub fn damages(&self) -> impl Iterator<Item = &Damage> {
        self.ledger_damage.iter().chain(self.sessions.iter().filter_map(|s| s.damage.as_ref()))
    }

    /// Records that hold together, over all sessions.
    pub fn records(&self) -> u64 {
        self.sessions.iter().fold(0, |sum, session| sum.saturating_add(session.records))
    }
}

/// Verify the journal in `dir`: a state folder, or the journal's own. A folder without any
/// journal gives an empty report.
pub fn verify(dir: &Path, options: &Options) -> Result<Report, JournalError> {
    let folder = open(dir)?;
    // The order matters beside live writers: a session is made before it is entered, and its
    // records are written before the ledger knows them.
    let mut ids: Vec<SessionId> = folder.names()?.iter().filter_map(|n| n.parse().ok()).collect();
    let ledger = ledger::walk(&folder, options)?;
    let there: BTreeSet<SessionId> = ids.iter().cloned().collect();
    ids.extend(ledger.sessions.keys().cloned());
    ids.sort();
    ids.dedup();
    let mut report = Report {
        journal: folder.path().into(),
        ledger_entries: ledger.entries,
        ledger_damage: ledger.damage.clone(),
        signed: ledger.keys.and_then(|keys| keys::named(keys.first, keys.first)),
        pinned: options.key.is_some() && ledger.damage.is_none(),
        revoked: ledger.revoked.clone(),
        hold: ledger.hold.clone(),
        copy: ledger.in_parts,
        absent: Vec::new(),
        lacking: Vec::new(),
        sessions: Vec::new(),
    };
    let lost_ledger = ledger.entries == 0 && ledger.damage.is_none() && !ids.is_empty();
    ids.retain(|id| options.only.as_ref().is_none_or(|only| only == id));
    if report.copy {
        report.absent = copy::absent(&ledger, &ids, &there);
        ids.retain(|id| report.absent.binary_search(id).is_err());
    }
    report.sessions = chains(&folder, &ids, &ledger, options.resume.as_ref());
    if report.copy {
        // One that is on its way, or went on since, has not all of its segments.
        for session in &mut report.sessions {
            let cut = session.damage.as_ref().map(|damage| &damage.kind);
            if let (Some(Kind::Truncated { found, .. }), Some(known)) =
                (cut, ledger.sessions.get(&session.session))
                && copy::may_end(known, *found)
            {
                session.damage = None;
                report.absent.push(session.session.clone());
            }
        }
        report.absent.sort();
        let found = copy::kept(&folder, &ledger, &there);
        report.lacking = found.lacking;
        for (id, damage) in found.faults {
            let session = report.sessions.iter_mut().find(|session| session.session == id);
            if let Some(session) = session {
                session.damage.get_or_insert(damage);
            }
        }
    }
    // One that has only opened may have died before it was entered.
    let entered = |s: &Session| s.state != State::Open && (s.records > 1 || s.damage.is_some());
    if lost_ledger && report.sessions.iter().any(entered) {
        let path = folder.path().join(LEDGER);
        report.ledger_damage =
            Some(Damage { path, line: 0, offset: 0, seq: 1, kind: Kind::Missing });
    }
    Ok(report)
}

/// Each session, several at a time.
fn chains(
    folder: &Folder,
    ids: &[SessionId],
    ledger: &ledger::Walked,
    resume: Option<&Resume>,
) -> Vec<Session> {
    let next = AtomicUsize::new(0);
    let processors = thread::available_parallelism().map_or(1, usize::from);
    // Of many sessions each has one.
    let two = processors > 1 && ids.len() < processors.saturating_mul(4);
    let work = || {
        let mut done = Vec::new();
        while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
            let known = ledger.sessions.get(id);
            let from = resume.and_then(|resume| resume.sessions.get(id));
            done.push(chain::session(folder, id.clone(), known, ledger.stopped, from, two));
        }
        done
    };
    let threads = processors.min(ids.len()).min(16);
    let mut sessions: Vec<Session> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                // A session that nobody looked at must not pass for a whole one.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    sessions.sort_by(|a, b| a.session.cmp(&b.session));
    sessions
}

/// The journal's folder for what a user names.
pub(crate) fn open(dir: &Path) -> Result<Folder, JournalError> {
    let folder = Folder::open(dir)?;
    let names = folder.names()?;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has("journal") && !has(LEDGER) {
        return folder.existing("journal");
    }
    if has(LEDGER) || has(PARTS) {
        return Ok(folder);
    }
    // A place that copies are shipped to.
    let copy = |name: &&String| {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let named = name.len() == 16 && name.bytes().all(digits);
        let inside = || folder.existing(name).and_then(|copy| copy.names());
        named && inside().is_ok_and(|names| names.iter().any(|name| name == PARTS))
    };
    let mut copies = names.iter().filter(copy);
    match (copies.next(), copies.next()) {
        (Some(one), None) => folder.existing(one),
        (Some(_), Some(_)) => {
            let why = "it has copies of several journals: name one of its folders";
            Err(JournalError::Untrusted { path: dir.into(), why })
        }
        (None, _) => Ok(folder),
    }
}
