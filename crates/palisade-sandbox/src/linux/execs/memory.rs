use std::cell::Cell;

use rustix::io::Errno;

use super::{Arguments, MOST_ARGUMENTS, MOST_BYTES};
use crate::linux::sys::remote;

/// What is read at once: a page, so that a part that is not there hides no other.
const PAGE: usize = 4096;
/// Pages that are kept.
const MOST_PAGES: usize = 64;
/// The longest path (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

thread_local! {
    /// What the last one was read into: an allocation of this size makes the allocator tidy up, each time.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The memory of a process, read by pages: each once, and several with one call where it is known which are needed.
///
/// It is read as the process itself may read it (`process_vm_readv(2)`): what it may not, the kernel takes no argument from.
#[derive(Debug)]
pub(super) struct Memory {
    thread: u32,
    /// Where each page begins there, and in `bytes`.
    pages: Vec<(u64, usize)>,
    bytes: Vec<u8>,
}

impl Memory {
    /// Of the process of this thread.
    pub(super) fn of(thread: u32) -> Self {
        Self { thread, pages: Vec::new(), bytes: SPARE.take() }
    }

    /// Read the pages of these addresses with one call. What is not there is found out when it is needed.
    pub(super) fn expect(&mut self, addresses: impl IntoIterator<Item = u64>) {
        let mut wanted: Vec<(u64, usize)> = Vec::with_capacity(remote::MOST_PIECES);
        for address in addresses {
            let start = page_of(address);
            if self.kept(start).is_none() && !wanted.contains(&(start, PAGE)) {
                wanted.push((start, PAGE));
            }
            if wanted.len() == remote::MOST_PIECES {
                break;
            }
        }
        if !wanted.is_empty() {
            self.fetch(&wanted).unwrap_or_default();
        }
    }

    fn kept(&self, start: u64) -> Option<usize> {
        self.pages.iter().find(|(page, _)| *page == start).map(|(_, at)| *at)
    }

    /// Whole pages, up to the first that is not there.
    fn fetch(&mut self, wanted: &[(u64, usize)]) -> Result<(), Errno> {
        if self.pages.len().saturating_add(wanted.len()) > MOST_PAGES {
            self.pages.clear();
            self.bytes.clear();
        }
        let from = self.bytes.len();
        self.bytes.resize(from.saturating_add(wanted.len().saturating_mul(PAGE)), 0);
        let into = self.bytes.get_mut(from..).unwrap_or_default();
        let read = remote::read(self.thread, wanted, into);
        let whole = read.map_or(0, |read| read / PAGE).min(wanted.len());
        self.bytes.truncate(from.saturating_add(whole.saturating_mul(PAGE)));
        let starts = wanted.iter().take(whole).map(|(start, _)| *start);
        self.pages.extend(starts.zip((from..).step_by(PAGE)));
        read.map(drop)
    }

    /// What is from this address to the end of its page.
    fn rest_of_page(&mut self, address: u64) -> Result<&[u8], Errno> {
        let start = page_of(address);
        let at = match self.kept(start) {
            Some(at) => at,
            None => {
                self.fetch(&[(start, PAGE)])?;
                self.kept(start).ok_or(Errno::FAULT)?
            }
        };
        let offset = usize::try_from(address - start).map_err(|_| Errno::FAULT)?;
        self.bytes.get(at + offset..at + PAGE).filter(|rest| !rest.is_empty()).ok_or(Errno::FAULT)
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
        if let Some(word) = self.rest_of_page(address)?.first_chunk() {
            return Ok(u64::from_ne_bytes(*word));
        }
        // It goes over the end of a page.
        let mut word = [0; 8];
        for (offset, byte) in word.iter_mut().enumerate() {
            let at = address.checked_add(offset as u64).ok_or(Errno::FAULT)?;
            *byte = self.rest_of_page(at)?.first().copied().ok_or(Errno::FAULT)?;
        }
        Ok(u64::from_ne_bytes(word))
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
        let all = addresses.iter().copied();
        self.expect(all);
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

impl Drop for Memory {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        SPARE.set(bytes);
    }
}

/// Where the page of this address begins.
fn page_of(address: u64) -> u64 {
    address & !(PAGE as u64 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Memory {
        Memory::of(std::process::id())
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
        assert_eq!(own().arguments(16), Err(Errno::FAULT));
        assert!(own().path(u64::MAX - 2).is_err());
    }

    /// What was expected and is not there hides nothing.
    #[test]
    fn pages_are_read_together_and_each_alone() {
        let text = [b'a'; 3 * PAGE];
        let mut memory = own();
        memory.expect([address(&text), 16, address(&text) + 2 * PAGE as u64]);
        assert_eq!(memory.pages.len(), 1);
        for at in [0, PAGE - 3, 2 * PAGE] {
            assert_eq!(memory.word(address(&text) + at as u64), Ok(0x6161_6161_6161_6161));
        }
        assert_eq!(memory.word(16), Err(Errno::FAULT));
        for page in 0..2 * MOST_PAGES as u64 {
            memory.word(address(&text) + page % 3 * PAGE as u64).unwrap();
            memory.fetch(&[(page_of(address(&text)), PAGE)]).unwrap();
            assert!(memory.pages.len() <= MOST_PAGES && memory.bytes.len() <= MOST_PAGES * PAGE);
        }
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
