use std::fmt::Write as _;

use palisade_core::SessionId;
use serde::{Deserialize, Serialize};

use super::Head;
use crate::{
    Hash, Timestamp, encode,
    note::{Checkpoint, PublicKey, Signature},
    record::{self, BadLine},
};

const NAME_MAX: usize = 256;
/// `,"root":"` + 64 digits + `","sig":"` + 128 digits + `"}`: how a signed entry ends.
const TAIL: usize = 9 + 64 + 9 + 128 + 2;

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub(crate) enum Entry {
    /// A writer opened a session; the anchor is the record that says so.
    Start,
    /// A session goes on; the anchor is its last record.
    Checkpoint,
    /// A session's writer closed it; the anchor is its last record.
    End,
    /// The ledger's own torn tail was cut.
    Recovered,
    /// From the next entry on another key signs.
    Key,
    /// A key is not to be believed for what it signed since an entry.
    Revoked,
    /// The keys' holder knows of entries that are not here any more.
    Lost,
    /// Nothing of a session, or of all of them, may be removed.
    Hold,
    /// From now on it may again.
    Released,
    /// Records of a session were removed by a rule; the anchor is the digest of what stands in their place.
    Dropped,
    /// What a session's key opened is gone, for the key was destroyed.
    Erased,
    /// A whole session is at a place elsewhere; the anchor is the digest of what was sent.
    Shipped,
}

impl Entry {
    /// Whether it says how far a session came.
    pub(crate) fn is_anchor(self) -> bool {
        matches!(self, Entry::Start | Entry::Checkpoint | Entry::End)
    }

    fn word(self) -> &'static str {
        match self {
            Entry::Start => "start",
            Entry::Checkpoint => "checkpoint",
            Entry::End => "end",
            Entry::Recovered => "recovered",
            Entry::Key => "key",
            Entry::Revoked => "revoked",
            Entry::Lost => "lost",
            Entry::Hold => "hold",
            Entry::Released => "released",
            Entry::Dropped => "dropped",
            Entry::Erased => "erased",
            Entry::Shipped => "shipped",
        }
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) v: u64,
    pub(crate) time: Timestamp,
    pub(crate) seq: u64,
    pub(crate) entry: Entry,
    pub(crate) session: Option<SessionId>,
    pub(crate) name: Option<String>,
    pub(crate) at_seq: u64,
    pub(crate) at_hash: Option<Hash>,
    /// The root of the tree of a session's records up to the anchor.
    #[serde(default)]
    pub(crate) at_root: Option<Hash>,
    #[serde(default)]
    pub(crate) key: Option<PublicKey>,
    pub(crate) prev: Hash,
    pub(crate) hash: Hash,
    /// The root of the ledger's tree, this entry included.
    #[serde(default)]
    pub(crate) root: Option<Hash>,
    #[serde(default)]
    pub(crate) sig: Option<Signature>,
}

/// What a new entry says, without what its place gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) entry: Entry,
    pub(crate) session: Option<&'a SessionId>,
    pub(crate) name: Option<&'a str>,
    pub(crate) at_seq: u64,
    pub(crate) at_hash: Option<Hash>,
    pub(crate) at_root: Option<Hash>,
    pub(crate) key: Option<PublicKey>,
    /// When, if not now.
    pub(crate) time: Option<Timestamp>,
}

impl Said<'_> {
    pub(crate) fn plain(entry: Entry) -> Self {
        Said {
            entry,
            session: None,
            name: None,
            at_seq: 0,
            at_hash: None,
            at_root: None,
            key: None,
            time: None,
        }
    }
}

