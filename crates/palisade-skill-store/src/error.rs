use std::{io, path::PathBuf};

use thiserror::Error;

use crate::{Digest, MOST_BYTES, MOST_DEPTH, MOST_ENTRIES};

/// Why a skill could not be read, kept or given back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Not of the form that names have.
    #[error(
        "`{0}` is no name of a skill: use 1 to 64 of a-z, 0-9, `-`, `_` and `.`, a letter or digit first"
    )]
    Name(String),
    /// Not of the form that digests have.
    #[error("`{0}` is no digest: `sha256:` and 64 hexadecimal digits")]
    Digest(String),
    /// A file or folder cannot be read or written.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It changed while it was read.
    #[error("{0} changed while it was read")]
    Changed(String),
    /// It is no regular file, folder or link.
    #[error("{0} is no file, folder or link, and no agent could read it: it is not taken")]
    Special(String),
    /// A path that no skill needs.
    #[error("the path {0} is not taken: {1}")]
    Path(String, &'static str),
    /// A link that leads out of the skill.
    #[error("the link {0} leads out of the skill, to {1}")]
    Leaves(String, String),
    /// There are too many bytes.
    #[error("it has more than {} MiB, which is the most that is kept", MOST_BYTES >> 20)]
    TooLarge,
    /// There are too many files.
    #[error("it has more than {MOST_ENTRIES} files and links, which is the most that is kept")]
    TooMany,
    /// There are folders in too many folders.
    #[error("{0} lies more than {MOST_DEPTH} folders deep")]
    TooDeep(String),
    /// There is nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// The store does not have it.
    #[error("the store does not have {0}")]
    Missing(Digest),
    /// What the store has is something else by now.
    #[error("the store's {wanted} was changed: what is there now is {found}")]
    Damaged {
        /// What was asked for.
        wanted: Digest,
        /// The digest of what is there, or what is the matter with it.
        found: String,
    },
    /// The lock is not what this version writes.
    #[error("{}: {why}", path.display())]
    Lock {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// An error about a path.
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }
}
