use std::{collections::BTreeMap, sync::Arc};

use crate::{Digest, StoreError};

/// Bytes of all files of a skill together.
pub const MOST_BYTES: u64 = 64 << 20;
/// Files and links of a skill.
pub const MOST_ENTRIES: usize = 10_000;
/// Folders that lie in each other.
pub const MOST_DEPTH: usize = 32;
/// Bytes of a path, and of what a link says.
const MOST_OF_PATH: usize = 1024;

/// The first line of a manifest.
const TITLE: &str = "palisade skill 1\n";

/// A skill as an agent would see it, by the paths of its files: relative, with `/` between their parts.
///
/// Folders without files in them are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    bytes: u64,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File {
        /// All of its bytes.
        bytes: Arc<[u8]>,
        /// Has it an executable bit?
        executable: bool,
    },
    /// A symbolic link that stays in the skill.
    Link(String),
}

impl Tree {
    /// Adds what is at a path.
    ///
    /// # Errors
    /// The path is not one that a skill may have, is there already, or one bound is passed.
    pub fn add(&mut self, path: &str, entry: Entry) -> Result<(), StoreError> {
        check_path(path)?;
        if let Entry::Link(to) = &entry {
            check_link(path, to)?;
        }
        if self.entries.len() >= MOST_ENTRIES {
            return Err(StoreError::TooMany);
        }
        if let Entry::File { bytes, .. } = &entry {
            self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if self.bytes > MOST_BYTES {
                return Err(StoreError::TooLarge);
            }
        }
        let refused = |why| Err(StoreError::Path(shown(path), why));
        if self.entries.insert(path.to_owned(), entry).is_some() {
            return refused("it is there twice");
        }
        // What is a file cannot be a folder as well.
        let below = format!("{path}/");
        let mut next = self.entries.range(below.clone()..);
        if next.next().is_some_and(|(next, _)| next.starts_with(&below)) {
            return refused("it is both a file and a folder");
        }
        let above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if above.into_iter().any(|folder| self.entries.contains_key(folder)) {
            return refused("it lies below a file or a link");
        }
        Ok(())
    }

    /// Everything, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// What is at this path.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// How many files and links there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All that is in the folder at this path, as a tree of its own.
    ///
    /// # Errors
    /// A link leads out of that folder.
    pub fn below(&self, folder: &str) -> Result<Self, StoreError> {
        let mut below = Self::default();
        let folder = format!("{}/", folder.trim_end_matches('/'));
        for (path, entry) in self.entries.range(folder.clone()..) {
            let Some(path) = path.strip_prefix(&folder) else { break };
            below.add(path, entry.clone())?;
        }
        Ok(below)
    }

    /// The canonical list: a title, then for each path in the order of its bytes its kind and mode
    /// as Git has them, the SHA-256 of its bytes (of a link: of what it says), and the path.
    ///
    /// No path has a line end, so no two trees have one list.
    pub fn manifest(&self) -> String {
        let mut list = TITLE.to_owned();
        for (path, entry) in &self.entries {
            let (mode, digest) = match entry {
                Entry::File { bytes, executable: false } => ("100644", Digest::of(bytes)),
                Entry::File { bytes, executable: true } => ("100755", Digest::of(bytes)),
                Entry::Link(to) => ("120000", Digest::of(to.as_bytes())),
            };
            list.push_str(&format!("{mode} {} {path}\n", digest.hex()));
        }
        list
    }

    /// The SHA-256 of each file's bytes.
    pub fn digests_of_files(&self) -> impl Iterator<Item = Digest> {
        self.entries.values().filter_map(|entry| match entry {
            Entry::File { bytes, .. } => Some(Digest::of(bytes)),
            Entry::Link(_) => None,
        })
    }

    /// The digest of the canonical list.
    pub fn digest(&self) -> Digest {
        Digest::of(self.manifest().as_bytes())
    }
}

/// A path is relative, has no `.` or `..`, and nothing that does not print or that separates lines.
fn check_path(path: &str) -> Result<(), StoreError> {
    let refused = |why| Err(StoreError::Path(shown(path), why));
    if path.is_empty() || path.len() > MOST_OF_PATH {
        return refused("it is empty or too long");
    }
    if path.chars().any(|c| c.is_control() || matches!(c, '\\' | '\u{2028}' | '\u{2029}')) {
        return refused("it has control characters or backslashes");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refused("it is not relative, or has `.` or `..` in it");
    }
    if path.split('/').count() > MOST_DEPTH {
        return Err(StoreError::TooDeep(shown(path)));
    }
    Ok(())
}

/// A link is relative, and never steps above the skill's folder. It goes up only at its beginning: what it
/// goes through may itself be a link, and up from there is somewhere else.
fn check_link(path: &str, to: &str) -> Result<(), StoreError> {
    let leaves = || StoreError::Leaves(shown(path), shown(to));
    if to.is_empty()
        || to.len() > MOST_OF_PATH
        || to.starts_with('/')
        || to.chars().any(char::is_control)
    {
        return Err(leaves());
    }
    let mut depth = path.matches('/').count();
    let mut goes_down = false;
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." if goes_down => return Err(leaves()),
            ".." => depth = depth.checked_sub(1).ok_or_else(leaves)?,
            _ => goes_down = true,
        }
    }
    Ok(())
}

