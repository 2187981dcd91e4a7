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
    let id = id(agent, session);
    let journal = opened(state, &id, agent, policy).map_err(failed)?;
    let Some(last) = events.pop() else { return Ok(()) };
    let told = |event: Event| {
        let event = event.with("agent", agent).with("confined", false);
        event.with("agent_session", shown(session, MOST_OF_NAME))
    };
    for event in events {
        journal.record_blocking(told(event), Durability::Written).map_err(failed)?;
    }
    journal.close_blocking(told(last), Durability::Written).map_err(failed)?;
    Ok(())
}

/// Names no session of a sandbox, whatever the agent calls its own.
pub(super) fn id(agent: &str, session: &str) -> SessionId {
    let mut bits = [0; 16];
    let digest = Sha256::new().chain_update(agent).chain_update([0]).chain_update(session);
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
        let (one, other) = (id("codex", "s-0123"), id("claude-code", "s-0123"));
        assert_ne!(one, other);
        assert_eq!(one, id("codex", "s-0123"));
        assert!(one.as_str().starts_with("a-"), "{one}");
    }
}
