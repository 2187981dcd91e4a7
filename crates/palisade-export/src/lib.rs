//! The journal's events in the forms that security teams run, and the way there.
//!
//! The journal is the queue. A lane reads one session's records behind a cursor that is kept on the
//! disk, sends them, and moves the cursor when they were taken; what cannot be sent stays where it is.
//! No act of an agent waits for any of it. Whatever may arrive twice says so (`resent`), and what a
//! receiver will not have is counted and recorded.
//!
//! # Trust
//! The journal's bytes and the policy. What receivers answer is bounded, and decides only whether
//! something is sent again.

#![forbid(unsafe_code)]

mod backoff;
mod cursor;
mod exporter;
mod facts;
mod host;
mod ids;
mod journald;
mod lane;
mod named;
pub mod ocsf;
pub mod otlp;
mod prometheus;
mod serve;
pub mod ship;
mod sink;
mod syslog;
mod webhook;

pub use cursor::{CursorError, Progress, States, states, unreadable};
pub use exporter::{Destination, Exporter, Left, flush, owe};
pub use host::Host;
pub use ids::{trace_id, trace_parent};
pub use named::{Form, NamedError, Written, named};
pub use prometheus::Metrics;
pub use serve::{Collector, serve};
pub use syslog::line as syslog_line;
