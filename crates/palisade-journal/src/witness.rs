//! A witness: it signs a ledger's checkpoint if that goes on from the last one it saw. On another host it shows
//! what the journal's own host cannot: that everything was written anew, cut, or shown differently to different people.

use std::{os::fd::OwnedFd, path::Path};

use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::Ed25519KeyPair,
};
use rustix::{
    fs::{self, FlockOperation, Mode, OFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Hash, JournalError, disk, keys,
    note::{NamedKey, NoteSignature, PublicKey, Signature, SignedNote, Use, cosigned},
    proof::{Continuation, ProofError},
    store::{Folder, io},
};

const KEY: &str = "witness.json";
const STATE_MAX: usize = 16 * 1024;

/// Why a witness does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// Its own files cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its name has a space or a `+`.
    #[error("a witness's name is not empty and has no space and no `+`")]
    Name,
    /// It sees this log for the first time, and was given no key of it.
    #[error("{0} is not known here: give the key that its owner gave out (`palisade audit key`)")]
    Unknown(String),
    /// It was shown a continuation from elsewhere than where it stands.
    #[error("it was shown how {origin} goes on from {shown} entries, and it saw {seen} last")]
    Elsewhere {
        /// The log.
        origin: String,
        /// From where the proof goes.
        shown: u64,
        /// What was seen last.
        seen: u64,
    },
    /// The proof is none.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// A witness's folder: its key, and what it saw last of each log. Locked while this lives.
#[derive(Debug)]
pub struct Witness {
    folder: Folder,
    pair: Ed25519KeyPair,
    key: NamedKey,
    _lock: OwnedFd,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    name: String,
    seed: String,
}

impl Drop for Own {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// What was seen last of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The key that the log's keys have to go back to.
    pub trust: NamedKey,
    /// Entries.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

impl Witness {
    /// Open a witness's folder. Made if it is new: `name` names its key then, which is for others to know it by.
    pub fn open(dir: &Path, name: Option<&str>) -> Result<Self, WitnessError> {
        let folder = Folder::state(dir)?;
        let (lock, _) = folder.keep("lock")?;
        fs::flock(&lock, FlockOperation::LockExclusive).map_err(io("lock", dir))?;
        let own = match folder.text(KEY, STATE_MAX)? {
            Some(text) => {
                let text = Zeroizing::new(text);
                serde_json::from_str::<Own>(&text).map_err(|_| damaged(&folder, KEY))?
            }
            None => {
                let name = name.ok_or(WitnessError::Name)?;
                let mut seed = Zeroizing::new([0; 32]);
                SystemRandom::new().fill(seed.as_mut()).map_err(|_| JournalError::NoRandom)?;
                let own = Own { name: name.into(), seed: Hash::from_bytes(*seed).to_string() };
                NamedKey::new(name, Use::Witness, PublicKey([0; 32]))
                    .map_err(|_| WitnessError::Name)?;
                let text = Zeroizing::new(serde_json::to_string(&own).unwrap_or_default());
                folder.replace(KEY, text.as_bytes())?;
                own
            }
        };
        let seed: Hash = own.seed.parse().map_err(|_| damaged(&folder, KEY))?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes());
        let pair = pair.map_err(|_| damaged(&folder, KEY))?;
        let key = NamedKey::new(&own.name, Use::Witness, PublicKey::of(&pair));
        let key = key.map_err(|_| WitnessError::Name)?;
        Ok(Self { folder, pair, key, _lock: lock })
    }

    /// The key that its signatures are checked with.
    pub fn key(&self) -> &NamedKey {
        &self.key
    }

    /// What it saw last of the log of this name.
    pub fn seen(&self, origin: &str) -> Result<Option<Seen>, WitnessError> {
        let file = file_of(origin);
        let Some(text) = self.folder.text(&file, STATE_MAX)? else { return Ok(None) };
        let seen: Seen = serde_json::from_str(&text).map_err(|_| damaged(&self.folder, &file))?;
        Ok(Some(seen))
    }

    /// Sign the checkpoint that is shown, if it goes on from the last one seen. `trust` is a key of the log, needed
    /// the first time. What is signed is remembered, on the disk, before it is signed.
    pub fn cosign(
        &self,
        shown: &Continuation,
        trust: Option<&NamedKey>,
    ) -> Result<SignedNote, WitnessError> {
        let origin = shown.signed.checkpoint.checkpoint().map_err(ProofError::from)?.origin;
        let seen = match (self.seen(&origin)?, trust) {
            (Some(seen), _) => seen,
            (None, Some(trust)) => Seen { trust: trust.clone(), size: 0, root: Hash::of(&[]) },
            (None, None) => return Err(WitnessError::Unknown(crate::escaped(&origin))),
        };
        if shown.old != seen.size {
            let origin = crate::escaped(&origin);
            return Err(WitnessError::Elsewhere { origin, shown: shown.old, seen: seen.size });
        }
        let checkpoint = shown.verify(&seen.trust, seen.root)?;
        let now = Seen { size: checkpoint.size, root: checkpoint.root, ..seen };
        let text = serde_json::to_string(&now).unwrap_or_default();
        self.folder.replace(&file_of(&origin), text.as_bytes())?;
        let text = checkpoint.to_string();
        let time = keys::now();
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend(Signature::by(&self.pair, cosigned(&text, time).as_bytes()).0);
        let name = self.key.name.clone();
        let mut note = SignedNote { text, signatures: shown.signed.checkpoint.signatures.clone() };
        // Who shows it could have put anything beside the log's own signature.
        note.signatures.retain(|signature| signature.name == checkpoint.origin);
        note.signatures.push(NoteSignature { name, id: self.key.id(), bytes });
        Ok(note)
    }
}

fn damaged(folder: &Folder, file: &str) -> JournalError {
    let what = "it is not what a witness writes".to_owned();
    JournalError::Damaged { path: folder.path().join(file), offset: 0, what }
}

fn file_of(origin: &str) -> String {
    format!("{}.json", Hash::of(&[origin.as_bytes()]))
}

impl Folder {
    /// A small file's text; `None` when there is none.
    fn text(&self, name: &str, most: usize) -> Result<Option<String>, JournalError> {
        let Some(fd) = self.read(name)? else { return Ok(None) };
        let path = self.path().join(name);
        let mut bytes = vec![0; most];
        let mut filled = 0_usize;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match rustix::io::read(&fd, rest) {
                Ok(0) => break,
                Ok(n) => filled = filled.saturating_add(n),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(io("read", &path)(errno)),
            }
        }
        bytes.truncate(filled);
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Put a file in the place of another, on the disk when this returns.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), JournalError> {
        let path = self.path().join(name);
        let new = self.path().join(format!("{name}.new"));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = fs::open(&new, flags, Mode::from_raw_mode(0o600)).map_err(io("open", &new))?;
        disk::append(&fd, &new, bytes)?;
        disk::sync_data(&fd, &new)?;
        fs::rename(&new, &path).map_err(io("put", &path))?;
        self.sync()
    }
}
