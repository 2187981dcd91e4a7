//! Lines, many at a time: what each is by itself is found out on two processors, in what order they stand on one.

use std::{io, thread};

use crate::{
    Hash, gap,
    reader::{Lines, Step},
    record::{self, BadLine, Link},
    tree,
};

/// Bytes of lines in a batch, or a line more.
const FULL: usize = 512 * 1024;

/// Lines, one behind the other, and what each step of reading them found.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    steps: Vec<Stepped>,
}

#[derive(Debug, Clone, Copy)]
struct Stepped {
    step: Step,
    offset: u64,
    number: u64,
    /// Where the line ends in the batch.
    end: usize,
}

/// A step, and what the line is by itself.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    pub(super) step: Step,
    pub(super) offset: u64,
    pub(super) number: u64,
    pub(super) line: &'a [u8],
    /// Of a record's line its link and its leaf.
    pub(super) record: Option<(Result<Link<'a>, BadLine>, Hash)>,
}

impl Batch {
    /// Nothing is in it any more; its memory stays.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.steps.clear();
    }

    /// Read on. False: the end is reached.
    pub(super) fn fill(&mut self, lines: &mut Lines) -> io::Result<bool> {
        self.clear();
        while self.bytes.len() < FULL {
            let step = lines.step()?;
            if step == Step::Line {
                self.bytes.extend_from_slice(lines.line());
            }
            let (offset, number, end) = (lines.offset, lines.number, self.bytes.len());
            self.steps.push(Stepped { step, offset, number, end });
            if step == Step::End {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn checked(&self) -> Vec<Checked<'_>> {
        let mut from = 0;
        let one = |it: &Stepped| {
            let line = self.bytes.get(from..it.end).unwrap_or_default();
            from = it.end;
            let is_record = it.step == Step::Line && !gap::is_gap(line);
            let record = is_record.then(|| (record::link(line), tree::leaf(line)));
            Checked { step: it.step, offset: it.offset, number: it.number, line, record }
        };
        self.steps.iter().map(one).collect()
    }
}

/// What both batches hold, in their order.
pub(super) fn checked<'a>(first: &'a Batch, second: &'a Batch) -> [Vec<Checked<'a>>; 2] {
    if second.steps.is_empty() {
        return [first.checked(), Vec::new()];
    }
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, || second.checked());
        let mine = first.checked();
        let other = match beside.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(other)) => other,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // There can be no further thread.
            Err(_) => second.checked(),
        };
        [mine, other]
    })
}
