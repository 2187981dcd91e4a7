use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use palisade_sigstore::{
    Artifact, Bundle, Failed, Identity, MOST_OF_ROOT, Step, TrustedRoot, Verified,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Advisories, Digest, Locked, SkillName, Store, Tree,
    minisign::{self, PublicKey, SignError},
    plain,
};

/// Publishers that can be trusted at a time.
const MOST_PUBLISHERS: usize = 1000;
/// Bytes of a list of what is revoked.
const MOST_OF_LIST: u64 = 16 << 20;

/// Whom the operator trusts, and what they have revoked: the folder `skills` of their configuration.
///
/// `publishers/NAME.pub` are public keys in minisign's format, `publishers/NAME.sigstore.json` identities
/// ([`Keyless`]) under a trusted root of Sigstore, `roots/ROOT.json`; `revoked.json` is a list that
/// `revoked.json.minisig` signs with the key `operator.pub`.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    publishers: BTreeMap<String, PublicKey>,
    keyless: BTreeMap<String, Keyless>,
    /// Those that somebody in `keyless` names.
    roots: BTreeMap<String, TrustedRoot>,
    revoked: Advisories,
}

/// A publisher without a key: an identity, and the instance of Sigstore whose word counts for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Keyless {
    /// Who, and who has to have vouched for it.
    pub identity: Identity,
    /// The name of the trusted root.
    pub root: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    identity: String,
    issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    root: String,
}

impl TryFrom<Written> for Keyless {
    type Error = Failed;

    fn try_from(written: Written) -> Result<Self, Failed> {
        let Written { identity, issuer, repository, root } = written;
        let identity = Identity::new(&identity, &issuer, repository.as_deref())?;
        Ok(Self { identity, root })
    }
}

impl From<Keyless> for Written {
    fn from(Keyless { identity, root }: Keyless) -> Self {
        let repository = identity.repository().map(str::to_owned);
        let (name, issuer) = (identity.to_string(), identity.issuer().to_owned());
        Self { identity: name, issuer, repository, root }
    }
}

