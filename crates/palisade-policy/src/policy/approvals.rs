//! Questions to the operator.

use std::time::Duration;

use serde::Serialize;

/// The `approvals` section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approvals {
    /// How long a question waits for its answer. None in time is a denial.
    pub timeout: Duration,
    /// Whether the desktop's notifications tell of questions.
    pub desktop: bool,
    /// A server that is told of questions, and may answer them.
    pub webhook: Option<AnswersBy>,
}

/// A server that is told of questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnswersBy {
    /// Where a question is posted.
    pub url: String,
    /// The Ed25519 public key of those who may answer; without one nobody may.
    pub key: Option<[u8; 32]>,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10 * 60), desktop: false, webhook: None }
    }
}
