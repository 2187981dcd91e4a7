use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use crate::{PublicKey, RecordingError, cast, seal::Sealer};

/// Bytes of output that are recorded. An agent can print without end.
const MOST: u64 = 1 << 30;
/// What was printed is on the disk after so long, as soon as more comes.
const OFTEN: Duration = Duration::from_secs(1);

/// Writes what a terminal shows, sealed.
pub struct Recorder {
    sealer: Sealer<File>,
    began: Instant,
    flushed: Instant,
    /// The beginning of a character of which the rest is to come.
    part: Vec<u8>,
    taken: u64,
}

/// Where the key of a recording is.
pub(crate) fn key_path(path: &Path) -> PathBuf {
    path.with_extension("key")
}

/// Destroy a recording: its key is overwritten, then removed, and so is what it opened.
///
/// # Errors
/// One of the files cannot be removed.
pub fn destroy(path: &Path) -> io::Result<()> {
    overwrite(&key_path(path))?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match path.parent().map(File::open) {
        Some(Ok(folder)) => folder.sync_all(),
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Overwrite a key on the disk, and remove it, if it is there.
pub(crate) fn overwrite(key: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().write(true).open(key) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0).min(1 << 16);
    file.write_all_at(&vec![0; length], 0)?;
    file.sync_all()?;
    drop(file);
    fs::remove_file(key)
}

/// A recording that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// SHA-256 of the file with the pieces.
    pub digest: [u8; 32],
    /// Its bytes.
    pub bytes: u64,
}

impl Recorder {
    /// Record a session into a file that is not there yet, and one beside it with its key, for nobody else to read.
    ///
    /// # Errors
    /// It cannot be written, or the key cannot be used.
    pub fn create(
        path: &Path,
        key: &PublicKey,
        session: &str,
        (width, height): (u16, u16),
    ) -> Result<Self, RecordingError> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let new =
            |path: &Path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let head = new(&key_path(path))?;
        let file = new(path)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut sealer = Sealer::new((&head, file), key, session)?;
        head.sync_all()?;
        sealer.take(cast::head(width, height, now.as_secs()).as_bytes())?;
        sealer.flush()?;
        let began = Instant::now();
        Ok(Self { sealer, began, flushed: began, part: Vec::new(), taken: 0 })
    }

    /// The terminal gets this.
    ///
    /// # Errors
    /// It cannot be written, or there is too much of it.
    pub fn output(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        self.taken = self.taken.saturating_add(bytes.len() as u64);
        if self.taken > MOST {
            return Err(RecordingError::Full(MOST));
        }
        self.part.extend_from_slice(bytes);
        let text = self.characters();
        if !text.is_empty() {
            self.line("o", &text)?;
        }
        if self.flushed.elapsed() >= OFTEN {
            self.flushed = Instant::now();
            self.sealer.flush()?;
        }
        Ok(())
    }

    /// The window has this many columns and rows from now on.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn resized(&mut self, width: u16, height: u16) -> Result<(), RecordingError> {
        self.line("r", &format!("{width}x{height}"))
    }

    /// End it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<Recorded, RecordingError> {
        if !self.part.is_empty() {
            let rest = String::from_utf8_lossy(&self.part).into_owned();
            self.part.clear();
            self.line("o", &rest)?;
        }
        let (digest, bytes) = self.sealer.finish()?;
        Ok(Recorded { digest, bytes })
    }

    fn line(&mut self, kind: &str, data: &str) -> Result<(), RecordingError> {
        let seconds = self.began.elapsed().as_secs_f64();
        self.sealer.take(cast::line(seconds, kind, data).as_bytes())
    }

    /// The whole characters of what came. What is none is replaced, as a terminal shows it.
    fn characters(&mut self) -> String {
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.part) {
                Ok(all) => {
                    text.push_str(all);
                    self.part.clear();
                    return text;
                }
                Err(error) => {
                    let (good, rest) = self.part.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(good));
                    let Some(bad) = error.error_len() else {
                        self.part = rest.to_vec();
                        return text;
                    };
                    text.push('\u{fffd}');
                    self.part = rest.get(bad..).unwrap_or_default().to_vec();
                }
            }
        }
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("taken", &self.taken).finish_non_exhaustive()
    }
}
