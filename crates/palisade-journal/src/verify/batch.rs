//! Lines, many at a time: what each is by itself is found out on every processor, in what order they stand on one.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use palisade_core::SessionId;

use crate::{
    Hash, JournalError, gap,
    reader::{Lines, Step},
    record::{self, BadLine, Link},
    recover::reading,
    tree,
};

/// Bytes of lines in a batch, or a line more.
const FULL: usize = 256 * 1024;
/// Lines in a batch: a file of empty ones takes no more memory than another.
const MOST: usize = 2048;
/// Threads that look at batches: what one thread reads and puts in order is soon more work than theirs.
const THREADS: usize = 8;

/// What a line is by itself: of a record its link and its leaf; nothing of what is none.
type Found = Option<(Result<Link, BadLine>, Hash)>;

/// Lines, one behind the other, and what each step of reading them found.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    steps: Vec<Stepped>,
    found: Vec<Found>,
    /// More can be read behind it.
    more: bool,
    /// Why not, if it failed.
    failed: Option<io::Error>,
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
    pub(super) record: Found,
}

/// Why there are no more lines.
#[derive(Debug)]
pub(super) enum Failed {
    /// They cannot be read.
    Reading(io::Error),
    /// Whoever was given a line failed.
    Taking(JournalError),
}

impl Failed {
    pub(super) fn or_reading(self, path: &Path) -> JournalError {
        match self {
            Self::Reading(error) => reading(path, &error),
            Self::Taking(error) => error,
        }
    }
}

