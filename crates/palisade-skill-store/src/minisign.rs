//! Signatures that the program `minisign` makes and checks: Ed25519 over a text, or over its BLAKE2b-512.
//!
//! The formats are those of <https://jedisct1.github.io/minisign/>. A secret key is taken only without a
//! password (`minisign -G -W`): whoever wants one signs with `minisign` itself.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b, Blake2b512, Digest as _, digest::consts::U32};
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use thiserror::Error;

/// Bytes of a key's or signature's file.
pub const MOST: usize = 8 * 1024;

const PLAIN: &[u8] = b"Ed";
const HASHED: &[u8] = b"ED";
const NO_PASSWORD: &[u8] = &[0, 0];
const CHECKSUM: &[u8] = b"B2";

/// What is wrong with a key or a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The file has another form.
    #[error("it is no {0} of minisign's")]
    Form(&'static str),
    /// The secret key has a password.
    #[error(
        "the secret key has a password: sign with `minisign -S` itself, or make one with `minisign -G -W`"
    )]
    Password,
    /// Somebody else signed.
    #[error("it is signed with another key")]
    OtherKey,
    /// It is no signature of this text.
    #[error("the signature does not fit: the text, the signature or its comment was changed")]
    Wrong,
    /// The kernel gives no random numbers, or the key is of no use.
    #[error("no key could be made")]
    NoKey,
}

/// Who signs, as others know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey {
    id: [u8; 8],
    key: [u8; 32],
}

impl PublicKey {
    /// Reads a public key's file, or its second line alone.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, SignError> {
        let wrong = SignError::Form("public key");
        if text.len() > MOST {
            return Err(wrong);
        }
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let line = match lines.as_slice() {
            [line] => line,
            [comment, line] if comment.starts_with("untrusted comment:") => line,
            _ => return Err(wrong),
        };
        let bytes = STANDARD.decode(line).map_err(|_| wrong)?;
        let (algorithm, rest) = bytes.split_at_checked(2).ok_or(wrong)?;
        let (id, key) = rest.split_first_chunk().ok_or(wrong)?;
        let key = key.try_into().map_err(|_| wrong)?;
        if algorithm == PLAIN { Ok(Self { id: *id, key }) } else { Err(wrong) }
    }

    /// Its id, as `minisign` shows it.
    pub fn id(&self) -> String {
        shown(self.id)
    }

    /// The file's text.
    pub fn file(&self) -> String {
        let bytes = [PLAIN, &self.id, &self.key].concat();
        format!(
            "untrusted comment: minisign public key {}\n{}\n",
            self.id(),
            STANDARD.encode(bytes)
        )
    }

    /// Checks a signature's file. Gives its trusted comment.
    ///
    /// # Errors
    /// It is not this key's of these bytes.
    pub fn check(&self, message: &[u8], signature: &str) -> Result<String, SignError> {
        let signature = Signature::parse(signature)?;
        if signature.id != self.id {
            return Err(SignError::OtherKey);
        }
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        let hashed;
        let signed = if signature.hashed {
            hashed = Blake2b512::digest(message);
            hashed.as_slice()
        } else {
            message
        };
        key.verify(signed, &signature.signature).map_err(|_| SignError::Wrong)?;
        let with_comment = [&signature.signature[..], signature.comment.as_bytes()].concat();
        key.verify(&with_comment, &signature.of_comment).map_err(|_| SignError::Wrong)?;
        Ok(signature.comment)
    }
}

fn shown(id: [u8; 8]) -> String {
    format!("{:016X}", u64::from_le_bytes(id))
}

/// A signature's file.
struct Signature {
    hashed: bool,
    id: [u8; 8],
    signature: [u8; 64],
    comment: String,
    of_comment: [u8; 64],
}

