use std::ops::AddAssign;

/// Tokens that a call used. No token is in two of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt, without those of the two caches.
    pub input: u64,
    /// Of the answer, its thoughts included.
    pub output: u64,
    /// Of the prompt, found in the provider's cache.
    pub cache_read: u64,
    /// Of the prompt, put into it.
    pub cache_write: u64,
}

impl Usage {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    /// Those of the prompt, wherever they were found.
    pub fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// The same, but no less than this: what a prompt lacks counts as a plain one.
    #[must_use]
    pub(crate) fn at_least(mut self, floor: &Usage) -> Self {
        let lacks = floor.prompt().saturating_sub(self.prompt());
        self.input = self.input.saturating_add(lacks);
        self.output = self.output.max(floor.output);
        self
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
    }
}
