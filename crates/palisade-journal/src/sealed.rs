//! Segments that nobody writes any more, compressed: frames of zstd, each of whole lines, and behind them a table of
//! their sizes in a skippable frame, as zstd's "seekable format" has it. Any zstd reads such a file from its beginning;
//! with the table a line is found without what stands before it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::{fd::OwnedFd, unix::fs::FileExt},
};

/// How a frame of zstd begins (RFC 8878, 3.1.1).
const FRAME_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// How the skippable frame with the table begins, and how it ends.
const TABLE_MAGIC: [u8; 4] = 0x184D_2A5E_u32.to_le_bytes();
const SEEKABLE_MAGIC: [u8; 4] = 0x8F92_EAB1_u32.to_le_bytes();
/// Bytes of lines in a frame, or a line more.
const FRAME: usize = 256 * 1024;
/// No frame of ours has more, so none is made room for.
const FRAME_MAX: u32 = 1 << 20;
const LEVEL: i32 = 6;

/// Compresses lines.
pub(crate) struct Packer<W> {
    out: W,
    waiting: Vec<u8>,
    table: Vec<u8>,
    frames: u32,
}

impl<W: Write> Packer<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, waiting: Vec::with_capacity(FRAME), table: Vec::new(), frames: 0 }
    }

    /// Put a line, with its newline, behind the last.
    pub(crate) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(line);
        if self.waiting.len() >= FRAME { self.frame() } else { Ok(()) }
    }

    fn frame(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let packed = zstd::bulk::compress(&self.waiting, LEVEL)?;
        self.out.write_all(&packed)?;
        for length in [packed.len(), self.waiting.len()] {
            self.table.extend_from_slice(&four(length)?);
        }
        self.frames = self.frames.saturating_add(1);
        self.waiting.clear();
        Ok(())
    }

    /// Write the table. Nothing can follow it.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.frame()?;
        self.out.write_all(&TABLE_MAGIC)?;
        self.out.write_all(&four(self.table.len().saturating_add(9))?)?;
        self.out.write_all(&self.table)?;
        self.out.write_all(&self.frames.to_le_bytes())?;
        self.out.write_all(&[0])?;
        self.out.write_all(&SEEKABLE_MAGIC)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn four(length: usize) -> io::Result<[u8; 4]> {
    u32::try_from(length).map(u32::to_le_bytes).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// A segment's bytes as they were written, whether its file is compressed or not.
#[derive(Debug)]
pub(crate) struct Source {
    kind: Kind,
    at: u64,
}

#[derive(Debug)]
enum Kind {
    Plain(File),
    Sealed(Box<Sealed>),
    /// What is wrong with it is told when it is read.
    Broken(io::Error),
}

impl Source {
    pub(crate) fn of(fd: OwnedFd) -> Self {
        let file = File::from(fd);
        let mut begins = [0; 4];
        let kind = match file.read_at(&mut begins, 0) {
            Ok(4) if begins == FRAME_MAGIC || begins == TABLE_MAGIC => match Sealed::open(file) {
                Ok(sealed) => Kind::Sealed(Box::new(sealed)),
                Err(error) => Kind::Broken(error),
            },
            _ => Kind::Plain(file),
        };
        Self { kind, at: 0 }
    }

    /// Whether it is compressed.
    #[cfg(test)]
    pub(crate) fn is_sealed(&self) -> bool {
        !matches!(self.kind, Kind::Plain(_))
    }

    /// How many bytes there are.
    pub(crate) fn size(&self) -> io::Result<u64> {
        match &self.kind {
            Kind::Plain(file) => Ok(file.metadata()?.len()),
            Kind::Sealed(sealed) => Ok(sealed.size),
            Kind::Broken(error) => Err(again(error)),
        }
    }

    /// Read what stands at `at`; less than asked for only at the end.
    pub(crate) fn fill_at(&mut self, mut at: u64, mut into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0_usize;
        while !into.is_empty() {
            let read = match &mut self.kind {
                Kind::Plain(file) => file.read_at(into, at),
                Kind::Sealed(sealed) => sealed.read_at(at, into),
                Kind::Broken(error) => Err(again(error)),
            };
            match read {
                Ok(0) => break,
                Ok(read) => {
                    filled = filled.saturating_add(read);
                    at = at.saturating_add(u64::try_from(read).unwrap_or(0));
                    into = into.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Read on from here.
    pub(crate) fn go_to(&mut self, at: u64) -> io::Result<()> {
        if let Kind::Plain(file) = &mut self.kind {
            file.seek(SeekFrom::Start(at))?;
        }
        self.at = at;
        Ok(())
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Plain(file) => file.read(into),
            Kind::Sealed(sealed) => {
                let read = sealed.read_at(self.at, into)?;
                self.at = self.at.saturating_add(u64::try_from(read).unwrap_or(0));
                Ok(read)
            }
            Kind::Broken(error) => Err(again(error)),
        }
    }
}

fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// A compressed segment.
#[derive(Debug)]
struct Sealed {
    file: File,
    frames: Vec<Frame>,
    size: u64,
    opener: Opener,
    /// The frame that was read last, and what is in it.
    held: Option<usize>,
    bytes: Vec<u8>,
    packed: Vec<u8>,
}

/// Opens one frame after the other; what it needs for that is made once.
struct Opener(zstd::bulk::Decompressor<'static>);

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener")
    }
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Where it begins in the file, and where its lines begin in the segment.
    packed: (u64, u32),
    plain: (u64, u32),
}

impl Sealed {
    fn open(file: File) -> io::Result<Self> {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "no table of its frames");
        let length = file.metadata()?.len();
        let mut foot = [0; 9];
        let end = length.checked_sub(9).ok_or_else(bad)?;
        file.read_exact_at(&mut foot, end)?;
        let [a, b, c, d, 0, magic @ ..] = foot else { return Err(bad()) };
        let count = u32::from_le_bytes([a, b, c, d]);
        let bytes = u64::from(count).saturating_mul(8);
        let head = end.checked_sub(bytes).and_then(|at| at.checked_sub(8)).ok_or_else(bad)?;
        let wanted = usize::try_from(bytes.saturating_add(8)).map_err(|_| bad())?;
        if magic != SEEKABLE_MAGIC {
            return Err(bad());
        }
        let mut table = vec![0; wanted];
        file.read_exact_at(&mut table, head)?;
        let (begins, table) = table.split_at_checked(8).ok_or_else(bad)?;
        let says = u32::try_from(bytes.saturating_add(9)).map_err(|_| bad())?;
        if begins != [TABLE_MAGIC, says.to_le_bytes()].concat() {
            return Err(bad());
        }
        let (mut frames, mut packed_at, mut size) = (Vec::new(), 0_u64, 0_u64);
        for entry in table.chunks_exact(8) {
            let [a, b, c, d, e, f, g, h] = entry else { return Err(bad()) };
            let packed = u32::from_le_bytes([*a, *b, *c, *d]);
            let plain = u32::from_le_bytes([*e, *f, *g, *h]);
            if plain > FRAME_MAX || packed > FRAME_MAX.saturating_mul(2) || plain == 0 {
                return Err(bad());
            }
            frames.push(Frame { packed: (packed_at, packed), plain: (size, plain) });
            packed_at = packed_at.saturating_add(u64::from(packed));
            size = size.saturating_add(u64::from(plain));
        }
        // No byte of the file is outside: what a plain zstd would read is what is read here.
        if packed_at != head {
            return Err(bad());
        }
        let opener = Opener(zstd::bulk::Decompressor::new()?);
        Ok(Self { file, frames, size, opener, held: None, bytes: Vec::new(), packed: Vec::new() })
    }

    fn read_at(&mut self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let number = self.frames.partition_point(|frame| frame.plain.0 <= at).saturating_sub(1);
        let Some(frame) = self.frames.get(number).filter(|_| at < self.size) else { return Ok(0) };
        if self.held != Some(number) {
            self.held = None;
            self.packed.resize(usize::try_from(frame.packed.1).unwrap_or(0), 0);
            self.file.read_exact_at(&mut self.packed, frame.packed.0)?;
            let room = usize::try_from(frame.plain.1).unwrap_or(0);
            self.bytes.clear();
            self.bytes.reserve(room);
            let length = self.opener.0.decompress_to_buffer(&self.packed, &mut self.bytes)?;
            if length != room || self.bytes.len() != room {
                let what = "a frame has not the size that its table says";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            self.held = Some(number);
        }
        let from = usize::try_from(at.saturating_sub(frame.plain.0)).unwrap_or(usize::MAX);
        let rest = self.bytes.get(from..).unwrap_or_default();
        let count = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(rest);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn packed(lines: &[Vec<u8>]) -> Vec<u8> {
        let mut packer = Packer::new(Vec::new());
        lines.iter().for_each(|line| packer.line(line).unwrap());
        packer.finish().unwrap()
    }

    #[test]
    fn reads_anywhere_what_was_packed_and_so_does_any_zstd() {
        let line = |n: u32| {
            format!("{{\"n\":{n},\"x\":\"{}\"}}\n", n.wrapping_mul(2_654_435_761)).into_bytes()
        };
        let lines: Vec<_> = (0..40_000).map(line).collect();
        let (plain, bytes) = (lines.concat(), packed(&lines));
        assert!(bytes.len() < plain.len() / 2);
        assert_eq!(zstd::stream::decode_all(bytes.as_slice()).unwrap(), plain);
        let mut source = Source::of(file(&bytes).into());
        assert!(source.is_sealed());
        assert_eq!(source.size().unwrap(), plain.len() as u64);
        let mut all = Vec::new();
        source.read_to_end(&mut all).unwrap();
        assert_eq!(all, plain);
        for at in [0, 1, 262_143, 262_150, 500_000, plain.len() - 5] {
            let mut into = [0; 300];
            let read = source.fill_at(at as u64, &mut into).unwrap();
            assert_eq!(into[..read], plain[at..(at + 300).min(plain.len())]);
        }
        let mut empty = Source::of(file(&packed(&[])).into());
        assert_eq!(empty.read(&mut [0; 9]).unwrap(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_changed_file_is_refused_or_read_without_harm(at in any::<usize>(), byte in any::<u8>(), cut in 0..40_usize) {
            let lines: Vec<_> = (0..90).map(|n| format!("line {n}\n").into_bytes()).collect();
            let mut bytes = packed(&lines);
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut);
            let mut source = Source::of(file(&bytes).into());
            let mut all = Vec::new();
            drop(Read::take(&mut source, 1 << 20).read_to_end(&mut all));
        }
    }
}
