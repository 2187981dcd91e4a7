//! The model gateway: what a sandbox reaches as `http://inference.local`.
//!
//! A request comes in over a stream that the egress layer hands over ([`Gateway::serve`]). It is
//! read whole and bounded, understood (endpoint, model), matched to a [`Route`], put to the
//! [`Authority`](palisade_core::Authority), and only then sent to the operator's [`Provider`]
//! with the real key. The answer streams back frame by frame, byte for byte; only a tool call in it is
//! held until it is whole and decided (`inspect`).
//!
//! What it trusts: the operator's configuration and, for HTTPS, the operator's certificate roots.
//! What it does not: every byte of a request, and what a provider's answer may give away. Nothing
//! is passed because it is unknown: an endpoint, query, header or encoding that is not on a list
//! here is refused or dropped. The sandbox's own key is never sent anywhere; the real one is
//! never sent in.

#![forbid(unsafe_code)]

mod account;
mod answer;
mod api;
mod asking;
mod body;
mod bounds;
mod config;
mod connector;
mod credential;
mod doors;
mod embeddings;
mod endpoint;
#[doc(hidden)]
pub mod fuzz;
mod gateway;
mod gemini_path;
mod guard;
mod headers;
mod hosted;
mod inspect;
mod known_calls;
mod limits;
mod model_field;
mod model_pattern;
mod observe;
mod outgoing;
mod passage;
mod private;
mod quota;
mod reading;
mod redact;
mod refusal;
mod relay;
mod restore;
mod results;
mod scrub;
mod sse;
mod strict_json;
mod table;
mod tls;
mod translate;
mod upstream_url;
mod usage;
mod websocket;

pub use api::Api;
pub use config::{
    AwsFeed, ConfigError, Fallback, GatewayConfig, KeyFeed, KeySource, Provider, Route, Tunnel,
};
pub use credential::{HeaderCredential, TemplateError};
pub use doors::Door;
pub use gateway::Gateway;
pub use guard::Guard;
pub use hosted::Hosting;
pub use inspect::ServerTool;
pub use limits::Limits;
pub use model_pattern::{ModelPattern, ModelPatternError};
pub use palisade_sigv4::Keys as AwsKeys;
pub use private::LocalOnly;
pub use quota::{PRICES_OF, Price, PriceFor, Quota, QuotaError, Usd, built_in};
pub use redact::{KnownSecret, Redacted, Redactor, Unsearchable};
pub use upstream_url::{UpstreamUrl, UpstreamUrlError, is_local};
pub use usage::Usage;
