//! What was said in a session, sealed with a key that is the session's own.
//!
//! Two files: `SESSION.sealed` holds pieces, one behind the other, and `SESSION.key` the key, sealed for the operator's
//! [`PublicKey`]. The machine that writes holds the key in memory only, so whoever has the files and not the secret key reads
//! nothing; and once `SESSION.key` is destroyed ([`destroy`]), nobody does. The record of the session has the digest of each
//! piece, so that it says the same before and after.
//!
//! # The form
//! `SESSION.key`: `palisade-content 1` and a newline, the 32 bytes of HPKE's encapsulated key, the session's key sealed (as in
//! a recording; `info` is the first line and the session's id). A piece: zstd, sealed with ChaCha20-Poly1305; its nonce is its
//! number, which counts from 0, in twelve bytes, the highest first; with it (`aad`) is the session's id.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use hpke::{Deserializable, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Aead, Kdf, Kem, PublicKey, RecordingError, SecretKey, record::overwrite};

const FIRST_LINE: &[u8] = b"palisade-content 1\n";
const FOLDER: &str = "content";
/// Bytes that a session keeps: an agent can ask without end.
const MOST: u64 = 16 << 30;
/// Bytes of a piece, opened.
const PIECE: usize = 64 << 20;
const LEVEL: i32 = 3;

/// Where a piece is, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// It counts from 0 in the session.
    pub number: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its bytes there.
    pub length: u64,
    /// SHA-256 of these, in hexadecimal digits.
    pub sha256: String,
}

/// Keeps what is said in a session.
pub struct Content {
    session: String,
    key: LessSafeKey,
    file: Mutex<(File, u64, u64)>,
}

impl Content {
    /// Begin, with a new key, in two files that are not there yet.
    ///
    /// # Errors
    /// They cannot be written, or the key cannot be used.
    pub fn create(state: &Path, public: &PublicKey, session: &str) -> Result<Self, RecordingError> {
        DirBuilder::new().recursive(true).mode(0o700).create(state.join(FOLDER))?;
        let mut bytes = Zeroizing::new([0_u8; 32]);
        SystemRandom::new().fill(bytes.as_mut()).map_err(|_| RecordingError::BadKey)?;
        let info = info(session);
        let (shared, mut context) =
            setup_sender::<Aead, Kdf, Kem>(&OpModeS::Base, &public.0, &info)
                .map_err(|_| RecordingError::BadKey)?;
        let sealed = context.seal(bytes.as_ref(), b"key").map_err(|_| RecordingError::BadKey)?;
        let new =
            |path: PathBuf| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut key = new(key_path(state, session))?;
        key.write_all(&[FIRST_LINE, &shared.to_bytes(), &sealed].concat())?;
        key.sync_all()?;
        let file = Mutex::new((new(content_path(state, session))?, 0, 0));
        Ok(Self { session: session.to_owned(), key: usable(bytes.as_ref())?, file })
    }

