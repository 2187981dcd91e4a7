use std::{collections::BTreeMap, io, path::Path};

use palisade_core::SessionId;

use crate::{
    JournalError,
    keys::Keyring,
    ledger::{Entry, Ledger, Said, line},
    reader::{Lines, Step},
    recover::reading,
    store::{Folder, LEDGER},
    verify,
};

/// What may not be removed, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holds {
    /// All of it.
    pub all: Option<String>,
    /// These sessions.
    pub sessions: BTreeMap<SessionId, String>,
}

impl Holds {
    /// Why nothing of this session may be removed.
    pub fn of(&self, session: &SessionId) -> Option<&str> {
        self.sessions.get(session).or(self.all.as_ref()).map(String::as_str)
    }

    fn read(journal: &Folder) -> Result<Self, JournalError> {
        let mut holds = Self::default();
        let Some(fd) = journal.read(LEDGER)? else { return Ok(holds) };
        let path = journal.path().join(LEDGER);
        let mut lines = Lines::of(fd);
        while lines.step().map_err(|e| reading(&path, &e))? == Step::Line {
            let word = |word: &[u8]| lines.line().windows(word.len()).any(|part| part == word);
            if !(word(b"\"entry\":\"hold\"") || word(b"\"entry\":\"released\"")) {
                continue;
            }
            let Ok((entry, _)) = line::parse(lines.line()) else { continue };
            let why = entry.name.unwrap_or_default();
            match (entry.entry, entry.session) {
                (Entry::Hold, None) => holds.all = Some(why),
                (Entry::Released, None) => holds.all = None,
                (Entry::Hold, Some(session)) => drop(holds.sessions.insert(session, why)),
                (Entry::Released, Some(session)) => drop(holds.sessions.remove(&session)),
                _ => {}
            }
        }
        Ok(holds)
    }
}

/// What may not be removed from the journal in `dir`.
///
/// # Errors
/// It cannot be read.
pub fn holds(dir: &Path) -> Result<Holds, JournalError> {
    Holds::read(&verify::open(dir)?)
}

/// From now on nothing of the session, or of all, is removed. It is on the disk when this returns.
///
/// # Errors
/// The ledger cannot be written.
pub fn hold(state: &Path, session: Option<&SessionId>, why: &str) -> Result<(), JournalError> {
    enter(state, Said { session, name: Some(why), ..Said::plain(Entry::Hold) })
}

/// From now on the rules hold again for the session, or for all. A hold on all and one on a session are two.
///
/// # Errors
/// The ledger cannot be written.
pub fn release(state: &Path, session: Option<&SessionId>, why: &str) -> Result<(), JournalError> {
    enter(state, Said { session, name: Some(why), ..Said::plain(Entry::Released) })
}

fn enter(state: &Path, said: Said<'_>) -> Result<(), JournalError> {
    let state = Folder::state(state)?;
    let (journal, keys) = (state.journal()?, Keyring::open(&state)?);
    let mut ledger = verified(&journal, &keys)?;
    ledger.append(said)?;
    ledger.sync()?;
    keys.sync()
}

/// The ledger, ours to write, of which every entry was verified first: nothing is signed on top of one that somebody changed.
fn verified<'a>(journal: &Folder, keys: &'a Keyring) -> Result<Ledger<'a>, JournalError> {
    // It cuts what a crash left behind the last entry, which is no damage.
    drop(Ledger::lock(journal, keys)?);
    super::tidy::walked(journal)?;
    Ledger::lock(journal, keys)
}

/// How an erasure went.
#[derive(Debug)]
#[non_exhaustive]
pub enum Erased {
    /// It is done, and the ledger says so.
    Done,
    /// A hold forbids it.
    Held(String),
    /// What was to be destroyed could not be.
    Failed(io::Error),
}

/// Destroy what opens a session's content, unless a hold forbids it, and enter that. Done once more it does no harm.
///
/// # Errors
/// The ledger cannot be read or written.
pub fn erase(
    state: &Path,
    session: &SessionId,
    why: &str,
    destroy: impl FnOnce() -> io::Result<()>,
) -> Result<Erased, JournalError> {
    let state = Folder::state(state)?;
    let (journal, keys) = (state.journal()?, Keyring::open(&state)?);
    let mut ledger = verified(&journal, &keys)?;
    if let Some(held) = Holds::read(&journal)?.of(session) {
        return Ok(Erased::Held(held.to_owned()));
    }
    if let Err(error) = destroy() {
        return Ok(Erased::Failed(error));
    }
    let said = Said { session: Some(session), name: Some(why), ..Said::plain(Entry::Erased) };
    ledger.append(said)?;
    ledger.sync()?;
    keys.sync()?;
    Ok(Erased::Done)
}

/// The holds, while the ledger is ours.
pub(super) fn under_lock(journal: &Folder) -> Result<Holds, JournalError> {
    Holds::read(journal)
}
