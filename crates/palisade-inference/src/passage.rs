use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use palisade_core::{Authority, Event};
use tokio::time::{Duration, Instant, Sleep, sleep};

use crate::scrub::Scrubber;

/// Why an answer broke off. The client's connection is then cut: a stream that was not whole
/// must not look whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the provider's answer broke off")]
    Upstream(#[from] hyper::Error),
    #[error("the provider paused for too long")]
    Pause,
    #[error("the journal cannot take an event")]
    Journal,
}

/// A provider's answer on its way to the client: each frame goes on as it comes, and no frame is
/// asked for before the client has taken the last one.
pub(crate) struct Passage {
    inner: Incoming,
    scrubber: Option<Scrubber>,
    /// What is written down if the answer holds the key.
    leak: Option<(Arc<dyn Authority>, Event)>,
    recording: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
    /// What may go on once that is written down.
    clean: Bytes,
    /// Whether the provider is waited for now: a client that is slow uses up no pause.
    waiting: bool,
    pause: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl Passage {
    pub(crate) fn new(
        inner: Incoming,
        scrubber: Option<Scrubber>,
        pause: Duration,
        leak: (Arc<dyn Authority>, Event),
    ) -> Self {
        let deadline = Box::pin(sleep(pause));
        let clean = Bytes::new();
        Self {
            inner,
            scrubber,
            leak: Some(leak),
            recording: None,
            clean,
            waiting: false,
            pause,
            deadline,
        }
    }

    fn has_leaked(&self) -> bool {
        self.leak.is_some() && self.scrubber.as_ref().is_some_and(|scrubber| scrubber.found() > 0)
    }
}

impl Body for Passage {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            if this.has_leaked()
                && let Some((authority, event)) = this.leak.take()
            {
                this.recording = Some(Box::pin(async move { authority.record(event).await }));
            }
            if let Some(recording) = &mut this.recording {
                let taken = ready!(recording.as_mut().poll(cx));
                this.recording = None;
                if !taken {
                    return Poll::Ready(Some(Err(Broken::Journal)));
                }
            }
            if !this.clean.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut this.clean)))));
            }
            let frame = match Pin::new(&mut this.inner).poll_frame(cx) {
                Poll::Pending => {
                    if !this.waiting {
                        this.waiting = true;
                        this.deadline.as_mut().reset(Instant::now() + this.pause);
                    }
                    ready!(this.deadline.as_mut().poll(cx));
                    return Poll::Ready(Some(Err(Broken::Pause)));
                }
                Poll::Ready(None) => {
                    let rest = this.scrubber.as_mut().map(Scrubber::finish).unwrap_or_default();
                    let last = (!rest.is_empty()).then(|| Ok(Frame::data(rest)));
                    return Poll::Ready(last);
                }
                Poll::Ready(Some(frame)) => frame?,
            };
            this.waiting = false;
            // Trailers are not passed: no client of these formats reads any.
            let Ok(data) = frame.into_data() else { continue };
            this.clean = match &mut this.scrubber {
                Some(scrubber) => scrubber.push(data),
                None => data,
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.recording.is_none()
            && !self.has_leaked()
            && self.clean.is_empty()
            && self.scrubber.as_ref().is_none_or(|scrubber| scrubber.held() == 0)
            && self.inner.is_end_stream()
    }

    /// Scrubbing keeps the length, so a size that the provider told stays true.
    fn size_hint(&self) -> SizeHint {
        let held = self.scrubber.as_ref().map_or(0, Scrubber::held);
        let held = held.saturating_add(self.clean.len()) as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint
    }
}
