//! Notes, checkpoints and cosignatures as the C2SP specifications `signed-note`, `tlog-checkpoint` and
//! `tlog-cosignature` have them, with Ed25519.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::{
    Hash,
    hash::{read_hex, write_hex},
};

/// Bytes of a note that are looked at.
pub const NOTE_MAX: usize = 64 * 1024;
/// Signatures of a note that are looked at.
const SIGNATURES_MAX: usize = 32;

/// What is wrong with a note, a checkpoint or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The text is no key in the form `name+id+key`.
    #[error("it is no key of the form name+id+key")]
    Key,
    /// The text is no signed note.
    #[error("it is no signed note: {0}")]
    Note(&'static str),
    /// The note's text is no checkpoint.
    #[error("it is no checkpoint: {0}")]
    Checkpoint(&'static str),
    /// No signature is by this key.
    #[error("it is not signed by {0}")]
    Unsigned(String),
    /// The signature that claims to be by this key is not.
    #[error("its signature by {0} is false")]
    False(String),
}

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
pub struct PublicKey(pub(crate) [u8; 32]);

impl PublicKey {
    /// Whether `signature` is of this message by this key.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }

    pub(crate) fn of(pair: &Ed25519KeyPair) -> Self {
        use ring::signature::KeyPair;
        let mut bytes = [0; 32];
        // An Ed25519 public key has 32 bytes.
        for (to, from) in bytes.iter_mut().zip(pair.public_key().as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        let mut text = [b'0'; 64];
        write_hex(&key.0, &mut text);
        str::from_utf8(&text).unwrap_or_default().into()
    }
}

impl TryFrom<std::borrow::Cow<'_, str>> for PublicKey {
    type Error = NoteError;

    fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        if read_hex(text.as_bytes(), &mut bytes) { Ok(Self(bytes)) } else { Err(NoteError::Key) }
    }
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
pub(crate) struct Signature(pub(crate) [u8; 64]);

impl Signature {
    pub(crate) fn by(pair: &Ed25519KeyPair, message: &[u8]) -> Self {
        let mut bytes = [0; 64];
        // An Ed25519 signature has 64 bytes.
        for (to, from) in bytes.iter_mut().zip(pair.sign(message).as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        let mut text = [b'0'; 128];
        write_hex(&signature.0, &mut text);
        str::from_utf8(&text).unwrap_or_default().into()
    }
}

impl TryFrom<std::borrow::Cow<'_, str>> for Signature {
    type Error = NoteError;

    fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, Self::Error> {
        let mut bytes = [0; 64];
        let read = read_hex(text.as_bytes(), &mut bytes);
        if read { Ok(Self(bytes)) } else { Err(NoteError::Note("a signature is 128 digits")) }
    }
}

/// What a key signs: the note's text itself, or a witness's statement about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Use {
    /// A log's own signature (type 0x01 of `signed-note`).
    Log,
    /// A witness's, with its time (type 0x04, `tlog-cosignature`).
    Witness,
}

impl Use {
    fn byte(self) -> u8 {
        match self {
            Use::Log => 1,
            Use::Witness => 4,
        }
    }
}

/// A named key in the form `name+id+key`, which is how keys are given out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamedKey {
    /// The name. It has no space and no `+`.
    pub name: String,
    /// What it signs.
    pub used: Use,
    /// The key.
    pub key: PublicKey,
}

impl NamedKey {
    /// A key of this name, if it can be one: not empty, without spaces, control characters and `+`.
    pub fn new(name: &str, used: Use, key: PublicKey) -> Result<Self, NoteError> {
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if name.is_empty() || name.len() > 200 || name.contains(bad) {
            return Err(NoteError::Key);
        }
        Ok(Self { name: name.into(), used, key })
    }

    /// The key's id: the beginning of the hash of name, use and key.
    pub fn id(&self) -> [u8; 4] {
        let hash = Hash::of(&[self.name.as_bytes(), b"\n", &[self.used.byte()], &self.key.0]);
        let [a, b, c, d, ..] = *hash.bytes();
        [a, b, c, d]
    }

