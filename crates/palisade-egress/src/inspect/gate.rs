//! A strict reader before the lenient one: HTTP/1 requests pass one by one, and only those that
//! every server reads the same way.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::{
    chunked::Chunked,
    head::{self, Framing, Head, Read},
    linger::Linger,
    writes::writes_through,
};

const CHUNK: usize = 16 * 1024;
/// Empty lines that some clients send behind a request (RFC 9112, section 2.2).
const MOST_BLANK: u8 = 2;
/// What is given on in place of a request that is refused. Who serves it asks
/// [`Admissions::next`] first and never looks at it.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";

/// What the gate tells the one who answers: for each request that comes through it, in order,
/// whether it is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Admissions(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    told: VecDeque<Result<Admitted, &'static str>>,
    after: After,
    waiting: Option<Waker>,
    /// Requests that came through and are not answered to their end.
    open: usize,
    /// Who reads the end of the client's side, which is kept from it as long as there are such.
    ending: Option<Waker>,
    /// The client says no more, and waits for an answer.
    listens: bool,
    /// Who wants to know of that.
    asks: Option<Waker>,
    broken: Option<&'static str>,
    /// The last request was refused, whether or not all of it has come.
    turned_away: bool,
}

/// What comes behind a request that asks for another protocol.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Not known yet.
    #[default]
    Open,
    /// The next request.
    Request,
    /// The other protocol.
    Raw,
}

/// A request that came through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    /// It asks for another protocol: nothing more comes before [`Admissions::settle`].
    pub(crate) upgrade: bool,
}

impl Admissions {
    /// Whether the next request is one, or why it is refused.
    pub(crate) fn next(&self) -> Result<Admitted, &'static str> {
        let told = self.shared().told.pop_front();
        told.unwrap_or(Err("it was read in two ways"))
    }

    /// Tell whether the server has taken the offer of another protocol.
    pub(crate) fn settle(&self, upgraded: bool) {
        let mut shared = self.shared();
        shared.after = if upgraded { After::Raw } else { After::Request };
        if let Some(waiting) = shared.waiting.take() {
            waiting.wake();
        }
    }

    /// Tell that a request was refused: the client is to read so, also if it is still sending.
    pub(crate) fn turned_away(&self) {
        self.shared().turned_away = true;
    }

    /// A request is being answered as long as this is there.
    pub(crate) fn answering(&self) -> Answering {
        Answering(self.clone())
    }

    /// Resolves once the client has ended its side and waits for an answer, or is gone: that cannot be told apart.
    pub(crate) async fn listens(&self) {
        poll_fn(|cx| {
            let mut shared = self.shared();
            if shared.listens {
                return Poll::Ready(());
            }
            shared.asks = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn came(&self, one: Result<Admitted, &'static str>) {
        let mut shared = self.shared();
        shared.told.push_back(one);
        shared.open = shared.open.saturating_add(1);
    }

    /// Whether a request is not answered to its end. Who asks is woken when all are.
    fn is_answering(&self, cx: &Context<'_>) -> bool {
        let mut shared = self.shared();
        if shared.open == 0 {
            return false;
        }
        shared.ending = Some(cx.waker().clone());
        shared.listens = true;
        if let Some(asks) = shared.asks.take() {
            asks.wake();
        }
        true
    }

    /// Why a request broke off in its body.
    pub(crate) fn broken(&self) -> Option<&'static str> {
        self.shared().broken
    }

    /// All that was told and not asked for, for the fuzzer: whether each asks for another protocol.
    pub(crate) fn drained(&self) -> Vec<Result<bool, &'static str>> {
        let told = std::mem::take(&mut self.shared().told);
        told.into_iter().map(|one| one.map(|admitted| admitted.upgrade)).collect()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that came through, until its answer was given whole.
#[derive(Debug)]
pub(crate) struct Answering(Admissions);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut shared = self.0.shared();
        shared.open = shared.open.saturating_sub(1);
        if shared.open == 0
            && let Some(ending) = shared.ending.take()
        {
            ending.wake();
        }
    }
}

