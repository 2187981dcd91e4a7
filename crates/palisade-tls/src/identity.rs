use std::{fmt, sync::Arc};

use palisade_core::{ExposeSecret, SecretString};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    client::ResolvesClientCert,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, Signer, SigningKey},
};
use zeroize::Zeroizing;

use crate::provider::signing_key;

/// A certificate to show to servers, with its key (RFC 8446, section 4.4.2).
pub struct ClientIdentity(Arc<CertifiedKey>);

/// Why a certificate cannot be shown. Never holds the key, nor a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file has none.
    #[error("its file has no certificate (PEM)")]
    NoCertificate,
    /// The key is encrypted.
    #[error("its key is encrypted; write it without a passphrase: `openssl pkey -in FILE`")]
    Encrypted,
    /// It is no key.
    #[error("its key is no private key (PEM)")]
    NoKey,
    /// It is a key of another kind.
    #[error("its key is neither RSA, ECDSA (P-256, P-384) nor Ed25519")]
    Kind,
    /// The key is another one's.
    #[error("its key is not the key of the certificate")]
    Mismatch,
}

impl ClientIdentity {
    /// A certificate, with those that signed it behind it, and its key. Both are PEM.
    ///
    /// # Errors
    /// One is missing or unusable, or they do not belong together.
    pub fn new(chain: &[u8], key: &SecretString) -> Result<Self, IdentityError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = chain.map_err(|_| IdentityError::NoCertificate)?;
        if chain.is_empty() {
            return Err(IdentityError::NoCertificate);
        }
        let text = key.expose_secret();
        if text.contains("ENCRYPTED") {
            return Err(IdentityError::Encrypted);
        }
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
        let key = Zeroizing::new(key.map_err(|_| IdentityError::NoKey)?);
        let loaded = signing_key(&key).map_err(|_| IdentityError::Kind)?;
        let algorithm = loaded.algorithm();
        match CertifiedKey::new(chain.clone(), loaded).keys_match() {
            Ok(()) => {}
            Err(_) => return Err(IdentityError::Mismatch),
        }
        Ok(Self(Arc::new(CertifiedKey::new(chain, Arc::new(Kept { key, algorithm })))))
    }
}

impl ResolvesClientCert for ClientIdentity {
    fn resolve(&self, _: &[&[u8]], offered: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(offered).is_some().then(|| Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(…)")
    }
}

/// A key in memory that is overwritten in the end. What the cryptography makes of it, which is not, is there for a
/// signature only.
struct Kept {
    key: Zeroizing<PrivateKeyDer<'static>>,
    algorithm: SignatureAlgorithm,
}

impl SigningKey for Kept {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        signing_key(&self.key).ok()?.choose_scheme(offered)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_shown_with_its_own_key_only() {
        let pair = || {
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
            (certificate.pem(), SecretString::from(key.serialize_pem()))
        };
        let ((certificate, key), (_, other)) = (pair(), pair());
        let wrong = |chain: &str, key: &str| {
            let made = ClientIdentity::new(chain.as_bytes(), &SecretString::from(key));
            made.map(drop).unwrap_err()
        };
        let identity = ClientIdentity::new(certificate.as_bytes(), &key).unwrap();
        assert!(identity.resolve(&[], &[SignatureScheme::ECDSA_NISTP256_SHA256]).is_some());
        assert!(identity.resolve(&[], &[SignatureScheme::ED25519]).is_none());
        assert_eq!(format!("{identity:?}"), "ClientIdentity(…)");
        assert_eq!(wrong(&certificate, other.expose_secret()), IdentityError::Mismatch);
        assert_eq!(wrong("", key.expose_secret()), IdentityError::NoCertificate);
        assert_eq!(wrong(&certificate, "hello"), IdentityError::NoKey);
        assert_eq!(wrong(&certificate, &certificate), IdentityError::NoKey);
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(wrong(&certificate, encrypted), IdentityError::Encrypted);
    }
}
