use std::{
    fs::File,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::Errno,
};

use super::{Arguments, MOST_ARGUMENTS, MOST_BYTES};

/// What is read at once: a page, so that a part that is not there hides no other.
const PAGE: u64 = 4096;
/// The longest path (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

/// The memory of a process, read page by page.
#[derive(Debug)]
pub(super) struct Memory {
    file: File,
    page: Vec<u8>,
    at: u64,
}

impl Memory {
    /// Of the process whose folder of `/proc` this is.
    pub(super) fn of(process: impl AsFd) -> Result<Self, Errno> {
        let file: OwnedFd =
            openat(process, "mem", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { file: file.into(), page: Vec::new(), at: u64::MAX })
    }

    /// What is from this address to the end of its page.
    fn rest_of_page(&mut self, address: u64) -> Result<&[u8], Errno> {
        let start = address & !(PAGE - 1);
        if self.at != start {
            self.at = u64::MAX;
            self.page.resize(usize::try_from(PAGE).unwrap_or_default(), 0);
            let read = self.file.read_at(&mut self.page, start);
            let read = read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            self.page.truncate(read);
            self.at = start;
        }
        let offset = usize::try_from(address - start).unwrap_or(usize::MAX);
        match self.page.get(offset..) {
            Some(rest) if !rest.is_empty() => Ok(rest),
            _ => Err(Errno::FAULT),
        }
    }

    /// The text up to a NUL, if that comes within so many bytes.
    fn text(&mut self, mut address: u64, most: usize) -> Result<Option<Vec<u8>>, Errno> {
        let mut text = Vec::new();
        loop {
            let rest = self.rest_of_page(address)?;
            let end = rest.iter().position(|byte| *byte == 0);
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            if text.len().saturating_add(part.len()) > most {
                return Ok(None);
            }
            text.extend_from_slice(part);
            if end.is_some() {
                return Ok(Some(text));
            }
            address = address.checked_add(part.len() as u64).ok_or(Errno::FAULT)?;
        }
    }

    /// A path.
    pub(super) fn path(&mut self, address: u64) -> Result<Vec<u8>, Errno> {
        self.text(address, LONGEST_PATH - 1)?.ok_or(Errno::NAMETOOLONG)
    }

    /// A word of 64 bits.
    pub(super) fn word(&mut self, address: u64) -> Result<u64, Errno> {
        let mut word = [0; 8];
        for (offset, byte) in word.iter_mut().enumerate() {
            let at = address.checked_add(offset as u64).ok_or(Errno::FAULT)?;
            *byte = self.rest_of_page(at)?.first().copied().ok_or(Errno::FAULT)?;
        }
        Ok(u64::from_le_bytes(word))
    }

    /// What an array of addresses points to.
    pub(super) fn arguments(&mut self, array: u64) -> Result<Arguments, Errno> {
        let mut found = Arguments { words: Vec::new(), whole: true };
        if array == 0 {
            return Ok(found);
        }
        let mut addresses = Vec::new();
        loop {
            let at = array.checked_add(addresses.len() as u64 * 8).ok_or(Errno::FAULT)?;
            match self.word(at)? {
                0 => break,
                _ if addresses.len() == MOST_ARGUMENTS => {
                    found.whole = false;
                    break;
                }
                address => addresses.push(address),
            }
        }
        let mut left = MOST_BYTES;
        for address in addresses {
            let Some(text) = self.text(address, left)? else {
                found.whole = false;
                break;
            };
            left = left.saturating_sub(text.len() + 1);
            found.words.push(text);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn own() -> Memory {
        let folder = File::open("/proc/self").unwrap();
        Memory::of(folder.as_fd()).unwrap()
    }

    fn address<T: ?Sized>(of: &T) -> u64 {
        std::ptr::from_ref(of).cast::<u8>().addr() as u64
    }

    #[test]
    fn arguments_are_read_as_the_kernel_would() {
        let texts = [&b"cc\0"[..], b"\0", b"-o \xff\0"];
        let mut array: Vec<u64> = texts.iter().map(|text| address(*text)).collect();
        array.push(0);
        let found = own().arguments(address(array.as_slice())).unwrap();
        assert!(found.whole);
        assert_eq!(found.words, [&b"cc"[..], b"", b"-o \xff"]);
        assert_eq!(own().arguments(0).unwrap().words.len(), 0);
        assert_eq!(own().arguments(16), Err(Errno::IO));
        assert!(own().path(u64::MAX - 2).is_err());
    }

    #[test]
    fn what_is_too_long_is_not_whole() {
        let long = [b'a'; MOST_BYTES + 1];
        let mut bytes = long.to_vec();
        bytes.push(0);
        let array = [address(b"x\0".as_slice()), address(bytes.as_slice()), 0];
        let found = own().arguments(address(array.as_slice())).unwrap();
        assert_eq!((found.words.len(), found.whole), (1, false));
        let many = vec![address(b"x\0".as_slice()); MOST_ARGUMENTS + 1];
        let found = own().arguments(address(many.as_slice())).unwrap();
        assert_eq!((found.words.len(), found.whole), (MOST_ARGUMENTS, false));
        assert_eq!(own().path(address(bytes.as_slice())), Err(Errno::NAMETOOLONG));
    }
}
