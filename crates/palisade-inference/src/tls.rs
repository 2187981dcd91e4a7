use std::sync::{Arc, OnceLock};

use palisade_tls::Roots;
use rustls::{ClientConfig, pki_types::CertificateDer};

/// TLS to providers.
pub(crate) struct Tls {
    roots: Roots,
    made: OnceLock<Result<Arc<ClientConfig>, rustls::Error>>,
}

impl Tls {
    pub(crate) fn new(extra_roots: Vec<CertificateDer<'static>>) -> Self {
        Self { roots: Roots::with_extra(extra_roots), made: OnceLock::new() }
    }

    /// The client's side of TLS, made at the first use.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let make = || self.roots.client_config(&[b"http/1.1"]).map(Arc::new);
        self.made.get_or_init(make).clone()
    }
}