/// Give `take` each line of session `own`, in their order, until there is none or it has found something. With `many`, other
/// threads look at what comes next meanwhile.
pub(super) fn each<T>(
    lines: &mut Lines,
    own: &SessionId,
    many: bool,
    mut take: impl FnMut(Checked<'_>) -> Result<Option<T>, JournalError>,
) -> Result<Option<T>, Failed> {
    let mut batch = Batch::default();
    batch.fill(lines);
    // What fits in one batch is not worth a thread.
    if many && batch.more {
        return beside(lines, own, batch, &mut take);
    }
    loop {
        batch.look(own);
        if let Some(found) = batch.take(&mut take)? {
            return Ok(Some(found));
        }
        if !batch.more {
            return Ok(None);
        }
        batch.fill(lines);
    }
}

fn beside<T>(
    lines: &mut Lines,
    own: &SessionId,
    first: Batch,
    take: &mut impl FnMut(Checked<'_>) -> Result<Option<T>, JournalError>,
) -> Result<Option<T>, Failed> {
    // A batch, and where it goes when it was looked at.
    let (jobs, queue) = mpsc::channel::<(Batch, mpsc::Sender<Batch>)>();
    let queue = Mutex::new(queue);
    let work = || {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok((mut batch, back)) = next() {
            batch.look(own);
            // Nobody waits for it where something was found before it.
            back.send(batch).ok();
        }
    };
    thread::scope(|scope| {
        // The threads end when it is dropped, which is before they are waited for.
        let jobs = jobs;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let start = |_: &usize| thread::Builder::new().spawn_scoped(scope, work).is_ok();
        let threads = (0..processors.min(THREADS)).filter(start).count();
        // Another one is ready for each thread that has done one.
        let most = threads.saturating_mul(2).max(1);
        let begin = |mut batch: Batch| {
            let (back, ready) = mpsc::channel();
            if threads == 0 {
                batch.look(own);
                back.send(batch).ok();
            } else {
                // The other end lives as long as `queue`.
                jobs.send((batch, back)).ok();
            }
            ready
        };
        let (mut more, mut due, mut spare) = (first.more, VecDeque::new(), Vec::new());
        due.push_back(begin(first));
        loop {
            while more && due.len() < most {
                let mut batch: Batch = spare.pop().unwrap_or_default();
                batch.fill(lines);
                more = batch.more;
                due.push_back(begin(batch));
            }
            let Some(ready) = due.pop_front() else { return Ok(None) };
            // A thread that panicked makes all of this panic when it is waited for: lines that nobody looked at do not pass.
            let gone = |_| Failed::Reading(io::Error::other("nobody looked at the lines"));
            let mut batch = ready.recv().map_err(gone)?;
            if let Some(found) = batch.take(take)? {
                return Ok(Some(found));
            }
            spare.push(batch);
        }
    })
}

impl Batch {
    /// Read on; its memory stays.
    fn fill(&mut self, lines: &mut Lines) {
        self.bytes.clear();
        self.steps.clear();
        self.found.clear();
        self.more = true;
        while self.more && self.bytes.len() < FULL && self.steps.len() < MOST {
            let step = match lines.step_into(&mut self.bytes) {
                Ok(step) => step,
                Err(error) => {
                    (self.failed, self.more) = (Some(error), false);
                    return;
                }
            };
            let (offset, number, end) = (lines.offset, lines.number, self.bytes.len());
            self.steps.push(Stepped { step, offset, number, end });
            self.more = step != Step::End;
        }
    }

    /// Find out what each line is by itself.
    fn look(&mut self, own: &SessionId) {
        let mut from = 0;
        let one = |it: &Stepped| {
            let line = self.bytes.get(from..it.end).unwrap_or_default();
            from = it.end;
            let is_record = it.step == Step::Line && !gap::is_gap(line);
            is_record.then(|| (record::link(line, own), tree::leaf(line)))
        };
        self.found.extend(self.steps.iter().map(one));
    }

    /// Give each line away, in their order, and then the failure that ended the reading.
    fn take<T>(
        &mut self,
        take: &mut impl FnMut(Checked<'_>) -> Result<Option<T>, JournalError>,
    ) -> Result<Option<T>, Failed> {
        let (mut from, mut found) = (0, self.found.drain(..));
        for it in &self.steps {
            let unseen = || Failed::Reading(io::Error::other("nobody looked at a line"));
            let record = found.next().ok_or_else(unseen)?;
            let line = self.bytes.get(from..it.end).unwrap_or_default();
            from = it.end;
            let one = Checked { step: it.step, offset: it.offset, number: it.number, line, record };
            if let Some(found) = take(one).map_err(Failed::Taking)? {
                return Ok(Some(found));
            }
        }
        match self.failed.take() {
            Some(error) => Err(Failed::Reading(error)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use proptest::prelude::*;

    use super::*;

    fn own() -> SessionId {
        "one".parse().unwrap()
    }

    /// Records of several batches. Only the form matters here, and that each has its hash.
    fn text() -> Vec<u8> {
        let mut text = Vec::new();
        for seq in 1..4000 {
            let from = text.len();
            let body = format!(
                "{{\"v\":1,\"time\":\"2026-08-01T12:00:00.000001Z\",\"mono_ns\":17,\"session\":\"one\",\"seq\":{seq},\"kind\":\"x\",\"subject\":\"{}\",\"prev\":\"{}\"",
                "s".repeat(300),
                "a".repeat(64)
            );
            text.extend_from_slice(body.as_bytes());
            record::seal(&mut text, from);
        }
        text
    }

    fn lines(file: File) -> Lines {
        Lines::behind(file.into(), 0, 0).unwrap()
    }

    type Seen = (Step, u64, u64, Vec<u8>, Found);

    /// What is given away, up to line `stop`.
    fn given(text: &[u8], many: bool, stop: u64) -> (Vec<Seen>, Option<u64>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let mut seen = Vec::new();
        let stopped = each(&mut lines(file), &own(), many, |one| {
            seen.push((one.step, one.offset, one.number, one.line.to_vec(), one.record));
            Ok((one.number == stop).then_some(stop))
        });
        (seen, stopped.unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]
        #[test]
        fn many_threads_give_what_one_gives(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in any::<prop::sample::Index>(), long in any::<bool>(), stop in 0..5000_u64,
        ) {
            let mut text = text();
            for (at, byte) in edits {
                let at = at.index(text.len());
                text[at] = byte;
            }
            if long {
                let at = cut.index(text.len());
                text.splice(at..at, vec![b'x'; 200_000]);
            } else {
                text.truncate(text.len() - cut.index(2000));
            }
            prop_assert_eq!(given(&text, true, stop), given(&text, false, stop));
        }
    }

    #[test]
    fn the_lines_are_all_given_and_a_batch_of_empty_ones_is_small() {
        let (seen, stopped) = given(&text(), true, 0);
        assert_eq!((seen.len(), stopped), (4000, None));
        assert_eq!(seen.last().unwrap().0, Step::End);
        let good = |it: &&Seen| it.4.as_ref().is_some_and(|(link, _)| link.is_ok());
        assert_eq!(seen.iter().filter(good).count(), 3999);

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'\n'; 100_000]).unwrap();
        let (mut batch, mut lines) = (Batch::default(), lines(file));
        batch.fill(&mut lines);
        assert!(batch.more && batch.steps.len() == MOST);
        let (seen, _) = given(&[b'\n'; 100_000], true, 0);
        assert_eq!(seen.len(), 100_001);
    }

    #[test]
    fn a_failure_comes_behind_the_lines_before_it() {
        let mut batch = Batch::default();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"a\nb\n").unwrap();
        batch.fill(&mut lines(file));
        batch.failed = Some(io::Error::other("the disk"));
        // Lines that nobody looked at do not pass.
        let mut nothing = |_: Checked<'_>| Ok(None::<()>);
        assert!(
            matches!(batch.take(&mut nothing), Err(Failed::Reading(e)) if e.to_string() != "the disk")
        );
        batch.look(&own());
        let mut count = 0;
        let mut take = |_: Checked<'_>| {
            count += 1;
            Ok(None::<()>)
        };
        assert!(
            matches!(batch.take(&mut take), Err(Failed::Reading(e)) if e.to_string() == "the disk")
        );
        assert_eq!(count, 3);
    }
}
