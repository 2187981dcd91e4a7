use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use zeroize::Zeroizing;

use super::{
    Credentials, Exchange,
    exchange::{Told, clean},
    patterns::{Found, Patterns},
    scrub::Scrubber,
};

/// An answer's body without secrets. It is as long as it was, and streams as it did.
pub struct Scrubbed<B> {
    body: B,
    scrubber: Scrubber,
    ready: VecDeque<Frame<Bytes>>,
    ended: bool,
    report: Option<(Arc<Credentials>, Told)>,
}

impl<B> Scrubbed<B> {
    pub(crate) fn new(body: B, exchange: &Exchange) -> Self {
        let report = (Arc::clone(&exchange.credentials), exchange.request.clone());
        Self {
            body,
            scrubber: exchange.scrubber(),
            ready: VecDeque::new(),
            ended: false,
            report: Some(report),
        }
    }

    fn tell(&mut self) {
        if self.scrubber.found() > 0
            && let Some((credentials, told)) = self.report.take()
        {
            let Told { rule, subject, .. } = told;
            let reflected = async move { credentials.reflected(rule, &subject, "its body").await };
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                drop(runtime.spawn(reflected));
            }
        }
    }

    fn take(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => self.give(|scrubber| scrubber.push(data)),
            Err(frame) => {
                self.give(Scrubber::finish);
                if let Ok(mut trailers) = frame.into_trailers() {
                    clean(&mut self.scrubber, &mut trailers);
                    self.ready.push_back(Frame::trailers(trailers));
                }
            }
        }
        self.tell();
    }

    fn give(&mut self, get: impl FnOnce(&mut Scrubber) -> Bytes) {
        let data = get(&mut self.scrubber);
        if !data.is_empty() {
            self.ready.push_back(Frame::data(data));
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Scrubbed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        loop {
            if let Some(frame) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => this.take(frame),
                // What was held back may be half of a secret, and what broke off is of no use anyway.
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.ended = true;
                    this.give(Scrubber::finish);
                    this.tell();
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty()
            && self.scrubber.held() == 0
            && (self.ended || self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let waiting = |frame: &Frame<Bytes>| frame.data_ref().map_or(0, Bytes::len);
        let waiting = self.ready.iter().map(waiting).sum::<usize>();
        let waiting = u64::try_from(waiting.saturating_add(self.scrubber.held())).unwrap_or(0);
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(waiting));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(waiting));
        }
        hint
    }
}

impl<B: fmt::Debug> fmt::Debug for Scrubbed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubbed").field("body", &self.body).finish_non_exhaustive()
    }
}

/// Why a request's body broke off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError<E> {
    /// It did so before.
    #[error(transparent)]
    Body(E),
    /// It has the placeholder of a credential that is not for this server. Recorded.
    #[error("the body has the placeholder of a credential that is not for this server")]
    Placeholder,
}

/// A request's body, which breaks off where it would carry another host's placeholder.
pub struct Watched<B> {
    body: B,
    placeholders: Arc<Patterns>,
    /// The beginning of a placeholder, perhaps.
    tail: Zeroizing<Vec<u8>>,
    here: Vec<usize>,
    told: Vec<usize>,
    broken: bool,
    credentials: Arc<Credentials>,
    request: Told,
}

impl<B> Watched<B> {
    pub(crate) fn new(body: B, exchange: &Exchange) -> Self {
        Self {
            body,
            placeholders: Arc::clone(exchange.credentials.placeholders()),
            tail: Zeroizing::default(),
            here: exchange.here.clone(),
            told: Vec::new(),
            broken: false,
            credentials: Arc::clone(&exchange.credentials),
            request: exchange.request.clone(),
        }
    }

    /// Whether this may go on.
    fn look(&mut self, data: &[u8]) -> bool {
        let joined;
        let all: &[u8] = if self.tail.is_empty() {
            data
        } else {
            let mut both = BytesMut::from(self.tail.as_slice());
            both.extend_from_slice(data);
            joined = both;
            &joined
        };
        let mut from = 0;
        let mut found = Vec::new();
        let rest = loop {
            match self.placeholders.find(all, from) {
                Found::Nothing => break &[][..],
                Found::Perhaps(at) => break all.get(at..).unwrap_or_default(),
                Found::At(pattern, at) => {
                    found.push(self.placeholders.whose(pattern));
                    from = at.saturating_add(self.placeholders.instead(pattern).len().max(1));
                }
            }
        };
        self.tail = Zeroizing::new(rest.to_vec());
        for number in found {
            if !self.told.contains(&number) {
                self.told.push(number);
                self.tell(number);
            }
            if !self.here.contains(&number) {
                self.broken = true;
            }
        }
        !self.broken
    }

    fn look_at_trailers(&mut self, trailers: &HeaderMap) -> bool {
        self.tail = Zeroizing::default();
        trailers.iter().all(|(name, value)| {
            let passes = self.look(name.as_str().as_bytes());
            self.tail = Zeroizing::default();
            let passes = passes && self.look(value.as_bytes());
            self.tail = Zeroizing::default();
            passes
        })
    }

    fn tell(&self, number: usize) {
        let (credentials, request) = (Arc::clone(&self.credentials), self.request.clone());
        let own = self.here.contains(&number);
        let stray = async move {
            drop(credentials.stray(request.route(), number, "the body", own).await);
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            drop(runtime.spawn(stray));
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = WatchError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(None);
        }
        let polled = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let passes = match &polled {
            Some(Ok(frame)) => match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => this.placeholders.is_empty() || this.look(&data.clone()),
                (None, Some(trailers)) => this.look_at_trailers(&trailers.clone()),
                (None, None) => true,
            },
            _ => true,
        };
        Poll::Ready(match polled {
            Some(Ok(_)) if !passes => Some(Err(WatchError::Placeholder)),
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => Some(Err(WatchError::Body(error))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: fmt::Debug> fmt::Debug for Watched<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("body", &self.body).finish_non_exhaustive()
    }
}
