use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// A body that goes back where it came from if whoever has it lets it go before its end.
///
/// A stream of HTTP/2 whose body is dropped is reset, and a client that is still sending then does not get to read
/// the answer.
pub(crate) struct Lent {
    body: Option<Incoming>,
    back: Option<Returned>,
}

/// Where it goes back to.
#[derive(Clone, Default)]
pub(crate) struct Returned(Arc<Mutex<Option<Incoming>>>);

impl Returned {
    pub(crate) fn take(&self) -> Option<Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Lent {
    pub(crate) fn to_be_returned(body: Incoming, back: &Returned) -> Self {
        Self { body: Some(body), back: Some(back.clone()) }
    }
}

impl From<Incoming> for Lent {
    fn from(body: Incoming) -> Self {
        Self { body: Some(body), back: None }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), &self.back)
            && !body.is_end_stream()
        {
            *back.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
