use palisade_core::SessionId;

use super::{
    Retention,
    rewrite::{self, NEW, Rule},
    tidy,
};
use crate::{
    JournalError, Timestamp,
    store::{Folder, PACKED, is_live},
    verify::{
        self, chain,
        ledger::{Known, Walked},
        seen::Seen,
    },
};

/// Why a session cannot be sealed now.
pub(crate) enum Busy {
    /// It is written.
    Open,
    /// Another process is at it.
    Other,
    /// What is wrong with it.
    Damaged(String),
}

/// The ledger, verified; signatures that were checked before are not checked again.
pub(crate) fn ledger(state: &Folder, journal: &Folder) -> Result<Walked, JournalError> {
    let before = Seen::recall(state);
    let (walked, seen) = verify::ledger::walk_on(journal, before.as_ref())?;
    let walked = tidy::whole(walked)?;
    if let Some(seen) = seen.filter(|seen| before.as_ref() != Some(seen)) {
        seen.remember(state);
    }
    Ok(walked)
}

/// Verify a session that ended and compress each segment that is not. Nothing is removed. Its folder.
pub(crate) fn seal(
    state: &Folder,
    journal: &Folder,
    session: &SessionId,
    known: &Known,
) -> Result<Result<Folder, Busy>, JournalError> {
    let Ok(folder) = journal.existing(session.as_str()) else {
        return Ok(Err(Busy::Damaged("it is gone".into())));
    };
    let segments = folder.segments()?;
    let Some(last) = segments.last() else {
        return Ok(Err(Busy::Damaged("it has no records".into())));
    };
    if folder.read(last)?.is_some_and(is_live) {
        return Ok(Err(Busy::Open));
    }
    let Some(_lock) = tidy::lock(state)? else { return Ok(Err(Busy::Other)) };
    let checked = chain::session(journal, session.clone(), Some(known), false, None, false);
    if let Some(damage) = checked.damage {
        return Ok(Err(Busy::Damaged(damage.to_string())));
    }
    let retention = Retention::default();
    let anchors = known.anchors.iter().map(|anchor| anchor.at.seq).collect();
    let rule = Rule { session, retention: &retention, now: Timestamp::now(), anchors };
    for name in segments.iter().filter(|name| !name.ends_with(PACKED)) {
        let Some(new) = rewrite::segment(&folder, name, &rule)? else { continue };
        folder.rename(&format!("{}{NEW}", new.name), &new.name)?;
        folder.sync()?;
        folder.remove(&new.old)?;
        folder.sync()?;
    }
    Ok(Ok(folder))
}
