//! Where skills come from: each source gives a tree and says what it was, exactly.

mod archive;
mod git;
mod http;
mod market;
mod npm;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use self::{archive::read as unpack, npm::REGISTRY};
use crate::{Source, StoreError, Tree, read_folder};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A folder of this machine.
    Folder(PathBuf),
    /// An archive on this machine: `.zip`, `.tar`, `.tar.gz` or `.tgz`.
    Archive(PathBuf),
    /// A Git repository: `https`, or a folder of this machine.
    Git {
        /// Its URL.
        url: String,
        /// A commit's full id, a branch or a tag. Without: what the repository has as its own.
        at: Option<String>,
    },
    /// A package of an npm registry.
    Npm {
        /// The registry's URL: `https`, or `http` on this machine.
        registry: String,
        /// Its name.
        package: String,
        /// Its exact version, or a tag. Without: `latest`.
        version: Option<String>,
    },
    /// An entry of a marketplace.
    Marketplace {
        /// The index: a `marketplace.json` or a folder that has one, or a URL of one.
        index: String,
        /// The entry's name.
        entry: String,
    },
}

/// What a source gave.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// All of it.
    pub tree: Tree,
    /// What it was, so that it can be asked for again.
    pub source: Source,
    /// What it would be called.
    pub name: String,
    /// The archive that it was in, as it came; none where it was in none.
    pub archive: Option<Vec<u8>>,
}

/// Why a source gave nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// What it gave is not taken.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no archive that can be taken.
    #[error("the archive is not taken: {0}")]
    Archive(String),
    /// Git did not do it.
    #[error("git: {0}")]
    Git(String),
    /// A server did not answer as it should.
    #[error("{url}: {why}")]
    Http {
        /// What was asked for.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// What the registry gave is not what it named.
    #[error("{0}: what came is not what the registry names: its integrity is another")]
    Integrity(String),
    /// The index has no such entry, or one that cannot be taken.
    #[error("the marketplace: {0}")]
    Marketplace(String),
    /// There is no such folder in it.
    #[error("there is no folder {0} in it")]
    NoFolder(String),
}

/// Makes a tree of an archive's bytes. [`unpack`] does; where there is something to lose, a process without rights.
pub type Unpack<'a> = &'a dyn Fn(&[u8]) -> Result<Tree, SourceError>;

/// Fetch it. `folder` is the part of it that is wanted; empty for all. What is an archive is unpacked by `unpack`.
///
/// Nothing of it is executed.
///
/// # Errors
/// The source gave nothing that is taken.
pub fn fetch(asked: &Asked, folder: &str, unpack: Unpack<'_>) -> Result<Fetched, SourceError> {
    match asked {
        Asked::Folder(path) => {
            let path = path.join(folder);
            let path = path.canonicalize().map_err(file(&path))?;
            let name = last(&path.to_string_lossy());
            let (tree, source) = (read_folder(&path)?, Source::Folder { path });
            Ok(Fetched { tree, source, name, archive: None })
        }
        Asked::Archive(path) => {
            let path = path.canonicalize().map_err(file(path))?;
            let bytes = archive::read_file(&path)?;
            let tree = part(unpack(&bytes)?, folder)?;
            let stem = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let stem = [".zip", ".tar.gz", ".tgz", ".tar"]
                .iter()
                .find_map(|end| stem.strip_suffix(end))
                .unwrap_or(&stem);
            let name = if folder.is_empty() { stem.to_owned() } else { last(folder) };
            let source = Source::Archive { path, folder: folder.to_owned() };
            Ok(Fetched { tree, source, name, archive: Some(bytes) })
        }
        Asked::Git { url, at } => git::fetch(url, at.as_deref(), folder),
        Asked::Npm { registry, package, version } => {
            npm::fetch(registry, package, version.as_deref(), folder, unpack)
        }
        Asked::Marketplace { index, entry } => market::fetch(index, entry, folder, unpack),
    }
}

/// What has to be asked for to see what a source has now, and the part of it.
pub fn again(source: &Source) -> (Asked, String) {
    match source {
        Source::Folder { path } => (Asked::Folder(path.clone()), String::new()),
        Source::Archive { path, folder } => (Asked::Archive(path.clone()), folder.clone()),
        // Not the same commit, which is what it is already.
        Source::Git { url, folder, .. } => {
            (Asked::Git { url: url.clone(), at: None }, folder.clone())
        }
        Source::Npm { registry, package, folder, .. } => {
            let (registry, package) = (registry.clone(), package.clone());
            (Asked::Npm { registry, package, version: None }, folder.clone())
        }
        Source::Marketplace { index, entry, .. } => {
            (Asked::Marketplace { index: index.clone(), entry: entry.clone() }, String::new())
        }
    }
}

/// The part of a tree that is wanted.
fn part(tree: Tree, folder: &str) -> Result<Tree, SourceError> {
    if folder.is_empty() {
        return Ok(tree);
    }
    match tree.below(folder)? {
        none if none.is_empty() => Err(SourceError::NoFolder(palisade_core::shown(folder, 200))),
        part => Ok(part),
    }
}

/// The last part of a path or URL.
fn last(path: &str) -> String {
    path.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default().to_owned()
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> SourceError {
    let path = path.to_owned();
    |source| SourceError::File { path, source }
}
