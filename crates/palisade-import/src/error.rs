use std::path::PathBuf;

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file cannot be read.
    #[error("{}: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why, in a few words.
        why: String,
    },
    /// A file is not what its name says.
    #[error("{}:{line}: {why}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
        /// What is wrong there.
        why: String,
    },
    /// There is nothing to read.
    #[error("there is nothing to read: none of {looked} exists")]
    Nothing {
        /// Where it was looked for.
        looked: String,
    },
    /// Something is refused that a policy cannot refuse: without it more would be permitted.
    #[error("{place}: {what} cannot be said in a policy: {why}")]
    Unsayable {
        /// `file:line`.
        place: String,
        /// What was read.
        what: String,
        /// Why not.
        why: String,
    },
}
