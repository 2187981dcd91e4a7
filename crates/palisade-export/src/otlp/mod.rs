//! OpenTelemetry: each event a log record and a span of its session's trace, and counts as metrics.
//! Model and tool calls follow the semantic conventions for generative AI.

mod attributes;
mod json;
mod logs;
mod metrics;
mod totals;
mod traces;

pub use json::line;
pub use logs::logs;
pub use metrics::metrics;
pub use totals::Totals;
pub use traces::traces;
