//! The record of what a sandbox did: append-only, hash-chained, and written before the effect.
//!
//! ```text
//! $STATE/journal/ledger.jsonl                 where each session began and ended
//! $STATE/journal/<session>/000001.jsonl       one chain a session
//! ```
//!
//! [`Journal`] is the writing side. One thread owns the file; callers hand it events through a
//! bounded queue and learn when theirs is written ([`Durability::Written`]) or on the disk
//! ([`Durability::Durable`]). After a failed write every later record fails, so whoever needs a
//! record before an effect has to deny. [`verify()`] proves a journal whole or names the first
//! bad record and the kind of damage; [`Query`] and [`tail::Tail`] answer questions.
//!
//! Trusted: the kernel and whoever may write the state folder. The chain shows damage and
//! careless edits; it cannot show a rewrite of everything by the folder's owner, which takes
//! signatures and a witness elsewhere. `docs/journal-format.md` says the bytes exactly.

#![forbid(unsafe_code)]

mod condition;
mod disk;
mod encode;
mod error;
mod fold;
pub mod follow;
mod gap;
mod hash;
mod journal;
pub mod keep;
mod kept;
mod keys;
mod ledger;
pub mod note;
mod park;
mod places;
pub mod proof;
pub mod publish;
mod query;
mod reader;
mod record;
mod recover;
pub mod rfc3161;
mod sealed;
pub mod ship;
mod show;
mod store;
mod syncer;
pub mod tail;
mod timestamp;
pub mod tree;
pub mod verify;
pub mod witness;
mod writer;

pub use condition::{Condition, ConditionError};
pub use error::JournalError;
pub use hash::Hash;
pub use journal::{Admitted, Closed, Durability, Journal, Receipt, Scrub};
pub use keys::KeyHolder;
pub use places::{Content, Line, LinesFrom, Places, Segment};
pub use query::{Filter, Query, Unreadable};
pub use record::Record;
pub use recover::{Recovered, recover};
pub use show::escaped;
pub use store::journal_dir;
pub use timestamp::{Timestamp, TimestampError};
pub use verify::verify;
