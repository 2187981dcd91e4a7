use std::time::Duration;

use http::StatusCode;

use crate::{Api, Unsearchable, model_field::BodyError, quota::Exceeded, websocket::FrameError};

/// Why a request is not answered by a provider. The text of each goes to the agent: it never
/// holds a key or a part of a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Method, path or query are not on the list.
    #[error("{0}")]
    Endpoint(String),
    /// The client wants another protocol on this connection, and no WebSocket that is spoken here.
    #[error(
        "the gateway does not change protocols here; use plain HTTP and server-sent events: {0}"
    )]
    Upgrade(&'static str),
    /// What came over a WebSocket cannot be read on.
    #[error("{0}")]
    WebSocket(FrameError),
    /// A second request on a WebSocket.
    #[error(
        "another request is being answered on this WebSocket; send one at a time, or open another connection"
    )]
    Running,
    /// It goes on with an answer, or in a container, that is none of this session.
    #[error(
        "the request names an answer, an item or a container that is kept at the provider, and none of this session; send the conversation itself, without `previous_response_id`, `item_reference` and the container's id"
    )]
    NotStored,
    /// A compressed body.
    #[error("the body must come without a content encoding")]
    Encoding,
    /// A body over the limit.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// All sandboxes' bodies together are over the limit.
    #[error("too many large requests at once; try again")]
    Crowded,
    /// The body ended early or stopped coming.
    #[error("the body did not come to its end")]
    Incomplete,
    /// The body came and is not understood.
    #[error("{0}")]
    Body(#[from] BodyError),
    /// It asks for something that runs at the provider.
    #[error("{0}")]
    AtProvider(String),
    /// It brings the result of a call that no answer let go.
    #[error("{0}")]
    Results(String),
    /// No route takes the model.
    #[error("no route takes the model `{0}`; routes are in `inference.routes` of the policy")]
    NoRoute(String),
    /// The route leads to a provider that speaks another format.
    #[error(
        "the model `{model}` is routed to `{to}`, which speaks the {speaks} API and not the {asked} API; there is no translation for this request: only Anthropic Messages and OpenAI Chat Completions are translated into each other"
    )]
    Translation { model: String, to: String, speaks: Api, asked: Api },
    /// The request has something that the provider's format cannot say.
    #[error("the provider `{provider}` speaks another API, in which this cannot be said: {why}")]
    Untranslated { provider: String, why: String },
    /// No provider speaks the format of a request that names no model.
    #[error("no provider in the policy speaks the {0} API")]
    NoProvider(Api),
    /// It carries what only a local provider may have, and no route leads to one.
    #[error(
        "the request carries what may not leave ({0}; `inference.local_only` of the policy), and no route for its model leads to a local provider"
    )]
    Private(String),
    /// The operator has not provided the key.
    #[error("the provider `{provider}` has no key: {why}")]
    KeyMissing { provider: String, why: String },
    /// Secrets cannot be looked for in it.
    #[error("{0}")]
    Unsearchable(Unsearchable),
    /// A limit of the policy.
    #[error("{0}")]
    Limit(#[from] Exceeded),
    /// The engine said no.
    #[error("{0}")]
    Denied(String),
    /// The provider did not answer, or not in a way that can be passed on.
    #[error("the provider `{provider}` {why}")]
    Upstream { provider: String, why: String },
    /// The provider took too long to begin.
    #[error("the provider `{provider}` did not begin to answer within {} s", .after.as_secs())]
    Slow { provider: String, after: Duration },
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Refusal::Endpoint(_)
            | Refusal::AtProvider(_)
            | Refusal::Results(_)
            | Refusal::NoRoute(_)
            | Refusal::Translation { .. }
            | Refusal::NoProvider(_)
            | Refusal::KeyMissing { .. }
            | Refusal::Private(_)
            | Refusal::Denied(_) => StatusCode::FORBIDDEN,
            Refusal::Limit(Exceeded::Spent { .. } | Exceeded::Locked) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Refusal::Limit(Exceeded::Never { .. }) => StatusCode::BAD_REQUEST,
            Refusal::Limit(Exceeded::NotNamed { .. } | Exceeded::NoPrice { .. }) => {
                StatusCode::FORBIDDEN
            }
            Refusal::Limit(Exceeded::Store(_)) => StatusCode::SERVICE_UNAVAILABLE,
            // Codex falls back to plain HTTP when its WebSocket is answered with 426.
            Refusal::Upgrade(_) => StatusCode::UPGRADE_REQUIRED,
            Refusal::Running => StatusCode::CONFLICT,
            Refusal::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Incomplete => StatusCode::REQUEST_TIMEOUT,
            Refusal::Body(_)
            | Refusal::Unsearchable(_)
            | Refusal::Untranslated { .. }
            | Refusal::WebSocket(_)
            | Refusal::NotStored => StatusCode::BAD_REQUEST,
            Refusal::Upstream { .. } => StatusCode::BAD_GATEWAY,
            Refusal::Slow { .. } => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The provider's own word for this kind of error.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Refusal::TooLarge(_) => "request_too_large",
            Refusal::Limit(Exceeded::Spent { .. } | Exceeded::Locked) => "rate_limit_error",
            Refusal::Limit(Exceeded::Never { .. }) => "invalid_request_error",
            Refusal::Limit(Exceeded::NotNamed { .. } | Exceeded::NoPrice { .. }) => {
                "permission_error"
            }
            Refusal::Limit(Exceeded::Store(_)) => "api_error",
            Refusal::Crowded => "overloaded_error",
            Refusal::Slow { .. } => "timeout_error",
            Refusal::Upstream { .. } => "api_error",
            Refusal::Encoding
            | Refusal::Incomplete
            | Refusal::Body(_)
            | Refusal::Unsearchable(_)
            | Refusal::WebSocket(_)
            | Refusal::Running
            | Refusal::NotStored
            | Refusal::Untranslated { .. } => "invalid_request_error",
            Refusal::Endpoint(_)
            | Refusal::Upgrade(_)
            | Refusal::AtProvider(_)
            | Refusal::Results(_)
            | Refusal::NoRoute(_)
            | Refusal::Translation { .. }
            | Refusal::NoProvider(_)
            | Refusal::KeyMissing { .. }
            | Refusal::Private(_)
            | Refusal::Denied(_) => "permission_error",
        }
    }

    /// Google's word for it.
    pub(crate) fn google_status(&self) -> &'static str {
        match self.error_type() {
            "invalid_request_error" | "request_too_large" => "INVALID_ARGUMENT",
            "overloaded_error" | "api_error" => "UNAVAILABLE",
            "timeout_error" => "DEADLINE_EXCEEDED",
            _ => "PERMISSION_DENIED",
        }
    }

    /// OpenAI's words for this kind of error: its type and its code. Clients give up on
    /// `insufficient_quota`, and wait and try again on `rate_limit_exceeded`.
    pub(crate) fn openai(&self) -> (&'static str, &'static str) {
        match self {
            Refusal::Limit(Exceeded::Spent { rate: false, .. }) => {
                ("insufficient_quota", "insufficient_quota")
            }
            Refusal::Limit(Exceeded::Spent { rule, .. }) if rule.contains("tokens") => {
                ("tokens", "rate_limit_exceeded")
            }
            Refusal::Limit(Exceeded::Spent { .. } | Exceeded::Locked) => {
                ("requests", "rate_limit_exceeded")
            }
            // Clients know it: they send all again.
            Refusal::NotStored => (self.error_type(), "previous_response_not_found"),
            _ => (self.error_type(), "palisade"),
        }
    }

    /// Whether a client may try the same again.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Refusal::Crowded
                | Refusal::Upstream { .. }
                | Refusal::Slow { .. }
                | Refusal::Limit(Exceeded::Spent { rate: true, .. } | Exceeded::Locked)
        )
    }

    /// Seconds after which the same may succeed.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            // A minute's window is a second longer. Versions of the SDKs that are told of more than a minute do not wait.
            Refusal::Limit(Exceeded::Spent { retry, rate: true, .. }) => {
                retry.map(|seconds| seconds.min(60))
            }
            Refusal::Limit(Exceeded::Spent { retry, .. }) => *retry,
            _ => self.is_passing().then_some(1),
        }
    }

    /// Whether the journal has an event of this already: a decision of the engine, or a call
    /// that was permitted and then failed.
    pub(crate) fn is_recorded(&self) -> bool {
        matches!(
            self,
            Refusal::Denied(_)
                | Refusal::Private(_)
                | Refusal::Limit(_)
                | Refusal::Upstream { .. }
                | Refusal::Slow { .. }
        )
    }
}
