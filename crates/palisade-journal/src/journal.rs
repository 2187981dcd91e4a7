use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
    thread,
    time::Instant,
};

use arc_swap::ArcSwap;
use palisade_core::{Event, Layer, PolicyDigest, SessionId, Verdict};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Hash, JournalError, encode,
    fold::{Admit, Fold},
    keys::Keyring,
    ledger::{Entry, Ledger},
    park,
    recover::{self, Whole},
    store::{self, FIRST_SEGMENT, Folder, PACKED, following},
    syncer::Syncer,
    writer::{self, Chain, Clock, Message, Shared},
};

/// The kinds of the records that tie a session's chain to the ledger. Reserved.
pub(crate) const OPEN: &str = "journal_open";
pub(crate) const REOPEN: &str = "journal_reopen";
/// The kind of the record that tells of a tail that was cut. Stands before the opening.
pub(crate) const RECOVERED: &str = "recovered";

/// Records that wait for the writer; with more, callers wait.
const QUEUE: usize = 512;

/// When a record counts as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The kernel has it: it outlives this process, not a power failure.
    #[default]
    Written,
    /// The disk has it. For what allows an effect that cannot be undone; costs a sync, shared by
    /// all that wait at the same time.
    Durable,
}

impl Durability {
    /// How durable an event is before its effect: the class that `docs/journal-format.md` states for its kind.
    ///
    /// On the disk is what lets something be changed elsewhere or in force, and cannot be taken back: an operator's
    /// permission, a policy that comes into force, a request that is not only reading. All else is with the kernel:
    /// it outlives every process, and what a power failure takes of it, it takes of the effects on this machine too.
    pub fn of(event: &Event) -> Self {
        if event.decision != Verdict::Allow {
            return Durability::Written;
        }
        let method = || event.detail.get("method").and_then(|method| method.as_str());
        let reads = |method| matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
        match event.kind.as_str() {
            "approval" | "policy" => Durability::Durable,
            "request" if !method().is_some_and(reads) => Durability::Durable,
            _ => Durability::Written,
        }
    }
}

/// Proof that a record was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The record's number in its session.
    pub seq: u64,
}

/// Where a journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The number of the last record.
    pub seq: u64,
    /// Its hash, which stands for the whole session.
    pub head: Hash,
}

/// Takes out of an event what must not be in any record: secrets.
pub trait Scrub: fmt::Debug + Send + Sync + 'static {
    /// The event without them. It stays what it was about otherwise.
    fn scrub(&self, event: Event) -> Event;
}

/// One session's journal, open for writing. Clones are handles to the same journal.
///
/// A handle that is dropped without [`Journal::close`] leaves the session without an end in the
/// ledger, which verification shows as `ended hard`.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Message>,
    shared: Arc<Shared>,
    session: SessionId,
    policy: Arc<ArcSwap<PolicyDigest>>,
    scrub: Scrubs,
}

/// Whether an event gets a record of its own, or was counted.
#[derive(Debug)]
#[must_use = "what was counted is told to the writer by `Journal::record_admitted`"]
pub struct Admitted(Admit);

impl Admitted {
    /// Whether it gets a record of its own.
    pub fn is_written(&self) -> bool {
        self.0 == Admit::Write
    }
}

/// What events go through, once it is set.
pub(crate) type Scrubs = Arc<OnceLock<Arc<dyn Scrub>>>;

