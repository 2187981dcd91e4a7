use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use palisade_core::SessionId;
use palisade_journal::Content;
use rustix::{
    fs::{self, CWD, Dir, FileType, FlockOperation, Mode, OFlags},
    io::Errno,
};

use super::BundleError;

const LEDGER: &str = "ledger.jsonl";
/// What follows the name of a compressed segment.
const PACKED: &str = ".zst";
/// No line is longer, so a newline is found in as many bytes.
const LONGEST_LINE: u64 = 65_536;
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The journal's files as they are at one moment, although sessions go on writing.
///
/// Sessions open and end under the ledger's lock. While it is ours the sizes are taken, and what comes later
/// is not read: so no session is in the snapshot that the ledger in it does not know.
pub(super) struct Snapshot {
    pub(super) files: Vec<Taken>,
}

pub(super) struct Taken {
    /// Below the journal's folder.
    pub(super) name: String,
    /// How much of it there was, up to its last whole line.
    pub(super) bytes: u64,
    pub(super) content: Box<dyn Read>,
}

/// A file by its name, with the size that it had under the lock.
struct Seen {
    name: String,
    size: u64,
}

impl Snapshot {
    pub(super) fn of(journal: &Path) -> Result<Self, BundleError> {
        let folder = open(journal)?;
        let ledger = read(&folder, LEDGER).map_err(reading(journal))?;
        if let Some(ledger) = &ledger {
            fs::flock(ledger, FlockOperation::LockShared).map_err(reading(journal))?;
        }
        let mut seen = Vec::new();
        for name in names(&folder).map_err(reading(journal))? {
            if name == LEDGER {
                seen.extend(size(&folder, &name).map_err(reading(journal))?);
            } else if name.parse::<SessionId>().is_ok() {
                let path = journal.join(&name);
                let session =
                    match fs::openat(&folder, &name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
                        Ok(session) => session,
                        Err(Errno::NOTDIR | Errno::LOOP) => continue,
                        Err(errno) => return Err(reading(&path)(errno)),
                    };
                let segments = names(&session).map_err(reading(&path))?;
                for segment in &segments {
                    // Of one that was being compressed at a crash the compressed one counts.
                    let packed = segments.contains(&format!("{segment}{PACKED}"));
                    if is_segment(segment) && !packed {
                        let found = size(&session, segment).map_err(reading(&path))?;
                        seen.extend(
                            found.map(|it| Seen { name: format!("{name}/{segment}"), ..it }),
                        );
                    }
                }
            }
        }
        // Sessions may open again: the sizes are known.
        drop(ledger);
        seen.sort_by(|one, other| one.name.cmp(&other.name));
        let files = seen.into_iter().map(|it| Taken::of(&folder, journal, it));
        Ok(Self { files: files.collect::<Result<_, _>>()? })
    }
}

impl Taken {
    fn of(folder: &OwnedFd, journal: &Path, seen: Seen) -> Result<Self, BundleError> {
        let path = journal.join(&seen.name);
        let bytes = match now(folder, &seen.name).map_err(reading(&path))? {
            None => 0,
            // It does not grow any more.
            Some((file, true)) => {
                let io = |source| BundleError::Read { path: path.clone(), source };
                Content::of(file).size().map_err(io)?
            }
            Some((file, false)) => {
                let io = |source| BundleError::Read { path: path.clone(), source };
                whole_lines(&mut File::from(file), seen.size).map_err(io)?
            }
        };
        // Opened again when it is its turn: a journal may have more sessions than we may hold open.
        let (folder, name) = (folder.try_clone(), seen.name.clone());
        let folder = folder.map_err(|source| BundleError::Read { path: path.clone(), source })?;
        // Whoever verifies a bundle needs nothing that reads zstd.
        let plain = seen.name.strip_suffix(PACKED).unwrap_or(&seen.name).to_owned();
        Ok(Self { name: plain, bytes, content: Box::new(Later { folder, name, file: None }) })
    }
}

/// A file that is opened when it is read.
struct Later {
    folder: OwnedFd,
    name: String,
    file: Option<Content>,
}

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            None => match now(&self.folder, &self.name)? {
                Some((file, _)) => self.file.insert(Content::of(file)),
                None => return Ok(0),
            },
        };
        file.read(buffer)
    }
}

/// How much of the first `size` bytes ends in a newline. What is behind it is being written.
fn whole_lines(file: &mut File, size: u64) -> std::io::Result<u64> {
    let from = size.saturating_sub(LONGEST_LINE);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(size.saturating_sub(from)).read_to_end(&mut tail)?;
    // Without any newline there it is no journal's; it goes in as it is, for the verifier to see.
    Ok(match tail.iter().rposition(|&byte| byte == b'\n') {
        Some(at) => from.saturating_add(u64::try_from(at).unwrap_or(0)).saturating_add(1),
        None => size,
    })
}

fn is_segment(name: &str) -> bool {
    let number = name.strip_suffix(PACKED).unwrap_or(name).strip_suffix(".jsonl");
    number.is_some_and(|n| n.len() == 6 && n.bytes().all(|byte| byte.is_ascii_digit()))
}

fn open(path: &Path) -> Result<OwnedFd, BundleError> {
    fs::openat(CWD, path, FOLDER, Mode::empty()).map_err(reading(path))
}

/// A segment, or what it has become: compressed since it was seen. Whether it is.
fn now(folder: impl AsFd, name: &str) -> Result<Option<(OwnedFd, bool)>, Errno> {
    match read(&folder, name)? {
        Some(file) => Ok(Some((file, name.ends_with(PACKED)))),
        None => Ok(read(&folder, &format!("{name}{PACKED}"))?.map(|file| (file, true))),
    }
}

/// A regular file below `folder`, never through a link; `None` when there is none.
fn read(folder: impl AsFd, name: &str) -> Result<Option<OwnedFd>, Errno> {
    let mut at = None;
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() { FOLDER | OFlags::NOFOLLOW } else { READ };
        let opened = match &at {
            None => fs::openat(&folder, part, flags, Mode::empty()),
            Some(folder) => fs::openat(folder, part, flags, Mode::empty()),
        };
        match opened {
            Ok(opened) => at = Some(opened),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno),
        }
    }
    if let Some(file) = &at
        && FileType::from_raw_mode(fs::fstat(file)?.st_mode) != FileType::RegularFile
    {
        return Ok(None);
    }
    Ok(at)
}

fn size(folder: impl AsFd, name: &str) -> Result<Option<Seen>, Errno> {
    let Some(file) = read(folder, name)? else { return Ok(None) };
    let size = u64::try_from(fs::fstat(&file)?.st_size).unwrap_or(0);
    Ok(Some(Seen { name: name.to_owned(), size }))
}

fn names(folder: impl AsFd) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}

fn reading(path: &Path) -> impl Fn(Errno) -> BundleError {
    move |errno| BundleError::Read { path: path.into(), source: errno.into() }
}
