//! A question to a model of the operator's own, outside of any sandbox.
//!
//! It goes through the gateway that a sandbox has, so by the policy's routes, keys, limits and `local_only`, without its
//! known secrets and keys of known forms. No tool is offered, and none that an answer calls is let through. What comes
//! back is hostile, and is bounded in bytes and time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;
use palisade_core::{Action, Authority, BoxFuture, Decision, Event, shown};
use palisade_egress::HostLookup;
use palisade_inference::{Gateway, ModelPattern, Redactor};
use palisade_policy::{Api, Inference, Policy};
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    models,
    order::Operator,
    outward,
    refusal::{Refusal, Refuse},
    secret::{AGAIN, http as client},
};

/// Bytes of an answer, with all that its format has besides words.
const MOST_BYTES: usize = 2 << 20;
/// Tokens of an answer.
const MOST_TOKENS: u32 = 4096;
/// Characters of what a provider says of a failure.
const MESSAGE: usize = 200;
/// The pipe to the gateway.
const PIPE: usize = 64 * 1024;

/// A model that the policy has a way to. Nothing was read but the policy, and nothing was sent.
#[derive(Debug)]
pub struct Model {
    name: String,
    policy: Policy,
    inference: Inference,
    operator: Operator,
}

/// A model that can be asked.
#[derive(Debug)]
pub struct Asking {
    name: String,
    api: Api,
    gateway: Gateway,
    redactor: Redactor,
    runtime: Runtime,
}

impl Model {
    /// The model of this name, by the first route of the policy that takes it.
    ///
    /// # Errors
    /// No route does.
    pub fn of(policy: Policy, operator: Operator, name: &str) -> Result<Self, Refusal> {
        let none = || {
            Refusal::new(
                format!("no route of the policy leads to a model `{}`", shown(name, 100)),
                "name a model that `inference.routes` of your policy takes, or another policy with --policy",
            )
        };
        let mut inference = policy.inference.clone().ok_or_else(none)?;
        let takes =
            |model: &str| model.parse::<ModelPattern>().is_ok_and(|pattern| pattern.matches(name));
        inference.routes.retain(|route| takes(&route.model));
        if inference.routes.is_empty() {
            return Err(none());
        }
        // Keys of others are not read.
        let named: BTreeSet<String> = targets(&inference).map(str::to_owned).collect();
        inference.providers.retain(|name, _| named.contains(name));
        inference.server_tools.clear();
        (inference.redact, inference.restore, inference.guard) = (true, false, None);
        Ok(Self { name: name.to_owned(), policy, inference, operator })
    }

    /// Who may be asked: each provider's name and URL.
    pub fn to(&self) -> String {
        let first = self.inference.routes.iter().take(1);
        let first = first.flat_map(|route| {
            std::iter::once(&route.to).chain(route.fallback.iter().map(|it| &it.to))
        });
        let mut all: Vec<String> = first
            .filter_map(|name| {
                let provider = self.inference.providers.get(name)?;
                Some(format!("{} ({})", shown(name, 100), shown(&provider.url, 200)))
            })
            .collect();
        all.dedup();
        all.join(" or ")
    }

    /// Read the keys. Nothing is sent yet. It starts threads, and the process holds secrets from now on.
    ///
    /// # Errors
    /// The policy's `inference` cannot be used.
    pub fn open(self) -> Result<Asking, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.refuse("start a runtime", AGAIN)?;
        let Self { name, policy, inference, operator } = self;
        let own =
            palisade_egress::own_addresses().refuse("this machine's addresses", "report this")?;
        let (gateway, redactor) = runtime.block_on(async {
            let lookup = Arc::new(HostLookup::new(policy.network.hosts.clone()));
            let outbound = outward::outbound(&policy.network, &operator, own, lookup).await;
            models::alone(&inference, &policy, outbound, &operator, Arc::new(Alone)).await
        })?;
        let first = inference.routes.first().and_then(|route| inference.providers.get(&route.to));
        let api = first.map_or(Api::Anthropic, |provider| provider.api);
        Ok(Asking { name, api, gateway, redactor, runtime })
    }
}

/// The providers that routes name.
fn targets(inference: &Inference) -> impl Iterator<Item = &str> {
    inference.routes.iter().flat_map(|route| {
        std::iter::once(route.to.as_str()).chain(route.fallback.iter().map(|it| it.to.as_str()))
    })
}

