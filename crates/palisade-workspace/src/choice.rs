//! Which changes to take.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::change::{Change, Conflict, Unfit};

/// What the operator wants.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only what is at these paths or below them. None: everything.
    pub paths: Vec<PathBuf>,
    /// Also what the host runs by itself.
    pub sensitive: bool,
    /// Also over what the host changed since.
    pub overwrite: bool,
}

/// What follows from it.
#[derive(Debug, Clone, Default)]
pub struct Chosen<'a> {
    /// To be applied, sorted by path.
    pub take: Vec<&'a Change>,
    /// Wanted, and left.
    pub left: Vec<(&'a Change, Left)>,
    /// Paths at which there is no change.
    pub unmatched: Vec<PathBuf>,
}

/// Why a change is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Left {
    /// It can never be applied.
    #[error(transparent)]
    Unfit(Unfit),
    /// The host's file is not what it was.
    #[error(transparent)]
    Conflict(Conflict),
    /// Nobody said that sensitive files are wanted.
    #[error("the host runs it or believes what it says by itself")]
    Sensitive,
    /// Something in the folder stays.
    #[error("something in it stays")]
    Within,
    /// The folder that it would be in is left.
    #[error("the folder it is in is left out")]
    Above,
}

impl Choice {
    /// Sort the changes into what to take and what to leave.
    pub fn of<'a>(&self, changes: &'a [Change]) -> Chosen<'a> {
        let wanted = |path: &Path| {
            self.paths.is_empty() || self.paths.iter().any(|chosen| path.starts_with(chosen))
        };
        // A file cannot be taken without the new folders above it.
        let above: BTreeSet<&Path> = changes
            .iter()
            .filter(|change| change.new.is_some() && wanted(&change.path))
            .flat_map(|change| change.path.ancestors().skip(1))
            .collect();
        let is_wanted = |change: &Change| {
            wanted(&change.path) || (change.makes_folder() && above.contains(change.path.as_path()))
        };

        let mut reasons: Vec<Option<Left>> = Vec::new();
        let mut closed: BTreeSet<&Path> = BTreeSet::new();
        for change in changes {
            let mut left = self.leaves(change);
            if left.is_none() && change.path.ancestors().skip(1).any(|path| closed.contains(path)) {
                left = Some(Left::Above);
            }
            if left.is_some() && change.makes_folder() {
                closed.insert(&change.path);
            }
            reasons.push(left);
        }
        // What stays keeps the folders that it is in, from the inside out.
        let mut kept: BTreeSet<&Path> = BTreeSet::new();
        for (change, left) in changes.iter().zip(&mut reasons).rev() {
            if left.is_none() && change.removes_folder() && kept.contains(change.path.as_path()) {
                *left = Some(Left::Within);
            }
            if change.old.is_some() && (left.is_some() || !is_wanted(change)) {
                kept.extend(change.path.ancestors().skip(1));
            }
        }

        let mut chosen = Chosen::default();
        for (change, left) in changes.iter().zip(reasons) {
            match left {
                _ if !is_wanted(change) => {}
                None => chosen.take.push(change),
                Some(left) => chosen.left.push((change, left)),
            }
        }
        let matched =
            |path: &&PathBuf| changes.iter().any(|change| change.path.starts_with(path.as_path()));
        chosen.unmatched = self.paths.iter().filter(|path| !matched(path)).cloned().collect();
        chosen
    }

    fn leaves(&self, change: &Change) -> Option<Left> {
        if let Some(unfit) = &change.unfit {
            return Some(Left::Unfit(unfit.clone()));
        }
        if let Some(conflict) = change.conflict.filter(|_| !self.overwrite) {
            return Some(Left::Conflict(conflict));
        }
        (change.sensitive && !self.sensitive).then_some(Left::Sensitive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seen::{Kind, Seen};

    fn seen(kind: Kind) -> Option<Seen> {
        Some(Seen {
            kind,
            mode: 0o755,
            uid: 0,
            gid: 0,
            inode: 1,
            links: 1,
            size: 0,
            blocks: 0,
            modified: (0, 0),
            changed: (0, 0),
        })
    }

    fn change(path: &str, old: Option<Seen>, new: Option<Seen>) -> Change {
        let path = PathBuf::from(path);
        Change { path, sensitive: false, unfit: None, conflict: None, old, new }
    }

    fn paths<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Vec<&'a str> {
        changes.into_iter().map(|change| change.path.to_str().unwrap()).collect()
    }

    #[test]
    fn a_file_brings_the_new_folders_above_it() {
        let changes = [
            change("a", None, seen(Kind::Folder)),
            change("a/b", None, seen(Kind::Folder)),
            change("a/b/c", None, seen(Kind::File)),
            change("a/d", None, seen(Kind::File)),
        ];
        let choice = Choice { paths: vec!["a/b/c".into(), "x".into()], ..Choice::default() };
        let chosen = choice.of(&changes);
        assert_eq!(paths(chosen.take), ["a", "a/b", "a/b/c"]);
        assert_eq!(chosen.unmatched, [PathBuf::from("x")]);
    }

    #[test]
    fn a_folder_stays_with_what_stays_in_it() {
        let mut changes = [
            change("a", seen(Kind::Folder), None),
            change("a/b", seen(Kind::Folder), None),
            change("a/b/c", seen(Kind::File), None),
            change("a/d", seen(Kind::File), None),
        ];
        changes[2].conflict = Some(Conflict::Changed);
        let chosen = Choice::default().of(&changes);
        assert_eq!(paths(chosen.take), ["a/d"]);
        let left: Vec<_> = chosen.left.iter().map(|(_, why)| why.clone()).collect();
        assert_eq!(left, [Left::Within, Left::Within, Left::Conflict(Conflict::Changed)]);
        let forced = Choice { overwrite: true, ..Choice::default() };
        assert_eq!(forced.of(&changes).take.len(), 4);
        // A folder cannot go alone when only a part of it was chosen.
        let part = Choice { paths: vec!["a/d".into()], ..Choice::default() };
        assert_eq!(paths(part.of(&changes).take), ["a/d"]);
    }

    #[test]
    fn nothing_goes_into_a_folder_that_is_left() {
        let mut changes = [
            change("a", seen(Kind::File), seen(Kind::Folder)),
            change("a/b", None, seen(Kind::File)),
            change("c", None, seen(Kind::File)),
        ];
        changes[0].conflict = Some(Conflict::Changed);
        changes[2].sensitive = true;
        let chosen = Choice::default().of(&changes);
        assert!(chosen.take.is_empty());
        assert_eq!(chosen.left[1].1, Left::Above);
        assert_eq!(chosen.left[2].1, Left::Sensitive);
    }
}
