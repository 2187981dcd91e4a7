use std::{fmt, net::IpAddr};

use bytes::Bytes;
use http::{HeaderMap, request, response};
use palisade_core::{BoxFuture, Decision, HostName, Request};

/// Changes permitted requests before they are sent, and their answers before they are given on:
/// where credentials take the place of placeholders.
pub trait Transform: Send + Sync + 'static {
    /// Change the head of a request. `decided` is what was permitted, by `decision`; only here can
    /// what is sent be another thing. `head` is as it goes out: its target in absolute form, its
    /// fields without those of one connection only. `Host` and the framing are not for changing.
    ///
    /// `body` is all of it, if it was read. What is returned sees the rest. `None`: it passes as it is.
    ///
    /// # Errors
    /// Why it must not be sent after all; a denial, which the caller records.
    fn request<'a>(
        &'a self,
        decided: &'a Request,
        decision: &'a Decision,
        body: Option<&'a [u8]>,
        head: &'a mut request::Parts,
    ) -> BoxFuture<'a, Result<Option<Passing>, Decision>>;

    /// How many bytes of the body have to be read before the head can be changed, if any.
    fn body_bound(&self, _request: &Request) -> Option<usize> {
        None
    }

    /// Whether what comes in the clear may go to this address of the host in the clear. Asked before
    /// a dial, of each address.
    fn may_go_plainly(&self, _host: &HostName, _address: IpAddr) -> bool {
        true
    }
}

/// What sees a request's body, and its answer.
pub struct Passing {
    /// The body.
    pub body: Box<dyn BodyWatch>,
    /// The answer.
    pub answer: Box<dyn AnswerFilter>,
}

impl fmt::Debug for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passing").finish_non_exhaustive()
    }
}

/// Sees a request's body as it passes.
pub trait BodyWatch: Send {
    /// Whether these bytes may go on after those before. If not, it is over: the watch has recorded
    /// why, and the text says it to the client.
    ///
    /// # Errors
    /// They may not.
    fn data(&mut self, bytes: &[u8]) -> Result<(), String>;

    /// The same for the trailers behind them.
    ///
    /// # Errors
    /// They may not.
    fn trailers(&mut self, trailers: &HeaderMap) -> Result<(), String>;
}

/// Looks through one answer. Over its whole body as many bytes come out as go in: a
/// `Content-Length` stays true.
pub trait AnswerFilter: Send {
    /// Change the head.
    ///
    /// # Errors
    /// The answer cannot be looked through, and must not be given on. The text says why.
    fn head(&mut self, head: &mut response::Parts, has_body: bool) -> Result<(), String>;

    /// What may go on of all that was seen, once these bytes have come.
    fn data(&mut self, bytes: Bytes) -> Bytes;

    /// Bytes that came whole, apart from the others, and go on in the same length.
    fn apart(&mut self, bytes: Bytes) -> Bytes {
        bytes
    }

    /// What may go on of what is held back, once nothing has come for a while: what waits for the next message
    /// of a conversation would wait for ever.
    fn quiet(&mut self) -> Bytes {
        Bytes::new()
    }

    /// What was held back, once the body has ended.
    fn end(&mut self) -> Bytes;

    /// Change the trailers.
    fn trailers(&mut self, _trailers: &mut HeaderMap) {}
}
