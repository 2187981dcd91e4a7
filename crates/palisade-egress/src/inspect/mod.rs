//! Looking into TLS and HTTP, where a rule asks for it.
//!
//! A client's TLS ends here, with a certificate that the sandbox's own authority made for the one
//! name that was dialled ([`SandboxCa`]); the server's begins here, and is verified against the
//! operator's roots.

mod aim;
pub(crate) mod answer;
mod ca;
mod chunked;
mod elsewhere;
mod end;
mod fields;
mod flow;
mod frames;
mod gate;
pub(crate) mod head;
mod inspector;
mod lent;
mod linger;
mod prefixed;
mod resets;
mod room;
mod tasks;
mod transform;
mod underway;
mod upgraded;
mod upstream;
mod visit;
mod writes;

pub use ca::{CaError, SandboxCa};
pub use end::TlsEnd;
pub(crate) use gate::Gate;
pub(crate) use inspector::H2;
pub use inspector::Inspector;
pub(crate) use prefixed::Prefixed;
pub use transform::{AnswerFilter, BodyWatch, Passing, Transform};
pub(crate) use visit::Visit;
