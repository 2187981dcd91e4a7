//! Questions about a program, asked elsewhere.

use std::{os::fd::OwnedFd, sync::Arc, time::Duration};

use palisade_core::{Action, Authority, Decision, Ties};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::task::JoinHandle;

use super::Supervisor;

/// How often it is looked whether who waits for an answer of the operator's is still there.
const LOOK: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Ask whoever has to be asked, elsewhere: what a hook starts would be a child of this thread, which waits for
    /// all of its children.
    pub(super) fn asked(&self, action: Action, ties: Ties) -> Asked {
        let pipeline = Arc::clone(&self.pipeline);
        Asked(self.elsewhere.spawn(async move { pipeline.authorize_tied(&action, &ties).await }))
    }
}

/// A question that is asked elsewhere, as long as somebody waits for the answer.
pub(super) struct Asked(JoinHandle<Decision>);

impl Asked {
    /// The answer. `None`: who asked is gone, and so is the question.
    pub(super) async fn decision(&mut self, gone: impl Fn() -> bool) -> Option<Decision> {
        loop {
            tokio::select! {
                answered = &mut self.0 => {
                    return Some(answered.unwrap_or_else(|_| Decision::deny("it could not be decided")));
                }
                () = tokio::time::sleep(LOOK) => if gone() {
                    return None;
                },
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether a process has ended.
pub(super) fn is_gone(process: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(process, PollFlags::IN)];
    !matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
}
