use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, crypto::CryptoProvider, pki_types::CertificateDer};
use rustls_platform_verifier::Verifier;

/// The one place where the cryptography behind TLS is chosen.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

/// TLS to providers. The roots are read at the first use, not at launch: that takes longer than
/// the launch itself.
pub(crate) struct Tls {
    extra_roots: Vec<CertificateDer<'static>>,
    made: OnceLock<Result<Arc<ClientConfig>, rustls::Error>>,
}

impl Tls {
    pub(crate) fn new(extra_roots: Vec<CertificateDer<'static>>) -> Self {
        Self { extra_roots, made: OnceLock::new() }
    }

    /// The client's side of TLS: the operator's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` count),
    /// certificates always verified.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        self.made.get_or_init(|| self.make()).clone()
    }

    fn make(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let roots = self.extra_roots.iter().cloned();
        let verifier = Verifier::new_with_extra_roots(roots, crypto_provider())?;
        let mut config = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()?
            // "dangerous" is any verifier that is not a list of roots; this one verifies.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