impl Signature {
    fn parse(text: &str) -> Result<Self, SignError> {
        let wrong = SignError::Form("signature");
        if text.len() > MOST {
            return Err(wrong);
        }
        let mut lines = text.lines();
        let mut line = || lines.next().ok_or(wrong);
        if !line()?.starts_with("untrusted comment:") {
            return Err(wrong);
        }
        let bytes = STANDARD.decode(line()?.trim()).map_err(|_| wrong)?;
        let comment = line()?.strip_prefix("trusted comment: ").ok_or(wrong)?.to_owned();
        let of_comment = STANDARD.decode(line()?.trim()).map_err(|_| wrong)?;
        if lines.any(|line| !line.trim().is_empty()) {
            return Err(wrong);
        }
        let (algorithm, rest) = bytes.split_at_checked(2).ok_or(wrong)?;
        let (id, signature) = rest.split_first_chunk().ok_or(wrong)?;
        Ok(Self {
            hashed: match algorithm {
                HASHED => true,
                PLAIN => false,
                _ => return Err(wrong),
            },
            id: *id,
            signature: signature.try_into().map_err(|_| wrong)?,
            comment,
            of_comment: of_comment.try_into().map_err(|_| wrong)?,
        })
    }
}

/// The id of the key that a signature's file names.
///
/// # Errors
/// It is no signature's file.
pub fn signer(signature: &str) -> Result<String, SignError> {
    Signature::parse(signature).map(|signature| shown(signature.id))
}

/// A key that signs. It shows nothing of itself.
pub struct SecretKey {
    public: PublicKey,
    pair: Ed25519KeyPair,
    seed: [u8; 32],
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// A new one.
    ///
    /// # Errors
    /// The kernel gives no random numbers.
    pub fn generate() -> Result<Self, SignError> {
        let random = SystemRandom::new();
        let (mut id, mut seed) = ([0; 8], [0; 32]);
        random.fill(&mut id).map_err(|_| SignError::NoKey)?;
        random.fill(&mut seed).map_err(|_| SignError::NoKey)?;
        Self::of(id, seed)
    }

