//! Settings of other tools, and the policies that come of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod bounds;
mod claude_code;
mod codex;
mod gemini;
mod hostile;
mod openshell;
mod srt;
mod world;
