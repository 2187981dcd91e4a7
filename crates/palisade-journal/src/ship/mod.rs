//! What goes to a copy elsewhere: sessions that ended, as compressed segments, and the ledger in parts.
//!
//! ```text
//! <16 digits>/_ledger/<from>-<to>.jsonl     entries of the ledger, as they are
//! <16 digits>/<session>/000001.jsonl.zst    a session's segments, as they are
//! ```
//!
//! The digits are those of the journal's name. Such a folder verifies by itself, with the journal's key: [`crate::verify()`]
//! takes it as it takes a journal. That a session is there is an entry of the ledger, `shipped`: a copy in which one is
//! missing that the ledger says is there is damaged.

use std::{
    fs::File,
    io::{Read, Seek},
    os::fd::OwnedFd,
    path::Path,
};

use palisade_core::SessionId;
use sha2::{Digest, Sha256};

use crate::{
    Hash, JournalError,
    keep::{Busy, sealing},
    keys::Keyring,
    ledger::{Entry, Ledger, Said, line, parts},
    reader::{Lines, Step},
    recover::reading,
    store::{Folder, LEDGER, is_live},
    verify::ledger::Walked,
};

/// Bytes of a ledger's part, or a line more.
const PART: usize = 4 << 20;

/// The ledger as it was, and the sessions in it.
#[derive(Debug)]
pub struct Shipping {
    state: Folder,
    journal: Folder,
    ledger: Walked,
    /// The folder of this journal's copies.
    pub name: String,
}

/// What became of a session that was to be sealed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Sealing {
    /// It is whole, and nobody writes it.
    Sealed(Sealed),
    /// It has not ended, or the ledger does not know that yet.
    Open,
    /// Another process removes or compresses records.
    Busy,
    /// It is damaged, and stays as it is.
    Damaged(String),
}

/// A session that is ready to go.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sealed {
    /// The number of its last record.
    pub records: u64,
    /// Its segments, in order.
    pub segments: Vec<Piece>,
}

/// A file that is not written any more. It stays what it is, even if another takes its place.
#[derive(Debug)]
#[non_exhaustive]
pub struct Piece {
    /// Its name in the session's folder.
    pub name: String,
    /// The file, at its beginning.
    pub file: File,
    /// Its bytes.
    pub bytes: u64,
    /// Of its bytes.
    pub sha256: Hash,
}

/// Entries of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The name of its file.
    pub name: String,
    /// Its lines.
    pub text: Vec<u8>,
    /// Where the next part begins.
    pub end: Reached,
}

/// How much of the ledger is in parts.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Reached {
    /// Bytes.
    pub offset: u64,
    /// Entries.
    pub seq: u64,
    /// The last one's hash.
    pub hash: Option<Hash>,
}

