use std::io;

/// Why the way out could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// A socket that was handed over cannot be used.
    #[error("take over the {what}: {source}")]
    Socket {
        /// Which socket.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// There is nothing to serve.
    #[error("no {0} was handed over")]
    NoSocket(&'static str),
    /// A part that runs as long as the sandbox does has ended, and some way out is gone with it.
    #[error("the {0} has stopped")]
    Stopped(&'static str),
}
