//! The policy's `deny` list: what is not shown although its folder is.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use palisade_policy::Deny;
use rustix::{fs::FileType, io::Errno};

use super::{links, repository::Repositories, tree::Tree};
use crate::{
    refusal::{Refusal, Refuse},
    walk::{Folder, walk},
};

const CORRECT: &str = "correct `filesystem.deny` in the policy";

/// Where globs are looked for, and what was found already.
#[derive(Debug)]
pub(crate) struct Looked<'a> {
    /// Those of the list, if it has any.
    pub(crate) globs: Option<&'a GlobSet>,
    /// Where one for any place (`**/.env`) is looked for.
    pub(crate) own: &'a [PathBuf],
    pub(crate) walked: &'a [Repositories],
}

/// The list's globs.
pub(crate) fn globs(deny: &[Deny]) -> Result<Option<GlobSet>, Refusal> {
    let globs: Vec<&Deny> = deny.iter().filter(|entry| entry.glob).collect();
    if globs.is_empty() { Ok(None) } else { compile(&globs).map(Some) }
}

/// What of this folder they match.
pub(super) fn matches<'a>(
    folder: &'a Folder<'_>,
    globs: &'a GlobSet,
) -> impl Iterator<Item = PathBuf> + 'a {
    let mut path = folder.path.to_owned();
    folder.entries().filter_map(move |(name, _)| {
        path.push(name);
        let found = globs.is_match(&path).then(|| path.clone());
        path.pop();
        found
    })
}

/// Mask everything that the list names, by every name that it has in what is shown.
pub(crate) fn add(
    deny: &[Deny],
    looked: &Looked<'_>,
    workspace: Option<&Path>,
    tree: &mut Tree,
) -> Result<(), Refusal> {
    // By real paths only: a link is a name for what it leads to.
    let mut masked: BTreeSet<PathBuf> = deny
        .iter()
        .filter(|entry| !entry.glob)
        .filter_map(|entry| links::real_or_closed(Path::new(&entry.pattern)))
        .collect();
    let globs: Vec<&Deny> = deny.iter().filter(|entry| entry.glob).collect();
    let own = looked.own;
    if let Some(set) = looked.globs {
        let mut found = BTreeSet::new();
        for root in roots(&globs, own, tree) {
            match Repositories::with(looked.walked, &root) {
                Some(walked) => {
                    let inside = |path: &&PathBuf| path.starts_with(&root);
                    found.extend(walked.denied.iter().filter(inside).cloned());
                    found.extend(set.is_match(&root).then(|| root.clone()));
                    let unread = walked.unread.iter().filter(|(path, _)| path.starts_with(&root));
                    found.extend(closed(unread.cloned())?);
                }
                None => collect(&root, set, &mut found)?,
            }
        }
        for path in found {
            if !links::is_link(&path) {
                masked.insert(path);
            } else if let Some(real) = links::real(&path)
                && own.iter().any(|own| real.starts_with(own) && real != *own)
                && !workspace.is_some_and(|workspace| workspace.starts_with(&real))
            {
                // Not where only a profile grants: an agent makes links too, and one must not take
                // the system's programs away from the next session.
                masked.insert(real);
            }
        }
    }
    also_other_names(&mut masked, tree)?;
    for path in masked {
        if workspace.is_some_and(|workspace| workspace.starts_with(&path)) {
            return Err(Refusal::new(
                format!("the policy denies {}, which holds the workspace", path.display()),
                CORRECT,
            ));
        }
        if let Ok(found) = path.symlink_metadata() {
            tree.mask(&path, found.is_dir());
        }
    }
    Ok(())
}

fn compile(globs: &[&Deny]) -> Result<GlobSet, Refusal> {
    let mut set = GlobSetBuilder::new();
    for entry in globs {
        // All paths are absolute, and so the slash in front says nothing; without it the library knows
        // the common forms and compiles no regular expression for them.
        let pattern = entry.pattern.strip_prefix('/').filter(|rest| rest.starts_with("**/"));
        let glob = GlobBuilder::new(pattern.unwrap_or(&entry.pattern))
            .literal_separator(true)
            .build()
            .refuse(&entry.rule, CORRECT)?;
        set.add(glob);
    }
    set.build().refuse("filesystem.deny", CORRECT)
}

