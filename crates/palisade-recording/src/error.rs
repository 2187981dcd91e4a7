use std::io;

/// Why there is no recording, or none that can be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It cannot be written or read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The text is no key.
    #[error("this is no key: one begins with `{0}` and has 43 characters behind it")]
    Key(&'static str),
    /// The key cannot be used.
    #[error("this key cannot be used")]
    BadKey,
    /// The file is no recording.
    #[error("this is no recording")]
    Form,
    /// It was sealed for another key or session, or was changed.
    #[error(
        "piece {0} cannot be opened: it is sealed for another key or another session, or was changed"
    )]
    Sealed(u64),
    /// It has grown too long.
    #[error("it has {0} bytes, and no more are recorded")]
    Full(u64),
}
