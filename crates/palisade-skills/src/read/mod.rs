//! Reading: folders, files and archives become packages. Nothing is executed and no link is
//! followed; what cannot be read is a finding, so that every byte belongs to a verdict.

mod archive;
mod encoding;
mod folder;
mod kind;
mod names;
mod picture;
mod roots;
mod rules;
mod spare;
mod stamp;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

pub(crate) use folder::leads_out;
pub use folder::{Opened, ReadError};
pub use kind::kind;
pub(crate) use rules::{READER, RULES};
pub use stamp::Stamp;

use sha2::{Digest as _, Sha256};

use crate::{File, Package, Seen};

/// How much of a package is read. What is beyond is not vetted, and a finding says so.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files of one package, members of archives included.
    pub package: u64,
    /// Files of one package, members of archives included.
    pub files: usize,
    /// Entries of a tree that is searched for packages.
    pub entries: usize,
    /// Folders within folders.
    pub depth: usize,
    /// Archives within archives.
    pub nesting: usize,
    /// Unpacked bytes for each packed byte of an archive.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 8 << 20,
            package: 64 << 20,
            files: 20_000,
            entries: 2_000_000,
            depth: 64,
            nesting: 3,
            ratio: 200,
        }
    }
}

/// A package as it was read.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// Where it lies, as it was asked for.
    pub path: String,
    /// The name of the folder or file that it is.
    pub name: String,
    /// What was read.
    pub package: Package,
    /// What reading it showed: links out, archives that are bombs, what could not be read.
    pub seen: Seen,
}

/// A place that holds packages: opened once, so that what is scanned is what was found.
#[derive(Debug)]
pub struct Tree {
    inner: folder::Tree,
    found: Vec<roots::Root>,
    limits: Limits,
}

impl Tree {
    /// Finds the packages at a path: one skill, a plugin, an archive, one file, or a folder of many.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, ReadError> {
        Ok(Self::of(Opened::open(path)?, limits))
    }

    /// The same for what is open already.
    pub fn of(opened: Opened, limits: Limits) -> Self {
        let inner = folder::Tree::walk_of(opened, &limits);
        let found = roots::roots(&inner);
        Self { inner, found, limits }
    }

    /// The path and the name of one of them.
    pub fn named(&self, at: usize) -> (String, String) {
        self.found.get(at).map(|root| self.inner.named(root)).unwrap_or_default()
    }

    /// A digest of which packages there are, and of what entries. Two that walked the same tree have the same, unless it
    /// was changed meanwhile.
    pub fn outline(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for root in &self.found {
            for &at in &root.entries {
                let path = self.inner.entries.get(at).map_or("", |entry| entry.path.as_str());
                hash.update(path.len().to_le_bytes());
                hash.update(path.as_bytes());
            }
            hash.update(root.at.as_bytes());
            hash.update([0]);
        }
        hash.finalize().into()
    }

    /// How many packages there are; at least one.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Is there none? Never: what is no known form is one package.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What would be read of one of them, without a look at what it means; none if not all of it can be read.
    pub fn stamp(&self, at: usize) -> Option<Stamp> {
        self.inner.stamp(self.found.get(at)?, &self.limits, true)
    }

    /// In which state its files are, without reading them.
    pub fn state(&self, at: usize) -> Option<[u8; 32]> {
        Some(self.inner.stamp(self.found.get(at)?, &self.limits, false)?.state)
    }

    /// Reads one of them.
    pub fn read(&self, at: usize) -> Read {
        let Some(root) = self.found.get(at) else { return Read::default() };
        let mut reader = Reader::new(self.limits);
        self.inner.read(root, &mut reader);
        let (path, name) = self.inner.named(root);
        reader.done(path, name)
    }
}

/// Reads files that are already in memory: what a store or a test holds.
pub fn from_files(name: &str, files: Vec<(String, Vec<u8>, bool)>, limits: Limits) -> Read {
    let mut reader = Reader::new(limits);
    for (path, bytes, executable) in files {
        if folder::odd_name(&path) {
            let message = "the name holds characters that are not shown".to_owned();
            reader.note(&rules::NAME, &path, message);
        }
        reader.add(path, bytes, executable, 0);
    }
    reader.done(name.to_owned(), name.to_owned())
}

/// Gathers the files of one package within the limits.
struct Reader {
    limits: Limits,
    bytes: u64,
    files: Vec<File>,
    seen: Seen,
}

impl Reader {
    fn new(limits: Limits) -> Self {
        Self { limits, bytes: 0, files: Vec::new(), seen: Seen::default() }
    }

    /// Is there room for a file of so many bytes? If not, that is a finding.
    fn room(&mut self, path: &str, size: u64) -> bool {
        let why = if size > self.limits.file {
            format!("{size} bytes, and at most {} of a file are read", self.limits.file)
        } else if self.bytes.saturating_add(size) > self.limits.package {
            format!("the package has more than {} bytes", self.limits.package)
        } else if self.files.len() >= self.limits.files {
            format!("the package has more than {} files", self.limits.files)
        } else {
            return true;
        };
        self.note(&rules::TOO_LARGE, path, why);
        false
    }

    fn note(&mut self, rule: &'static crate::Rule, path: &str, message: String) {
        // A package made of a million faults is one fault told a thousand times.
        const MOST: usize = 1000;
        if self.seen.findings.len() < MOST {
            self.seen.findings.push(rule.at(path, 0, 0, "", message));
        }
    }

    /// Takes one file, and the members of it if it is an archive.
    fn add(&mut self, path: String, bytes: Vec<u8>, executable: bool, nested: usize) {
        if !self.room(&path, bytes.len() as u64) {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let (bytes, odd) = encoding::utf8(bytes);
        if let Some(odd) = odd {
            self.note(odd.rule(), &path, odd.message());
        }
        let kind = kind(&path, &bytes);
        if kind == crate::FileKind::Archive {
            archive::members(self, &path, &bytes, nested);
        }
        if kind == crate::FileKind::Media && nested < self.limits.nesting {
            self.within(&path, &bytes, nested);
        }
        self.files.push(File { path, bytes: Arc::from(bytes), kind, executable });
    }

    /// What a picture, sound or font holds that nobody sees in it.
    fn within(&mut self, path: &str, bytes: &[u8], nested: usize) {
        match picture::end(bytes) {
            picture::End::Broken => {
                let message = "it is no whole picture, sound or font of the kind that it begins as";
                self.note(&rules::UNKNOWN, path, message.to_owned());
            }
            picture::End::At(end) => {
                let behind = bytes.get(end..).unwrap_or_default();
                if behind.iter().any(|byte| !matches!(byte, 0 | b'\r' | b'\n')) {
                    let message = format!("{} bytes lie behind its end", behind.len());
                    self.note(&rules::TRAILING, path, message);
                    let name = format!("{path}!/(behind the end)");
                    self.add(name, behind.to_vec(), false, nested.saturating_add(1));
                }
            }
            picture::End::Untold => {}
        }
        let texts = picture::texts(bytes);
        if !texts.is_empty() {
            self.add(format!("{path}!/(texts)"), texts, false, nested.saturating_add(1));
        }
    }

    fn done(mut self, path: String, name: String) -> Read {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        kind::judge(&self.files, &mut self.seen);
        Read { path, name, package: Package { files: self.files }, seen: self.seen }
    }
}
