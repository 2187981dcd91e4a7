use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use data_encoding::HEXLOWER;
use palisade_skills::{Report, output};
use sha2::{Digest as _, Sha256};

/// Bytes of earlier reports that are kept. Beyond, nothing is added.
const MOST: u64 = 512 << 20;
/// Hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// Reports of earlier scans, by the digest of what was read: `STATE/skills/scanned/PROGRAM.jsonl`. Another program
/// has other rules, and a file of its own.
///
/// A line a report: the digest, a space, the report. A scan that was interrupted goes on where it was.
#[derive(Debug)]
pub struct Cache {
    lines: HashMap<[u8; 32], String>,
    file: File,
    bytes: u64,
}

impl Cache {
    /// Opens it, and makes it if it is not there. Those of other programs are removed.
    ///
    /// # Errors
    /// It cannot be read or written, or somebody else could have written it.
    pub fn open(state_dir: &Path) -> io::Result<Self> {
        let folder = state_dir.join("skills/scanned");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let name = format!("{}.jsonl", program()?);
        for other in fs::read_dir(&folder)?.flatten().filter(|it| it.file_name() != *name) {
            // Another program may be at it.
            fs::remove_file(other.path()).unwrap_or_default();
        }
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(i32::try_from(flags.bits()).map_err(io::Error::other)?)
            .open(folder.join(name))?;
        let found = file.metadata()?;
        let own = found.uid() == rustix::process::geteuid().as_raw();
        if !found.is_file() || !own || found.mode() & 0o022 != 0 {
            return Err(io::Error::other("somebody else could have written it"));
        }
        let mut text = Vec::new();
        (&mut file).take(MOST).read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = HashMap::new();
        // A line without its end was torn.
        let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or_default());
        for line in whole.lines() {
            let Some((digest, report)) = line.split_at_checked(DIGITS) else { continue };
            if let (Some(digest), Some(report)) = (parsed(digest), report.strip_prefix(' ')) {
                lines.insert(digest, report.to_owned());
            }
        }
        if whole.len() < text.trim_end_matches('\n').len() {
            file.write_all(b"\n")?;
        }
        Ok(Self { lines, file, bytes: found.len() })
    }

    /// Is there a report of this?
    #[cfg(test)]
    pub(crate) fn knows(&self, digest: &[u8; 32]) -> bool {
        self.lines.contains_key(digest)
    }

    /// The report of this, for what lies there.
    pub(crate) fn report(&self, digest: &[u8; 32], path: String) -> Option<Report> {
        let report = Report::from_json(self.lines.get(digest)?).ok()?;
        Some(Report { path, ..report })
    }

    /// Keeps one. What cannot be kept is scanned again.
    pub(crate) fn keep(&mut self, digest: [u8; 32], report: &Report) {
        let line = format!("{} {}", HEXLOWER.encode(&digest), output::json(report));
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.bytes.saturating_add(length) < MOST && self.file.write_all(line.as_bytes()).is_ok()
        {
            self.bytes = self.bytes.saturating_add(length);
        }
    }
}

/// What this program is, as far as its rules go: each build is another.
fn program() -> io::Result<String> {
    let found = fs::metadata("/proc/self/exe")?;
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for number in [found.dev(), found.ino(), found.len()] {
        hash.update(number.to_le_bytes());
    }
    for number in [found.mtime(), found.mtime_nsec()] {
        hash.update(number.to_le_bytes());
    }
    let mut digits = HEXLOWER.encode(&hash.finalize());
    digits.truncate(16);
    Ok(digits)
}

fn parsed(digits: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_and_a_torn_line_is_not() {
        let state = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(state.path()).unwrap();
        let report = Report::of_ended_reader("a".into(), "a".into(), "it ended");
        cache.keep([7; 32], &report);
        cache.file.write_all(b"0808").unwrap();
        let mut cache = Cache::open(state.path()).unwrap();
        assert!(cache.knows(&[7; 32]) && cache.lines.len() == 1);
        assert_eq!(cache.report(&[7; 32], "b".into()).unwrap().path, "b");
        cache.keep([9; 32], &report);
        let cache = Cache::open(state.path()).unwrap();
        assert!(cache.knows(&[7; 32]) && cache.knows(&[9; 32]));
        // One that lies is none.
        let folder = state.path().join("skills/scanned");
        let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        let text = fs::read_to_string(&file).unwrap().replace("\"dangerous\"", "\"safe\"");
        fs::write(&file, text).unwrap();
        assert!(Cache::open(state.path()).unwrap().report(&[7; 32], "b".into()).is_none());
        // Nor is one that somebody else could have written, or that is waited for.
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        assert!(Cache::open(state.path()).is_err());
        fs::write(folder.join("other.jsonl"), "").unwrap();
        fs::remove_file(&file).unwrap();
        Cache::open(state.path()).unwrap();
        assert!(!folder.join("other.jsonl").exists());
    }
}
