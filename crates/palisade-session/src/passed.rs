//! Tool calls that models' answers were let through with: who makes one announces it once more, and need not be asked
//! about it a second time.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use palisade_core::ToolCall;
use tokio::time::Instant;

/// Calls that are remembered.
const MOST: usize = 256;
/// For how long: one call of many waits for those before it.
const WITHIN: Duration = Duration::from_secs(10 * 60);

/// By their digests, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Passed(Mutex<VecDeque<([u8; 32], Instant)>>);

impl Passed {
    /// This one was.
    pub(crate) fn add(&self, call: &ToolCall) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back((call.digest(), Instant::now()));
    }

    /// Whether this very call was, and has not been announced since.
    pub(crate) fn take(&self, call: &ToolCall) -> bool {
        let digest = call.digest();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, since)| since.elapsed() < WITHIN);
        let at = all.iter().position(|(passed, _)| *passed == digest);
        at.and_then(|at| all.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use palisade_core::{ToolInput, ToolSeen};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_is_for_one_announcement_of_the_same() {
        let call = |text: &str| ToolCall {
            name: "Bash".into(),
            input: ToolInput::Text(text.into()),
            id: None,
            seen: ToolSeen::Answer,
        };
        let passed = Passed::default();
        passed.add(&call("a"));
        assert!(!passed.take(&call("b")));
        assert!(passed.take(&call("a")) && !passed.take(&call("a")));
        passed.add(&call("a"));
        tokio::time::advance(WITHIN).await;
        assert!(!passed.take(&call("a")));
        (0..MOST + 1).for_each(|number| passed.add(&call(&number.to_string())));
        assert!(!passed.take(&call("0")) && passed.take(&call("1")));
    }
}
