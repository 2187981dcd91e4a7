//! Archives. Only regular files, folders and links that stay inside are taken; all else is refused, and so is
//! what unpacks to more than a skill may have.

use std::{
    io::{Cursor, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{SourceError, file};
use crate::{Entry, MOST_BYTES, Tree, plain};

/// The bytes of an archive's file.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let opened = plain::open(path).map_err(file(path))?;
    opened.take(MOST_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(file(path))?;
    Ok(bytes)
}

/// Reads an archive, by its first bytes. If all that is in it lies in one folder, that folder is what it holds.
///
/// # Errors
/// It is none that is taken.
pub fn read(bytes: &[u8]) -> Result<Tree, SourceError> {
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST_BYTES {
        return Err(SourceError::Archive("it is too large".to_owned()));
    }
    let tree = match bytes {
        [b'P', b'K', ..] => zip(bytes)?,
        [0x1f, 0x8b, ..] => tar(MultiGzDecoder::new(bytes))?,
        _ => tar(bytes)?,
    };
    if tree.is_empty() {
        return Err(SourceError::Archive("there is nothing in it".to_owned()));
    }
    match common_top(&tree) {
        Some(top) => Ok(tree.below(&top)?),
        None => Ok(tree),
    }
}

/// The one folder that everything lies in.
fn common_top(tree: &Tree) -> Option<String> {
    let mut tops = tree.iter().map(|(path, _)| path.split_once('/').map(|(top, _)| top));
    let first = tops.next().flatten()?;
    tops.all(|other| other == Some(first)).then(|| first.to_owned())
}

fn tar(from: impl Read) -> Result<Tree, SourceError> {
    let wrong = |error: std::io::Error| SourceError::Archive(error.to_string());
    let refused = |why: &str, path: &str| {
        Err(SourceError::Archive(format!("{why}: {}", palisade_core::shown(path, 200))))
    };
    let mut tree = Tree::default();
    // Headers and what is left out count as well.
    let most = MOST_BYTES.saturating_mul(2);
    let mut archive = Archive::new(from.take(most));
    for entry in archive.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if path.contains('\u{fffd}') {
            return refused("a path is not UTF-8", &path);
        }
        let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
        let kind = entry.header().entry_type();
        let found = match kind {
            EntryType::Regular | EntryType::Continuous => {
                let executable = entry.header().mode().map_err(wrong)? & 0o111 != 0;
                Entry::File { bytes: content(&mut entry, &tree)?.into(), executable }
            }
            EntryType::Symlink => {
                let to = entry.link_name_bytes().unwrap_or_default().into_owned();
                match String::from_utf8(to) {
                    Ok(to) => Entry::Link(to),
                    Err(_) => return refused("a link is not UTF-8", &path),
                }
            }
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            _ => return refused("it holds what is no file, folder or symbolic link", &path),
        };
        tree.add(&path, found)?;
    }
    Ok(tree)
}

fn zip(bytes: &[u8]) -> Result<Tree, SourceError> {
    const LINK: u32 = 0o120_000;
    const KIND: u32 = 0o170_000;
    let wrong = |error: zip::result::ZipError| SourceError::Archive(error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(wrong)?;
    // The reader has one of them alone.
    if archive.has_duplicate_names() {
        return Err(SourceError::Archive("a path is there twice".to_owned()));
    }
    if archive.has_overlapping_entries().unwrap_or(true) {
        return Err(SourceError::Archive("its members lie over each other".to_owned()));
    }
    let mut tree = Tree::default();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(wrong)?;
        let path = String::from_utf8(entry.name_raw().to_vec())
            .map_err(|_| SourceError::Archive("a path is not UTF-8".to_owned()))?;
        if entry.encrypted() {
            return Err(SourceError::Archive("it is encrypted".to_owned()));
        }
        if path.ends_with('/') {
            if entry.size() > 0 {
                return Err(SourceError::Archive("a folder has content".to_owned()));
            }
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o100_644);
        let content = content(&mut entry, &tree)?;
        let found = match mode & KIND {
            LINK => Entry::Link(
                String::from_utf8(content)
                    .map_err(|_| SourceError::Archive("a link is not UTF-8".to_owned()))?,
            ),
            0 | 0o100_000 => Entry::File { bytes: content.into(), executable: mode & 0o111 != 0 },
            _ => return Err(SourceError::Archive("it holds a device or the like".to_owned())),
        };
        tree.add(&path, found)?;
    }
    Ok(tree)
}

fn content(from: &mut impl Read, tree: &Tree) -> Result<Vec<u8>, SourceError> {
    let rest = MOST_BYTES.saturating_sub(tree.bytes());
    let mut bytes = Vec::new();
    let read = from.take(rest.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| SourceError::Archive(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use tar::{Builder, Header};
    use zip::write::SimpleFileOptions;

    use super::*;

    /// A tar archive with these entries, whatever they say.
    fn tarred(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, kind, text) in entries {
            let mut header = Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            let is_file = *kind == EntryType::Regular;
            if !is_file {
                header.as_gnu_mut().unwrap().linkname[..text.len()]
                    .copy_from_slice(text.as_bytes());
            }
            header.set_size(if is_file { text.len() as u64 } else { 0 });
            header.set_cksum();
            builder.append(&header, if is_file { text.as_bytes() } else { b"" }).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn zipped(entries: &[(&str, &str, u32)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, text, mode) in entries {
            let options = SimpleFileOptions::default().unix_permissions(*mode);
            writer.start_file(*path, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn all_forms_hold_the_same() {
        let file = EntryType::Regular;
        let plain = tarred(&[("pkg/SKILL.md", file, "x"), ("pkg/a/b", file, "y")]);
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(&plain).unwrap();
        let zip = zipped(&[("SKILL.md", "x", 0o644), ("a/b", "y", 0o644)]);
        let trees = [plain, gz.finish().unwrap(), zip].map(|bytes| read(&bytes).unwrap());
        assert_eq!(trees[0].iter().map(|(path, _)| path).collect::<Vec<_>>(), ["SKILL.md", "a/b"]);
        assert!(trees[0] == trees[1] && trees[1] == trees[2]);
    }

    #[test]
    fn what_could_write_elsewhere_is_refused() {
        use EntryType as Kind;
        for entries in [
            &[("../evil", Kind::Regular, "x")][..],
            &[("/etc/evil", Kind::Regular, "x")],
            &[("a/../../evil", Kind::Regular, "x")],
            &[("l", Kind::Symlink, "/etc/passwd")],
            &[("l", Kind::Symlink, "../x")],
            &[("d", Kind::Symlink, "."), ("d/x", Kind::Regular, "x")],
            &[("h", Kind::Link, "/etc/passwd")],
            &[("dev", Kind::Char, "")],
            &[("p", Kind::Fifo, "")],
            &[("a", Kind::Regular, "x"), ("a", Kind::Regular, "y")],
        ] {
            let with = [&[("good", Kind::Regular, "x")][..], entries].concat();
            assert!(read(&tarred(&with)).is_err(), "{entries:?}");
        }
        // Readers of zip take one of them without a word.
        let mut twice = zipped(&[("good", "x", 0o644), ("evil", "y", 0o644)]);
        while let Some(at) = twice.windows(4).position(|part| part == b"evil") {
            twice[at..at + 4].copy_from_slice(b"good");
        }
        assert!(read(&twice).is_err());
        for entries in [
            &[("../evil", "x", 0o644)][..],
            &[("/etc/evil", "x", 0o644)],
            &[("a\\..\\evil", "x", 0o644)],
        ] {
            let with = [&[("good", "x", 0o644)][..], entries].concat();
            assert!(read(&zipped(&with)).is_err(), "{entries:?}");
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        let mut header = Header::new_gnu();
        let size = MOST_BYTES + (1 << 20);
        header.set_path("bomb").unwrap();
        header.set_size(size);
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_cksum();
        gz.write_all(header.as_bytes()).unwrap();
        std::io::copy(&mut std::io::repeat(0).take(size), &mut gz).unwrap();
        let bomb = gz.finish().unwrap();
        assert!(bomb.len() < 1 << 20);
        assert!(read(&bomb).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_archive_or_none(start in 0..3usize, bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
            let start: &[u8] = [&b"PK\x03\x04"[..], &b"\x1f\x8b\x08\0"[..], b""][start];
            drop(read(&[start, &bytes].concat()));
        }

        #[test]
        fn a_damaged_archive_is_read_or_refused(at in any::<prop::sample::Index>(), to in any::<u8>(), which in any::<bool>()) {
            let mut bytes = match which {
                true => zipped(&[("SKILL.md", "some text that is long enough", 0o644), ("b", "", 0o755)]),
                false => tarred(&[("SKILL.md", EntryType::Regular, "x"), ("l", EntryType::Symlink, "SKILL.md")]),
            };
            let at = at.index(bytes.len());
            bytes[at] = to;
            drop(read(&bytes));
        }
    }
}
