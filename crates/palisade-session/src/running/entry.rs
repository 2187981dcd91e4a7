use palisade_core::{PolicyDigest, SessionId};
use palisade_journal::Timestamp;
use serde::{Deserialize, Serialize};

use crate::order::Order;

/// Bytes of a command that an entry keeps.
const MOST_COMMAND: usize = 4096;

/// A running sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The session.
    pub session: SessionId,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// The supervisor's process.
    pub supervisor: i32,
    /// The sandbox's init, as the supervisor counts.
    pub init: i32,
    /// When it was started.
    pub started: Timestamp,
    /// The command, cut if it is very long.
    pub command: Vec<String>,
    /// The workspace on the host.
    pub workspace: Option<String>,
    /// The policy in force at the start.
    pub policy: PolicyDigest,
    /// Layers that it is without, because the system lacks them and the operator allowed it.
    #[serde(default)]
    pub degraded: Vec<String>,
}

impl Entry {
    pub(crate) fn new(
        order: &Order,
        session: &SessionId,
        init: i32,
        degraded: Vec<&'static str>,
    ) -> Self {
        let mut room = MOST_COMMAND;
        let words = order.command.iter().map(|word| word.to_string_lossy().into_owned());
        let command = words.take_while(|word| {
            room = room.saturating_sub(word.len());
            room > 0
        });
        let command = command.collect();
        let workspace = order.policy.filesystem.workspace.as_ref();
        Self {
            session: session.clone(),
            name: order.name.clone(),
            supervisor: rustix::process::getpid().as_raw_nonzero().get(),
            init,
            started: Timestamp::now(),
            command,
            workspace: workspace.map(|workspace| workspace.path.display().to_string()),
            policy: order.policy.digest.clone(),
            degraded: degraded.into_iter().map(str::to_owned).collect(),
        }
    }
}
