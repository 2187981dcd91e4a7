use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use palisade_core::HostName;
use palisade_tls::crypto_provider;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::{CertifiedKey, SigningKey},
};
use time::{Duration, OffsetDateTime};

/// The authority is gone with its sandbox; this bounds one that nobody ends.
const CA_LIFE: Duration = Duration::days(365);
const LEAF_LIFE: Duration = Duration::hours(24);
/// A certificate is made anew when less than this is left of it.
const LEAF_REST: Duration = Duration::hours(12);
/// How far the clocks inside and outside may differ, as in a virtual machine that was asleep.
const SKEW: Duration = Duration::hours(1);
/// Certificates that are kept. Making one takes a fraction of a millisecond.
const MOST_LEAVES: usize = 256;
/// The longest common name (RFC 5280, appendix A.1).
const LONGEST_COMMON_NAME: usize = 64;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// It could not be made.
    #[error("make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// Its key cannot be used.
    #[error("use a certificate's key: {0}")]
    Key(#[from] rustls::Error),
}

/// The certificate authority of one sandbox. What is inside trusts it, and nothing else does; its
/// key never leaves this process and is gone with it.
pub struct SandboxCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
    /// All leaf certificates have the same key, of this process too.
    leaf_key: KeyPair,
    signer: Arc<dyn SigningKey>,
    leaves: Mutex<HashMap<HostName, Leaf>>,
}

struct Leaf {
    key: Arc<CertifiedKey>,
    ends: OffsetDateTime,
}

impl SandboxCa {
    /// A new one, with `name` in its subject.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(name: &str) -> Result<Self, CaError> {
        let now = OffsetDateTime::now_utc();
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&format!("Palisade sandbox {name}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - SKEW;
        params.not_after = now + CA_LIFE;
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let leaf_key = KeyPair::generate()?;
        let der = PrivateKeyDer::Pkcs8(leaf_key.serialize_der().into());
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem: certificate.pem(),
            certificate: certificate.into(),
            signer: crypto_provider().key_provider.load_private_key(der)?,
            leaf_key,
            leaves: Mutex::default(),
        })
    }

    /// Its certificate, for what has to trust it. Public.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its certificate as DER. Public.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// A certificate for this name, made now or kept from before.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn leaf(&self, host: &HostName) -> Result<Arc<CertifiedKey>, CaError> {
        self.leaf_at(host, OffsetDateTime::now_utc())
    }

    fn leaf_at(&self, host: &HostName, now: OffsetDateTime) -> Result<Arc<CertifiedKey>, CaError> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = leaves.get(host).filter(|leaf| leaf.ends - now > LEAF_REST) {
            return Ok(Arc::clone(&leaf.key));
        }
        let leaf = self.make(host, now)?;
        let key = Arc::clone(&leaf.key);
        if leaves.len() >= MOST_LEAVES && !leaves.contains_key(host) {
            let oldest = leaves.iter().min_by_key(|(_, leaf)| leaf.ends).map(|(name, _)| name);
            if let Some(oldest) = oldest.cloned() {
                leaves.remove(&oldest);
            }
        }
        leaves.insert(host.clone(), leaf);
        Ok(key)
    }

    fn make(&self, host: &HostName, now: OffsetDateTime) -> Result<Leaf, CaError> {
        let ends = now + LEAF_LIFE;
        let mut params = CertificateParams::default();
        let shown = if host.as_str().len() <= LONGEST_COMMON_NAME { host.as_str() } else { "host" };
        params.distinguished_name = common_name(shown);
        params.subject_alt_names = vec![SanType::DnsName(host.as_str().try_into()?)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - SKEW;
        params.not_after = ends;
        let certificate = params.signed_by(&self.leaf_key, &self.issuer)?;
        // Only the leaf: what trusts the authority has its certificate already.
        let chain = vec![certificate.into()];
        let key = Arc::new(CertifiedKey::new(chain, Arc::clone(&self.signer)));
        Ok(Leaf { key, ends })
    }
}

impl fmt::Debug for SandboxCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxCa").finish_non_exhaustive()
    }
}

fn common_name(name: &str) -> rcgen::DistinguishedName {
    let mut distinguished = rcgen::DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

#[cfg(test)]
mod tests {
    use rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        pki_types::{ServerName, UnixTime},
    };

    use super::*;

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn verify(ca: &SandboxCa, leaf: &CertifiedKey, host: &str) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(ca.certificate.clone()).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto_provider())
                .build()
                .unwrap();
        let host = ServerName::try_from(host.to_owned()).unwrap();
        verifier.verify_server_cert(&leaf.cert[0], &[], &host, &[], UnixTime::now()).map(|_| ())
    }

    #[test]
    fn a_leaf_is_good_for_its_name_and_no_other() {
        let ca = SandboxCa::new("s-1").unwrap();
        let leaf = ca.leaf(&name("a.example")).unwrap();
        verify(&ca, &leaf, "a.example").unwrap();
        verify(&ca, &leaf, "b.example").unwrap_err();
        verify(&ca, &leaf, "x.a.example").unwrap_err();
        verify(&SandboxCa::new("s-1").unwrap(), &leaf, "a.example").unwrap_err();
        let long = format!("{0}.{0}.{0}.example", "a".repeat(63));
        verify(&ca, &ca.leaf(&name(&long)).unwrap(), &long).unwrap();
    }

    #[test]
    fn a_leaf_is_kept_until_half_of_its_life_is_over() {
        let ca = SandboxCa::new("s-1").unwrap();
        let (host, now) = (name("a.example"), OffsetDateTime::now_utc());
        let leaf = ca.leaf_at(&host, now).unwrap();
        let later = ca.leaf_at(&host, now + Duration::hours(11)).unwrap();
        assert!(Arc::ptr_eq(&leaf, &later));
        let much_later = ca.leaf_at(&host, now + Duration::hours(13)).unwrap();
        assert!(!Arc::ptr_eq(&leaf, &much_later));
    }

    #[test]
    fn so_many_leaves_are_kept_and_no_more() {
        let ca = SandboxCa::new("s-1").unwrap();
        for number in 0..MOST_LEAVES + 8 {
            ca.leaf(&name(&format!("h{number}.example"))).unwrap();
        }
        assert_eq!(ca.leaves.lock().unwrap().len(), MOST_LEAVES);
    }

    #[test]
    fn no_key_is_in_what_is_printed_or_given_away() {
        let ca = SandboxCa::new("s-1").unwrap();
        assert_eq!(format!("{ca:?}"), "SandboxCa { .. }");
        assert!(ca.pem().starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(!ca.pem().contains("PRIVATE"));
    }
}
