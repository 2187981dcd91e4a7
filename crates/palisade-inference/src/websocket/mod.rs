//! OpenAI's Responses over a WebSocket (RFC 6455), as Codex speaks it: each `response.create` that a client sends is
//! a call like one over HTTP, and is made as one; the events of its answer go back as messages.
//!
//! <https://developers.openai.com/api/docs/guides/websocket-mode>
//!
//! The provider is called over HTTP. What it would remember of a connection is therefore remembered here
//! ([`Memory`]): a request that goes on with the answer before (`previous_response_id`) is sent with all that was
//! said until then. So every check sees the whole conversation, and nothing depends on what somebody else
//! stored under an id.

mod frames;
mod handshake;
mod memory;
mod request;
mod socket;
mod talk;
mod telling;

pub(crate) use frames::{Decoder, FrameError, Message};
pub(crate) use handshake::{accepted, is_for_responses, of_messages};
pub(crate) use memory::{Memory, Said};
pub(crate) use request::{Wish, read};
pub(crate) use talk::talk;
