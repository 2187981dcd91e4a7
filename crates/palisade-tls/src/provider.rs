use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;

/// The one place where the cryptography behind TLS is chosen.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())))
}
