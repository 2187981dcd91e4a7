use bytes::Bytes;
use http::{HeaderMap, request, response};
use palisade_core::{BoxFuture, Decision, Request};

/// Changes permitted requests before they are sent, and their answers before they are given on:
/// where credentials take the place of placeholders.
pub trait Transform: Send + Sync + 'static {
    /// Change the head of a request. `decided` is what was permitted, by `decision`; only here can
    /// what is sent be another thing. `head` is as it goes out: its target in absolute form, its
    /// fields without those of one connection only. `Host` and the framing are not for changing.
    ///
    /// What is returned gets the answer. `None`: it passes as it is.
    ///
    /// # Errors
    /// Why it must not be sent after all; a denial, which the caller records.
    fn request<'a>(
        &'a self,
        decided: &'a Request,
        decision: &'a Decision,
        head: &'a mut request::Parts,
    ) -> BoxFuture<'a, Result<Option<Box<dyn AnswerFilter>>, Decision>>;
}

/// Looks through one answer. Over its whole body as many bytes come out as go in: a
/// `Content-Length` stays true.
pub trait AnswerFilter: Send {
    /// Change the head.
    fn head(&mut self, head: &mut response::Parts);

    /// What may go on of all that was seen, once these bytes have come.
    fn data(&mut self, bytes: Bytes) -> Bytes;

    /// What was held back, once the body has ended.
    fn end(&mut self) -> Bytes;

    /// Change the trailers.
    fn trailers(&mut self, _trailers: &mut HeaderMap) {}
}
