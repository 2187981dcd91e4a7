//! Whom the operator trusts: a `trusted_root.json` as Sigstore's clients have it.

use rustls_pki_types::CertificateDer;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    Failed,
    certificate::{self, Certificate},
    chain::Authority,
    failed::Step,
    json::{self, Bytes},
    key::{Key, Kind},
    stamp::Stamper,
    window::{ValidFor, Window},
};

/// Bytes of a trusted root.
pub const MOST_OF_ROOT: usize = 1 << 20;
/// Logs, or authorities, of each kind.
const MOST: usize = 64;
const VERSION: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

/// A log that signs.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) id: Vec<u8>,
    /// How its checkpoints name its key: the first four bytes of that key's id.
    pub(crate) hint: [u8; 4],
    pub(crate) key: Key,
    pub(crate) valid: Window,
}

/// The keys and authorities of one instance of Sigstore.
#[derive(Debug, Clone)]
pub struct TrustedRoot {
    pub(crate) logs: Vec<Log>,
    pub(crate) certificate_logs: Option<Vec<Log>>,
    pub(crate) authorities: Vec<Authority>,
    pub(crate) stampers: Vec<Stamper>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    media_type: String,
    #[serde(default, deserialize_with = "json::list")]
    tlogs: Vec<WrittenLog>,
    #[serde(default, deserialize_with = "json::list")]
    certificate_authorities: Vec<WrittenAuthority>,
    #[serde(default, deserialize_with = "json::list")]
    ctlogs: Vec<WrittenLog>,
    #[serde(default, deserialize_with = "json::list")]
    timestamp_authorities: Vec<WrittenAuthority>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenLog {
    #[serde(rename = "baseUrl")]
    _base_url: Option<IgnoredAny>,
    hash_algorithm: String,
    public_key: WrittenKey,
    log_id: Option<WrittenId>,
    checkpoint_key_id: Option<WrittenId>,
    #[serde(rename = "operator")]
    _operator: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenKey {
    raw_bytes: Bytes,
    key_details: String,
    valid_for: Option<ValidFor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenId {
    key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenAuthority {
    #[serde(rename = "subject")]
    _subject: Option<IgnoredAny>,
    #[serde(rename = "uri")]
    _uri: Option<IgnoredAny>,
    cert_chain: WrittenChain,
    valid_for: Option<ValidFor>,
    #[serde(rename = "operator")]
    _operator: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenChain {
    certificates: Vec<WrittenCertificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct WrittenCertificate {
    pub(crate) raw_bytes: Bytes,
}

impl TrustedRoot {
    /// Reads a `trusted_root.json`, version 0.1. Whose it is and whether it is the newest is for the operator to know:
    /// nothing in it is signed.
    ///
    /// A log with a key that is neither ECDSA (P-256, P-384) nor Ed25519, or that does not say since when it
    /// is in use, is left out: nothing of it is taken.
    ///
    /// # Errors
    /// It has another form, or nothing in it can be used.
    pub fn parse(text: &str) -> Result<Self, Failed> {
        let wrong = |why: &'static str| Step::Root.failed(why);
        if text.len() > MOST_OF_ROOT {
            return Err(wrong("it is too large"));
        }
        let written: Written = json::read(text.as_bytes()).map_err(|why| Step::Root.failed(why))?;
        if written.media_type != VERSION {
            return Err(wrong("its version is not known; 0.1 is"));
        }
        // Where there are some, but none that can be used, no certificate is taken.
        let any = !written.ctlogs.is_empty();
        let certificate_logs = any.then(|| logs(written.ctlogs)).transpose()?;
        let logs = logs(written.tlogs)?;
        let authorities = chains(written.certificate_authorities, authority)?;
        let stampers = chains(written.timestamp_authorities, Stamper::of)?;
        if logs.is_empty() || authorities.is_empty() {
            return Err(wrong("it has no transparency log, or no authority, that can be used"));
        }
        Ok(Self { logs, certificate_logs, authorities, stampers })
    }
}

fn logs(written: Vec<WrittenLog>) -> Result<Vec<Log>, Failed> {
    if written.len() > MOST {
        return Err(Step::Root.failed("it has too many logs"));
    }
    let mut logs: Vec<Log> = Vec::new();
    for log in written.into_iter().filter_map(log) {
        if logs.iter().any(|other| other.id == log.id) {
            return Err(Step::Root.failed("it has two logs with the same id"));
        }
        logs.push(log);
    }
    Ok(logs)
}

fn log(written: WrittenLog) -> Option<Log> {
    let key = Key::of_spki(&written.public_key.raw_bytes.0)?;
    let kind = match written.public_key.key_details.as_str() {
        "PKIX_ECDSA_P256_SHA_256" => Kind::P256,
        "PKIX_ECDSA_P384_SHA_384" => Kind::P384,
        "PKIX_ED25519" => Kind::Ed25519,
        _ => return None,
    };
    if kind != key.kind || written.hash_algorithm != "SHA2_256" {
        return None;
    }
    let id = written.log_id?.key_id.0;
    let named = written.checkpoint_key_id.map_or_else(|| id.clone(), |id| id.key_id.0);
    let hint = *named.first_chunk()?;
    Some(Log { id, hint, key, valid: Window::of(written.public_key.valid_for)? })
}

/// An authority's certificates, its own last, and when it is in use.
pub(crate) struct Chain {
    pub(crate) root: Certificate,
    pub(crate) others: Vec<Certificate>,
    pub(crate) valid: Window,
}

fn chains<T>(
    written: Vec<WrittenAuthority>,
    make: impl Fn(Chain) -> Option<T>,
) -> Result<Vec<T>, Failed> {
    if written.len() > MOST {
        return Err(Step::Root.failed("it has too many authorities"));
    }
    let unread = || Step::Root.failed("an authority's certificates cannot be read");
    let each = written.into_iter().map(|written| {
        let certificates = written.cert_chain.certificates;
        if certificates.len() > MOST {
            return Err(unread());
        }
        let parsed: Option<Vec<_>> =
            certificates.iter().map(|one| Certificate::parse(&one.raw_bytes.0)).collect();
        let mut others = parsed.ok_or_else(unread)?;
        let root = others.pop().ok_or_else(unread)?;
        let valid = Window::of(written.valid_for).ok_or_else(unread)?;
        make(Chain { root, others, valid }).ok_or_else(unread)
    });
    each.collect()
}

fn authority(Chain { root, others, valid }: Chain) -> Option<Authority> {
    let between = others.into_iter().map(|one| CertificateDer::from(one.der)).collect();
    Some(Authority { root, between, valid })
}

impl Stamper {
    /// Who signs stands first.
    fn of(Chain { root, others, valid }: Chain) -> Option<Self> {
        let mut others = others.into_iter();
        let own = others.next()?;
        let between = others.map(|one| CertificateDer::from(one.der)).collect();
        if !own.is_for(certificate::TIME_STAMPING) {
            return None;
        }
        let key = own.key.clone()?;
        Some(Self { key, own, authority: Authority { root, between, valid } })
    }
}
