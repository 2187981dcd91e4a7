//! Settings of other tools, and the policies that come of them.

mod bounds;
mod claude_code;
mod codex;
mod gemini;
mod hostile;
mod openshell;
mod srt;
mod world;
