//! All that is to go to one place, once.

use std::{collections::BTreeSet, path::Path};

use palisade_core::{Event, Layer, SessionId};
use palisade_journal::{
    Journal, Timestamp, recover,
    ship::{self, LEDGER_FOLDER, MANIFESTS, POLICIES, Piece, Sealed, Sealing, Shipping},
};
use tokio::{sync::watch, time::timeout};

use super::{
    Item, Place, Put, Store, Unshipped,
    cursor::{Cursors, Object, Shipment},
};
use crate::{
    backoff::Backoff,
    lane::{LAGS_AFTER, Until, over, pause},
    sink::Failure,
};

/// What is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which<'a> {
    /// What is owed, but this session, which runs.
    Others(&'a SessionId),
    /// What is owed.
    Owed,
    /// Whatever has ended.
    All,
}

/// How it went.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Sessions that are there now, and were not.
    pub(super) shipped: u64,
    pub(super) left: Vec<Unshipped>,
}

/// Why a round ends.
enum Stop {
    /// This one cannot go; others may.
    This(String),
    /// Nothing can.
    All(String),
}

/// One place at one time.
pub(super) struct Round<'a> {
    pub(super) state: &'a Path,
    pub(super) place: &'a Place,
    pub(super) until: watch::Receiver<Until>,
    /// Where what goes wrong is recorded, if a session runs.
    pub(super) journal: Option<&'a Journal>,
    /// Whether it was recorded that it lags.
    pub(super) lags: &'a mut bool,
}

