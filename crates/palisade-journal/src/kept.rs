//! What records name and the journal does not hold: the policies in force, the recording of a terminal, what was said to models.
//!
//! Records have digests of all of it, so here and in a copy it can be told whether it is still that. What opens a recording and
//! what was said (`*.key`) is none of it: it never leaves the state folder, and once it is destroyed there, a copy of the rest
//! is of no use to anybody.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read, Seek},
    os::unix::fs::FileExt,
};

use palisade_core::SessionId;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    Hash, JournalError, gap,
    reader::{Lines, Step},
    record,
    recover::reading,
    store::Folder,
};

/// How recordings begin whose key is in a file of its own. What has its key in it would come back from a copy after it was
/// erased here.
const RECORDING: &[u8] = b"palisade-recording 2\n";
/// The kinds of records that name something.
const NAMING: [&str; 6] = ["launch", "policy", "recording", "recorded", "content", "model_answer"];
/// A kind is not behind this byte of a line.
const KIND_BEFORE: usize = 320;

/// What a session's records name.
#[derive(Debug, Default)]
pub(crate) struct Named {
    policies: BTreeSet<Hash>,
    /// There is a recording, and its digest, if it has an end.
    recording: Option<Option<Hash>>,
    /// Of what was said: where pieces begin, their bytes, and their digests.
    pieces: BTreeMap<u64, (u64, Hash)>,
}

/// A file that records name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    /// Its folder in a state folder.
    pub(crate) folder: &'static str,
    /// Its folder in a copy, which is no session's.
    pub(crate) copied: &'static str,
    pub(crate) name: String,
    is: Is,
}

#[derive(Debug, PartialEq, Eq)]
enum Is {
    Policy(Hash),
    Recording(Option<Hash>),
    Content(Vec<(u64, u64, Hash)>),
}

impl Named {
    /// By the records in a session's folder.
    pub(crate) fn of(session: &Folder) -> Result<Self, JournalError> {
        let mut named = Self::default();
        for name in session.segments()? {
            let Some(fd) = session.read(&name)? else { continue };
            let path = session.path().join(&name);
            let mut lines = Lines::of(fd);
            loop {
                match lines.step().map_err(|e| reading(&path, &e))? {
                    Step::End | Step::Torn(_) => break,
                    Step::TooLong => {}
                    Step::Line => {
                        let line = lines.line();
                        if !gap::is_gap(line)
                            && names(line)
                            && let Ok(record) = record::parse(line)
                        {
                            named.take(&record.kind, &record.detail);
                        }
                    }
                }
            }
        }
        Ok(named)
    }

    fn take(&mut self, kind: &str, detail: &Map<String, Value>) {
        let hash = |value: Option<&Value>| -> Option<Hash> {
            let text = value?.as_str()?;
            text.strip_prefix("sha256:").unwrap_or(text).parse().ok()
        };
        match kind {
            "recording" => drop(self.recording.get_or_insert(None)),
            "recorded" => self.recording = Some(hash(detail.get("sha256"))),
            _ => {}
        }
        self.policies.extend(hash(detail.get("policy_document")));
        let pieces = detail.get("content").and_then(Value::as_array).into_iter().flatten();
        for piece in pieces {
            let number = |name: &str| piece.get(name).and_then(Value::as_u64);
            if let (Some(offset), Some(length), Some(sha256)) =
                (number("offset"), number("length"), hash(piece.get("sha256")))
            {
                self.pieces.insert(offset, (length, sha256));
            }
        }
    }

    /// Each, in an order that stays.
    pub(crate) fn things(&self, session: &SessionId) -> Vec<Thing> {
        let mut all: Vec<Thing> = Vec::new();
        let mut put = |folder, copied, name, is| all.push(Thing { folder, copied, name, is });
        for policy in &self.policies {
            put("policies", POLICIES, format!("{policy}.json"), Is::Policy(*policy));
        }
        if let Some(digest) = self.recording {
            let name = format!("{session}.cast.sealed");
            put("recordings", RECORDINGS, name, Is::Recording(digest));
        }
        if !self.pieces.is_empty() {
            let pieces =
                self.pieces.iter().map(|(offset, (length, hash))| (*offset, *length, *hash));
            let is = Is::Content(pieces.collect());
            put("content", CONTENT, format!("{session}.sealed"), is);
        }
        all
    }
}

