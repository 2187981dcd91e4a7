//! Skills that were judged: stored by content, locked, signed, revoked.
//!
//! A [`Tree`] is all that an agent would see of a skill: its files, which of them are executable, its links.
//! Its [`Digest`] is that of a plain list of them ([`Tree::manifest`]), which people can read and publishers
//! sign. A [`Store`] keeps trees by their digest, and gives one back only if it still has it. The [`Lock`] says
//! which of them the operator has taken, from where, and on what grounds.
//!
//! # Trust
//! The state folder is the operator's. All the same nothing in it is believed: what is read from the store
//! is compared with its digest each time. Every tree comes from outside and is hostile: none is ever
//! executed here, no link is followed, and sizes, counts and depths have bounds.
#![forbid(unsafe_code)]

mod digest;
mod error;
mod folder;
mod frames;
mod gate;
mod lock;
pub mod minisign;
mod name;
mod pack;
mod plain;
mod revoked;
mod shown;
pub mod source;
mod store;
mod tree;
mod trust;
mod vet;

pub use digest::Digest;
pub use error::StoreError;
pub use folder::read_folder;
pub use frames::OF_ENTRY as FRAME_OF_ENTRY;
pub use gate::{Require, Ruling, Terms, judge};
pub use lock::{Bundled, Lock, Locked, Review, Scan, Source};
pub use name::SkillName;
pub use revoked::{Advisories, Advisory};
pub use shown::{difference, listing, page, visible};
pub use store::Store;
pub use tree::{Entry, MOST_BYTES, MOST_DEPTH, MOST_ENTRIES, Tree};
pub use trust::{Keyless, Trust, TrustError, Vouched};
pub use vet::{read, report};