impl Round<'_> {
    pub(super) async fn run(&mut self, which: Which<'_>) -> Done {
        let mut done = Done::default();
        if let Err(why) = self.all(which, &mut done).await {
            self.leave(&mut done, None, why);
        }
        done
    }

    fn leave(&self, done: &mut Done, session: Option<SessionId>, why: String) {
        done.left.push(Unshipped { destination: self.place.describe(), session, why });
    }

    async fn all(&mut self, which: Which<'_>, done: &mut Done) -> Result<(), String> {
        let (id, describe) = (self.place.id(), self.place.describe());
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let taken = Cursors::take(self.state, (&id, &describe)).map_err(|e| text(&e))?;
        let Some(cursors) = taken else {
            return match which {
                Which::Others(_) => Ok(()),
                _ => Err("another process ships to it".to_owned()),
            };
        };
        let begin = || Shipping::begin(self.state).map_err(|e| text(&e));
        let Some(mut shipping) = begin()? else { return Ok(()) };
        let owed: BTreeSet<SessionId> = cursors.pending().into_iter().collect();
        // One whose supervisor died is ended first.
        let dead = owed.iter().filter(|one| shipping.is_dead(one));
        let ended = dead.filter(|one| recover(self.state, one).is_ok()).count();
        if ended > 0
            && let Some(again) = begin()?
        {
            shipping = again;
        }
        let mut due = Vec::new();
        for (session, records) in shipping.ended() {
            let known = cursors.session(session).map_err(|e| text(&e))?;
            let whole = known.with_named || which != Which::All;
            let there = known.shipped.is_some() && known.records >= records && whole;
            // A session that is there may have gone on since.
            let wanted = owed.contains(session) || known.shipped.is_some() || which == Which::All;
            if wanted && !there && !matches!(which, Which::Others(own) if own == session) {
                due.push((session.clone(), known));
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let mut store = Store::of(self.place, cursors.folder())?;
        if let Err(why) = self.ledger(&cursors, &shipping, &mut store).await {
            // Without it none of them goes.
            for (_, known) in &mut due {
                noted(&cursors, known, &why)?;
            }
            return Err(why);
        }
        for (session, known) in due {
            match self.session(&cursors, &shipping, &mut store, known).await {
                Ok(true) => done.shipped = done.shipped.saturating_add(1),
                Ok(false) => {}
                Err(Stop::This(why)) => {
                    self.tell("ship_refused", &format!("{session}: {why}")).await;
                    self.leave(done, Some(session), why);
                }
                Err(Stop::All(why)) => {
                    self.leave(done, Some(session), why);
                    return Ok(());
                }
            }
        }
        // That they are there has to be there as well.
        self.ledger(&cursors, &shipping, &mut store).await
    }

    /// The ledger's entries that are not there.
    async fn ledger(
        &mut self,
        cursors: &Cursors,
        shipping: &Shipping,
        store: &mut Store,
    ) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let mut at = cursors.ledger().map_err(|e| text(&e))?;
        let folders = [shipping.name.as_str(), LEDGER_FOLDER];
        loop {
            // What was begun is gone on with as it was: the next part begins behind it.
            let most = at.begun.as_ref().map(|(_, end)| end.seq);
            let part = shipping.part(&at.reached, most).map_err(|e| text(&e))?;
            let Some(part) = part else { return Ok(()) };
            let mut item = Item::of_part(&folders, &part);
            let again = at.begun.as_ref().is_some_and(|(object, _)| *object == item.object());
            item.before = at.begun.as_ref().map(|(object, _)| object.sha256);
            at.begun = Some((item.object(), part.end.clone()));
            cursors.keep_ledger(&at).map_err(|e| text(&e))?;
            let put = self.attempts(store, &item, |_| Ok(())).await;
            let put = put.map_err(|stop| match stop {
                Stop::This(why) | Stop::All(why) => why,
            })?;
            at.again = at.again.saturating_add(u64::from(again || matches!(put, Put::There(_))));
            at.parts = at.parts.saturating_add(1);
            (at.reached, at.begun) = (part.end, None);
            cursors.keep_ledger(&at).map_err(|e| text(&e))?;
        }
    }

    /// Whether it is there now.
    async fn session(
        &mut self,
        cursors: &Cursors,
        shipping: &Shipping,
        store: &mut Store,
        mut known: Shipment,
    ) -> Result<bool, Stop> {
        let session = known.session.clone();
        let failed = |error: &dyn std::fmt::Display| Stop::This(error.to_string());
        let sealed = match shipping.seal(&session).map_err(|e| failed(&e))? {
            Sealing::Sealed(sealed) => sealed,
            // Another time.
            Sealing::Open | Sealing::Busy => return Ok(false),
            Sealing::Damaged(what) => {
                let why = format!("it is damaged, and stays where it is ({what})");
                noted(cursors, &mut known, &why).map_err(Stop::This)?;
                return Err(Stop::This(why));
            }
            _ => return Ok(false),
        };
        let Sealed { records, pieces, lacking, .. } = sealed;
        known.shipped = None;
        for piece in &pieces {
            if !known.objects.iter().any(|object| object.name == piece.title()) {
                self.piece(cursors, shipping, store, &mut known, piece).await?;
            }
        }
        // What is there from before it was lost here is there.
        known.lacking = lacking;
        let objects = &known.objects;
        known.lacking.retain(|lacks| !objects.iter().any(|one| one.name == lacks.name));
        let listed = objects.iter().map(|one| (one.name.as_str(), &one.sha256));
        let (text, digest) = ship::manifest(listed, &known.lacking);
        if !known.lacking.is_empty() || objects.iter().any(|one| one.name.contains('/')) {
            let name = format!("{digest}.txt");
            let folders = [shipping.name.as_str(), MANIFESTS];
            let item = Item::of_text(&folders, &name, &text);
            self.put(cursors, store, &mut known, item).await?;
        }
        let describe = self.place.describe();
        if !shipping.is_shipped(&session, &describe, records, digest) {
            shipping.enter(&session, &describe, records, digest).map_err(|e| failed(&e))?;
        }
        for lacks in &known.lacking {
            // What was erased is in the ledger, with the reason.
            if lacks.why != "erased" {
                let what = format!("{session}: {} did not go: {}", lacks.name, lacks.why);
                self.tell("ship_refused", &what).await;
            }
        }
        (known.records, known.shipped, known.error) = (records, Some(Timestamp::now()), None);
        known.with_named = true;
        cursors.complete(&known).map_err(|e| failed(&e))?;
        Ok(true)
    }

    /// A file of a session, that is not known to be there.
    async fn piece(
        &mut self,
        cursors: &Cursors,
        shipping: &Shipping,
        store: &mut Store,
        known: &mut Shipment,
        piece: &Piece,
    ) -> Result<(), Stop> {
        let failed = |error: &dyn std::fmt::Display| Stop::This(error.to_string());
        let session = known.session.clone();
        let inside = piece.folder.unwrap_or(session.as_str());
        let folders = [shipping.name.as_str(), inside];
        let mut item = Item::of_piece(&folders, piece).map_err(|e| failed(&e))?;
        let mut object = item.object();
        object.name = piece.title();
        let shared = piece.folder == Some(POLICIES);
        let mut at = cursors.ledger().map_err(|e| failed(&e))?;
        // Another session with the same policy brought it there.
        if !(shared && at.policies.contains(&piece.name)) {
            item.before = known
                .begun
                .as_ref()
                .filter(|begun| begun.name == object.name)
                .map(|begun| begun.sha256);
            let put = self.put_as(cursors, store, known, (&item, object.clone())).await?;
            // What is there is what was begun first, if that is there.
            if let Put::There(sha256) = put {
                object.sha256 = sha256;
            }
            if shared {
                at.policies.insert(piece.name.clone());
                cursors.keep_ledger(&at).map_err(|e| failed(&e))?;
            }
        }
        known.objects.push(object);
        (known.begun, known.failing_since) = (None, None);
        cursors.keep(known).map_err(|e| failed(&e))
    }

    async fn put(
        &mut self,
        cursors: &Cursors,
        store: &mut Store,
        known: &mut Shipment,
        item: Item<'_>,
    ) -> Result<(), Stop> {
        let object = item.object();
        self.put_as(cursors, store, known, (&item, object)).await?;
        (known.begun, known.failing_since) = (None, None);
        cursors.keep(known).map_err(|error| Stop::This(error.to_string()))
    }

    /// Note that it is about to go, by this name, and send it.
    async fn put_as(
        &mut self,
        cursors: &Cursors,
        store: &mut Store,
        known: &mut Shipment,
        (item, object): (&Item<'_>, Object),
    ) -> Result<Put, Stop> {
        let failed = |error: &dyn std::fmt::Display| Stop::This(error.to_string());
        let again = known.begun.as_ref().is_some_and(|begun| begun.name == object.name);
        let shared = object.name.starts_with(POLICIES);
        known.begun = Some(object);
        cursors.keep(known).map_err(|e| failed(&e))?;
        let put = self.attempts(store, item, |why| noted(cursors, known, why)).await;
        let put = match put {
            Ok(put) => put,
            Err(stop) => {
                let (Stop::This(why) | Stop::All(why)) = &stop;
                known.error = Some(why.clone());
                cursors.keep(known).map_err(|e| failed(&e))?;
                return Err(stop);
            }
        };
        if again || (matches!(put, Put::There(_)) && !shared) {
            known.again = known.again.saturating_add(1);
        }
        Ok(put)
    }

    /// Attempts until it is there, the place will never have it, or the time is over.
    async fn attempts(
        &mut self,
        store: &mut Store,
        item: &Item<'_>,
        mut failed: impl FnMut(&str) -> Result<(), String>,
    ) -> Result<Put, Stop> {
        let mut backoff = Backoff::default();
        loop {
            let sending = timeout(item.within(), store.put(item));
            let sent = tokio::select! {
                sent = sending => sent.unwrap_or_else(|_| Err(Failure::after("it does not answer"))),
                () = over(self.until.clone()) => Err(Failure::after("there was no more time")),
            };
            let (why, after) = match sent {
                Ok(put) => {
                    if *self.lags {
                        *self.lags = false;
                        self.tell("ship_resumed", "").await;
                    }
                    return Ok(put);
                }
                Err(Failure::Never(why)) => {
                    failed(&why).map_err(Stop::This)?;
                    return Err(Stop::This(why));
                }
                Err(Failure::Later { why, after, .. }) => (why, after),
            };
            failed(&why).map_err(Stop::This)?;
            let wait = backoff.next(after);
            if !*self.lags && backoff.failures() >= LAGS_AFTER {
                *self.lags = true;
                self.tell("ship_lag", &why).await;
            }
            // One that was away before is asked once more at the end, and not waited for.
            let given_up = *self.lags && self.until.borrow().is_some() && self.journal.is_some();
            if given_up || !pause(wait, &mut self.until).await {
                return Err(Stop::All(why));
            }
        }
    }

    /// Record it in the journal of the session that runs, as long as that is open.
    async fn tell(&self, kind: &str, why: &str) {
        let Some(journal) = self.journal else { return };
        let mut event = Event::observed(kind, Layer::Supervisor, self.place.describe());
        event.reason = why.to_owned();
        journal.record_folding(event).await.ok();
    }
}

/// Keep that an attempt failed, and why.
fn noted(cursors: &Cursors, known: &mut Shipment, why: &str) -> Result<(), String> {
    known.failures = known.failures.saturating_add(1);
    known.failing_since.get_or_insert(Timestamp::now());
    known.error = Some(why.to_owned());
    cursors.keep(known).map_err(|error| error.to_string())
}
