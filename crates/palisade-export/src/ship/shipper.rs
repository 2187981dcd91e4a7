use std::{
    io,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use palisade_core::SessionId;
use palisade_journal::Journal;
use palisade_policy::Ship;
use tokio::{sync::watch, task::JoinSet};

use super::{
    Place, Unshipped, cursor,
    round::{Done, Round, Which},
};
use crate::{cursor::CursorError, exporter::MARGIN, lane::Until};

/// Between two looks for what is owed.
const EVERY: Duration = Duration::from_secs(30);
/// Before the first: a session that has just begun has other things to do.
const FIRST: Duration = Duration::from_secs(2);

/// Ships what sessions before have left while one runs, and that one when it has ended.
#[derive(Debug)]
pub struct Shipper {
    until: watch::Sender<Until>,
    ended: mpsc::Receiver<Vec<Unshipped>>,
    session: SessionId,
    places: Vec<String>,
    flush: Duration,
}

impl Shipper {
    /// Note that the places are to have the session, and begin. `flush` is how long [`Shipper::finish`] may take.
    ///
    /// # Errors
    /// That cannot be noted, or there can be no further thread.
    pub fn start(
        state_dir: &Path,
        journal: &Journal,
        places: Vec<Place>,
        flush: Duration,
    ) -> io::Result<Self> {
        let session = journal.session().clone();
        for place in &places {
            let named = (place.id(), place.describe());
            let owed = cursor::owe(state_dir, (&named.0, &named.1), &session);
            owed.map_err(|error| io::Error::other(error.to_string()))?;
        }
        let (until, told) = watch::channel(None);
        let (tell, ended) = mpsc::channel();
        let described = places.iter().map(Place::describe).collect();
        let (state_dir, journal) = (state_dir.to_owned(), journal.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("ship".into()).spawn(move || {
            let left = runtime.block_on(async {
                let mut all: JoinSet<Vec<Unshipped>> = JoinSet::new();
                for place in places {
                    all.spawn(live(state_dir.clone(), journal.clone(), place, told.clone()));
                }
                all.join_all().await.into_iter().flatten().collect()
            });
            // Whoever waits may have gone.
            tell.send(left).ok();
            runtime.shutdown_background();
        })?;
        Ok(Self { until, ended, session, places: described, flush })
    }

    /// The journal has its last record. Ship it, as long as the policy says, and tell what is left then.
    pub fn finish(self) -> Vec<Unshipped> {
        self.until.send_replace(Some(Instant::now() + self.flush));
        let ended = self.ended.recv_timeout(self.flush.saturating_add(MARGIN));
        let unknown = |destination: &String| Unshipped {
            destination: destination.clone(),
            session: Some(self.session.clone()),
            why: "it did not end in time".to_owned(),
        };
        ended.unwrap_or_else(|_| self.places.iter().map(unknown).collect())
    }
}

async fn live(
    state: std::path::PathBuf,
    journal: Journal,
    place: Place,
    mut until: watch::Receiver<Until>,
) -> Vec<Unshipped> {
    let own = journal.session().clone();
    let (id, mut wait, mut lags) = (place.id(), FIRST, false);
    loop {
        let stopped = tokio::select! {
            () = tokio::time::sleep(wait) => false,
            // Told, or nobody is there any more to tell.
            _ = until.changed() => true,
        };
        let which = if stopped { Which::Owed } else { Which::Others(&own) };
        wait = EVERY;
        let others = cursor::pending(&state, &id).iter().any(|one| *one != own);
        if !stopped && !others {
            continue;
        }
        let mut round = Round {
            state: &state,
            place: &place,
            until: until.clone(),
            journal: Some(&journal),
            lags: &mut lags,
        };
        let done = round.run(which).await;
        if stopped {
            return done.left;
        }
        // Told while it was at it.
        if until.borrow().is_some() {
            until.mark_changed();
        }
    }
}

/// Note that these places are to have a session.
///
/// # Errors
/// That cannot be kept.
pub fn owe(state_dir: &Path, places: &[Ship], session: &SessionId) -> Result<(), CursorError> {
    for ship in places {
        let place = Place { ship: ship.clone(), secret: None };
        cursor::owe(state_dir, (&place.id(), &place.describe()), session)?;
    }
    Ok(())
}

/// Ship what is owed to these places, or all that has ended: how many sessions are there now that were not, each counted for
/// each place, and what is left.
///
/// # Errors
/// There can be no runtime.
pub fn by_hand(
    state_dir: &Path,
    places: &[Place],
    all: bool,
    within: Duration,
) -> io::Result<(u64, Vec<Unshipped>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (_until, told) = watch::channel(Some(Instant::now() + within));
    let done = runtime.block_on(async {
        let mut sum = Done::default();
        for place in places {
            let which = if all { Which::All } else { Which::Owed };
            let mut round = Round {
                state: state_dir,
                place,
                until: told.clone(),
                journal: None,
                lags: &mut false,
            };
            let done = round.run(which).await;
            sum.shipped = sum.shipped.saturating_add(done.shipped);
            sum.left.extend(done.left);
        }
        sum
    });
    runtime.shutdown_background();
    Ok((done.shipped, done.left))
}