/// Where to look: each folder shown, as far as a glob can match in it.
fn roots(globs: &[&Deny], own: &[PathBuf], tree: &Tree) -> BTreeSet<PathBuf> {
    let mut roots = BTreeSet::new();
    for entry in globs {
        let base = literal_base(&entry.pattern);
        if base == Path::new("/") {
            roots.extend(own.iter().filter(|path| tree.shows(path)).cloned());
            continue;
        }
        for (at, object) in tree.hosts() {
            if base.starts_with(&at) && object.folder {
                roots.insert(base.clone());
            } else if at.starts_with(&base) {
                roots.insert(at);
            }
        }
    }
    let all = roots.clone();
    roots.retain(|root| !all.iter().any(|other| other != root && root.starts_with(other)));
    roots
}

/// The folder above the first component with a wildcard.
fn literal_base(pattern: &str) -> PathBuf {
    let wild =
        |part: &std::ffi::OsStr| part.as_encoded_bytes().iter().any(|byte| b"*?[{".contains(byte));
    Path::new(pattern).components().take_while(|part| !wild(part.as_os_str())).collect()
}

fn collect(root: &Path, set: &GlobSet, found: &mut BTreeSet<PathBuf>) -> Result<(), Refusal> {
    if set.is_match(root) {
        found.insert(root.to_owned());
    }
    let walked = walk(root, |folder, found| found.extend(matches(folder, set)));
    found.extend(walked.found);
    found.extend(closed(walked.unread)?);
    Ok(())
}

/// A folder that may not be looked into is denied whole, for if it is the agent's own too, that can
/// open it and look.
fn closed(unread: impl IntoIterator<Item = (PathBuf, Errno)>) -> Result<Vec<PathBuf>, Refusal> {
    let mut all = Vec::new();
    for (path, errno) in unread {
        match errno {
            Errno::ACCESS | Errno::PERM => all.push(path),
            // It is a file, or there is nothing.
            Errno::NOTDIR | Errno::NOENT => {}
            _ => {
                let what = format!("look for denied files in {}", path.display());
                return Err(errno).refuse(what, CORRECT);
            }
        }
    }
    Ok(all)
}

/// A denied file with a second name (a hard link) in what is shown is masked there as well.
fn also_other_names(masked: &mut BTreeSet<PathBuf>, tree: &Tree) -> Result<(), Refusal> {
    let inodes: BTreeSet<(u64, u64)> = masked
        .iter()
        .filter_map(|path| path.symlink_metadata().ok())
        .filter(|found| found.is_file() && found.nlink() > 1)
        .map(|found| (found.dev(), found.ino()))
        .collect();
    if inodes.is_empty() {
        return Ok(());
    }
    for (at, object) in tree.hosts() {
        let here = |device: u64| inodes.iter().any(|(known, _)| *known == device);
        if !here(object.device) {
            continue;
        }
        let same = |found: &std::fs::Metadata| {
            found.is_file() && inodes.contains(&(found.dev(), found.ino()))
        };
        if at.symlink_metadata().is_ok_and(|found| same(&found)) {
            masked.insert(at.clone());
        }
        let walked = walk(&at, |folder, found| {
            for (name, kind) in folder.entries() {
                let path = || folder.path.join(name);
                if kind == FileType::RegularFile
                    && path().symlink_metadata().is_ok_and(|found| same(&found))
                {
                    found.push(path());
                }
            }
        });
        masked.extend(walked.found);
        masked.extend(closed(walked.unread)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_ends_before_the_first_wildcard() {
        for (pattern, base) in
            [("/a/b/*.pem", "/a/b"), ("/**/.env", "/"), ("/a/b*/c", "/a"), ("/a/{b,c}/d", "/a")]
        {
            assert_eq!(literal_base(pattern), Path::new(base), "{pattern}");
        }
    }
}