impl Journal {
    /// Open the journal of `session`, make it if it is new, and start its writer thread (so:
    /// after any fork). A torn tail is cut and recorded.
    ///
    /// The first record tells that it was opened. It fails if the folder is not ours, another
    /// process writes the same session, or what is there is damaged.
    pub fn open(
        state_dir: &Path,
        session: &SessionId,
        name: Option<&str>,
        policy: &PolicyDigest,
    ) -> Result<Self, JournalError> {
        let chain = open_chain(state_dir, session, name, policy)?;
        let shared = Arc::new(Shared {
            fold: Mutex::new(Fold::new(Instant::now())),
            poisoned: AtomicBool::new(false),
            cause: Mutex::new(None),
        });
        let (queue, messages) = mpsc::channel(QUEUE);
        let policy = Arc::new(ArcSwap::from_pointee(policy.clone()));
        let syncer = Syncer::new(chain.durable()?, Arc::clone(&shared));
        let scrub = Scrubs::default();
        let (theirs, digest) = (Arc::clone(&shared), (Arc::clone(&policy), Arc::clone(&scrub)));
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer::run(chain, messages, &theirs, (&digest.0, &digest.1), syncer))
            .map_err(|_| JournalError::NoWriter)?;
        Ok(Self { queue, shared, session: session.clone(), policy, scrub })
    }

    /// The session that this journal is of.
    pub fn session(&self) -> &SessionId {
        &self.session
    }

    /// From now on every event goes through this first. It is set once.
    pub fn scrub_with(&self, scrub: Arc<dyn Scrub>) {
        self.scrub.set(scrub).ok();
    }

    fn scrubbed(&self, event: Event) -> Event {
        match self.scrub.get() {
            Some(scrub) => scrub.scrub(event),
            None => event,
        }
    }

    /// Records from now on were decided under this policy. One that waits for the writer keeps the
    /// policy that it was decided under.
    pub fn set_policy(&self, policy: PolicyDigest) {
        self.policy.store(Arc::new(policy));
    }

    /// Write an event. Resolves when the kernel has it; on an error the act must not happen.
    ///
    /// Waits while the queue is full. A future that is dropped before it resolves may or may not
    /// leave the record.
    pub async fn record(&self, event: Event) -> Result<Receipt, JournalError> {
        self.send(event, None, Durability::Written).await
    }

    /// [`Journal::record`] for what this policy decided, whichever is in force by now.
    pub async fn record_under(
        &self,
        event: Event,
        policy: &PolicyDigest,
    ) -> Result<Receipt, JournalError> {
        self.send(event, Some(policy), Durability::Written).await
    }

    /// Write an event. Resolves when the disk has it.
    pub async fn record_durable(&self, event: Event) -> Result<Receipt, JournalError> {
        self.send(event, None, Durability::Durable).await
    }

    /// Write an event as durably as its class asks ([`Durability::of`]); `policy` is what decided it, by default the
    /// one in force.
    pub async fn record_by_class(
        &self,
        event: Event,
        policy: Option<&PolicyDigest>,
    ) -> Result<Receipt, JournalError> {
        let durability = Durability::of(&event);
        self.send(event, policy, durability).await
    }

    /// Write an event from a thread that may wait.
    pub fn record_blocking(
        &self,
        event: Event,
        durability: Durability,
    ) -> Result<Receipt, JournalError> {
        park::block_on(self.send(event, None, durability))
    }

    /// Write an event that an agent can cause as often as it likes and that permits nothing: a
    /// denial. The first of each (kind, layer, decision, rule, subject) is written; of a flood
    /// only some are, `None` says that this one was counted, and the exact counts follow within
    /// seconds as events of kind `folded`, at the latest at the close.
    ///
    /// Fails like [`Journal::record`] when the journal takes nothing.
    pub async fn record_folding(&self, event: Event) -> Result<Option<Receipt>, JournalError> {
        self.fold(event, None).await
    }

    /// [`Journal::record_folding`] for what this policy decided. What is counted has the policy that is in
    /// force when the count is written.
    pub async fn record_folding_under(
        &self,
        event: Event,
        policy: &PolicyDigest,
    ) -> Result<Option<Receipt>, JournalError> {
        self.fold(event, Some(policy)).await
    }

    async fn fold(
        &self,
        event: Event,
        policy: Option<&PolicyDigest>,
    ) -> Result<Option<Receipt>, JournalError> {
        let admitted = self.admit(&event);
        self.put(event, policy, admitted).await
    }

    /// Whether [`Journal::record_folding`] would write this event; if not, it is counted by now. What costs something to find
    /// out need only be added to what is written. It is to be given to [`Journal::record_admitted`] either way.
    pub fn admit(&self, event: &Event) -> Admitted {
        let mut fold = self.shared.fold.lock().unwrap_or_else(PoisonError::into_inner);
        Admitted(fold.admit(event, Instant::now()))
    }

    /// [`Journal::record_folding`] for an event that was admitted; what was added to it since is written with it.
    ///
    /// # Errors
    /// As of [`Journal::record_folding`].
    pub async fn record_admitted(
        &self,
        event: Event,
        admitted: Admitted,
    ) -> Result<Option<Receipt>, JournalError> {
        self.put(event, None, admitted).await
    }

    async fn put(
        &self,
        event: Event,
        policy: Option<&PolicyDigest>,
        admitted: Admitted,
    ) -> Result<Option<Receipt>, JournalError> {
        self.shared.check()?;
        match admitted.0 {
            Admit::Write => self.send(event, policy, Durability::Written).await.map(Some),
            Admit::Fold(first) => {
                if first {
                    // The writer must not sleep on it; from now on it keeps the time itself.
                    let gone = |_| self.gone();
                    self.queue.send(Message::Counting).await.map_err(gone)?;
                }
                Ok(None)
            }
        }
    }

    /// Write what is counted, then `last`, enter the session's end in the ledger, and stop.
    /// With [`Durability::Durable`] all of it is on the disk when this resolves.
    pub async fn close(&self, last: Event, durability: Durability) -> Result<Closed, JournalError> {
        self.shared.check()?;
        let members = encode::event(&self.scrubbed(last), self.policy.load().as_str());
        let (answer, result) = oneshot::channel();
        let message = Message::Close { members, durability, answer };
        self.queue.send(message).await.map_err(|_| self.gone())?;
        result.await.map_err(|_| self.gone())?
    }

    /// [`Journal::close`] from a thread that may wait.
    pub fn close_blocking(
        &self,
        last: Event,
        durability: Durability,
    ) -> Result<Closed, JournalError> {
        park::block_on(self.close(last, durability))
    }

    async fn send(
        &self,
        event: Event,
        policy: Option<&PolicyDigest>,
        durability: Durability,
    ) -> Result<Receipt, JournalError> {
        self.shared.check()?;
        let event = self.scrubbed(event);
        let members = match policy {
            Some(policy) => encode::event(&event, policy.as_str()),
            None => encode::event(&event, self.policy.load().as_str()),
        };
        let (answer, result) = oneshot::channel();
        let message = Message::Record { members, durability, answer };
        self.queue.send(message).await.map_err(|_| self.gone())?;
        result.await.map_err(|_| self.gone())?
    }

    /// How many more records the queue takes before callers wait.
    #[cfg(test)]
    pub(crate) fn free(&self) -> usize {
        self.queue.capacity()
    }

    /// Why the writer does not answer.
    fn gone(&self) -> JournalError {
        self.shared.check().err().unwrap_or(JournalError::NoWriter)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("session", &self.session).finish_non_exhaustive()
    }
}

