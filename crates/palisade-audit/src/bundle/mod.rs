//! One archive with the journal, reports and a verifier, which can be checked where no Palisade is.
//!
//! ```text
//! palisade-evidence/README.txt
//! palisade-evidence/verify.py, verify_all.py, ed25519.py     verifiers, in Python
//! palisade-evidence/key.txt                   the journal's first key
//! palisade-evidence/journal/…                 the journal as it was at one moment
//! palisade-evidence/report.html, report.json, report.oscal.json, report.proof.json
//! palisade-evidence/MANIFEST.json             each file with its size and SHA-256
//! ```
//!
//! Only files of the journal by their names go in: whatever else lies in its folder, such as a signing
//! key, does not.

mod snapshot;

use data_encoding::HEXLOWER;
use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use palisade_journal::{
    JournalError, Timestamp,
    verify::{self, Options},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use self::snapshot::Snapshot;
use crate::report::Report;

/// The folder that all of it unpacks to.
const ROOT: &str = "palisade-evidence";
/// The verifier that is packed.
const VERIFIER: &str = include_str!("../../../palisade-journal/tests/verify.py");
/// What reads gaps that retention left, too.
const VERIFIER_ALL: &str = include_str!("../../../palisade-journal/tests/verify_all.py");
/// What both check signatures with.
const ED25519: &str = include_str!("../../../palisade-journal/tests/ed25519.py");
const README: &str = include_str!("README.txt");

/// Why there is no archive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of the journal cannot be read.
    #[error("read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("write the archive: {0}")]
    Write(#[source] io::Error),
}

/// What was packed.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Packed {
    /// By which version of Palisade.
    pub version: &'static str,
    /// When.
    pub made: Timestamp,
    /// Whether the journal verified when it was packed.
    pub verifies: bool,
    /// What was wrong with it.
    pub damage: Vec<String>,
    /// The files.
    pub files: Vec<Member>,
    /// The SHA-256 of the whole archive. Whoever gets it compares it with the one that was given by another way.
    #[serde(skip)]
    pub sha256: String,
}

/// A file in the archive.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Member {
    /// Its path, below the archive's folder.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: String,
}

/// Pack the journal in `dir` (a state folder, or the journal's own) and these reports.
///
/// # Errors
/// Something cannot be read or written; what was written of the archive is then of no use.
pub fn pack(dir: &Path, reports: &[Report], into: impl Write) -> Result<Packed, BundleError> {
    let verified = verify::verify(dir, &Options::default())?;
    let mut packed = Packed {
        version: env!("CARGO_PKG_VERSION"),
        made: Timestamp::now(),
        verifies: verified.is_whole(),
        damage: verified.damages().map(ToString::to_string).collect(),
        files: Vec::new(),
        sha256: String::new(),
    };
    let into = Hashing { inner: into, hash: Sha256::new() };
    let mut archive = Archive { tar: tar::Builder::new(into), files: Vec::new() };
    archive.add("README.txt", README.as_bytes())?;
    archive.add("verify.py", VERIFIER.as_bytes())?;
    archive.add("verify_all.py", VERIFIER_ALL.as_bytes())?;
    archive.add("ed25519.py", ED25519.as_bytes())?;
    if let Some(key) = &verified.signed {
        archive.add("key.txt", format!("{key}\n").as_bytes())?;
    }
    let snapshot = Snapshot::of(&verified.journal)?;
    for file in snapshot.files {
        let path = verified.journal.join(&file.name);
        let named = format!("journal/{}", file.name);
        archive.add_stream(&named, file.bytes, file.content, &path)?;
    }
    for report in reports {
        let name = match reports {
            [_] => "report".to_owned(),
            _ => format!("report-{}", report.framework),
        };
        archive.add(&format!("{name}.html"), report.to_html().as_bytes())?;
        archive.add(&format!("{name}.json"), report.to_json().as_bytes())?;
        archive.add(&format!("{name}.oscal.json"), report.to_oscal().as_bytes())?;
        if let Some(proof) = report.to_proof() {
            archive.add(&format!("{name}.proof.json"), proof.as_bytes())?;
        }
    }
    packed.files = std::mem::take(&mut archive.files);
    let manifest = serde_json::to_string_pretty(&packed).unwrap_or_default();
    archive.add("MANIFEST.json", manifest.as_bytes())?;
    let mut into = archive.tar.into_inner().map_err(BundleError::Write)?;
    into.flush().map_err(BundleError::Write)?;
    packed.sha256 = HEXLOWER.encode(&into.hash.finalize());
    Ok(packed)
}

struct Archive<W: Write> {
    tar: tar::Builder<W>,
    files: Vec<Member>,
}

impl<W: Write> Archive<W> {
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.add_stream(name, size, bytes, Path::new(name))
    }

    /// Add exactly this many bytes of `content`.
    fn add_stream(
        &mut self,
        name: &str,
        size: u64,
        content: impl Read,
        path: &Path,
    ) -> Result<(), BundleError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(0);
        let mut content = Hashed { inner: content.take(size), hash: Sha256::new(), bytes: 0 };
        let whole = format!("{ROOT}/{name}");
        self.tar
            .append_data(&mut header, &whole, &mut content)
            .map_err(|source| content.blame(source, path))?;
        if content.bytes != size {
            // The header says more than came: the archive is broken from here on.
            let source = io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter");
            return Err(BundleError::Read { path: path.into(), source });
        }
        let sha256 = HEXLOWER.encode(&content.hash.finalize());
        self.files.push(Member { path: name.to_owned(), bytes: size, sha256 });
        Ok(())
    }
}

/// Hashes what is written through it.
struct Hashing<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Hashes what is read through it.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R> Hashed<R> {
    fn blame(&self, source: io::Error, path: &Path) -> BundleError {
        match source.get_ref() {
            Some(marked) if marked.is::<FromJournal>() => {
                BundleError::Read { path: path.into(), source }
            }
            _ => BundleError::Write(source),
        }
    }
}

/// Marks an error as one of reading, which the archive's writer passes on.
#[derive(Debug, Error)]
#[error(transparent)]
struct FromJournal(io::Error);

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        let count = read.map_err(|error| io::Error::new(error.kind(), FromJournal(error)))?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}
