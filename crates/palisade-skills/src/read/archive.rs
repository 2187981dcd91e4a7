//! Archives: their members are files of the package, within bounds. Nothing is written anywhere.

use std::io::{Cursor, Read};

use super::{
    Reader,
    folder::{leads_out, odd_name},
    rules,
};

/// Takes the members of an archive.
pub(super) fn members(reader: &mut Reader, path: &str, bytes: &[u8], nested: usize) {
    if nested >= reader.limits.nesting {
        let message = format!("archives within archives, {nested} deep");
        reader.note(&rules::NESTED, path, message);
        return;
    }
    let is_tar = |bytes: &[u8]| bytes.get(257..262) == Some(b"ustar");
    if bytes.starts_with(b"PK") {
        zip(reader, path, bytes, nested);
    } else if is_tar(bytes) {
        tar(reader, path, bytes, nested);
    } else if bytes.starts_with(b"\x1f\x8b") {
        let Some(unpacked) = gunzip(reader, path, bytes) else { return };
        if is_tar(&unpacked) {
            tar(reader, path, &unpacked, nested);
        } else {
            let name = path.rsplit(['/', '!']).next().unwrap_or(path);
            let inner = name.strip_suffix(".gz").unwrap_or(name);
            reader.add(format!("{path}!/{inner}"), unpacked, false, nested + 1);
        }
    } else {
        reader.note(&rules::BROKEN, path, "archives of this kind are not opened".to_owned());
    }
}

/// What a gzip stream holds, if that is within bounds.
fn gunzip(reader: &mut Reader, path: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let most = most(reader, bytes.len() as u64);
    match bounded(flate2::read::MultiGzDecoder::new(bytes), most) {
        Ok(Some(unpacked)) => Some(unpacked),
        Ok(None) => {
            reader.note(&rules::BOMB, path, format!("it unpacks to more than {most} bytes"));
            None
        }
        Err(error) => {
            reader.note(&rules::BROKEN, path, error.to_string());
            None
        }
    }
}

/// How many bytes may come of so many packed ones.
fn most(reader: &Reader, packed: u64) -> u64 {
    let left = reader.limits.package.saturating_sub(reader.bytes);
    // A small file may well be all zeros.
    packed.saturating_mul(reader.limits.ratio).max(1 << 20).min(left)
}

/// All of it, or `None` if that is more than so much.
fn bounded(from: impl Read, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

fn zip(reader: &mut Reader, path: &str, bytes: &[u8], nested: usize) {
    let mut archive = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => {
            reader.note(&rules::BROKEN, path, error.to_string());
            return;
        }
    };
    if archive.has_duplicate_names() {
        reader.note(&rules::DUPLICATE, path, "two members have one name".to_owned());
    }
    if archive.has_overlapping_entries().unwrap_or(true) {
        reader.note(&rules::BOMB, path, "members lie over each other".to_owned());
        return;
    }
    if let Some(before) = bytes
        .get(..usize::try_from(archive.offset()).unwrap_or(0))
        .filter(|before| !before.is_empty())
    {
        reader.note(
            &rules::TRAILING,
            path,
            format!("{} bytes lie before the archive", before.len()),
        );
    }
    // A member that the directory does not list is found by some tools and not by others.
    let heads = memchr::memmem::find_iter(bytes, b"PK\x03\x04").count();
    if heads > archive.len().saturating_mul(4).saturating_add(16) {
        reader.note(
            &rules::BROKEN,
            path,
            "it holds members that its directory does not list".to_owned(),
        );
    }
    for at in 0..archive.len() {
        let member = match archive.by_index_raw(at) {
            Ok(member) => member,
            Err(error) => {
                reader.note(&rules::BROKEN, path, error.to_string());
                continue;
            }
        };
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        let inside = format!("{path}!/{}", name.trim_start_matches('/'));
        let mode = member.unix_mode().unwrap_or(0);
        if !sound(reader, &name, &inside) || name.ends_with('/') {
            continue;
        }
        if member.encrypted() {
            let message = "a password keeps it from being read".to_owned();
            reader.note(&rules::ENCRYPTED, &inside, message.clone());
            reader.note(&rules::UNREADABLE, &inside, message);
            continue;
        }
        let link = member.is_symlink();
        let (size, packed) = (member.size(), member.compressed_size());
        drop(member);
        if !reader.room(&inside, if link { 0 } else { size }) {
            continue;
        }
        let most = most(reader, packed).min(reader.limits.file);
        let read = archive
            .by_index(at)
            .map_err(std::io::Error::other)
            .and_then(|member| bounded(member, most));
        match read {
            Ok(Some(bytes)) if link => {
                let target = String::from_utf8_lossy(&bytes).into_owned();
                self::link(reader, &name, &inside, &target);
            }
            Ok(Some(bytes)) => reader.add(inside, bytes, mode & 0o111 != 0, nested + 1),
            Ok(None) => {
                reader.note(&rules::BOMB, &inside, format!("it unpacks to more than {most} bytes"))
            }
            Err(error) => reader.note(&rules::BROKEN, &inside, error.to_string()),
        }
    }
}

