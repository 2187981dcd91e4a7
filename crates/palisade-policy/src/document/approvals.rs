//! The section `approvals`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{amount::Span, at::At};

/// Questions to the operator.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approvals {
    /// How long to wait for an answer. None in time: denied.
    pub(crate) timeout: Option<At<Span>>,
    /// Where to tell of a question.
    #[serde(default)]
    #[schemars(extend("examples" = [["desktop"]]))]
    pub(crate) notify: Vec<At<Notify>>,
    /// A server that is told of each question, and may answer it.
    pub(crate) webhook: Option<At<AnswersBy>>,
}

/// A server that is told of questions, and may answer them.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswersBy {
    /// Where each question is posted: `https`, or `http` at a loopback address.
    #[schemars(extend("examples" = ["https://approvals.example.com/palisade"]))]
    pub(crate) url: At<String>,
    /// The Ed25519 public key that signs answers, in base64. Without one it is only told.
    pub(crate) key: Option<At<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Notify {
    /// The desktop's notifications.
    Desktop,
}
