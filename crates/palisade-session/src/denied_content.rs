//! What denied files hold, so that it does not go to a model either.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use palisade_inference::KnownSecret;
use palisade_policy::Policy;
use palisade_sandbox::{Content, Plan, There};
use rustix::fs::{Mode, OFlags, open};

/// Larger files are no lists of secrets.
const LARGEST: u64 = 64 * 1024;
/// All of them together.
const MOST_BYTES: u64 = 4 << 20;
const MOST_FILES: usize = 2000;

/// The files that are denied here: those that would be shown otherwise, and those that the policy names.
#[derive(Debug, Default)]
pub(crate) struct DeniedFiles(Vec<(PathBuf, Option<There>)>);

impl DeniedFiles {
    pub(crate) fn of(plan: &Plan, policy: &Policy) -> Self {
        let covered = plan.mounts.iter().filter_map(|mount| match &mount.content {
            Content::Cover(there) => Some((mount.at.clone(), Some(*there))),
            _ => None,
        });
        let named = policy.filesystem.deny.iter().filter(|entry| !entry.glob);
        let named = named.map(|entry| (PathBuf::from(&entry.pattern), None));
        Self(covered.chain(named).collect())
    }

    /// What they hold, as far as it can be read and is small. A folder counts with the files directly
    /// in it.
    pub(crate) fn content(&self) -> Vec<KnownSecret> {
        let mut found = Vec::new();
        let (mut left, mut files) = (MOST_BYTES, MOST_FILES);
        for (path, there) in &self.0 {
            if !path.is_dir() {
                found.extend(content(path, *there, &mut left, &mut files));
                continue;
            }
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                found.extend(content(&entry.path(), None, &mut left, &mut files));
            }
        }
        found
    }
}

fn content(
    path: &Path,
    there: Option<There>,
    left: &mut u64,
    files: &mut usize,
) -> Option<KnownSecret> {
    *files = files.checked_sub(1)?;
    // Neither a link of somebody's nor a pipe that waits.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    let same = |there: There| (there.device, there.inode) == (metadata.dev(), metadata.ino());
    if !metadata.is_file() || metadata.len() > LARGEST.min(*left) || !there.is_none_or(same) {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    *left = left.saturating_sub(metadata.len());
    Some(KnownSecret::denied_file(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_files_are_read_and_nothing_that_a_link_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("kept")).unwrap();
        fs::write(at("kept/one"), "TOKEN=first-Secret-1\n").unwrap();
        fs::write(at("kept/large"), "TOKEN=large-Secret-2\n".repeat(10_000)).unwrap();
        std::os::unix::fs::symlink(at("kept/one"), at("link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, Mode::RUSR, 0)
            .unwrap();
        let paths = ["kept", "link", "pipe", "missing"].map(|name| (at(name), None));
        assert_eq!(DeniedFiles(paths.to_vec()).content().len(), 1);
        let other = There { device: 0, inode: 0, folder: false };
        assert!(DeniedFiles(vec![(at("kept/one"), Some(other))]).content().is_empty());
    }
}
