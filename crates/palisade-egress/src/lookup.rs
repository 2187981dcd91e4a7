use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade_core::{BoxFuture, HostName};
use tokio::sync::Semaphore;

/// Look-ups that may wait for the host's resolver at a time: each holds a thread.
const PARALLEL: usize = 32;
/// How long the host's resolver may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Finds the real addresses of a name, outside. Asked once for each dial.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses, best first.
    fn addresses<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;

    /// Whether the operator said where this name is.
    fn is_fixed(&self, _host: &HostName) -> bool {
        false
    }
}

type Fixed = BTreeMap<HostName, Vec<IpAddr>>;

/// The operator's fixed answers, then the host's own resolver: `/etc/hosts`, `nsswitch.conf` and
/// its search list count, as for any program of the host.
#[derive(Debug)]
pub struct HostLookup {
    fixed: ArcSwap<Fixed>,
    timeout: Duration,
    threads: Arc<Semaphore>,
}

impl HostLookup {
    /// With these fixed answers (`network.hosts`).
    pub fn new(fixed: BTreeMap<HostName, Vec<IpAddr>>) -> Self {
        let fixed = ArcSwap::from_pointee(fixed);
        Self { fixed, timeout: TIMEOUT, threads: Arc::new(Semaphore::new(PARALLEL)) }
    }

    /// Answer with these from now on.
    pub fn replace(&self, fixed: BTreeMap<HostName, Vec<IpAddr>>) {
        self.fixed.store(Arc::new(fixed));
    }

    async fn ask_host(&self, host: &HostName) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.threads).acquire_owned().await.map_err(io::Error::other)?;
        let name = host.as_str().to_owned();
        // Not `tokio::net::lookup_host`: the permit must last as long as the thread does, which
        // a timeout out here does not end.
        let asked = tokio::task::spawn_blocking(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            drop(permit);
            found.map(|found| found.map(|address| address.ip()).collect::<Vec<_>>())
        });
        asked.await.map_err(io::Error::other)?
    }
}

impl Lookup for HostLookup {
    fn addresses<'a>(&'a self, host: &'a HostName) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            if let Some(fixed) = self.fixed.load().get(host) {
                return Ok(fixed.clone());
            }
            tokio::time::timeout(self.timeout, self.ask_host(host))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })
    }

    fn is_fixed(&self, host: &HostName) -> bool {
        self.fixed.load().contains_key(host)
    }
}
