//! One session on its way to one destination.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use palisade_core::{Event, Layer, SessionId};
use palisade_journal::{
    Journal, Record, Timestamp,
    follow::{Follow, Position},
};
use tokio::{sync::watch, time::timeout};

use crate::{
    backoff::Backoff,
    cursor::Cursor,
    sink::{Failure, Sink, Taken},
};

/// Records of one attempt.
const BATCH: usize = 512;
/// Between two looks at a journal that had nothing new.
const POLL: Duration = Duration::from_millis(500);
/// For one attempt, answer included.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(30);
/// Attempts that fail in a row before it is recorded that sending lags.
pub(crate) const LAGS_AFTER: u32 = 3;

/// Until when to go on: `None` is for ever.
pub(crate) type Until = Option<Instant>;

/// What a lane did not send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) records: u64,
    pub(crate) why: String,
}

/// One session, one destination.
#[derive(Debug)]
pub(crate) struct Lane {
    state_dir: PathBuf,
    session: SessionId,
    describe: String,
    sink: Sink,
    cursor: Cursor,
    follow: Follow,
    backoff: Backoff,
    /// Where what goes wrong is recorded, if the session still runs.
    journal: Option<Journal>,
    /// Whether it was recorded that it lags.
    lags: bool,
}

impl Lane {
    pub(crate) fn new(
        (state_dir, session): (&Path, &SessionId),
        describe: &str,
        mut sink: Sink,
        cursor: Cursor,
        journal: Option<Journal>,
    ) -> Result<Self, String> {
        let position = cursor.progress.position.clone();
        if sink.counts() && position != Position::default() {
            count(state_dir, session, cursor.progress.through, &mut sink)?;
        }
        let follow =
            Follow::open(state_dir, session, position).map_err(|error| error.to_string())?;
        Ok(Self {
            state_dir: state_dir.to_owned(),
            session: session.clone(),
            describe: describe.to_owned(),
            sink,
            cursor,
            follow,
            backoff: Backoff::default(),
            journal,
            lags: false,
        })
    }

    /// Send what there is and what comes, until told to stop and nothing is left, or the time is over.
    ///
    /// `live`: more may come. Else it ends with the last record.
    pub(crate) async fn run(
        mut self,
        mut until: watch::Receiver<Until>,
        live: bool,
    ) -> Option<Rest> {
        let why = match self.all(&mut until, live).await {
            Ok(()) => {
                let ended = !self.follow.is_written().unwrap_or(true);
                let kept = match ended && self.cursor.progress.ended {
                    true => self.cursor.complete(),
                    false => self.cursor.keep(false),
                };
                return kept.err().map(|why| Rest { records: 0, why: why.to_string() });
            }
            Err(why) => why,
        };
        self.cursor.progress.error = Some(why.clone());
        self.cursor.keep(false).ok();
        Some(Rest { records: self.left(), why })
    }

