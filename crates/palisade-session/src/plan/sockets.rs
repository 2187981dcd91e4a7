//! Unix sockets of the host's programs in what is shown: hidden, for whoever can connect to one can
//! have that program act for it.
//!
//! Neither a network namespace nor a read-only mount keeps a path socket from being connected to.
//! From Landlock's version 9 on the kernel refuses it for all that were made outside; before, each
//! that is bound now is covered. One that the host binds later is covered when it appears, where what appears is
//! watched; see [`later`](crate::later).

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::File,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            ffi::OsStrExt,
            fs::{FileTypeExt, MetadataExt},
        },
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{held, links, repository::Repositories, tree::Tree};
use crate::{
    refusal::{Refusal, Refuse},
    walk::{Folder, walk},
};
use rustix::{
    fs::{FileType, Mode, OFlags, openat},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send,
        socket_with,
    },
};

/// A socket that is bound to a path.
#[derive(Debug, PartialEq, Eq)]
struct Bound {
    /// As its program wrote it, perhaps relative to where that was.
    name: PathBuf,
    /// The lower half of its file's inode number.
    inode: u32,
    /// The device of its file system, as the kernel writes it.
    device: u32,
}

/// Cover them. `own` is where they are looked for if their name does not tell.
///
/// # Errors
/// One was renamed while it was looked at, and would be shown. One that went away needs no cover.
pub(crate) fn hide(
    hosts: Option<&HostSockets>,
    own: &[PathBuf],
    walked: &[Repositories],
    tree: &mut Tree,
) -> Result<(), Refusal> {
    let (named, lost) = match hosts.and_then(|hosts| hosts.bound().ok()) {
        Some(bound) => named(&bound, own),
        // A kernel that does not tell: any may be in use.
        None => (Vec::new(), Some(None)),
    };
    let found = lost.map(|inodes| look_for(own, walked, inodes.as_ref())).unwrap_or_default();
    for (socket, path) in named.into_iter().chain(found) {
        let same = |real: &Path| {
            let (now, then) = (real.symlink_metadata().ok()?, socket.metadata().ok()?);
            ((now.dev(), now.ino()) == (then.dev(), then.ino())).then_some(())
        };
        match links::real(&path).and_then(|real| same(&real).map(|()| real)) {
            Some(real) => tree
                .cover_object(&real, &socket)
                .refuse(format!("look at {}", path.display()), "report this")?,
            None if !tree.shows(&links::real_or_same(&path)) => {}
            None if held::look_again(socket.as_fd(), &path)? => {}
            None => return Err(held::moved(Some(&path))),
        }
    }
    Ok(())
}

/// What has this name, whatever it is, and what leads there.
fn open(path: &Path) -> Option<File> {
    rustix::fs::open(path, NAMED, Mode::empty()).ok().map(File::from)
}

const NAMED: OFlags = OFlags::PATH.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// The paths of those whose name leads to them, and the inodes of those that have to be looked for.
fn named(bound: &[Bound], own: &[PathBuf]) -> (Vec<Opened>, Option<Option<BTreeSet<u32>>>) {
    let devices: Vec<u64> =
        own.iter().filter_map(|path| path.metadata().ok()).map(|found| found.dev()).collect();
    let (mut paths, mut lost) = (Vec::new(), BTreeSet::new());
    for socket in bound {
        let there =
            Some(&socket.name).filter(|name| name.is_absolute()).and_then(|name| open(name));
        let there = there.filter(|there| is_socket(there, socket.inode));
        // It can be connected to by any of its names.
        let only = there.as_ref().is_some_and(|there| !has_other_names(there));
        if let Some(there) = there {
            paths.push((Arc::new(there), socket.name.clone()));
        }
        if !only && devices.iter().any(|device| may_be(*device, socket.device)) {
            lost.insert(socket.inode);
        }
    }
    (paths, (!lost.is_empty()).then_some(Some(lost)))
}

