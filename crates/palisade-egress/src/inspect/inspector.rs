use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use palisade_core::Inspection;
use palisade_tls::{ClientIdentity, Roots, crypto_provider};
use rustls::{
    ClientConfig, ServerConfig,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::sync::Semaphore;

use super::{CaError, SandboxCa, room::Rooms, transform::Transform};

/// Connections to servers that are open at a time, for all clients that are looked into.
const MOST_UPSTREAMS: usize = 2048;

/// Bytes of bodies that are held at a time until they are decided on and sent, for all clients.
const MOST_GATHERED: usize = 64 * 1024 * 1024;
/// What one stream of HTTP/2 holds for a side that does not read. Windows do not bound it: they are
/// that side's own choice.
pub(crate) const MOST_BUFFERED: usize = 32 * 1024;

pub(crate) const H2: &[u8] = b"h2";
pub(crate) const HTTP_1_1: &[u8] = b"http/1.1";
const HTTP_1_0: &[u8] = b"http/1.0";

type Outward = Result<Arc<ClientConfig>, rustls::Error>;

/// What the proxy needs to look into connections.
pub struct Inspector {
    pub(crate) policy: Arc<dyn Inspection>,
    pub(crate) transform: Option<Arc<dyn Transform>>,
    pub(crate) inward: Arc<ServerConfig>,
    pub(crate) upstreams: Arc<Semaphore>,
    pub(crate) rooms: Rooms,
    /// In bytes.
    pub(crate) gathered: Arc<Semaphore>,
    roots: Roots,
    /// For servers that are shown no certificate.
    nobody: Configs,
    /// By the rule.
    shown: HashMap<String, Shown>,
}

/// A certificate that is shown for the requests of one rule, or what is missing.
struct Shown {
    identity: Result<Arc<ClientIdentity>, String>,
    configs: Configs,
}

/// The client's side of TLS to servers.
#[derive(Default)]
struct Configs {
    http1: OnceLock<Outward>,
    either: OnceLock<Outward>,
}

impl Configs {
    fn slot(&self, also_h2: bool) -> &OnceLock<Outward> {
        if also_h2 { &self.either } else { &self.http1 }
    }
}

/// As whom a connection to a server is made: by the rule whose certificate is shown, or as nobody. No connection
/// is used for two of them.
pub(crate) type As = Option<Arc<str>>;

impl Inspector {
    /// Look where `policy` says, with certificates of `ca` for clients inside; servers are verified
    /// by `roots`.
    ///
    /// # Errors
    /// The cryptography does not do what TLS needs.
    pub fn new(
        policy: Arc<dyn Inspection>,
        ca: Arc<SandboxCa>,
        roots: Roots,
    ) -> Result<Self, CaError> {
        let mut inward = ServerConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Leaves(ca)));
        // A client that offers the oldest alone is answered as it asks, and not turned away for it.
        inward.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec(), HTTP_1_0.to_vec()];
        Ok(Self {
            policy,
            transform: None,
            inward: Arc::new(inward),
            upstreams: Arc::new(Semaphore::new(MOST_UPSTREAMS)),
            rooms: Rooms::new(),
            gathered: Arc::new(Semaphore::new(MOST_GATHERED)),
            roots,
            nobody: Configs::default(),
            shown: HashMap::new(),
        })
    }

    /// Change requests and answers with this.
    #[must_use]
    pub fn with_transform(mut self, transform: Arc<dyn Transform>) -> Self {
        self.transform = Some(transform);
        self
    }

    /// Show servers a certificate for requests that this rule permits, and for no others. Where one is missing,
    /// such requests are denied and say why.
    #[must_use]
    pub fn with_certificate(
        mut self,
        rule: String,
        identity: Result<Arc<ClientIdentity>, String>,
    ) -> Self {
        self.shown.insert(rule, Shown { identity, configs: Configs::default() });
        self
    }

    /// As whom requests that this rule permits go to their server.
    ///
    /// # Errors
    /// The certificate that they need is missing.
    pub(crate) fn who(&self, rule: Option<&str>) -> Result<As, String> {
        let Some((rule, shown)) = rule.and_then(|rule| self.shown.get_key_value(rule)) else {
            return Ok(None);
        };
        shown.identity.clone().map(|_| Some(rule.as_str().into()))
    }

    /// The client's side of TLS to servers: for HTTP/1.1 only, or also for HTTP/2. Reads files at its
    /// first use.
    pub(crate) fn outward(&self, also_h2: bool, who: &As) -> Outward {
        let protocols: &[&[u8]] = if also_h2 { &[H2, HTTP_1_1] } else { &[HTTP_1_1] };
        let (identity, configs) = self.of(who);
        let make = || self.roots.client_config_as(protocols, identity).map(Arc::new);
        configs.slot(also_h2).get_or_init(make).clone()
    }

    /// The same, if it was used before.
    pub(crate) fn made(&self, also_h2: bool, who: &As) -> Option<Outward> {
        self.of(who).1.slot(also_h2).get().cloned()
    }

    fn of(&self, who: &As) -> (Option<&Arc<ClientIdentity>>, &Configs) {
        match who.as_ref().and_then(|rule| self.shown.get(&**rule)) {
            Some(shown) => (shown.identity.as_ref().ok(), &shown.configs),
            None => (None, &self.nobody),
        }
    }
}

impl fmt::Debug for Inspector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspector").finish_non_exhaustive()
    }
}

/// Certificates by the name that a client asks for. Whether it may is decided before.
#[derive(Debug)]
pub(super) struct Leaves(pub(super) Arc<SandboxCa>);

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.leaf(&hello.server_name()?.parse().ok()?).ok()
    }
}
