//! Whether two files have the same content.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use rustix::{fs::SeekFrom::Data, io::Errno};

const CHUNK: usize = 1 << 16;

/// Compare to the end, or to the first difference. Where neither file was ever written both are zeros, and are
/// not read: a terabyte of holes costs an agent nothing.
pub(crate) fn same_content(one: &mut File, other: &mut File) -> std::io::Result<bool> {
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut at = 0_u64;
    loop {
        at = match (next_data(one, at)?, next_data(other, at)?) {
            (Some(start), Some(also)) => start.min(also),
            (Some(start), None) | (None, Some(start)) => start,
            (None, None) => return Ok(true),
        };
        one.seek(SeekFrom::Start(at))?;
        other.seek(SeekFrom::Start(at))?;
        let read = fill(one, &mut left)?;
        if fill(other, &mut right)? != read || left.get(..read) != right.get(..read) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
        at = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
}

/// Where the next byte is that was written, at or after `at`.
fn next_data(file: &File, at: u64) -> std::io::Result<Option<u64>> {
    match rustix::fs::seek(file, Data(at)) {
        Ok(start) => Ok(Some(start)),
        Err(Errno::NXIO) => Ok(None),
        // A file system that cannot tell.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(at)),
        Err(errno) => Err(errno.into()),
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        os::unix::fs::FileExt,
        time::{Duration, Instant},
    };

    fn file(length: u64, pieces: &[(u64, &[u8])]) -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(length).unwrap();
        for (at, bytes) in pieces {
            file.write_all_at(bytes, *at).unwrap();
        }
        file
    }

    #[test]
    fn holes_are_zeros_and_take_no_time() {
        let huge = 1 << 41;
        let begun = Instant::now();
        let mut one = file(huge, &[(5, b"x"), (1 << 40, b"end")]);
        assert!(same_content(&mut one, &mut file(huge, &[(5, b"x"), (1 << 40, b"end")])).unwrap());
        assert!(!same_content(&mut one, &mut file(huge, &[(5, b"x")])).unwrap());
        assert!(!same_content(&mut one, &mut file(huge, &[(5, b"x"), (1 << 40, b"enD")])).unwrap());
        assert!(!same_content(&mut one, &mut file(huge + 1, &[(5, b"x")])).unwrap());
        // Written zeros are what a hole is.
        let zeros = vec![0; 200_000];
        let mut written = file(huge, &[(5, b"x"), (70_000, &zeros), (1 << 40, b"end")]);
        assert!(same_content(&mut one, &mut written).unwrap());
        assert!(same_content(&mut written, &mut one).unwrap());
        assert!(same_content(&mut file(0, &[]), &mut file(0, &[])).unwrap());
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