/// Whether `stat(2)` shows the kernel's device so. A device without a number of its own (btrfs,
/// overlayfs) may show any.
fn may_be(shown: u64, kernels: u32) -> bool {
    let (major, minor) = (rustix::fs::major(shown), rustix::fs::minor(shown));
    major == 0 || major << 20 | minor == kernels
}

fn has_other_names(there: &File) -> bool {
    there.metadata().is_ok_and(|found| found.nlink() > 1)
}

fn is_socket(there: &File, inode: u32) -> bool {
    there.metadata().is_ok_and(|found| found.file_type().is_socket() && low(found.ino()) == inode)
}

fn low(inode: u64) -> u32 {
    u32::try_from(inode & u64::from(u32::MAX)).unwrap_or_default()
}

/// A socket, and where it was seen.
type Opened = (Arc<File>, PathBuf);

/// Sockets that are kept open where they are found; others are opened by their path later, and may be elsewhere by then.
const MOST_OPEN: usize = 256;

/// A socket that was found in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    path: PathBuf,
    opened: Option<Arc<File>>,
}

impl Found {
    /// Those in a folder. `open` counts those that are kept open.
    pub(super) fn all_in<'a>(
        folder: &'a Folder<'_>,
        open: &'a AtomicUsize,
    ) -> impl Iterator<Item = Self> + 'a {
        let sockets = folder.entries().filter(|(_, kind)| *kind == FileType::Socket);
        sockets.map(|(name, _)| {
            let few = open.fetch_add(1, Ordering::Relaxed) < MOST_OPEN;
            let opened = few.then(|| openat(folder.opened, name, NAMED, Mode::empty()).ok());
            let opened = opened.flatten().map(|opened| Arc::new(opened.into()));
            Self { path: folder.path.join(name), opened }
        })
    }
}

fn look_for(
    own: &[PathBuf],
    walked: &[Repositories],
    inodes: Option<&BTreeSet<u32>>,
) -> Vec<Opened> {
    let wanted = |file: &Arc<File>| {
        let inode = file.metadata().map(|found| low(found.ino()));
        inode.is_ok_and(|inode| inodes.is_none_or(|inodes| inodes.contains(&inode)))
    };
    let mut all = Vec::new();
    for root in own {
        // What cannot be read by us cannot be by the agent.
        let sockets = match Repositories::with(walked, root) {
            Some(walked) => walked.sockets.clone(),
            None => {
                let open = AtomicUsize::new(0);
                walk(root, |folder, found| found.extend(Found::all_in(folder, &open))).found
            }
        };
        let below = sockets.into_iter().filter(|found| found.path.starts_with(root));
        let opened = below.filter_map(|found| {
            Some((found.opened.or_else(|| open(&found.path).map(Arc::new))?, found.path))
        });
        all.extend(opened.filter(|(file, _)| wanted(file)));
    }
    all
}

const BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x1 | 0x300;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const SHOW_NAME_AND_FILE: u32 = 0x1 | 0x2;
const NAME: u16 = 0;
const FILE: u16 = 1;
const HEADER: usize = 16;
/// What the kernel puts into one datagram of a dump, if it may.
const MOST_BYTES: usize = 16 * 1024;

/// Who tells of the unix sockets of this network namespace. See `sock_diag(7)`.
#[derive(Debug)]
pub(crate) struct HostSockets(OwnedFd);

/// Those that have a path.
#[derive(Debug)]
pub(crate) struct BoundSockets(Vec<Bound>);

impl BoundSockets {
    /// Whether this file is one of them. Where a file system's numbers do not tell, it may be.
    pub(crate) fn have(&self, device: u64, inode: u64) -> bool {
        self.0.iter().any(|socket| socket.inode == low(inode) && may_be(device, socket.device))
    }
}