fn shown(text: &str) -> String {
    palisade_core::shown(text, 200)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(text: &str) -> Entry {
        Entry::File { bytes: text.as_bytes().into(), executable: false }
    }

    #[test]
    fn the_digest_is_that_of_a_list_that_can_be_read() {
        let mut tree = Tree::default();
        tree.add("b/run", Entry::File { bytes: b"x"[..].into(), executable: true }).unwrap();
        tree.add("a", file("")).unwrap();
        tree.add("b/l", Entry::Link("../a".into())).unwrap();
        let list = "palisade skill 1\n\
            100644 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 a\n";
        assert_eq!(tree.manifest().lines().next(), list.lines().next());
        assert_eq!(tree.manifest().lines().nth(1), list.lines().nth(1));
        let rows: Vec<_> =
            tree.manifest().lines().skip(2).map(|line| line[..6].to_owned()).collect();
        assert_eq!(rows, ["120000", "100755"]);
        assert_eq!(tree.digest(), Digest::of(tree.manifest().as_bytes()));
    }

    #[test]
    fn paths_that_could_be_another_are_refused() {
        for path in ["", "/a", "a//b", "a/", "./a", "a/../b", "a\nb", "a\\b", "a\0", "\u{2028}"] {
            assert!(Tree::default().add(path, file("")).is_err(), "{path:?}");
        }
        let deep = vec!["d"; MOST_DEPTH + 1].join("/");
        assert!(matches!(Tree::default().add(&deep, file("")), Err(StoreError::TooDeep(_))));
        for (one, other) in [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")] {
            let mut tree = Tree::default();
            tree.add(one, file("")).unwrap();
            assert!(tree.add(other, file("")).is_err(), "{one} {other}");
        }
        let mut tree = Tree::default();
        tree.add("a-b", file("")).unwrap();
        tree.add("a/b", file("")).unwrap();
    }

    #[test]
    fn links_stay_in_the_skill() {
        for (path, to, good) in [
            ("l", "a", true),
            ("d/l", "../a", true),
            ("l", "d/a", true),
            // Where `d` is a link to the skill's own folder, it would leave.
            ("l", "d/../a", false),
            ("l", "../a", false),
            ("d/l", "../../a", false),
            ("l", "/etc/passwd", false),
            ("l", "d/../../a", false),
            ("l", "", false),
            ("l", "a\n", false),
        ] {
            let added = Tree::default().add(path, Entry::Link(to.to_owned()));
            assert_eq!(added.is_ok(), good, "{path} {to}");
        }
    }

    #[test]
    fn bounds_hold() {
        let mut tree = Tree::default();
        for index in 0..MOST_ENTRIES {
            tree.add(&format!("{index}"), file("")).unwrap();
        }
        assert!(matches!(tree.add("more", file("")), Err(StoreError::TooMany)));
        let mut tree = Tree::default();
        let bytes: Arc<[u8]> = vec![0; usize::try_from(MOST_BYTES).unwrap()].into();
        tree.add("a", Entry::File { bytes, executable: false }).unwrap();
        assert!(matches!(tree.add("b", file("x")), Err(StoreError::TooLarge)));
    }

    #[test]
    fn a_folder_is_a_tree_of_its_own() {
        let mut tree = Tree::default();
        for path in ["a", "s/SKILL.md", "s/x/y", "sa"] {
            tree.add(path, file(path)).unwrap();
        }
        let below = tree.below("s").unwrap();
        assert_eq!(below.iter().map(|(path, _)| path).collect::<Vec<_>>(), ["SKILL.md", "x/y"]);
        tree.add("s/out", Entry::Link("../a".into())).unwrap();
        assert!(matches!(tree.below("s"), Err(StoreError::Leaves(..))));
    }

    proptest! {
        /// Nothing from outside makes it panic, and what it takes has a list with a line for each.
        #[test]
        fn any_paths_are_taken_or_refused(paths in prop::collection::vec(any::<String>(), 0..20)) {
            let mut tree = Tree::default();
            let taken = paths.iter().filter(|path| tree.add(path, file("x")).is_ok()).count();
            prop_assert!(tree.manifest().split('\n').count() >= taken);
        }

        #[test]
        fn any_links_are_taken_or_refused(path in "[a-c/]{0,6}", to in "[a./]{0,12}") {
            let mut tree = Tree::default();
            if tree.add(&path, Entry::Link(to.clone())).is_ok() {
                let whole = std::path::Path::new("/root/skill").join(&path);
                let mut at = whole.parent().unwrap().to_owned();
                for part in std::path::Path::new(&to).components() {
                    match part {
                        std::path::Component::ParentDir => { at.pop(); }
                        other => at.push(other),
                    }
                    prop_assert!(at.starts_with("/root/skill"), "{path} {to}");
                }
            }
        }
    }
}
