use std::io::Write;

use hpke::{OpModeS, Serializable, setup_sender};
use sha2::{Digest, Sha256};

use crate::{Aead, END, FIRST_LINE, Kdf, Kem, MORE, PIECE, PublicKey, RecordingError, info};

/// Seals what is written, piece by piece.
pub(crate) struct Sealer<W> {
    out: W,
    context: hpke::aead::AeadCtxS<Aead, Kdf, Kem>,
    waiting: Vec<u8>,
    digest: Sha256,
    written: u64,
}

impl<W: Write> Sealer<W> {
    /// What opens it for the key's holder goes to `head`.
    pub(crate) fn new(
        (mut head, out): (impl Write, W),
        key: &PublicKey,
        session: &str,
    ) -> Result<Self, RecordingError> {
        let (shared, context) =
            setup_sender::<Aead, Kdf, Kem>(&OpModeS::Base, &key.0, &info(FIRST_LINE, session))
                .map_err(|_| RecordingError::BadKey)?;
        head.write_all(&[FIRST_LINE, &shared.to_bytes()].concat())?;
        let (waiting, digest) = (Vec::with_capacity(PIECE), Sha256::new());
        let mut sealer = Self { out, context, waiting, digest, written: 0 };
        sealer.put(FIRST_LINE)?;
        Ok(sealer)
    }

    /// Take this in; whole pieces are written.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<(), RecordingError> {
        while !bytes.is_empty() {
            let room = PIECE.saturating_sub(self.waiting.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
            if self.waiting.len() >= PIECE {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Write what waits.
    pub(crate) fn flush(&mut self) -> Result<(), RecordingError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.piece(MORE)?;
        self.out.flush()?;
        Ok(())
    }

    /// Write the last piece. Returns the SHA-256 of all of it, and its length.
    pub(crate) fn finish(mut self) -> Result<([u8; 32], u64), RecordingError> {
        self.piece(END)?;
        self.out.flush()?;
        Ok((self.digest.finalize().into(), self.written))
    }

    fn piece(&mut self, with: &[u8]) -> Result<(), RecordingError> {
        let sealed = self.context.seal(&self.waiting, with).map_err(|_| RecordingError::BadKey)?;
        self.waiting.clear();
        let length = u32::try_from(sealed.len()).map_err(|_| RecordingError::Form)?;
        self.put(&length.to_be_bytes())?;
        self.put(&sealed)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        self.out.write_all(bytes)?;
        self.digest.update(bytes);
        self.written = self.written.saturating_add(bytes.len() as u64);
        Ok(())
    }
}
