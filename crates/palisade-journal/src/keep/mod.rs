//! How long records stay, and what is done with those that nobody writes to any more.
//!
//! [`tidy`] removes what its rule ([`Retention`]) says and compresses sessions that ended. What is removed leaves a gap, which
//! holds the roots of the subtrees that stood there: every other record stays provable under the roots that were signed before.
//! The ledger gets an entry, `dropped`, with the digest of the gaps and the rule, so that a removal without one is damage.
//! A hold ([`hold`]) wins over every rule.

mod claim;
mod hold;
mod retention;
mod rewrite;
pub(crate) mod sealing;
mod tidy;

pub(crate) use claim::Claims;
pub use hold::{Erased, Holds, erase, hold, holds, release};
pub use retention::Retention;
pub(crate) use sealing::Busy;
pub use tidy::{Options, Skipped, Tidied, Tidy, end_dead, tidy};

/// The kind of the record that says how long a session's records stay.
pub const KEEPING: &str = "keeping";

#[cfg(test)]
mod tests;
