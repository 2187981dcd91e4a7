use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use palisade_core::SkillPolicy;
use palisade_skills::Severity;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::{Digest, SkillName, StoreError, plain};

/// Bytes that a lock may have.
const MOST: u64 = 16 << 20;
/// What this version writes.
const VERSION: u32 = 1;

/// Which skills the operator has taken: `STATE/skills/skills.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    version: u32,
    /// By the name that an agent sees.
    pub skills: BTreeMap<SkillName, Locked>,
}

/// A skill that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// What it is: the digest of its canonical list.
    pub digest: Digest,
    /// Where it came from.
    pub source: Source,
    /// When it was taken, RFC 3339.
    pub added: String,
    /// What the scanner said of these bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Scan>,
    /// What a person said of these bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// What its programs may do at most. Without it, what the session's policy permits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<SkillPolicy>,
    /// Signatures of its canonical list, each a minisign signature file's text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
    /// Sigstore bundles of its canonical list, or of the archive that it was in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundles: Vec<Bundled>,
}

/// A Sigstore bundle, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundled {
    /// Its text.
    pub bundle: String,
    /// The archive that it is of, by its SHA-256, as the store keeps it. None where it is of the canonical list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<Digest>,
}

/// Where a skill came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// A folder of this machine.
    Folder {
        /// Its absolute path.
        path: PathBuf,
    },
    /// An archive on this machine.
    Archive {
        /// Its absolute path.
        path: PathBuf,
        /// The folder in it.
        folder: String,
    },
    /// A commit of a Git repository.
    Git {
        /// The repository.
        url: String,
        /// The commit's full id.
        commit: String,
        /// The folder in it.
        folder: String,
    },
    /// A package of an npm registry.
    Npm {
        /// The registry.
        registry: String,
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// The integrity that the registry named, and that was checked.
        integrity: String,
        /// The folder in it.
        folder: String,
    },
    /// An entry of a marketplace's index.
    Marketplace {
        /// The index.
        index: String,
        /// The entry's name.
        entry: String,
        /// Where the entry led to.
        from: Box<Source>,
    },
}

/// What the scanner said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// `safe`, `caution`, `dangerous` or `not vetted`.
    pub verdict: String,
    /// The highest severity of a finding, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The rules that found something, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// What it can do, as the scanner saw it, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// The version that scanned it.
    pub by: String,
}

impl Scan {
    /// The severity, unless it is a word of another version.
    pub fn severity(&self) -> Option<Severity> {
        let all =
            [Severity::Note, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        all.into_iter().find(|one| Some(word(*one)) == self.severity.as_deref())
    }
}

/// The word of a severity.
pub(crate) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Who.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// The digest of what was looked at.
    pub digest: Digest,
    /// Whether it was approved.
    pub approved: bool,
    /// What was said besides.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
}

impl Default for Lock {
    fn default() -> Self {
        Self { version: VERSION, skills: BTreeMap::new() }
    }
}

