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
pub struct Services(HashMap<HostName, HashMap<u16, Arc<dyn Service>>>);

impl Services {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// And `name`:`port` is served by `service`.
    #[must_use]
    pub fn with(mut self, name: HostName, port: u16, service: Arc<dyn Service>) -> Self {
        self.0.entry(name).or_default().insert(port, service);
        self
    }

    /// Whether anything is served under this name.
    pub fn has(&self, name: &HostName) -> bool {
        self.0.contains_key(name)
    }

    /// What is served there.
    pub fn at(&self, name: &HostName, port: u16) -> Option<&Arc<dyn Service>> {
        self.0.get(name)?.get(&port)
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let served = self.0.iter().flat_map(|(name, ports)| ports.keys().map(move |p| (name, p)));
        f.debug_list().entries(served.map(|(name, port)| format!("{name}:{port}"))).finish()
    }
}
