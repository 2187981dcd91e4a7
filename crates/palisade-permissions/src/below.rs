//! What lies below a folder that is changed, against rules for single files.
//!
//! `rm -r .` names no file, and takes each that is there. What is there is looked up where the decision is made, as links
//! are: within bounds, and without following any.

use std::{
    collections::HashSet,
    fs::{self, DirEntry},
    io,
    path::Path,
};

use palisade_core::glob;
use palisade_shell::{Field, Piece};

use crate::{
    Permissions,
    decide::{Rules, shown},
    files::{Below, Used},
    path_rule::PathRules,
    ways::Cwd,
};

/// Entries of folders that are looked at for one command line. What has more is asked.
const MOST: usize = 20_000;

/// How much may still be looked at.
#[derive(Debug)]
pub(crate) struct Look {
    left: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self { left: MOST }
    }
}

/// What of a folder is looked at.
struct Wanted<'a> {
    /// The entries of the folder itself, as a pattern has them; all if there is none.
    first: Option<&'a Field>,
    /// What is below these as well.
    deep: bool,
    /// Files of these names alone; all if there are none.
    names: &'a [String],
}

impl Permissions {
    /// The rule for edits that names something which is changed with what this command uses, and why that is thought.
    pub(crate) fn below_found(
        &self,
        rules: &Rules,
        used: &Used,
        folders: &[Cwd<'_>],
        look: &mut Look,
    ) -> Option<(usize, String)> {
        let deep = used.below > Below::None;
        let (start, first) = match used.file.known() {
            Some(_) if !deep => return None,
            Some(path) => (path, None),
            None => {
                let (start, pattern) = folder_of_pattern(&used.file)?;
                (start, Some(pattern))
            }
        };
        // A pattern for what is in one folder, or for folders in it.
        let one_folder = first.as_ref().is_none_or(one_name);
        let wanted = Wanted {
            first: first.as_ref().filter(|_| one_folder),
            deep: deep || !one_folder,
            names: &used.names,
        };
        let mut seen = HashSet::new();
        for cwd in folders {
            for start in cwd.ways(start).iter() {
                let start = if used.of_repository { repository(start) } else { start };
                if !seen.insert(start.to_owned()) {
                    continue;
                }
                let edits = &rules.edits;
                if used.below == Below::Anything
                    && let Some(rule) = edits.may_be_below(start)
                {
                    let why = "which files it writes is said elsewhere".to_owned();
                    return Some((rule, why));
                }
                if deep
                    && wanted.first.is_none()
                    && wanted.names.is_empty()
                    && let Some(rule) = edits.beneath(start)
                {
                    let why = format!("what the rule names is below `{}`", shown_path(start));
                    return Some((rule, why));
                }
                if let Some(found) = look.at(edits, start, &wanted) {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The same for a folder that a tool changes as a whole.
    pub(crate) fn below_path(
        &self,
        rules: &Rules,
        path: &str,
        cwd: &Cwd<'_>,
    ) -> Option<(usize, String)> {
        if rules.edits.is_empty() {
            return None;
        }
        let used = Used::whole(path);
        self.below_found(rules, &used, std::slice::from_ref(cwd), &mut Look::default())
    }
}

impl Look {
    /// Whether one more name may be looked up.
    pub(crate) fn one_more(&mut self) -> bool {
        let more = self.left.checked_sub(1);
        self.left = more.unwrap_or_default();
        more.is_some()
    }

    /// The first rule that names something here.
    fn at(
        &mut self,
        rules: &PathRules,
        start: &Path,
        wanted: &Wanted<'_>,
    ) -> Option<(usize, String)> {
        let first = rules.first_rule()?;
        let mut folders = vec![(start.to_owned(), true)];
        while let Some((folder, is_first)) = folders.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if is_nothing(&error) => continue,
                Err(_) => return Some(unseen(first, &folder)),
            };
            for entry in entries {
                let Ok(entry) = entry else { return Some(unseen(first, &folder)) };
                if !self.one_more() {
                    let why =
                        format!("more files are below `{}` than are looked at", shown_path(start));
                    return Some((first, why));
                }
                let pattern = wanted.first.filter(|_| is_first);
                if pattern.is_some_and(|pattern| !fits(pattern, &entry)) {
                    continue;
                }
                let path = entry.path();
                let named = wanted.names.is_empty()
                    || wanted.names.iter().any(|name| {
                        entry.file_name().to_str().is_none_or(|given| glob(name, given))
                    });
                if let Some(rule) = rules.of(&path).filter(|_| named) {
                    return Some((rule, format!("it changes `{}` as well", shown_path(&path))));
                }
                // A link is removed, and not what it leads to.
                if wanted.deep && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push((path, false));
                }
            }
        }
        None
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unseen(rule: usize, folder: &Path) -> (usize, String) {
    (rule, format!("what is in `{}` cannot be looked at", shown_path(folder)))
}

fn shown_path(path: &Path) -> String {
    shown(&path.display().to_string())
}

/// The folder of the whole repository. Git takes the nearest one that it finds good, and any may make one that looks so: it is
/// the outermost here.
fn repository(folder: &Path) -> &Path {
    let is_one = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
    folder.ancestors().filter(is_one).last().unwrap_or(folder)
}

/// The folder in which a pattern of the shell's begins, and the rest of it. `None` if something else than the shell's
/// own patterns stands in it, which could lead anywhere.
fn folder_of_pattern(file: &Field) -> Option<(&str, Field)> {
    if !file.pieces().iter().all(|piece| matches!(piece, Piece::Text(_) | Piece::Names)) {
        return None;
    }
    let Some((folder, _)) = file.start().rsplit_once('/') else { return Some((".", file.clone())) };
    let rest = file.after(folder)?.after("/")?;
    Some((if folder.is_empty() { "/" } else { folder }, rest))
}

/// Whether a pattern is for names in one folder.
fn one_name(pattern: &Field) -> bool {
    !pattern.pieces().iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('/')))
}

/// Whether a name may be what a pattern stands for.
fn fits(pattern: &Field, entry: &DirEntry) -> bool {
    let name = entry.file_name();
    let Some(name) = name.to_str() else { return true };
    let (start, end) = (pattern.start(), pattern.pieces().last());
    // A pattern takes no dot that a name begins with.
    let hidden = name.starts_with('.') && !start.starts_with('.');
    let ends = match end {
        Some(Piece::Text(end)) if pattern.pieces().len() > 1 => name.ends_with(end.as_str()),
        _ => true,
    };
    !hidden && name.starts_with(start) && ends
}