/// A client's side of a connection, of which only unambiguous requests can be read.
#[derive(Debug)]
pub(crate) struct Gate<S> {
    stream: S,
    admissions: Admissions,
    place: Place,
    /// Read and not given on yet.
    raw: Vec<u8>,
    /// How much of `raw` is of no use any more.
    used: usize,
    /// How much of `raw` was looked at without finding the head's end.
    seen: usize,
    /// Empty lines that may still come before the next request.
    blank: u8,
    /// How much of `raw` behind `used` may be given on.
    passed: usize,
    ended: bool,
    /// Whether the client's end is kept from the reader while there is an answer to come.
    patient: bool,
    linger: Linger,
}

#[derive(Debug)]
enum Place {
    /// Before a request, or in its head.
    Head,
    Length(u64),
    Chunked(Chunked),
    /// Behind a head that asks for another protocol.
    Upgrade,
    Raw,
    /// Behind what was refused: nothing more is read.
    Refused,
}

impl<S> Gate<S> {
    pub(crate) fn new(stream: S) -> (Self, Admissions) {
        let admissions = Admissions::default();
        let gate = Self {
            stream,
            admissions: admissions.clone(),
            place: Place::Head,
            raw: Vec::new(),
            used: 0,
            seen: 0,
            blank: MOST_BLANK,
            passed: 0,
            ended: false,
            patient: false,
            linger: Linger::default(),
        };
        (gate, admissions)
    }

    /// One for a reader that would take a client which says no more for gone. Each request has to be told of by
    /// [`Admissions::answering`].
    pub(crate) fn patient(self) -> Self {
        Self { patient: true, ..self }
    }

    /// Whether the client is in the middle of a request, as far as that was read.
    fn is_sending(&self) -> bool {
        match &self.place {
            Place::Head => self.used < self.raw.len(),
            Place::Length(left) => *left > 0,
            Place::Chunked(chunked) => !chunked.is_done(),
            // The other protocol says how it ends.
            Place::Refused | Place::Upgrade | Place::Raw => false,
        }
    }

    fn pending(&self) -> &[u8] {
        self.raw.get(self.used + self.passed..).unwrap_or_default()
    }

