use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use palisade_core::{Authority, Event, Layer, Tied, Verdict};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinSet,
    time::sleep,
};

use crate::{
    Callers, Destination, EgressError, Ended, Inspector, Limits, Lookup, Observer, OutboundProxy,
    Services, SyntheticMap, callers::Untold, connection::Connection, destination::canonical,
    original_destination,
};

/// How long accepting pauses when the kernel has no descriptor or memory left, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Accepts every TCP connection of a sandbox and relays those that may go on.
#[derive(Clone)]
pub struct Proxy {
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) synthetic: Arc<SyntheticMap>,
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) services: Arc<Services>,
    pub(crate) inspector: Option<Arc<Inspector>>,
    pub(crate) outbound: Option<Arc<OutboundProxy>>,
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) callers: Arc<dyn Callers>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) limits: Limits,
    /// Connections until now.
    count: Arc<AtomicU64>,
}

/// Connections that were reset because too many were open, until somebody writes them down.
#[derive(Debug, Default)]
struct Excess {
    count: AtomicU64,
    came: Notify,
}

impl Proxy {
    /// A proxy that asks `authority` about everything, knows names by `synthetic` (the
    /// resolver's) and finds their addresses with `lookup`.
    pub fn new(
        authority: Arc<dyn Authority>,
        synthetic: Arc<SyntheticMap>,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        Self {
            authority,
            synthetic,
            lookup,
            services: Arc::default(),
            inspector: None,
            outbound: None,
            destination: Arc::new(original_destination),
            callers: Arc::new(Untold),
            observer: Arc::new(|_: &Ended| {}),
            limits: Limits::default(),
            count: Arc::default(),
        }
    }

    /// Serve these names itself.
    #[must_use]
    pub fn with_services(mut self, services: Services) -> Self {
        self.services = Arc::new(services);
        self
    }

    /// Look into connections where the inspector says so. Without one, none is looked into.
    #[must_use]
    pub fn with_inspector(mut self, inspector: Inspector) -> Self {
        self.inspector = Some(Arc::new(inspector));
        self
    }

    /// Leave by this proxy.
    #[must_use]
    pub fn with_outbound(mut self, outbound: Arc<OutboundProxy>) -> Self {
        self.outbound = Some(outbound);
        self
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Tell `observer` of each dialled connection's end.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Find out in another way where clients meant to go.
    #[must_use]
    pub fn with_destination(mut self, destination: impl Destination) -> Self {
        self.destination = Arc::new(destination);
        self
    }

    /// Let `callers` tell who connects. Without it nobody can be told.
    #[must_use]
    pub fn with_callers(mut self, callers: impl Callers) -> Self {
        self.callers = Arc::new(callers);
        self
    }

    /// Serve these listeners. Does not end by itself: when this future is dropped, every
    /// connection is cut.
    ///
    /// # Errors
    /// A listener cannot be used, there is none, or one has stopped.
    pub async fn serve(
        self,
        listeners: Vec<std::net::TcpListener>,
    ) -> Result<Infallible, EgressError> {
        let taken = |source| EgressError::Socket { what: "proxy's listener", source };
        if listeners.is_empty() {
            return Err(EgressError::NoSocket("proxy's listener"));
        }
        let open = Arc::new(Semaphore::new(self.limits.open));
        let excess = Arc::new(Excess::default());
        let proxy = Arc::new(self);
        let mut tasks = JoinSet::new();
        for listener in listeners {
            let listener = adopt(listener).map_err(taken)?;
            let own = canonical(listener.local_addr().map_err(taken)?);
            let proxy = Arc::clone(&proxy);
            tasks.spawn(proxy.accept(listener, own, Arc::clone(&open), Arc::clone(&excess)));
        }
        let recorder = Arc::clone(&proxy);
        tasks.spawn(async move { recorder.record_excess(&excess).await });
        tasks.join_next().await;
        Err(EgressError::Stopped("proxy"))
    }

    async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        own: SocketAddr,
        open: Arc<Semaphore>,
        excess: Arc<Excess>,
    ) {
        let mut connections = JoinSet::new();
        let mut pause = PAUSE.0;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let client = match accepted {
                Ok((client, _)) => client,
                Err(error) if is_of_the_connection(&error) => continue,
                Err(_) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                    continue;
                }
            };
            pause = PAUSE.0;
            // Small writes go out as they come, whoever makes them: an answer in pieces would wait for the client's
            // delayed acknowledgements.
            client.set_nodelay(true).ok();
            let Ok(permit) = Arc::clone(&open).try_acquire_owned() else {
                excess.reset(&client);
                continue;
            };
            let proxy = Arc::new(self.of_next());
            connections.spawn(async move {
                Connection::new(&proxy, client).serve(own).await;
                drop(permit);
            });
        }
    }

    /// The same, with the number of the next connection in each event.
    fn of_next(&self) -> Self {
        let number = self.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let authority = Tied::to(Arc::clone(&self.authority), "connection", number);
        Self { authority, ..self.clone() }
    }

    async fn record_excess(&self, excess: &Excess) {
        loop {
            excess.came.notified().await;
            let count = excess.count.swap(0, Ordering::Relaxed);
            let mut event = Event::observed("connect", Layer::Egress, "too many connections");
            event.decision = Verdict::Deny;
            event.reason = format!("{} connections are open already", self.limits.open);
            self.authority.record(event.with("count", count)).await;
        }
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("services", &self.services)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Excess {
    fn reset(&self, client: &TcpStream) {
        client.set_zero_linger().ok();
        self.count.fetch_add(1, Ordering::Relaxed);
        self.came.notify_one();
    }
}

/// A listener that was made elsewhere, for this runtime.
pub(crate) fn adopt(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Whether accept(2) failed for this connection only, and the next may be tried at once.
pub(crate) fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
