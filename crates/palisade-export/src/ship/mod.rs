//! Sessions that ended, as they are, on their way to places elsewhere.
//!
//! At the place stands what verifies by itself: the ledger in parts, each session's compressed segments, and what its records
//! name: policies, its recording, what was said to models (see [`palisade_journal::ship`]). The ledger goes first, then the sessions, and then the ledger's entries that say that they are
//! there; so whatever stands there at any moment verifies, from the first part on.
//!
//! # Trust
//! The journal's bytes and the policy. What a place says decides only whether something is sent again; what of it can be
//! checked (a digest) is.

mod cursor;
mod folder;
mod round;
mod s3;
mod shipper;

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use palisade_core::{PolicyDigest, SecretString, SessionId};
use palisade_journal::{
    Hash,
    ship::{Part, Piece},
};
use palisade_policy::Ship;

pub use cursor::{Object, Shipment, Shipments, states};
pub use palisade_journal::ship::Lacking;
pub use shipper::{Shipper, by_hand, owe};

use crate::sink::{Failure, Payload};
use folder::Folder;
use s3::Bucket;

/// A place, and the secret for it.
#[derive(Clone)]
pub struct Place {
    /// As the policy has it.
    pub ship: Ship,
    /// What its credential is, if it has one.
    pub secret: Option<SecretString>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("ship", &self.ship).finish_non_exhaustive()
    }
}

impl Place {
    /// Its name in messages and in the ledger.
    pub(crate) fn describe(&self) -> String {
        self.ship.place()
    }

    /// The name of its folder: another place is another one, whatever its credential is.
    pub(crate) fn id(&self) -> String {
        let word = match self.ship {
            Ship::S3(_) => "s3",
            _ => "folder",
        };
        let digest = PolicyDigest::of(self.describe().as_bytes());
        let digits = digest.as_str().strip_prefix("sha256:").and_then(|it| it.get(..12));
        format!("{word}-{}", digits.unwrap_or_default())
    }
}

/// What a place has not got.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unshipped {
    /// The place.
    pub destination: String,
    /// The session; `None` if it is the ledger, or nothing could be tried.
    pub session: Option<SessionId>,
    /// Why.
    pub why: String,
}

impl Unshipped {
    /// In one sentence.
    pub fn told(&self) -> String {
        let Self { destination, session, why } = self;
        let what = match session {
            Some(session) => format!("session {session} was not shipped"),
            None => "sessions were not shipped".to_owned(),
        };
        format!(
            "{what} ({destination}: {why}); the next session with the same place does it, or palisade audit ship"
        )
    }
}

/// Something that goes.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// The folders that it is in, the outer one first.
    pub(crate) folders: &'a [&'a str],
    pub(crate) name: &'a str,
    pub(crate) payload: Payload,
    pub(crate) bytes: u64,
    pub(crate) sha256: Hash,
    /// What was begun to be sent under this name before: it may have been other bytes of the same.
    pub(crate) before: Option<Hash>,
}

impl<'a> Item<'a> {
    fn of_part(folders: &'a [&'a str], part: &'a Part) -> Self {
        Self::of_text(folders, &part.name, &part.text)
    }

    fn of_text(folders: &'a [&'a str], name: &'a str, text: &[u8]) -> Self {
        let digest: Option<[u8; 32]> =
            ring::digest::digest(&ring::digest::SHA256, text).as_ref().try_into().ok();
        Self {
            folders,
            name,
            payload: Payload::Bytes(Bytes::copy_from_slice(text)),
            bytes: u64::try_from(text.len()).unwrap_or(0),
            sha256: Hash::from(digest.unwrap_or_default()),
            before: None,
        }
    }

    fn of_piece(folders: &'a [&'a str], piece: &'a Piece) -> std::io::Result<Self> {
        Ok(Self {
            folders,
            name: piece.name.as_str(),
            payload: Payload::File(Arc::new(piece.file.try_clone()?), 0, piece.bytes),
            bytes: piece.bytes,
            sha256: piece.sha256,
            before: None,
        })
    }

    fn object(&self) -> Object {
        Object { name: self.name.to_owned(), bytes: self.bytes, sha256: self.sha256 }
    }

    /// For one attempt: slower than this nobody is to wait for.
    fn within(&self) -> Duration {
        Duration::from_secs(30_u64.saturating_add(self.bytes >> 16))
    }
}

/// Whether something went or was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    New,
    /// With this digest, as far as the place says one.
    There(Hash),
}

/// One place, with what it has open.
#[derive(Debug)]
enum Store {
    Folder(Folder),
    S3(Box<Bucket>),
}

impl Store {
    /// `noted` is where an upload that was begun is kept.
    fn of(place: &Place, noted: &Path) -> Result<Self, String> {
        Ok(match &place.ship {
            Ship::Folder(path) => Store::Folder(Folder::new(path.clone())),
            Ship::S3(s3) => {
                Store::S3(Box::new(Bucket::new(s3, place.secret.clone(), noted.to_owned())?))
            }
            other => return Err(format!("`audit.ship` to {} is not built", other.place())),
        })
    }

    /// Nothing that is there under its name is written over. When this returns it is there.
    async fn put(&mut self, item: &Item<'_>) -> Result<Put, Failure> {
        match self {
            Store::Folder(folder) => folder.put(item),
            Store::S3(bucket) => bucket.put(item).await,
        }
    }
}