/// A new entry without root and signature: `{…,"hash":"…"`.
pub(crate) fn body(said: Said<'_>, before: Head) -> (Vec<u8>, Head) {
    let seq = before.seq.saturating_add(1);
    let mut text = String::with_capacity(800);
    let (time, word) = (said.time.unwrap_or_else(Timestamp::now), said.entry.word());
    // Writing to a String cannot fail.
    write!(text, "{{\"v\":2,\"time\":\"{time}\",\"seq\":{seq},\"entry\":\"{word}\",\"session\":")
        .ok();
    let mut line = text.into_bytes();
    let string = |line: &mut Vec<u8>, value: Option<&str>| match value {
        Some(value) => encode::string(line, value, NAME_MAX),
        None => line.extend_from_slice(b"null"),
    };
    string(&mut line, said.session.map(SessionId::as_str));
    line.extend_from_slice(b",\"name\":");
    string(&mut line, said.name);
    line.extend_from_slice(format!(",\"at_seq\":{},\"at_hash\":", said.at_seq).as_bytes());
    string(&mut line, said.at_hash.map(String::from).as_deref());
    line.extend_from_slice(b",\"at_root\":");
    string(&mut line, said.at_root.map(String::from).as_deref());
    line.extend_from_slice(b",\"key\":");
    string(&mut line, said.key.map(String::from).as_deref());
    line.extend_from_slice(b",\"prev\":\"");
    line.extend_from_slice(&before.hash.hex());
    line.push(b'"');
    let hash = record::seal(&mut line, 0);
    // Without `}` and the newline.
    line.truncate(line.len().saturating_sub(2));
    (line, Head { seq, hash })
}

/// A name as an entry has it: what is too long is cut.
pub(crate) fn name(text: &str) -> String {
    let mut written = Vec::new();
    encode::string(&mut written, text, NAME_MAX);
    serde_json::from_slice(&written).unwrap_or_default()
}

/// The leaf's hash of an entry: of the line without root and signature.
pub(crate) fn leaf_of(body: &[u8]) -> Hash {
    Hash::of(&[&[0], body, b"}"])
}

/// Close a body with the tree's root and the signature.
pub(crate) fn close(line: &mut Vec<u8>, root: Hash, signature: &Signature) {
    line.extend_from_slice(b",\"root\":\"");
    line.extend_from_slice(&root.hex());
    line.extend_from_slice(b"\",\"sig\":\"");
    line.extend_from_slice(String::from(*signature).as_bytes());
    line.extend_from_slice(b"\"}\n");
}

/// Take one line, without newline, and its leaf's hash.
pub(crate) fn parse(line: &[u8]) -> Result<(Line, Hash), BadLine> {
    let form = |what: &str| BadLine::Form(what.into());
    let signed = line.starts_with(b"{\"v\":2,");
    let (sealed, leaf) = if signed {
        let at = line.len().checked_sub(TAIL).ok_or_else(|| form("it is not signed"))?;
        let (body, tail) = line.split_at_checked(at).ok_or_else(|| form("it is not signed"))?;
        if !tail.starts_with(b",\"root\":\"") || tail.get(73..82) != Some(b"\",\"sig\":\"") {
            return Err(form("it does not end in a root and a signature"));
        }
        (record::sealed_body(body)?, leaf_of(body))
    } else {
        (record::sealed(line)?, crate::tree::leaf(line))
    };
    let line: Line = serde_json::from_slice(line).map_err(|e| form(&e.to_string()))?;
    let about_session = line.entry.is_anchor();
    let of_session = match line.entry {
        Entry::Hold | Entry::Released => true,
        Entry::Dropped | Entry::Erased | Entry::Shipped => line.session.is_some(),
        _ => about_session == line.session.is_some(),
    };
    let right = match line.v {
        1 => {
            let old = matches!(line.entry, Entry::Start | Entry::End | Entry::Recovered);
            let new = [line.root.is_some(), line.sig.is_some(), line.key.is_some()];
            old && new == [false; 3] && line.at_root.is_none() && line.at_hash.is_some()
        }
        2 => {
            let key = matches!(line.entry, Entry::Key | Entry::Revoked);
            let anchor = line.at_hash.is_some() && line.at_root.is_some();
            line.root.is_some()
                && line.sig.is_some()
                && key == line.key.is_some()
                && (!about_session || anchor)
                && (!matches!(line.entry, Entry::Dropped | Entry::Shipped)
                    || line.at_hash.is_some())
        }
        other => return Err(form(&format!("version {other} is not known here"))),
    };
    if !right || line.hash != sealed || !of_session {
        return Err(form("it has not the members of such an entry"));
    }
    Ok((line, leaf))
}

/// What an entry's signature signs.
pub(crate) fn checkpoint(first: PublicKey, size: u64, root: Hash) -> Checkpoint {
    Checkpoint { origin: origin(first), size, root }
}

/// The name of the log whose first key this is.
pub(crate) fn origin(first: PublicKey) -> String {
    let hash = Hash::of(&[&first.0]).to_string();
    format!("palisade.journal/{}", hash.get(..16).unwrap_or_default())
}
