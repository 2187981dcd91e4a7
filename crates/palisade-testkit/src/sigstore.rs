//! An instance of Sigstore that only a test trusts: authorities, a certificate log, a transparency log and a
//! time-stamping authority, each with a key made here, and bundles as the real clients write them.

use data_encoding::HEXLOWER;
use std::error::Error;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
    PublicKeyData, SanType, SerialNumber,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// Who vouches for workflows of GitHub.
pub const WORKFLOW_ISSUER: &str = "https://token.actions.githubusercontent.com";
/// When everything here is signed: 20 November 2026, 12:00 UTC. It is over, whatever the clock says.
const NOW: i64 = 1_795_176_000;
/// Entries of the log.
const ENTRIES: usize = 7;
/// The place of ours.
const OURS: usize = 4;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The instance.
#[derive(Debug)]
pub struct Sigstore {
    root: CertifiedIssuer<'static, KeyPair>,
    between: CertifiedIssuer<'static, KeyPair>,
    certificate_log: KeyPair,
    log: KeyPair,
    stamp_root: CertifiedIssuer<'static, KeyPair>,
    stamper: (KeyPair, Vec<u8>),
    /// When it is, in seconds since 1970: what the log and the time-stamping authority say.
    pub time: i64,
}

/// A certificate for some minutes, and its key.
#[derive(Debug)]
pub struct Leaf {
    /// The certificate, DER.
    pub der: Vec<u8>,
    key: KeyPair,
}

fn moment(at: i64) -> Result<OffsetDateTime> {
    Ok(OffsetDateTime::from_unix_timestamp(at)?)
}

fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "sigstore.test");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (moment(NOW - 86_400_000)?, moment(NOW + 86_400_000)?);
    params.serial_number = Some(SerialNumber::from(7_u64));
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn authority(name: &str, below: Option<u8>) -> Result<CertificateParams> {
    let mut params = named(name)?;
    params.is_ca = IsCa::Ca(match below {
        Some(most) => BasicConstraints::Constrained(most),
        None => BasicConstraints::Unconstrained,
    });
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

impl Sigstore {
    /// A new one.
    pub fn new() -> Result<Self> {
        let p384 = || KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384);
        let root = CertifiedIssuer::self_signed(authority("root", None)?, p384()?)?;
        let mut params = authority("intermediate", Some(0))?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let between = CertifiedIssuer::signed_by(params, p384()?, &root)?;
        let stamp_root = CertifiedIssuer::self_signed(authority("stamps", None)?, p384()?)?;
        let mut params = named("stamper")?;
        // A signer is named by who issued and by number: not that of the issuer, who issued itself.
        params.serial_number = Some(SerialNumber::from(9_u64));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.custom_extensions = vec![only_for_stamps()];
        let key = KeyPair::generate()?;
        let own = params.signed_by(&key, &stamp_root)?.der().to_vec();
        Ok(Self {
            root,
            between,
            certificate_log: KeyPair::generate()?,
            log: KeyPair::generate()?,
            stamp_root,
            stamper: (key, own),
            time: NOW,
        })
    }

    /// What its clients trust: a `trusted_root.json`.
    pub fn trusted_root(&self) -> Value {
        let valid = json!({"start": "2026-01-01T00:00:00Z"});
        let log = |url: &str, key: &KeyPair| {
            let spki = key.subject_public_key_info();
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(&spki),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": valid,
                },
                "logId": {"keyId": STANDARD.encode(Sha256::digest(&spki))},
            })
        };
        let authority = |url: &str, chain: &[&[u8]]| {
            let chain: Vec<Value> =
                chain.iter().map(|der| json!({"rawBytes": STANDARD.encode(der)})).collect();
            json!({
                "subject": {"organization": "sigstore.test", "commonName": "sigstore"},
                "uri": url,
                "certChain": {"certificates": chain},
                "validFor": valid,
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log("https://rekor.sigstore.test", &self.log)],
            "certificateAuthorities": [
                authority("https://fulcio.sigstore.test", &[self.between.der().as_ref(), self.root.der().as_ref()]),
            ],
            "ctlogs": [log("https://ctfe.sigstore.test", &self.certificate_log)],
            "timestampAuthorities": [
                authority("https://tsa.sigstore.test", &[&self.stamper.1, self.stamp_root.der().as_ref()]),
            ],
        })
    }

    /// A certificate for a name, which `issuer` has vouched for, as Fulcio makes them. `change` is done to it
    /// before it is signed; its log promises the changed one.
    pub fn issue(
        &self,
        name: &str,
        issuer: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<Leaf> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        (params.not_before, params.not_after) = (moment(self.time - 60)?, moment(self.time + 540)?);
        params.serial_number = Some(SerialNumber::from(77_u64));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.subject_alt_names = vec![if name.contains("://") {
            SanType::URI(name.try_into()?)
        } else {
            SanType::Rfc822Name(name.try_into()?)
        }];
        let of_issuer = |last, content| {
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, last], content)
        };
        params.custom_extensions = vec![
            of_issuer(1, issuer.as_bytes().to_vec()),
            of_issuer(8, tlv(0x0c, &[issuer.as_bytes()])),
        ];
        change(&mut params);
        let key = KeyPair::generate()?;
        let before = params.signed_by(&key, &self.between)?;
        let list = self.promised(before.der())?;
        let mut promise = CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2],
            tlv(4, &[&list]),
        );
        promise.set_criticality(false);
        params.custom_extensions.push(promise);
        Ok(Leaf { der: params.signed_by(&key, &self.between)?.der().to_vec(), key })
    }

    /// The certificate log's promise (RFC 6962, 3.3), in a list of one.
    fn promised(&self, certificate: &[u8]) -> Result<Vec<u8>> {
        let body = first_inside(certificate).ok_or("no certificate")?;
        let time = u64::try_from(self.time)? * 1000;
        let issuer = Sha256::digest(self.between.key().subject_public_key_info());
        let signed = [
            &[0, 0][..],
            &time.to_be_bytes(),
            &[0, 1],
            &issuer,
            &u32::try_from(body.len())?.to_be_bytes()[1..],
            body,
            &[0, 0],
        ]
        .concat();
        let signature = sign(&self.certificate_log, &signed)?;
        let log = Sha256::digest(self.certificate_log.subject_public_key_info());
        let one = [
            &[0][..],
            &log,
            &time.to_be_bytes(),
            &[0, 0, 4, 3],
            &u16::try_from(signature.len())?.to_be_bytes(),
            &signature,
        ]
        .concat();
        let one = [&u16::try_from(one.len())?.to_be_bytes()[..], &one].concat();
        Ok([&u16::try_from(one.len())?.to_be_bytes()[..], &one].concat())
    }

    /// A bundle, version 0.3, of a file's bytes.
    pub fn message(&self, leaf: &Leaf, bytes: &[u8]) -> Result<Value> {
        let signature = leaf.sign(bytes)?;
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": HEXLOWER.encode(&Sha256::digest(bytes))}},
                "signature": {
                    "content": STANDARD.encode(&signature),
                    "publicKey": {"content": STANDARD.encode(leaf.pem())},
                },
            },
        });
        let content = json!({
            "messageDigest": {"algorithm": "SHA2_256", "digest": STANDARD.encode(Sha256::digest(bytes))},
            "signature": STANDARD.encode(&signature),
        });
        self.bundle(leaf, ("hashedrekord", &body), ("messageSignature", content))
    }

    /// A bundle, version 0.3, of a statement of in-toto.
    pub fn statement(&self, leaf: &Leaf, statement: &Value) -> Result<Value> {
        let payload = statement.to_string();
        let kind = "application/vnd.in-toto+json";
        let signed = format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len());
        let signature = STANDARD.encode(leaf.sign(signed.as_bytes())?);
        let envelope = json!({
            "payload": STANDARD.encode(&payload),
            "payloadType": kind,
            "signatures": [{"sig": signature}],
        });
        let digest = |text: &str| json!({"algorithm": "sha256", "value": HEXLOWER.encode(&Sha256::digest(text))});
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": digest(&envelope.to_string()),
                "payloadHash": digest(&payload),
                "signatures": [{"signature": signature, "verifier": STANDARD.encode(leaf.pem())}],
            },
        });
        self.bundle(leaf, ("dsse", &body), ("dsseEnvelope", envelope))
    }

    fn bundle(
        &self,
        leaf: &Leaf,
        (kind, body): (&str, &Value),
        (place, content): (&str, Value),
    ) -> Result<Value> {
        let version = body["apiVersion"].as_str().unwrap_or_default();
        let mut bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": STANDARD.encode(&leaf.der)},
                "tlogEntries": [self.entry(kind, version, body.to_string().as_bytes())?],
            },
        });
        bundle[place] = content;
        Ok(bundle)
    }

    /// The transparency log's entry with this body, signed by the log as it stands there.
    pub fn entry(&self, kind: &str, version: &str, body: &[u8]) -> Result<Value> {
        let id = Sha256::digest(self.log.subject_public_key_info());
        let index = 1_000_000 + OURS;
        let encoded = STANDARD.encode(body);
        let (time, log) = (self.time, HEXLOWER.encode(&id));
        let promise = format!(
            r#"{{"body":"{encoded}","integratedTime":{time},"logID":"{log}","logIndex":{index}}}"#
        );
        let leaves: Vec<[u8; 32]> = (0..ENTRIES)
            .map(|at| if at == OURS { leaf(body) } else { leaf(format!("entry {at}").as_bytes()) })
            .collect();
        let root = STANDARD.encode(tree(&leaves));
        let hashes: Vec<String> =
            path(&leaves, OURS).iter().map(|hash| STANDARD.encode(hash)).collect();
        Ok(json!({
            "logIndex": index.to_string(),
            "logId": {"keyId": STANDARD.encode(id)},
            "kindVersion": {"kind": kind, "version": version},
            "integratedTime": time.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": STANDARD.encode(sign(&self.log, promise.as_bytes())?),
            },
            "inclusionProof": {
                "logIndex": OURS.to_string(),
                "rootHash": root,
                "treeSize": ENTRIES.to_string(),
                "hashes": hashes,
                "checkpoint": {"envelope": self.checkpoint(ENTRIES, &root)?},
            },
            "canonicalizedBody": encoded,
        }))
    }

    /// The log's signed word that its tree has this size and this root hash.
    pub fn checkpoint(&self, size: usize, root: &str) -> Result<String> {
        let note = format!("rekor.sigstore.test - 1\n{size}\n{root}\n");
        let id = Sha256::digest(self.log.subject_public_key_info());
        let signature = [&id[..4], &sign(&self.log, note.as_bytes())?].concat();
        Ok(format!("{note}\n\u{2014} rekor.sigstore.test {}\n", STANDARD.encode(signature)))
    }

    /// A time-stamp (RFC 3161) of these bytes, as a server answers.
    pub fn stamp(&self, of: &[u8]) -> Result<Vec<u8>> {
        let time = moment(self.time)?;
        let time = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}Z",
            time.year(),
            u8::from(time.month()),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
        let sha256 = tlv(0x30, &[&tlv(6, &[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]]), &[5, 0]]);
        let info_id = tlv(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 1, 4]]);
        let info = tlv(
            0x30,
            &[
                &[2, 1, 1],
                &tlv(6, &[&[0x2a, 3, 4]]),
                &tlv(0x30, &[&sha256, &tlv(4, &[&Sha256::digest(of)])]),
                &[2, 1, 9],
                &tlv(0x18, &[time.as_bytes()]),
            ],
        );
        let attribute = |last: u8, value: &[u8]| {
            let id = tlv(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, last]]);
            tlv(0x30, &[&id, &tlv(0x31, &[value])])
        };
        let kind = attribute(3, &info_id);
        let digest = attribute(4, &tlv(4, &[&Sha256::digest(&info)]));
        let attributes = [kind, digest];
        let signed = tlv(0x31, &[&attributes[0], &attributes[1]]);
        let signature = sign(&self.stamper.0, &signed)?;
        let names = first_name_of(&self.stamper.1).ok_or("no certificate")?;
        let signer = tlv(
            0x30,
            &[
                &[2, 1, 1],
                &tlv(0x30, &[&names, &[2, 1, 9]]),
                &sha256,
                &tlv(0xa0, &[&attributes[0], &attributes[1]]),
                &tlv(0x30, &[&tlv(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]),
                &tlv(4, &[&signature]),
            ],
        );
        let data = tlv(
            0x30,
            &[
                &[2, 1, 3],
                &tlv(0x31, &[&sha256]),
                &tlv(0x30, &[&info_id, &tlv(0xa0, &[&tlv(4, &[&info])])]),
                &tlv(0x31, &[&signer]),
            ],
        );
        let id = tlv(6, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]]);
        Ok(tlv(0x30, &[&tlv(0x30, &[&[2, 1, 0]]), &tlv(0x30, &[&id, &tlv(0xa0, &[&data])])]))
    }
}

