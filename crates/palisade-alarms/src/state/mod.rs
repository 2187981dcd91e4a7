//! What rules remember of a session, each with bounds of its own.

mod distinct;
mod first_seen;
mod sequence;
mod threshold;

pub(crate) use self::{
    distinct::Distinct, first_seen::FirstSeen, sequence::Sequence, threshold::Threshold,
};
