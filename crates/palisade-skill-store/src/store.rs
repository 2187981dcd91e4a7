use std::{
    fs::{self, DirBuilder},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{Digest, Lock, Locked, MOST_BYTES, StoreError, Tree, pack, plain};

/// Where trees are kept, each in a file that is named for its digest: `STATE/skills/store/HEX.tar`. An archive that
/// a publisher has signed as it came is `HEX.archive`, named for its own SHA-256.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in this state folder. Nothing is made before something is kept.
    pub fn in_state(state_dir: &Path) -> Self {
        Self { folder: state_dir.join("skills/store") }
    }

    /// Keeps a tree.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, tree: &Tree) -> Result<Digest, StoreError> {
        let digest = tree.digest();
        // What is there may be damaged; what is written over it is not.
        if self.get(&digest).is_ok() {
            return Ok(digest);
        }
        let path = self.path(&digest);
        let packed = pack::pack(tree).map_err(StoreError::file("write", &path))?;
        self.write(&path, &packed)?;
        Ok(digest)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let failed = |error| StoreError::file("write", path)(error);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(StoreError::file("make", &self.folder))?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o400)).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Keeps an archive as it came.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep_archive(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        if self.archive(&digest).is_err() {
            self.write(&self.archive_path(&digest), bytes)?;
        }
        Ok(digest)
    }

    /// The archive with this SHA-256, all of it in memory.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is something else by now.
    pub fn archive(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.archive_path(digest);
        let file = match plain::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(StoreError::Missing(*digest));
            }
            opened => opened.map_err(StoreError::file("open", &path))?,
        };
        let mut bytes = Vec::new();
        let read = file.take(MOST_BYTES.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(StoreError::file("read", &path))?;
        match Digest::of(&bytes) {
            found if found == *digest => Ok(bytes),
            found => Err(StoreError::Damaged { wanted: *digest, found: found.to_string() }),
        }
    }

    /// The tree with this digest, all of it in memory: what is changed in the store from now on changes
    /// nothing in it.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is something else by now.
    pub fn get(&self, digest: &Digest) -> Result<Tree, StoreError> {
        let path = self.path(digest);
        let file = match plain::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(StoreError::Missing(*digest));
            }
            opened => opened.map_err(StoreError::file("open", &path))?,
        };
        let damaged = |found| StoreError::Damaged { wanted: *digest, found };
        let tree = pack::unpack(file.take(pack::most())).map_err(damaged)?;
        match tree.digest() {
            found if found == *digest => Ok(tree),
            found => Err(StoreError::Damaged { wanted: *digest, found: found.to_string() }),
        }
    }

    /// Keeps a tree no more. Whether it was there.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn forget(&self, digest: &Digest) -> Result<bool, StoreError> {
        remove(&self.path(digest))
    }

    /// Keeps no more of this one than the lock still needs.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn forget_unused(&self, gone: &Locked, lock: &Lock) -> Result<(), StoreError> {
        if !lock.skills.values().any(|other| other.digest == gone.digest) {
            self.forget(&gone.digest)?;
        }
        for archive in gone.bundles.iter().filter_map(|one| one.archive) {
            let mut kept = lock.skills.values().flat_map(|other| &other.bundles);
            if !kept.any(|one| one.archive == Some(archive)) {
                remove(&self.archive_path(&archive))?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.tar", digest.hex()))
    }

    fn archive_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.archive", digest.hex()))
    }
}

fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true).map_err(StoreError::file("remove", path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entry;

    fn tree(text: &str) -> Tree {
        let mut tree = Tree::default();
        let bytes = text.as_bytes().into();
        tree.add("SKILL.md", Entry::File { bytes, executable: false }).unwrap();
        tree
    }

    #[test]
    fn what_is_kept_is_given_back_as_long_as_it_is_the_same() {
        let state = tempfile::tempdir().unwrap();
        let store = Store::in_state(state.path());
        let digest = store.keep(&tree("good")).unwrap();
        assert_eq!(store.get(&digest).unwrap(), tree("good"));
        let other = store.keep(&tree("bad")).unwrap();
        assert!(matches!(store.get(&Digest::of(b"")), Err(StoreError::Missing(_))));
        // Somebody puts another one in its place.
        fs::remove_file(store.path(&digest)).unwrap();
        fs::copy(store.path(&other), store.path(&digest)).unwrap();
        assert!(matches!(store.get(&digest), Err(StoreError::Damaged { .. })));
        // It is mended by adding the same again.
        store.keep(&tree("good")).unwrap();
        assert_eq!(store.get(&digest).unwrap(), tree("good"));
        assert!(store.forget(&digest).unwrap() && !store.forget(&digest).unwrap());
    }
}
