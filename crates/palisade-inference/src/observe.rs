//! What is learned of an answer while it passes, for those who count and record.

/// Tokens that a provider says a call has used. No token counts in two fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Read by the model anew.
    pub(crate) input: u64,
    /// Written by the model.
    pub(crate) output: u64,
    /// Read from the provider's cache.
    pub(crate) cache_read: u64,
    /// Written to the provider's cache.
    pub(crate) cache_write: u64,
}

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

    /// It is over. Called once.
    fn finished(&mut self, how: Finish);
}

/// Nobody counts.
pub(crate) struct Unwatched;

impl Watcher for Unwatched {
    fn usage(&mut self, _: Usage) {}

    fn finished(&mut self, _: Finish) {}
}