pub(crate) fn open_chain(
    state_dir: &Path,
    session: &SessionId,
    name: Option<&str>,
    policy: &PolicyDigest,
) -> Result<Chain, JournalError> {
    let state = Folder::state(state_dir)?;
    let journal = state.journal()?;
    let keys = Keyring::open(&state)?;
    let folder = journal.session(session)?;
    let last = folder.segments()?.pop().unwrap_or_else(|| FIRST_SEGMENT.into());
    let segment = if last.ends_with(PACKED) {
        following(&last).ok_or_else(|| JournalError::Damaged {
            path: folder.path().into(),
            offset: 0,
            what: "there is no number for another segment".into(),
        })?
    } else {
        last
    };
    let (fd, _) = folder.append(&segment)?;
    let path = folder.path().join(&segment);
    recover::own(&fd, &path, session)?;
    // Another process may have written until now, and ended.
    let size = store::size(&rustix::fs::fstat(&fd).map_err(store::io("look at", &path))?);
    if folder.segments()?.pop().is_some_and(|newest| newest != segment) {
        return Err(JournalError::Busy(session.clone()));
    }

    // The ledger stays locked until both chains name each other.
    let mut ledger = Ledger::lock(&journal, &keys)?;
    let anchor = ledger.head();
    let tail = if size == 0 && segment == FIRST_SEGMENT {
        Whole::fresh(session)
    } else {
        recover::tail(&journal, &folder, &fd, session)?
    };
    let mut chain = Chain {
        fd,
        path,
        session: session.clone(),
        size: tail.size,
        head: tail.head,
        pending: tail.head,
        tree: tail.tree.clone(),
        pending_tree: tail.tree,
        anchored: 0,
        buffer: Vec::new(),
        clock: Clock::default(),
        state,
        journal,
        folder,
        keys: keys.again()?,
    };
    if let Some(torn) = &tail.torn {
        let event = Event::observed(RECOVERED, Layer::Supervisor, segment)
            .with("cut_bytes", torn.bytes)
            .with("cut_sha256", torn.hash.to_string());
        chain.stage(&encode::event(&event, policy.as_str()));
    }
    let kind = if tail.head.seq == 0 { OPEN } else { REOPEN };
    let mut event = Event::observed(kind, Layer::Supervisor, name.unwrap_or(session.as_str()));
    event = event
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("ledger_seq", anchor.seq)
        .with("ledger_hash", anchor.hash.to_string());
    if let Some(name) = name {
        event = event.with("name", name);
    }
    chain.stage(&encode::event(&event, policy.as_str()));
    chain.commit()?;
    ledger.enter(Entry::Start, session, name, chain.head, chain.tree.root())?;
    drop(ledger);
    chain.anchored = chain.head.seq;
    Ok(chain)
}
