//! What there is to read, for those who remember what was said of it: nothing here looks at what the bytes mean.

use std::{
    os::{fd::AsFd, unix::ffi::OsStrExt},
    time::{Duration, SystemTime},
};

use rustix::fs::{FileType, OFlags, Stat, fstat};
use sha2::{Digest as _, Sha256};

use super::{
    Limits,
    folder::{self, Entry, Tree, What},
    roots::Root,
};

/// A file that was written to so lately could be written to once more without another time: the kernel's clock for
/// files has ticks of up to ten milliseconds.
const FRESH: Duration = Duration::from_millis(50);

/// What there is to read of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Of all that a verdict rests on: names, kinds, bytes, where links lead.
    pub content: [u8; 32],
    /// Of which files it was in, and when they were changed last. As long as it stays the same, so does the content.
    pub state: [u8; 32],
}

struct Hashes {
    content: Sha256,
    state: Sha256,
    /// Bytes that may still be read.
    left: u64,
}

impl Tree {
    /// Of one package. `None` if something cannot be read, is beyond a limit, or was changed just now: then nothing
    /// should be remembered. Without `bytes` no file is read, and only the state is true.
    pub(super) fn stamp(&self, root: &Root, limits: &Limits, bytes: bool) -> Option<Stamp> {
        if self.cut {
            return None;
        }
        let (content, state) = (Sha256::new(), Sha256::new());
        let mut hashes = Hashes { content, state, left: limits.package };
        hashes.part(self.named(root).1.as_bytes());
        for &at in &root.entries {
            let entry = self.entries.get(at)?;
            let raw = entry.raw.as_bytes();
            hashes.part(raw.strip_prefix(root.at.as_bytes()).unwrap_or(raw));
            let inside =
                entry.path.get(root.at.len()..).unwrap_or_default().trim_start_matches('/');
            match entry.what {
                What::Folder => hashes.part(b"folder"),
                What::Special => {
                    hashes.part(b"special");
                    hashes.state_of(&self.itself(entry)?);
                }
                What::Link => {
                    hashes.part(b"link");
                    hashes.part(self.target(entry).ok()?.as_bytes());
                    hashes.state_of(&self.itself(entry)?);
                }
                // What is not read counts for nothing.
                What::File if self.is_history(entry, inside) => hashes.part(b"history"),
                What::File => self.of_file(entry, limits, bytes, &mut hashes)?,
                What::Unread => return None,
            }
        }
        Some(Stamp {
            content: hashes.content.finalize().into(),
            state: hashes.state.finalize().into(),
        })
    }

    /// What an entry is, without opening it or where it leads.
    fn itself(&self, entry: &Entry) -> Option<Stat> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        fstat(folder::beneath(&self.descriptor, &entry.raw, flags).ok()?).ok()
    }

    fn of_file(
        &self,
        entry: &Entry,
        limits: &Limits,
        bytes: bool,
        hashes: &mut Hashes,
    ) -> Option<()> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let opened;
        let descriptor = if self.single {
            self.descriptor.as_fd()
        } else {
            opened = folder::beneath(&self.descriptor, &entry.raw, flags).ok()?;
            opened.as_fd()
        };
        let stat = fstat(descriptor).ok()?;
        let size = u64::try_from(stat.st_size).ok()?;
        hashes.left = hashes.left.checked_sub(size).filter(|_| size <= limits.file)?;
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if !regular || bytes && is_fresh(&stat) {
            return None;
        }
        hashes.state_of(&stat);
        if bytes {
            let executable = stat.st_mode & 0o111 != 0;
            let bytes = folder::all_of(descriptor, size).ok()?;
            hashes.part(if executable { b"program" } else { b"file" });
            hashes.part(&bytes);
        }
        Some(())
    }
}

impl Hashes {
    fn part(&mut self, bytes: &[u8]) {
        self.content.update(bytes.len().to_le_bytes());
        self.content.update(bytes);
    }

    fn state_of(&mut self, stat: &Stat) {
        for number in [
            i128::from(stat.st_dev),
            i128::from(stat.st_ino),
            i128::from(stat.st_size),
            i128::from(stat.st_mode),
            i128::from(stat.st_mtime),
            i128::from(stat.st_mtime_nsec),
            i128::from(stat.st_ctime),
            i128::from(stat.st_ctime_nsec),
        ] {
            self.state.update(number.to_le_bytes());
        }
    }
}

fn is_fresh(stat: &Stat) -> bool {
    let (Ok(seconds), Ok(nanoseconds)) =
        (u64::try_from(stat.st_ctime), u32::try_from(stat.st_ctime_nsec))
    else {
        return true;
    };
    let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds));
    changed
        .and_then(|changed| SystemTime::now().duration_since(changed).ok())
        .is_none_or(|age| age < FRESH)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, thread::sleep};

    use super::super::Tree;
    use super::*;

    fn stamp(folder: &std::path::Path) -> Option<Stamp> {
        Tree::open(folder, Limits::default()).unwrap().stamp(0)
    }

    #[test]
    fn whatever_a_verdict_rests_on_changes_it() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("notes");
        fs::create_dir_all(folder.join(".git/objects")).unwrap();
        fs::write(folder.join("SKILL.md"), "one").unwrap();
        fs::write(folder.join("b"), "").unwrap();
        std::os::unix::fs::symlink("b", folder.join("link")).unwrap();
        // What was written just now could be written again unseen.
        assert_eq!(stamp(&folder), None);
        sleep(2 * FRESH);
        let before = stamp(&folder).unwrap();
        assert_eq!(stamp(&folder), Some(before));
        let tree = Tree::open(&folder, Limits::default()).unwrap();
        assert_eq!(tree.state(0), Some(before.state));
        let changes: [&dyn Fn(); 5] = [
            &|| fs::write(folder.join("SKILL.md"), "two").unwrap(),
            &|| fs::rename(folder.join("b"), folder.join("c")).unwrap(),
            &|| fs::set_permissions(folder.join("c"), fs::Permissions::from_mode(0o755)).unwrap(),
            &|| {
                fs::remove_file(folder.join("link")).unwrap();
                std::os::unix::fs::symlink("/etc", folder.join("link")).unwrap();
            },
            &|| fs::write(folder.join(".git/objects/a"), "x").unwrap(),
        ];
        let mut seen = vec![before];
        for change in changes {
            change();
            sleep(2 * FRESH);
            let now = stamp(&folder).unwrap();
            assert!(seen.iter().all(|other| other.content != now.content), "{seen:?}");
            seen.push(now);
        }
        // A link that was another meanwhile.
        let link = folder.join("link");
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        let again = stamp(&folder).unwrap();
        assert!(again.content == seen[5].content && again.state != seen[5].state);
        // The same bytes, written again: the same content in another state.
        fs::write(folder.join("SKILL.md"), "two").unwrap();
        let last = *seen.last().unwrap();
        assert_ne!(tree.state(0), Some(last.state));
        sleep(2 * FRESH);
        assert_eq!(stamp(&folder).unwrap().content, last.content);
        // Too large to be read.
        fs::File::create(folder.join("c")).unwrap().set_len(9 << 20).unwrap();
        sleep(2 * FRESH);
        assert_eq!(stamp(&folder), None);
        assert_eq!(
            stamp(&top.path().join("notes/SKILL.md")).map(|it| it.content == last.content),
            Some(false)
        );
    }
}
