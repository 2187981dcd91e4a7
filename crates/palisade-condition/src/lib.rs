//! `when:` of a rule: a CEL expression over an action, which says whether the rule counts for it.
//!
//! [`Condition::new`] reads the text, bounds it, and checks names and types, so that a policy with a
//! condition that can never be answered is refused when it is read. [`Condition::holds`] answers from
//! the action and the [`Moment`] alone: no I/O, and it always ends. What it cannot answer (an entry
//! that is not there, a division by nothing) is [`Answer::Failed`], and whoever asks takes the
//! narrower of the two.
//!
//! # Trust
//! The text is the operator's or a project's; values are the agent's, and hostile.
//!
//! Language: the Common Expression Language, <https://cel.dev>.
#![forbid(unsafe_code)]

mod check;
mod condition;
mod equal;
mod facts;
mod kind;
mod moment;

pub use condition::{Answer, Condition, ConditionError};
pub use facts::Stage;
pub use moment::{History, Moment};
