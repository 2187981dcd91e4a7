use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};

/// An authority that only a test trusts.
#[derive(Debug)]
pub struct TestAuthority(CertifiedIssuer<'static, KeyPair>);

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Its time is over.
    Expired,
    /// It is for another name.
    OtherName,
    /// Nobody else signed it.
    SelfSigned,
    /// An authority that nobody knows signed it.
    UnknownAuthority,
}

impl TestAuthority {
    /// A new one.
    pub fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// Its certificate, for what is to trust it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The same as DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// The server's side of TLS for `name` (several have commas between), with these protocols (ALPN), the best first.
    pub fn server(
        &self,
        name: &str,
        flaw: Flaw,
        protocols: &[&str],
    ) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
        self.made(name, flaw, protocols, false)
    }

    /// The same for one that asks its clients for a certificate of this authority, and serves those without one
    /// as well.
    pub fn asking_server(
        &self,
        name: &str,
        protocols: &[&str],
    ) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
        self.made(name, Flaw::None, protocols, true)
    }

    /// A client's certificate and its key, as PEM.
    pub fn client(&self) -> Result<(String, String), rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(["client.test".to_owned()])?;
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok((params.signed_by(&key, &self.0)?.pem(), key.serialize_pem()))
    }

    fn made(
        &self,
        name: &str,
        flaw: Flaw,
        protocols: &[&str],
        asking: bool,
    ) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
        let key = KeyPair::generate()?;
        let name = if flaw == Flaw::OtherName { "other.invalid" } else { name };
        let mut params =
            CertificateParams::new(name.split(',').map(str::to_owned).collect::<Vec<_>>())?;
        params.use_authority_key_identifier_extension = true;
        if flaw == Flaw::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        }
        let certificate = match flaw {
            Flaw::SelfSigned => params.self_signed(&key)?,
            Flaw::UnknownAuthority => params.signed_by(&key, &Self::new()?.0)?,
            Flaw::None | Flaw::Expired | Flaw::OtherName => params.signed_by(&key, &self.0)?,
        };
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if asking {
            let mut roots = RootCertStore::empty();
            roots.add(self.der())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(
            vec![certificate.into()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(config)
    }
}
