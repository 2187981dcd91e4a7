//! How an agent inside tells of its hooks' events: HTTP to a name that only the supervisor answers.
//!
//! `POST /v1/hook/AGENT` with the agent's own JSON; the answer is a [`Reply`]. With `/v1/call/AGENT` whoever announces
//! a call can ask nobody, as `palisade mcp`: the operator is asked then, and the answer waits for that. Whoever is inside can ask, and
//! learns what the policy says of a call; nothing is permitted by an answer, as every layer below decides by
//! itself what is then done.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use palisade_core::{BoxFuture, Verdict};
use palisade_egress::Service;
use palisade_hooks::{Agent, Announced, Event, Ran, ReplyTo, Say};
use tokio::{net::TcpStream, sync::Semaphore, time::timeout};

use super::{Decided, Hooks, Rules, tool_call};
use crate::pipeline::{Asks, Pipeline};

/// The name inside. Nobody can own it: `.local` is no zone of the public DNS.
pub(crate) const NAME: &str = "palisade.local";
pub(crate) const PORT: u16 = 80;

/// Bytes of what an agent tells.
const MOST_BYTES: usize = 4 << 20;
/// KiB of what all tell at one time; more wait.
const MOST_TOLD: usize = 16 << 10;
/// For a request's head, and then for its body.
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests at one time; more wait.
const MOST_REQUESTS: usize = 32;

/// The service.
pub(crate) struct Door {
    pipeline: Arc<Pipeline>,
    turns: Semaphore,
    told: Semaphore,
}

impl Door {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        let (turns, told) = (Semaphore::new(MOST_REQUESTS), Semaphore::new(MOST_TOLD));
        Self { pipeline, turns, told }
    }

    async fn answered(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let asked = match (path.strip_prefix("/v1/hook/"), path.strip_prefix("/v1/call/")) {
            (Some(name), _) => Agent::named(name).map(|agent| (agent, Asks::Agent)),
            (None, Some(name)) => Agent::named(name).map(|agent| (agent, Asks::Operator)),
            (None, None) => None,
        };
        let (agent, asks) = match (asked, request.method()) {
            (Some(asked), &Method::POST) => asked,
            (Some(_), _) => return plain(StatusCode::METHOD_NOT_ALLOWED),
            (None, _) => return plain(StatusCode::NOT_FOUND),
        };
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let length = match length {
            None => return plain(StatusCode::LENGTH_REQUIRED),
            Some(length) if length > MOST_BYTES => return plain(StatusCode::PAYLOAD_TOO_LARGE),
            Some(length) => u32::try_from(length.div_ceil(1024)).unwrap_or(u32::MAX),
        };
        let (Ok(_turn), Ok(_room)) =
            (self.turns.acquire().await, self.told.acquire_many(length).await)
        else {
            return plain(StatusCode::SERVICE_UNAVAILABLE);
        };
        let body = Limited::new(request.into_body(), MOST_BYTES).collect();
        let told = match timeout(PATIENCE, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => return plain(StatusCode::REQUEST_TIMEOUT),
        };
        let reply = self.pipeline.announced(agent, &told, asks).await;
        let bytes = serde_json::to_vec(&reply).unwrap_or_default();
        let mut response = Response::new(Full::new(Bytes::from(bytes)));
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

impl Service for Door {
    fn serve(&self, stream: TcpStream) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let answer = |request| async { Ok::<_, Infallible>(self.answered(request).await) };
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(64 * 1024);
            // A client that breaks off is its own affair.
            server
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await
                .unwrap_or_default();
        })
    }
}

/// What was decided of what an agent told.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// For the reply.
    pub(crate) to: ReplyTo,
    /// The tool call as it was decided, if there is one.
    pub(crate) decided: Option<Decided>,
    /// Each hook that ran for an event that is about no call to come.
    pub(crate) ran: Vec<Ran>,
}

impl Outcome {
    /// Of a part of ours that did not keep its word.
    pub(crate) fn unexpected() -> Self {
        let to = ReplyTo {
            say: Some(Say::Deny),
            reason: "a decision without hooks waited for something".to_owned(),
            ..ReplyTo::default()
        };
        Self { to, decided: None, ran: Vec::new() }
    }
}

/// Decide what an agent tells: rules and hooks for a call to come, hooks alone for all else.
pub(crate) async fn decided(
    hooks: Option<&Hooks>,
    announced: &Announced,
    rules: &Rules<'_>,
) -> Outcome {
    let nothing = Outcome { to: ReplyTo::default(), decided: None, ran: Vec::new() };
    let Some(event) = announced.event else { return nothing };
    match &announced.call {
        Some(call) if event == Event::PRE_TOOL_USE => {
            let mut decided = tool_call(hooks, call, Some(&announced.fields), rules).await;
            let to = ReplyTo {
                say: decided.say,
                reason: decided.decision.reason.clone(),
                input: decided.input(),
                answer: std::mem::take(&mut decided.answer),
            };
            Outcome { to, decided: Some(decided), ran: Vec::new() }
        }
        call => {
            let mut to = ReplyTo::default();
            let mut ran = Vec::new();
            // An agent that asks its user for what a rule denies need not ask.
            if let (Some(call), true) = (call, event == Event::PERMISSION_REQUEST) {
                let decision = rules(&palisade_core::Action::ToolCall(Box::new(call.clone())));
                if decision.verdict == Verdict::Deny {
                    (to.say, to.reason) = (Some(Say::Deny), decision.reason);
                    return Outcome { to, ..nothing };
                }
            }
            if let Some(hooks) = hooks.filter(|hooks| hooks.runner.has(event)) {
                let fields = match call {
                    Some(call) => palisade_hooks::of_tool_call(announced.fields.clone(), call),
                    None => announced.fields.clone(),
                };
                let outcome = hooks.runner.run(event, &fields, call.as_ref(), &[]).await;
                (to.say, to.reason) = (outcome.answer.say, outcome.answer.reason.clone());
                to.answer = outcome.answer;
                ran = outcome.ran;
                // A changed input of this event is not decided by rules: it is not taken.
                if to.answer.input.take().is_some() && to.say == Some(Say::Allow) {
                    to.say = Some(Say::Deny);
                    to.reason = "a hook changes the input here; use PreToolUse for that".to_owned();
                }
            }
            Outcome { to, decided: None, ran }
        }
    }
}
