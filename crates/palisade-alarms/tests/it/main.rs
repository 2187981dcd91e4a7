//! Rules over events that layers leave.

mod builtin;
mod files;
mod rules;
