use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{
    Advisories, Digest, Locked, Tree,
    minisign::{self, PublicKey, SignError},
    plain,
};

/// Publishers that can be trusted at a time.
const MOST_PUBLISHERS: usize = 1000;
/// Bytes of a list of what is revoked.
const MOST_OF_LIST: u64 = 16 << 20;

/// Whom the operator trusts, and what they have revoked: the folder `skills` of their configuration.
///
/// `publishers/NAME.pub` are public keys in minisign's format; `revoked.json` is a list that
/// `revoked.json.minisig` signs with the key `operator.pub`.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    publishers: BTreeMap<String, PublicKey>,
    revoked: Advisories,
}

/// Why it cannot be told whom the operator trusts.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file or folder cannot be read.
    #[error("read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Others than its owner may have written it.
    #[error("{} is not taken: somebody else could have written it", .0.display())]
    Others(PathBuf),
    /// It is too large, or there are too many.
    #[error("{} is not taken: it is too large, or there are too many", .0.display())]
    TooMuch(PathBuf),
    /// It is no key, or the signature is not good.
    #[error("{}: {source}", path.display())]
    Sign {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: SignError,
    },
    /// The list is not signed.
    #[error("{} is there without its signature or without the operator's key", .0.display())]
    Unsigned(PathBuf),
    /// It is no list.
    #[error("{}: {why}", path.display())]
    List {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There was a newer list.
    #[error("{} has the number {found}, and one with {known} was there already", path.display())]
    Older {
        /// Which.
        path: PathBuf,
        /// Its number; 0 if there is none any more.
        found: u64,
        /// The highest that was seen.
        known: u64,
    },
}

impl Trust {
    /// The folder in this configuration folder.
    pub fn folder(config_dir: &Path) -> PathBuf {
        config_dir.join("skills")
    }

    /// Reads whom the operator trusts. `state_dir` is where the number of the newest list is kept.
    ///
    /// # Errors
    /// Something of it cannot be read or believed.
    pub fn read(config_dir: &Path, state_dir: &Path) -> Result<Self, TrustError> {
        let folder = Self::folder(config_dir);
        let publishers = publishers(&folder.join("publishers"))?;
        let revoked = revoked(&folder, &state_dir.join("skills/revoked.sequence"))?;
        Ok(Self { publishers, revoked })
    }

    /// The publishers by their names.
    pub fn publishers(&self) -> &BTreeMap<String, PublicKey> {
        &self.publishers
    }

    /// Names of those who are trusted and have signed exactly this tree.
    pub fn signers(&self, locked: &Locked, tree: &Tree) -> Vec<String> {
        if locked.signatures.is_empty() {
            return Vec::new();
        }
        let list = tree.manifest();
        let signed = |key: &PublicKey| {
            self.revoked.trusts(&key.id())
                && locked.signatures.iter().any(|one| key.check(list.as_bytes(), one).is_ok())
        };
        self.publishers
            .iter()
            .filter(|(_, key)| signed(key))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Why a skill is revoked, if it is.
    pub fn revoked(&self, digest: &Digest, tree: Option<&Tree>) -> Option<String> {
        self.revoked.about(digest, tree)
    }
}

fn publishers(folder: &Path) -> Result<BTreeMap<String, PublicKey>, TrustError> {
    let file = |source| TrustError::File { path: folder.to_owned(), source };
    let list = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        list => list.map_err(file)?,
    };
    not_others(folder, &folder.metadata().map_err(file)?)?;
    let mut all = BTreeMap::new();
    for entry in list {
        let path = entry.map_err(file)?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "pub") {
            continue;
        }
        if all.len() == MOST_PUBLISHERS {
            return Err(TrustError::TooMuch(folder.to_owned()));
        }
        let Some(text) = read(&path, minisign::MOST as u64)? else { continue };
        let key = PublicKey::parse(&text)
            .map_err(|source| TrustError::Sign { path: path.clone(), source })?;
        all.insert(palisade_core::shown(name, 64), key);
    }
    Ok(all)
}

fn revoked(folder: &Path, sequence: &Path) -> Result<Advisories, TrustError> {
    let path = folder.join("revoked.json");
    let known = match read(sequence, 64)? {
        // What was there cannot be told, so no list can be believed to be no older.
        Some(text) => Some(text.trim().parse::<u64>().map_err(|_| {
            let why = "it is no number: write the one of the newest list that you know".to_owned();
            TrustError::List { path: sequence.to_owned(), why }
        })?),
        None => None,
    };
    let older =
        |found| Err(TrustError::Older { path: path.clone(), found, known: known.unwrap_or(0) });
    let Some(text) = read(&path, MOST_OF_LIST)? else {
        return if known.is_some() { older(0) } else { Ok(Advisories::default()) };
    };
    let unsigned = || TrustError::Unsigned(path.clone());
    let key_file = folder.join("operator.pub");
    let key = read(&key_file, minisign::MOST as u64)?.ok_or_else(unsigned)?;
    let key =
        PublicKey::parse(&key).map_err(|source| TrustError::Sign { path: key_file, source })?;
    let signature = read(&folder.join("revoked.json.minisig"), minisign::MOST as u64)?;
    let checked = key.check(text.as_bytes(), &signature.ok_or_else(unsigned)?);
    checked.map_err(|source| TrustError::Sign { path: path.clone(), source })?;
    let list =
        Advisories::parse(&text).map_err(|why| TrustError::List { path: path.clone(), why })?;
    if known.is_some_and(|known| list.sequence < known) {
        return older(list.sequence);
    }
    if known != Some(list.sequence) {
        let failed = |source| TrustError::File { path: sequence.to_owned(), source };
        if let Some(folder) = sequence.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(sequence, format!("{}\n", list.sequence)).map_err(failed)?;
    }
    Ok(list)
}

