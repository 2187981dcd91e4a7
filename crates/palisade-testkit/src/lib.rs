//! Servers that tests talk to in place of the outside world.
//!
//! [`ModelServer`] speaks real wire formats (Anthropic Messages, OpenAI Responses and Chat
//! Completions, Gemini) and says what a [`Script`] tells it, so that real agents can be driven without a
//! model. [`Upstream`] is the HTTP server below it, for tests that need a server to misbehave.
//! Both record each request ([`Recorded`]), listen on loopback only, run on a thread of their
//! own and stop when dropped, so that plain `#[test]` functions and shell scripts can use them.
//! Nothing here is part of the product.

#![forbid(unsafe_code)]
#![expect(clippy::indexing_slicing, reason = "JSON values only: an absent key reads as null")]

mod anthropic;
mod certificates;
mod gemini;
mod model_server;
mod openai;
mod program;
mod recorded;
mod script;
mod sigstore;
mod sse;
mod tunnels;
mod upstream;
mod websocket;

pub use certificates::{Flaw, TestAuthority};
pub use model_server::ModelServer;
pub use program::{copy_program, write_program};
pub use recorded::Recorded;
pub use script::{Script, ScriptError, Speech, Turn};
pub use sigstore::{Leaf, Sigstore, WORKFLOW_ISSUER};
pub use tunnels::Tunnels;
pub use upstream::{Answer, AnswerBody, Upstream, answer, json_answer, stream};
pub use websocket::{masked, read_frame};