impl Shipping {
    /// Verify the ledger. Signatures that an earlier call checked, in bytes that are still the same, are not checked again; how
    /// far that came is a file in the state folder. `None`: there is nothing in it, or no key signed it.
    ///
    /// # Errors
    /// It is damaged, or cannot be read.
    pub fn begin(state: &Path) -> Result<Option<Self>, JournalError> {
        let state = Folder::state(state)?;
        let journal = state.journal()?;
        let ledger = sealing::ledger(&state, &journal)?;
        let Some(keys) = ledger.keys else { return Ok(None) };
        let origin = line::origin(keys.first);
        let name = origin.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Some(Self { state, journal, ledger, name }))
    }

    /// The sessions that ended, each with the number of its last record.
    pub fn ended(&self) -> impl Iterator<Item = (&SessionId, u64)> {
        let last = |anchors: &[crate::verify::ledger::Anchor]| {
            anchors.iter().map(|anchor| anchor.at.seq).max().unwrap_or(0)
        };
        let ended = self.ledger.sessions.iter().filter(|(_, known)| known.ended);
        ended.map(move |(id, known)| (id, last(&known.anchors)))
    }

    /// Whether the ledger says that so many records of the session are at a place.
    pub fn is_shipped(&self, session: &SessionId, place: &str, records: u64) -> bool {
        let place = line::name(place);
        let known = self.ledger.sessions.get(session);
        known.is_some_and(|known| known.shipped.iter().any(|it| *it == (place.clone(), records)))
    }

    /// Whether a session that has not ended is one that nobody writes any more.
    pub fn is_dead(&self, session: &SessionId) -> bool {
        let ended = self.ledger.sessions.get(session).is_some_and(|known| known.ended);
        let last = || -> Result<Option<OwnedFd>, JournalError> {
            let folder = self.journal.existing(session.as_str())?;
            match folder.segments()?.pop() {
                Some(name) => folder.read(&name),
                None => Ok(None),
            }
        };
        !ended && last().is_ok_and(|fd| fd.is_some_and(|fd| !is_live(fd)))
    }

    /// Verify a session and compress what of it is not.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn seal(&self, session: &SessionId) -> Result<Sealing, JournalError> {
        let Some(known) = self.ledger.sessions.get(session).filter(|known| known.ended) else {
            return Ok(Sealing::Open);
        };
        let folder = match sealing::seal(&self.state, &self.journal, session, known)? {
            Ok(folder) => folder,
            Err(Busy::Open) => return Ok(Sealing::Open),
            Err(Busy::Other) => return Ok(Sealing::Busy),
            Err(Busy::Damaged(what)) => return Ok(Sealing::Damaged(what)),
        };
        let records = known.anchors.iter().map(|anchor| anchor.at.seq).max().unwrap_or(0);
        let mut segments = Vec::new();
        for name in folder.segments()? {
            let Some(fd) = folder.read(&name)? else { continue };
            let path = folder.path().join(&name);
            let piece = piece(name, File::from(fd)).map_err(|error| reading(&path, &error))?;
            segments.push(piece);
        }
        Ok(Sealing::Sealed(Sealed { records, segments }))
    }

    /// The entries behind what was reached, up to entry `most`, as far as they fit in one part. They are on the disk. `None`: there
    /// are no more.
    ///
    /// # Errors
    /// It cannot be read, or is not the continuation of what was reached.
    pub fn part(&self, from: &Reached, most: Option<u64>) -> Result<Option<Part>, JournalError> {
        let path = self.journal.path().join(LEDGER);
        self.journal.sync_file(LEDGER)?;
        let damaged = |what: &str| {
            let (path, offset) = (path.clone(), from.offset);
            Err(JournalError::Damaged { path, offset, what: what.into() })
        };
        let Some(fd) = self.journal.read(LEDGER)? else { return damaged("it is gone") };
        let mut lines = Lines::behind(fd, from.offset, from.seq).map_err(|e| reading(&path, &e))?;
        let (mut text, mut end) = (Vec::new(), from.clone());
        while text.len() < PART
            && most.is_none_or(|most| end.seq < most)
            && lines.step().map_err(|e| reading(&path, &e))? == Step::Line
        {
            let Ok((entry, _)) = line::parse(lines.line()) else {
                return damaged("an entry is not what was written");
            };
            let begins = end.hash.unwrap_or_else(Hash::ledger_genesis);
            if entry.seq != end.seq.saturating_add(1) || entry.prev != begins {
                return damaged("it is not the continuation of what was shipped");
            }
            text.extend_from_slice(lines.line());
            text.push(b'\n');
            end = Reached { offset: lines.end(), seq: entry.seq, hash: Some(entry.hash) };
        }
        if text.is_empty() {
            let path = self.journal.path();
            let whole = self.journal.changed(LEDGER)?.1 >= from.offset;
            return match whole {
                true => Ok(None),
                false => {
                    damaged(&format!("{}: it is shorter than what was shipped", path.display()))
                }
            };
        }
        let name = parts::name(from.seq.saturating_add(1), end.seq);
        Ok(Some(Part { name, text, end }))
    }

    /// Enter that so many records of a session are at a place. It is on the disk when this returns.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn enter(
        &self,
        session: &SessionId,
        place: &str,
        records: u64,
        digest: Hash,
    ) -> Result<(), JournalError> {
        let keys = Keyring::open(&self.state)?;
        let mut ledger = Ledger::lock(&self.journal, &keys)?;
        ledger.append(Said {
            session: Some(session),
            name: Some(place),
            at_seq: records,
            at_hash: Some(digest),
            ..Said::plain(Entry::Shipped)
        })?;
        ledger.sync()?;
        keys.sync()
    }
}

/// The folder of the ledger's parts in a copy.
pub const LEDGER_FOLDER: &str = parts::PARTS;

/// The digest of what was sent of a session: of a line for each object, its digest, a blank and its name.
pub fn digest<'a>(objects: impl Iterator<Item = (&'a str, &'a Hash)>) -> Hash {
    let mut all = Sha256::new();
    for (name, hash) in objects {
        all.update(format!("{hash} {name}\n"));
    }
    Hash::from(all)
}

fn piece(name: String, mut file: File) -> std::io::Result<Piece> {
    let (mut digest, mut bytes) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(0));
    }
    file.rewind()?;
    Ok(Piece { name, file, bytes, sha256: Hash::from(digest) })
}
