use std::time::Instant;

use palisade_sandbox::linux::cell::{Cell, CellLimits};
use palisade_skill_store::{
    FRAME_OF_ENTRY, MOST_BYTES, MOST_ENTRIES, Tree,
    source::{self, SourceError},
};

use crate::cells::{self, PATIENCE};

const TREE: u8 = b'T';
const REFUSED: u8 = b'E';
/// Bytes that a path may have, more or less: what is longer is refused by the tree.
const OF_PATH: usize = 4096;

/// What is in an archive, unpacked by a process that has given up everything.
///
/// # Errors
/// It is no archive that is taken, or who unpacked it was ended.
pub fn unpack(bytes: &[u8]) -> Result<Tree, SourceError> {
    let failed = |why: String| SourceError::Archive(palisade_core::shown(&why, 300));
    let most = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX);
    let answer = MOST_ENTRIES.saturating_mul(FRAME_OF_ENTRY.saturating_add(OF_PATH));
    let limits = CellLimits { answer: most.saturating_add(answer), ..cells::limits(false) };
    let cell = Cell::start(None, &limits, |mut inside| {
        let answer = match source::unpack(bytes) {
            Ok(tree) => [&[TREE], &*tree.to_frames()].concat(),
            Err(SourceError::Archive(why)) => [&[REFUSED], why.as_bytes()].concat(),
            Err(other) => [&[REFUSED], other.to_string().as_bytes()].concat(),
        };
        inside.answer(&answer);
    });
    let mut cell = cell.map_err(|error| failed(format!("nobody can unpack it: {error}")))?;
    let answer = cell.answer(Instant::now() + PATIENCE).map_err(|end| failed(end.to_string()))?;
    match answer.split_first() {
        Some((&TREE, frames)) => Ok(Tree::from_frames(frames)?),
        Some((&REFUSED, why)) => Err(failed(String::from_utf8_lossy(why).into_owned())),
        _ => Err(failed("its answer is not believed".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn an_archive_is_unpacked_in_a_cell_as_it_is_outside() {
        let _turn = cells::TURN.lock().unwrap();
        // A header of `ustar`, one file.
        let mut header = [0_u8; 512];
        for (at, text) in [
            (0, &b"pdf/SKILL.md"[..]),
            (100, b"0000644\0"),
            (108, b"0000000\0"),
            (116, b"0000000\0"),
            (124, b"00000000004\0"),
            (136, b"00000000000\0"),
            (148, b"        "),
            (156, b"0"),
            (257, b"ustar\x0000"),
        ] {
            (&mut header[at..]).write_all(text).unwrap();
        }
        let sum: u32 = header.iter().copied().map(u32::from).sum();
        (&mut header[148..]).write_all(format!("{sum:06o}\0 ").as_bytes()).unwrap();
        let mut archive = header.to_vec();
        archive.extend_from_slice(b"text");
        archive.resize(512 * 4, 0);
        let tree = unpack(&archive).unwrap();
        assert_eq!(tree, source::unpack(&archive).unwrap());
        assert!(tree.get("SKILL.md").is_some());
        assert!(matches!(unpack(b"PK\x03\x04nonsense"), Err(SourceError::Archive(_))));
    }
}
