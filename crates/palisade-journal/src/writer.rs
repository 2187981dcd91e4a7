//! The one thread that owns a session's file.

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::Ordering},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use palisade_core::{PolicyDigest, SessionId};
use rustix::fs::{self, FlockOperation};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Closed, Durability, Hash, JournalError, Receipt, Timestamp, disk, encode,
    fold::{FLUSH, Fold},
    journal::Scrubs,
    keys::Keyring,
    ledger::{Entry, Head, Ledger},
    park, record,
    store::{Folder, io, size},
    syncer::{Durable, Syncer},
    tree::{self, Frontier},
};

/// Records written by one `write`, and put on the disk by one `fdatasync`.
pub(crate) const BATCH: usize = 512;

/// Records that may wait for a checkpoint, and for how long they may.
pub(crate) const CHECKPOINT_RECORDS: u64 = 4096;
pub(crate) const CHECKPOINT_AFTER: Duration = Duration::from_secs(60);
/// When another process has the ledger at that moment.
const CHECKPOINT_RETRY: Duration = Duration::from_millis(50);

type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// What the writer is asked.
#[derive(Debug)]
pub(crate) enum Message {
    /// Write a record: the encoded members from `kind` to `detail`.
    Record { members: Vec<u8>, durability: Durability, answer: Answer<Receipt> },
    /// Counts began to wait; come back for them in time.
    Counting,
    /// Write a last record, enter the end in the ledger, and stop.
    Close { members: Vec<u8>, durability: Durability, answer: Answer<Closed> },
}

/// What the writer and the handles share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) fold: Mutex<Fold>,
    pub(crate) poisoned: AtomicBool,
    pub(crate) cause: Mutex<Option<Arc<JournalError>>>,
}

impl Shared {
    /// The failure that every further record meets, if there was one.
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        if !self.poisoned.load(Ordering::Acquire) {
            return Ok(());
        }
        let cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        Err(cause.clone().map_or(JournalError::Closed, JournalError::Poisoned))
    }

    pub(crate) fn poison(&self, cause: JournalError) {
        let mut slot = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| Arc::new(cause));
        self.poisoned.store(true, Ordering::Release);
    }
}

/// A session's file and the end of its chain.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) state: Folder,
    pub(crate) journal: Folder,
    pub(crate) folder: Folder,
    pub(crate) fd: OwnedFd,
    pub(crate) path: PathBuf,
    pub(crate) session: SessionId,
    pub(crate) size: u64,
    pub(crate) head: Head,
    pub(crate) buffer: Vec<u8>,
    pub(crate) pending: Head,
    /// The tree of the records up to `head`, and up to `pending`.
    pub(crate) tree: Frontier,
    pub(crate) pending_tree: Frontier,
    /// The last record that the ledger knows.
    pub(crate) anchored: u64,
    pub(crate) keys: Keyring,
    pub(crate) clock: Clock,
}

/// A process that this one forks meanwhile holds the same lock until its `execve`, so it is given back and not
/// only closed.
impl Drop for Chain {
    fn drop(&mut self) {
        fs::flock(&self.fd, FlockOperation::Unlock).ok();
    }
}

impl Chain {
    /// Put one record behind those that wait for [`Chain::commit`].
    pub(crate) fn stage(&mut self, members: &[u8]) -> Head {
        let from = self.buffer.len();
        let seq = self.pending.seq.saturating_add(1);
        self.buffer.extend_from_slice(b"{\"v\":1,\"time\":\"");
        self.clock.write(Timestamp::now(), &mut self.buffer);
        self.buffer.extend_from_slice(b"\",\"mono_ns\":");
        encode::number(&mut self.buffer, Timestamp::boot_ns());
        self.buffer.extend_from_slice(b",\"session\":\"");
        self.buffer.extend_from_slice(self.session.as_str().as_bytes());
        self.buffer.extend_from_slice(b"\",\"seq\":");
        encode::number(&mut self.buffer, seq);
        self.buffer.push(b',');
        self.buffer.extend_from_slice(members);
        self.buffer.extend_from_slice(b",\"prev\":\"");
        self.buffer.extend_from_slice(&self.pending.hash.hex());
        self.buffer.push(b'"');
        debug_assert!(self.buffer.len().saturating_sub(from) < encode::RECORD_MAX - 128);
        let hash = record::seal(&mut self.buffer, from);
        let line = self.buffer.get(from..self.buffer.len().saturating_sub(1));
        self.pending_tree.append(tree::leaf(line.unwrap_or_default()));
        self.pending = Head { seq, hash };
        self.pending
    }