/// Who has signed, as a Sigstore bundle proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The publishers who are trusted and are it. There is one at least.
    pub names: Vec<String>,
    /// What the bundle proves.
    pub proved: Verified,
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
    /// An identity or a trusted root of Sigstore is none.
    #[error("{}: {why}", path.display())]
    Sigstore {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
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
        let (publishers, keyless) = publishers(&folder.join("publishers"))?;
        let mut roots = BTreeMap::new();
        for (name, publisher) in &keyless {
            if !roots.contains_key(&publisher.root) {
                let (path, root) = root(&folder, &publisher.root)?;
                let why = || format!("{name} is trusted under it, and it is not there");
                let root = root.ok_or_else(|| TrustError::Sigstore { path, why: why() })?;
                roots.insert(publisher.root.clone(), root);
            }
        }
        let revoked = revoked(&folder, &state_dir.join("skills/revoked.sequence"))?;
        Ok(Self { publishers, keyless, roots, revoked })
    }

    /// The publishers by their names.
    pub fn publishers(&self) -> &BTreeMap<String, PublicKey> {
        &self.publishers
    }

    /// The publishers without a key by their names.
    pub fn keyless(&self) -> &BTreeMap<String, Keyless> {
        &self.keyless
    }

    /// Names of those who are trusted and have signed exactly this tree, or an archive of the store that, as the lock
    /// says, had it in it.
    pub fn signers(&self, locked: &Locked, tree: &Tree, store: &Store) -> Vec<String> {
        let mut names = self.signers_by_key(locked, tree);
        if !self.keyless.is_empty() {
            for bundled in &locked.bundles {
                let bytes = match &bundled.archive {
                    Some(archive) => store.archive(archive).unwrap_or_default(),
                    None => tree.manifest().into_bytes(),
                };
                let vouched = self.vouched(&bundled.bundle, &[Artifact::new(&bytes)]);
                names.extend(vouched.map(|vouched| vouched.names).unwrap_or_default());
            }
            names.sort_unstable();
            names.dedup();
        }
        names
    }

    /// Who has signed one of these, as this text of a Sigstore bundle proves it.
    ///
    /// # Errors
    /// It proves nothing under any trusted root, or its signer is nobody who is trusted: the step that failed.
    pub fn vouched(&self, bundle: &str, artifacts: &[Artifact<'_>]) -> Result<Vouched, Failed> {
        let bundle = Bundle::parse(bundle)?;
        let mut failed = Failed {
            step: Step::Root,
            why: "no publisher is trusted under one (see `palisade skill trust --help`)".into(),
        };
        for (name, root) in &self.roots {
            let proved = match bundle.verify(root, artifacts) {
                Ok(proved) => proved,
                // That it is another instance's says less than what is wrong with one of this.
                Err(other) => {
                    if matches!(failed.step, Step::Root | Step::Log) {
                        failed = other;
                    }
                    continue;
                }
            };
            let of_root = self.keyless.iter().filter(|(_, one)| one.root == *name);
            let admits = of_root.filter(|(_, one)| one.identity.admits(&proved).is_ok());
            let names: Vec<String> = admits.map(|(name, _)| name.clone()).collect();
            if !names.is_empty() {
                return Ok(Vouched { names, proved });
            }
            let who = palisade_core::shown(&proved.name.to_string(), 300);
            let issuer = palisade_core::shown(&proved.issuer, 300);
            let built = proved.repository.as_deref().map(|url| palisade_core::shown(url, 300));
            let built = built.map(|url| format!(" (built {url})")).unwrap_or_default();
            let why =
                format!("it is {who}{built}, for whom {issuer} vouches, and nobody who is trusted");
            failed = Failed { step: Step::Identity, why: why.into() };
        }
        Err(failed)
    }

    fn signers_by_key(&self, locked: &Locked, tree: &Tree) -> Vec<String> {
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

/// The end of the name of an identity's file.
const OF_SIGSTORE: &str = ".sigstore.json";

/// A trusted root of Sigstore, and its path.
fn root(folder: &Path, name: &str) -> Result<(PathBuf, Option<TrustedRoot>), TrustError> {
    let path = folder.join("roots").join(format!("{name}.json"));
    // It came out of a file, and is to be one in this folder.
    if name.parse::<SkillName>().is_err() {
        let why = "a publisher's root has no name that one can have: 1 to 64 of a-z, 0-9, `-`, `_` and `.`";
        return Err(TrustError::Sigstore { path: folder.to_owned(), why: why.to_owned() });
    }
    let most = u64::try_from(MOST_OF_ROOT).unwrap_or(u64::MAX);
    let Some(text) = read(&path, most)? else { return Ok((path, None)) };
    match TrustedRoot::parse(&text) {
        Ok(root) => Ok((path, Some(root))),
        Err(failed) => Err(TrustError::Sigstore { path, why: failed.to_string() }),
    }
}

type Publishers = (BTreeMap<String, PublicKey>, BTreeMap<String, Keyless>);

fn publishers(folder: &Path) -> Result<Publishers, TrustError> {
    let file = |source| TrustError::File { path: folder.to_owned(), source };
    let list = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Publishers::default()),
        list => list.map_err(file)?,
    };
    not_others(folder, &folder.metadata().map_err(file)?)?;
    let (mut all, mut keyless) = Publishers::default();
    for entry in list {
        let path = entry.map_err(file)?.path();
        if all.len() + keyless.len() == MOST_PUBLISHERS {
            return Err(TrustError::TooMuch(folder.to_owned()));
        }
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name.and_then(|name| name.strip_suffix(OF_SIGSTORE)) {
            let Some(text) = read(&path, minisign::MOST as u64)? else { continue };
            let publisher = serde_json::from_str(&text).map_err(|error| TrustError::Sigstore {
                path: path.clone(),
                why: palisade_core::shown(&error.to_string(), 300),
            })?;
            keyless.insert(palisade_core::shown(name, 64), publisher);
            continue;
        }
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "pub") {
            continue;
        }
        let Some(text) = read(&path, minisign::MOST as u64)? else { continue };
        let key = PublicKey::parse(&text)
            .map_err(|source| TrustError::Sign { path: path.clone(), source })?;
        all.insert(palisade_core::shown(name, 64), key);
    }
    Ok((all, keyless))
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

    use palisade_testkit::Sigstore;

    use super::*;
    use crate::{Advisory, Bundled, Entry, Source, minisign::SecretKey};

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

        fn store(&self) -> Store {
            Store::in_state(&self.at("state"))
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
            bundles: Vec::new(),
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
        assert_eq!(trust.signers(&good, &tree(), &stage.store()), ["acme"]);
        let other = SecretKey::generate().unwrap();
        let bad = locked(other.sign(tree().manifest().as_bytes(), "c"));
        assert!(trust.signers(&bad, &tree(), &stage.store()).is_empty());
        let mut changed = tree();
        changed.add("more", Entry::Link("SKILL.md".into())).unwrap();
        assert!(trust.signers(&good, &changed, &stage.store()).is_empty());
        stage.put("operator.pub", &stage.key.public().file());
        stage.revoke(1, Advisory { keys: vec![publisher.public().id()], ..Advisory::default() });
        assert!(stage.read().unwrap().signers(&good, &tree(), &stage.store()).is_empty());
    }

    #[test]
    fn only_an_identity_under_its_own_root_signs() {
        let stage = Stage::new();
        fs::create_dir_all(stage.at("config/skills/roots")).unwrap();
        let (own, other) = (Sigstore::new().unwrap(), Sigstore::new().unwrap());
        let who =
            r#"{"identity": "a@acme.example", "issuer": "https://id.example", "root": "own"}"#;
        stage.put("publishers/acme.sigstore.json", who);
        assert!(matches!(stage.read(), Err(TrustError::Sigstore { .. })));
        stage.put("roots/own.json", &own.trusted_root().to_string());
        stage.put("roots/other.json", &other.trusted_root().to_string());
        let elsewhere = who.replace("own", "other").replace("a@", "b@");
        stage.put("publishers/beta.sigstore.json", &elsewhere);
        let trust = stage.read().unwrap();
        let mut signed = locked(String::new());
        let mut signers = |sigstore: &Sigstore, who: &str, issuer: &str, bytes: &[u8]| {
            let leaf = sigstore.issue(who, issuer, |_| {}).unwrap();
            let bundle = sigstore.message(&leaf, bytes).unwrap().to_string();
            signed.bundles = vec![Bundled { bundle, archive: None }];
            trust.signers(&signed, &tree(), &stage.store())
        };
        let (list, issuer) = (tree().manifest(), "https://id.example");
        assert_eq!(signers(&own, "a@acme.example", issuer, list.as_bytes()), ["acme"]);
        assert_eq!(signers(&other, "b@acme.example", issuer, list.as_bytes()), ["beta"]);
        // Who is trusted in one instance is nobody in the other.
        assert!(signers(&other, "a@acme.example", issuer, list.as_bytes()).is_empty());
        assert!(signers(&own, "b@acme.example", issuer, list.as_bytes()).is_empty());
        assert!(
            signers(&own, "a@acme.example", "https://evil.example", list.as_bytes()).is_empty()
        );
        assert!(signers(&own, "a@acme.example", issuer, b"other").is_empty());
        for bad in
            [who.replace("own", "../own"), who.replace("a@acme.example", "*"), "{}".to_owned()]
        {
            stage.put("publishers/acme.sigstore.json", &bad);
            assert!(matches!(stage.read(), Err(TrustError::Sigstore { .. })), "{bad}");
        }
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
