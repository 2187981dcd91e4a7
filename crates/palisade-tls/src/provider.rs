use std::sync::{Arc, OnceLock};

use rustls::{Error, crypto::CryptoProvider, pki_types::PrivateKeyDer, sign::SigningKey};

/// The one place where the cryptography behind TLS is chosen.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}

/// A key of that cryptography.
pub(crate) fn signing_key(key: &PrivateKeyDer<'_>) -> Result<Arc<dyn SigningKey>, Error> {
    rustls::crypto::ring::sign::any_supported_type(key)
}