    /// Write what is staged, all of it or (as far as the disk lets us) nothing.
    pub(crate) fn commit(&mut self) -> Result<(), JournalError> {
        let written = self.untouched().and_then(|()| {
            disk::append(&self.fd, &self.path, &self.buffer).inspect_err(|_| {
                // What stays if this fails too is cut when the journal is next opened.
                disk::cut(&self.fd, &self.path, self.size).ok();
            })
        });
        match &written {
            Ok(()) => {
                let length = u64::try_from(self.buffer.len()).unwrap_or(0);
                self.size = self.size.saturating_add(length);
                self.head = self.pending;
                self.tree.clone_from(&self.pending_tree);
            }
            Err(_) => {
                self.pending = self.head;
                self.pending_tree.clone_from(&self.tree);
            }
        }
        self.buffer.clear();
        self.buffer.shrink_to(1 << 20);
        written
    }

    /// What puts its records on the disk.
    pub(crate) fn durable(&self) -> Result<Durable, JournalError> {
        let folders = (&self.folder, &self.journal, &self.state);
        Durable::of((&self.fd, &self.path), folders, &self.keys)
    }

    /// Nobody else cut, grew or unlinked the file since our last write.
    fn untouched(&self) -> Result<(), JournalError> {
        let stat = fs::fstat(&self.fd).map_err(io("look at", &self.path))?;
        if size(&stat) == self.size && stat.st_nlink > 0 {
            Ok(())
        } else {
            Err(JournalError::Interfered { path: self.path.clone() })
        }
    }

    fn end(&mut self, durability: Durability, syncer: &mut Syncer) -> Result<Closed, JournalError> {
        // The ledger must not know of records that a power failure can still take.
        if durability == Durability::Durable {
            syncer.sync()?;
        }
        let mut ledger = Ledger::lock(&self.journal, &self.keys)?;
        ledger.enter(Entry::End, &self.session, None, self.head, self.tree.root())?;
        if durability == Durability::Durable {
            ledger.sync()?;
            self.keys.sync()?;
        }
        Ok(Closed { seq: self.head.seq, head: self.head.hash })
    }

    /// Enter how far the session came, if the ledger does not know it yet. False when another process has the
    /// ledger.
    fn checkpoint(&mut self) -> Result<bool, JournalError> {
        if self.anchored == self.head.seq {
            return Ok(true);
        }
        let Some(mut ledger) = Ledger::try_lock(&self.journal, &self.keys)? else {
            return Ok(false);
        };
        ledger.enter(Entry::Checkpoint, &self.session, None, self.head, self.tree.root())?;
        self.anchored = self.head.seq;
        Ok(true)
    }
}

/// The text of the last second, which most records share.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    second: Option<i64>,
    text: String,
}

impl Clock {
    fn write(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        let micros = time.unix_micros();
        let second = micros.div_euclid(1_000_000);
        if self.second != Some(second) {
            self.text = time.to_string();
            self.second = Some(second);
        }
        // `2026-08-01T12:00:00.` and six digits.
        let seconds = self.text.as_bytes().get(..20).unwrap_or_default();
        out.extend_from_slice(seconds);
        let mut digits = [b'0'; 6];
        let mut rest = micros.rem_euclid(1_000_000);
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
        }
        out.extend_from_slice(&digits);
        out.push(b'Z');
    }
}

/// When the next checkpoint is due.
#[derive(Debug, Default)]
struct Due(Option<Instant>);

impl Due {
    /// After records were written. A failure stops the journal: what cannot be proved is not taken.
    fn look(&mut self, chain: &mut Chain) -> Result<(), JournalError> {
        let waiting = chain.head.seq.saturating_sub(chain.anchored);
        if waiting == 0 {
            self.0 = None;
            return Ok(());
        }
        let now = Instant::now();
        let at = *self.0.get_or_insert(now + CHECKPOINT_AFTER);
        if waiting >= CHECKPOINT_RECORDS || at <= now {
            self.0 = if chain.checkpoint()? { None } else { Some(now + CHECKPOINT_RETRY) };
        }
        Ok(())
    }

    /// When to look again. A journal that takes nothing any more has none to wait for.
    fn next(&self, shared: &Shared) -> Option<Instant> {
        self.0.filter(|_| shared.check().is_ok())
    }
}

