use sha2::{Digest as _, Sha256, Sha512};

use crate::{
    Bundle, Failed, Name, TrustedRoot,
    bundle::Content,
    certificate::{CODE_SIGNING, Certificate},
    chain,
    failed::Step,
    key::Kind,
    root::Log,
    sct, stamp,
    statement::Statement,
};

/// A file that may be what was signed.
#[derive(Debug, Clone)]
pub struct Artifact<'a> {
    bytes: &'a [u8],
    pub(crate) sha256: [u8; 32],
    pub(crate) sha512: [u8; 64],
}

impl<'a> Artifact<'a> {
    /// These bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, sha256: Sha256::digest(bytes).into(), sha512: Sha512::digest(bytes).into() }
    }
}

/// What a bundle proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whose certificate it is.
    pub name: Name,
    /// Who vouched for that name, by its URL.
    pub issuer: String,
    /// The repository that a workflow has built, by its URL, if the certificate says so.
    pub repository: Option<String>,
    /// When it was signed at the latest, in seconds since 1970.
    pub time: i64,
    /// Which of the artifacts was signed, by its place.
    pub artifact: usize,
    /// The kind of the statement that was signed; none if it was the artifact itself. Nothing else that a statement
    /// says was looked at.
    pub predicate: Option<String>,
    /// Whether a certificate log has promised to show the certificate. It has, unless the trusted root has no such log.
    pub certificate_logged: bool,
}

impl Bundle {
    /// Verifies it for one of these artifacts, with nothing but the trusted root. The clock is not asked.
    ///
    /// Who signed is for [`crate::Identity::admits`] to judge: that it was somebody says nothing.
    ///
    /// # Errors
    /// The first step that failed.
    pub fn verify(
        &self,
        root: &TrustedRoot,
        artifacts: &[Artifact<'_>],
    ) -> Result<Verified, Failed> {
        let log = Log::of(&self.entry, &root.logs)?;
        log.includes(&self.entry)?;
        let mut times: Vec<i64> = log.promised(&self.entry)?.into_iter().collect();
        for stamp in &self.stamps {
            times.push(stamp::check(stamp, self.content.signature(), &root.stampers)?);
        }
        let Some(first) = times.iter().min().copied() else {
            return Err(Step::Time.failed(
                "neither a promise of the log's nor a time-stamp proves when it was signed",
            ));
        };
        if !times.iter().all(|at| log.valid.has(*at)) {
            return Err(Step::Log.failed("its key was not in use at that time"));
        }
        let certificate = Certificate::parse(&self.certificate)
            .ok_or_else(|| Step::Certificate.failed("it cannot be read"))?;
        let mut issuer = Vec::new();
        for at in &times {
            issuer = chain::issuer(&root.authorities, &certificate, CODE_SIGNING, *at)?;
        }
        if let Some(logs) = &root.certificate_logs {
            sct::check(&certificate, &issuer, logs)?;
        }
        if !certificate.may_sign() || !certificate.is_for(CODE_SIGNING) {
            return Err(Step::Certificate.failed("it is not for signing code"));
        }
        let (name, from) = (certificate.name()?, certificate.issuer()?);
        let repository = certificate.repository()?;
        let (artifact, predicate) = self.signed(&certificate, artifacts)?;
        Ok(Verified {
            name,
            issuer: from,
            repository,
            time: first,
            artifact,
            predicate,
            certificate_logged: root.certificate_logs.is_some(),
        })
    }

    /// Which artifact the certificate's key has signed.
    fn signed(
        &self,
        certificate: &Certificate,
        artifacts: &[Artifact<'_>],
    ) -> Result<(usize, Option<String>), Failed> {
        let key = certificate
            .key
            .as_ref()
            .filter(|key| key.kind == Kind::P256)
            .ok_or_else(|| Step::Certificate.failed("its key is no ECDSA key on P-256"))?;
        let place = |fits: &dyn Fn(&Artifact<'_>) -> bool| artifacts.iter().position(fits);
        match &self.content {
            Content::Message { digest, signature } => {
                let signed = |one: &Artifact<'_>| key.signed(one.bytes, signature);
                let at = match digest {
                    // A digest that is said has to be the right one.
                    Some(digest) => place(&|one| one.sha256 == digest.as_slice())
                        .ok_or_else(|| Step::Artifact.failed("the bundle is for other bytes"))
                        .and_then(|at| match artifacts.get(at) {
                            Some(one) if signed(one) => Ok(at),
                            _ => Err(Step::Signature.failed("it is not by the certificate's key")),
                        })?,
                    None => place(&signed).ok_or_else(|| {
                        Step::Signature.failed(
                            "it is not by the certificate's key, or the bundle is for other bytes",
                        )
                    })?,
                };
                let digest = artifacts.get(at).map(|one| one.sha256).unwrap_or_default();
                self.check_entry(&digest)?;
                Ok((at, None))
            }
            Content::Envelope { payload, kind, signature } => {
                let text = self.content.signed().unwrap_or_default();
                if !key.signed(&text, signature) {
                    return Err(Step::Signature.failed("it is not by the certificate's key"));
                }
                self.check_entry(&Sha256::digest(&text))?;
                let statement = Statement::parse(kind, payload)?;
                let at = place(&|one| statement.is_about(one)).ok_or_else(|| {
                    Step::Artifact.failed("the statement is about something else")
                })?;
                Ok((at, Some(statement.predicate)))
            }
        }
    }
}
