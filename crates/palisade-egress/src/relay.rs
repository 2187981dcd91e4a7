use std::{
    fmt, io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_core::{Action, Authority, Caller, Event, HostName, TlsName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    time::{Instant, sleep_until},
};

mod piped;

use piped::Pipe;

const CHUNK: usize = 64 * 1024;
/// A read of so many bytes is one of many, and after so many of such a connection gets a pipe.
const LARGE: usize = 16 * 1024;
const MUCH: usize = 128 * 1024;

/// Whose limits count for what a connection sends.
pub(crate) struct Meter {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) host: HostName,
    pub(crate) port: u16,
    pub(crate) caller: Caller,
}

/// What flowed over a connection, and when last.
#[derive(Debug)]
pub(crate) struct Traffic {
    meter: OnceLock<Meter>,
    sent: AtomicU64,
    received: AtomicU64,
    began: Instant,
    /// Milliseconds after `began`.
    last: AtomicU64,
}

/// Which way bytes flow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Out,
    In,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self {
            meter: OnceLock::new(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            began: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    /// From now on, what is sent counts for this name and port.
    pub(crate) fn count_for(&self, meter: Meter) {
        // The first stays: a connection has one name.
        self.meter.set(meter).unwrap_or_default();
    }

    /// Whether so many bytes may flow. If not, the event of it is still to be recorded.
    pub(crate) fn may(&self, way: Way, count: usize) -> Result<(), Box<Event>> {
        let (Way::Out, Some(meter)) = (way, self.meter.get()) else { return Ok(()) };
        let Meter { authority, host, port, caller } = meter;
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        authority.may_send(host, *port, count).map_err(|denial| {
            let (host, tls, caller) = (Some(host.clone()), TlsName::Unseen, caller.clone());
            let action = Action::Connect { host, port: *port, address: None, tls, caller };
            Box::new(Event::decided(&action, &denial))
        })
    }

    /// Record what [`Traffic::may`] gave.
    pub(crate) async fn record(&self, event: Box<Event>) {
        if let Some(meter) = self.meter.get() {
            meter.authority.record(*event).await;
        }
    }

    /// The same, from where nothing can be waited for.
    pub(crate) fn record_later(&self, event: Box<Event>) {
        if let Some(meter) = self.meter.get() {
            let authority = Arc::clone(&meter.authority);
            tokio::spawn(async move { authority.record(*event).await });
        }
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn lasted(&self) -> Duration {
        self.began.elapsed()
    }

    /// Pass on everything until the end of `from`, then tell `to` that this was all. A
    /// receiver that does not read stops the sender.
    pub(crate) async fn copy(
        &self,
        way: Way,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            buffer.clear();
            if from.read_buf(&mut buffer).await? == 0 {
                return to.shutdown().await;
            }
            self.write(way, &buffer, to).await?;
        }
    }

    /// The same between two sockets. Where much flows it goes by a pipe.
    pub(crate) async fn pass(
        &self,
        way: Way,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(CHUNK);
        let mut much = 0_usize;
        loop {
            buffer.clear();
            if from.read_buf(&mut buffer).await? == 0 {
                return to.shutdown().await;
            }
            self.write(way, &buffer, &mut to).await?;
            much = if buffer.len() < LARGE { 0 } else { much.saturating_add(buffer.len()) };
            if much < MUCH {
                continue;
            }
            much = 0;
            let Some(pipe) = Pipe::new() else { continue };
            if pipe.flow(self, way, from.as_ref(), to.as_ref()).await? {
                return to.shutdown().await;
            }
        }
    }

    /// Pass on these bytes.
    pub(crate) async fn write(
        &self,
        way: Way,
        bytes: &[u8],
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        self.permit(way, bytes.len()).await?;
        to.write_all(bytes).await?;
        self.flowed(way, bytes.len());
        Ok(())
    }

    /// Count so many bytes before they go on. An error: they may not, and that is recorded.
    async fn permit(&self, way: Way, count: usize) -> io::Result<()> {
        self.touch();
        if let Err(event) = self.may(way, count) {
            self.record(event).await;
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }

    /// So many bytes were passed on.
    pub(crate) fn flowed(&self, way: Way, count: usize) {
        let counter = match way {
            Way::Out => &self.sent,
            Way::In => &self.received,
        };
        counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.touch();
    }

    /// Ends when nothing flowed for `limit`.
    pub(crate) async fn idle(&self, limit: Duration) {
        loop {
            let last = self.began + Duration::from_millis(self.last.load(Ordering::Relaxed));
            if last.elapsed() >= limit {
                return;
            }
            sleep_until(last + limit).await;
        }
    }

    /// Something happened.
    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
