use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::PathBuf,
};

use palisade_core::SessionId;
use sha2::{Digest, Sha256};

use super::{
    Damage, Kind,
    ledger::{Known, Shipped, Walked},
};
use crate::{
    Hash, JournalError,
    kept::{self, Named},
    ship::{Lacking, MANIFESTS},
    store::{self, Folder},
};

/// Bytes of a list of what went.
const LONGEST: u64 = 16 << 20;

/// What a place has, by the ledger and by what is found.
#[derive(Debug, Default)]
pub(super) struct There {
    /// What is missing or changed of what went with a session.
    pub(super) faults: Vec<(SessionId, Damage)>,
    /// What did not go.
    pub(super) lacking: Vec<(SessionId, Lacking)>,
}

/// Every place with the sessions that were shipped there.
fn places(ledger: &Walked) -> BTreeMap<&str, BTreeSet<&SessionId>> {
    let mut places: BTreeMap<&str, BTreeSet<&SessionId>> = BTreeMap::new();
    for (session, known) in &ledger.sessions {
        for shipped in &known.shipped {
            places.entry(&shipped.place).or_default().insert(session);
        }
    }
    places
}

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
    let places = places(ledger);
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
    for Shipped { place, records, .. } in &known.shipped {
        let most = places.entry(place).or_default();
        *most = (*most).max(*records);
    }
    places.values().min().is_none_or(|most| *most <= found)
}

/// What went with the sessions that are there, checked: of the place of which the least is missing.
pub(super) fn kept(copy: &Folder, ledger: &Walked, there: &BTreeSet<SessionId>) -> There {
    let places = places(ledger);
    let missing =
        |all: &BTreeSet<&SessionId>| all.iter().filter(|id| !there.contains(**id)).count();
    let least = places.values().map(missing).min();
    let mut best: Option<There> = None;
    for (place, all) in places.iter().filter(|(_, all)| Some(missing(all)) == least) {
        let mut found = There::default();
        for session in all.iter().filter(|session| there.contains(**session)) {
            let shipped = ledger.sessions.get(*session).map(|known| known.shipped.iter());
            let last = shipped.and_then(|mut all| all.rfind(|one| one.place == *place));
            if let Some(last) = last
                && let Err(error) = check(copy, session, last, &mut found)
            {
                let (path, kind) =
                    (copy.path().into(), Kind::Unreadable { why: error.to_string() });
                let damage = Damage { path, line: 0, offset: 0, seq: 0, kind };
                found.faults.push(((*session).clone(), damage));
            }
        }
        if best.as_ref().is_none_or(|best| found.faults.len() < best.faults.len()) {
            best = Some(found);
        }
        if best.as_ref().is_some_and(|best| best.faults.is_empty()) {
            break;
        }
    }
    best.unwrap_or_default()
}

/// All that went with a session once is there, and as it was. Its segments are for who follows its chain.
fn check(
    copy: &Folder,
    session: &SessionId,
    shipped: &Shipped,
    found: &mut There,
) -> Result<(), JournalError> {
    let mut fault = |path: PathBuf, line: u64, kind: Kind| {
        found.faults.push((session.clone(), Damage { path, line, offset: 0, seq: 0, kind }));
    };
    let name = format!("{}.txt", shipped.digest);
    let path = copy.path().join(MANIFESTS).join(&name);
    let read = |folder: Option<Folder>| match folder {
        Some(folder) => folder.read(&name),
        None => Ok(None),
    };
    let Some(fd) = read(kept::copied(copy, MANIFESTS)?)? else {
        // Nothing but segments went, or the list is gone.
        if !is_of_segments(copy, session, shipped.digest)? {
            fault(path, 0, Kind::Gone);
        }
        return Ok(());
    };
    let mut text = Vec::new();
    let read = File::from(fd).take(LONGEST).read_to_end(&mut text);
    read.map_err(|error| crate::recover::reading(&path, &error))?;
    if Hash::from(Sha256::new().chain_update(&text)) != shipped.digest {
        fault(path, 0, Kind::Edited);
        return Ok(());
    }
    let folder = copy.existing(session.as_str())?;
    let mut things = None;
    for (line, number) in String::from_utf8_lossy(&text).lines().zip(1_u64..) {
        if let Some(lacks) = line.strip_prefix("- ") {
            let (name, why) = lacks.rsplit_once(' ').unwrap_or((lacks, ""));
            let lacking = Lacking { name: name.into(), why: why.into() };
            found.lacking.push((session.clone(), lacking));
            continue;
        }
        let parts = line.split_once(' ').and_then(|(hash, title)| {
            let hash: Hash = hash.parse().ok()?;
            Some((hash, title))
        });
        let Some((hash, title)) = parts else {
            fault(path.clone(), number, Kind::Unparsable { why: "it names nothing".into() });
            continue;
        };
        if store::number(title).is_some() {
            if folder.read(title)?.is_none() {
                fault(folder.path().join(title), 0, Kind::Gone);
            }
            continue;
        }
        let Some((inside, name)) = kept::split(title) else {
            fault(path.clone(), number, Kind::Unparsable { why: "it names nothing".into() });
            continue;
        };
        let file = match kept::copied(copy, inside)? {
            Some(inside) => inside.read(name)?,
            None => None,
        };
        let at = copy.path().join(inside).join(name);
        let Some(fd) = file else {
            fault(at, 0, Kind::Gone);
            continue;
        };
        let mut file = File::from(fd);
        let unread = |error| crate::recover::reading(&at, &error);
        let (digest, _) = kept::digest(&mut file).map_err(unread)?;
        if digest != hash {
            fault(at, 0, Kind::Edited);
            continue;
        }
        // What went is what the records name, whoever says so.
        let things = match &mut things {
            Some(things) => things,
            none => none.insert(Named::of(&folder)?.things(session)),
        };
        if let Some(thing) = things.iter().find(|thing| thing.title() == title)
            && thing.wrong(&file, digest).map_err(unread)?.is_some()
        {
            fault(at, 0, Kind::Edited);
        }
    }
    Ok(())
}

/// Whether this is the digest of nothing but the session's segments, up to one of them.
fn is_of_segments(copy: &Folder, session: &SessionId, digest: Hash) -> Result<bool, JournalError> {
    let folder = copy.existing(session.as_str())?;
    let mut all = Sha256::new();
    for name in folder.segments()? {
        let Some(fd) = folder.read(&name)? else { continue };
        let read = kept::digest(&mut File::from(fd));
        let path = folder.path().join(&name);
        let (hash, _) = read.map_err(|error| crate::recover::reading(&path, &error))?;
        all.update(format!("{hash} {name}\n"));
        if Hash::from(all.clone()) == digest {
            return Ok(true);
        }
    }
    Ok(false)
}