impl Lock {
    /// The lock's path in this state folder.
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("skills/skills.lock")
    }

    /// Reads it; one that is not there has no skills.
    ///
    /// # Errors
    /// It cannot be read, is no lock of this version, or others than its owner may have written it.
    pub fn read(state_dir: &Path) -> Result<Self, StoreError> {
        let path = Self::path(state_dir);
        let file = match plain::open(&path) {
            // Whoever writes there says what is wrong with the folder.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(Self::default());
            }
            opened => opened.map_err(StoreError::file("open", &path))?,
        };
        let wrong = |why: String| StoreError::Lock { path: path.clone(), why };
        let found = file.metadata().map_err(StoreError::file("look at", &path))?;
        let own = found.uid() == rustix::process::geteuid().as_raw();
        if !own || found.mode() & 0o022 != 0 {
            return Err(wrong("somebody else could have written it".to_owned()));
        }
        let mut text = String::new();
        let read = file.take(MOST.saturating_add(1)).read_to_string(&mut text);
        read.map_err(StoreError::file("read", &path))?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > MOST {
            return Err(wrong("it is too large".to_owned()));
        }
        let lock: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if lock.version != VERSION {
            let version = lock.version;
            return Err(wrong(format!(
                "it has version {version}, and this program knows {VERSION}"
            )));
        }
        Ok(lock)
    }

    /// Reads it, changes it, writes it. Nobody else changes it meanwhile.
    ///
    /// # Errors
    /// As [`Lock::read`], it cannot be written, or `change` says so.
    pub fn change<T, E: From<StoreError>>(
        state_dir: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let path = Self::path(state_dir);
        let folder = path.parent().unwrap_or(state_dir);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(StoreError::file("make", folder))?;
        let held = File::open(folder).map_err(StoreError::file("open", folder))?;
        let locked = flock(&held, FlockOperation::LockExclusive);
        locked.map_err(|errno| StoreError::file("lock", folder)(errno.into()))?;
        let mut lock = Self::read(state_dir)?;
        let result = change(&mut lock)?;
        lock.write(&path, folder)?;
        Ok(result)
    }

    fn write(&self, path: &Path, folder: &Path) -> Result<(), StoreError> {
        let failed = |error| StoreError::file("write", path)(error);
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(format!("{text}\n").as_bytes()).map_err(failed)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map(drop).map_err(|error| failed(error.error))
    }
}

impl Locked {
    /// Whether a person approved exactly these bytes.
    pub fn is_approved(&self) -> bool {
        self.review.as_ref().is_some_and(|review| review.approved && review.digest == self.digest)
    }

    /// Whether a person refused exactly these bytes.
    pub fn is_refused(&self) -> bool {
        self.review.as_ref().is_some_and(|review| !review.approved && review.digest == self.digest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn locked() -> Locked {
        Locked {
            digest: Digest::of(b"x"),
            source: Source::Folder { path: "/a".into() },
            added: "2026-01-01T00:00:00Z".into(),
            scan: None,
            review: None,
            policy: None,
            signatures: Vec::new(),
            bundles: Vec::new(),
        }
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(Lock::read(state.path()).unwrap(), Lock::default());
        let name: SkillName = "pdf".parse().unwrap();
        Lock::change(state.path(), |lock| {
            lock.skills.insert(name.clone(), locked());
            Ok::<_, StoreError>(())
        })
        .unwrap();
        let lock = Lock::read(state.path()).unwrap();
        assert_eq!(lock.skills[&name], locked());
    }

    #[test]
    fn a_lock_that_others_may_write_is_none() {
        let state = tempfile::tempdir().unwrap();
        Lock::change(state.path(), |_| Ok::<_, StoreError>(())).unwrap();
        let path = Lock::path(state.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o622)).unwrap();
        assert!(matches!(Lock::read(state.path()), Err(StoreError::Lock { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "{\"version\": 2, \"skills\": {}}").unwrap();
        assert!(matches!(Lock::read(state.path()), Err(StoreError::Lock { .. })));
    }

    #[test]
    fn a_review_is_of_what_was_looked_at() {
        let mut locked = locked();
        assert!(!locked.is_approved());
        let review = |digest, approved| Review {
            by: "o".into(),
            at: String::new(),
            digest,
            approved,
            comment: String::new(),
        };
        locked.review = Some(review(Digest::of(b"x"), true));
        assert!(locked.is_approved() && !locked.is_refused());
        locked.review = Some(review(Digest::of(b"x"), false));
        assert!(!locked.is_approved() && locked.is_refused());
        locked.review = Some(review(Digest::of(b"other"), true));
        assert!(!locked.is_approved());
    }

    proptest! {
        #[test]
        fn any_text_is_a_lock_or_none(text in "[ -~]{0,200}") {
            drop(serde_json::from_str::<Lock>(&text));
        }
    }
}
