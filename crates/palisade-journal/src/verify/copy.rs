use std::collections::{BTreeMap, BTreeSet};

use palisade_core::SessionId;

use super::ledger::{Known, Walked};

/// The sessions that are not in a copy and need not be. `ids` are all that are known, sorted; `there` those that have a folder.
///
/// Of which place it is the copy is not known. It is whole if there is one place of which the ledger names no session that
/// is missing here.
pub(super) fn absent(
    ledger: &Walked,
    ids: &[SessionId],
    there: &BTreeSet<SessionId>,
) -> Vec<SessionId> {
    let missing: Vec<&SessionId> = ids.iter().filter(|id| !there.contains(*id)).collect();
    let mut places: BTreeMap<&str, BTreeSet<&SessionId>> = BTreeMap::new();
    for (session, known) in &ledger.sessions {
        for (place, _) in &known.shipped {
            places.entry(place).or_default().insert(session);
        }
    }
    let lacking =
        |all: &BTreeSet<&SessionId>| missing.iter().filter(|id| all.contains(*id)).count();
    // The most likely one is that which lacks the least.
    let nearest = places.values().min_by_key(|all| (lacking(all), std::cmp::Reverse(all.len())));
    let due = |id: &&SessionId| nearest.is_some_and(|all| all.contains(*id));
    missing.into_iter().filter(|id| !due(id)).cloned().collect()
}

/// Whether a session may end behind record `found` in a copy: at some place there was never more of it.
pub(super) fn may_end(known: &Known, found: u64) -> bool {
    let mut places: BTreeMap<&str, u64> = BTreeMap::new();
    for (place, records) in &known.shipped {
        let most = places.entry(place).or_default();
        *most = (*most).max(*records);
    }
    places.values().min().is_none_or(|most| *most <= found)
}
