//! What stands in the log's entry. It has to be this signature, by this certificate, of this text: else the
//! log's word would be about something else (CVE-2022-36056).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    Failed,
    bundle::{Bundle, Content},
    failed::Step,
    json::{self, Bytes},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body {
    api_version: String,
    kind: String,
    spec: Value,
}

/// `hashedrekord` 0.0.1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedV1 {
    data: HashedData,
    signature: HashedSignature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedData {
    hash: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hash {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HashedSignature {
    content: Bytes,
    public_key: PemContent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PemContent {
    content: Bytes,
}

/// `dsse` 0.0.1. The envelope's own hash is of JSON that nobody has any more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct DsseV1 {
    #[serde(rename = "envelopeHash")]
    _envelope_hash: Hash,
    payload_hash: Hash,
    signatures: Vec<DsseSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseSignature {
    signature: Bytes,
    verifier: Bytes,
}

/// `intoto` 0.0.2.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InTotoV2 {
    content: InTotoContent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InTotoContent {
    envelope: InTotoEnvelope,
    #[serde(rename = "hash")]
    _hash: Hash,
    payload_hash: Hash,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InTotoEnvelope {
    payload_type: String,
    signatures: Vec<InTotoSignature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct InTotoSignature {
    /// In base64 twice.
    sig: Bytes,
    public_key: Bytes,
    #[serde(rename = "keyid")]
    _keyid: Option<String>,
}

/// `hashedrekord` 0.0.2, of the second version of the log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct HashedV2 {
    hashed_rekord_v002: HashedV2Content,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedV2Content {
    data: DigestV2,
    signature: SignatureV2,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestV2 {
    algorithm: String,
    digest: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureV2 {
    content: Bytes,
    verifier: VerifierV2,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VerifierV2 {
    key_details: String,
    x509_certificate: crate::root::WrittenCertificate,
}

impl Bundle {
    /// `digest`: the SHA-256 of what the signature is of.
    pub(crate) fn check_entry(&self, digest: &[u8]) -> Result<(), Failed> {
        let (certificate, signature) = (self.certificate.as_slice(), self.content.signature());
        let named = &self.entry.kind_version;
        let body: Body = read(&self.entry.canonicalized_body.0)?;
        if (&body.kind, &body.api_version) != (&named.kind, &named.version) {
            return Err(Step::Entry.failed("it is of another kind or version than the bundle says"));
        }
        let (same_text, same_signature, same_certificate) =
            match (named.kind.as_str(), named.version.as_str(), &self.content) {
                ("hashedrekord", "0.0.1", Content::Message { .. }) => {
                    let HashedV1 { data, signature: of } = spec(body.spec)?;
                    (
                        data.hash.is(digest),
                        of.content.0 == signature,
                        is_pem_of(&of.public_key.content.0, certificate),
                    )
                }
                ("hashedrekord", "0.0.2", _) => {
                    let HashedV2Content { data, signature: of } =
                        spec::<HashedV2>(body.spec)?.hashed_rekord_v002;
                    (
                        data.algorithm == "SHA2_256" && data.digest.0 == digest,
                        of.content.0 == signature,
                        of.verifier.key_details == "PKIX_ECDSA_P256_SHA_256"
                            && of.verifier.x509_certificate.raw_bytes.0 == certificate,
                    )
                }
                ("dsse", "0.0.1", Content::Envelope { payload, .. }) => {
                    let DsseV1 { payload_hash, signatures, .. } = spec(body.spec)?;
                    let of = one(signatures)?;
                    (
                        payload_hash.is(&Sha256::digest(payload)),
                        of.signature.0 == signature,
                        is_pem_of(&of.verifier.0, certificate),
                    )
                }
                ("intoto", "0.0.2", Content::Envelope { payload, kind, .. }) => {
                    let InTotoContent { envelope, payload_hash, .. } =
                        spec::<InTotoV2>(body.spec)?.content;
                    let of = one(envelope.signatures)?;
                    let once = STANDARD.decode(&of.sig.0).unwrap_or_default();
                    (
                        payload_hash.is(&Sha256::digest(payload)) && envelope.payload_type == *kind,
                        once == signature,
                        is_pem_of(&of.public_key.0, certificate),
                    )
                }
                _ => {
                    return Err(Step::Entry.failed(
                        "it is of a kind or version that is not known, or not one for this bundle",
                    ));
                }
            };
        let other = match (same_text, same_signature, same_certificate) {
            (true, true, true) => return Ok(()),
            (false, ..) => "it is of another text",
            (_, false, _) => "it is of another signature",
            (.., false) => "it is of another certificate",
        };
        Err(Step::Entry.failed(other))
    }
}

impl Hash {
    fn is(&self, digest: &[u8]) -> bool {
        self.algorithm == "sha256" && self.value == HEXLOWER.encode(digest)
    }
}

fn one<T>(all: Vec<T>) -> Result<T, Failed> {
    <[T; 1]>::try_from(all)
        .map(|[one]| one)
        .map_err(|_| Step::Entry.failed("it has not exactly one signature"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failed> {
    json::read(body).map_err(|why| Step::Entry.failed(why))
}

fn spec<T: DeserializeOwned>(spec: Value) -> Result<T, Failed> {
    serde_json::from_value(spec)
        .map_err(|error| Step::Entry.failed(palisade_core::shown(&error.to_string(), 200)))
}

/// Whether this is the PEM of exactly this certificate.
fn is_pem_of(pem: &[u8], certificate: &[u8]) -> bool {
    let body = str::from_utf8(pem).ok().and_then(|text| {
        let text = text.trim_end_matches(['\r', '\n']);
        let text = text.strip_prefix("-----BEGIN CERTIFICATE-----")?;
        text.strip_suffix("-----END CERTIFICATE-----")
    });
    let Some(body) = body else { return false };
    let body: String = body.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    STANDARD.decode(body).is_ok_and(|der| der == certificate)
}
