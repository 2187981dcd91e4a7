use std::{borrow::Cow, fmt};

use thiserror::Error;

/// Why a bundle, a trusted root or an identity is not taken: at which step, and what was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{step}: {why}")]
pub struct Failed {
    /// Where it went wrong.
    pub step: Step,
    /// What is wrong.
    pub why: Cow<'static, str>,
}

/// The steps of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Reading the operator's trusted root.
    Root,
    /// Reading the bundle.
    Bundle,
    /// Finding the transparency log in the trusted root.
    Log,
    /// The log's signature of its size and root hash.
    Checkpoint,
    /// The entry's way to that root hash.
    Inclusion,
    /// The log's signed promise, with the time.
    Promise,
    /// A time-stamp of RFC 3161.
    Stamp,
    /// That a time is proved at all.
    Time,
    /// The certificate's way to the trusted root.
    Chain,
    /// What the certificate says.
    Certificate,
    /// The certificate's own log.
    CertificateLog,
    /// The signature by the certificate's key.
    Signature,
    /// That the log's entry is of this signature.
    Entry,
    /// The statement that was signed.
    Statement,
    /// That what was signed is what is there.
    Artifact,
    /// That the signer is who is trusted.
    Identity,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Root => "the trusted root",
            Step::Bundle => "the bundle's form",
            Step::Log => "the transparency log",
            Step::Checkpoint => "the log's checkpoint",
            Step::Inclusion => "the log's inclusion proof",
            Step::Promise => "the log's inclusion promise",
            Step::Stamp => "the time-stamp",
            Step::Time => "the time of signing",
            Step::Chain => "the certificate's chain",
            Step::Certificate => "the certificate",
            Step::CertificateLog => "the certificate's log (SCT)",
            Step::Signature => "the signature",
            Step::Entry => "the log's entry",
            Step::Statement => "the signed statement",
            Step::Artifact => "what was signed",
            Step::Identity => "the signer's identity",
        })
    }
}

impl Step {
    /// That this step failed, and why.
    pub(crate) fn failed(self, why: impl Into<Cow<'static, str>>) -> Failed {
        Failed { step: self, why: why.into() }
    }
}
