use crate::{Body, HostName, Request};

/// What the policy says of looking into connections. For the egress proxy, which knows no
/// policy: implemented where there is one, next to [`crate::Authority`].
///
/// # How the proxy uses it
/// 1. When a connection to a name is permitted, [`Inspection::of`] says what becomes of it.
/// 2. For each request it makes a [`Request`] with [`Body::Unread`] and asks [`Inspection::body_bound`].
///    With `Some(most)` it gathers the body, at most `most` bytes of it and with a time limit, holding
///    back the request; an `Expect: 100-continue` is answered first. A body which ends within `most` is
///    given to [`Inspection::read_body`], also if it is empty; with one that goes on, `body` is
///    [`Body::Refused`] and the rest is not read.
/// 3. It asks [`crate::Authority::authorize`] with [`crate::Action::Request`], and only sends what was
///    permitted.
///
/// The policy may be another one from one question to the next. A decision that lacks a fact is a
/// denial, so this can only cost a request.
pub trait Inspection: Send + Sync + 'static {
    /// What becomes of a connection to this name and port.
    fn of(&self, host: &HostName, port: u16) -> Handling;

    /// How many bytes of the body have to be read to decide, if any. It looks at the head only.
    fn body_bound(&self, request: &Request) -> Option<usize>;

    /// What a whole body says. `bytes` is the body without transfer coding, and as the server gets
    /// it: content codings (`gzip`) are not taken off, and make it [`Body::Refused`].
    fn read_body(&self, request: &Request, bytes: &[u8]) -> Body;
}

/// What becomes of a permitted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// Bytes pass as they are; of TLS only the server name is read.
    Passthrough,
    /// TLS is ended by the proxy, and what is in it, or what comes in the clear, must be HTTP: each
    /// request is decided. Anything else is denied. TLS comes first wherever the client speaks it.
    Inspect,
}