impl HostSockets {
    /// `None`: this kernel does not tell.
    pub(crate) fn new() -> Option<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(netlink::SOCK_DIAG),
        );
        socket.ok().map(Self)
    }

    /// All that are bound now.
    ///
    /// # Errors
    /// The kernel does not tell. It is not to be asked again.
    pub(crate) fn all(&self) -> Result<BoundSockets, Errno> {
        self.bound().map(BoundSockets)
    }

    fn bound(&self) -> Result<Vec<Bound>, Errno> {
        send(&self.0, &request(), SendFlags::empty())?;
        let mut all = Vec::new();
        let mut buffer = vec![0_u8; MOST_BYTES];
        loop {
            let (_, received) = recv(&self.0, &mut buffer[..], RecvFlags::empty())?;
            let mut rest = buffer.get(..received).unwrap_or_default();
            while let Some((kind, message, after)) = message(rest) {
                rest = after;
                match kind {
                    DONE => return Ok(all),
                    ERROR => return Err(Errno::NOTSUP),
                    _ => all.extend(read(message)),
                }
            }
            if received == 0 {
                return Err(Errno::IO);
            }
        }
    }
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + 24);
    bytes.extend(40_u32.to_ne_bytes());
    bytes.extend(BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    // struct unix_diag_req: family, protocol, padding, states, inode, what to show, cookie.
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(SHOW_NAME_AND_FILE.to_ne_bytes());
    bytes.extend(u64::MAX.to_ne_bytes());
    bytes
}

/// The first message's kind and content, and what follows it.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(*bytes.first_chunk()?)).ok()?;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let content = bytes.get(HEADER..length)?;
    Some((kind, content, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// A `struct unix_diag_msg` and its attributes, if they name a path and its file.
fn read(message: &[u8]) -> Option<Bound> {
    let (mut name, mut file) = (None, None);
    let mut rest = message.get(16..)?;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_ne_bytes(*length));
        let kind = u16::from_ne_bytes(*after.first_chunk()?);
        let value = rest.get(4..length)?;
        match kind {
            // An abstract name begins with NUL.
            NAME if value.first() != Some(&0) => {
                let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
                name = value.get(..end).map(|name| PathBuf::from(OsStr::from_bytes(name)));
            }
            FILE => {
                let (inode, device) = value.split_first_chunk::<4>()?;
                let device = u32::from_ne_bytes(*device.first_chunk()?);
                file = Some((u32::from_ne_bytes(*inode), device));
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    let (inode, device) = file?;
    Some(Bound { name: name?, inode, device })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_bound_socket_is_found_whatever_name_it_was_bound_by() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let by_name = UnixListener::bind(base.join("by-name")).unwrap();
        let moved = UnixListener::bind(base.join("before")).unwrap();
        std::fs::rename(base.join("before"), base.join("after")).unwrap();
        drop(UnixListener::bind(base.join("nobody's")).unwrap());
        std::fs::write(base.join("file"), "").unwrap();

        let (found, lost) =
            named(&HostSockets::new().unwrap().bound().unwrap(), std::slice::from_ref(&base));
        let paths: Vec<_> = found.into_iter().map(|(_, path)| path).collect();
        let paths: Vec<_> = paths.into_iter().filter(|path| path.starts_with(&base)).collect();
        assert_eq!(paths, [base.join("by-name")]);
        let lost = lost.flatten().unwrap();
        let found = look_for(std::slice::from_ref(&base), &[], Some(&lost));
        let paths: Vec<_> = found.into_iter().map(|(_, path)| path).collect();
        assert_eq!(paths, [base.join("after")]);
        assert_eq!(look_for(&[base], &[], None).len(), 3);
        drop((by_name, moved));
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        let whole = {
            let mut bytes = vec![0; 16];
            bytes.extend([8, 0, 0, 0, b'/', b'x', 0, 0]);
            bytes.extend([12, 0, 1, 0, 7, 0, 0, 0, 9, 0, 0, 0]);
            bytes
        };
        let expected = Bound { name: "/x".into(), inode: 7, device: 9 };
        assert_eq!(read(&whole), Some(expected));
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), None, "{length}");
            assert!(message(&whole[..length]).is_none());
        }
    }
}
