//! What untrusted content came into a session of an agent that no sandbox holds: a file for each session, with a word
//! a line, since each event is decided by a process of its own.
//!
//! Outside a sandbox the agent is the operator's own user, who can remove the file, as it can stay silent: this is
//! advice, as all that is decided there.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use palisade_core::{SessionId, Untrusted};
use palisade_engine::Engine;

/// The folder, below the state folder.
const FOLDER: &str = "brought";
/// All words of all kinds are less.
const MOST_BYTES: u64 = 4096;
/// After this time without news a session is over.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Files that are looked at for that at one time.
const MOST_SWEPT: usize = 256;

/// What came into one session.
#[derive(Debug)]
pub(super) struct Brought {
    file: PathBuf,
}

impl Brought {
    pub(super) fn of(state: &Path, session: &SessionId) -> Self {
        Self { file: state.join(FOLDER).join(session.as_str()) }
    }

    /// Tell the engine what came in until now.
    ///
    /// # Errors
    /// That cannot be known: what is asked because of it cannot be decided.
    pub(super) fn tell(&self, engine: &Engine) -> Result<(), String> {
        for word in self.read()?.lines() {
            let known = Untrusted::ALL.into_iter().find(|how| how.as_str() == word);
            let how = known.ok_or_else(|| format!("{} is damaged", self.file.display()))?;
            engine.tainted(how);
        }
        Ok(())
    }

    /// Remember that such came in.
    ///
    /// # Errors
    /// It cannot be kept: what brings it must not happen.
    pub(super) fn add(&self, how: Untrusted) -> Result<(), String> {
        if self.read()?.lines().any(|word| word == how.as_str()) {
            return Ok(());
        }
        let failed = |error| format!("{}: {error}", self.file.display());
        if let Some(folder) = self.file.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
            sweep(folder);
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.file);
        // One write to the end of a file: another process's word cannot come between.
        let line = format!("{}\n", how.as_str());
        file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(failed)
    }

    fn read(&self) -> Result<String, String> {
        let failed = |error| format!("{}: {error}", self.file.display());
        let file = match fs::File::open(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
            opened => opened.map_err(failed)?,
        };
        let mut text = String::new();
        file.take(MOST_BYTES).read_to_string(&mut text).map_err(failed)?;
        Ok(text)
    }
}

/// Remove what is about sessions that are long over. What cannot be removed stays.
fn sweep(folder: &Path) {
    let old = |path: &Path| {
        let changed = fs::symlink_metadata(path).and_then(|data| data.modified()).ok()?;
        Some(changed.elapsed().ok()? > FORGOTTEN)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_SWEPT) {
        if old(&entry.path()) == Some(true) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(folder: &Path) -> Brought {
        Brought::of(folder, &SessionId::from_random([7; 16]))
    }

    #[test]
    fn words_are_kept_once_and_for_their_session() {
        let folder = tempfile::tempdir().unwrap();
        let brought = one(folder.path());
        assert_eq!(brought.read().unwrap(), "");
        for how in [Untrusted::Web, Untrusted::Mcp, Untrusted::Web] {
            brought.add(how).unwrap();
        }
        assert_eq!(brought.read().unwrap(), "web\nmcp\n");
        let other = Brought::of(folder.path(), &SessionId::from_random([8; 16]));
        assert_eq!(other.read().unwrap(), "");
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let brought = one(folder.path());
        brought.add(Untrusted::Web).unwrap();
        fs::remove_file(&brought.file).unwrap();
        fs::create_dir(&brought.file).unwrap();
        assert!(brought.read().is_err() && brought.add(Untrusted::Mcp).is_err());
    }

    #[test]
    fn sessions_that_are_long_over_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let brought = one(folder.path());
        brought.add(Untrusted::Web).unwrap();
        let file = fs::File::options().write(true).open(&brought.file).unwrap();
        file.set_modified(std::time::SystemTime::now() - FORGOTTEN - FORGOTTEN).unwrap();
        let other = Brought::of(folder.path(), &SessionId::from_random([8; 16]));
        other.add(Untrusted::Mcp).unwrap();
        assert_eq!(brought.read().unwrap(), "");
    }
}
