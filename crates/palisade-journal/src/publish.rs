//! Checkpoints put where the journal's host cannot take them back: another folder, a git repository.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::note::{NoteError, SignedNote};

/// Why a checkpoint could not be put there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The note is no checkpoint.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A file could not be written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// There is another checkpoint of that size.
    #[error("{} is another checkpoint of the same size: one of them is forged", path.display())]
    Another {
        /// The file.
        path: PathBuf,
    },
    /// git did not do it.
    #[error("git {step} in {}: {said}", repository.display())]
    Git {
        /// Which command.
        step: &'static str,
        /// Where.
        repository: PathBuf,
        /// What git said, or why it did not run.
        said: String,
    },
}

/// Put a checkpoint in a folder as `<origin>/<size>.checkpoint`, with `_` for `/` in the origin, on the disk when
/// this returns. One that is there stays as it is. Gives the file.
pub fn to_folder(note: &SignedNote, folder: &Path) -> Result<PathBuf, PublishError> {
    let checkpoint = note.checkpoint()?;
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let log: String = checkpoint.origin.chars().take(128).map(plain).collect();
    let log = folder.join(log.trim_start_matches('.'));
    let path = log.join(format!("{:012}.checkpoint", checkpoint.size));
    let failed = |error| PublishError::Io { path: path.clone(), error };
    fs::create_dir_all(&log).map_err(failed)?;
    match fs::read_to_string(&path) {
        Ok(text) => {
            let same = text.parse::<SignedNote>().is_ok_and(|there| there.text == note.text);
            return if same { Ok(path) } else { Err(PublishError::Another { path }) };
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    to_file(note, &path)?;
    Ok(path)
}

/// Put a checkpoint in a file, whole or not at all, on the disk when this returns.
pub fn to_file(note: &SignedNote, path: &Path) -> Result<(), PublishError> {
    let failed = |error| PublishError::Io { path: path.into(), error };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!("{name}.new"));
    fs::write(&new, note.to_string()).map_err(failed)?;
    fs::File::open(&new).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

/// Put a checkpoint in a git repository's work tree and commit it, and it alone. No hook of the repository runs.
/// Gives the file.
pub fn to_git(note: &SignedNote, repository: &Path) -> Result<PathBuf, PublishError> {
    let path = to_folder(note, repository)?;
    let path =
        fs::canonicalize(&path).map_err(|error| PublishError::Io { path: path.clone(), error })?;
    let run = |step: &'static str, arguments: &[&str]| {
        let failed = |said| PublishError::Git { step, repository: repository.into(), said };
        let mut git = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                git.env_remove(name);
            }
        }
        git.arg("-C").arg(repository).args(["-c", "core.hooksPath=/dev/null"]);
        git.args(["-c", "commit.gpgSign=false", "-c", "core.fsmonitor=false", step]);
        git.args(arguments).arg("--").arg(&path);
        let ran = git.output().map_err(|error| failed(error.to_string()))?;
        if ran.status.success() {
            return Ok(ran.stdout);
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        Err(failed(crate::escaped(said.lines().last().unwrap_or_default())))
    };
    run("add", &[])?;
    if !run("status", &["--porcelain"])?.is_empty() {
        let size = note.checkpoint()?.size;
        run(
            "commit",
            &["--quiet", "--message", &format!("journal: checkpoint of {size} entries")],
        )?;
    }
    Ok(path)
}
