use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use palisade_core::{Event, Layer, Verdict};
use tokio::time::{Duration, Instant, Sleep, sleep};

use crate::{
    body::Budget,
    endpoint::Wire,
    hosted::{Damaged, Frames},
    inspect::{Judge, Outlet, Ruling, Unreadable, denied},
    observe::{Finish, Unwatched, Watcher},
    reading::Reading,
    restore::{Restorer, Restoring},
    scrub::Scrubber,
    translate::{Translation, Translator},
};

/// How long a client hears nothing while a tool call is held.
const SILENCE: Duration = Duration::from_secs(15);

/// Why an answer broke off. A stream that was not whole must not look whole: it ends with an error in the client's
/// own format, or else its connection is cut.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("the provider's answer broke off")]
    Upstream(#[from] hyper::Error),
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error("the provider's stream ends in the midst of an event")]
    Cut,
    #[error("the answer's events cannot be read")]
    Events,
    #[error("the provider paused for too long")]
    Pause,
    #[error("the journal cannot take an event")]
    Journal,
}

/// What an answer goes through.
pub(crate) struct Checks {
    pub(crate) scrubber: Option<Scrubber>,
    /// None for an answer that holds no tool call.
    pub(crate) reading: Option<Reading>,
    /// Whether errors have the form of a host of models, and not of the API.
    pub(crate) hosted: bool,
    /// Set where marks are turned back.
    pub(crate) restorer: Option<Restorer>,
    /// Set where its events come in frames.
    pub(crate) frames: Option<Frames>,
    /// Set where the provider speaks another format than the client.
    pub(crate) translation: Option<Translation>,
    pub(crate) judge: Judge,
    /// Room for what is held of all answers.
    pub(crate) budget: Budget,
    pub(crate) watcher: Box<dyn Watcher>,
    /// Which provider answered what.
    pub(crate) provider: String,
    pub(crate) subject: String,
}

/// What is waited for outside of the stream.
enum Done {
    Ruled(Vec<Ruling>),
    Recorded(bool),
}

/// A provider's answer on its way to the client: each frame goes on as it comes, and no frame is
/// asked for before the client has taken the last one. Only tool calls are held, until they are
/// decided.
pub(crate) struct Passage {
    inner: Incoming,
    checks: Checks,
    /// Whether it is written down that the answer holds the key.
    told: bool,
    waits: Option<Pin<Box<dyn Future<Output = Done> + Send>>>,
    outlet: Outlet,
    translator: Option<Translator>,
    restoring: Option<Restoring>,
    /// What may go on once all before is written down.
    clean: Bytes,
    /// Nothing further is read.
    over: Option<Finish>,
    /// Whether the provider is waited for now: a client that is slow uses up no pause.
    waiting: bool,
    pause: Duration,
    deadline: Pin<Box<Sleep>>,
    /// When the client last heard something, and until when it may hear nothing.
    spoke: Instant,
    silence: Pin<Box<Sleep>>,
}

impl Passage {
    /// `wire` is how the client reads it.
    pub(crate) fn new(inner: Incoming, checks: Checks, wire: Wire, pause: Duration) -> Self {
        let restorer = checks.restorer.clone().filter(|_| checks.reading.is_some());
        let translator = checks.translation.filter(|_| checks.reading.is_some());
        Self {
            inner,
            translator: translator.map(Translator::new),
            restoring: restorer.map(|restorer| Restoring::new(restorer, wire)),
            checks,
            told: false,
            waits: None,
            outlet: Outlet::default(),
            clean: Bytes::new(),
            over: None,
            waiting: false,
            pause,
            deadline: Box::pin(sleep(pause)),
            spoke: Instant::now(),
            silence: Box::pin(sleep(SILENCE)),
        }
    }

    fn has_leaked(&self) -> bool {
        !self.told && self.checks.scrubber.as_ref().is_some_and(|scrubber| scrubber.found() > 0)
    }

    fn record(&mut self, event: Event) {
        let authority = Arc::clone(&self.checks.judge.authority);
        let event = event.with("provider", self.checks.provider.as_str());
        self.waits = Some(Box::pin(async move { Done::Recorded(authority.record(event).await) }));
    }