impl Leaf {
    /// A signature (ECDSA, SHA-256) of these bytes.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        sign(&self.key, bytes)
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).filter_map(|line| str::from_utf8(line).ok()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }
}

/// Extended key usage, critical: time-stamping, and nothing else.
fn only_for_stamps() -> CustomExtension {
    let id = tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 3, 8]]);
    let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], tlv(0x30, &[&id]));
    usage.set_criticality(true);
    usage
}

fn sign(key: &KeyPair, message: &[u8]) -> Result<Vec<u8>> {
    let random = SystemRandom::new();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der(), &random)
            .map_err(|error| error.to_string())?;
    Ok(pair.sign(&random, message).map_err(|error| error.to_string())?.as_ref().to_vec())
}

fn tlv(tag: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let content = pieces.concat();
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut out = match (high, low) {
        (0, 0..=0x7f) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend(content);
    out
}

/// Bytes of a value's head, and of what is in it.
fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes {
        [_, short @ 0..=0x7f, ..] => Some((2, usize::from(*short))),
        [_, 0x81, length, ..] => Some((3, usize::from(*length))),
        [_, 0x82, high, low, ..] => Some((4, usize::from(u16::from_be_bytes([*high, *low])))),
        _ => None,
    }
}

/// The first value in a value, whole.
fn first_inside(bytes: &[u8]) -> Option<&[u8]> {
    let inside = bytes.get(lengths(bytes)?.0..)?;
    let (head, length) = lengths(inside)?;
    inside.get(..head + length)
}

/// Who issued a certificate: the fourth value of its signed part.
fn first_name_of(certificate: &[u8]) -> Option<Vec<u8>> {
    let body = first_inside(certificate)?;
    let mut rest = body.get(lengths(body)?.0..)?;
    for _ in 0..3 {
        let (head, length) = lengths(rest)?;
        rest = rest.get(head + length..)?;
    }
    let (head, length) = lengths(rest)?;
    rest.get(..head + length).map(<[u8]>::to_vec)
}

fn leaf(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest([&[0][..], bytes].concat()).into()
}

/// The root of a tree (RFC 6962, 2.1).
fn tree(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            Sha256::digest([&[1][..], &tree(left), &tree(right)].concat()).into()
        }
    }
}

/// The way from a leaf to the root (RFC 6962, 2.1.1).
fn path(leaves: &[[u8; 32]], at: usize) -> Vec<[u8; 32]> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut way, other) = match at.checked_sub(left.len()) {
        None => (path(left, at), tree(right)),
        Some(at) => (path(right, at), tree(left)),
    };
    way.push(other);
    way
}

/// The largest power of two below it.
fn split(many: usize) -> usize {
    many.next_power_of_two() / 2
}
