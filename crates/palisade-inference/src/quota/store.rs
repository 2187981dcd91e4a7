use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
    process::geteuid,
};

use crate::quota::counts::{Counts, SIZE};

/// Where the second copy of the counts is. A page for each, so that no write touches both.
const SECOND: u64 = 4096;
/// Up to where both copies are.
const BOTH: usize = 4096 + SIZE;
/// Where a file says in plain text what it is for.
const NAME: u64 = 8192;

/// How often a file that is just being made is looked at, and how long between.
const LOOKS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(5);

/// Why counts cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// The folder or the file cannot be made, opened, read or written.
    #[error("the counts of model limits in {}: {why}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// It is not the operator's own file.
    #[error("{} is not a file of this user's alone", .0.display())]
    NotOurs(PathBuf),
    /// Neither copy is whole.
    #[error("the counts of model limits in {} are damaged; remove the file to begin anew", .0.display())]
    Damaged(PathBuf),
}

/// Where the counts of one scope are: in a file that others share, or in memory.
#[derive(Debug)]
pub(crate) enum Store {
    Memory(Box<Counts>),
    File {
        file: File,
        path: PathBuf,
        /// Whether it had counts before: then it does not begin anew by itself.
        counted: bool,
    },
}

/// Counts that nobody else can change meanwhile.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) counts: Counts,
}

impl Store {
    /// The file of a scope in this folder, which is made if need be.
    pub(crate) fn open(folder: &Path, scope: &str) -> Result<Self, QuotaError> {
        let failed = |path: &Path, error: io::Error| QuotaError::Io {
            path: path.to_owned(),
            why: error.to_string(),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| failed(folder, error))?;
        let digest = ring::digest::digest(&ring::digest::SHA256, scope.as_bytes());
        let name: String = digest.as_ref().iter().take(12).map(|b| format!("{b:02x}")).collect();
        let path = folder.join(name);
        let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let text = format!("Counts of the model limits of {scope}\n");
        let opened = |new: bool| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(new).mode(0o600).custom_flags(nofollow);
            options.open(&path)
        };
        let (file, new) = match opened(true) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (opened(false).map_err(|error| failed(&path, error))?, false)
            }
            Err(error) => return Err(failed(&path, error)),
        };
        let metadata = file.metadata().map_err(|error| failed(&path, error))?;
        let own = metadata.is_file()
            && metadata.uid() == geteuid().as_raw()
            && metadata.mode() & 0o077 == 0;
        if !own {
            return Err(QuotaError::NotOurs(path));
        }
        if new {
            file.write_all_at(text.as_bytes(), NAME).map_err(|error| failed(&path, error))?;
        } else if !is_begun(&file, text.as_bytes()) {
            // It was emptied, or lost in a crash: that gives no new budget.
            return Err(QuotaError::Damaged(path));
        }
        Ok(Self::File { file, path, counted: false })
    }

    /// Takes the lock, if nobody has it, and reads. `None`: another process has it now.
    pub(crate) fn hold(&mut self) -> Result<Option<Held>, QuotaError> {
        let (file, path, counted) = match self {
            Store::Memory(counts) => return Ok(Some(Held { counts: Counts::clone(counts) })),
            Store::File { file, path, counted } => (file, path, counted),
        };
        match flock(&*file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
            Err(errno) => {
                return Err(QuotaError::Io { path: path.clone(), why: errno.to_string() });
            }
        }
        match read(file, path, *counted) {
            Ok(counts) => {
                *counted |= counts.sequence > 0;
                Ok(Some(Held { counts }))
            }
            Err(error) => {
                self.release();
                Err(error)
            }
        }
    }

    /// Writes, and lets go of the lock.
    pub(crate) fn put(&mut self, counts: &Counts) -> Result<(), QuotaError> {
        let written = match self {
            Store::Memory(own) => {
                **own = counts.clone();
                return Ok(());
            }
            // The copy that is not the newest: a write that is cut short harms none.
            Store::File { file, path, .. } => file
                .write_all_at(&counts.to_bytes(), (counts.sequence % 2).saturating_mul(SECOND))
                .map_err(|error| QuotaError::Io { path: path.clone(), why: error.to_string() }),
        };
        self.release();
        written
    }

    /// Lets go of the lock.
    pub(crate) fn release(&self) {
        if let Store::File { file, .. } = self {
            // It is let go of in any case when the file is closed.
            let _released = flock(file, FlockOperation::Unlock);
        }
    }
}

/// Whether a file says what it is for. Whoever is just making it may not have written that yet.
fn is_begun(file: &File, text: &[u8]) -> bool {
    let mut found = vec![0; text.len()];
    (0..LOOKS).any(|look| {
        if look > 0 {
            thread::sleep(BETWEEN);
        }
        file.read_exact_at(&mut found, NAME).is_ok() && found == text
    })
}

/// The newer of two copies. Of a file that is new there is none.
fn read(file: &File, path: &Path, counted: bool) -> Result<Counts, QuotaError> {
    let io = |error: io::Error| QuotaError::Io { path: path.to_owned(), why: error.to_string() };
    let (mut copies, mut empty) = (Vec::new(), true);
    // By one call: both are in the first two pages.
    let mut pages = [0; BOTH];
    file.read_exact_at(&mut pages, 0).map_err(io)?;
    for place in [0, BOTH - SIZE] {
        let bytes = pages.get(place..place.saturating_add(SIZE)).unwrap_or_default();
        empty &= bytes.iter().all(|byte| *byte == 0);
        copies.extend(Counts::from_bytes(bytes));
    }
    match copies.into_iter().max_by_key(|counts| counts.sequence) {
        Some(counts) => Ok(counts),
        None if empty && !counted => Ok(Counts::default()),
        None => Err(QuotaError::Damaged(path.to_owned())),
    }
}