    fn of(id: [u8; 8], seed: [u8; 32]) -> Result<Self, SignError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| SignError::NoKey)?;
        let key = pair.public_key().as_ref().try_into().map_err(|_| SignError::NoKey)?;
        Ok(Self { public: PublicKey { id, key }, pair, seed })
    }

    /// Reads a secret key's file.
    ///
    /// # Errors
    /// It is none, or has a password.
    pub fn parse(text: &str) -> Result<Self, SignError> {
        let wrong = SignError::Form("secret key");
        if text.len() > MOST {
            return Err(wrong);
        }
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let [comment, line] = lines.as_slice() else { return Err(wrong) };
        if !comment.starts_with("untrusted comment:") {
            return Err(wrong);
        }
        let bytes = STANDARD.decode(line).map_err(|_| wrong)?;
        let (algorithm, rest) = bytes.split_at_checked(2).ok_or(wrong)?;
        let (password, rest) = rest.split_at_checked(2).ok_or(wrong)?;
        let (checksum, rest) = rest.split_at_checked(2).ok_or(wrong)?;
        // Salt and cost of a password.
        let (_, rest) = rest.split_at_checked(48).ok_or(wrong)?;
        if algorithm != PLAIN || checksum != CHECKSUM {
            return Err(wrong);
        }
        if password != NO_PASSWORD {
            return Err(SignError::Password);
        }
        let (id, rest) = rest.split_first_chunk().ok_or(wrong)?;
        let (seed, rest) = rest.split_first_chunk().ok_or(wrong)?;
        let (public, sum) = rest.split_at_checked(32).ok_or(wrong)?;
        let key = Self::of(*id, *seed)?;
        // Some tools leave the sum out where there is no password to be checked.
        let fits = sum == key.sum() || (sum.len() == 32 && sum.iter().all(|byte| *byte == 0));
        if public != key.public.key || !fits {
            return Err(wrong);
        }
        Ok(key)
    }

    /// Who others see.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The file's text, without a password.
    pub fn file(&self) -> String {
        let bytes = [
            PLAIN,
            NO_PASSWORD,
            CHECKSUM,
            &[0; 48],
            &self.public.id,
            &self.seed,
            &self.public.key,
            &self.sum(),
        ];
        format!("untrusted comment: minisign secret key\n{}\n", STANDARD.encode(bytes.concat()))
    }

    fn sum(&self) -> [u8; 32] {
        let mut hash = Blake2b::<U32>::new();
        for part in [PLAIN, &self.public.id, &self.seed, &self.public.key] {
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// Signs a text. The comment is signed as well; line ends in it become spaces.
    pub fn sign(&self, message: &[u8], comment: &str) -> String {
        let comment = comment.replace(char::is_control, " ");
        let signature = self.pair.sign(&Blake2b512::digest(message));
        let with_comment = [signature.as_ref(), comment.as_bytes()].concat();
        let of_comment = self.pair.sign(&with_comment);
        let bytes = [HASHED, &self.public.id, signature.as_ref()].concat();
        format!(
            "untrusted comment: signature of a skill\n{}\ntrusted comment: {comment}\n{}\n",
            STANDARD.encode(bytes),
            STANDARD.encode(of_comment)
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of minisign's own documentation: its public key and the signature that it shows.
    const PUBLISHED: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\n\
        RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
        trusted comment: timestamp:1556193335\tfile:test\n\
        y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n";

    #[test]
    fn a_signature_of_minisign_itself_is_good() {
        let key = PublicKey::parse(PUBLISHED).unwrap();
        assert_eq!(key.id(), "E7620F1842B4E81F");
        let comment = key.check(b"test", SIGNATURE).unwrap();
        assert_eq!(comment, "timestamp:1556193335\tfile:test");
        assert_eq!(key.check(b"Test", SIGNATURE), Err(SignError::Wrong));
        let other = SIGNATURE.replace("file:test", "file:tess");
        assert_eq!(key.check(b"test", &other), Err(SignError::Wrong));
        assert_eq!(signer(SIGNATURE).as_deref(), Ok("E7620F1842B4E81F"));
    }

    #[test]
    fn what_is_signed_is_checked() {
        let key = SecretKey::generate().unwrap();
        let again = SecretKey::parse(&key.file()).unwrap();
        assert_eq!(again.public(), key.public());
        let signed = again.sign(b"text", "of a\nskill");
        let public = PublicKey::parse(&key.public().file()).unwrap();
        assert_eq!(public.check(b"text", &signed).as_deref(), Ok("of a skill"));
        let other = SecretKey::generate().unwrap().public();
        assert_eq!(other.check(b"text", &signed), Err(SignError::OtherKey));
        assert!(!format!("{key:?}").contains("seed"));
    }

    /// A second implementation takes our key and signature, where there is one.
    #[test]
    fn the_program_minisign_takes_them() {
        let Ok(version) = std::process::Command::new("minisign").arg("-v").output() else {
            println!("skipped: there is no minisign");
            return;
        };
        drop(version);
        let folder = tempfile::tempdir().unwrap();
        let key = SecretKey::generate().unwrap();
        for (name, text) in [
            ("k.pub", key.public().file()),
            ("m", "text".to_owned()),
            ("m.minisig", key.sign(b"text", "c")),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut check = std::process::Command::new("minisign");
        let ran =
            check.args(["-Vm", "m", "-p", "k.pub"]).current_dir(folder.path()).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    }

    #[test]
    fn a_key_with_a_password_is_refused() {
        let key = SecretKey::generate().unwrap();
        let line = key.file().lines().nth(1).unwrap().to_owned();
        let mut bytes = STANDARD.decode(line).unwrap();
        bytes[2..4].copy_from_slice(b"Sc");
        let text = format!("untrusted comment: x\n{}\n", STANDARD.encode(bytes));
        assert_eq!(SecretKey::parse(&text).unwrap_err(), SignError::Password);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n]{0,300}", line in any::<Vec<u8>>()) {
            let with = format!("untrusted comment: x\n{}\n", STANDARD.encode(&line));
            for text in [text, with] {
                drop((PublicKey::parse(&text), SecretKey::parse(&text), signer(&text)));
            }
        }

        /// No change of a signed text, of its signature or of the comment goes through.
        #[test]
        fn a_changed_signature_is_none(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9+/]") {
            let key = PublicKey::parse(PUBLISHED).unwrap();
            let start = SIGNATURE.find('\n').unwrap() + 1;
            let at = start + at.index(SIGNATURE.len() - start - 1);
            let mut changed = SIGNATURE.to_owned();
            changed.replace_range(at..=at, &to);
            if changed != SIGNATURE {
                prop_assert!(key.check(b"test", &changed).is_err(), "{changed}");
            }
        }
    }
}
