use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert, ring as algorithms};

use crate::{Failed, certificate::Certificate, failed::Step, window::Window};

/// A root and what it may have signed for others, out of the operator's trusted root.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    pub(crate) root: Certificate,
    pub(crate) between: Vec<CertificateDer<'static>>,
    pub(crate) valid: Window,
}

impl Authority {
    /// Whether this certificate comes from it, all of the chain being valid at this moment. Gives the public
    /// key (`SubjectPublicKeyInfo`) of who issued it.
    ///
    /// The check is that of RFC 5280 as TLS makes it: signatures, times, basic and name constraints, lengths,
    /// purposes, and no critical extension that it does not know.
    pub(crate) fn issued(
        &self,
        certificate: &Certificate,
        purpose: &'static [u8],
        at: i64,
    ) -> Result<Vec<u8>, Failed> {
        let step = Step::Chain;
        if !self.valid.has(at) || !self.root.is_valid(at) {
            return Err(step.failed("its root was not in use when it was signed"));
        }
        let seconds = u64::try_from(at).map_err(|_| step.failed("the time is before 1970"))?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let root = CertificateDer::from(self.root.der.as_slice());
        let anchor = anchor_from_trusted_cert(&root)
            .map_err(|_| Step::Root.failed("a root certificate cannot be read"))?;
        let leaf = CertificateDer::from(certificate.der.as_slice());
        let leaf = EndEntityCert::try_from(&leaf).map_err(|error| step.failed(told(&error)))?;
        let path = leaf.verify_for_usage(
            &[
                algorithms::ECDSA_P256_SHA256,
                algorithms::ECDSA_P256_SHA384,
                algorithms::ECDSA_P384_SHA256,
                algorithms::ECDSA_P384_SHA384,
                algorithms::ED25519,
                algorithms::RSA_PKCS1_2048_8192_SHA256,
                algorithms::RSA_PKCS1_2048_8192_SHA384,
                algorithms::RSA_PKCS1_2048_8192_SHA512,
            ],
            std::slice::from_ref(&anchor),
            &self.between,
            time,
            // Of the certificate itself it is required, which is looked at elsewhere.
            KeyUsage::required_if_present(purpose),
            None,
            None,
        );
        path.map(|path| path.issuer_spki().as_ref().to_vec())
            .map_err(|error| step.failed(told(&error)))
    }
}

/// The certificate's issuer among several.
pub(crate) fn issuer(
    authorities: &[Authority],
    certificate: &Certificate,
    purpose: &'static [u8],
    at: i64,
) -> Result<Vec<u8>, Failed> {
    let mut worst = Step::Chain.failed("the trusted root has no authority for certificates");
    for authority in authorities {
        match authority.issued(certificate, purpose, at) {
            Ok(issuer) => return Ok(issuer),
            Err(failed) => worst = failed,
        }
    }
    Err(worst)
}

fn told(error: &Error) -> String {
    match error {
        Error::CertExpired { .. } => "it was no longer valid when it was used".into(),
        Error::CertNotValidYet { .. } => "it was not yet valid when it was used".into(),
        Error::UnknownIssuer => "no authority of the trusted root issued it".into(),
        Error::UnsupportedCriticalExtension => {
            "it has a critical extension that is not known".into()
        }
        Error::CaUsedAsEndEntity => "it is an authority's own certificate".into(),
        other => format!("it is not taken: {other:?}"),
    }
}
