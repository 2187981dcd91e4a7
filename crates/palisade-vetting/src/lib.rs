//! Vetting in cells: the process that parses a skill has given up everything before it reads a byte of it.
//!
//! The scanner ([`palisade_skills`]) understands archives, encodings and half a dozen programming languages, some by
//! parsers written in C, and all that it reads is hostile. So it works in a [cell](palisade_sandbox::linux::cell): no
//! network, no program, no file but those of the folder that is read, limits of memory and time. Its answer comes over
//! a pipe and is read as hostile too. A reader that is ended has vetted nothing, and says so: `not-vetted-reader-ended`.
//!
//! What this does not hold: a reader that was taken over can call dangerous things safe, those of its own batch as well.
#![forbid(unsafe_code)]

mod batch;
mod cache;
mod cells;
mod contents;
mod single;
mod stamps;
mod trial;
mod unpack;
mod yara;

pub use batch::{Batch, Judged, Progress};
pub use cache::Cache;
pub use cells::VetError;
pub use contents::{Content, Contents, Part, Wanted};
pub use single::{vet, vet_with};
pub use trial::{Trial, TrialError, Tried};
pub use unpack::unpack;
pub use yara::{Yara, YaraError};
