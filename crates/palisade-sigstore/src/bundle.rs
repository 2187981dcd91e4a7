//! What a bundle says, as it stands there. Nothing of it is believed yet.

use serde::Deserialize;

use crate::{
    Failed,
    failed::Step,
    json::{self, Bytes, Number},
    root::WrittenCertificate,
};

/// Bytes of a bundle.
pub const MOST_OF_BUNDLE: usize = 256 * 1024;
/// Time-stamps that one may bring.
const MOST_STAMPS: usize = 8;
/// Certificates that one of the versions before 0.3 may bring.
const MOST_CERTIFICATES: usize = 8;
/// Hashes of a proof: what a tree of 2^64 entries needs.
const MOST_HASHES: usize = 64;

const V0_1: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const V0_2: &str = "application/vnd.dev.sigstore.bundle+json;version=0.2";
const V0_3: [&str; 2] = [
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
];

/// A bundle: a signature and what it takes to verify it.
#[derive(Debug, Clone)]
pub struct Bundle {
    pub(crate) certificate: Vec<u8>,
    pub(crate) entry: LogEntry,
    pub(crate) stamps: Vec<Vec<u8>>,
    pub(crate) content: Content,
}

/// What is signed.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// The bytes of a file.
    Message { digest: Option<Vec<u8>>, signature: Vec<u8> },
    /// An envelope (DSSE) with a statement.
    Envelope { payload: Vec<u8>, kind: String, signature: Vec<u8> },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct LogEntry {
    pub(crate) log_index: Number,
    pub(crate) log_id: LogId,
    pub(crate) kind_version: KindVersion,
    pub(crate) integrated_time: Option<Number>,
    pub(crate) inclusion_promise: Option<Promise>,
    pub(crate) inclusion_proof: Option<Proof>,
    pub(crate) canonicalized_body: Bytes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct LogId {
    pub(crate) key_id: Bytes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KindVersion {
    pub(crate) kind: String,
    pub(crate) version: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Promise {
    pub(crate) signed_entry_timestamp: Bytes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Proof {
    /// The first entry's number is left out.
    #[serde(default = "zero")]
    pub(crate) log_index: Number,
    pub(crate) root_hash: Bytes,
    pub(crate) tree_size: Number,
    #[serde(default, deserialize_with = "json::list")]
    pub(crate) hashes: Vec<Bytes>,
    pub(crate) checkpoint: Option<Checkpoint>,
}

fn zero() -> Number {
    Number(0)
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoint {
    pub(crate) envelope: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    media_type: String,
    verification_material: Material,
    message_signature: Option<WrittenMessage>,
    dsse_envelope: Option<WrittenEnvelope>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Material {
    certificate: Option<WrittenCertificate>,
    x509_certificate_chain: Option<WrittenChain>,
    #[serde(default, deserialize_with = "json::list")]
    tlog_entries: Vec<LogEntry>,
    timestamp_verification_data: Option<Stamps>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenChain {
    certificates: Vec<WrittenCertificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Stamps {
    #[serde(default, deserialize_with = "json::list")]
    rfc3161_timestamps: Vec<WrittenStamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenStamp {
    signed_timestamp: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenMessage {
    message_digest: Option<WrittenDigest>,
    signature: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDigest {
    algorithm: String,
    digest: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenEnvelope {
    payload: Bytes,
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSignature {
    sig: Bytes,
    /// A hint that nobody signed.
    #[serde(rename = "keyid")]
    _keyid: Option<String>,
}

impl Bundle {
    /// Reads a bundle of version 0.1, 0.2 or 0.3.
    ///
    /// # Errors
    /// It has another form or another version, or more than one of what has to be one.
    pub fn parse(text: &str) -> Result<Self, Failed> {
        let wrong = |why: &'static str| Step::Bundle.failed(why);
        if text.len() > MOST_OF_BUNDLE {
            return Err(wrong("it is too large"));
        }
        let written: Written =
            json::read(text.as_bytes()).map_err(|why| Step::Bundle.failed(why))?;
        let Material {
            certificate,
            x509_certificate_chain,
            tlog_entries,
            timestamp_verification_data,
        } = written.verification_material;
        let certificate = match written.media_type.as_str() {
            V0_1 | V0_2 => {
                // The first is the signer's. The others are not looked at: the trusted root has them.
                let chain = x509_certificate_chain
                    .filter(|chain| {
                        certificate.is_none() && chain.certificates.len() <= MOST_CERTIFICATES
                    })
                    .ok_or_else(|| wrong("it has not exactly the certificates of its version"))?;
                chain.certificates.into_iter().next()
            }
            version if V0_3.contains(&version) => {
                certificate.filter(|_| x509_certificate_chain.is_none())
            }
            _ => return Err(wrong("its version is not known; 0.1, 0.2 and 0.3 are")),
        };
        let certificate =
            certificate.ok_or_else(|| wrong("it has no certificate of who signed"))?.raw_bytes.0;
        let [entry] = <[LogEntry; 1]>::try_from(tlog_entries)
            .map_err(|_| wrong("it has not exactly one entry of a transparency log"))?;
        let hashes = entry.inclusion_proof.as_ref().map_or(0, |proof| proof.hashes.len());
        let stamps = timestamp_verification_data.map(|data| data.rfc3161_timestamps);
        let stamps: Vec<_> =
            stamps.unwrap_or_default().into_iter().map(|one| one.signed_timestamp.0).collect();
        if hashes > MOST_HASHES || stamps.len() > MOST_STAMPS {
            return Err(wrong("it has more hashes or time-stamps than one needs"));
        }
        let content = match (written.message_signature, written.dsse_envelope) {
            (Some(message), None) => message.content()?,
            (None, Some(envelope)) => envelope.content()?,
            _ => return Err(wrong("it has not exactly one signature or envelope")),
        };
        Ok(Self { certificate, entry, stamps, content })
    }
}

impl WrittenMessage {
    fn content(self) -> Result<Content, Failed> {
        let digest = match self.message_digest {
            Some(WrittenDigest { algorithm, digest }) if algorithm == "SHA2_256" => Some(digest.0),
            Some(_) => {
                return Err(
                    Step::Bundle.failed("the message's digest is of a kind that is not known")
                );
            }
            None => None,
        };
        Ok(Content::Message { digest, signature: self.signature.0 })
    }
}

impl WrittenEnvelope {
    fn content(self) -> Result<Content, Failed> {
        let [signature] = <[WrittenSignature; 1]>::try_from(self.signatures)
            .map_err(|_| Step::Bundle.failed("its envelope has not exactly one signature"))?;
        let signature = signature.sig.0;
        Ok(Content::Envelope { payload: self.payload.0, kind: self.payload_type, signature })
    }
}

impl Content {
    pub(crate) fn signature(&self) -> &[u8] {
        match self {
            Content::Message { signature, .. } | Content::Envelope { signature, .. } => signature,
        }
    }

    /// What the signature is of: an envelope's type and text (DSSE's `PAE`), or the file itself.
    pub(crate) fn signed(&self) -> Option<Vec<u8>> {
        match self {
            Content::Message { .. } => None,
            Content::Envelope { payload, kind, .. } => {
                let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
                Some([head.as_bytes(), payload].concat())
            }
        }
    }
}
