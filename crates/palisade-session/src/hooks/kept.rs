//! The record of what was decided where there is no sandbox: a session of the journal for each session of an
//! agent, opened and closed for each event.

use std::{path::Path, thread, time::Duration};

use palisade_core::{Event, PolicyDigest, SessionId, shown};
use palisade_journal::{Durability, Journal, JournalError};
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};

/// An agent calls several tools at once, and each wants the journal.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(5);
/// Bytes of the journal's session after which another is begun.
const FULL: u64 = 256 << 10;
/// Sessions of the journal that are looked through for one with room; the last takes what comes.
const MOST_PARTS: u32 = 10_000;
/// Characters of what an agent calls its session.
const MOST_OF_NAME: usize = 80;

/// Write these events.
///
/// # Errors
/// The journal has not all of them: what they permit must not happen.
pub(super) fn keep(
    state: &Path,
    agent: &str,
    session: &str,
    policy: &PolicyDigest,
    mut events: Vec<Event>,
) -> Result<(), String> {
    let failed = |error: JournalError| format!("it cannot be recorded: {error}");
    let part = part(state, agent, session);
    let journal = opened(state, &id(agent, session, part), agent, policy).map_err(failed)?;
    let Some(last) = events.pop() else { return Ok(()) };
    let told = |event: Event| {
        let event = event.with("agent", agent).with("confined", false);
        let event = event.with("agent_session", shown(session, MOST_OF_NAME));
        if part > 0 { event.with("part", part) } else { event }
    };
    for event in events {
        journal.record_blocking(told(event), Durability::Written).map_err(failed)?;
    }
    journal.close_blocking(told(last), Durability::Written).map_err(failed)?;
    Ok(())
}

/// The session of the journal that is written to: the first that is not full. Before anything is written to one its
/// whole chain is read, so a talk that goes on for days is several.
fn part(state: &Path, agent: &str, session: &str) -> u32 {
    let journal = state.join("journal");
    (0..MOST_PARTS)
        .find(|part| bytes_of(&journal.join(id(agent, session, *part).as_str())) < FULL)
        .unwrap_or(MOST_PARTS)
}

/// What a folder's files have, one that is not there nothing.
fn bytes_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum()
}

/// Names no session of a sandbox, whatever the agent calls its own.
pub(super) fn id(agent: &str, session: &str, part: u32) -> SessionId {
    let mut bits = [0; 16];
    let mut digest = Sha256::new().chain_update(agent).chain_update([0]).chain_update(session);
    if part > 0 {
        digest = digest.chain_update([0]).chain_update(part.to_be_bytes());
    }
    bits.iter_mut().zip(digest.finalize()).for_each(|(bit, byte)| *bit = byte);
    let hidden = SessionId::from_random(bits);
    let text = hidden.as_str().replacen("s-", "a-", 1);
    text.parse().unwrap_or(hidden)
}

fn opened(
    state: &Path,
    id: &SessionId,
    agent: &str,
    policy: &PolicyDigest,
) -> Result<Journal, JournalError> {
    let since = now();
    loop {
        match Journal::open(state, id, Some(agent), policy) {
            Err(JournalError::Busy(_) | JournalError::LedgerLocked { .. })
                if now().saturating_sub(since) < PATIENCE =>
            {
                thread::sleep(PAUSE);
            }
            other => return other,
        }
    }
}

fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_names_no_session_of_another() {
        let (one, other) = (id("codex", "s-0123", 0), id("claude-code", "s-0123", 0));
        assert_ne!(one, other);
        assert_eq!(one, id("codex", "s-0123", 0));
        assert_ne!(one, id("codex", "s-0123", 1));
        assert!(one.as_str().starts_with("a-"), "{one}");
    }

    #[test]
    fn a_long_talk_is_several_sessions() {
        let state = tempfile::tempdir().unwrap();
        let folder = |part| {
            let folder = state.path().join("journal").join(id("codex", "long", part).as_str());
            std::fs::create_dir_all(&folder).unwrap();
            folder
        };
        assert_eq!(part(state.path(), "codex", "long"), 0);
        std::fs::write(folder(0).join("000001.jsonl"), vec![b'x'; 300 << 10]).unwrap();
        assert_eq!(part(state.path(), "codex", "long"), 1);
        std::fs::write(folder(1).join("000001.jsonl"), b"x").unwrap();
        assert_eq!(part(state.path(), "codex", "long"), 1);
        assert_eq!(part(state.path(), "codex", "other"), 0);
    }
}
