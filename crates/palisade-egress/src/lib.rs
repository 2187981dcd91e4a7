//! The only way out: a resolver that answers from the policy, and a transparent proxy that dials
//! for whoever may.
//!
//! The sandbox's network namespace holds nothing but loopback, and all of its TCP and DNS ends at
//! sockets that were made inside and handed to this crate. A program inside asks the
//! [`Resolver`] for a name and gets a *synthetic* address that stands for the name
//! ([`SyntheticMap`]); when it connects there, the [`Proxy`] turns the address back into the name,
//! asks the [`Authority`](palisade_core::Authority), resolves the name outside ([`Lookup`]), and dials an address that
//! was itself permitted. No query and no address of the agent's choosing ever leaves.
//!
//! What the client says first is held back until it has been read: a TLS server name, or the
//! `Host` of an HTTP/1 request, must be the name that was resolved. Then bytes pass as they are, or,
//! where the policy says so ([`Inspector`]), TLS ends here and each HTTP request is decided before anything is
//! dialled or sent.
//!
//! # What this does not see
//! - Where bytes pass as they are: the `Host` inside TLS, every HTTP request of a connection after the
//!   first, TLS that starts later in a connection (STARTTLS), and a second ClientHello after a retry.
//! - What follows the 101 of a WebSocket.
//! - What a permitted request carries to its host.
//!
//! # Trust
//! Everything that comes out of the sandbox is hostile: packets, first bytes, timing, counts.
//! What comes from a dialled host is passed on unread, or read as HTTP and written anew. The sockets, the authority and the
//! lookup are trusted.

#![forbid(unsafe_code)]

mod callers;
mod connection;
pub mod credential;
mod destination;
mod dial;
mod error;
mod first_flight;
mod forward;
#[doc(hidden)]
pub mod fuzz;
mod inspect;
mod limits;
mod lookup;
mod observer;
mod outbound;
mod own_addresses;
mod peeked;
mod proxy;
mod published;
mod question;
mod records;
mod relay;
mod request_head;
mod resolver;
mod services;
mod synthetic;
mod tls_hello;

pub use callers::Callers;
pub use destination::{Destination, original_destination};
pub use error::EgressError;
pub use inspect::{
    AnswerFilter, BodyWatch, CaError, Inspector, Passing, SandboxCa, TlsEnd, Transform,
};
pub use limits::Limits;
pub use lookup::{HostLookup, Lookup};
pub use observer::{EndCause, Ended, Observer};
pub use outbound::{Login, OutboundProxy, ProxyHost};
pub use own_addresses::own_addresses;
pub use proxy::Proxy;
pub use published::Claim;
pub use records::{HostRecords, Records};
pub use request_head::{RequestHead, read_request_head};
pub use resolver::{DnsSockets, Resolver};
pub use services::{Service, Services};
pub use synthetic::{Lease, Meaning, Synthetic, SyntheticMap};
pub use tls_hello::{ClientHello, read_client_hello};