    /// Takes a step in reading: what comes of it is in the outlet.
    fn advance(&mut self, rulings: Option<Vec<Ruling>>) {
        let Some(reading) = &mut self.checks.reading else { return };
        let read = match rulings {
            None => reading.advance(&mut self.outlet),
            Some(rulings) => reading.ruled(rulings, &mut self.outlet),
        };
        self.checks.judge.stored(mem::take(&mut self.outlet.ids));
        if let Some(usage) = self.outlet.usage.take() {
            self.checks.watcher.usage(usage);
        }
        match read {
            Ok(()) if reading.is_over() => self.over = Some(Finish::Whole),
            Ok(()) => {}
            Err(why) => return self.unreadable(&why),
        }
        let judge = self.checks.judge.clone();
        if !self.outlet.asked.is_empty() {
            let asked = mem::take(&mut self.outlet.asked);
            self.waits = Some(Box::pin(async move { Done::Ruled(judge.rule(asked).await) }));
        } else if !self.outlet.left_out.is_empty() {
            let kinds = mem::take(&mut self.outlet.left_out);
            self.waits = Some(Box::pin(async move { Done::Recorded(judge.left_out(kinds).await) }));
        }
    }

    /// The client is told in its own format, after all that could be read.
    fn unreadable(&mut self, why: &Unreadable) {
        let Some(reading) = &self.checks.reading else { return };
        let error = reading.error(&format!("Palisade: {why}"));
        self.outlet.asked.clear();
        self.outlet.bytes.extend_from_slice(&error);
        self.over = Some(Finish::Broken);
        let mut event = Event::observed("answer", Layer::Inference, self.checks.subject.as_str());
        event.decision = Verdict::Deny;
        event.reason = why.to_string();
        self.record(event);
    }

    /// The provider has said all; `rest` is the last of it.
    fn ended(&mut self, rest: Bytes) {
        match &mut self.checks.reading {
            Some(reading) if !reading.has_ended() => {
                reading.push(&rest);
                reading.end();
            }
            _ => {
                self.clean = rest;
                self.over = Some(Finish::Whole);
            }
        }
    }

    fn finished(&mut self, how: Finish) {
        self.over = Some(how);
        mem::replace(&mut self.checks.watcher, Box::new(Unwatched)).finished(how);
    }