    async fn all(&mut self, until: &mut watch::Receiver<Until>, live: bool) -> Result<(), String> {
        loop {
            // Told before it is looked: what was written before the stop is seen.
            let stopped = until.borrow_and_update().is_some();
            let found = self.follow.take(BATCH).map_err(|error| error.to_string())?;
            let odd = found.unreadable.saturating_add(found.missing);
            if odd > 0 {
                self.cursor.progress.unreadable =
                    self.cursor.progress.unreadable.saturating_add(odd);
                let why = format!("{odd} lines of the journal are no record, or missing");
                self.tell("export_dropped", &why, odd).await;
            }
            let through = self.cursor.progress.through;
            let mut records = found.records;
            records.retain(|record| record.seq > through);
            if !records.is_empty() {
                self.deliver(records, until).await?;
                self.cursor.progress.position = found.after;
                self.keep()?;
                continue;
            }
            if stopped || !live {
                let closed = timeout(ATTEMPT_WITHIN, self.sink.close()).await;
                return match closed {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(failure)) => Err(failure.why().to_owned()),
                    Err(_) => Err("it does not answer".to_owned()),
                };
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                changed = until.changed() => {
                    changed.map_err(|_| "the session is gone".to_owned())?;
                }
            }
        }
    }

    /// Send these, in halves where the receiver will not have them whole, until each was taken or
    /// refused for itself.
    async fn deliver(
        &mut self,
        records: Vec<Record>,
        until: &mut watch::Receiver<Until>,
    ) -> Result<(), String> {
        let mut parts = VecDeque::from([records]);
        while let Some(mut part) = parts.pop_front() {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
            let (first, last) = (first.seq, last.seq);
            let before = self.cursor.progress.begun;
            let again = self.cursor.begin(first, last).map_err(|error| error.to_string())?;
            let sent = self.attempt(&part, again, until).await;
            match sent {
                Ok(taken) => self.taken(&part, again, taken).await?,
                Err(Failure::Never(why)) if part.len() > 1 => {
                    // It says that it took none of them.
                    self.cursor.not_begun(before);
                    let rest = part.split_off(part.len() / 2);
                    parts.push_front(rest);
                    parts.push_front(part);
                    self.cursor.progress.error = Some(why);
                }
                Err(Failure::Never(why)) => self.dropped(&part, why).await?,
                Err(Failure::Later { why, after, left }) => {
                    if !left && !again {
                        self.cursor.not_begun(before);
                    }
                    parts.push_front(part);
                    self.failed(why.clone()).await?;
                    let wait = self.backoff.next(after);
                    // One that was away before is asked once more at the end, and not waited for.
                    let given_up = self.lags && until.borrow().is_some();
                    if given_up || !pause(wait, until).await {
                        return Err(why);
                    }
                }
            }
        }
        Ok(())
    }

    /// One attempt, as long as there is time.
    async fn attempt(
        &mut self,
        part: &[Record],
        again: bool,
        until: &mut watch::Receiver<Until>,
    ) -> Result<Taken, Failure> {
        let sending = timeout(ATTEMPT_WITHIN, self.sink.send(part, again));
        tokio::select! {
            sent = sending => sent.unwrap_or_else(|_| Err(Failure::after("it does not answer"))),
            () = over(until.clone()) => Err(Failure::after("there was no more time")),
        }
    }

    async fn taken(&mut self, part: &[Record], again: bool, taken: Taken) -> Result<(), String> {
        let number = u64::try_from(part.len()).unwrap_or(0);
        let refused = taken.refused.min(number);
        let progress = &mut self.cursor.progress;
        let accepted = number.saturating_sub(refused);
        progress.sent = progress.sent.saturating_add(accepted);
        if again {
            progress.resent = progress.resent.saturating_add(accepted);
        }
        progress.dropped = progress.dropped.saturating_add(refused);
        progress.failing_since = None;
        self.cursor.pass(part);
        self.keep()?;
        if refused > 0 && !own(part) {
            let why = taken.why.unwrap_or_else(|| "it does not say why".to_owned());
            self.tell("export_dropped", &why, refused).await;
        }
        if self.lags {
            self.lags = false;
            self.tell("export_resumed", "", 0).await;
        }
        self.backoff.reset();
        Ok(())
    }

    async fn dropped(&mut self, part: &[Record], why: String) -> Result<(), String> {
        let progress = &mut self.cursor.progress;
        progress.dropped = progress.dropped.saturating_add(1);
        progress.error = Some(why.clone());
        self.cursor.pass(part);
        self.keep()?;
        // That a record of this kind was refused would be refused as well, for ever.
        if !own(part) {
            self.tell("export_dropped", &why, 1).await;
        }
        Ok(())
    }

    async fn failed(&mut self, why: String) -> Result<(), String> {
        let progress = &mut self.cursor.progress;
        progress.failures = progress.failures.saturating_add(1);
        progress.failing_since.get_or_insert(Timestamp::now());
        progress.error = Some(why.clone());
        self.keep()?;
        if !self.lags && self.backoff.failures().saturating_add(1) >= LAGS_AFTER {
            self.lags = true;
            let waiting = self.left();
            self.tell("export_lag", &why, waiting).await;
        }
        Ok(())
    }

    fn keep(&self) -> Result<(), String> {
        self.cursor.keep(false).map_err(|error| error.to_string())
    }

    /// Record it in the session's own journal, as long as that is open.
    async fn tell(&self, kind: &str, why: &str, count: u64) {
        let Some(journal) = &self.journal else { return };
        let mut event = Event::observed(kind, Layer::Supervisor, self.describe.as_str());
        event.reason = why.to_owned();
        if count > 0 {
            event = event.with("count", count);
        }
        // A journal that takes nothing more is closed or broken; the cursor has it all the same.
        journal.record_folding(event).await.ok();
    }

    /// How many records wait.
    fn left(&self) -> u64 {
        let through = self.cursor.progress.through;
        let position = self.cursor.progress.position.clone();
        let Ok(mut follow) = Follow::open(&self.state_dir, &self.session, position) else {
            return 0;
        };
        let mut left = 0_u64;
        while let Ok(found) = follow.take(BATCH) {
            if found.records.is_empty() {
                break;
            }
            let waiting = found.records.iter().filter(|record| record.seq > through).count();
            left = left.saturating_add(u64::try_from(waiting).unwrap_or(0));
        }
        left
    }
}

/// Whether these only tell of sending itself.
fn own(part: &[Record]) -> bool {
    part.iter().all(|record| record.kind.starts_with("export_"))
}

/// Tell a sink of what was sent before.
fn count(
    state_dir: &Path,
    session: &SessionId,
    through: u64,
    sink: &mut Sink,
) -> Result<(), String> {
    let mut follow =
        Follow::open(state_dir, session, Position::default()).map_err(|error| error.to_string())?;
    loop {
        let found = follow.take(BATCH).map_err(|error| error.to_string())?;
        let mut records = found.records;
        let all = records.len();
        records.retain(|record| record.seq <= through);
        sink.pass(&records);
        if records.is_empty() || records.len() < all {
            return Ok(());
        }
    }
}

/// Wait, and say whether to try again.
pub(crate) async fn pause(wait: Duration, until: &mut watch::Receiver<Until>) -> bool {
    let stopped = until.borrow_and_update().is_some();
    tokio::select! {
        () = tokio::time::sleep(wait) => true,
        () = over(until.clone()) => false,
        // Told to end: there is a little time, which is not waited away.
        changed = until.changed(), if !stopped => changed.is_ok(),
    }
}

/// Resolves when the time is over.
pub(crate) async fn over(mut until: watch::Receiver<Until>) {
    loop {
        let end = *until.borrow_and_update();
        match end {
            Some(end) => {
                let end = tokio::time::Instant::from_std(end);
                tokio::select! {
                    () = tokio::time::sleep_until(end) => return,
                    changed = until.changed() => if changed.is_err() { return },
                }
            }
            None => {
                if until.changed().await.is_err() {
                    // Nobody can end it any more, but the process.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}
