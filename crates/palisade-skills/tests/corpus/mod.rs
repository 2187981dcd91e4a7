//! The labelled corpus beside this crate, `corpus/CLASS/FAMILY/NAME.txt`, as folders that the reader can open.
//!
//! A file is a note and then the files of one skill, each behind a line `=== PATH`, with `+x` for a
//! program, `encrypted` for a member behind a password, `-> TARGET` for a link. A path with `!/` is a member
//! of an archive. Odd bytes and encodings stand between `⟦` and `⟧`, so that the corpus stays readable and
//! holds nothing that runs: see [`escapes`].

#![allow(dead_code, unreachable_pub, reason = "benches and tests each use a part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the corpus is ours, and small"
)]

pub mod escapes;
pub mod zip;

use std::{collections::BTreeMap, fs, path::Path};

/// What a sample is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// To be blocked.
    Malicious,
    /// To be let through.
    Benign,
    /// Security work: may ask, not block.
    DualUse,
}

impl Class {
    /// Every class with its folder.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Malicious, "malicious"), (Self::Benign, "benign"), (Self::DualUse, "dual-use")];

    /// Its folder.
    pub fn folder(self) -> &'static str {
        Self::ALL.iter().find(|(class, _)| *class == self).map_or("", |(_, folder)| folder)
    }
}

/// One file of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path, with `!/` behind an archive.
    pub path: String,
    /// What it holds.
    pub body: Body,
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Bytes.
    File {
        /// All of them.
        bytes: Vec<u8>,
        /// Has it an executable bit?
        executable: bool,
        /// Is it behind a password, in an archive?
        encrypted: bool,
    },
    /// A symbolic link to this.
    Link(String),
}

/// One skill of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it is.
    pub class: Class,
    /// The technique, or what it looks like.
    pub family: String,
    /// Its name in the family.
    pub name: String,
    /// Its files.
    pub entries: Vec<Entry>,
}

impl Sample {
    /// `class/family/name`.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.class.folder(), self.family, self.name)
    }

    /// Is it of the half that is only counted, never looked at?
    pub fn held_out(&self) -> bool {
        let hash = self.id().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (hash >> 32) & 1 == 1
    }

    /// Writes it to a folder, which must be empty.
    pub fn write(&self, folder: &Path) {
        let mut archives: BTreeMap<&str, Vec<zip::Member>> = BTreeMap::new();
        for entry in &self.entries {
            match (&entry.body, entry.path.split_once("!/")) {
                (Body::File { bytes, encrypted, .. }, Some((archive, member))) => {
                    archives.entry(archive).or_default().push(zip::Member {
                        name: member.into(),
                        bytes: bytes.clone(),
                        encrypted: *encrypted,
                    });
                }
                (Body::File { bytes, executable, .. }, None) => {
                    let path = folder.join(&entry.path);
                    put(&path, bytes);
                    if *executable {
                        use std::os::unix::fs::PermissionsExt as _;
                        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                    }
                }
                (Body::Link(target), _) => {
                    let path = folder.join(&entry.path);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::os::unix::fs::symlink(target, path).unwrap();
                }
            }
        }
        for (archive, members) in archives {
            put(&folder.join(archive), &zip::stored(&members));
        }
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The entries of one text file of the corpus.
pub fn parse(text: &str) -> Vec<Entry> {
    let mut parts: Vec<(&str, String)> = vec![];
    for line in text.split_inclusive('\n') {
        if let Some(header) = line.strip_prefix("=== ") {
            parts.push((header.trim_end(), String::new()));
        } else if let Some((_, body)) = parts.last_mut() {
            body.push_str(line);
        }
    }
    parts
        .into_iter()
        .map(|(header, body)| {
            if let Some((path, target)) = header.split_once(" -> ") {
                return Entry { path: path.into(), body: Body::Link(target.into()) };
            }
            let (path, executable, encrypted) = match header.rsplit_once(' ') {
                Some((path, "+x")) => (path, true, false),
                Some((path, "encrypted")) => (path, false, true),
                _ => (header, false, false),
            };
            let bytes = escapes::expand(&body);
            Entry { path: path.into(), body: Body::File { bytes, executable, encrypted } }
        })
        .collect()
}

/// All of the corpus, sorted.
pub fn samples() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut samples = vec![];
    for (class, folder) in Class::ALL {
        for family in names(&root.join(folder)) {
            for file in names(&root.join(folder).join(&family)) {
                let text = fs::read_to_string(root.join(folder).join(&family).join(&file)).unwrap();
                samples.push(Sample {
                    class,
                    family: family.clone(),
                    name: file.trim_end_matches(".txt").into(),
                    entries: parse(&text),
                });
            }
        }
    }
    samples
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
