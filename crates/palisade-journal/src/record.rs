mod quick;

use std::borrow::Cow;

use palisade_core::{PolicyDigest, SessionId, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Hash, Timestamp, encode,
    journal::{OPEN, RECOVERED, REOPEN},
    keep::KEEPING,
};

/// `,"hash":"` + 64 digits + `"`: how every line ends, its brace aside.
const SEAL_LEN: usize = 74;
const NO_HASH: &str = "it does not end in a hash";

/// One line of a session's journal, read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Record {
    /// The format's version, 1.
    pub v: u8,
    /// When the writer wrote it, by the system's clock.
    pub time: Timestamp,
    /// Nanoseconds since the machine started, time asleep included.
    pub mono_ns: u64,
    /// The session.
    pub session: SessionId,
    /// Counts from 1 in each session. It is the order of events, whatever the clock says.
    pub seq: u64,
    /// What kind of act.
    pub kind: String,
    /// The layer that saw it. Text, so that an older reader can show a newer layer.
    pub layer: String,
    /// What was decided.
    pub decision: Verdict,
    /// The rule that decided, if one did.
    pub rule: Option<String>,
    /// What it was about.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// The policy in force.
    pub policy: PolicyDigest,
    /// Further facts.
    pub detail: Map<String, Value>,
    /// The hash of the record before.
    pub prev: Hash,
    /// This record's hash.
    pub hash: Hash,
}

impl Record {
    /// The record as one line of JSON in printable ASCII, without a newline.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        if let Ok(value) = serde_json::to_value(self) {
            encode::value(&mut out, &value);
        }
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Record {
    /// The detail as one line of JSON in printable ASCII.
    pub fn detail_json(&self) -> String {
        let mut out = Vec::new();
        encode::value(&mut out, &Value::Object(self.detail.clone()));
        String::from_utf8(out).unwrap_or_default()
    }
}

/// What holds a line in its chain: all that verification needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) time: Timestamp,
    pub(crate) mono_ns: u64,
    pub(crate) role: Role,
    /// The session that it says it is of, if that is another than the one whose chain is read.
    pub(crate) stranger: Option<SessionId>,
    pub(crate) seq: u64,
    pub(crate) prev: Hash,
    pub(crate) hash: Hash,
}

/// What a record is for its chain, by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A writer opened the chain.
    Opening,
    /// A torn tail was cut.
    Recovered,
    /// How long records stay.
    Keeping,
    /// Any other: an event.
    Event,
}

impl Role {
    fn of(kind: &[u8]) -> Self {
        match str::from_utf8(kind) {
            Ok(OPEN | REOPEN) => Self::Opening,
            Ok(RECOVERED) => Self::Recovered,
            Ok(KEEPING) => Self::Keeping,
            _ => Self::Event,
        }
    }
}

/// A link as a parser reads it.
#[derive(Debug, Deserialize)]
struct Parsed<'a> {
    v: u64,
    time: Timestamp,
    mono_ns: u64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    session: SessionId,
    seq: u64,
    prev: Hash,
    hash: Hash,
}

/// Why a line by itself is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadLine {
    /// It does not have the form of a record.
    Form(String),
    /// Its hash is not that of its bytes.
    Hash,
}

/// Check that `line` (without newline) ends in the hash of what stands before.
pub(crate) fn sealed(line: &[u8]) -> Result<Hash, BadLine> {
    let body = line.strip_suffix(b"}").ok_or_else(|| BadLine::Form(NO_HASH.into()))?;
    sealed_body(body)
}

/// The same of a line of which the last brace, and what stands before it, is taken away.
pub(crate) fn sealed_body(line: &[u8]) -> Result<Hash, BadLine> {
    let form = || BadLine::Form(NO_HASH.into());
    let (body, seal) = line
        .len()
        .checked_sub(SEAL_LEN)
        .and_then(|at| line.split_at_checked(at))
        .ok_or_else(form)?;
    let digits = seal
        .strip_prefix(b",\"hash\":\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .ok_or_else(form)?;
    let hash = Hash::of(&[body, b"}"]);
    if hash.hex() == digits { Ok(hash) } else { Err(BadLine::Hash) }
}

/// Close `body`, an object without its last brace, with its hash and a newline.
pub(crate) fn seal(body: &mut Vec<u8>, from: usize) -> Hash {
    let hash = Hash::of(&[body.get(from..).unwrap_or_default(), b"}"]);
    body.extend_from_slice(b",\"hash\":\"");
    body.extend_from_slice(&hash.hex());
    body.extend_from_slice(b"\"}\n");
    hash
}

/// Take a sealed line's link in the chain of session `own`.
pub(crate) fn link(line: &[u8], own: &SessionId) -> Result<Link, BadLine> {
    let hash = sealed(line)?;
    match quick::link(line, hash, own) {
        Some(link) => Ok(link),
        None => parsed(line, own),
    }
}

fn parsed(line: &[u8], own: &SessionId) -> Result<Link, BadLine> {
    let it: Parsed<'_> = serde_json::from_slice(line).map_err(|e| BadLine::Form(e.to_string()))?;
    if it.v != 1 {
        return Err(BadLine::Form(format!("version {} is not known here", it.v)));
    }
    Ok(Link {
        time: it.time,
        mono_ns: it.mono_ns,
        role: Role::of(it.kind.as_bytes()),
        stranger: Some(it.session).filter(|session| session != own),
        seq: it.seq,
        prev: it.prev,
        hash: it.hash,
    })
}

/// Take a whole, sealed record.
pub(crate) fn parse(line: &[u8]) -> Result<Record, BadLine> {
    sealed(line)?;
    serde_json::from_slice(line).map_err(|e| BadLine::Form(e.to_string()))
}
