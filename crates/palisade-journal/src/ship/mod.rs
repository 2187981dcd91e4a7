//! What goes to a copy elsewhere: sessions that ended, as compressed segments, and the ledger in parts.
//!
//! ```text
//! <16 digits>/_ledger/<from>-<to>.jsonl     entries of the ledger, as they are
//! <16 digits>/<session>/000001.jsonl.zst    a session's segments, as they are
//! <16 digits>/_policies/<digest>.json       policies that records name
//! <16 digits>/_recordings/<session>.cast.sealed, _content/<session>.sealed
//! <16 digits>/_manifests/<digest>.txt       all that went of a session, with digests
//! ```
//!
//! The digits are those of the journal's name. Such a folder verifies by itself, with the journal's key: [`crate::verify()`]
//! takes it as it takes a journal. That a session is there is an entry of the ledger, `shipped`: a copy in which one is
//! missing that the ledger says is there is damaged, and so is one in which something is missing or changed of what went with it.
//! What opens recordings and what was said to models does not go.

use std::{fs::File, os::fd::OwnedFd, path::Path};

use palisade_core::SessionId;
use sha2::{Digest, Sha256};

use crate::{
    Hash, JournalError,
    keep::{Busy, sealing},
    kept::{self, Named},
    keys::Keyring,
    ledger::{Entry, Ledger, Said, line, parts},
    reader::{Lines, Step},
    recover::reading,
    store::{Folder, LEDGER, is_live},
    verify::ledger::{Shipped, Walked},
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
    /// Its segments, in order, and then what its records name, as far as it is there.
    pub pieces: Vec<Piece>,
    /// What its records name and does not go.
    pub lacking: Vec<Lacking>,
}

/// Something that a session's records name and that does not go with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lacking {
    /// What its name would be in a copy.
    pub name: String,
    /// Why, in a word: `erased`; `not-there`; `changed`, as it is not what the records say; `old-form`, as its key is in it.
    pub why: String,
}

/// A file that is not written any more. It stays what it is, even if another takes its place.
#[derive(Debug)]
#[non_exhaustive]
pub struct Piece {
    /// The folder of the copy that it is in; `None`: the session's.
    pub folder: Option<&'static str>,
    /// Its name there.
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

    /// Whether the ledger says that so many records of the session, and what this is the digest of, are at a place.
    pub fn is_shipped(&self, session: &SessionId, place: &str, records: u64, digest: Hash) -> bool {
        let known = self.ledger.sessions.get(session);
        let shipped = Shipped { place: line::name(place), records, digest };
        known.is_some_and(|known| known.shipped.contains(&shipped))
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
        let mut pieces = Vec::new();
        for name in folder.segments()? {
            let Some(fd) = folder.read(&name)? else { continue };
            pieces.push(piece(&folder, None, name, fd)?);
        }
        let mut lacking = Vec::new();
        for thing in Named::of(&folder)?.things(session) {
            let lacks = |why: &str| Lacking { name: thing.title(), why: why.into() };
            if known.erased.is_some() && thing.is_erasable() {
                lacking.push(lacks("erased"));
                continue;
            }
            let folder = kept::folder(&self.state, thing.folder)?;
            let found = match &folder {
                Some(folder) => folder.read(&thing.name)?.map(|fd| (folder, fd)),
                None => None,
            };
            let Some((folder, fd)) = found else {
                lacking.push(lacks("not-there"));
                continue;
            };
            let piece = piece(folder, Some(thing.copied), thing.name.clone(), fd)?;
            let path = folder.path().join(&thing.name);
            match thing.wrong(&piece.file, piece.sha256).map_err(|e| reading(&path, &e))? {
                None => pieces.push(piece),
                Some(why) => lacking.push(lacks(why)),
            }
        }
        Ok(Sealing::Sealed(Sealed { records, pieces, lacking }))
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

/// The folder of lists of what went.
pub const MANIFESTS: &str = "_manifests";

/// The folder of policies, of which several sessions can have the same.
pub const POLICIES: &str = "_policies";

/// What went of a session: a line for each object, its digest, a blank and its name, and behind them one for each thing that did
/// not go, `-` in the place of a digest and the reason behind the name. Its digest is in the ledger.
pub fn manifest<'a>(
    objects: impl Iterator<Item = (&'a str, &'a Hash)>,
    lacking: &[Lacking],
) -> (Vec<u8>, Hash) {
    let mut text = String::new();
    for (name, hash) in objects {
        text.push_str(&format!("{hash} {name}\n"));
    }
    for Lacking { name, why } in lacking {
        text.push_str(&format!("- {name} {why}\n"));
    }
    let digest = Hash::from(Sha256::new().chain_update(&text));
    (text.into_bytes(), digest)
}

impl Piece {
    /// Its name in a manifest.
    pub fn title(&self) -> String {
        match self.folder {
            Some(folder) => format!("{folder}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

fn piece(
    at: &Folder,
    folder: Option<&'static str>,
    name: String,
    fd: OwnedFd,
) -> Result<Piece, JournalError> {
    let mut file = File::from(fd);
    let digested = kept::digest(&mut file);
    let (sha256, bytes) = digested.map_err(|error| reading(&at.path().join(&name), &error))?;
    Ok(Piece { folder, name, file, bytes, sha256 })
}
