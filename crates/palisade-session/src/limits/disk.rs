//! The limit of disk: what the writable folders of the host hold more than at the launch.
//!
//! No file system that people have under a workspace limits a folder, so this is a look every
//! few seconds. It does not see a burst between two looks, or files that have no name and are open in no process
//! (mapped, or on their way from one to another). One file is held by the kernel
//! (`RLIMIT_FSIZE`), and a workspace on a file system of its own by that.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use palisade_sandbox::{Content, HostObject, Plan, linux::cgroup::Processes};
use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, fstatvfs, openat, statat},
    io::Errno,
};

use super::{Breach, DISK, size};

/// What an entry takes besides its blocks: an inode and a place in a folder.
const ENTRY: u64 = 1024;
/// Folders below one another that are looked into. Each takes a descriptor while it is.
const DEEPEST: usize = 200;
/// Between two looks at how much room the file systems have left.
const GLANCE: Duration = Duration::from_secs(1);
/// A count takes at most one part of so many of the time: while room is going, and else. Others may
/// make as much room as the agent takes, so there is a count now and then in any case.
const REST: u32 = 20;
const LONG_REST: u32 = 200;
/// The least and the most of a long rest.
const SHORTEST: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(60);

/// What of the host the agent may write to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writable(Vec<Root>);

#[derive(Debug, Clone)]
struct Root {
    path: PathBuf,
    device: u64,
    inode: u64,
    folder: bool,
}

/// The folders, opened, and what they held at first.
#[derive(Debug)]
pub(super) struct Disk {
    limit: u64,
    roots: Arc<Vec<OwnedFd>>,
    /// Of the sandbox.
    processes: Option<Arc<Processes>>,
    first: u64,
    /// What the file systems had left then.
    room: u64,
    took: Duration,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    bytes: u64,
    /// Whether there are folders that the agent could fill and nobody else may look into.
    closed: bool,
}

impl Writable {
    /// What a plan lets the agent write to, each once.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut roots: Vec<Root> = plan
            .mounts
            .iter()
            .filter_map(|mount| match &mount.content {
                Content::Host(object) if object.writable => Some(Root::of(object)),
                Content::Overlay(overlay) => Some(Root::of(&overlay.layers)),
                _ => None,
            })
            .collect();
        roots.sort_by(|one, other| one.path.cmp(&other.path));
        roots.dedup_by(|later, earlier| later.path.starts_with(&earlier.path));
        Self(roots)
    }
}

impl Root {
    fn of(object: &HostObject) -> Self {
        let HostObject { path, device, inode, folder, .. } = object;
        Self { path: path.clone(), device: *device, inode: *inode, folder: *folder }
    }

    fn open(&self) -> io::Result<OwnedFd> {
        let mut flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        flags |= if self.folder { OFlags::RDONLY | OFlags::DIRECTORY } else { OFlags::PATH };
        let opened = openat(CWD, &self.path, flags, Mode::empty())?;
        let found = fstat(&opened)?;
        if (found.st_dev, found.st_ino) == (self.device, self.inode) {
            Ok(opened)
        } else {
            Err(io::Error::other(format!("{} was exchanged", self.path.display())))
        }
    }
}

impl Disk {
    /// Count what is there. The agent must not run yet.
    pub(super) async fn measure(
        limit: u64,
        writable: Writable,
        processes: Option<Processes>,
    ) -> io::Result<Self> {
        let roots: io::Result<Vec<OwnedFd>> = writable.0.iter().map(Root::open).collect();
        let (roots, processes) = (Arc::new(roots?), processes.map(Arc::new));
        let room = room(&roots);
        let (first, took) = count(&roots, processes.as_ref()).await;
        Ok(Self { limit, roots, processes, first: first?.bytes, room, took })
    }

    /// What came since. Where something cannot be looked into, all that the file systems have lost since may be there.
    fn grown(&self, found: Counted) -> u64 {
        let seen = found.bytes.saturating_sub(self.first);
        match found.closed {
            true => seen.max(self.room.saturating_sub(room(&self.roots))),
            false => seen,
        }
    }

