use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ring::digest::{Context, Digest, SHA256};

/// Of larger files only size, times and inode are compared.
const MOST_HASHED: u64 = 64 << 20;

/// A file as it was when the session started.
#[derive(Debug)]
pub(crate) struct Pin {
    path: PathBuf,
    digest: Option<Digest>,
    stamp: Mutex<Stamp>,
}

/// What changes with every change of a file: nobody but root sets a change time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp([i64; 7]);

impl Stamp {
    fn of(found: &Metadata) -> Self {
        let number = |value: u64| i64::from_ne_bytes(value.to_ne_bytes());
        Self([
            number(found.dev()),
            number(found.ino()),
            number(found.size()),
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec(),
        ])
    }
}

impl Pin {
    /// The file as it is now.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let (stamp, digest) = look(path)?;
        Ok(Self { path: path.to_owned(), digest, stamp: Mutex::new(stamp) })
    }

    /// Whether it is still the same.
    ///
    /// # Errors
    /// It is not.
    pub(crate) fn holds(&self) -> Result<(), String> {
        let shown = self.path.display();
        let gone = |error: io::Error| format!("{shown} cannot be read any more: {error}");
        let now = Stamp::of(&fs::metadata(&self.path).map_err(gone)?);
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if *stamp == now {
            return Ok(());
        }
        let (now, digest) = look(&self.path).map_err(gone)?;
        let same = match (&self.digest, &digest) {
            (Some(before), Some(now)) => before.as_ref() == now.as_ref(),
            _ => false,
        };
        if !same {
            return Err(format!("{shown} has changed since the session started"));
        }
        *stamp = now;
        Ok(())
    }
}

fn look(path: &Path) -> io::Result<(Stamp, Option<Digest>)> {
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    let stamp = Stamp::of(&found);
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if found.size() > MOST_HASHED {
        return Ok((stamp, None));
    }
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    let mut left = MOST_HASHED;
    loop {
        let read = file.read(&mut buffer)?;
        let part = buffer.get(..read).unwrap_or_default();
        if part.is_empty() {
            return Ok((stamp, Some(context.finish())));
        }
        left = left.saturating_sub(part.len().try_into().unwrap_or(u64::MAX));
        if left == 0 {
            return Ok((stamp, None));
        }
        context.update(part);
    }
}
