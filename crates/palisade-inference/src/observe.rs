//! What is learned of an answer while it passes, for those who count and record.

use bytes::Bytes;

pub(crate) use crate::usage::Usage;

/// How an answer came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The provider ended it.
    Whole,
    /// It broke off, or could not be read.
    Broken,
    /// The client left before.
    Left,
}

/// Learns what an answer tells. Everything is called in order, and nothing after `finished`.
pub(crate) trait Watcher: Send {
    /// What the whole call has used so far, which each time stands in place of what was told before.
    fn usage(&mut self, usage: Usage);

    /// These bytes have come from the provider, without its key.
    fn came(&mut self, bytes: &Bytes) {
        let _ = bytes;
    }

    /// So many tool calls were ruled on, and so many of them not let go.
    fn ruled(&mut self, calls: usize, denied: usize) {
        let _ = (calls, denied);
    }

    /// It is over. Called once.
    fn finished(&mut self, how: Finish);
}

/// Nobody counts.
pub(crate) struct Unwatched;

impl Watcher for Unwatched {
    fn usage(&mut self, _: Usage) {}

    fn finished(&mut self, _: Finish) {}
}
