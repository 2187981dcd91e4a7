use std::{
    io::{self, BufRead, BufReader, Read},
    os::fd::OwnedFd,
};

use crate::{encode::RECORD_MAX, sealed::Source};

/// What one step through a file found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A line that ended in a newline; it is in [`Lines::line`].
    Line,
    /// Bytes after the last newline, this many.
    Torn(u64),
    /// A line longer than any record; only its beginning is kept.
    TooLong,
    /// Nothing is left.
    End,
}

/// The lines of a file, one at a time, in bounded memory.
#[derive(Debug)]
pub(crate) struct Lines<R = Source> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// Where the line begins.
    pub(crate) offset: u64,
    /// The line's number, from 1.
    pub(crate) number: u64,
    next: u64,
}

impl Lines<Source> {
    pub(crate) fn of(fd: OwnedFd) -> Self {
        Self::new(Source::of(fd))
    }

    /// The lines behind `offset`, which is the end of line `number`.
    pub(crate) fn behind(fd: OwnedFd, offset: u64, number: u64) -> io::Result<Self> {
        let mut source = Source::of(fd);
        source.go_to(offset)?;
        Ok(Self { next: offset, offset, number, ..Self::new(source) })
    }
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        let reader = BufReader::with_capacity(128 * 1024, reader);
        Self { reader, line: Vec::new(), offset: 0, number: 0, next: 0 }
    }

    /// The lines of what is read from here on, where line `number` begins at `offset`.
    pub(crate) fn begun(reader: R, offset: u64, number: u64) -> Self {
        let mut lines = Self::new(reader);
        (lines.next, lines.number) = (offset, number.saturating_sub(1));
        lines
    }

    /// Where the line last read ends.
    pub(crate) fn end(&self) -> u64 {
        self.next
    }

    /// The line last read, without its newline.
    pub(crate) fn line(&self) -> &[u8] {
        self.line.strip_suffix(b"\n").unwrap_or(&self.line)
    }

    pub(crate) fn step(&mut self) -> io::Result<Step> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let step = self.read(&mut line);
        self.line = line;
        step
    }

    /// The same, but a whole line is put behind what is in `out`, without its newline.
    pub(crate) fn step_into(&mut self, out: &mut Vec<u8>) -> io::Result<Step> {
        let from = out.len();
        let step = self.read(out);
        match step {
            Ok(Step::Line) => out.truncate(out.len().saturating_sub(1)),
            _ => out.truncate(from),
        }
        step
    }

    fn read(&mut self, out: &mut Vec<u8>) -> io::Result<Step> {
        self.offset = self.next;
        let most = u64::try_from(RECORD_MAX).unwrap_or(0);
        let read = (&mut self.reader).take(most).read_until(b'\n', out)?;
        if read == 0 {
            return Ok(Step::End);
        }
        self.number = self.number.saturating_add(1);
        let mut length = u64::try_from(read).unwrap_or(0);
        let mut step = Step::Line;
        if !out.ends_with(b"\n") {
            let mut ended = false;
            while read == RECORD_MAX && !ended {
                let (used, newline) = {
                    let more = self.reader.fill_buf()?;
                    let newline = more.iter().position(|&b| b == b'\n');
                    (newline.map_or(more.len(), |at| at.saturating_add(1)), newline)
                };
                if used == 0 {
                    break;
                }
                self.reader.consume(used);
                length = length.saturating_add(u64::try_from(used).unwrap_or(0));
                ended = newline.is_some();
            }
            step = if ended { Step::TooLong } else { Step::Torn(length) };
        }
        self.next = self.next.saturating_add(length);
        Ok(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_long_lines_and_a_torn_end() {
        let mut text = b"a\n\n".to_vec();
        text.extend(vec![b'x'; 3 * RECORD_MAX]);
        text.extend(b"\nb\nrest");
        let mut lines = Lines::new(text.as_slice());
        let mut seen = Vec::new();
        loop {
            match lines.step().unwrap() {
                Step::End => break,
                step => seen.push((step, lines.number, lines.offset, lines.line().len())),
            }
        }
        let long = 3 * RECORD_MAX as u64;
        assert_eq!(
            seen,
            [
                (Step::Line, 1, 0, 1),
                (Step::Line, 2, 2, 0),
                (Step::TooLong, 3, 3, RECORD_MAX),
                (Step::Line, 4, long + 4, 1),
                (Step::Torn(4), 5, long + 6, 4),
            ]
        );
        let (mut lines, mut out) = (Lines::new(text.as_slice()), b"before ".to_vec());
        while lines.step_into(&mut out).unwrap() != Step::End {}
        assert_eq!((out.as_slice(), lines.number), (b"before ab".as_slice(), 5));
    }
}
