//! What each file of the host was at the launch, so that `apply` can tell what changed since.
//!
//! The agent cannot change the host's folder, so it does not matter that it runs while this is
//! written. What the host changes meanwhile shows by its time of change, which is later than
//! the launch. Only a file that the host deletes in these first moments is missed.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::File,
    io::{BufWriter, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::io::Errno;

use crate::{
    beneath::{self, Root},
    seen::{Kind, Seen},
};

/// The file's name in the session's folder, and while it is not complete.
pub(crate) const NAME: &str = "baseline";
pub(crate) const PART: &str = "baseline.part";

const HEAD: &[u8] = b"palisade baseline 1";

/// All files of the workspace at the launch, by path.
#[derive(Debug, Default)]
pub(crate) struct Baseline(HashMap<PathBuf, Past>);

/// What a file was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Past {
    seen: Seen,
    late: bool,
}

impl Past {
    /// Whether it is the same as then. `None`: nothing is there now.
    pub(crate) fn is_still(&self, now: &Seen) -> bool {
        (!self.late || now.kind == Kind::Folder) && self.seen.same_as(now)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.seen.kind
    }

    pub(crate) fn permissions(&self) -> u32 {
        self.seen.permissions()
    }
}

impl Baseline {
    pub(crate) fn get(&self, path: &Path) -> Option<&Past> {
        self.0.get(path)
    }

    /// Read what [`record`] wrote; `None` if that is no complete record.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.strip_suffix(b"\0")?.split(|byte| *byte == 0);
        if lines.next() != Some(HEAD) {
            return None;
        }
        lines.map(line).collect::<Option<_>>().map(Self)
    }
}

/// Write down everything below `root`, as long as `go_on` says so; whether it is complete. Folders that cannot be read are
/// left out: nothing in them can be seen by the agent either.
pub(crate) fn record(
    root: &Root,
    into: File,
    launched: (i64, i64),
    go_on: &AtomicBool,
) -> std::io::Result<bool> {
    let mut out = BufWriter::with_capacity(1 << 16, into);
    out.write_all(HEAD)?;
    out.write_all(b"\0")?;
    let mut folders = vec![PathBuf::new()];
    while let Some(path) = folders.pop() {
        if !go_on.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let listed = root.folder(&path).and_then(|fd| Ok((beneath::names(&fd)?, fd)));
        let (names, folder) = match listed {
            Ok(listed) => listed,
            Err(Errno::ACCESS | Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {
                continue;
            }
            Err(errno) => return Err(errno.into()),
        };
        for name in names {
            let Some(seen) = beneath::look(&folder, &name)? else { continue };
            let path = path.join(name);
            if beneath::too_long(&path) {
                continue;
            }
            write(&mut out, &path, &seen, seen.changed > launched)?;
            if seen.kind == Kind::Folder {
                folders.push(path);
            }
        }
    }
    out.flush().map(|()| true)
}

fn write(out: &mut impl Write, path: &Path, seen: &Seen, late: bool) -> std::io::Result<()> {
    let Seen { mode, inode, links, size, modified, changed, .. } = seen;
    let (kind, late) = (letter(seen.kind), u8::from(late));
    write!(
        out,
        "{kind} {late} {mode:o} {inode} {links} {size} {} {} {} {} ",
        modified.0, modified.1, changed.0, changed.1
    )?;
    out.write_all(path.as_os_str().as_bytes())?;
    out.write_all(b"\0")
}

fn line(line: &[u8]) -> Option<(PathBuf, Past)> {
    let mut parts = line.splitn(11, |byte| *byte == b' ');
    let mut text = || std::str::from_utf8(parts.next()?).ok();
    let kind = kind(text()?)?;
    let late = text()? == "1";
    let mode = u32::from_str_radix(text()?, 8).ok()?;
    let (inode, links) = (text()?.parse().ok()?, text()?.parse().ok()?);
    let size = text()?.parse().ok()?;
    let modified = (text()?.parse().ok()?, text()?.parse().ok()?);
    let changed = (text()?.parse().ok()?, text()?.parse().ok()?);
    let path = PathBuf::from(OsStr::from_bytes(parts.next()?));
    let (uid, gid, blocks) = (0, 0, 0);
    let seen = Seen { kind, mode, uid, gid, inode, links, size, blocks, modified, changed };
    Some((path, Past { seen, late }))
}

const KINDS: [(char, Kind); 7] = [
    ('f', Kind::File),
    ('d', Kind::Folder),
    ('l', Kind::Link),
    ('w', Kind::Whiteout),
    ('p', Kind::Pipe),
    ('s', Kind::Socket),
    ('c', Kind::Device),
];

fn letter(kind: Kind) -> char {
    KINDS.iter().find(|(_, known)| *known == kind).map_or('?', |(letter, _)| *letter)
}

fn kind(text: &str) -> Option<Kind> {
    KINDS.iter().find(|(letter, _)| text.chars().eq([*letter])).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn recorded(folder: &Path, launched: (i64, i64)) -> Baseline {
        let root = Root::open(&folder.canonicalize().unwrap()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        record(&root, file.reopen().unwrap(), launched, &AtomicBool::new(true)).unwrap();
        Baseline::parse(&fs::read(file.path()).unwrap()).unwrap()
    }

    #[test]
    fn what_did_not_change_is_the_same_and_what_did_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir(path.join("sub")).unwrap();
        let odd = OsStr::from_bytes(b"sub/a \n\xff b");
        fs::write(path.join(odd), "one").unwrap();
        fs::write(path.join("other"), "one").unwrap();
        symlink("sub", path.join("link")).unwrap();
        let baseline = recorded(path, (i64::MAX, 0));
        fs::write(path.join("other"), "two").unwrap();
        fs::write(path.join("sub/new"), "").unwrap();
        let root = Root::open(&path.canonicalize().unwrap()).unwrap();
        let is_still = |name: &OsStr| {
            let now = root.look(Path::new(name)).unwrap().unwrap();
            baseline.get(Path::new(name)).map(|past| past.is_still(&now))
        };
        for (name, expected) in [
            (odd, Some(true)),
            (OsStr::new("sub"), Some(true)),
            (OsStr::new("link"), Some(true)),
            (OsStr::new("other"), Some(false)),
            (OsStr::new("sub/new"), None),
        ] {
            assert_eq!(is_still(name), expected, "{name:?}");
        }
    }

    #[test]
    fn what_changed_after_the_launch_counts_as_changed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let baseline = recorded(folder.path(), (0, 0));
        let root = Root::open(&folder.path().canonicalize().unwrap()).unwrap();
        let now = root.look(Path::new("file")).unwrap().unwrap();
        assert!(!baseline.get(Path::new("file")).unwrap().is_still(&now));
    }

    #[test]
    fn half_a_record_is_none() {
        assert!(Baseline::parse(b"").is_none());
        assert!(Baseline::parse(b"palisade baseline 1\0f 0 644 1 2").is_none());
        assert!(Baseline::parse(b"palisade baseline 1\0f 0 644 x 1 2 3 4 5 6 a\0").is_none());
        assert!(Baseline::parse(b"palisade baseline 1\0").is_some());
    }
}
