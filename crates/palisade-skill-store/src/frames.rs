//! A tree as bytes that take no parser: for a process that unpacked it, and has no rights, to hand over.

use crate::{Entry, StoreError, Tree};

/// Bytes of an entry besides its path and content.
pub const OF_ENTRY: usize = 9;

const FILE: u8 = b'f';
const PROGRAM: u8 = b'x';
const LINK: u8 = b'l';

impl Tree {
    /// For each entry its kind, the lengths of path and content as four bytes each, then both.
    pub fn to_frames(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (path, entry) in self.iter() {
            let (kind, content) = match entry {
                Entry::File { bytes, executable: false } => (FILE, &**bytes),
                Entry::File { bytes, executable: true } => (PROGRAM, &**bytes),
                Entry::Link(to) => (LINK, to.as_bytes()),
            };
            out.push(kind);
            for part in [path.as_bytes(), content] {
                // A tree has fewer bytes than that.
                let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
                out.extend_from_slice(&length.to_le_bytes());
            }
            out.extend_from_slice(path.as_bytes());
            out.extend_from_slice(content);
        }
        out
    }

    /// The tree of what [`Tree::to_frames`] gave. Whoever gave it may be hostile: each entry is taken as one from
    /// outside is.
    ///
    /// # Errors
    /// It has another form, or an entry that no skill may have.
    pub fn from_frames(mut bytes: &[u8]) -> Result<Self, StoreError> {
        let broken = || StoreError::Path(String::new(), "the list of files is broken");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| broken());
        let mut tree = Self::default();
        while let Some((kind, rest)) = bytes.split_first() {
            let (path_length, rest) = length(rest).ok_or_else(broken)?;
            let (content_length, rest) = length(rest).ok_or_else(broken)?;
            let (path, rest) = rest.split_at_checked(path_length).ok_or_else(broken)?;
            let (content, rest) = rest.split_at_checked(content_length).ok_or_else(broken)?;
            let entry = match *kind {
                FILE => Entry::File { bytes: content.into(), executable: false },
                PROGRAM => Entry::File { bytes: content.into(), executable: true },
                LINK => Entry::Link(text(content)?),
                _ => return Err(broken()),
            };
            tree.add(&text(path)?, entry)?;
            bytes = rest;
        }
        Ok(tree)
    }
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*length)).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        tree.add("SKILL.md", Entry::File { bytes: b"text"[..].into(), executable: false }).unwrap();
        tree.add("run", Entry::File { bytes: b""[..].into(), executable: true }).unwrap();
        tree.add("é/l", Entry::Link("../run".to_owned())).unwrap();
        tree
    }

    #[test]
    fn a_tree_is_handed_over_as_it_is() {
        assert_eq!(Tree::from_frames(&tree().to_frames()).unwrap(), tree());
        // What could not be added cannot be handed over.
        let mut bytes = vec![FILE];
        bytes.extend_from_slice(&4_u32.to_le_bytes());
        bytes.extend_from_slice(&0_u32.to_le_bytes());
        bytes.extend_from_slice(b"../a");
        assert!(Tree::from_frames(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_tree_or_none(at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = tree().to_frames();
            let at = at.index(bytes.len());
            bytes[at] = to;
            bytes.truncate(cut.index(bytes.len()));
            drop(Tree::from_frames(&bytes));
        }
    }
}
