use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ED25519, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::der::{self, BITS, OID, SEQUENCE};

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ON_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ON_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const EDWARDS: &[u8] = &[0x2b, 0x65, 0x70];

/// Kinds of keys that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    P256,
    P384,
    Ed25519,
}

/// Hashes that ECDSA is used with here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hashed {
    Sha256,
    Sha384,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    bytes: Vec<u8>,
}

impl Key {
    /// Reads a `SubjectPublicKeyInfo` of a kind that is known.
    pub(crate) fn of_spki(spki: &[u8]) -> Option<Self> {
        let mut info = der::only(spki, SEQUENCE)?;
        let mut algorithm = info.inside(SEQUENCE)?;
        let bytes = der::bits(info.take(BITS)?)?.to_vec();
        info.end()?;
        let kind = match algorithm.take(OID)?.content {
            EC => match algorithm.take(OID)?.content {
                ON_P256 => Kind::P256,
                ON_P384 => Kind::P384,
                _ => return None,
            },
            EDWARDS => Kind::Ed25519,
            _ => return None,
        };
        algorithm.end()?;
        Some(Self { kind, bytes })
    }

    /// Whether `signature` is of this message by this key, with the hash that belongs to its curve.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let hashed = match self.kind {
            Kind::P384 => Hashed::Sha384,
            Kind::P256 | Kind::Ed25519 => Hashed::Sha256,
        };
        self.signed_by(hashed, message, signature)
    }

    /// The same with a given hash, which Ed25519 has not.
    pub(crate) fn signed_by(&self, hashed: Hashed, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match (self.kind, hashed) {
            (Kind::P256, Hashed::Sha256) => &ECDSA_P256_SHA256_ASN1,
            (Kind::P256, Hashed::Sha384) => &ECDSA_P256_SHA384_ASN1,
            (Kind::P384, Hashed::Sha256) => &ECDSA_P384_SHA256_ASN1,
            (Kind::P384, Hashed::Sha384) => &ECDSA_P384_SHA384_ASN1,
            (Kind::Ed25519, _) => &ED25519,
        };
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}
