//! A tree as one file: a tar archive that is the same for the same tree, for any `tar` to look into.

use std::io::Read;

use tar::{Archive, Builder, EntryType, Header};

use crate::{Entry, MOST_BYTES, MOST_ENTRIES, Tree};

/// Bytes that one entry may take besides those of its file: headers, long names, padding.
const OF_ENTRY: u64 = 8 * 1024;

/// The most bytes that a packed tree has.
pub(crate) fn most() -> u64 {
    let entries = u64::try_from(MOST_ENTRIES).unwrap_or(u64::MAX);
    MOST_BYTES.saturating_add(entries.saturating_mul(OF_ENTRY))
}

/// The tree as an archive.
///
/// # Errors
/// None that memory does not make; a path has its length checked before.
pub(crate) fn pack(tree: &Tree) -> std::io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (path, entry) in tree.iter() {
        let mut header = Header::new_gnu();
        header.set_mtime(0);
        match entry {
            Entry::File { bytes, executable } => {
                header.set_mode(if *executable { 0o755 } else { 0o644 });
                header.set_entry_type(EntryType::Regular);
                header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                builder.append_data(&mut header, path, &**bytes)?;
            }
            Entry::Link(to) => {
                header.set_mode(0o777);
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                builder.append_link(&mut header, path, to)?;
            }
        }
    }
    builder.into_inner()
}

/// The tree of an archive that [`pack`] made.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn unpack(from: impl Read) -> Result<Tree, String> {
    let mut tree = Tree::default();
    let mut archive = Archive::new(from);
    let told = |error: std::io::Error| error.to_string();
    for entry in archive.entries().map_err(told)? {
        let mut entry = entry.map_err(told)?;
        let path = String::from_utf8(entry.path_bytes().into_owned());
        let path = path.map_err(|_| "a path is not UTF-8".to_owned())?;
        let found = match entry.header().entry_type() {
            EntryType::Regular => {
                let executable = entry.header().mode().map_err(told)? & 0o111 != 0;
                let rest = MOST_BYTES.saturating_sub(tree.bytes());
                let mut bytes = Vec::new();
                let mut limited = (&mut entry).take(rest.saturating_add(1));
                limited.read_to_end(&mut bytes).map_err(told)?;
                Entry::File { bytes: bytes.into(), executable }
            }
            EntryType::Symlink => {
                let to = entry.link_name_bytes().unwrap_or_default().into_owned();
                let to = String::from_utf8(to).map_err(|_| "a link is not UTF-8".to_owned())?;
                Entry::Link(to)
            }
            _ => return Err("it has neither files nor links".to_owned()),
        };
        tree.add(&path, found).map_err(|error| error.to_string())?;
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_tree() -> impl Strategy<Value = Tree> {
        let path = "[a-zé]{1,3}(/[a-z .]{1,120}x){0,3}";
        let entry = (prop::collection::vec(any::<u8>(), 0..600), any::<bool>(), any::<bool>());
        prop::collection::vec((path, entry), 0..12).prop_map(|list| {
            let mut tree = Tree::default();
            for (path, (bytes, executable, link)) in list {
                let entry = match link {
                    true => Entry::Link("x".repeat(1 + bytes.len() / 3)),
                    false => Entry::File { bytes: bytes.into(), executable },
                };
                let mut with = tree.clone();
                if with.add(&path, entry).is_ok() {
                    tree = with;
                }
            }
            tree
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(tree in any_tree()) {
            let packed = pack(&tree).unwrap();
            prop_assert_eq!(&unpack(&*packed).unwrap(), &tree);
            prop_assert_eq!(pack(&tree).unwrap(), packed);
        }

        #[test]
        fn a_damaged_archive_is_another_tree_or_none(tree in any_tree(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let mut packed = pack(&tree).unwrap();
            let at = at.index(packed.len());
            packed[at] = to;
            if let Ok(found) = unpack(&*packed) {
                prop_assert!(found.len() <= tree.len());
            }
        }

        #[test]
        fn any_bytes_are_an_archive_or_none(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            drop(unpack(&*bytes));
        }
    }
}
