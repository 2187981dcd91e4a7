use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{
    fields,
    lent::Lent,
    transform::{AnswerFilter, BodyWatch},
    underway::Ongoing,
};
use crate::relay::{Traffic, Way};

/// How long nothing comes until what a filter holds back is asked for.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// Why a body broke off. What was not whole must not look whole: the connection or stream is then
/// reset.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the body broke off: {0}")]
    Http(#[from] hyper::Error),
    #[error("{0}")]
    Refused(String),
}

/// A body that passes: each frame goes on as it comes, and none is asked for before the last one was
/// taken.
pub(crate) struct Flow {
    inner: Lent,
    traffic: Arc<Traffic>,
    way: Way,
    filter: Option<Box<dyn AnswerFilter>>,
    watch: Option<Watched>,
    /// Bytes that the filter holds back.
    held: u64,
    quiet: Quiet,
    trailers: Option<HeaderMap>,
    ended: bool,
    /// Is told if the body breaks off.
    report: Option<Report>,
    /// The request that this is the answer to.
    _request: Option<Ongoing>,
    pace: Option<Arc<Traffic>>,
    /// Where it says why it does not go on, if it must not.
    refused: Option<Refused>,
}

/// Why a request's body must not go on, once that is known.
pub(crate) type Refused = Arc<OnceLock<String>>;

/// Whether what is held back is to be asked for.
enum Quiet {
    /// Once nothing has come for a while.
    Soon,
    /// When this is over.
    At(Pin<Box<Sleep>>),
    /// It was.
    Over,
}

/// Hears why a body broke off.
pub(crate) type Report = Box<dyn FnOnce(String) + Send>;

/// What sees a request's body, and where it says why the body must not go on.
pub(crate) struct Watched {
    pub(crate) watch: Box<dyn BodyWatch>,
    pub(crate) refused: Refused,
}

impl Watched {
    pub(crate) fn passes(&mut self, frame: &Frame<Bytes>) -> Result<(), Broken> {
        let seen = match (frame.data_ref(), frame.trailers_ref()) {
            (Some(data), _) => self.watch.data(data),
            (None, Some(trailers)) => self.watch.trailers(trailers),
            (None, None) => Ok(()),
        };
        seen.map_err(|why| {
            self.refused.set(why.clone()).ok();
            Broken::Refused(why)
        })
    }
}

impl Flow {
    /// From the client to the server. `pace` is told as well, for this request alone.
    pub(crate) fn out(
        inner: Lent,
        traffic: Arc<Traffic>,
        pace: Arc<Traffic>,
        (watch, refused): (Option<Watched>, Refused),
    ) -> Self {
        let flow = Self::new(inner, traffic, Way::Out, None, None);
        Self { pace: Some(pace), watch, refused: Some(refused), ..flow }
    }

    /// From the server to the client.
    pub(crate) fn back(
        inner: Incoming,
        traffic: Arc<Traffic>,
        filter: Option<Box<dyn AnswerFilter>>,
        report: Report,
    ) -> Self {
        Self::new(inner.into(), traffic, Way::In, filter, Some(report))
    }

    /// The answer to this request.
    pub(crate) fn of(mut self, request: Ongoing) -> Self {
        self._request = Some(request);
        self
    }

    fn new(
        inner: Lent,
        traffic: Arc<Traffic>,
        way: Way,
        filter: Option<Box<dyn AnswerFilter>>,
        report: Option<Report>,
    ) -> Self {
        Self {
            inner,
            traffic,
            way,
            filter,
            watch: None,
            held: 0,
            quiet: Quiet::Over,
            trailers: None,
            ended: false,
            report,
            _request: None,
            pace: None,
            refused: None,
        }
    }

    /// Count so many bytes before they go on.
    fn may(&self, count: usize) -> Result<(), Broken> {
        self.traffic.may(self.way, count).map_err(|event| {
            let why = event.reason.clone();
            self.traffic.record_later(event);
            if let Some(refused) = &self.refused {
                refused.set(why.clone()).ok();
            }
            Broken::Refused(why)
        })
    }

    fn filtered(&mut self, data: Bytes) -> Bytes {
        let Some(filter) = &mut self.filter else { return data };
        let came = count(&data);
        let out = filter.data(data);
        self.held = self.held.saturating_add(came).saturating_sub(count(&out));
        self.quiet = Quiet::Soon;
        out
    }

    /// What a filter lets go because nothing follows.
    fn poll_quiet(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if self.held == 0 {
            return Poll::Pending;
        }
        if matches!(self.quiet, Quiet::Soon) {
            self.quiet = Quiet::At(Box::pin(sleep(QUIET)));
        }
        let Quiet::At(timer) = &mut self.quiet else { return Poll::Pending };
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.quiet = Quiet::Over;
        let out = self.filter.as_mut().map(|filter| filter.quiet()).unwrap_or_default();
        self.held = self.held.saturating_sub(count(&out));
        if out.is_empty() { Poll::Pending } else { Poll::Ready(out) }
    }

    fn last(&mut self) -> Bytes {
        self.held = 0;
        self.filter.as_mut().map(|filter| filter.end()).unwrap_or_default()
    }

    fn clean(&mut self, mut trailers: HeaderMap) -> HeaderMap {
        match self.way {
            Way::Out => fields::clean_request_trailers(&mut trailers),
            Way::In => fields::clean_trailers(&mut trailers),
        }
        if let Some(filter) = &mut self.filter {
            filter.trailers(&mut trailers);
        }
        trailers
    }
}

impl Body for Flow {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        loop {
            if this.ended {
                return Poll::Ready(this.trailers.take().map(|it| Ok(Frame::trailers(it))));
            }
            let polled = match Pin::new(&mut this.inner).poll_frame(cx) {
                Poll::Ready(polled) => polled,
                Poll::Pending => return this.poll_quiet(cx).map(|out| Some(Ok(Frame::data(out)))),
            };
            let frame = match polled {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    if let Some(report) = this.report.take() {
                        report(error.to_string());
                    }
                    return Poll::Ready(Some(Err(error.into())));
                }
                None => {
                    this.ended = true;
                    let rest = this.last();
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest))));
                    }
                    continue;
                }
            };
            if let Some(watched) = &mut this.watch
                && let Err(refused) = watched.passes(&frame)
            {
                return Poll::Ready(Some(Err(refused)));
            }
            match frame.into_data() {
                Ok(data) => {
                    this.may(data.len())?;
                    this.traffic.flowed(this.way, data.len());
                    if let Some(pace) = &this.pace {
                        pace.touch();
                    }
                    let out = this.filtered(data);
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(out))));
                    }
                }
                Err(frame) => {
                    let Ok(trailers) = frame.into_trailers() else { continue };
                    this.ended = true;
                    let rest = this.last();
                    let trailers = this.clean(trailers);
                    let length =
                        trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
                    this.may(length.sum())?;
                    this.trailers = Some(trailers);
                    if !rest.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(rest))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let inner = self.ended || self.inner.is_end_stream();
        inner && self.held == 0 && self.trailers.is_none()
    }

    /// A filter keeps the length, so a size that the server told stays true.
    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(self.held));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(self.held));
        }
        hint
    }
}

fn count(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