    pub(super) async fn broken(&self) -> Breach {
        let (mut took, mut left) = (self.took, self.limit);
        loop {
            self.wait(took, left).await;
            let (found, now) = count(&self.roots, self.processes.as_ref()).await;
            took = now;
            let what = match found {
                Ok(found) => {
                    let grown = self.grown(found);
                    if grown <= self.limit {
                        left = self.limit.saturating_sub(grown);
                        continue;
                    }
                    format!("the folders it may write to grew by {grown} bytes")
                }
                Err(error) => format!("the folders it may write to cannot be counted ({error})"),
            };
            let limit = size(self.limit);
            return Breach { rule: DISK, what: format!("{what}; the limit is {limit} ({DISK})") };
        }
    }

    /// Until a count is worth its time: a good part of what was left may have been taken.
    async fn wait(&self, took: Duration, left: u64) {
        let began = Instant::now();
        let before = room(&self.roots);
        let rest = took.saturating_mul(REST);
        let long = took.saturating_mul(LONG_REST).clamp(SHORTEST, LONGEST.max(rest));
        loop {
            tokio::time::sleep(GLANCE).await;
            let gone = before.saturating_sub(room(&self.roots));
            let passed = began.elapsed();
            if passed >= long || (passed >= rest && gone >= left / 8) {
                return;
            }
        }
    }
}

/// Bytes that the file systems of these have left, added up.
fn room(roots: &[OwnedFd]) -> u64 {
    let free = |root: &OwnedFd| {
        fstatvfs(root).map_or(0, |found| found.f_bfree.saturating_mul(found.f_frsize))
    };
    roots.iter().map(free).fold(0, u64::saturating_add)
}

async fn count(
    roots: &Arc<Vec<OwnedFd>>,
    processes: Option<&Arc<Processes>>,
) -> (io::Result<Counted>, Duration) {
    let (roots, processes) = (Arc::clone(roots), processes.cloned());
    let counting = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let mut sum = Counted::default();
        let counted = roots.iter().try_for_each(|root| taken_below(root, &mut sum));
        if let Some(processes) = processes {
            let devices: Vec<u64> =
                roots.iter().filter_map(|root| Some(fstat(root).ok()?.st_dev)).collect();
            sum.bytes = sum.bytes.saturating_add(processes.nameless(&devices));
        }
        (counted.map(|()| sum), began.elapsed())
    });
    counting.await.unwrap_or_else(|error| (Err(io::Error::other(error)), Duration::ZERO))
}

/// What a file or a folder with all below it takes. Never through a link, and never to another
/// file system.
fn taken_below(root: &OwnedFd, sum: &mut Counted) -> io::Result<()> {
    let found = fstat(root)?;
    sum.bytes = sum.bytes.saturating_add(taken(&found));
    if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
        return Ok(());
    }
    let own_user = rustix::process::geteuid().as_raw();
    let mut open = vec![(Dir::read_from(root)?, None::<OwnedFd>)];
    while let Some((folder, own)) = open.last_mut() {
        let Some(entry) = folder.read() else {
            open.pop();
            continue;
        };
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let at = own.as_ref().map_or(root.as_fd(), AsFd::as_fd);
        // Gone in the meantime, or of another file system: not ours to count.
        let entry = match statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(entry) => entry,
            Err(errno) => {
                // The folder may be listed, but not entered.
                sum.closed |= errno == Errno::ACCESS;
                continue;
            }
        };
        if entry.st_dev != found.st_dev {
            continue;
        }
        sum.bytes = sum.bytes.saturating_add(taken(&entry));
        if FileType::from_raw_mode(entry.st_mode) != FileType::Directory {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let below = match openat(at, name, flags, Mode::empty()) {
            Ok(below) => below,
            Err(Errno::MFILE | Errno::NFILE) => return Err(too_deep()),
            Err(errno) => {
                // Another user's is closed to the agent as well.
                sum.closed |= errno == Errno::ACCESS && entry.st_uid == own_user;
                continue;
            }
        };
        if open.len() >= DEEPEST {
            return Err(too_deep());
        }
        open.push((Dir::read_from(&below)?, Some(below)));
    }
    Ok(())
}

