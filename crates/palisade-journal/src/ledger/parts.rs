//! The ledger of a copy: parts, each of which is some of its lines as they are, one behind the other.

use std::{fs::File, io::Read, vec};

use crate::{JournalError, store::Folder};

/// The folder of the parts. No session has such a name.
pub(crate) const PARTS: &str = "_ledger";
/// Digits of an entry's number in a part's name.
const DIGITS: usize = 12;
const ENDING: &str = ".jsonl";

/// The name of the part with these entries.
pub(crate) fn name(from: u64, to: u64) -> String {
    format!("{from:012}-{to:012}{ENDING}")
}

/// Whether a file is a part, by its name.
fn is_part(name: &str) -> bool {
    let numbers = name.strip_suffix(ENDING).and_then(|digits| digits.split_once('-'));
    let number = |text: &str| text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(from, to)| number(from) && number(to))
}

/// All parts, read as one. What is missing between them is found by who follows the ledger.
#[derive(Debug)]
pub(crate) struct Parts {
    folder: Folder,
    names: vec::IntoIter<String>,
    open: Option<File>,
}

impl Parts {
    /// Of a copy's folder; `None` if it is no copy.
    pub(crate) fn of(copy: &Folder) -> Result<Option<Self>, JournalError> {
        if !copy.names()?.iter().any(|name| name == PARTS) {
            return Ok(None);
        }
        let folder = copy.existing(PARTS)?;
        let mut names = folder.names()?;
        names.retain(|name| is_part(name));
        Ok(Some(Self { folder, names: names.into_iter(), open: None }))
    }
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            if let Some(open) = &mut self.open {
                match open.read(into)? {
                    0 => self.open = None,
                    read => return Ok(read),
                }
            }
            let Some(name) = self.names.next() else { return Ok(0) };
            let opened = self.folder.read(&name).map_err(std::io::Error::other)?;
            self.open = opened.map(File::from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_their_names() {
        assert!(is_part(&name(1, 17)) && is_part(&name(999_999_999_999, 999_999_999_999)));
        for other in ["", "a", "1-2.jsonl", ".000000000001-000000000002.jsonl.new", "../x.jsonl"] {
            assert!(!is_part(other), "{other}");
        }
    }
}
