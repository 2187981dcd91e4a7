use std::{fmt, path::PathBuf};

use palisade_core::SessionId;
use serde::Serialize;

/// The first thing that is wrong with a chain, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Damage {
    /// The file, or the folder that should hold it.
    pub path: PathBuf,
    /// The line, from 1; 0 when no line is to blame.
    pub line: u64,
    /// Where that line begins.
    pub offset: u64,
    /// The number that the record at this place must have.
    pub seq: u64,
    /// What happened to it.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What can happen to a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "damage", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The line is no record.
    Unparsable {
        /// What is wrong with its form.
        why: String,
    },
    /// The line's bytes are not those that were hashed.
    Edited,
    /// The record before this one is not the one that this one was written after.
    Replaced,
    /// Records stand in another order; the one due here comes later.
    Reordered {
        /// The number found here.
        found: u64,
    },
    /// Records are gone from here.
    Removed {
        /// The first missing.
        from: u64,
        /// The last missing.
        to: u64,
    },
    /// Records were removed from here that the rule did not let go, or not yet.
    BeyondRule {
        /// The first missing.
        from: u64,
        /// The last missing.
        to: u64,
        /// What the rule does not say.
        why: String,
    },
    /// A record stands here for a second time.
    Duplicate {
        /// Its number.
        found: u64,
    },
    /// Another record with a number that was used before.
    Forked {
        /// Its number.
        found: u64,
    },
    /// A record of another session.
    Spliced {
        /// The session it belongs to.
        from: SessionId,
    },
    /// An unfinished line at the end, as a crash or a full disk leaves it.
    TornTail {
        /// Its length.
        bytes: u64,
    },
    /// The ledger knows of more records than are left.
    Truncated {
        /// The number of the last record that the ledger knows.
        expected: u64,
        /// The number of the last record there.
        found: u64,
    },
    /// Records stand after the end that the ledger knows.
    Extended {
        /// The number of the last record by the ledger.
        ended: u64,
        /// The number of the last record there.
        found: u64,
    },
    /// A whole chain, but not the one that the ledger knows.
    Rewritten,
    /// The session's record of the ledger, and the ledger, tell different stories.
    LedgerRewritten,
    /// The ledger knows the session, and its file is gone.
    Missing,
    /// The ledger knows that it was shipped with the session, and it is gone.
    Gone,
    /// The session is there, and the ledger does not know it (or not this opening of it).
    Unlisted,
    /// The root or the signature is not by the key in force.
    Forged,
    /// An entry without a signature behind signed ones, or no signature where a key was given.
    Unsigned,
    /// The keys that signed it do not go back to the one that was given.
    OtherKey,
    /// The keys' holder, or a checkpoint from elsewhere, knows of more entries.
    RolledBack {
        /// How many entries it knows.
        known: u64,
        /// How many were left.
        found: u64,
    },
    /// Up to this entry a checkpoint from elsewhere knows another ledger.
    Diverged {
        /// The checkpoint's size.
        size: u64,
    },
    /// Not of a report: the place of an earlier verification is not there any more.
    #[doc(hidden)]
    #[serde(skip)]
    Resume,
    /// It could not be read.
    Unreadable {
        /// The system's answer.
        why: String,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Unparsable { why } => write!(f, "not a record ({})", crate::escaped(why)),
            Kind::Edited => write!(f, "edited: its bytes do not match its hash"),
            Kind::Replaced => write!(f, "the record before it was replaced"),
            Kind::Reordered { found } => write!(f, "reordered: record {found} stands here"),
            Kind::Removed { from, to } if from == to => write!(f, "record {from} was removed"),
            Kind::Removed { from, to } => write!(f, "records {from} to {to} were removed"),
            Kind::BeyondRule { from, to, why } => {
                let why = crate::escaped(why);
                write!(f, "records {from} to {to} were removed beyond the rule: {why}")
            }
            Kind::Duplicate { found } => write!(f, "record {found} stands here a second time"),
            Kind::Forked { found } => write!(f, "a second, other record {found}"),
            Kind::Spliced { from } => write!(f, "a record of session {from}"),
            Kind::TornTail { bytes } => {
                write!(f, "torn tail: an unfinished record of {bytes} bytes")
            }
            Kind::Truncated { expected, found } => {
                write!(f, "truncated: the ledger knows {expected} records, {found} are left")
            }
            Kind::Extended { ended, found } => {
                write!(f, "it ended with record {ended} by the ledger, and goes on to {found}")
            }
            Kind::Rewritten => write!(f, "rewritten: the ledger knows another record here"),
            Kind::LedgerRewritten => {
                write!(f, "the ledger was rewritten: this session saw another one when it opened")
            }
            Kind::Missing => write!(f, "removed: the ledger knows this session"),
            Kind::Gone => write!(f, "removed: it was shipped with its session"),
            Kind::Unlisted => write!(f, "the ledger does not know this"),
            Kind::Forged => write!(f, "forged: it is not signed by the key in force"),
            Kind::Unsigned => write!(f, "it is not signed"),
            Kind::OtherKey => {
                write!(
                    f,
                    "its keys do not go back to the given one: it was written anew, or is another journal"
                )
            }
            Kind::RolledBack { known, found } => {
                write!(f, "rolled back: {known} entries were signed, {found} were left")
            }
            Kind::Diverged { size } => {
                write!(f, "forked: a checkpoint of {size} entries knows others")
            }
            Kind::Resume => write!(f, "it is read from its beginning"),
            Kind::Unreadable { why } => write!(f, "it cannot be read: {why}"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{} (byte {}, record {})", self.line, self.offset, self.seq)?;
        }
        write!(f, ": {}", self.kind)
    }
}
