//! Which sandbox a name was when the list was last read.
//!
//! A name goes to the next sandbox that is started with it, whose questions have the same numbers: an answer by the name
//! is for the one that was listed.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

use palisade_session::running::Entry;
use tempfile::NamedTempFile;

use crate::failure::{Failure, Kind};

/// In the state folder, which no sandbox has.
const FILE: &str = "approvals-listed.json";
/// It is written here alone: sessions by name.
const MOST_BYTES: u64 = 1 << 20;

/// Keeps what was listed, in place of what was listed before.
pub(super) fn keep<'a>(
    state: &Path,
    entries: impl Iterator<Item = &'a Entry>,
) -> Result<(), Failure> {
    let names: BTreeMap<&str, &str> = entries
        .filter_map(|entry| Some((entry.name.as_deref()?, entry.session.as_str())))
        .collect();
    let path = state.join(FILE);
    // Without a sandbox there may be no folder yet.
    if names.is_empty() && !path.exists() {
        return Ok(());
    }
    let failed = |error: io::Error| {
        Failure::new(Kind::Enforcement, format!("{}: {error}", path.display()))
            .remedy("answer by the session's id, as `palisade approvals list --json` has it")
    };
    let text = serde_json::to_vec(&names).map_err(|error| failed(error.into()))?;
    let mut new = NamedTempFile::new_in(state).map_err(failed)?;
    new.write_all(&text).map_err(failed)?;
    new.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Refuses a permission for a sandbox that has got the name since it was listed.
pub(super) fn same(state: &Path, which: &str, entry: &Entry) -> Result<(), Failure> {
    if entry.name.as_deref() != Some(which) {
        return Ok(());
    }
    let path = state.join(FILE);
    let text = match fs::metadata(&path) {
        Ok(found) if found.len() <= MOST_BYTES => fs::read(&path).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        _ => None,
    };
    let names: Option<BTreeMap<String, String>> =
        text.and_then(|text| serde_json::from_slice(&text).ok());
    let Some(names) = names else {
        return Err(Failure::new(Kind::Denied, format!("{} cannot be read", path.display()))
            .remedy("remove it, and list again"));
    };
    match names.get(which) {
        Some(listed) if listed != entry.session.as_str() => {
            let what = format!("{which} is another sandbox than the one that was listed, {listed}");
            Err(Failure::new(Kind::Denied, what).remedy("palisade approvals list, and answer that"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::PolicyDigest;
    use palisade_journal::Timestamp;

    use super::*;

    fn entry(session: &str) -> Entry {
        Entry {
            session: session.parse().unwrap(),
            name: Some("build".into()),
            supervisor: 1,
            init: 2,
            started: Timestamp::now(),
            command: vec!["sh".into()],
            workspace: None,
            policy: PolicyDigest::of(b""),
            degraded: Vec::new(),
        }
    }

    #[test]
    fn an_answer_by_name_is_for_the_sandbox_that_was_listed() {
        let state = tempfile::tempdir().unwrap();
        let (old, new) = (entry("s-one"), entry("s-two"));
        same(state.path(), "build", &old).unwrap();
        keep(state.path(), [&old].into_iter()).unwrap();
        same(state.path(), "build", &old).unwrap();
        same(state.path(), "build", &new).unwrap_err();
        // By its session it is that one.
        same(state.path(), new.session.as_str(), &new).unwrap();
        keep(state.path(), [&new].into_iter()).unwrap();
        same(state.path(), "build", &new).unwrap();
        fs::write(state.path().join(FILE), "x").unwrap();
        same(state.path(), "build", &new).unwrap_err();
    }
}
