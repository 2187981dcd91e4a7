//! Which project files the user has read and taken, by the digest of their bytes.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use palisade_core::PolicyDigest;
use rustix::fs::{FlockOperation, flock};

/// Why trust could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct TrustError {
    path: PathBuf,
    source: io::Error,
}

/// What the user has said of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// These bytes are trusted.
    Trusted,
    /// Other bytes were trusted at this path.
    Changed,
    /// Nothing.
    None,
}

/// Take the file at `path` as trusted while its bytes have this digest.
///
/// # Errors
/// If the store in the state folder cannot be read or written.
pub fn trust(state_dir: &Path, path: &Path, digest: &PolicyDigest) -> Result<(), TrustError> {
    rewrite(state_dir, |lines| {
        lines.retain(|line| !is_of(line, path));
        lines.push(line(path, digest));
    })
}

/// Trust no bytes at `path` any more. Whether any were.
///
/// # Errors
/// As [`trust`].
pub fn untrust(state_dir: &Path, path: &Path) -> Result<bool, TrustError> {
    let store = store(state_dir);
    let known = read(&store).map_err(|source| TrustError { path: store, source })?;
    let any = known.iter().any(|line| is_of(line, path));
    if any {
        rewrite(state_dir, |lines| lines.retain(|line| !is_of(line, path)))?;
    }
    Ok(any)
}

/// What the user has said of exactly these bytes at this path.
///
/// # Errors
/// If the store cannot be read, or if somebody else could have written it. It then trusts nothing.
pub fn trust_of(state_dir: &Path, path: &Path, digest: &PolicyDigest) -> Result<Trust, TrustError> {
    let wanted = line(path, digest);
    let store = store(state_dir);
    let lines = read(&store).map_err(|source| TrustError { path: store, source })?;
    Ok(if lines.contains(&wanted) {
        Trust::Trusted
    } else if lines.iter().any(|line| is_of(line, path)) {
        Trust::Changed
    } else {
        Trust::None
    })
}

fn rewrite(state_dir: &Path, change: impl FnOnce(&mut Vec<String>)) -> Result<(), TrustError> {
    let store = store(state_dir);
    let folder = store.parent().unwrap_or(state_dir);
    let failed = |source| TrustError { path: store.clone(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    // One at a time: of two that read and write, one would be lost. Released when it is closed.
    let lock = File::open(folder).map_err(failed)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
    let mut lines = read(&store).map_err(failed)?;
    change(&mut lines);
    let fresh = store.with_extension("new");
    // What a crash has left.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(failed)?;
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&fresh, &store))
        .map_err(failed)
}

fn store(state_dir: &Path) -> PathBuf {
    state_dir.join("trust").join("projects")
}

fn read(store: &Path) -> io::Result<Vec<String>> {
    let mut file = match File::open(store) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    let me = rustix::process::geteuid().as_raw();
    if found.mode() & 0o022 != 0 || ![me, 0].contains(&found.uid()) {
        return Err(io::Error::other("others can write it, so it proves nothing; remove it"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// A digest and a path, escaped so that no path makes two lines.
fn line(path: &Path, digest: &PolicyDigest) -> String {
    format!("{} {path:?}", digest.as_str())
}

fn is_of(line: &str, path: &Path) -> bool {
    line.split_once(' ').is_some_and(|(_, known)| known == format!("{path:?}"))
}