    /// Keep this. It is with the kernel when this returns.
    ///
    /// # Errors
    /// It cannot be written, or the session has kept too much.
    pub fn keep(&self, bytes: &[u8]) -> Result<Piece, RecordingError> {
        if bytes.len() > PIECE {
            return Err(RecordingError::Full(PIECE as u64));
        }
        let mut sealed = zstd::bulk::compress(bytes, LEVEL)?;
        // A number is used once, whatever becomes of the write.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, number, offset) = &mut *file;
        let now = *number;
        *number = now.saturating_add(1);
        self.key
            .seal_in_place_append_tag(nonce(now), Aad::from(self.session.as_bytes()), &mut sealed)
            .map_err(|_| RecordingError::BadKey)?;
        let length = sealed.len() as u64;
        let end = offset.saturating_add(length);
        if end > MOST {
            return Err(RecordingError::Full(MOST));
        }
        file.write_all_at(&sealed, *offset)?;
        let piece = Piece { number: now, offset: *offset, length, sha256: digest(&sealed) };
        *offset = end;
        Ok(piece)
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Open a piece of what was said in a session.
///
/// # Errors
/// Its key was destroyed, the secret key is another one's, or it was changed.
pub fn open(
    state: &Path,
    session: &str,
    secret: &SecretKey,
    piece: &Piece,
) -> Result<Vec<u8>, RecordingError> {
    let sealed = fs::read(key_path(state, session))?;
    let sealed = sealed.strip_prefix(FIRST_LINE).ok_or(RecordingError::Form)?;
    let (shared, sealed) = sealed.split_at_checked(32).ok_or(RecordingError::Form)?;
    let shared = Deserializable::from_bytes(shared).map_err(|_| RecordingError::Form)?;
    let mut context =
        setup_receiver::<Aead, Kdf, Kem>(&OpModeR::Base, &secret.0, &shared, &info(session))
            .map_err(|_| RecordingError::BadKey)?;
    let bytes = context.open(sealed, b"key").map_err(|_| RecordingError::Sealed(piece.number))?;
    let bytes = Zeroizing::new(bytes);
    let mut file = File::open(content_path(state, session))?;
    file.seek(SeekFrom::Start(piece.offset))?;
    let mut sealed = Vec::new();
    file.take(piece.length.min(PIECE as u64 * 2)).read_to_end(&mut sealed)?;
    if digest(&sealed) != piece.sha256 {
        return Err(RecordingError::Sealed(piece.number));
    }
    let aad = Aad::from(session.as_bytes());
    let opened = usable(&bytes)?
        .open_in_place(nonce(piece.number), aad, &mut sealed)
        .map_err(|_| RecordingError::Sealed(piece.number))?;
    let mut all = Vec::new();
    // What the key's holder sealed is trusted no more than to this size.
    zstd::stream::read::Decoder::new(&*opened)?.take(PIECE as u64).read_to_end(&mut all)?;
    Ok(all)
}

/// Destroy a session's key: it is overwritten, then removed, and so is what it opened.
///
/// # Errors
/// One of the files cannot be removed.
pub fn destroy(state: &Path, session: &str) -> io::Result<()> {
    overwrite(&key_path(state, session))?;
    match fs::remove_file(content_path(state, session)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match File::open(state.join(FOLDER)) {
        Ok(folder) => folder.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn key_path(state: &Path, session: &str) -> PathBuf {
    state.join(FOLDER).join(format!("{session}.key"))
}

fn content_path(state: &Path, session: &str) -> PathBuf {
    state.join(FOLDER).join(format!("{session}.sealed"))
}

fn info(session: &str) -> Vec<u8> {
    [FIRST_LINE, session.as_bytes()].concat()
}

fn usable(bytes: &[u8]) -> Result<LessSafeKey, RecordingError> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).map_err(|_| RecordingError::BadKey)?;
    Ok(LessSafeKey::new(key))
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    if let Some(last) = bytes.last_chunk_mut::<8>() {
        *last = number.to_be_bytes();
    }
    Nonce::assume_unique_for_key(bytes)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_opened_by_one_key_until_it_is_destroyed() {
        let state = tempfile::tempdir().unwrap();
        let (secret, other) = (SecretKey::generate(), SecretKey::generate());
        let content = Content::create(state.path(), &secret.public(), "s-1").unwrap();
        assert!(Content::create(state.path(), &secret.public(), "s-1").is_err());
        let said: Vec<Vec<u8>> =
            vec![b"a prompt".to_vec(), Vec::new(), b"an answer ".repeat(50_000)];
        let pieces: Vec<_> = said.iter().map(|one| content.keep(one).unwrap()).collect();
        for (one, piece) in said.iter().zip(&pieces) {
            assert_eq!(open(state.path(), "s-1", &secret, piece).unwrap(), *one);
            assert!(open(state.path(), "s-1", &other, piece).is_err());
        }
        for name in ["s-1.key", "s-1.sealed"] {
            let bytes = fs::read(state.path().join(FOLDER).join(name)).unwrap();
            assert!(!bytes.windows(8).any(|part| part == b"a prompt"), "{name}");
        }
        // One piece for another, and a changed byte.
        let swapped = Piece { number: 1, ..pieces[0].clone() };
        assert!(open(state.path(), "s-1", &secret, &swapped).is_err());
        let path = content_path(state.path(), "s-1");
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[3] ^= 1;
        fs::write(&path, bad).unwrap();
        assert!(open(state.path(), "s-1", &secret, &pieces[0]).is_err());
        fs::write(&path, good).unwrap();
        assert!(open(state.path(), "s-1", &secret, &pieces[0]).is_ok());

        destroy(state.path(), "s-1").unwrap();
        assert!(open(state.path(), "s-1", &secret, &pieces[0]).is_err());
        assert_eq!(fs::read_dir(state.path().join(FOLDER)).unwrap().count(), 0);
        destroy(state.path(), "s-1").unwrap();
        destroy(state.path(), "never").unwrap();
    }
}
