//! One sandbox's life: policy to plan, plan to sandbox, supervise, end.
//!
//! The only crate that knows all layers. It joins them through core's types: what any enforcement
//! point sees becomes an action, the engine decides, the journal takes the event, and only
//! then is there an effect.
//!
//! # Order
//! The process is forked while it has one thread and no secret; keys are read, threads started
//! and the journal opened only after that. The command starts when every layer stands and its launch is
//! in the journal.
//!
//! # Trust
//! The policy, the operator's environment and the kernel. Nothing that is in the workspace.

#![forbid(unsafe_code)]

mod alarms;
mod approvals;
pub mod ask;
mod callers;
mod commands;
mod credentials;
mod degraded;
mod denials;
mod denied_content;
mod execs;
pub mod exports;
mod expose;
mod file_denials;
mod guard;
pub mod hooks;
mod identities;
mod keeping;
mod kept_policy;
mod later;
mod limits;
mod live;
mod model_keys;
mod models;
mod order;
mod outward;
mod passed;
mod pipeline;
mod plan;
mod questions;
mod recording;
mod refusal;
pub mod running;
mod secret;
mod session;
pub mod ships;
mod skills;
mod ssh;
mod streams;
mod suggested;
mod supervise;
mod sweep;
mod tells;
pub mod terminal;
mod time_stamp;
mod unwritten;
mod walk;
mod wants;

pub use order::{Operator, Order};
pub use refusal::{Exit, Refusal};
pub use session::{Ended, run};
pub use time_stamp::time_stamp;
