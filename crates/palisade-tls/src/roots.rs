use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::{ClientConfig, pki_types::CertificateDer};
use rustls_platform_verifier::Verifier;

use crate::{ClientIdentity, crypto_provider};

/// Who is believed about a server's name: the operator's roots. They are read at the first use, not
/// at launch: that takes longer than the launch itself.
pub struct Roots {
    extra: Vec<CertificateDer<'static>>,
    verifier: OnceLock<Result<Arc<Verifier>, rustls::Error>>,
}

impl Roots {
    /// The operator's, and these.
    pub fn with_extra(extra: Vec<CertificateDer<'static>>) -> Self {
        Self { extra, verifier: OnceLock::new() }
    }

    /// The operator's.
    pub fn of_operator() -> Self {
        Self::with_extra(Vec::new())
    }

    /// Read them now.
    ///
    /// # Errors
    /// The store cannot be read, or holds no root at all.
    pub fn load(&self) -> Result<(), rustls::Error> {
        self.verifier().map(drop)
    }

    /// The client's side of TLS that offers these protocols (ALPN), the best first.
    ///
    /// # Errors
    /// As [`Roots::load`].
    pub fn client_config(&self, protocols: &[&[u8]]) -> Result<ClientConfig, rustls::Error> {
        self.client_config_as(protocols, None)
    }

    /// The same, with a certificate for servers that ask for one.
    ///
    /// # Errors
    /// As [`Roots::load`].
    pub fn client_config_as(
        &self,
        protocols: &[&[u8]],
        identity: Option<&Arc<ClientIdentity>>,
    ) -> Result<ClientConfig, rustls::Error> {
        let verifier = self.verifier()?;
        let builder = ClientConfig::builder_with_provider(crypto_provider())
            .with_safe_default_protocol_versions()?
            // "dangerous" is any verifier that is not a list of roots; this one verifies.
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::clone(identity) as _),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }

    fn verifier(&self) -> Result<Arc<Verifier>, rustls::Error> {
        let made = self.verifier.get_or_init(|| {
            let extra = self.extra.iter().cloned();
            Verifier::new_with_extra_roots(extra, crypto_provider()).map(Arc::new)
        });
        made.clone()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").finish_non_exhaustive()
    }
}
