use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD as BASE64};
use hpke::{Deserializable, Kem as _, Serializable};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Kem, RecordingError};

const PUBLIC: &str = "palisade-recording-public:";
const SECRET: &str = "palisade-recording-secret:";

/// For whom recordings are sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(pub(crate) <Kem as hpke::Kem>::PublicKey);

/// What opens them.
pub struct SecretKey(pub(crate) <Kem as hpke::Kem>::PrivateKey);

impl SecretKey {
    /// A new one, from the kernel's random numbers.
    pub fn generate() -> Self {
        Self(Kem::gen_keypair().0)
    }

    /// For whom recordings are to be sealed that this opens.
    pub fn public(&self) -> PublicKey {
        PublicKey(Kem::sk_to_pk(&self.0))
    }

    /// As it is kept: one line, without its end.
    pub fn text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.0.to_bytes().to_vec());
        Zeroizing::new(format!("{SECRET}{}", BASE64.encode(&*bytes)))
    }

    /// From the line that it is kept as.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let bytes = Zeroizing::new(bytes(text, SECRET)?);
        Deserializable::from_bytes(&bytes).map(Self).map_err(|_| RecordingError::BadKey)
    }
}

impl PublicKey {
    /// As it is kept: one line, without its end.
    pub fn text(&self) -> String {
        format!("{PUBLIC}{}", BASE64.encode(self.0.to_bytes()))
    }

    /// From the line that it is kept as.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let bytes = bytes(text, PUBLIC)?;
        Deserializable::from_bytes(&bytes).map(Self).map_err(|_| RecordingError::BadKey)
    }

    /// Sixteen digits that tell it from others, for the record.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.0.to_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn bytes(text: &str, begins: &'static str) -> Result<Vec<u8>, RecordingError> {
    let bad = || RecordingError::Key(begins);
    let digits = text.trim().strip_prefix(begins).ok_or_else(bad)?;
    let bytes = BASE64.decode(digits).map_err(|_| bad())?;
    if bytes.len() == 32 { Ok(bytes) } else { Err(bad()) }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_kept_as_a_line() {
        let secret = SecretKey::generate();
        let public = secret.public();
        assert_eq!(PublicKey::parse(&format!("{}\n", public.text())).unwrap(), public);
        assert_eq!(SecretKey::parse(&secret.text()).unwrap().public(), public);
        assert_eq!(public.id().len(), 16);
        assert!(PublicKey::parse(&secret.text()).is_err());
        assert!(SecretKey::parse(&public.text()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_none(text in "(palisade-recording-(public|secret):)?[A-Za-z0-9+/=]{0,50}") {
            drop(PublicKey::parse(&text));
            drop(SecretKey::parse(&text));
        }
    }
}