/// The text of a file that nobody else could have written, if it is there.
fn read(path: &Path, most: u64) -> Result<Option<String>, TrustError> {
    let failed = |source| TrustError::File { path: path.to_owned(), source };
    let file = match plain::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let found = file.metadata().map_err(failed)?;
    not_others(path, &found)?;
    if !found.is_file() || found.len() > most {
        return Err(TrustError::TooMuch(path.to_owned()));
    }
    let mut text = String::new();
    file.take(most.saturating_add(1)).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// The administrator may have put it there.
fn not_others(path: &Path, found: &fs::Metadata) -> Result<(), TrustError> {
    let owned = [0, rustix::process::geteuid().as_raw()].contains(&found.uid());
    if owned && found.mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(TrustError::Others(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::{Advisory, Entry, Source, minisign::SecretKey};

    struct Stage {
        folder: tempfile::TempDir,
        key: SecretKey,
    }

    impl Stage {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("config/skills/publishers")).unwrap();
            Self { folder, key: SecretKey::generate().unwrap() }
        }

        fn at(&self, path: &str) -> PathBuf {
            self.folder.path().join(path)
        }

        fn read(&self) -> Result<Trust, TrustError> {
            Trust::read(&self.at("config"), &self.at("state"))
        }

        fn put(&self, path: &str, text: &str) {
            let path = self.at("config/skills").join(path);
            fs::write(&path, text).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }

        fn revoke(&self, sequence: u64, advisory: Advisory) {
            let list = Advisories { sequence, advisories: vec![advisory], ..Advisories::default() };
            let text = serde_json::to_string(&list).unwrap();
            self.put("revoked.json", &text);
            self.put("revoked.json.minisig", &self.key.sign(text.as_bytes(), "x"));
        }
    }

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.add("SKILL.md", Entry::File { bytes: b"x"[..].into(), executable: false }).unwrap();
        tree
    }

    fn locked(signature: String) -> Locked {
        Locked {
            digest: tree().digest(),
            source: Source::Folder { path: "/a".into() },
            added: String::new(),
            scan: None,
            review: None,
            policy: None,
            signatures: vec![signature],
        }
    }

    #[test]
    fn only_who_is_named_signs() {
        let stage = Stage::new();
        assert!(stage.read().unwrap().publishers().is_empty());
        let publisher = SecretKey::generate().unwrap();
        stage.put("publishers/acme.pub", &publisher.public().file());
        let trust = stage.read().unwrap();
        let good = locked(publisher.sign(tree().manifest().as_bytes(), "c"));
        assert_eq!(trust.signers(&good, &tree()), ["acme"]);
        let other = SecretKey::generate().unwrap();
        let bad = locked(other.sign(tree().manifest().as_bytes(), "c"));
        assert!(trust.signers(&bad, &tree()).is_empty());
        let mut changed = tree();
        changed.add("more", Entry::Link("SKILL.md".into())).unwrap();
        assert!(trust.signers(&good, &changed).is_empty());
        stage.put("operator.pub", &stage.key.public().file());
        stage.revoke(1, Advisory { keys: vec![publisher.public().id()], ..Advisory::default() });
        assert!(stage.read().unwrap().signers(&good, &tree()).is_empty());
    }

    #[test]
    fn a_list_counts_only_if_it_is_signed_and_not_older() {
        let stage = Stage::new();
        let bad =
            || Advisory { id: "A-1".into(), digests: vec![tree().digest()], ..Advisory::default() };
        stage.revoke(5, bad());
        assert!(matches!(stage.read(), Err(TrustError::Unsigned(_))));
        stage.put("operator.pub", &SecretKey::generate().unwrap().public().file());
        assert!(matches!(stage.read(), Err(TrustError::Sign { .. })));
        stage.put("operator.pub", &stage.key.public().file());
        assert!(stage.read().unwrap().revoked(&tree().digest(), None).is_some());
        stage.revoke(4, Advisory::default());
        assert!(matches!(stage.read(), Err(TrustError::Older { found: 4, known: 5, .. })));
        fs::remove_file(stage.at("config/skills/revoked.json")).unwrap();
        assert!(matches!(stage.read(), Err(TrustError::Older { found: 0, .. })));
        stage.revoke(6, Advisory::default());
        assert!(stage.read().unwrap().revoked(&tree().digest(), None).is_none());
        stage.put("revoked.json", "{}");
        assert!(matches!(stage.read(), Err(TrustError::Sign { .. })));
        stage.revoke(6, Advisory::default());
        fs::write(stage.at("state/skills/revoked.sequence"), "many").unwrap();
        assert!(matches!(stage.read(), Err(TrustError::List { .. })));
    }

    #[test]
    fn what_others_may_write_is_not_believed() {
        let stage = Stage::new();
        stage.put("publishers/acme.pub", &stage.key.public().file());
        let path = stage.at("config/skills/publishers/acme.pub");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(stage.read(), Err(TrustError::Others(_))));
        stage.put("publishers/acme.pub", "nonsense");
        assert!(matches!(stage.read(), Err(TrustError::Sign { .. })));
    }
}
