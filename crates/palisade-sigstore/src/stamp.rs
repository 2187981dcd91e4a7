//! Time-stamps of RFC 3161: CMS (RFC 5652) around a `TSTInfo`, signed by an authority that the operator has
//! pinned. Certificates that come with one are not looked at.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::{
    Failed,
    certificate::{Certificate, TIME_STAMPING},
    chain::Authority,
    der::{self, Der, INTEGER, OCTETS, OID, SEQUENCE, SET, TIME},
    failed::Step,
    key::{Hashed, Key},
};

/// Bytes of an answer that are looked at.
pub(crate) const MOST: usize = 64 * 1024;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];

/// Who makes time-stamps.
#[derive(Debug, Clone)]
pub(crate) struct Stamper {
    pub(crate) own: Certificate,
    pub(crate) key: Key,
    pub(crate) authority: Authority,
}

/// The moment, in seconds since 1970, at which one of these had this text before it.
pub(crate) fn check(answer: &[u8], text: &[u8], stampers: &[Stamper]) -> Result<i64, Failed> {
    let wrong = |why: &'static str| Step::Stamp.failed(why);
    if answer.len() > MOST {
        return Err(wrong("it is too large"));
    }
    let stamp = Stamp::parse(answer).ok_or_else(|| {
        wrong("it is no granted answer of RFC 3161 with one ECDSA signature that can be read")
    })?;
    if !stamp.is_of(text) {
        return Err(wrong("it is of another signature"));
    }
    let signed = |one: &&Stamper| one.key.signed_by(stamp.hashed, &stamp.signed, stamp.signature);
    let stamper = stampers
        .iter()
        .find(signed)
        .ok_or_else(|| wrong("no time-stamping authority of the trusted root signed it"))?;
    let at = stamp.info.time;
    let issued = stamper.authority.issued(&stamper.own, TIME_STAMPING, at);
    issued.map_err(|failed| Step::Stamp.failed(format!("its authority: {}", failed.why)))?;
    Ok(at)
}

struct Stamp<'a> {
    info: Info<'a>,
    hashed: Hashed,
    /// What the signature is of.
    signed: Vec<u8>,
    signature: &'a [u8],
}

impl<'a> Stamp<'a> {
    fn parse(answer: &'a [u8]) -> Option<Self> {
        let mut response = der::only(answer, SEQUENCE)?;
        match response.inside(SEQUENCE)?.take(INTEGER)?.content {
            [0 | 1] => {}
            _ => return None,
        }
        let mut content = response.inside(SEQUENCE)?;
        response.end()?;
        content.is(OID, SIGNED_DATA)?;
        let mut wrapped = content.inside(0xa0)?;
        content.end()?;
        let mut data = wrapped.inside(SEQUENCE)?;
        wrapped.end()?;
        data.take(INTEGER)?;
        data.take(SET)?;
        let mut enclosed = data.inside(SEQUENCE)?;
        enclosed.is(OID, TST_INFO)?;
        let mut text = enclosed.inside(0xa0)?;
        enclosed.end()?;
        let info = text.take(OCTETS)?.content;
        text.end()?;
        // Certificates and lists of revoked ones.
        data.take(0xa0);
        data.take(0xa1);
        let mut signers = data.inside(SET)?;
        data.end()?;
        let signer = signers.inside(SEQUENCE)?;
        signers.end()?;
        let (hashed, signed, signature) = signer_of(signer, info)?;
        let info = Info::parse(info)?;
        Some(Self { info, hashed, signed, signature })
    }

    fn is_of(&self, text: &[u8]) -> bool {
        digest_by(self.info.algorithm, text).is_some_and(|own| own == self.info.digest)
    }
}

/// `SignerInfo` of RFC 5652, 5.3: what is signed are its attributes, of which one is the text's digest.
fn signer_of<'a>(mut signer: Der<'a>, info: &[u8]) -> Option<(Hashed, Vec<u8>, &'a [u8])> {
    signer.take(INTEGER)?;
    // By whose name or key number: it is his key that counts.
    signer.any()?;
    let algorithm = algorithm(&mut signer)?;
    let attributes = signer.take(0xa0)?.content;
    let hashed = match signer.inside(SEQUENCE)?.take(OID)?.content {
        ECDSA_SHA256 => Hashed::Sha256,
        ECDSA_SHA384 => Hashed::Sha384,
        _ => return None,
    };
    let signature = signer.take(OCTETS)?.content;
    let (mut kind, mut digest) = (None, None);
    let mut list = Der(attributes);
    while let Some(mut attribute) = list.inside(SEQUENCE) {
        let id = attribute.take(OID)?.content;
        let mut values = attribute.inside(SET)?;
        attribute.end()?;
        let place = match id {
            CONTENT_TYPE => &mut kind,
            MESSAGE_DIGEST => &mut digest,
            _ => continue,
        };
        let value = values.any()?;
        values.end()?;
        if place.replace((value.tag, value.content)).is_some() {
            return None;
        }
    }
    list.end()?;
    let own = digest_by(algorithm, info)?;
    let fits = kind == Some((OID, TST_INFO)) && digest == Some((OCTETS, own.as_slice()));
    fits.then(|| (hashed, der::value(SET, &[attributes]), signature))
}

/// What a `TSTInfo` says (RFC 3161, 2.4.2): the digest of what was stamped, and when.
struct Info<'a> {
    algorithm: &'a [u8],
    digest: &'a [u8],
    time: i64,
}

impl<'a> Info<'a> {
    fn parse(info: &'a [u8]) -> Option<Self> {
        let mut info = der::only(info, SEQUENCE)?;
        info.is(INTEGER, &[1])?;
        info.take(OID)?;
        let mut imprint = info.inside(SEQUENCE)?;
        let algorithm = algorithm(&mut imprint)?;
        let digest = imprint.take(OCTETS)?.content;
        imprint.end()?;
        info.take(INTEGER)?;
        let time = der::moment(info.take(TIME)?)?;
        Some(Self { algorithm, digest, time })
    }
}

fn algorithm<'a>(from: &mut Der<'a>) -> Option<&'a [u8]> {
    from.inside(SEQUENCE)?.take(OID).map(|value| value.content)
}

fn digest_by(algorithm: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        SHA256 => Some(Sha256::digest(text).to_vec()),
        SHA384 => Some(Sha384::digest(text).to_vec()),
        SHA512 => Some(Sha512::digest(text).to_vec()),
        _ => None,
    }
}