    /// The moment of the witness's cosignature on `note`, in seconds since 1970, or `None` for a log's
    /// own signature; an error if there is none by this key, or a false one.
    pub fn check(&self, note: &SignedNote) -> Result<Option<u64>, NoteError> {
        let id = self.id();
        let mine = |signature: &&NoteSignature| signature.name == self.name && signature.id == id;
        let signature = note.signatures.iter().find(mine);
        let signature = signature.ok_or_else(|| NoteError::Unsigned(self.name.clone()))?;
        let no = || NoteError::False(self.name.clone());
        match self.used {
            Use::Log => {
                let good = self.key.signed(note.text.as_bytes(), &signature.bytes);
                if good { Ok(None) } else { Err(no()) }
            }
            Use::Witness => {
                let (time, bytes) = signature.bytes.split_first_chunk::<8>().ok_or_else(no)?;
                let time = u64::from_be_bytes(*time);
                let good = self.key.signed(cosigned(&note.text, time).as_bytes(), bytes);
                if good { Ok(Some(time)) } else { Err(no()) }
            }
        }
    }
}

/// What a witness signs.
pub(crate) fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut id = [b'0'; 8];
        write_hex(&self.id(), &mut id);
        let mut key = vec![self.used.byte()];
        key.extend(self.key.0);
        let id = str::from_utf8(&id).unwrap_or_default();
        write!(f, "{}+{id}+{}", self.name, STANDARD.encode(key))
    }
}

impl FromStr for NamedKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let (used, key) = bytes.split_first().ok_or(NoteError::Key)?;
        let used = match used {
            1 => Use::Log,
            4 => Use::Witness,
            _ => return Err(NoteError::Key),
        };
        let key = PublicKey(key.try_into().map_err(|_| NoteError::Key)?);
        let this = Self::new(name, used, key)?;
        let mut claimed = [0; 4];
        if read_hex(id.as_bytes(), &mut claimed) && claimed == this.id() {
            Ok(this)
        } else {
            Err(NoteError::Key)
        }
    }
}

impl TryFrom<String> for NamedKey {
    type Error = NoteError;

    fn try_from(text: String) -> Result<Self, NoteError> {
        text.parse()
    }
}

impl From<NamedKey> for String {
    fn from(key: NamedKey) -> Self {
        key.to_string()
    }
}

/// One signature of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// What the key made.
    pub bytes: Vec<u8>,
}

/// A text with signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignedNote {
    /// The text, which ends in a newline.
    pub text: String,
    /// The signatures, none of them checked yet.
    pub signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// The checkpoint that the text is.
    pub fn checkpoint(&self) -> Result<Checkpoint, NoteError> {
        self.text.parse()
    }
}

impl FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Note;
        if note.len() > NOTE_MAX {
            return Err(bad("it is too long"));
        }
        if note.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(bad("it has a control character"));
        }
        let at = note.rfind("\n\n").ok_or(bad("no empty line stands before signatures"))?;
        let (text, rest) = note.split_at(at.saturating_add(1));
        let rest = rest.strip_prefix('\n').unwrap_or(rest);
        let rest = rest.strip_suffix('\n').ok_or(bad("its last line is not ended"))?;
        let mut signatures = Vec::new();
        for line in rest.split('\n') {
            let line = line.strip_prefix("\u{2014} ").ok_or(bad("a line is no signature"))?;
            let (name, encoded) = line.split_once(' ').ok_or(bad("a line is no signature"))?;
            let bytes = STANDARD.decode(encoded).map_err(|_| bad("a signature is not base64"))?;
            let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(bad("a signature is short"))?;
            if name.is_empty() || signatures.len() >= SIGNATURES_MAX {
                return Err(bad("it has too many signatures, or one without a name"));
            }
            signatures.push(NoteSignature { name: name.into(), id: *id, bytes: bytes.into() });
        }
        Ok(Self { text: text.into(), signatures })
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let mut bytes = signature.id.to_vec();
            bytes.extend(&signature.bytes);
            writeln!(f, "\u{2014} {} {}", signature.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

impl TryFrom<String> for SignedNote {
    type Error = NoteError;

    fn try_from(text: String) -> Result<Self, NoteError> {
        text.parse()
    }
}

impl From<SignedNote> for String {
    fn from(note: SignedNote) -> Self {
        note.to_string()
    }
}

/// The head of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

impl fmt::Display for Checkpoint {
    /// The note's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode(self.root.bytes());
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Checkpoint;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(bad("it has fewer than three lines"));
        };
        let root = STANDARD.decode(root).map_err(|_| bad("the root is not base64"))?;
        let root = root.try_into().map_err(|_| bad("the root has not 32 bytes"))?;
        let this = Self {
            origin: origin.into(),
            size: size.parse().map_err(|_| bad("the size is no number"))?,
            root: Hash::from_bytes(root),
        };
        // One spelling only: what is compared by its parts is what was signed.
        let again = this.to_string() == text;
        if again && !origin.is_empty() { Ok(this) } else { Err(bad("it has another form")) }
    }
}

#[cfg(test)]
mod tests;
