//! Which project files the user has read and taken, by the digest of their bytes.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use palisade_core::PolicyDigest;

/// Why trust could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct TrustError {
    path: PathBuf,
    source: io::Error,
}

/// Take the file at `path` as trusted while its bytes have this digest.
///
/// # Errors
/// If the store in the state folder cannot be written.
pub fn trust(state_dir: &Path, path: &Path, digest: &PolicyDigest) -> Result<(), TrustError> {
    let store = store(state_dir);
    let failed = |source| TrustError { path: store.clone(), source };
    let folder = store.parent().unwrap_or(state_dir);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let mut lines: Vec<String> =
        read(&store).map_err(failed)?.into_iter().filter(|line| !is_of(line, path)).collect();
    lines.push(line(path, digest));
    let fresh = store.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(failed)?;
    let written = file
        .write_all((lines.join("\n") + "\n").as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&fresh, &store));
    if written.is_err() {
        // The old store is whole; what is left of the new one is of no use.
        fs::remove_file(&fresh).unwrap_or_default();
    }
    written.map_err(failed)
}

/// Whether exactly these bytes at this path are trusted. A store that cannot be read trusts
/// nothing.
pub fn is_trusted(state_dir: &Path, path: &Path, digest: &PolicyDigest) -> bool {
    let wanted = line(path, digest);
    read(&store(state_dir)).is_ok_and(|lines| lines.contains(&wanted))
}

fn store(state_dir: &Path) -> PathBuf {
    state_dir.join("trust").join("projects")
}

fn read(store: &Path) -> io::Result<Vec<String>> {
    match fs::read_to_string(store) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A digest and a path, escaped so that no path makes two lines.
fn line(path: &Path, digest: &PolicyDigest) -> String {
    format!("{} {path:?}", digest.as_str())
}

fn is_of(line: &str, path: &Path) -> bool {
    line.split_once(' ').is_some_and(|(_, known)| known == format!("{path:?}"))
}