/// The folders of a copy.
pub(crate) const POLICIES: &str = crate::ship::POLICIES;
const RECORDINGS: &str = "_recordings";
const CONTENT: &str = "_content";

/// The folder of a copy that this name is in, and its name there; `None` if it is none that something goes by.
pub(crate) fn split(title: &str) -> Option<(&'static str, &str)> {
    let (folder, name) = title.split_once('/')?;
    let folder = [POLICIES, RECORDINGS, CONTENT].into_iter().find(|known| *known == folder)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (!name.is_empty() && !name.starts_with('.') && name.bytes().all(plain))
        .then_some((folder, name))
}

impl Thing {
    /// Its name in a copy.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.copied, self.name)
    }

    /// Whether an erasure is meant to take it.
    pub(crate) fn is_erasable(&self) -> bool {
        !matches!(self.is, Is::Policy(_))
    }

    /// What is wrong with the file whose bytes have this digest, in a word.
    pub(crate) fn wrong(&self, file: &File, digest: Hash) -> io::Result<Option<&'static str>> {
        let changed = |wrong: bool| wrong.then_some("changed");
        match &self.is {
            Is::Policy(named) => Ok(changed(digest != *named)),
            Is::Recording(named) => {
                if named.is_some_and(|named| named != digest) {
                    return Ok(changed(true));
                }
                let mut begins = [0; RECORDING.len()];
                match file.read_exact_at(&mut begins, 0) {
                    Ok(()) if begins == RECORDING => Ok(None),
                    Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
                    _ => Ok(Some("old-form")),
                }
            }
            Is::Content(pieces) => {
                for (offset, length, hash) in pieces {
                    if part(file, *offset, *length)? != Some(*hash) {
                        return Ok(changed(true));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// Whether a line can be one that names something: its kind is told without reading all of it.
fn names(line: &[u8]) -> bool {
    const KIND: &[u8] = b"\"kind\":\"";
    let begin = line.get(..line.len().min(KIND_BEFORE)).unwrap_or_default();
    let Some(at) = begin.windows(KIND.len()).position(|part| part == KIND) else { return false };
    let rest = line.get(at.saturating_add(KIND.len())..).unwrap_or_default();
    NAMING.iter().any(|kind| {
        rest.strip_prefix(kind.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'"'))
    })
}

/// The digest of a file's part; `None` if it is shorter.
fn part(file: &File, from: u64, length: u64) -> io::Result<Option<Hash>> {
    let (mut digest, mut left, mut at) = (Sha256::new(), length, from);
    let mut buffer = vec![0; 128 * 1024];
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = file.read_at(buffer.get_mut(..most).unwrap_or_default(), at)?;
        if read == 0 {
            return Ok(None);
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        let read = u64::try_from(read).unwrap_or(0);
        (left, at) = (left.saturating_sub(read), at.saturating_add(read));
    }
    Ok(Some(Hash::from(digest)))
}

/// A file's digest and bytes. It is at its beginning afterwards.
pub(crate) fn digest(file: &mut File) -> io::Result<(Hash, u64)> {
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
    Ok((Hash::from(digest), bytes))
}

/// A folder of the state folder. It may be a link of the operator's to another disk; what is in it may not.
pub(crate) fn folder(state: &Folder, name: &str) -> Result<Option<Folder>, JournalError> {
    match Folder::open(&state.path().join(name)) {
        Ok(folder) => Ok(Some(folder)),
        Err(JournalError::Io { errno: rustix::io::Errno::NOENT, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A folder of a copy.
pub(crate) fn copied(copy: &Folder, name: &str) -> Result<Option<Folder>, JournalError> {
    match copy.existing(name) {
        Ok(folder) => Ok(Some(folder)),
        Err(JournalError::Io { errno: rustix::io::Errno::NOENT, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
