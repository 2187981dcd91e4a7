use std::{collections::HashMap, fmt, sync::Arc};

use palisade_core::{BoxFuture, HostName};
use tokio::{net::TcpStream, sync::mpsc};

/// Something that the supervisor itself serves under a name, such as the model gateway. It
/// decides and records by itself what is asked of it.
pub trait Service: Send + Sync + 'static {
    /// Serve this connection to its end. It counts as open until then.
    fn serve(&self, stream: TcpStream) -> BoxFuture<'_, ()>;
}

/// Hands connections on; one that nobody takes is closed.
impl Service for mpsc::Sender<TcpStream> {
    fn serve(&self, stream: TcpStream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.send(stream).await.ok();
        })
    }
}

/// The names and ports that the supervisor serves itself. They are answered by the resolver and
/// never dialled.
#[derive(Clone, Default)]
pub struct Services {
    all: HashMap<HostName, HashMap<u16, Arc<dyn Service>>>,
    proxy: Option<(HostName, u16)>,
}

impl Services {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// And `name`:`port` is served by `service`.
    #[must_use]
    pub fn with(mut self, name: HostName, port: u16, service: Arc<dyn Service>) -> Self {
        self.all.entry(name).or_default().insert(port, service);
        self
    }

    /// And at `name`:`port` is an HTTP proxy, for clients that insist on one. It leads where they could go
    /// without it, and nowhere else.
    #[must_use]
    pub fn with_proxy(mut self, name: HostName, port: u16) -> Self {
        self.proxy = Some((name, port));
        self
    }

    /// Whether the HTTP proxy is there.
    pub(crate) fn is_proxy(&self, name: &HostName, port: u16) -> bool {
        self.proxy.as_ref().is_some_and(|(own, at)| own == name && *at == port)
    }

    /// Whether anything is served under this name.
    pub fn has(&self, name: &HostName) -> bool {
        self.all.contains_key(name) || self.proxy.as_ref().is_some_and(|(own, _)| own == name)
    }

    /// What is served there.
    pub fn at(&self, name: &HostName, port: u16) -> Option<&Arc<dyn Service>> {
        self.all.get(name)?.get(&port)
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let served = self.all.iter().flat_map(|(name, ports)| ports.keys().map(move |p| (name, p)));
        f.debug_list().entries(served.map(|(name, port)| format!("{name}:{port}"))).finish()
    }
}
