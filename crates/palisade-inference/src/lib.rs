//! The model gateway: what a sandbox reaches as `http://inference.local`.
//!
//! A request comes in over a stream that the egress layer hands over ([`Gateway::serve`]). It is
//! read whole and bounded, understood (endpoint, model), matched to a [`Route`], put to the
//! [`Authority`](palisade_core::Authority), and only then sent to the operator's [`Provider`]
//! with the real key. The answer streams back frame by frame, byte for byte.
//!
//! What it trusts: the operator's configuration and, for HTTPS, the operator's certificate roots.
//! What it does not: every byte of a request, and what a provider's answer may give away. Nothing
//! is passed because it is unknown: an endpoint, query, header or encoding that is not on a list
//! here is refused or dropped. The sandbox's own key is never sent anywhere; the real one is
//! never sent in.

#![forbid(unsafe_code)]

mod answer;
mod api;
mod body;
mod config;
mod connector;
mod credential;
mod endpoint;
mod gateway;
mod headers;
mod limits;
mod model_field;
mod model_pattern;
mod passage;
mod refusal;
mod scrub;
mod table;
mod tls;
mod upstream_url;

pub use api::Api;
pub use config::{ConfigError, GatewayConfig, KeySource, Provider, Route, Tunnel};
pub use credential::{HeaderCredential, TemplateError};
pub use gateway::Gateway;
pub use limits::Limits;
pub use model_pattern::{ModelPattern, ModelPatternError};
pub use upstream_url::{UpstreamUrl, UpstreamUrlError};
