use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::wire::Reader;

/// A session with a server that has shown that it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The server's key, in its binary form.
    pub(crate) host_key: Vec<u8>,
    /// The session's identifier: the hash of its first key exchange.
    pub(crate) session: Vec<u8>,
}

/// Why there is no binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotBound {
    /// It is no message of this kind.
    Malformed,
    /// The server has not signed the session, or with a key of a kind that is not known here.
    NotVerified,
    /// The agent is to be used by the server, for others.
    Forwarded,
}

impl Binding {
    /// Read what follows the name `session-bind@openssh.com`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, NotBound> {
        let mut reader = Reader(body);
        let mut parts = || {
            let parts = (reader.string()?, reader.string()?, reader.string()?, reader.flag()?);
            reader.end().map(|()| parts)
        };
        let (host_key, session, signature, forwarded) = parts().ok_or(NotBound::Malformed)?;
        if verify(host_key, session, signature).is_none() {
            return Err(NotBound::NotVerified);
        }
        if forwarded {
            return Err(NotBound::Forwarded);
        }
        Ok(Self { host_key: host_key.to_vec(), session: session.to_vec() })
    }
}

/// Whether the key has signed this (RFC 4253, section 6.6; RFC 5656; RFC 8332; RFC 8709).
fn verify(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let (mut key, mut signature) = (Reader(key), Reader(signature));
    let (kind, algorithm) = (key.string()?, signature.string()?);
    let value = signature.string()?;
    signature.end()?;
    match (kind, algorithm) {
        (b"ssh-ed25519", b"ssh-ed25519") => {
            let public = key.string()?;
            key.end()?;
            UnparsedPublicKey::new(&ED25519, public).verify(message, value).ok()
        }
        (b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256") => {
            let public = point(key, b"nistp256")?;
            let fixed = fixed(value, 32)?;
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(message, &fixed).ok()
        }
        (b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp384") => {
            let public = point(key, b"nistp384")?;
            let fixed = fixed(value, 48)?;
            UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, public).verify(message, &fixed).ok()
        }
        // Not `ssh-rsa`: that is SHA-1.
        (b"ssh-rsa", b"rsa-sha2-256" | b"rsa-sha2-512") => {
            let (e, n) = (key.positive()?, key.positive()?);
            key.end()?;
            let parameters = match algorithm {
                b"rsa-sha2-256" => &RSA_PKCS1_2048_8192_SHA256,
                _ => &RSA_PKCS1_2048_8192_SHA512,
            };
            RsaPublicKeyComponents { n, e }.verify(parameters, message, value).ok()
        }
        _ => None,
    }
}

fn point<'a>(mut key: Reader<'a>, curve: &[u8]) -> Option<&'a [u8]> {
    let named = key.string()?;
    let point = key.string()?;
    key.end()?;
    (named == curve).then_some(point)
}

/// Both numbers of a signature, each of this length.
fn fixed(value: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut reader = Reader(value);
    let mut out = Vec::with_capacity(length.checked_mul(2)?);
    for number in [reader.positive()?, reader.positive()?] {
        let noughts = length.checked_sub(number.len())?;
        out.resize(out.len().checked_add(noughts)?, 0);
        out.extend_from_slice(number);
    }
    reader.end()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
    };

    use super::*;
    use crate::wire::Writer;

    fn message(key: &[u8], session: &[u8], signature: &[u8], forwarded: u8) -> Vec<u8> {
        let mut out = Writer::default().string(key).string(session).string(signature).0;
        out.push(forwarded);
        out
    }

    fn ed25519(session: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let key = Writer::default().string(b"ssh-ed25519").string(pair.public_key().as_ref()).0;
        let signature = pair.sign(session);
        (key, Writer::default().string(b"ssh-ed25519").string(signature.as_ref()).0)
    }

    #[test]
    fn a_servers_own_signature_binds_and_no_other() {
        let (key, signature) = ed25519(b"the session");
        let read = |key: &[u8], session: &[u8], signature: &[u8], forwarded| {
            Binding::read(&message(key, session, signature, forwarded))
        };
        let bound = Binding { host_key: key.clone(), session: b"the session".to_vec() };
        assert_eq!(read(&key, b"the session", &signature, 0), Ok(bound));
        let no = Err(NotBound::NotVerified);
        assert_eq!(read(&key, b"another", &signature, 0), no);
        assert_eq!(read(&ed25519(b"x").0, b"the session", &signature, 0), no);
        assert_eq!(read(&key, b"the session", &signature, 1), Err(NotBound::Forwarded));
        let mut longer = message(&key, b"the session", &signature, 0);
        longer.push(0);
        assert_eq!(Binding::read(&longer), Err(NotBound::Malformed));
    }

    #[test]
    fn elliptic_curves_are_verified() {
        let random = SystemRandom::new();
        let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(signing, document.as_ref(), &random).unwrap();
        let key = Writer::default()
            .string(b"ecdsa-sha2-nistp256")
            .string(b"nistp256")
            .string(pair.public_key().as_ref())
            .0;
        // Often enough for numbers with noughts before them.
        for turn in 0_u16..600 {
            let session = turn.to_be_bytes();
            let signed = pair.sign(&random, &session).unwrap();
            let numbers = signed.as_ref().chunks(32).fold(Writer::default(), |out, half| {
                let skip = half.iter().take_while(|byte| **byte == 0).count();
                let mut number = half[skip..].to_vec();
                if number[0] & 0x80 != 0 {
                    number.insert(0, 0);
                }
                out.string(&number)
            });
            let signature = Writer::default().string(b"ecdsa-sha2-nistp256").string(&numbers.0).0;
            Binding::read(&message(&key, &session, &signature, 0)).unwrap();
        }
    }

    proptest! {
        #[test]
        fn nonsense_binds_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Binding::read(&bytes).is_err());
        }

        #[test]
        fn a_changed_byte_binds_nothing(at in 0usize..200, change in 1u8..) {
            let (key, signature) = ed25519(b"the session");
            let mut bytes = message(&key, b"the session", &signature, 0);
            let at = at % (bytes.len() - 1);
            bytes[at] ^= change;
            prop_assert!(Binding::read(&bytes).is_err());
        }
    }
}