impl Asking {
    /// A text without the secrets that are known or have a known form; it keeps its lines. How many were found.
    pub fn without_secrets(&self, text: &str) -> (String, usize) {
        let found = self.redactor.kinds_in(text.as_bytes());
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for (kind, range) in &found {
            let start = text.floor_char_boundary(range.start).max(at);
            let end = text.ceil_char_boundary(range.end).max(start);
            out.push_str(text.get(at..start).unwrap_or_default());
            out.push_str(&format!("[palisade:{kind}]"));
            let lines = text.get(start..end).unwrap_or_default().matches('\n').count();
            out.extend(std::iter::repeat_n('\n', lines));
            at = end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        (out, found.len())
    }

    /// What the model says to this, in words. `told` is what it is told before, `within` how long it may take.
    ///
    /// # Errors
    /// It gave no answer in words; why, in a sentence that steers no terminal.
    pub fn ask(&self, told: &str, asked: &str, within: Duration) -> Result<String, String> {
        let request = self.request(told, asked).map_err(|error| error.to_string())?;
        let gateway = self.gateway.clone();
        let answer = self.runtime.block_on(async move {
            let (near, far) = tokio::io::duplex(PIPE);
            let serving = tokio::spawn(async move { gateway.serve(far).await });
            let answer = timeout(within, client::exchanged(near, request, MOST_BYTES)).await;
            serving.abort();
            let late = || format!("it did not answer within {} seconds", within.as_secs());
            answer.map_err(|_| late())?
        })?;
        let body: Value = match serde_json::from_slice(&answer.body) {
            Ok(body) => body,
            Err(_) if answer.status != StatusCode::OK => Value::Null,
            Err(_) => return Err("its provider's answer is no JSON".to_owned()),
        };
        if answer.status != StatusCode::OK {
            let message = body.pointer("/error/message").and_then(Value::as_str);
            let message = shown(message.unwrap_or("no reason was given").trim(), MESSAGE);
            return Err(format!("it was refused ({}): {message}", answer.status.as_u16()));
        }
        match self.api {
            Api::Gemini => of_gemini(&body),
            Api::Anthropic | Api::OpenAi => of_message(&body),
        }
    }

    /// In a format that the gateway says in its provider's.
    fn request(&self, told: &str, asked: &str) -> Result<Request<Full<Bytes>>, http::Error> {
        let (path, body) = match self.api {
            Api::Gemini => (
                format!("/v1beta/models/{}:generateContent", self.name),
                json!({
                    "systemInstruction": {"parts": [{"text": told}]},
                    "contents": [{"role": "user", "parts": [{"text": asked}]}],
                    "generationConfig": {"maxOutputTokens": MOST_TOKENS},
                }),
            ),
            Api::Anthropic | Api::OpenAi => (
                "/v1/messages".to_owned(),
                json!({
                    "model": self.name, "max_tokens": MOST_TOKENS, "system": told,
                    "messages": [{"role": "user", "content": asked}],
                }),
            ),
        };
        Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, "inference.local")
            .header(header::CONTENT_TYPE, "application/json")
            .header("anthropic-version", "2023-06-01")
            .body(Full::from(body.to_string()))
    }
}

/// The words of a message, if it ends as a whole one does.
fn of_message(body: &Value) -> Result<String, String> {
    let ended = body.get("stop_reason").and_then(Value::as_str);
    ended_well(ended, ["end_turn", "stop_sequence"])?;
    let blocks = body.get("content").and_then(Value::as_array).into_iter().flatten();
    words(blocks.filter(|block| block.get("type").and_then(Value::as_str) == Some("text")))
}

fn of_gemini(body: &Value) -> Result<String, String> {
    let one = body.pointer("/candidates/0").ok_or("it refuses to answer")?;
    ended_well(one.get("finishReason").and_then(Value::as_str), ["STOP", "STOP"])?;
    let parts = one.pointer("/content/parts").and_then(Value::as_array).into_iter().flatten();
    words(parts.filter(|part| part.get("thought") != Some(&Value::Bool(true))))
}

fn ended_well(ended: Option<&str>, well: [&str; 2]) -> Result<(), String> {
    match ended {
        Some(end) if well.contains(&end) => Ok(()),
        Some("max_tokens" | "MAX_TOKENS") => {
            Err(format!("its answer was cut off at {MOST_TOKENS} tokens"))
        }
        Some("refusal" | "SAFETY" | "PROHIBITED_CONTENT" | "BLOCKLIST") => {
            Err("it refuses to answer".to_owned())
        }
        Some("tool_use") => Err("it calls a tool and does not answer".to_owned()),
        Some(other) => Err(format!("its answer ended early ({})", shown(other, 40))),
        None => Err("its answer has no end".to_owned()),
    }
}

fn words<'a>(parts: impl Iterator<Item = &'a Value>) -> Result<String, String> {
    let text: String = parts.filter_map(|part| part.get("text")?.as_str()).collect();
    if text.trim().is_empty() { Err("it says nothing".to_owned()) } else { Ok(text) }
}

/// Who decides about the operator's own question: the call of the model is what was asked for, and nothing else is.
struct Alone;

impl Authority for Alone {
    fn consider(&self, action: &Action) -> Decision {
        match action {
            Action::ModelCall { .. } => {
                Decision::allow("the command line", "the operator asks this model")
            }
            _ => Decision::deny("the operator asked for an answer in words, and for nothing else"),
        }
    }

    fn authorize<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Decision> {
        Box::pin(std::future::ready(self.consider(action)))
    }

    fn record(&self, _: Event) -> BoxFuture<'_, bool> {
        // There is no session that it would belong to.
        Box::pin(std::future::ready(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_in_words_is_one() {
        let message = |end: Value, content: Value| {
            of_message(&json!({"stop_reason": end, "content": content}))
        };
        let text = json!([{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        assert_eq!(message(json!("end_turn"), text.clone()), Ok("ab".into()));
        for end in ["max_tokens", "refusal", "tool_use", "pause_turn", "\u{1b}[2J"] {
            let why = message(json!(end), text.clone()).unwrap_err();
            assert!(!why.contains('\u{1b}'), "{why}");
        }
        assert!(message(Value::Null, text).is_err());
        for none in [json!([]), json!(null), json!("a"), json!([{"type": "text", "text": " "}])] {
            assert!(message(json!("end_turn"), none).is_err());
        }
        let candidate = |end: &str| {
            json!({"candidates": [{"finishReason": end, "content": {"parts": [
            {"text": "x", "thought": true}, {"text": "a"}]}}]})
        };
        assert_eq!(of_gemini(&candidate("STOP")), Ok("a".into()));
        assert!(of_gemini(&candidate("SAFETY")).is_err() && of_gemini(&json!({})).is_err());
    }
}
