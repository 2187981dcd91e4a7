//! Documents that are refused, each at the right place and with a remedy.
//!
//! In a document here `▸` stands before each place where an error is expected; it is taken out
//! before the document is read. What is said there is reviewed in the snapshots.

mod files;
mod form;
mod sections;
mod text;

use std::{fmt::Write, fs, path::Path};

use palisade_policy::{Diagnostics, check_file};

const MARK: char = '▸';
/// A home in which nothing is.
pub(crate) const HOME: &str = "/home/ada";

/// What is wrong with a file, with its folder taken out.
pub(crate) fn wrong(path: &Path) -> Diagnostics {
    match check_file(path, Path::new(HOME)) {
        Ok(_) => panic!("{} was taken", path.display()),
        Err(found) => found,
    }
}

/// Check that the errors of each document are at its marks; all that is said.
fn at_marks(documents: &[(&str, &str)]) -> String {
    let mut all = String::new();
    let mut elsewhere = String::new();
    for (name, marked) in documents {
        let (document, places) = unmarked(marked);
        assert!(!places.is_empty(), "{name} has no mark");
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        let path = below.join("policy.yaml");
        fs::write(&path, document).unwrap();
        let found = wrong(&path);
        let found_at: Vec<_> = found.iter().map(|one| (one.line, one.column)).collect();
        if found_at != places {
            writeln!(elsewhere, "# {name}, expected at {places:?}\n{found}\n").unwrap();
        }
        said(&mut all, name, &found, folder.path());
    }
    assert!(elsewhere.is_empty(), "{elsewhere}");
    all
}

fn said(all: &mut String, name: &str, found: &Diagnostics, folder: &Path) {
    for one in found.iter() {
        assert!(!one.message.is_empty() && !one.help.is_empty(), "{name}: {one:?}");
    }
    let text = found.to_string();
    let folder = folder.display().to_string();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{name}: {text:?}");
    writeln!(
        all,
        "# {name}\n{}\n",
        text.replace(&format!("{folder}/a/b/"), "").replace(&folder, "[FOLDER]")
    )
    .unwrap();
}

/// A document without its marks, and where they were.
fn unmarked(marked: &str) -> (String, Vec<(usize, usize)>) {
    let mut places = Vec::new();
    for (index, line) in marked.split('\n').enumerate() {
        let mut column = 1;
        for c in line.chars() {
            if c == MARK {
                places.push((index + 1, column));
            } else {
                column += 1;
            }
        }
    }
    (marked.replace(MARK, ""), places)
}