/// Take messages until the journal is closed or all its handles are gone.
pub(crate) fn run(
    mut chain: Chain,
    mut queue: mpsc::Receiver<Message>,
    shared: &Shared,
    (policy, scrub): (&ArcSwap<PolicyDigest>, &Scrubs),
    mut syncer: Syncer,
) {
    let mut messages = Vec::with_capacity(BATCH);
    let mut counting: Option<Instant> = None;
    let mut checkpoint = Due::default();
    loop {
        let taken = match counting.into_iter().chain(checkpoint.next(shared)).min() {
            None => Some(park::block_on(queue.recv_many(&mut messages, BATCH))),
            Some(until) => park::block_until(queue.recv_many(&mut messages, BATCH), until),
        };
        if taken == Some(0) {
            break;
        }
        let (mut waiting, mut close) = (Vec::new(), None);
        for message in messages.drain(..) {
            match message {
                Message::Record { members, durability, answer } if close.is_none() => {
                    waiting.push((chain.stage(&members), durability, answer));
                }
                Message::Record { answer, .. } => answer_to(answer, Err(JournalError::Closed)),
                Message::Counting => counting = Some(Instant::now() + FLUSH),
                Message::Close { members, durability, answer } => {
                    if close.is_none() {
                        close = Some((members, durability, answer));
                    } else {
                        answer_to(answer, Err(JournalError::Closed));
                    }
                }
            }
        }
        let due = counting.is_some_and(|until| until <= Instant::now());
        if due || close.is_some() {
            stage_counts(&mut chain, shared, &policy.load(), scrub);
            counting = None;
        }
        if let Some((members, ..)) = &close {
            chain.stage(members);
        }
        let written = shared
            .check()
            .and_then(|()| write_and_answer(&mut chain, shared, waiting, &mut syncer));
        if close.is_none()
            && written.is_ok()
            && let Err(error) = checkpoint.look(&mut chain)
        {
            shared.poison(error);
        }
        if let Some((_, durability, answer)) = close {
            queue.close();
            // Whoever still waits for the disk is answered first.
            syncer.settle();
            let ended = written
                .and_then(|()| shared.check())
                .and_then(|()| chain.end(durability, &mut syncer));
            shared.poison(match &ended {
                Ok(_) => JournalError::Closed,
                Err(error) => error.clone(),
            });
            // Whoever is told that it ended must find it unlocked.
            drop(chain);
            drop(syncer);
            answer_to(answer, ended);
            return;
        }
    }
    stage_counts(&mut chain, shared, &policy.load(), scrub);
    if shared.check().is_ok() {
        // No handle is left that could be told.
        chain.commit().ok();
    }
}

type Waiting = Vec<(Head, Durability, Answer<Receipt>)>;

fn write_and_answer(
    chain: &mut Chain,
    shared: &Shared,
    waiting: Waiting,
    syncer: &mut Syncer,
) -> Result<(), JournalError> {
    let written = if chain.buffer.is_empty() { Ok(()) } else { chain.commit() };
    if let Err(error) = &written {
        shared.poison(error.clone());
    }
    let mut durable = Vec::new();
    for (head, durability, answer) in waiting {
        match &written {
            Err(error) => answer_to(answer, Err(error.clone())),
            Ok(()) if durability == Durability::Durable => durable.push((head, answer)),
            Ok(()) => answer_to(answer, Ok(Receipt { seq: head.seq })),
        }
    }
    written?;
    if !durable.is_empty() {
        syncer.wait(durable);
    }
    Ok(())
}

fn stage_counts(chain: &mut Chain, shared: &Shared, policy: &PolicyDigest, scrub: &Scrubs) {
    let mut fold = shared.fold.lock().unwrap_or_else(PoisonError::into_inner);
    if fold.is_pending() {
        for event in fold.flush(Instant::now()) {
            // What is counted only is not looked at each time.
            let event = match scrub.get() {
                Some(scrub) => scrub.scrub(event),
                None => event,
            };
            chain.stage(&encode::event(&event, policy.as_str()));
        }
    }
}

fn answer_to<T>(answer: Answer<T>, result: Result<T, JournalError>) {
    // Whoever asked may have stopped waiting; the record stands all the same.
    answer.send(result).ok();
}

/// The chain of a session that has no record yet.
pub(crate) fn genesis(session: &SessionId) -> Head {
    Head { seq: 0, hash: Hash::session_genesis(session) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that waited for it would be woken at once, for ever.
    #[test]
    fn a_journal_that_takes_nothing_any_more_waits_for_no_checkpoint() {
        let shared = Shared {
            fold: Mutex::new(Fold::new(Instant::now())),
            poisoned: AtomicBool::new(false),
            cause: Mutex::new(None),
        };
        let due = Due(Some(Instant::now()));
        assert_eq!(due.next(&shared), due.0);
        shared.poison(JournalError::Closed);
        assert_eq!(due.next(&shared), None);
    }
}
