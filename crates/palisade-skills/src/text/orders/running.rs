//! What is ended and replaced in a program has names that orders have too.

use super::Here;
use crate::text::facts::{Concealed, Where};

impl Here<'_> {
    /// `cancel all tasks`, `replace all steps`: work that a program does, all of it, and nobody's word. To ignore or to forget
    /// such is another matter, and so is whatever nobody is asked about or is to see.
    pub(super) fn ends_what_runs(&self, verb: &str, noun: &str, prior: &[&str]) -> bool {
        const ENDS: &[&str] = &["cancel", "skip", "replace", "clear", "reset", "drop", "abort"];
        const RUNS: &[&str] =
            &["task", "step", "order", "filter", "configuration", "context", "training", "command"];
        let begins = |known: &[&str], word: &str| known.iter().any(|known| word.starts_with(known));
        begins(ENDS, verb)
            && begins(RUNS, noun)
            && prior
                .iter()
                .all(|prior| matches!(*prior, "all" | "any" | "other" | "existing" | "current"))
            && self.concealed == Concealed::No
            && self.to < Where::Foreign
            && !self.unasked()
    }
}