    /// Judge what was read, and let pass what may. False if more has to be read first.
    fn judge(&mut self, cx: &Context<'_>) -> Result<bool, &'static str> {
        loop {
            if self.passed > 0 {
                return Ok(true);
            }
            match &mut self.place {
                Place::Head => {
                    if !self.judge_head() {
                        return Ok(false);
                    }
                }
                Place::Length(0) => self.place = Place::Head,
                Place::Length(left) => {
                    let there = self.raw.len() - self.used;
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(there);
                    *left -= u64::try_from(taken).unwrap_or(u64::MAX);
                    self.passed = taken;
                    return Ok(taken > 0);
                }
                Place::Chunked(chunked) if chunked.is_done() => self.place = Place::Head,
                Place::Chunked(chunked) => {
                    let pending = self.raw.get(self.used..).unwrap_or_default();
                    self.passed = chunked.advance(pending)?;
                    return Ok(self.passed > 0);
                }
                Place::Upgrade => {
                    let mut shared = self.admissions.shared();
                    match shared.after {
                        After::Open => {
                            shared.waiting = Some(cx.waker().clone());
                            return Ok(false);
                        }
                        After::Request => self.place = Place::Head,
                        After::Raw => self.place = Place::Raw,
                    }
                    shared.after = After::Open;
                }
                Place::Raw => {
                    self.passed = self.raw.len() - self.used;
                    return Ok(self.passed > 0);
                }
                Place::Refused => return Ok(false),
            }
        }
    }

    /// False if more has to be read first.
    fn judge_head(&mut self) -> bool {
        while self.seen == 0 && self.blank > 0 && self.pending().starts_with(b"\r\n") {
            self.used += 2;
            self.blank -= 1;
        }
        if self.seen == 0 && self.blank > 0 && matches!(self.pending(), [] | [b'\r']) {
            return false;
        }
        let pending = self.raw.get(self.used..).unwrap_or_default();
        // With the last byte that was seen: what follows a CR says whether it ends a line.
        let fresh = pending.get(self.seen.saturating_sub(1)..).unwrap_or_default();
        let tells = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        // A client that sends byte by byte must not have all of it judged for each.
        if pending.len() < head::LONGEST && !fresh.iter().any(tells) {
            self.seen = pending.len();
            return false;
        }
        match whole_so_far(pending) {
            Read::Partial => {
                self.seen = pending.len();
                return false;
            }
            Read::Whole(length, Head { framing, upgrade }) => {
                self.admissions.came(Ok(Admitted { upgrade }));
                self.passed = length;
                self.place = match framing {
                    _ if upgrade => Place::Upgrade,
                    Framing::Length(length) => Place::Length(length),
                    Framing::Chunked => Place::Chunked(Chunked::default()),
                };
            }
            Read::Refused(why) => {
                self.admissions.came(Err(why));
                self.raw.truncate(self.used);
                self.raw.extend_from_slice(STAND_IN);
                self.passed = STAND_IN.len();
                self.place = Place::Refused;
            }
        }
        self.seen = 0;
        self.blank = MOST_BLANK;
        true
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let given = self.passed.min(buffer.remaining());
        let bytes = self.raw.get(self.used..self.used + given).unwrap_or_default();
        buffer.put_slice(bytes);
        self.used += given;
        self.passed -= given;
        if self.used == self.raw.len() {
            self.raw.clear();
            self.used = 0;
        }
    }

    /// How much may be read straight into the reader's own buffer, without a look at it.
    fn unseen(&self) -> Option<usize> {
        match self.place {
            _ if self.used < self.raw.len() => None,
            Place::Length(left) if left > 0 => Some(usize::try_from(left).unwrap_or(usize::MAX)),
            Place::Raw => Some(usize::MAX),
            _ => None,
        }
    }
}

/// A head, of which nothing is given on if the chunks that came with it have more than one reading already.
fn whole_so_far(bytes: &[u8]) -> Read {
    let read = head::read(bytes);
    if let Read::Whole(length, Head { framing: Framing::Chunked, .. }) = read
        && let Err(why) = Chunked::default().advance(bytes.get(length..).unwrap_or_default())
    {
        return Read::Refused(why);
    }
    read
}

impl<S: AsyncRead + Unpin> Gate<S> {
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.used > 0 {
            self.raw.drain(..self.used);
            self.used = 0;
        }
        let length = self.raw.len();
        self.raw.resize(length + CHUNK, 0);
        let mut buffer = ReadBuf::new(self.raw.get_mut(length..).unwrap_or_default());
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        let read = buffer.filled().len();
        self.raw.truncate(length + read);
        ready!(polled)?;
        self.ended = read == 0;
        Poll::Ready(Ok(()))
    }

    /// The client says no more (RFC 9293, section 3.6), which is not to be seen as long as it has an answer to come.
    fn poll_end(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.patient && !self.is_sending() && self.admissions.is_answering(cx) {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_through(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = most.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        if let Place::Length(left) = &mut self.place {
            *left = left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if let Some(most) = this.unseen() {
                return this.poll_through(cx, most, buffer);
            }
            match this.judge(cx) {
                Ok(true) => {
                    this.give(buffer);
                    return Poll::Ready(Ok(()));
                }
                Ok(false) if this.ended => return this.poll_end(cx),
                Ok(false) if matches!(this.place, Place::Refused) => return Poll::Pending,
                // More than this is not held for a protocol that is not agreed on.
                Ok(false)
                    if matches!(this.place, Place::Upgrade) && this.pending().len() >= CHUNK =>
                {
                    return Poll::Pending;
                }
                Ok(false) if this.unseen().is_some() => {}
                Ok(false) => ready!(this.poll_fill(cx))?,
                Err(why) => {
                    this.admissions.shared().broken = Some(why);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Gate<S> {
    /// The client's side is closed: what it is still sending is let go by, unless it cannot be read.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let courteous = {
            let shared = self.admissions.shared();
            shared.turned_away && shared.broken.is_none()
        };
        if courteous && !self.ended && self.is_sending() {
            ready!(self.linger.poll(Pin::new(&mut self.stream), cx));
        }
        Poll::Ready(Ok(()))
    }
}

writes_through!(Gate: AsyncRead, |gate, cx| {
    ready!(Pin::new(&mut gate.stream).poll_shutdown(cx))?;
    gate.poll_rest(cx)
});

#[cfg(test)]
mod tests;
