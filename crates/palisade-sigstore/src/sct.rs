//! The promise of a certificate log (RFC 6962, 3.2) that stands in a certificate.

use sha2::{Digest as _, Sha256};

use crate::{
    Failed,
    certificate::Certificate,
    der::{self, OCTETS},
    failed::Step,
    root::Log,
};

/// SHA-256 with ECDSA, as TLS 1.2 numbers them.
const SHA256_ECDSA: [u8; 2] = [4, 3];

/// One promise.
struct Promise<'a> {
    log: &'a [u8],
    milliseconds: u64,
    extensions: &'a [u8],
    signature: &'a [u8],
}

/// Whether a log that the operator trusts has promised to show this certificate. `issuer`: the public key of
/// who issued it.
pub(crate) fn check(certificate: &Certificate, issuer: &[u8], logs: &[Log]) -> Result<(), Failed> {
    let wrong = |why: &'static str| Step::CertificateLog.failed(why);
    let list = certificate.promises().ok_or_else(|| wrong("the certificate has none"))?;
    let list = der::only(list, OCTETS).ok_or_else(|| wrong("it cannot be read"))?;
    let promise =
        Promise::only(list.0).ok_or_else(|| wrong("there is not exactly one that can be read"))?;
    let log = logs.iter().find(|log| log.id == promise.log);
    let log = log.ok_or_else(|| wrong("the trusted root has no such log"))?;
    let seconds = i64::try_from(promise.milliseconds / 1000);
    if !seconds.is_ok_and(|seconds| log.valid.has(seconds)) {
        return Err(wrong("the log's key was not in use at that time"));
    }
    let signed = promise.signed(certificate, issuer).ok_or_else(|| wrong("it is too large"))?;
    if log.key.signed(&signed, promise.signature) {
        Ok(())
    } else {
        Err(wrong("its signature is not of this certificate"))
    }
}

impl<'a> Promise<'a> {
    /// The only one of a list.
    fn only(list: &'a [u8]) -> Option<Self> {
        let mut all = Tls(list);
        let mut list = Tls(all.block()?);
        let mut one = Tls(list.block()?);
        if !all.0.is_empty() || !list.0.is_empty() || one.take(1)? != [0] {
            return None;
        }
        let log = one.take(32)?;
        let milliseconds = u64::from_be_bytes(one.take(8)?.try_into().ok()?);
        let extensions = one.block()?;
        if one.take(2)? != SHA256_ECDSA {
            return None;
        }
        let signature = one.block()?;
        one.0.is_empty().then_some(Self { log, milliseconds, extensions, signature })
    }

    /// What the log has signed.
    fn signed(&self, certificate: &Certificate, issuer: &[u8]) -> Option<Vec<u8>> {
        let body = certificate.without_promises();
        let [0, length @ ..] = u32::try_from(body.len()).ok()?.to_be_bytes() else { return None };
        let extensions = u16::try_from(self.extensions.len()).ok()?.to_be_bytes();
        Some(
            [
                // Version 1, a promise about a certificate.
                &[0, 0][..],
                &self.milliseconds.to_be_bytes(),
                // Of a certificate that is still to be issued.
                &[0, 1],
                &Sha256::digest(issuer),
                &length,
                &body,
                &extensions,
                self.extensions,
            ]
            .concat(),
        )
    }
}

/// Bytes as TLS writes them.
struct Tls<'a>(&'a [u8]);

impl<'a> Tls<'a> {
    fn take(&mut self, many: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(many)?;
        self.0 = rest;
        Some(taken)
    }

    /// With two bytes of length before it.
    fn block(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(length))
    }
}
