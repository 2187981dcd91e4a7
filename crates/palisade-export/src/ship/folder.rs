use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use palisade_journal::Hash;
use ring::digest;
use rustix::{
    fs::{self, AtFlags, CWD, Mode, OFlags, RenameFlags},
    io::Errno,
};

use super::{Item, Put};
use crate::sink::{Failure, Payload};

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A folder: each file is made under another name, put on the disk, and named. Nothing that is there is written over.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn put(&self, item: &Item<'_>) -> Result<Put, Failure> {
        let mut path = self.path.clone();
        // It is not made: where a disk is not there, its place must not fill another one.
        let mut folder = fs::openat(CWD, &path, FOLDER - OFlags::NOFOLLOW, Mode::empty())
            .map_err(failed("open", &path))?;
        for name in item.folders {
            path.push(name);
            folder = inside(&folder, name, &path)?;
        }
        path.push(item.name);
        if let Some(there) = there(&folder, item, &path)? {
            return Ok(there);
        }
        let new = format!(".{}.new", item.name);
        let made = write(&folder, &new, item, &path).and_then(|()| name(&folder, &new, item.name));
        if let Err(error) = made {
            fs::unlinkat(&folder, &new, AtFlags::empty()).ok();
            // Somebody made it in between.
            if error.kind() == io::ErrorKind::AlreadyExists
                && let Some(there) = there(&folder, item, &path)?
            {
                return Ok(there);
            }
            return Err(Failure::before(format!("write {}: {error}", path.display())));
        }
        fs::fsync(&folder).map_err(failed("sync", &path))?;
        Ok(Put::New)
    }
}

fn failed(step: &'static str, path: &Path) -> impl FnOnce(Errno) -> Failure {
    let path = path.display().to_string();
    move |errno| Failure::before(format!("{step} {path}: {errno}"))
}

fn inside(parent: &OwnedFd, name: &str, path: &Path) -> Result<OwnedFd, Failure> {
    let made = match fs::mkdirat(parent, name, Mode::from_raw_mode(0o700)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(failed("make", path)(errno)),
    };
    if made {
        fs::fsync(parent).map_err(failed("sync", path))?;
    }
    fs::openat(parent, name, FOLDER, Mode::empty()).map_err(failed("open", path))
}

/// What is there by that name, if anything is: ours, or an error.
fn there(folder: &OwnedFd, item: &Item<'_>, path: &Path) -> Result<Option<Put>, Failure> {
    let fd = match fs::openat(folder, item.name, READ, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => {
            return Err(Failure::Never(format!("{} is a link", path.display())));
        }
        Err(errno) => return Err(failed("open", path)(errno)),
    };
    let mut file = File::from(fd);
    let broke = |error: io::Error| Failure::before(format!("read {}: {error}", path.display()));
    if !file.metadata().map_err(broke)?.is_file() {
        return Err(Failure::Never(format!("{} is no regular file", path.display())));
    }
    let digest = digest_of(&mut file).map_err(broke)?;
    if [Some(item.sha256), item.before].contains(&Some(digest)) {
        return Ok(Some(Put::There(digest)));
    }
    let why = "another file has its name, which is not written over";
    Err(Failure::Never(format!("{}: {why}", path.display())))
}

fn digest_of(file: &mut File) -> io::Result<Hash> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        context.update(buffer.get(..read).unwrap_or_default());
    }
    let bytes: Option<[u8; 32]> = context.finish().as_ref().try_into().ok();
    bytes.map(Hash::from).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn write(folder: &OwnedFd, new: &str, item: &Item<'_>, path: &Path) -> io::Result<()> {
    // What a crash left.
    match fs::unlinkat(folder, new, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let mut file = File::from(fs::openat(folder, new, NEW, Mode::from_raw_mode(0o600))?);
    match &item.payload {
        Payload::Bytes(bytes) => file.write_all(bytes)?,
        Payload::File(from, ..) => {
            use std::os::unix::fs::FileExt;
            let (mut at, mut buffer) = (0_u64, vec![0; 128 * 1024]);
            loop {
                let read = from.read_at(&mut buffer, at)?;
                if read == 0 {
                    break;
                }
                file.write_all(buffer.get(..read).unwrap_or_default())?;
                at = at.saturating_add(u64::try_from(read).unwrap_or(0));
            }
        }
    }
    file.sync_all()?;
    drop(file);
    // What the disk has is what was to go.
    let mut again = File::from(fs::openat(folder, new, READ, Mode::empty())?);
    match digest_of(&mut again)? == item.sha256 {
        true => Ok(()),
        false => {
            Err(io::Error::other(format!("{} has other bytes than were sent", path.display())))
        }
    }
}

/// Give it its name, unless something has it.
fn name(folder: &OwnedFd, new: &str, name: &str) -> io::Result<()> {
    match fs::renameat_with(folder, new, folder, name, RenameFlags::NOREPLACE) {
        // The file system cannot do that; only one process ships a journal there.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            Ok(fs::renameat(folder, new, folder, name)?)
        }
        other => Ok(other?),
    }
}