fn too_deep() -> io::Error {
    io::Error::other(format!("folders lie more than {DEEPEST} deep"))
}

/// A file with several names is shared out among them.
#[allow(clippy::useless_conversion, reason = "the type differs between architectures")]
fn taken(found: &Stat) -> u64 {
    let number = |value: i64| u64::try_from(value).unwrap_or(0);
    let links = if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile {
        u64::from(found.st_nlink).max(1)
    } else {
        1
    };
    (number(found.st_blocks).saturating_mul(512) / links).saturating_add(ENTRY)
}

/// The folders of a session that has no plan yet, for tests.
#[cfg(test)]
pub(super) fn of_folder(path: &std::path::Path) -> Writable {
    use std::os::unix::fs::MetadataExt;
    let found = path.metadata().unwrap();
    Writable(vec![Root {
        path: path.to_owned(),
        device: found.dev(),
        inode: found.ino(),
        folder: found.is_dir(),
    }])
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, path::Path};

    use super::*;

    fn counted(path: &Path) -> u64 {
        let root = of_folder(path).0.remove(0).open().unwrap();
        let mut counted = Counted::default();
        taken_below(&root, &mut counted).unwrap();
        counted.bytes
    }

    #[test]
    fn counts_what_is_taken_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join("big"), vec![1; 1 << 20]).unwrap();
        let before = counted(folder.path());
        symlink(other.path(), folder.path().join("out")).unwrap();
        symlink(folder.path(), folder.path().join("round")).unwrap();
        let links = counted(folder.path());
        assert!(links - before < 64 * 1024, "{before} {links}");
        std::fs::create_dir_all(folder.path().join("a/b/c")).unwrap();
        std::fs::write(folder.path().join("a/b/c/file"), vec![1; 1 << 20]).unwrap();
        let one = counted(folder.path());
        assert!(one - links >= 1 << 20, "{links} {one}");
        for name in ["x", "y", "z"] {
            std::fs::hard_link(folder.path().join("a/b/c/file"), folder.path().join(name)).unwrap();
        }
        assert!(counted(folder.path()) - one < 64 * 1024);
        // A sparse file takes nothing but its entry.
        std::fs::File::create(folder.path().join("hole")).unwrap().set_len(1 << 40).unwrap();
        assert!(counted(folder.path()) - one < 64 * 1024);
    }

    #[test]
    fn many_empty_files_count_too() {
        let folder = tempfile::tempdir().unwrap();
        let before = counted(folder.path());
        for number in 0..500 {
            std::fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        assert!(counted(folder.path()) - before >= 500 * ENTRY);
    }

    #[test]
    fn folders_that_are_too_deep_to_count_are_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let mut path = folder.path().to_owned();
        for _ in 0..DEEPEST + 5 {
            path.push("d");
        }
        std::fs::create_dir_all(&path).unwrap();
        let root = of_folder(folder.path()).0.remove(0).open().unwrap();
        let counted = taken_below(&root, &mut Counted::default());
        assert!(counted.unwrap_err().to_string().contains("deep"));
    }

    #[tokio::test]
    async fn growth_beyond_the_limit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("old"), vec![1; 4 << 20]).unwrap();
        let disk = Disk::measure(1 << 20, of_folder(folder.path()), None).await.unwrap();
        std::fs::write(folder.path().join("new"), vec![1; 2 << 20]).unwrap();
        // What others do to the file system meanwhile must not matter: count at once.
        let (found, _) = count(&disk.roots, None).await;
        assert!(disk.grown(found.unwrap()) > 1 << 20);
    }

    #[test]
    fn an_exchanged_folder_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let writable = of_folder(&inner);
        std::fs::rename(&inner, folder.path().join("moved")).unwrap();
        std::fs::create_dir(&inner).unwrap();
        assert!(writable.0[0].open().is_err());
    }
}
