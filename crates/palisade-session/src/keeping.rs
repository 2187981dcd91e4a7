//! How long this session's records are kept, and the removal of what is due of those before.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use palisade_core::{Event, SessionId};
use palisade_journal::{
    Timestamp,
    keep::{self, Options, Retention},
};
use palisade_policy::Audit;
use palisade_recording::{PublicKey, content::Content};

use crate::{
    order::Order,
    refusal::{Refusal, Refuse},
};

/// What is due is looked for once in so long.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Its time says when that was last.
const STAMP: &str = "keeping.last";

/// Where the key is that recordings and content are sealed for, in the folder of the configuration.
const PUBLIC_FILE: &str = "recording.pub";

/// What keeps that which is said to models, if the policy wants it kept.
///
/// # Errors
/// There is no key to seal it for, or it cannot be written.
pub(crate) fn content(order: &Order, session: &SessionId) -> Result<Option<Content>, Refusal> {
    if !order.policy.audit.content {
        return Ok(None);
    }
    let path = order.operator.config_dir.join(PUBLIC_FILE);
    let read = fs::read_to_string(&path).map_err(|error| error.to_string());
    let key = read.and_then(|text| PublicKey::parse(&text).map_err(|error| error.to_string()));
    let key = key.map_err(|why| {
        let what = format!("the key that `audit.content` is sealed for, {}: {why}", path.display());
        Refusal::new(what, "palisade audit recording-key, which makes one")
    })?;
    let content = Content::create(&order.operator.state_dir, &key, session.as_str());
    let help = "see that the state folder can be written and has room";
    content.refuse("keep what is said to models", help).map(Some)
}

/// The record of the policy's rule, if it has one.
pub(crate) fn rule(audit: &Audit) -> Option<Event> {
    let add = |rule: Retention, (class, seconds): (&String, &u64)| rule.with(class, *seconds);
    let rule = audit.retain.iter().fold(Retention::default(), add);
    (!rule.is_empty()).then(|| rule.event())
}

/// Remove what is due, once a day, on a thread of its own beside the session. It may end with the session at any moment: what
/// it had not done is done the next time. Nothing waits for it.
pub(crate) fn begin(state: &Path) {
    let stamp = state.join(STAMP);
    let recent = fs::metadata(&stamp)
        .and_then(|meta| meta.modified())
        .is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < EVERY));
    if recent {
        return;
    }
    let state = state.to_path_buf();
    // Without a thread it is done the next time.
    thread::Builder::new().name("keeping".into()).spawn(move || tidied(&state, &stamp)).ok();
}

fn tidied(state: &Path, stamp: &PathBuf) {
    let now = Timestamp::now();
    let options = Options { now, otherwise: Retention::default(), only: None, dry: false };
    // What cannot be removed stays; `palisade audit prune` says why.
    let done = keep::tidy(state, &options);
    if done.as_ref().is_ok_and(|done| done.sessions.iter().any(|one| one.dropped > 0)) {
        // It has facts of what is gone, and is made anew by the next question.
        for name in ["events.db", "events.db-wal", "events.db-shm", "events.db-journal"] {
            fs::remove_file(state.join("index").join(name)).ok();
        }
    }
    if done.is_ok_and(|done| !done.busy) {
        let open =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(stamp);
        open.and_then(|file| file.set_modified(SystemTime::now())).ok();
    }
}
