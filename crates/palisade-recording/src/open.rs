use std::{
    fs::File,
    io::{self, BufReader, Chain, Cursor, Read, Seek},
    path::Path,
};

use hpke::{Deserializable, OpModeR, setup_receiver};

use crate::{
    Aead, END, FIRST_LINE, Kdf, Kem, MORE, ONE_FILE, PIECE, RecordingError, SecretKey, info,
    record::key_path,
};

/// Bytes that sealing adds to a piece.
const TAG: usize = 16;

/// A recording that is being opened.
pub struct Sealed<R> {
    from: BufReader<R>,
    context: hpke::aead::AeadCtxR<Aead, Kdf, Kem>,
    number: u64,
    over: bool,
}

/// A part of what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// This, and there is more.
    More(Vec<u8>),
    /// The last.
    End(Vec<u8>),
    /// The file ends here, and the recording did not: who recorded was killed, or the rest was cut off.
    Cut,
}

/// The file with a recording's key, and then its pieces.
pub type Files = Chain<Cursor<Vec<u8>>, File>;

/// Open the recording of this session that is in this file, and in the one with its key beside it.
///
/// # Errors
/// It is none, its key is not there, or one of them cannot be read.
pub fn open_file(
    path: &Path,
    key: &SecretKey,
    session: &str,
) -> Result<Sealed<Files>, RecordingError> {
    let mut file = File::open(path)?;
    let mut first = [0_u8; FIRST_LINE.len()];
    let read = filled(&mut file, &mut first)?;
    let mut head = Vec::new();
    match first.get(..read) {
        Some(FIRST_LINE) => {
            let key = File::open(key_path(path))?;
            key.take(FIRST_LINE.len() as u64 + 32).read_to_end(&mut head)?;
        }
        // The key is behind it.
        _ => file.rewind()?,
    }
    Sealed::open(Cursor::new(head).chain(file), key, session)
}

impl<R: Read> Sealed<R> {
    /// Open the recording of this session: what is in the file with its key, and then its pieces.
    ///
    /// # Errors
    /// It is none.
    pub fn open(from: R, key: &SecretKey, session: &str) -> Result<Self, RecordingError> {
        let mut from = BufReader::new(from);
        let mut head = [0_u8; FIRST_LINE.len() + 32];
        let whole = filled(&mut from, &mut head)? == head.len();
        let (first, shared) = head.split_at(FIRST_LINE.len());
        if !whole || ![FIRST_LINE, ONE_FILE].contains(&first) {
            return Err(RecordingError::Form);
        }
        let shared = Deserializable::from_bytes(shared).map_err(|_| RecordingError::Form)?;
        let context = setup_receiver::<Aead, Kdf, Kem>(
            &OpModeR::Base,
            &key.0,
            &shared,
            &info(first, session),
        )
        .map_err(|_| RecordingError::BadKey)?;
        Ok(Self { from, context, number: 0, over: false })
    }

    /// The next piece; none behind the end.
    ///
    /// # Errors
    /// It cannot be opened, and then neither can those behind it.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, RecordingError> {
        if self.over {
            return Ok(None);
        }
        self.over = true;
        let mut length = [0_u8; 4];
        if filled(&mut self.from, &mut length)? < length.len() {
            return Ok(Some(Piece::Cut));
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        self.number = self.number.saturating_add(1);
        if !(TAG..=PIECE.saturating_add(TAG)).contains(&length) {
            return Err(RecordingError::Sealed(self.number));
        }
        let mut sealed = vec![0_u8; length];
        if filled(&mut self.from, &mut sealed)? < length {
            return Ok(Some(Piece::Cut));
        }
        // One that cannot be opened takes no number.
        if let Ok(bytes) = self.context.open(&sealed, MORE) {
            self.over = false;
            return Ok(Some(Piece::More(bytes)));
        }
        match self.context.open(&sealed, END) {
            Ok(bytes) if filled(&mut self.from, &mut [0])? == 0 => Ok(Some(Piece::End(bytes))),
            _ => Err(RecordingError::Sealed(self.number)),
        }
    }
}

/// Read as much of it as there is.
fn filled(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut at = 0_usize;
    while let Some(rest) = into.get_mut(at..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => at = at.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(at)
}

impl<R> std::fmt::Debug for Sealed<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").field("number", &self.number).finish_non_exhaustive()
    }
}