    fn broken(&mut self, why: Broken) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.finished(Finish::Broken);
        Poll::Ready(Some(Err(why)))
    }

    /// The provider's part ended before its end: what is held of a call is dropped, and the client is told in its own
    /// format. `Err`: there is no such word in what it reads.
    fn broke_off(&mut self, why: Broken) -> Result<(), Broken> {
        let Some(reading) = &self.checks.reading else { return Err(why) };
        if reading.has_ended() {
            return Err(why);
        }
        let error = reading.error(&format!("Palisade: {why}"));
        self.outlet.asked.clear();
        self.outlet.bytes.extend_from_slice(&error);
        self.over = Some(Finish::Broken);
        Ok(())
    }

    /// While something is held, a word now and then, so that the client goes on waiting.
    fn idle(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(reading) = self.checks.reading.as_ref().filter(|reading| reading.is_holding())
        else {
            return Poll::Pending;
        };
        // Set only where somebody waits: most frames follow each other, and none needs a clock of its own.
        if self.silence.deadline() < self.spoke + SILENCE {
            self.silence.as_mut().reset(self.spoke + SILENCE);
        }
        ready!(self.silence.as_mut().poll(cx));
        // What means nothing in one format means nothing in the other only as a comment.
        let word = match self.translator {
            None => reading.idle(),
            Some(_) => Bytes::from_static(b": a tool call is being decided\n\n"),
        };
        self.heard();
        Poll::Ready(Some(Ok(Frame::data(word))))
    }

    fn heard(&mut self) {
        self.spoke = Instant::now();
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
            if this.waits.is_none() && this.has_leaked() {
                this.told = true;
                let subject = this.checks.subject.as_str();
                this.record(Event::observed("key_in_answer", Layer::Inference, subject));
            }
            if let Some(waits) = &mut this.waits {
                let Poll::Ready(done) = waits.as_mut().poll(cx) else { return this.idle(cx) };
                this.waits = None;
                match done {
                    Done::Recorded(true) => {}
                    Done::Recorded(false) => return this.broken(Broken::Journal),
                    Done::Ruled(rulings) => {
                        this.checks.watcher.ruled(rulings.len(), denied(&rulings));
                        this.advance(Some(rulings));
                    }
                }
                continue;
            }
            if !this.outlet.bytes.is_empty() {
                this.clean = this.outlet.bytes.split().freeze();
                if let Some(translator) = &mut this.translator {
                    this.clean = translator.push(&this.clean);
                }
            }
            if this.over.is_some()
                && let Some(mut translator) = this.translator.take()
            {
                let mut all = BytesMut::from(&*this.clean);
                all.extend_from_slice(&translator.finish());
                this.clean = all.freeze();
            }
            if let Some(restoring) = &mut this.restoring
                && (!this.clean.is_empty() || this.over.is_some())
            {
                let over = this.over.is_some();
                match restoring.push(&this.clean, over) {
                    Ok(clean) => this.clean = clean,
                    // It was read before.
                    Err(_) => return this.broken(Broken::Events),
                }
                if over {
                    this.restoring = None;
                }
            }
            if !this.clean.is_empty() {
                this.heard();
                return Poll::Ready(Some(Ok(Frame::data(mem::take(&mut this.clean)))));
            }
            if let Some(how) = this.over {
                this.finished(how);
                return Poll::Ready(None);
            }
            this.advance(None);
            if this.waits.is_some() || !this.outlet.bytes.is_empty() || this.over.is_some() {
                continue;
            }
            let frame = match Pin::new(&mut this.inner).poll_frame(cx) {
                Poll::Pending => {
                    if !this.waiting {
                        this.waiting = true;
                        this.deadline.as_mut().reset(Instant::now() + this.pause);
                    }
                    if this.deadline.as_mut().poll(cx).is_pending() {
                        return this.idle(cx);
                    }
                    match this.broke_off(Broken::Pause) {
                        Ok(()) => continue,
                        Err(why) => return this.broken(why),
                    }
                }
                Poll::Ready(None) => {
                    let rest = this.checks.scrubber.as_mut().map(Scrubber::finish);
                    let rest = rest.unwrap_or_default();
                    let rest = match &mut this.checks.frames {
                        Some(frames) => match frames.push(&rest) {
                            Ok(_) if frames.is_cut() => Err(Broken::Cut),
                            Ok(rest) => Ok(rest),
                            Err(why) => Err(why.into()),
                        },
                        None => Ok(rest),
                    };
                    match rest.map_err(|why| this.broke_off(why)) {
                        Ok(rest) => this.ended(rest),
                        Err(Ok(())) => {}
                        Err(Err(why)) => return this.broken(why),
                    }
                    continue;
                }
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => match this.broke_off(error.into()) {
                    Ok(()) => continue,
                    Err(why) => return this.broken(why),
                },
            };
            this.waiting = false;
            // Trailers are not passed: no client of these formats reads any.
            let Ok(data) = frame.into_data() else { continue };
            let data = match &mut this.checks.scrubber {
                Some(scrubber) => scrubber.push(data),
                None => data,
            };
            let data = match &mut this.checks.frames {
                Some(frames) => match frames.push(&data) {
                    Ok(data) => data,
                    Err(why) => match this.broke_off(why.into()) {
                        Ok(()) => continue,
                        Err(why) => return this.broken(why),
                    },
                },
                None => data,
            };
            this.checks.watcher.came(&data);
            match &mut this.checks.reading {
                Some(reading) => reading.push(&data),
                None => this.clean = data,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.checks.reading.is_none()
            && self.waits.is_none()
            && !self.has_leaked()
            && self.clean.is_empty()
            && self.checks.scrubber.as_ref().is_none_or(|scrubber| scrubber.held() == 0)
            && self.inner.is_end_stream()
    }

    /// Scrubbing keeps the length, so a size that the provider told stays true, unless something may be
    /// replaced.
    fn size_hint(&self) -> SizeHint {
        if self.checks.reading.is_some() {
            return SizeHint::default();
        }
        let held = self.checks.scrubber.as_ref().map_or(0, Scrubber::held);
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

impl Drop for Passage {
    fn drop(&mut self) {
        // A body whose length is known is dropped at its end without being asked again.
        let how = if self.is_end_stream() { Finish::Whole } else { Finish::Left };
        self.checks.watcher.finished(how);
    }
}