fn tar(reader: &mut Reader, path: &str, bytes: &[u8], nested: usize) {
    let mut archive = tar::Archive::new(bytes);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => {
            reader.note(&rules::BROKEN, path, error.to_string());
            return;
        }
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                reader.note(&rules::BROKEN, path, error.to_string());
                return;
            }
        };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let inside = format!("{path}!/{}", name.trim_start_matches("./").trim_start_matches('/'));
        if !sound(reader, &name, &inside) {
            continue;
        }
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let target =
                entry.link_name_bytes().map(|target| String::from_utf8_lossy(&target).into_owned());
            // A hard link names a member from the top.
            let from = if kind.is_hard_link() { "" } else { name.as_str() };
            link(reader, from, &inside, &target.unwrap_or_default());
        } else if kind.is_file() || kind.is_contiguous() {
            let executable = entry.header().mode().unwrap_or(0) & 0o111 != 0;
            if !reader.room(&inside, entry.size()) {
                continue;
            }
            match bounded(entry, reader.limits.file) {
                Ok(Some(bytes)) => reader.add(inside, bytes, executable, nested + 1),
                Ok(None) => {
                    reader.note(&rules::TOO_LARGE, &inside, "larger than it says".to_owned())
                }
                Err(error) => reader.note(&rules::BROKEN, &inside, error.to_string()),
            }
        } else if !kind.is_dir()
            && !kind.is_pax_global_extensions()
            && !kind.is_pax_local_extensions()
        {
            reader.note(
                &rules::SPECIAL,
                &inside,
                "it is a device, a pipe or something unknown".to_owned(),
            );
        }
    }
}

/// Does the name stay inside? If not, that is a finding and the member is not taken.
fn sound(reader: &mut Reader, name: &str, inside: &str) -> bool {
    let slashes = name.replace('\\', "/");
    let drive = slashes.as_bytes().get(1) == Some(&b':');
    if slashes.starts_with('/') || drive || slashes.split('/').any(|part| part == "..") {
        reader.note(
            &rules::TRAVERSAL,
            inside,
            format!("the member is called {}", palisade_core::shown(name, 100)),
        );
        return false;
    }
    if odd_name(name) {
        reader.note(
            &rules::NAME,
            inside,
            "the name holds characters that are not shown".to_owned(),
        );
    }
    true
}

fn link(reader: &mut Reader, name: &str, inside: &str, target: &str) {
    let shown = palisade_core::shown(target, 80);
    if leads_out(name, target) {
        reader.note(&rules::LINK_OUT, inside, format!("a link out of the archive: {shown}"));
    } else {
        reader.note(&rules::LINK, inside, format!("a link within the archive: {shown}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;

    use super::super::{Limits, from_files};

    fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tarred(name: &str, link: Option<&str>, bytes: &[u8]) -> Vec<u8> {
        let mut header = tar::Header::new_ustar();
        // `set_path` refuses what an attacker writes.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        if let Some(link) = link {
            header.set_entry_type(tar::EntryType::Symlink);
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        }
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, bytes).unwrap();
        builder.into_inner().unwrap()
    }

    fn rules(name: &str, bytes: Vec<u8>) -> (Vec<&'static str>, Vec<String>) {
        let read = from_files("test", vec![(name.to_owned(), bytes, false)], Limits::default());
        let rules = read.seen.findings.iter().map(|finding| finding.rule.id).collect();
        (rules, read.package.files.into_iter().map(|file| file.path).collect())
    }

    #[test]
    fn members_are_files_of_the_package() {
        let (rules, files) = rules(
            "a.zip",
            zipped(&[("x/SKILL.md", b"# x"), ("b.tar", &tarred("c.txt", None, b"hi"))]),
        );
        assert_eq!(rules, [""; 0]);
        assert_eq!(files, ["a.zip", "a.zip!/b.tar", "a.zip!/b.tar!/c.txt", "a.zip!/x/SKILL.md"]);
    }

    #[test]
    fn climbs_out_of_an_archive() {
        for name in ["../../.bashrc", "/etc/cron.d/x", "a/../../b", "..\\..\\x", "C:\\x"] {
            assert!(
                rules("a.zip", zipped(&[(name, b"x")])).0.contains(&"escape-archive-member"),
                "{name}"
            );
        }
        assert!(rules("a.tar", tarred("../x", None, b"x")).0.contains(&"escape-archive-member"));
        assert!(rules("a.tar", tarred("x", Some("/etc/passwd"), b"")).0.contains(&"escape-link"));
        assert!(rules("a.tar", tarred("x", Some("y"), b"")).0.contains(&"not-vetted-link"));
    }

    #[test]
    fn grows_without_end() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..64 {
            encoder.write_all(&vec![0; 1 << 20]).unwrap();
        }
        assert!(rules("a.gz", encoder.finish().unwrap()).0.contains(&"opaque-archive-bomb"));
        let deep = (0..6).fold(b"x".to_vec(), |bytes, _| zipped(&[("a.zip", &bytes)]));
        assert!(rules("a.zip", deep).0.contains(&"not-vetted-nested-archive"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(start in prop::sample::select(vec![b"PK\x03\x04".to_vec(), vec![0x1f, 0x8b], vec![]]), rest: Vec<u8>) {
            rules("a.zip", [start, rest].concat());
        }

        #[test]
        fn a_damaged_archive_is_taken(at in 0_usize..200, byte: u8) {
            let mut bytes = zipped(&[("x/SKILL.md", b"# x")]);
            let at = at % bytes.len();
            bytes[at] = byte;
            rules("a.zip", bytes);
        }
    }
}
